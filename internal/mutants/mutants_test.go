// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMutantsApply: each mutant finds its place in today's sources, and the report
// is about today's list.
func TestMutantsApply(t *testing.T) {
	report, err := os.ReadFile("../../docs/mutants.md")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join("../..", m.file))
		require.NoError(t, err)
		broken, err := m.apply(string(source))
		require.NoError(t, err, m.what)
		assert.NotEqual(t, string(source), broken, m.what)
		assert.False(t, seen[m.what], "twice: %s", m.what)
		seen[m.what] = true
		assert.Contains(t, string(report), "| "+m.what+" |", "run make mutants")
	}
	assert.GreaterOrEqual(t, len(mutants), 30)
}

func TestFailures(t *testing.T) {
	assert.Equal(t, []string{"TestA", "TestB"}, failures([]byte("--- FAIL: TestB (0.1s)\n    --- FAIL: TestB/sub\n--- FAIL: TestA (1s)\nFAIL\n")))
	assert.Equal(t, []string{"the time limit"}, failures([]byte("panic: test timed out after 5m0s\n")))
	assert.Equal(t, []string{"a panic"}, failures([]byte("panic: runtime error\n")))
	assert.Empty(t, failures([]byte("FAIL: no package\n")))
}
