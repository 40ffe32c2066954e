// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestModules: one report of several modules, each of which has to end.
func TestModules(t *testing.T) {
	good := pass(doctor, "TestA") + passed(doctor)
	for name, test := range map[string]struct {
		events string
		last   string
	}{
		"both passed":           {good + exit(".", 0) + pass(module+"/e2e", "TestA") + passed(module+"/e2e") + exit("e2e", 0), "PASSED: 2 tests in 2 packages"},
		"tests failed":          {fail(doctor, "TestB", "") + failedPackage(doctor) + exit(".", 1) + good + exit("e2e", 0), "FAILED: 1 of 2 tests failed: TestB (internal/doctor)"},
		"go failed":             {exit(".", 1) + good + exit("e2e", 0), "FAILED: go test in module . ended with status 1"},
		"go failed in both":     {fail(doctor, "TestB", "") + failedPackage(doctor) + exit(".", 1) + exit("e2e", 1), "FAILED: 1 of 1 test failed: TestB (internal/doctor); go test in module e2e ended with status 1"},
		"another status":        {good + exit(".", 2) + good + exit("e2e", 0), "FAILED: go test in module . ended with status 2"},
		"killed":                {good + exit(".", 137) + good + exit("e2e", 0), "FAILED: go test in module . was killed (exit status 137)"},
		"killed in a line":      {good + `{"Action":"sta` + exit(".", 137) + good + exit("e2e", 0), "FAILED: a line of go test -json is damaged; go test in module . was killed (exit status 137)"},
		"killed in a package":   {good + action("start", redact, "") + exit(".", 137) + good + exit("e2e", 0), "FAILED: internal/redact: did not finish; go test in module . was killed (exit status 137)"},
		"ended in a package":    {good + action("start", redact, "") + exit(".", 0) + good + exit("e2e", 0), "FAILED: internal/redact: did not finish"},
		"cut off in the second": {good + exit(".", 0) + good, "FAILED: go test in module e2e was cut off"},
		"nothing at all":        {"", "FAILED: go test in module . was cut off; go test in module e2e was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			ok := report(strings.NewReader(test.events), &out, options{started: time.Now(), modules: []string{".", "e2e"}})
			require.Equal(t, strings.HasPrefix(test.last, "PASSED"), ok)
			requireLast(t, test.last, out.String())
			require.Len(t, summary.FindAllString(out.String(), -1), 1, "what CI reads")
			require.Equal(t, ok, strings.Contains(out.String(), " 0 failed"), "whoever reads only the sums sees the failure, too")
		})
	}
}

// TestLive: a package is reported while others run, and a failed test at once.
func TestLive(t *testing.T) {
	events, goTest, err := os.Pipe()
	require.NoError(t, err)
	reported, out, err := os.Pipe()
	require.NoError(t, err)
	done := make(chan bool, 1)
	go func() {
		done <- report(events, out, options{started: time.Now()})
		out.Close()
	}()
	read := bufio.NewReader(reported)
	write := func(text string) {
		_, err := goTest.WriteString(text)
		require.NoError(t, err)
	}
	next := func() string {
		text, err := read.ReadString('\n')
		require.NoError(t, err)
		return text
	}
	write(action("start", doctor, "") + pass(redact, "TestA") + passed(redact))
	require.Contains(t, next(), "ok    internal/redact")
	write(fail(doctor, "TestB", "got 1\n"))
	require.Equal(t, "FAIL  TestB (internal/doctor)\n", next())
	require.Equal(t, "got 1\n", next())
	require.Equal(t, "--- FAIL: TestB (1.00s)\n", next())
	write(failedPackage(doctor))
	require.Contains(t, next(), "FAIL  internal/doctor")
	require.NoError(t, goTest.Close())
	rest, err := io.ReadAll(read)
	require.NoError(t, err)
	require.Contains(t, string(rest), "FAILED: 1 of 2 tests")
	require.False(t, <-done)
}

// TestUnreadable: a report of a part is none.
func TestUnreadable(t *testing.T) {
	events, goTest := io.Pipe()
	go func() {
		_, _ = goTest.Write([]byte(pass(doctor, "TestA") + passed(doctor)))
		goTest.CloseWithError(io.ErrUnexpectedEOF)
	}()
	var out strings.Builder
	require.False(t, report(events, &out, options{started: time.Now()}))
	require.Contains(t, out.String(), "FAILED: the output of go test could not be read: unexpected EOF")
}

// TestScript runs test.sh with a go command that writes what a file says and then ends
// as a second file says.
func TestScript(t *testing.T) {
	good := pass(doctor, "TestA") + passed(doctor)
	for name, test := range map[string]struct {
		events, ends string
		last         string
		flag, args   string
	}{
		"passed":           {events: good, ends: "exit 0", args: "-run . ./... ", last: "PASSED: 2 tests in 2 packages"},
		"but long ones":    {events: good, ends: "exit 0", flag: "-short", args: "-skip ^(TestB|TestC)$ ./... ", last: "PASSED: 2 tests in 2 packages"},
		"part of them":     {events: good, ends: "exit 0", flag: "-sample", args: "test -race -count=1 -timeout 20m -json -run ^(TestB|TestC)$ -short ./... ", last: "PASSED: 2 tests in 2 packages"},
		"long ones":        {events: good, ends: "exit 0", flag: "-long", args: "test -count=1 -timeout 20m -json -run ^(TestB|TestC)$ ./... ", last: "PASSED: 2 tests in 2 packages"},
		"failed":           {events: fail(doctor, "TestB", "got 1\n") + failedPackage(doctor), ends: "exit 1", last: "FAILED: 2 of 2 tests failed: TestB (internal/doctor), TestB (internal/doctor)"},
		"go fails":         {events: good, ends: "exit 1", last: "FAILED: go test in module one ended with status 1; go test in module two ended with status 1"},
		"go is killed":     {events: good, ends: "kill -9 $$", last: "FAILED: go test in module one was killed (exit status 137); go test in module two was killed (exit status 137)"},
		"script is killed": {events: good, ends: "kill -9 $PPID", last: "FAILED: go test in module one was cut off; go test in module two was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			script, err := filepath.Abs("../tools/test.sh")
			require.NoError(t, err)
			self, err := os.Executable()
			require.NoError(t, err)
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "internal/tools"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "internal/tools/long-tests.txt"), []byte("TestB\nTestC\n"), 0o600))
			for _, module := range []string{"one", "two"} {
				require.NoError(t, os.Mkdir(filepath.Join(dir, module), 0o755))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "events"), []byte(test.events), 0o600))
			// go test ..., and go build -o FILE ./internal/testreport
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte(`#!/usr/bin/env bash
if [ "$1" = build ]; then ln -s "`+self+`" "$3"; exit; fi
printf '%s ' "$@" >"`+dir+`/args"
cat "`+dir+`/events"
`+test.ends+"\n"), 0o755))
			cmd := exec.CommandContext(t.Context(), script, slices.DeleteFunc([]string{test.flag, "one", "two"}, func(arg string) bool { return arg == "" })...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "BE_TESTREPORT=1", "GORACE=atexit_sleep_ms=0", "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
			var out strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &out
			err = cmd.Run()
			if strings.HasPrefix(test.last, "PASSED") {
				require.NoError(t, err, out.String())
			} else {
				require.Error(t, err, out.String())
				require.Equal(t, 1, cmd.ProcessState.ExitCode())
			}
			requireLast(t, test.last, out.String())
			require.Contains(t, out.String(), "module one")
			args, err := os.ReadFile(filepath.Join(dir, "args"))
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(args), test.args), "%s", args)
			require.Len(t, summary.FindAllString(out.String(), -1), 1, "one sum of all modules")
		})
	}
}

// TestSkipsOnAMachine: outside of CI a machine may lack what a test needs.
func TestSkipsOnAMachine(t *testing.T) {
	require.False(t, maySkip("TestServiceUnit", true))
	require.True(t, maySkip("TestServiceUnit", false))
	require.False(t, maySkip("TestAnything", false))
}

// TestNamesAreThere: the tests that may be skipped, and those that only make simulate
// runs, exist.
func TestNamesAreThere(t *testing.T) {
	var all strings.Builder
	var long string
	for _, pattern := range []string{"*_test.go", "internal/*/*_test.go", "e2e/*_test.go"} {
		if strings.HasPrefix(pattern, "e2e") {
			long = all.String() // make simulate runs those of the first module
		}
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
	names, err := os.ReadFile("../tools/long-tests.txt")
	require.NoError(t, err)
	for name := range strings.Lines(string(names)) {
		require.Regexp(t, `^Test\w+\n$`, name)
		require.Contains(t, long, "func "+strings.TrimSpace(name)+"(", "long-tests.txt")
	}
}
