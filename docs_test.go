// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are the Markdown files of this repository, by path.
func pages(t *testing.T) map[string]string {
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (strings.HasPrefix(entry.Name(), "_") || len(path) > 1 && strings.HasPrefix(entry.Name(), ".")) {
			return filepath.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	require.Contains(t, all, filepath.Join("docs", "README.md"))
	return all
}

// TestDocumentationLinks: all link targets in the documentation exist, and the table of contents has every page
// of docs/.
func TestDocumentationLinks(t *testing.T) {
	all := pages(t)
	anchor := regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	headings := map[string][]string{}
	for path, text := range all {
		for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
			headings[path] = append(headings[path], strings.ReplaceAll(anchor.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-"))
		}
	}
	linked := map[string]bool{}
	for path, text := range all {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(link[1], "://") || strings.HasPrefix(link[1], "mailto:") {
				continue
			}
			file, section, _ := strings.Cut(link[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
				_, err := os.Stat(target)
				require.NoError(t, err, "%s links to %s", path, link[1])
				if path == filepath.Join("docs", "README.md") {
					linked[target] = true
				}
			}
			if section != "" && filepath.Ext(target) == ".md" {
				assert.Contains(t, headings[target], section, "%s links to %s", path, link[1])
			}
		}
	}
	for path := range all {
		if filepath.Dir(path) == "docs" && path != filepath.Join("docs", "README.md") {
			assert.True(t, linked[path], "%s is not in docs/README.md", path)
		}
	}
}

// notFiles look like paths in the documentation but are not files of this repository.
var notFiles = map[string]string{
	"config.yaml":                       "what the reader saves",
	"sample.jsonl":                      "what the reader's collector writes",
	"feishu_audit/new":                  "a receiver's name",
	"feishu_audit/a":                    "a receiver's name",
	"feishu_audit/b":                    "a receiver's name",
	"filter/own":                        "a processor's name",
	"encoding/json":                     "a package of Go",
	"testing/synctest":                  "a package of Go",
	"auth/v3/tenant_access_token":       "an API's path",
	"auth/v3/app_access_token":          "an API's path",
	"auth/v3/app_access_token/internal": "an API's path",
	"_build/otelcol-feishu.cdx.json":    "made by make sbom",
	"_build/feishu-audit":               "made by make tool",
	"_build/on-call":                    "made by make on-call",
}

// TestDocumentedFiles: a name in code style that looks like a file or a folder of this repository exists,
// relative to the page's folder, to a folder below it, or to the root.
func TestDocumentedFiles(t *testing.T) {
	file := regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)*\.(yaml|yml|json|jsonl|go|md|sh|conf|service|env|mod|sum)$`)
	folder := regexp.MustCompile(`^\.?[\w*-]+(/[\w*-]+)*/[\w.*-]*$`)
	apiKey := regexp.MustCompile(`^[A-Z]+/open-apis/`)
	fence := regexp.MustCompile("(?ms)^ *```.*?^ *```")
	found := 0
	for path, text := range pages(t) {
		if filepath.Base(path) == "CHANGELOG.md" { // what was
			continue
		}
		for _, span := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			name := span[1]
			if apiKey.MatchString(name) {
				continue
			}
			if strings.HasPrefix(name, "_build/") { // which make builds
				continue
			}
			if notFiles[name] != "" || !file.MatchString(name) && !folder.MatchString(name) {
				continue
			}
			found++
			exists := false
			for _, from := range []string{".", filepath.Dir(path), filepath.Join(filepath.Dir(path), "*")} {
				matches, err := filepath.Glob(filepath.Join(from, name))
				require.NoError(t, err)
				exists = exists || len(matches) > 0
			}
			assert.True(t, exists, "%s names %s, which is not there", path, name)
		}
	}
	assert.Greater(t, found, 20)
}

// TestDocumentedMakeTargets: what the documentation tells to make can be made.
func TestDocumentedMakeTargets(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(string(makefile), -1)
	var names []string
	for _, target := range targets {
		names = append(names, target[1])
	}
	found := 0
	for path, text := range pages(t) {
		for _, command := range regexp.MustCompile("(?m)(?:^|`)(?:[A-Z_]+=\\S+ )*make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			found++
			assert.Contains(t, names, command[1], path)
		}
	}
	assert.Greater(t, found, 10)
}

// TestLogLinesAreDocumented: docs/operating.md has exactly the lines that the receiver logs, with their levels.
func TestLogLinesAreDocumented(t *testing.T) {
	logged := map[string]string{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	below, err := filepath.Glob("internal/*/*.go")
	require.NoError(t, err)
	files = append(files, below...)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/mutants/") {
			continue
		}
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, call := range regexp.MustCompile(`ogger\.(Debug|Info|Warn|Error)\("([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			logged[call[2]] = strings.ToLower(call[1])
		}
		assert.NotRegexp(t, `ogger\.(Debug|Info|Warn|Error)\([^"]`, string(source), "%s: a line that this test cannot read", file)
	}
	require.Greater(t, len(logged), 10)
	text, err := os.ReadFile("docs/operating.md")
	require.NoError(t, err)
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (debug|info|warn|error) \\|").FindAllStringSubmatch(string(text), -1) {
		documented[row[1]] = row[2]
	}
	assert.Equal(t, logged, documented)
}

// TestPackagesAreMapped: doc.go names every package below internal/.
func TestPackagesAreMapped(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	folders, err := os.ReadDir("internal")
	require.NoError(t, err)
	for _, folder := range folders {
		assert.Regexp(t, `\b`+folder.Name()+`\b`, string(doc), "doc.go does not say what internal/%s is for", folder.Name())
	}
}
