// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestServiceUnit: systemd finds no fault in the unit, and little that it leaves open.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze, of Debian's package systemd, is missing")
	}
	unit, err := os.ReadFile("../packaging/otelcol-feishu.service")
	require.NoError(t, err)
	collector, err := filepath.Abs(binary(t))
	require.NoError(t, err)
	require.Contains(t, string(unit), "/usr/local/bin/otelcol-feishu")
	path := filepath.Join(t.TempDir(), "otelcol-feishu.service")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/otelcol-feishu", collector)), 0o600))
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	// What systemd says of other units of this machine is not about ours.
	require.NotContains(t, string(out), filepath.Base(path)+":")
	// Of 100, tenths of what it shows as the level of exposure.
	out, err = exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestServiceEnvironment: the unit's file of variables has those that the collector's
// configuration for it needs.
func TestServiceEnvironment(t *testing.T) {
	t.Parallel()
	variables, err := os.ReadFile("../packaging/otelcol-feishu.env")
	require.NoError(t, err)
	config, err := os.ReadFile("../examples/loki/collector.yaml")
	require.NoError(t, err)
	for _, name := range needed.FindAllStringSubmatch(string(config), -1) {
		require.Regexp(t, `(?m)^`+name[1]+`=`, string(variables))
	}
}

// TestDockerfile: the image's base is pinned, it copies only what exists, and its user
// has a number other than root's, as Kubernetes wants to see it.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../packaging/Dockerfile")
	require.NoError(t, err)
	instructions := map[string][]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, arguments, _ := strings.Cut(line, " ")
		require.Contains(t, []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}, name)
		instructions[name] = append(instructions[name], arguments)
	}
	require.Len(t, instructions["FROM"], 2)
	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`golang:(\d+\.\d+)\.\d+-`).FindStringSubmatch(instructions["FROM"][0])
	require.NotNil(t, version, "a pinned release of Go")
	require.Contains(t, string(mod), "\ngo "+version[1]+".", "the release that go.mod asks for")
	require.Regexp(t, `^\S+/distroless/static-debian\d+:nonroot$`, instructions["FROM"][1])
	require.Equal(t, []string{"65532:65532"}, instructions["USER"])
	for _, name := range []string{"ENTRYPOINT", "CMD"} {
		var words []string
		require.NoError(t, json.Unmarshal([]byte(instructions[name][0]), &words), "the image has no shell")
	}
}

// TestBillOfMaterials: it names every module that is in the collector, and no other.
func TestBillOfMaterials(t *testing.T) {
	t.Parallel()
	info, err := buildinfo.ReadFile(binary(t))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "sbom.json")
	cmd := exec.CommandContext(t.Context(), "../internal/tools/sbom.sh", binary(t), path)
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
}
