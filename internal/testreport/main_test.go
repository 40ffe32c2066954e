// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	const (
		passes   = `{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":1}` + "\n"
		ended    = `{"Action":"pass","Package":"p","Elapsed":1.5}` + "\n"
		endedBad = `{"Action":"fail","Package":"p","Elapsed":1.5}` + "\n"
	)
	skips := func(test, output string) string {
		said := ""
		if output != "" {
			said = fmt.Sprintf(`{"Action":"output","Package":"p","Test":%q,"Output":%q}`+"\n", test, output)
		}
		return said + fmt.Sprintf(`{"Action":"skip","Package":"p","Test":%q}`+"\n", test)
	}
	for name, test := range map[string]struct {
		events string
		ok     bool
		want   string
	}{
		"passed":          {passes + ended, true, "pass  p" + strings.Repeat(" ", 69) + "    1 tests    1.5s\n1 passed, 0 failed, 0 skipped\n"},
		"nothing ran":     {ended, false, "0 passed"},
		"no input":        {"", false, "0 passed"},
		"only skipped":    {skips("TestSoak", "") + ended, false, "0 passed, 0 failed, 1 skipped\n"},
		"skipped":         {passes + skips("TestSoak", "    soak_test.go:65: needs a flag\n") + ended, true, "skip  TestSoak: needs a flag\npass  p"},
		"skipped mutely":  {passes + skips("TestSoak", "") + ended, true, "skip  TestSoak: it does not say why\npass  p"},
		"has to run":      {passes + skips("TestB", "    b_test.go:7: no time\n") + ended, false, "SKIP  TestB, which has to run: no time\npass  p"},
		"not the name":    {passes + skips("TestSoaking", "") + ended, false, "SKIP  TestSoaking, which has to run"},
		"not in CI":       {passes + skips("TestFullStorage/no_space_left", "") + ended, false, "SKIP  TestFullStorage/no_space_left, which"},
		"without tests":   {passes + ended + `{"Action":"skip","Package":"q"}` + "\n", true, "1 passed, 0 failed, 0 skipped\n"},
		"failed":          {passes + `{"Action":"output","Package":"p","Test":"TestB","Output":"got 1\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestB"}` + "\n" + endedBad, false, "got 1\nfail  p"},
		"panicked":        {passes + `{"Action":"output","Package":"p","Output":"panic: x\n"}` + "\n" + endedBad, false, "panic: x\nfail  p"},
		"a table":         {passes + `{"Action":"output","Package":"p","Output":"| 1 |\n"}` + "\n" + `{"Action":"output","Package":"p","Output":"chatter\n"}` + "\n" + ended, true, "| 1 |\npass  p"},
		"does not build":  {passes + ended + `{"Action":"build-output","ImportPath":"q","Output":"syntax error\n"}` + "\n" + `{"Action":"build-fail","ImportPath":"q"}` + "\n", false, "syntax error\n"},
		"words of a tool": {"go: no module\n" + passes + ended, true, "go: no module\n"},
		"too long a line": {passes + ended + strings.Repeat("x", 65<<20), false, "token too long\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			ok := report(strings.NewReader(test.events), &out, true)
			require.Equal(t, test.ok, ok, out.String())
			require.Contains(t, out.String(), test.want)
			require.NotContains(t, out.String(), "chatter", "what a passed test writes")
		})
	}
}

// TestSkipsOnAMachine: outside of CI a machine may lack what a test needs.
func TestSkipsOnAMachine(t *testing.T) {
	require.False(t, maySkip("TestServiceUnit", true))
	require.True(t, maySkip("TestServiceUnit", false))
	require.False(t, maySkip("TestAnything", false))
}

// TestSkipsAreThere: the tests that may be skipped exist.
func TestSkipsAreThere(t *testing.T) {
	var all strings.Builder
	for _, pattern := range []string{"*_test.go", "e2e/*_test.go", "internal/*/*_test.go"} {
		files, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			all.Write(text)
		}
	}
	for _, s := range skips {
		name := regexp.MustCompile(`^\w+`).FindString(s.test)
		require.Contains(t, all.String(), "func "+name+"(", s.why)
	}
}
