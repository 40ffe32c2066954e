// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFailureMatrix: docs/failure-modes.md has a row for each failure mode, and the tests in a row exist and say
// that they cover it.
func TestFailureMatrix(t *testing.T) {
	covers := coverage(t)
	doc, err := os.ReadFile("docs/failure-modes.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| F(\d+) \|.*\| ([^|]*) \|$`)
	name := regexp.MustCompile("`([^`]+)`")
	rows := map[int]bool{}
	for _, match := range row.FindAllStringSubmatch(string(doc), -1) {
		number, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		assert.False(t, rows[number], "F%d is there twice", number)
		rows[number] = true
		tests := name.FindAllStringSubmatch(match[2], -1)
		assert.NotEmpty(t, tests, "F%d has no test", number)
		for _, test := range tests {
			if numbers, ok := covers[test[1]]; assert.True(t, ok, "F%d: there is no %s", number, test[1]) {
				assert.True(t, numbers[number], "the comment of %s does not say that it covers F%d", test[1], number)
			}
		}
	}
	for number := 1; number <= 39; number++ {
		assert.True(t, rows[number], "F%d is missing", number)
	}
}

// TestFuzzTable: the table of fuzzing in docs/failure-modes.md has each fuzz target of the
// repository, with what it is of and how many inputs it was run with.
func TestFuzzTable(t *testing.T) {
	doc, err := os.ReadFile("docs/failure-modes.md")
	require.NoError(t, err)
	rows := map[string]int{}
	for _, match := range regexp.MustCompile("(?m)^\\| `(Fuzz\\w+)`[^|]* \\| [^|]+ \\| ([0-9,]+) \\|$").FindAllStringSubmatch(string(doc), -1) {
		inputs, err := strconv.Atoi(strings.ReplaceAll(match[2], ",", ""))
		require.NoError(t, err)
		rows[match[1]] = inputs
	}
	targets := 0
	for name := range coverage(t) {
		if strings.HasPrefix(name, "Fuzz") {
			targets++
			assert.GreaterOrEqual(t, rows[name], 10_000, "%s has no row, or was not run for long", name)
		}
	}
	assert.Len(t, rows, targets, "rows of targets that are not there")
}

// coverage finds all tests of the repository, and what each says it covers.
func coverage(t *testing.T) map[string]map[int]bool {
	claim := regexp.MustCompile(`(?s)Covers\s+(F.*)`)
	number := regexp.MustCompile(`F(\d+)(?: to F(\d+))?`)
	covers := map[string]map[int]bool{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), "_") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			numbers := map[int]bool{}
			for _, claimed := range claim.FindAllString(f.Doc.Text(), -1) {
				for _, match := range number.FindAllStringSubmatch(claimed, -1) {
					from, _ := strconv.Atoi(match[1])
					to, err := strconv.Atoi(match[2])
					if err != nil {
						to = from
					}
					for n := from; n <= to; n++ {
						numbers[n] = true
					}
				}
			}
			covers[f.Name.Name] = numbers
		}
		return nil
	}))
	return covers
}
