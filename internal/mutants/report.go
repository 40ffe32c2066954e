// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// row is a mutant's row in the report.
type row struct {
	file, by string
	source   string // see mutant.source
}

var rowPattern = regexp.MustCompile("(?m)^\\| (.+) \\| `([^`]+)` \\| ([^|]+) \\| `([0-9a-f]+)` \\|$")

// readReport returns the rows by what is broken.
func readReport(text string) map[string]row {
	rows := map[string]row{}
	for _, match := range rowPattern.FindAllStringSubmatch(text, -1) {
		rows[match[1]] = row{file: match[2], by: match[3], source: match[4]}
	}
	return rows
}

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)\w*`)

func testNames(text string) []string { return testName.FindAllString(text, -1) }

// source is a short hash of what a row is about: the mutant, and the declarations
// that it changes as they are without comments and layout.
//
// A test counts the rows that have grown old. A hash of whole files would call most of
// them old after every change of poller.go; this one names the few mutants of the
// function that was changed, which is when somebody wants to know whether they are still
// caught, and -stale runs those.
// It does not see that a test has become weaker: the whole run before a release does.
func (m mutant) source(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	return m.sourceIn(text)
}

func (m mutant) sourceIn(text []byte) (string, error) {
	if _, err := m.apply(string(text)); err != nil {
		return "", err
	}
	start := bytes.Index(text, []byte(m.from))
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, m.file, text, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q\n", m.what, m.from, m.to)
	for _, decl := range file.Decls {
		if files.Position(decl.End()).Offset <= start || files.Position(decl.Pos()).Offset >= start+len(m.from) {
			continue
		}
		if err := printer.Fprint(sum, token.NewFileSet(), decl); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:4]), nil
}

// reporter writes each outcome into the report as soon as it is there: a run takes long.
// A mutant that survived has no row.
type reporter struct {
	path, root string // no path: there is no report

	mu   sync.Mutex
	last map[string]row
	err  error
}

func (r *reporter) note(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.path == "" || r.err != nil {
		return
	}
	rows := maps.Clone(r.last)
	delete(rows, o.what)
	if o.err == nil {
		var source string
		if source, r.err = o.source(r.root); r.err != nil {
			return
		}
		rows[o.what] = row{o.file, o.caught.String(), source}
	}
	r.last = rows
	r.err = os.WriteFile(r.path, []byte(render(rows)), 0o644)
}

// render writes the rows of the mutants that are in the list.
func render(of map[string]row) string {
	var rows []string
	for _, m := range mutants {
		if r, ok := of[m.what]; ok {
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s | `%s` |\n", m.what, r.file, r.by, r.source))
		}
	}
	var b strings.Builder
	b.WriteString("# Mutants\n\n")
	fmt.Fprintf(&b, "For those who ask whether the tests notice a fault.\n\n"+
		"**Do they?** `make mutants` breaks the receiver in each of these %d ways and runs its tests: a test failed each time.\n"+
		"It writes this page. The last column is a hash of the mutant and of the code that it changes. If that code has changed since,\n"+
		"`make mutants MUTANTS=-stale` runs the mutant again.\n\n", len(rows))
	b.WriteString("| what is broken | in | noticed first by | of |\n| --- | --- | --- | --- |\n")
	for _, row := range rows {
		b.WriteString(row)
	}
	return b.String()
}
