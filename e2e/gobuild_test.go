// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// slowGo stands in for Go: 250 packages, three modules to fetch, and an error if FAILS is set.
const slowGo = `#!/bin/sh
case $1 in
list) echo "go: downloading example.org/a v1.0.0" >&2; seq -f "example.org/p%.0f" 1 250 ;;
build)
  echo "go: downloading example.org/b v1.0.0" >&2
  seq -f "example.org/p%.0f" 1 250 >&2
  [ -z "$FAILS" ] || { printf '# example.org/p9\n./x.go:1:1: undefined: y\n' >&2; exit 3; }
  ;;
esac
`

// TestBuildShowsProgress: a build that takes minutes shows its progress, in plain lines or, on a terminal, in
// one that is updated; the compiler's output is shown, and its status is returned.
func TestBuildShowsProgress(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go"), []byte(slowGo), 0o700))
	script, err := filepath.Abs("../internal/tools/go-build.sh")
	require.NoError(t, err)
	run := func(fails string, command ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "FAILS="+fails)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	const plain = "  100 of 250 packages compiled\n  200 of 250 packages compiled\n"
	out, status := run("", script, "-o", "x", ".")
	require.Equal(t, plain, out)
	require.Zero(t, status)
	out, status = run("yes", script, "-o", "x", ".")
	require.Equal(t, plain+"# example.org/p9\n./x.go:1:1: undefined: y\n", out)
	require.Equal(t, 3, status)

	terminal := []string{"script", "--quiet", "--return", "--command", script + " -o x .", "/dev/null"} // of Debian's bsdutils
	out, status = run("", terminal...)
	require.Zero(t, status, out)
	moving := "\r\x1b[K  "
	require.Contains(t, out, moving+"2 modules fetched"+moving+"1 of 250 packages compiled"+moving+"2 of 250 packages compiled")
	require.Equal(t, 250, strings.Count(out, " of 250 packages compiled"))
	require.True(t, strings.HasSuffix(out, "250 of 250 packages compiled\r\x1b[K"), "the line goes: %q", out[len(out)-80:])
	out, status = run("yes", terminal...)
	require.Equal(t, 3, status)
	require.Contains(t, out, "250 of 250 packages compiled\r\x1b[K# example.org/p9\r\n")
	require.Equal(t, 2, strings.Count(makefile(t), "internal/tools/go-build.sh "), "the collectors and the tool are built with it")
}
