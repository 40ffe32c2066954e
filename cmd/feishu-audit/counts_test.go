// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plural matches a number before a plural, which is wrong for 1. "5 of 100 calls" and "at most 60 calls" are
// fine.
var plural = regexp.MustCompile(`(^|[^%])%d (more |remembered |recorded )?(records|entries|calls|ids|pages|ranges|times|problems|apps|hours|minutes|seconds|days)\b`)

func wrongForOne(text string) bool {
	at := plural.FindStringIndex(text)
	return at != nil && !regexp.MustCompile(`(%d of|at most) $`).MatchString(strings.TrimSuffix(text[:at[0]+1], "%"))
}

// TestCounts: no text for people says "1 records": numbers of things are written by cli.Count, or by the
// doctor's count.
func TestCounts(t *testing.T) {
	t.Parallel()
	require.True(t, wrongForOne("%d records in this run"))
	require.True(t, wrongForOne("has %d calls with %d entries"))
	require.False(t, wrongForOne("%d of %d calls a minute left"))
	require.False(t, wrongForOne("at most %d calls of list_data"))
	texts := 0
	for _, folder := range []string{".", "../../internal/doctor"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || entry.Name() == "chinese.go" {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
					texts++
					require.False(t, wrongForOne(text.Value), "%s: %s", path, text.Value)
				}
				return true
			})
			return nil
		}))
	}
	require.Greater(t, texts, 1000)
}

// TestHelpFits: no line of a help text is wider than a terminal of 80 columns, except one command to copy.
func TestHelpFits(t *testing.T) {
	t.Parallel()
	var check func(cmd *cobra.Command)
	commands := 0
	check = func(cmd *cobra.Command) {
		commands++
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			assert.True(t, len(strings.TrimRight(line, "\n")) <= 80 || strings.HasPrefix(line, "  feishu-audit "), "%s: %s", cmd.CommandPath(), line)
		}
		for line := range strings.Lines(cmd.LocalFlags().FlagUsagesWrapped(80)) {
			assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, "%s: %s", cmd.CommandPath(), line)
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newCommand())
	require.Greater(t, commands, 10)
}
