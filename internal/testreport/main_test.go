// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
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
	for name, test := range map[string]struct {
		events string
		ok     bool
		want   string
	}{
		"passed":          {passes + ended, true, "pass  p" + strings.Repeat(" ", 69) + "    1 tests    1.5s\n1 passed, 0 failed, 0 skipped\n"},
		"nothing ran":     {ended, false, "0 passed"},
		"no input":        {"", false, "0 passed"},
		"only skipped":    {`{"Action":"skip","Package":"p","Test":"TestA"}` + "\n" + ended, false, "0 passed, 0 failed, 1 skipped\n"},
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
			ok := report(strings.NewReader(test.events), &out)
			require.Equal(t, test.ok, ok, out.String())
			require.Contains(t, out.String(), test.want)
			require.NotContains(t, out.String(), "chatter", "what a passed test writes")
		})
	}
}
