// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestMutantsApply: the text of each mutant is in today's sources, and the report's rows are about mutants of
// the list that existing tests noticed. It counts those that have to be run again.
func TestMutantsApply(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, defaultReport))
	require.NoError(t, err)
	rows := readReport(string(text))
	seen := map[string]bool{}
	var stale []string
	tests := map[string][]string{} // of a mutant's packages, by the first of them
	const again = "make mutants MUTANTS=-stale"
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join(root, m.file))
		require.NoError(t, err)
		broken, err := m.apply(string(source))
		if err != nil {
			t.Error(m.what, err)
			continue // the others may be stale, too
		}
		assert.NotEqual(t, string(source), broken, m.what)
		assert.False(t, seen[m.what], "twice: %s", m.what)
		seen[m.what] = true
		// Without tests its package would not even be compiled.
		own := m.packages()[0]
		if tests[own] == nil {
			tests[own] = testsOf(t, m.packages()...)
			assert.NotEmpty(t, testsOf(t, own), own)
		}

		hash, err := m.source(root)
		require.NoError(t, err)
		row, ok := rows[m.what]
		if !ok || hash != row.source {
			stale = append(stale, m.what)
		}
		if !ok {
			continue
		}
		names := testNames(row.by)
		assert.NotEmpty(t, names, m.what)
		for _, name := range names {
			assert.Contains(t, tests[own], name, "what noticed %q is no longer there: %s", m.what, again)
		}
	}
	// Not a failure: running one again takes a minute, too long for every commit.
	t.Logf("%d of %d mutants have to be run again (%s): %q", len(stale), len(mutants), again, stale)
	assert.Empty(t, slices.DeleteFunc(slices.Collect(maps.Keys(rows)), func(what string) bool { return seen[what] }), "rows of mutants that are no longer in the list")
	assert.Equal(t, render(rows), string(text), again)
	assert.GreaterOrEqual(t, len(mutants), 30)
}

// testsOf are the tests of the packages.
func testsOf(t *testing.T, packages ...string) []string {
	t.Helper()
	var names []string
	for _, pkg := range packages {
		files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range testFunc.FindAllSubmatch(text, -1) {
				names = append(names, string(match[1]))
			}
		}
	}
	return names
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*)\(`)

// TestSourceHash: a row is about the code that its mutant changes, not about comments, layout, or other code of
// the file.
func TestSourceHash(t *testing.T) {
	m := mutant{what: "w", file: "f.go", from: "return a+b", to: "return a-b"}
	hash := func(text string) string {
		t.Helper()
		sum, err := m.sourceIn([]byte(text))
		require.NoError(t, err)
		return sum
	}
	before := hash("package p\n\nfunc f(a, b int) int { return a+b }\n\nfunc g() {}\n")
	assert.Equal(t, before, hash("package p\n\n// f adds.\nfunc f(a, b int) int {\n\t// Why.\n\treturn a+b\n}\n\nfunc g() { f(1, 2) }\n"))
	assert.NotEqual(t, before, hash("package p\n\nfunc f(a, b int) int { a++; return a+b }\n\nfunc g() {}\n"))
	m.to = "return a*b"
	assert.NotEqual(t, before, hash("package p\n\nfunc f(a, b int) int { return a+b }\n\nfunc g() {}\n"))
}

// TestVerdicts: only a test that failed has noticed something; a time limit and a panic elsewhere show which
// test was running.
func TestVerdicts(t *testing.T) {
	failed := []byte("=== RUN   TestB\n=== RUN   TestA\n--- FAIL: TestB (0.1s)\n    --- FAIL: TestB/sub\n--- FAIL: TestA (1s)\nFAIL\n")
	assert.Equal(t, []string{"TestA", "TestB"}, failures(failed))
	assert.Equal(t, "TestA, TestB", noticed(failures(failed), failed).String())
	assert.Empty(t, unfinished(failed))

	late := []byte("=== RUN   TestA\n--- PASS: TestA (0.1s)\n=== RUN   TestB\n=== RUN   TestB/sub\npanic: test timed out after 5m0s\n\trunning tests:\n\t\tTestB/sub (5m0s)\n")
	assert.Empty(t, failures(late))
	assert.True(t, timedOut(late))
	assert.Equal(t, []string{"TestB"}, unfinished(late))

	panics := []byte("=== RUN   TestA\n--- FAIL: TestA (0.1s)\npanic: runtime error\n")
	assert.Equal(t, "TestA (panics)", noticed(failures(panics), panics).String())
	assert.Empty(t, failures([]byte("FAIL: no package\n")))
	assert.Equal(t, []string{"TestA", "TestB"}, testNames("TestA, TestB (panics)"))
}
