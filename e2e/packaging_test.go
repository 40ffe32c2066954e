// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"debug/buildinfo"
	"encoding/json"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServiceUnit: systemd finds no error in the unit, and a small exposure.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("systemd-analyze")
	require.NoError(t, err, "install Debian's package systemd, or run `make e2e`, which does")
	unit, err := os.ReadFile("../packaging/otelcol-feishu.service")
	require.NoError(t, err)
	collector, err := filepath.Abs(binary(t))
	require.NoError(t, err)
	require.Contains(t, string(unit), "/usr/bin/otelcol-feishu")
	path := filepath.Join(t.TempDir(), "otelcol-feishu.service")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(unit), "/usr/bin/otelcol-feishu", collector)), 0o600))
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	// What systemd reports about other units of this machine does not matter.
	require.NotContains(t, string(out), filepath.Base(path)+":")
	// Out of 100: ten times the exposure level that it shows.
	out, err = exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestServiceEnvironment: the first configuration of the packages gets what it needs from the unit: variables
// from the file that the unit reads, and the secret from a credential.
func TestServiceEnvironment(t *testing.T) {
	t.Parallel()
	variables, err := os.ReadFile("../packaging/otelcol-feishu.env")
	require.NoError(t, err)
	config, err := os.ReadFile("../packaging/collector.yaml")
	require.NoError(t, err)
	names := needed.FindAllStringSubmatch(string(config), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.Regexp(t, `(?m)^`+name[1]+`=`, string(variables))
	}
	require.NotContains(t, string(variables), "SECRET=")
	unit, err := os.ReadFile("../packaging/otelcol-feishu.service")
	require.NoError(t, err)
	require.Contains(t, string(unit), "\nEnvironmentFile=/etc/otelcol-feishu/otelcol-feishu.env\n")
	credential := regexp.MustCompile(`(?m)^LoadCredential=(\w+):/etc/otelcol-feishu/(\w+)$`).FindStringSubmatch(string(unit))
	require.NotNil(t, credential)
	require.Equal(t, credential[1], credential[2], "an example names it by its file")
	require.Contains(t, string(config), "/"+credential[1]+"}")
	require.Contains(t, string(unit), "StateDirectory=otelcol-feishu\n")
	for _, folder := range found(`(/var/lib/[\w-]+)`, string(config)+string(unit)) {
		require.Equal(t, "/var/lib/otelcol-feishu", folder, "all that it may write")
	}
	atMost := regexp.MustCompile(`(?m)^MemoryMax=(\d+)M$`).FindStringSubmatch(string(unit))
	soft := regexp.MustCompile(`(?m)^Environment=GOMEMLIMIT=(\d+)MiB$`).FindStringSubmatch(string(unit))
	require.NotNil(t, atMost)
	require.NotNil(t, soft)
	below(t, soft[1], atMost[1])
}

// below: Go's memory limit is four fifths of the kernel's, both in MiB.
func below(t *testing.T, soft, hard string) {
	t.Helper()
	s, err := strconv.ParseFloat(soft, 64)
	require.NoError(t, err)
	h, err := strconv.ParseFloat(hard, 64)
	require.NoError(t, err)
	require.InDelta(t, 0.8, s/h, 0.01)
}

// dockerfile is the result of packaging/Dockerfile.
type dockerfile struct {
	bases           []string
	storage         bool       // whether STORAGE_DIR is the folder that the user owns
	copies          [][]string // of the last stage: source stage, source, destination
	made            []string   // what RUN creates in the first stage
	owned           string     // the folder that belongs to the image's user
	user            string
	entrypoint, cmd []string
}

func readDockerfile(t *testing.T) dockerfile {
	t.Helper()
	text, err := os.ReadFile("../packaging/Dockerfile")
	require.NoError(t, err)
	var d dockerfile
	folder := ""
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, arguments, _ := strings.Cut(line, " ")
		words := strings.Fields(arguments)
		switch name {
		case "FROM":
			d.bases = append(d.bases, arguments)
		case "WORKDIR":
			folder = arguments
		case "RUN":
			require.Len(t, d.bases, 1, "the last stage has no shell")
			for command := range strings.SplitSeq(arguments, " && ") {
				words := strings.Fields(command)
				switch {
				case strings.HasSuffix(command, "make build"):
					// The Makefile's default goal is the binary.
					built := regexp.MustCompile(`(?m)^build: \$\(BUILD\)/(\S+) `).FindStringSubmatch(makefile(t))
					require.NotNil(t, built)
					d.made = append(d.made, folder+"/_build/"+built[1])
				case strings.HasSuffix(command, "make tool"):
					d.made = append(d.made, folder+"/_build/feishu-audit")
				case words[0] == "mkdir":
					d.made = append(d.made, words[len(words)-1])
				default:
					t.Fatalf("this test does not know what %q makes", command)
				}
			}
		case "COPY":
			if len(d.bases) == 1 { // the sources
				require.Equal(t, ". .", arguments)
				continue
			}
			require.Equal(t, "--from=build", words[0])
			if owner, ok := strings.CutPrefix(words[1], "--chown="); ok {
				require.Empty(t, d.owned)
				d.owned = words[3]
				d.copies = append(d.copies, []string{owner, words[2], words[3]})
			} else {
				d.copies = append(d.copies, []string{"", words[1], words[2]})
			}
		case "ENV":
			require.Equal(t, "STORAGE_DIR="+d.owned, arguments, "the position is on the volume")
			d.storage = true
		case "LABEL":
			require.Len(t, d.bases, 2)
			require.Contains(t, arguments, "org.opencontainers.image.source=")
		case "USER":
			d.user = arguments
		case "ENTRYPOINT":
			require.NoError(t, json.Unmarshal([]byte(arguments), &d.entrypoint), "the image has no shell")
		case "CMD":
			require.NoError(t, json.Unmarshal([]byte(arguments), &d.cmd), "the image has no shell")
		default:
			t.Fatalf("this test does not know %s", name)
		}
	}
	return d
}

// TestDockerfile: the image is built with a Go release that is new enough for everything that it builds, without
// downloading another one, and that gets security fixes with each build: its tag names no patch release. The last
// base is one without a shell. It copies exactly what the build makes.
// Its user has a number other than root's, as Kubernetes requires, and owns the only folder to write to. That
// the bases have not changed is checked at a release: packaging/README.md.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	d := readDockerfile(t)
	require.Len(t, d.bases, 2)
	const digest = `(@sha256:[0-9a-f]{64})?`
	image := regexp.MustCompile(`^golang:(\d+\.\d+)-\w+` + digest + ` AS build$`).FindStringSubmatch(d.bases[0])
	require.NotNil(t, image, "a minor release of Go, whose patch releases have the security fixes")
	// The Go project maintains its two newest minor releases. These tests need one of them.
	require.GreaterOrEqual(t, version.Compare("go"+image[1], "go1.26"), 0)
	for _, module := range []string{".", "cmd/feishu-audit", "distribution/otelcol-feishu", "internal/tools"} {
		mod, err := os.ReadFile("../" + module + "/go.mod")
		require.NoError(t, err)
		asked := regexp.MustCompile(`(?m)^(?:go |toolchain go)(\d+\.\d+\.\d+)$`).FindAllStringSubmatch(string(mod), -1)
		require.NotEmpty(t, asked, module)
		for _, asks := range asked {
			require.LessOrEqual(t, version.Compare(version.Lang("go"+asks[1]), "go"+image[1]), 0, "%s/go.mod asks for Go %s", module, asks[1])
		}
	}
	require.Regexp(t, `^\S+/distroless/static-debian\d+:nonroot`+digest+`$`, d.bases[1])

	var copied []string
	for _, c := range d.copies {
		copied = append(copied, c[1])
	}
	require.ElementsMatch(t, d.made, copied, "what the build makes is what is copied")
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, d.user)
	require.Equal(t, []string{"", d.made[0], d.entrypoint[0]}, d.copies[0])
	require.Equal(t, []string{"", d.made[1], "/feishu-audit"}, d.copies[1])
	require.Equal(t, []string{d.user, d.made[2], d.owned}, d.copies[2])
	require.Len(t, d.cmd, 2)
	require.Equal(t, "--config", d.cmd[0])
	require.Contains(t, documentation(t)["packaging/README.md"], "user "+strings.Split(d.user, ":")[0]+" ")
}

// buildContext are the files of a folder that packaging/Dockerfile.dockerignore admits to a build: of the
// patterns that match a file or a folder above it, the last one decides.
func buildContext(t *testing.T, root string) (files []string) {
	t.Helper()
	text, err := os.ReadFile("../packaging/Dockerfile.dockerignore")
	require.NoError(t, err)
	type pattern struct {
		matches *regexp.Regexp
		in      bool
	}
	var patterns []pattern
	for line := range strings.Lines(string(text)) {
		line, in := strings.CutPrefix(strings.TrimSpace(line), "!")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		expression := strings.NewReplacer(`\*\*/`, `(.*/)?`, `\*`, `[^/]*`).Replace(regexp.QuoteMeta(line))
		patterns = append(patterns, pattern{regexp.MustCompile("^" + expression + "(/.*)?$"), in})
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || entry.IsDir() {
			if name == "_build" || name == ".git" {
				return filepath.SkipDir
			}
			return err
		}
		in := true
		for _, p := range patterns {
			if p.matches.MatchString(name) {
				in = p.in
			}
		}
		if in {
			files = append(files, name)
		}
		return nil
	}))
	return files
}

// TestBuildContext: no file that may have a secret gets into the build of the image, and no necessary file is
// left out.
func TestBuildContext(t *testing.T) {
	t.Parallel()
	planted := t.TempDir()
	for _, name := range []string{".env", "examples/loki/.env", "internal/tools/.env", "cmd/secret.env", "storage/receiver_feishu_audit_", "config.yaml", ".git/config", "_build/x", "client.go"} {
		require.NoError(t, os.MkdirAll(filepath.Join(planted, filepath.Dir(name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(planted, name), nil, 0o600))
	}
	require.Equal(t, []string{"client.go"}, buildContext(t, planted))

	copied := t.TempDir()
	for _, name := range buildContext(t, "..") {
		require.NoError(t, os.MkdirAll(filepath.Join(copied, filepath.Dir(name)), 0o700))
		content, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		info, err := os.Stat(filepath.Join("..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(copied, name), content, info.Mode()))
	}
	cmd := exec.CommandContext(t.Context(), "make", "build", "tool")
	cmd.Dir = copied
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.FileExists(t, filepath.Join(copied, "_build", "otelcol-feishu"))
	require.FileExists(t, filepath.Join(copied, "_build", "feishu-audit"))
}

// TestContainers: the manifests of examples/kubernetes run the image as its user, with only volumes to write to,
// and mount files where the image looks for them.
func TestContainers(t *testing.T) {
	t.Parallel()
	image := readDockerfile(t)
	user, err := strconv.Atoi(strings.Split(image.user, ":")[0])
	require.NoError(t, err)
	config := image.cmd[1]
	found := 0
	for name, objects := range manifests(t) {
		for _, object := range objects {
			pod := at(object, "spec", "template", "spec")
			if pod == nil {
				continue
			}
			found++
			require.Equal(t, true, at(pod, "securityContext", "runAsNonRoot"), name)
			for _, container := range at(pod, "containers").([]any) {
				require.Equal(t, true, at(container, "securityContext", "readOnlyRootFilesystem"), name)
				require.Equal(t, false, at(container, "securityContext", "allowPrivilegeEscalation"), name)
				require.Equal(t, []any{"ALL"}, at(container, "securityContext", "capabilities", "drop"), name)
				if !strings.HasPrefix(at(container, "image").(string), "otelcol-feishu:") {
					continue
				}
				require.Equal(t, user, at(pod, "securityContext", "runAsUser"), name)
				require.Equal(t, user, at(pod, "securityContext", "fsGroup"), name)
				require.Equal(t, []any{"--config", config}, at(container, "args"), name)
				mounts := map[any]bool{}
				for _, mount := range at(container, "volumeMounts").([]any) {
					mounts[at(mount, "mountPath")] = true
				}
				require.True(t, mounts[filepath.Dir(config)], name)
				require.Equal(t, strings.HasPrefix(name, "statefulset/"), mounts[image.owned], "%s: the position is in a volume, or elsewhere", name)
			}
		}
	}
	require.Equal(t, 3, found, "two collectors and Redis")
}

// TestBillOfMaterials: it has exactly the modules of the collector or the tool.
func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	for name, binary := range map[string]string{"collector": binary(t), "tool": feishuAudit(t)} {
		t.Run(name, func(t *testing.T) { billOfMaterials(t, binary) })
	}
}

func billOfMaterials(t *testing.T, binary string) {
	info, err := buildinfo.ReadFile(binary)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "sbom.json")
	cmd := exec.CommandContext(t.Context(), "../internal/tools/sbom.sh", binary, path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var bom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name string }
	}
	require.NoError(t, json.Unmarshal(text, &bom))
	require.Equal(t, "CycloneDX", bom.BOMFormat)
	var listed, linked []string
	for _, c := range bom.Components {
		listed = append(listed, c.Name)
	}
	for _, module := range info.Deps {
		linked = append(linked, module.Path)
	}
	linked = append(linked, "std")
	slices.Sort(listed)
	slices.Sort(linked)
	require.Equal(t, linked, listed)
	require.Contains(t, listed, "github.com/feishuaudit/feishuauditreceiver")
	require.NotContains(t, string(text), "(devel)")
	require.NotContains(t, string(text), "../", "a folder of this machine for a module")
}
