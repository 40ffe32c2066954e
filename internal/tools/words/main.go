// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command words finds words to avoid in the project's prose, and suggests what to write instead: rules.go has
// both, allowed.go has the exceptions.
//
// It reads Markdown outside code spans; in Go the comments, the string literals that are sentences, and the
// names of tests; and all of YAML, shell, make, the dashboard and the configuration's schema.
//
// Usage: words FOLDER
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: words FOLDER")
		os.Exit(2)
	}
	found, read, err := check(os.Args[1], allowed)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		fmt.Fprintf(os.Stderr, "%d findings: rewrite the sentence in plain technical words\n", len(found))
		os.Exit(1)
	}
	fmt.Printf("words: %d files are in plain words\n", read)
}

// finding is a place with a word to avoid, or an exception that exempts nothing.
type finding struct {
	path string // relative to the folder that is checked, with slashes
	line int
	text string // what was found
	rule string // what to write
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %q: %s", f.path, f.line, f.text, f.rule)
}

// check reads all files below root and returns the findings in the order of the files, and how
// many files it has read.
func check(root string, allowed []exception) (found []finding, read int, err error) {
	used := make([]bool, len(allowed))
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") || slices.Contains(otherFolders, name) || isOwn(root, path)) {
				return filepath.SkipDir
			}
			return nil
		}
		split := splitter(name)
		if split == nil {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		parts, err := split(relative, string(source))
		if err != nil {
			return err
		}
		read++
		for _, p := range parts {
			found = append(found, judge(relative, exempt(relative, p, allowed, used))...)
		}
		return nil
	})
	for i, a := range allowed {
		if !used[i] && err == nil {
			found = append(found, finding{path: a.path, text: a.text, rule: "an exception that exempts nothing: remove it from allowed.go"})
		}
	}
	return found, read, err
}

// otherFolders have no prose of this project, or prose in another language.
var otherFolders = []string{"testdata", "node_modules", "zh"}

// isOwn reports whether a folder is the one of this program, which contains the words.
func isOwn(root, path string) bool {
	relative, err := filepath.Rel(root, path)
	return err == nil && filepath.ToSlash(relative) == "internal/tools/words"
}

// splitter returns the function that extracts the prose of a file, nil for a file without prose.
func splitter(name string) func(path, source string) ([]part, error) {
	switch ext := filepath.Ext(name); {
	case strings.HasPrefix(name, "generated_"), strings.HasSuffix(name, ".zh.md"), name == "go.sum":
		return nil
	case ext == ".md":
		return markdown
	case ext == ".go":
		return goSource
	case ext == ".yaml", ext == ".yml", ext == ".sh", name == "Makefile", name == "dashboard.json", name == "config.schema.json":
		return lines
	}
	return nil
}

// exempt replaces in a part what an exception allows, and notes which exceptions were used.
func exempt(path string, p part, allowed []exception, used []bool) part {
	for i, a := range allowed {
		if a.path != "" && a.path != path || !strings.Contains(p.text, a.text) {
			continue
		}
		used[i] = true
		p.text = strings.ReplaceAll(p.text, a.text, blank(a.text))
	}
	return p
}

// judge returns the words to avoid in a part.
func judge(path string, p part) []finding {
	var found []finding
	for _, r := range rules {
		for _, at := range r.avoid.FindAllStringIndex(p.text, -1) {
			if at[0] > 0 && strings.ContainsRune("_:.$/{", rune(p.text[at[0]-1])) {
				continue // a part of a name: of a metric, a field, a path
			}
			line := p.line + strings.Count(p.text[:at[0]], "\n")
			found = append(found, finding{path, line, strings.Join(strings.Fields(p.text[at[0]:at[1]]), " "), r.write})
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.line - b.line })
	return found
}
