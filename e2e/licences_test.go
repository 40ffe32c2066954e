// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"archive/zip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	// affero is the licence that is not allowed here, as a text or as a name.
	affero = regexp.MustCompile(`(?i)GNU AFFERO GENERAL PUBLIC LICENSE\s+Version|\A\W*(the )?GNU AFFERO|OSI Approved :: GNU AFFERO|\bAGPL`)
	// open are the allowed licences, by their texts and names. The LGPL, the EPL and the like are allowed for
	// programs that are run, and not linked.
	open = regexp.MustCompile(`(?i)apache\.org/licenses/LICENSE-2|Apache[ -]?(Software )?(License|2|\(Software\))|\bMIT\b|\bMIT-0\b|Permission is hereby granted, free of charge|BSD|` +
		`Redistribution and use in source and binary forms|Mozilla Public License|\bMPL|\bISC\b|Permission to use, copy, modify,? and(/or)? distribute|` +
		`Eclipse (Public|Distribution) License|\bE[PD]L\b|CC0|Unlicense|public domain|Python Software Foundation|\bPython-2\.0\b|\bPSF|LGPL|GNU LESSER GENERAL PUBLIC|` +
		`GNU GENERAL PUBLIC LICENSE[\s\S]*Classpath|Common Development and Distribution|CDDL|zlib|BlueOak|Unicode|golang\.org/LICENSE`)
	// closed are modules under the AGPL, by name: a named module is not always built.
	closed = regexp.MustCompile(`github\.com/(grafana/(loki|grafana|tempo|mimir|pyroscope|oncall|k6)|minio/(minio|mc)|metrico/[\w-]+|openobserve/[\w-]+|parseablehq/[\w-]+)(/|\s|$)`)
)

// tracked are the files of this repository with a name, from its root.
func tracked(t *testing.T, name string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "_build" || entry.Name() == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if match, _ := filepath.Match(name, entry.Name()); match && !entry.IsDir() { // the pattern is one
			files = append(files, path)
		}
		return nil
	}))
	require.NotEmpty(t, files, name)
	return files
}

// TestNamedModules: no go.mod, pom or lock file names a module under the AGPL.
func TestNamedModules(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"go.mod", "pom.xml", "package.json", "package-lock.json", "requirements*.txt"} {
		for _, file := range tracked(t, name) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Empty(t, closed.FindString(string(text)), file)
			assert.NotRegexp(t, affero, string(text), file)
		}
	}
	require.True(t, closed.MatchString("	github.com/grafana/loki/v3 v3.6.0 // indirect"))
	require.False(t, closed.MatchString("	github.com/grafana/lezer-logql v0.4.2"))
}

// TestAffero: the AGPL is recognised by its text and by each of its names, and not where another licence refers
// to it.
func TestAffero(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"                    GNU AFFERO GENERAL PUBLIC LICENSE\n                       Version 3, 19 November 2007", "GNU Affero General Public License v3.0",
		"The GNU Affero General Public License, Version 3", "OSI Approved :: GNU Affero General Public License v3", "AGPL-3.0-only", "https://www.gnu.org/licenses/agpl-3.0.txt",
	} {
		assert.Regexp(t, affero, text)
	}
	for _, text := range []string{"LGPL-3.0-only", "13. Use with the GNU Affero General Public License.", "Secondary License means the GNU Affero General Public License, Version 3.0"} {
		assert.NotRegexp(t, affero, text)
	}
}

// TestGoLicences: each module that the product, its distribution, its tools and the backends of these tests are
// compiled from has a licence, and an open one.
func TestGoLicences(t *testing.T) {
	t.Parallel()
	modules := map[string]string{} // folders by module and version
	for folder, packages := range map[string][]string{
		"..": {"./..."}, "../cmd/feishu-audit": {"./..."}, ".": {"-test", "./..."}, "../_build/src/otelcol-feishu": {"./..."},
		"../internal/backends/victorialogs": {"tool"}, "../internal/backends/vmalert": {"tool"},
		"../internal/tools/nfpm": {"tool"}, "../internal/tools/kustomize": {"tool"}, "../internal/tools/kubeconform": {"tool"}, "../internal/tools/sbom": {"tool"}, "../internal/tools/monitoring": {"./..."}, "../internal/tools/dashboards": {"./..."},
	} {
		args := append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}@{{.Version}}|{{.Dir}}{{end}}"}, packages...)
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = folder
		out := &output{}
		cmd.Stderr = out
		list, err := cmd.Output()
		require.NoError(t, err, "%s: %s", folder, out)
		for line := range strings.SplitSeq(string(list), "\n") {
			if module, dir, found := strings.Cut(line, "|"); found && !strings.HasPrefix(module, "github.com/feishuaudit/") {
				modules[module] = dir
			}
		}
	}
	require.Greater(t, len(modules), 100)
	for module, dir := range modules {
		texts := licenceTexts(os.DirFS(dir), func(name string) bool { return !strings.Contains(name, "/") })
		judgeLicence(t, module, texts)
	}
}

var licenceName = regexp.MustCompile(`(?i)(^|/)(UN)?LICEN[SC]E[^/]*$|(^|/)COPYING[^/]*$|(^|/)about\.html$`)

// licenceTexts reads the files of a tree that hold a licence.
func licenceTexts(tree fs.FS, want func(name string) bool) (texts []string) {
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && !want(name+"/"):
			return fs.SkipDir
		case !entry.IsDir() && licenceName.MatchString(name) && want(name):
			text, err := fs.ReadFile(tree, name)
			if err == nil {
				texts = append(texts, string(text))
			}
		}
		return nil
	})
	return texts
}

// judgeLicence requires that one of the texts is an open licence, and none of them the AGPL.
func judgeLicence(t *testing.T, what string, texts []string) {
	t.Helper()
	assert.True(t, slices.ContainsFunc(texts, open.MatchString), "%s: no open licence that the test knows, among %d texts", what, len(texts))
	assert.False(t, slices.ContainsFunc(texts, affero.MatchString), "%s: under the AGPL", what)
}

var pomParent = regexp.MustCompile(`(?s)<parent>.*?</parent>`)

// pomLicences are the licences of a pom, or those of the next parent that has some. The poms are next to their
// jar.
func pomLicences(t *testing.T, pom string) []string {
	t.Helper()
	text, err := os.ReadFile(pom)
	require.NoError(t, err)
	if own := found(`(?s)<license>(.*?)</license>`, string(text)); len(own) > 0 {
		return found(`<(?:name|url)>([^<]*)`, strings.Join(own, ""))
	}
	parent := pomParent.FindString(string(text))
	if parent == "" {
		return nil
	}
	name := found(`<artifactId>([^<]*)`, parent)[0] + "-" + found(`<version>([^<]*)`, parent)[0] + ".pom"
	return pomLicences(t, filepath.Join(filepath.Dir(pom), name))
}

// TestJarLicences: each downloaded jar has an open licence, in it or in its pom.
func TestJarLicences(t *testing.T) {
	t.Parallel()
	jars, err := filepath.Glob("../_build/*/lib/*.jar")
	require.NoError(t, err)
	require.Greater(t, len(jars), 100, "run `make opensearch kafka clients` first")
	for _, jar := range jars {
		archive, err := zip.OpenReader(jar)
		require.NoError(t, err)
		texts := licenceTexts(archive, func(string) bool { return true })
		for _, file := range archive.File {
			if strings.HasSuffix(file.Name, "/pom.xml") || file.Name == "META-INF/MANIFEST.MF" {
				reader, err := file.Open()
				require.NoError(t, err)
				text, err := io.ReadAll(reader)
				require.NoError(t, err)
				texts = append(texts, found(`(?s)<license>\s*<name>([^<]*)`, string(text))...)
				texts = append(texts, found(`Bundle-License: ([^\n]*)`, string(text))...)
			}
		}
		require.NoError(t, archive.Close())
		texts = append(texts, pomLicences(t, strings.TrimSuffix(jar, ".jar")+".pom")...)
		judgeLicence(t, jar, texts)
	}
}

// installed is the folder below _build into which the packages of a list are installed: it has the name of the list's folder.
func installed(list string) string {
	return filepath.Join("../_build", filepath.Base(filepath.Dir(list)))
}

// TestNodeLicences: each package of a lock file is installed, and has an open licence.
func TestNodeLicences(t *testing.T) {
	t.Parallel()
	for _, file := range tracked(t, "package-lock.json") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var lock struct {
			Packages map[string]struct{ Version string }
		}
		require.NoError(t, json.Unmarshal(text, &lock))
		require.NotEmpty(t, lock.Packages)
		delete(lock.Packages, "") // the list's own
		for name, pinned := range lock.Packages {
			folder := filepath.Join(installed(file), name)
			text, err := os.ReadFile(filepath.Join(folder, "package.json"))
			require.NoError(t, err, "run `make logql clients` first")
			var one struct{ Version, License string }
			require.NoError(t, json.Unmarshal(text, &one))
			assert.Equal(t, pinned.Version, one.Version, folder)
			texts := licenceTexts(os.DirFS(folder), func(name string) bool { return !strings.Contains(name, "/") })
			judgeLicence(t, folder, append(texts, one.License))
		}
	}
}

// pythonName is a package's name in its normal form (PEP 503).
func pythonName(name string) string {
	return regexp.MustCompile(`[-_.]+`).ReplaceAllString(strings.ToLower(name), "-")
}

// TestPythonLicences: each package of a list of pinned ones is installed, and has an open licence, in its
// metadata or in the files next to them.
func TestPythonLicences(t *testing.T) {
	t.Parallel()
	for _, file := range tracked(t, "requirements*.txt") {
		infos, err := filepath.Glob(filepath.Join(installed(file), "venv/lib/*/site-packages/*.dist-info"))
		require.NoError(t, err)
		licences := map[string][]string{}
		for _, info := range infos {
			text, err := os.ReadFile(filepath.Join(info, "METADATA"))
			require.NoError(t, err)
			header, _, _ := strings.Cut(string(text), "\n\n")
			name := pythonName(found(`(?m)^Name: (.*)$`, header)[0]) + "==" + found(`(?m)^Version: (.*)$`, header)[0]
			licences[name] = found(`(?m)^(?:License|License-Expression|Classifier: License :): (.*)$`, header)
			licences[name] = append(licences[name], licenceTexts(os.DirFS(info), func(string) bool { return true })...)
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		packages := found(`(?m)^([A-Za-z0-9._-]+==[^\s\\;]+)`, string(text))
		require.NotEmpty(t, packages, file)
		for _, pinned := range packages {
			name, version, _ := strings.Cut(pinned, "==")
			texts, is := licences[pythonName(name)+"=="+version]
			if assert.True(t, is, "%s: %s is not installed: run `make e2e`", file, pinned) {
				judgeLicence(t, file+": "+pinned, texts)
			}
		}
	}
}
