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
	// affero is the licence that nothing here may be under, as a text or as a name.
	affero = regexp.MustCompile(`(?i)GNU AFFERO GENERAL PUBLIC LICENSE\s+Version|\bAGPL`)
	// open are the licences that everything has to be under, by their texts and names. The
	// LGPL, the EPL and the like do for what is run, and not linked to.
	open = regexp.MustCompile(`(?i)apache\.org/licenses/LICENSE-2|Apache[ -]?(Software )?(License|2|\(Software\))|\bMIT\b|\bMIT-0\b|Permission is hereby granted, free of charge|BSD|` +
		`Redistribution and use in source and binary forms|Mozilla Public License|\bMPL|\bISC\b|Permission to use, copy, modify,? and(/or)? distribute|` +
		`Eclipse (Public|Distribution) License|\bE[PD]L\b|CC0|Unlicense|public domain|Python Software Foundation|\bPython-2\.0\b|\bPSF|LGPL|GNU LESSER GENERAL PUBLIC|` +
		`GNU GENERAL PUBLIC LICENSE[\s\S]*Classpath|Common Development and Distribution|CDDL|zlib|BlueOak|Unicode`)
	// closed are modules under the AGPL, by name: what is named is not always built.
	closed = regexp.MustCompile(`github\.com/(grafana/(loki|grafana|tempo|mimir|pyroscope|oncall|k6)|minio/(minio|mc)|metrico/[\w-]+|openobserve/[\w-]+|parseablehq/[\w-]+)(/|\s|$)`)
)

// tracked are the files of this repository of a name, from its root.
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

// TestGoLicences: each module that the product, its distribution, the tools beside it and the
// backends of these tests are compiled from has a licence, and an open one.
func TestGoLicences(t *testing.T) {
	t.Parallel()
	modules := map[string]string{} // folders by module and version
	for folder, packages := range map[string][]string{
		"..": {"./..."}, "../cmd/feishu-audit": {"./..."}, ".": {"-test", "./..."}, "../_build/src/otelcol-feishu": {"./..."},
		"../internal/backends/victorialogs": {"tool"}, "../internal/backends/vmalert": {"tool"},
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

// judgeLicence requires that one of the texts is of an open licence, and none of them the AGPL.
func judgeLicence(t *testing.T, what string, texts []string) {
	t.Helper()
	assert.True(t, slices.ContainsFunc(texts, open.MatchString), "%s: no open licence that the test knows, among %d texts", what, len(texts))
	assert.False(t, slices.ContainsFunc(texts, affero.MatchString), "%s: under the AGPL", what)
}

// jarLicences are those of jars that have no licence in them, by the licenses of their poms.
var jarLicences = map[string]string{
	"RoaringBitmap":    "Apache License 2.0",
	"antlr4-runtime":   "BSD-3-Clause",
	"hash4j":           "Apache License 2.0",
	"listenablefuture": "Apache License 2.0",
	"metrics-core":     "Apache License 2.0",
	"pcollections":     "MIT",
	"re2j":             "BSD",
	"reactive-streams": "MIT-0",
	"slf4j-api":        "MIT",
}

// TestJarLicences: each jar that is fetched has an open licence.
func TestJarLicences(t *testing.T) {
	t.Parallel()
	jars, err := filepath.Glob("../_build/*/lib/*.jar")
	require.NoError(t, err)
	require.Greater(t, len(jars), 100, "run `make opensearch kafka` first")
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
		name := regexp.MustCompile(`-\d.*$`).ReplaceAllString(filepath.Base(jar), "")
		if text := jarLicences[name]; text != "" {
			texts = append(texts, text)
		}
		judgeLicence(t, jar, texts)
	}
}

// TestNodeLicences: each package of a lock file has an open licence.
func TestNodeLicences(t *testing.T) {
	t.Parallel()
	for _, file := range tracked(t, "package-lock.json") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var lock struct {
			Packages map[string]struct {
				License string `json:"license"`
			} `json:"packages"`
		}
		require.NoError(t, json.Unmarshal(text, &lock))
		require.NotEmpty(t, lock.Packages)
		for name, one := range lock.Packages {
			if name != "" {
				judgeLicence(t, file+": "+name, []string{one.License})
			}
		}
	}
}

// pythonLicences are those of packages that are not installed for these tests, as PyPI has
// them.
var pythonLicences = map[string]string{
	"click": "BSD-3-Clause", "colorama": "BSD-3-Clause", "diskcache": "Apache 2.0", "diskcache-stubs": "Apache 2.0", "jinja2": "BSD-3-Clause", "jq": "BSD-2-Clause",
	"markupsafe": "BSD-3-Clause", "packaging": "Apache-2.0 OR BSD-2-Clause", "prettytable": "BSD-3-Clause", "pyparsing": "MIT", "pysigma": "LGPL-2.1-only",
	"pysigma-backend-elasticsearch": "LGPL-3.0-only", "pysigma-backend-loki": "LGPL-3.0-only", "pysigma-backend-opensearch": "LGPL-3.0-only",
	"pysigma-backend-splunk": "LGPL-3.0-only", "pysigma-backend-victorialogs": "LGPL-3.0-only", "pysigma-validators-sigmahq": "LGPL-2.1-only",
	"pyyaml": "MIT", "sigma-cli": "LGPL-2.1-or-later", "types-pyyaml": "Apache-2.0", "wcwidth": "MIT",
}

// TestPythonLicences: each package of a list of pinned ones has an open licence.
func TestPythonLicences(t *testing.T) {
	t.Parallel()
	installed, err := filepath.Glob("../_build/*/venv/lib/*/site-packages/*.dist-info/METADATA")
	require.NoError(t, err)
	licences := map[string][]string{}
	dashes := regexp.MustCompile(`[-_.]+`)
	for _, file := range installed {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		name := dashes.ReplaceAllString(strings.ToLower(found(`(?m)^Name: (.*)$`, string(text))[0]), "-")
		licences[name] = found(`(?m)^(?:License|License-Expression|Classifier: License ::.*): (.*)$`, string(text))
		licences[name] = append(licences[name], found(`(?m)^Classifier: License :: (.*)$`, string(text))...)
	}
	for _, file := range tracked(t, "requirements*.txt") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		packages := found(`(?m)^([A-Za-z0-9._-]+)==`, string(text))
		require.NotEmpty(t, packages, file)
		for _, name := range packages {
			name = dashes.ReplaceAllString(strings.ToLower(name), "-")
			texts := licences[name]
			if known := pythonLicences[name]; known != "" {
				texts = append(texts, known)
			}
			judgeLicence(t, file+": "+name, texts)
		}
	}
}
