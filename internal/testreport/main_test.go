// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
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

// TestMain lets the test binary be testreport, for TestScript.
func TestMain(m *testing.M) {
	if os.Getenv("BE_TESTREPORT") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What follows are the lines of go test, as version 1.26 writes them, and of test.sh.

type fields map[string]any

func line(f fields) string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}

// action is a line without output; test is "" for a package.
func action(action, pkg, test string) string {
	f := fields{"Action": action, "Package": pkg}
	if test != "" {
		f["Test"] = test
	} else if action != "start" {
		f["Elapsed"] = 1.5
	}
	return line(f)
}

// output has one event for each line, as go test does.
func output(pkg, test, text string) string {
	var all strings.Builder
	for l := range strings.Lines(text) {
		f := fields{"Action": "output", "Package": pkg, "Output": l}
		if test != "" {
			f["Test"] = test
		}
		all.WriteString(line(f))
	}
	return all.String()
}

func run(pkg, test, text string) string {
	return action("run", pkg, test) + output(pkg, test, "=== RUN   "+test+"\n"+text)
}

func pass(pkg, test string) string {
	return run(pkg, test, "chatter\n--- PASS: "+test+" (1.00s)\n") + action("pass", pkg, test)
}

func fail(pkg, test, text string) string {
	return run(pkg, test, text+"--- FAIL: "+test+" (1.00s)\n") + action("fail", pkg, test)
}

func skipped(test, text string) string {
	return run(doctor, test, text+"--- SKIP: "+test+" (0.00s)\n") + action("skip", doctor, test)
}

func passed(pkg string) string {
	return output(pkg, "", "PASS\nok  \t"+pkg+"\t1.500s\n") + action("pass", pkg, "")
}

func failedPackage(pkg string) string {
	return output(pkg, "", "FAIL\t"+pkg+"\t1.500s\n") + action("fail", pkg, "")
}

func doesNotBuild(pkg, text string) string {
	build := pkg + " [" + pkg + ".test]"
	return line(fields{"Action": "build-output", "ImportPath": build, "Output": text}) + line(fields{"Action": "build-fail", "ImportPath": build})
}

func exit(module string, status int) string {
	return "\n" + line(fields{"Action": "exit", "Module": module, "Status": status})
}

const (
	doctor = module + "/internal/doctor"
	redact = module + "/internal/redact"
)

func TestReport(t *testing.T) {
	ofDoctor := func(words string) string {
		return "internal/doctor" + strings.Repeat(" ", 30) + "1.5 s" + words + "\n"
	}
	for name, test := range map[string]struct {
		events string
		ok     bool
		want   string // in the output
		last   string // the last line
	}{
		"passed": {
			pass(doctor, "TestA") + passed(doctor), true,
			"ok    " + ofDoctor("      1 passed") + "1 passed, 0 failed, 0 skipped\n", "PASSED: 1 test in 1 package",
		},
		"two packages at once": {
			action("start", doctor, "") + run(doctor, "TestA", "chatter\n") + action("start", redact, "") + pass(redact, "TestA") + pass(redact, "TestA/x") + passed(redact) +
				action("pass", doctor, "TestA") + passed(doctor), true,
			"      2 passed\nok    internal/doctor", "PASSED: 3 tests in 2 packages",
		},
		"many": {
			strings.Repeat(pass(doctor, "TestA"), 1572) + passed(doctor), true,
			"1572 passed, 0 failed, 0 skipped\n", "PASSED: 1,572 tests in 1 package",
		},
		"without tests": {
			pass(doctor, "TestA") + passed(doctor) + action("start", redact, "") + output(redact, "", "?   \t"+redact+"\t[no test files]\n") + action("skip", redact, ""), true,
			"1 passed, 0 failed, 0 skipped\n", "PASSED: 1 test in 1 package",
		},
		"a table": {
			pass(doctor, "TestA") + output(doctor, "", "| 1 |\nchatter\n| 2 |\n") + passed(doctor), true,
			ofDoctor("      1 passed") + "| 1 |\n| 2 |\n", "PASSED: 1 test in 1 package",
		},
		"words of go and of test.sh": {
			"go: no module\n" + pass(doctor, "TestA") + passed(doctor), true,
			"go: no module\n", "PASSED: 1 test in 1 package",
		},
		"a long line": {
			run(doctor, "TestA", strings.Repeat("x", 1<<20)+"\n") + action("pass", doctor, "TestA") + passed(doctor), true,
			"ok    internal/doctor", "PASSED: 1 test in 1 package",
		},

		"nothing was to run in a package": {
			pass(doctor, "TestA") + passed(doctor) + output(redact, "", "testing: warning: no tests to run\n") + passed(redact), true,
			ofDoctor("      1 passed") + "1 passed, 0 failed", "PASSED: 1 test in 1 package",
		},
		"no input":    {"", false, "0 passed, 1 failed, 0 skipped\n", "FAILED: no test passed"},
		"nothing ran": {output(doctor, "", "testing: warning: no tests to run\n") + passed(doctor), false, "0 passed, 1 failed", "FAILED: no test passed"},

		"skipped": {
			pass(doctor, "TestA") + skipped("TestSoak", "    soak_test.go:65: needs a flag\n") + passed(doctor), true,
			ofDoctor("      1 passed  1 skipped") + "  skipped TestSoak: needs a flag\n", "PASSED: 1 test in 1 package, 1 skipped",
		},
		"skipped without a reason": {
			pass(doctor, "TestA") + skipped("TestSoak", "") + passed(doctor), true,
			"  skipped TestSoak: it does not say why\n", "PASSED: 1 test in 1 package, 1 skipped",
		},
		"skipped for the same reason": {
			pass(doctor, "TestA") + skipped("TestAnyWorld/7", "    a_test.go:1: no\n") + skipped("TestAnyWorld/9", "    a_test.go:1: no\n") +
				skipped("TestAnyWorld/11", "    a_test.go:1: never\n") + passed(doctor), true,
			"  skipped TestAnyWorld/7 and 1 more: no\n  skipped TestAnyWorld/11: never\n", "PASSED: 1 test in 1 package, 3 skipped",
		},
		"only skipped": {
			skipped("TestSoak", "") + passed(doctor), false,
			"0 passed, 1 failed, 1 skipped\n", "FAILED: no test passed",
		},
		"skipped, but has to run": {
			pass(doctor, "TestA") + skipped("TestB", "    b_test.go:7: no time\n") + passed(doctor), false,
			"SKIP  TestB (internal/doctor), which has to run: no time\nFAIL  " + ofDoctor("      1 passed  1 failed"),
			"FAILED: 1 of 2 tests failed: TestB (internal/doctor, skipped)",
		},
		"skipped, only the beginning of the name": {
			pass(doctor, "TestA") + skipped("TestSoaking", "") + passed(doctor), false,
			"SKIP  TestSoaking (internal/doctor), which has to run", "FAILED: 1 of 2 tests failed: TestSoaking (internal/doctor, skipped)",
		},
		"skipped, but not in CI": {
			pass(doctor, "TestA") + skipped("TestFullStorage/no_space_left", "") + passed(doctor), false,
			"1 passed, 1 failed, 0 skipped\n", "FAILED: 1 of 2 tests failed: TestFullStorage/no_space_left (internal/doctor, skipped)",
		},

		"failed": {
			pass(doctor, "TestA") + fail(doctor, "TestB", "got 1\n\nwant 2\n") + failedPackage(doctor), false,
			"FAIL  TestB (internal/doctor)\ngot 1\n\nwant 2\n--- FAIL: TestB (1.00s)\nFAIL  " + ofDoctor("      1 passed  1 failed") + "1 passed, 1 failed, 0 skipped\n",
			"FAILED: 1 of 2 tests failed: TestB (internal/doctor)",
		},
		"a subtest failed": {
			pass(doctor, "TestA") + action("run", doctor, "TestB") + fail(doctor, "TestB/x", "got 1\n") + action("run", doctor, "TestB/y") + action("pass", doctor, "TestB/y") +
				output(doctor, "TestB", "--- FAIL: TestB (1.00s)\n") + action("fail", doctor, "TestB") + failedPackage(doctor), false,
			"FAIL  TestB/x (internal/doctor)\ngot 1\n--- FAIL: TestB/x (1.00s)\nFAIL  " + ofDoctor("      2 passed  1 failed"),
			"FAILED: 1 of 3 tests failed: TestB/x (internal/doctor)",
		},
		"a subtest failed, and its parent says why": {
			action("run", doctor, "TestB") + fail(doctor, "TestB/x", "got 1\n") + output(doctor, "TestB", "seed 7\n--- FAIL: TestB (1.00s)\n") + action("fail", doctor, "TestB") + failedPackage(doctor), false,
			"FAIL  TestB (internal/doctor)\nseed 7\n", "FAILED: 1 of 1 test failed: TestB/x (internal/doctor)",
		},
		"two packages failed": {
			pass(redact, "TestA") + passed(redact) + fail(doctor, "TestB", "got 1\n") + failedPackage(doctor) + fail(module, "TestB", "got 2\n") + failedPackage(module), false,
			"1 passed, 2 failed, 0 skipped\n", "FAILED: 2 of 3 tests failed: TestB (internal/doctor), TestB (feishuauditreceiver)",
		},
		"many failed": {
			strings.Repeat(fail(doctor, "TestB", "got 1\n"), 12) + failedPackage(doctor), false,
			"0 passed, 12 failed, 0 skipped\n",
			"FAILED: 12 of 12 tests failed: " + strings.Repeat("TestB (internal/doctor), ", 9) + "TestB (internal/doctor) and 2 more",
		},
		"failed after its tests": {
			pass(doctor, "TestA") + output(doctor, "", "found unexpected goroutines\n") + failedPackage(doctor), false,
			"found unexpected goroutines\nFAIL  " + ofDoctor("      1 passed  failed outside of its tests") + "1 passed, 1 failed, 0 skipped\n",
			"FAILED: internal/doctor: failed outside of its tests",
		},
		"a race after its tests": {
			pass(doctor, "TestA") + run(doctor, "TestB", "--- PASS: TestB (1.00s)\nWARNING: DATA RACE\n") + action("pass", doctor, "TestB") + failedPackage(doctor), false,
			"WARNING: DATA RACE\nFAIL  internal/doctor", "FAILED: internal/doctor: failed outside of its tests",
		},

		"a test panicked": {
			pass(doctor, "TestA") + run(doctor, "TestB", "--- FAIL: TestB (0.10s)\npanic: boom [recovered, repanicked]\n\ngoroutine 20 [running]:\n") +
				action("fail", doctor, "TestB") + failedPackage(doctor), false,
			"panic: boom [recovered, repanicked]\n\ngoroutine 20 [running]:\nFAIL  internal/doctor", "FAILED: 1 of 2 tests failed: TestB (internal/doctor)",
		},
		"a goroutine panicked": {
			pass(doctor, "TestA") + run(doctor, "TestB", "panic: boom\n\ngoroutine 23 [running]:\n") + failedPackage(doctor), false,
			"FAIL  TestB (internal/doctor), which did not finish\npanic: boom\n\ngoroutine 23 [running]:\nFAIL  " + ofDoctor("      1 passed  TestB did not finish"),
			"FAILED: internal/doctor: TestB did not finish",
		},
		"one of several tests panicked": {
			run(doctor, "TestA", "") + run(doctor, "TestB", "") + run(doctor, "TestB/x", "") + run(doctor, "TestC", "") + action("pause", doctor, "TestC") +
				output(doctor, "TestA", "panic: boom\n") + failedPackage(doctor), false,
			"panic: boom\n", "FAILED: internal/doctor: TestA, TestB/x did not finish",
		},
		"no time was left": {
			run(doctor, "TestA", "") + run(doctor, "TestB", "--- PASS: TestB (0.10s)\npanic: test timed out after 2s\n\trunning tests:\n\t\tTestA (2s)\n") +
				action("pass", doctor, "TestB") + failedPackage(doctor), false,
			"panic: test timed out after 2s\n\trunning tests:\n\t\tTestA (2s)\nFAIL  internal/doctor", "FAILED: internal/doctor: TestA did not finish",
		},
		"the tests of a package were killed": {
			pass(doctor, "TestA") + run(doctor, "TestB", "signal: killed\n") + failedPackage(doctor), false,
			"signal: killed\nFAIL  internal/doctor", "FAILED: internal/doctor: TestB did not finish",
		},
		"passed, but a test did not finish": {
			pass(doctor, "TestA") + run(doctor, "TestB", "chatting\n") + passed(doctor), false,
			"chatting\nFAIL  internal/doctor", "FAILED: internal/doctor: TestB did not finish",
		},

		"does not build": {
			doesNotBuild(redact, "# redact\nsyntax error\n") + pass(doctor, "TestA") + passed(doctor) + output(redact, "", "FAIL\t"+redact+" [build failed]\n") +
				line(fields{"Action": "fail", "Package": redact, "Elapsed": 0, "FailedBuild": redact + " [" + redact + ".test]"}), false,
			"# redact\nsyntax error\nok    internal/doctor", "FAILED: internal/redact: does not build",
		},
		"does not build, and no package says so": {
			pass(doctor, "TestA") + passed(doctor) + doesNotBuild(redact, "syntax error\n"), false,
			"syntax error\n", "FAILED: internal/redact: does not build",
		},
		"failures of both kinds": {
			fail(doctor, "TestB", "got 1\n") + failedPackage(doctor) + pass(redact, "TestA") + failedPackage(redact), false,
			"1 passed, 2 failed, 0 skipped\n", "FAILED: 1 of 2 tests failed: TestB (internal/doctor); internal/redact: failed outside of its tests",
		},

		"cut off in a line": {
			pass(doctor, "TestA") + passed(doctor) + `{"Action":"start","Pack`, false,
			"{\"Action\":\"start\",\"Pack\n", "FAILED: a line of go test -json is damaged",
		},
		"cut off in a test": {
			action("start", doctor, "") + pass(doctor, "TestA") + run(doctor, "TestB", "so far\n"), false,
			"FAIL  TestB (internal/doctor), which did not finish\nso far\nFAIL  internal/doctor", "FAILED: internal/doctor: did not finish (TestB)",
		},
		"cut off between tests": {
			action("start", doctor, "") + pass(doctor, "TestA"), false,
			"did not finish\n1 passed, 1 failed", "FAILED: internal/doctor: did not finish",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			ok := report(strings.NewReader(test.events), &out, options{ci: true, started: time.Now()})
			require.Equal(t, test.ok, ok, out.String())
			require.Contains(t, out.String(), test.want)
			require.NotContains(t, out.String(), "chatter", "what a test writes that passes")
			require.NotContains(t, out.String(), "=== RUN")
			requireLast(t, test.last, out.String())
			require.Len(t, summary.FindAllString(out.String(), -1), 1, "what CI reads")
		})
	}
}

// requireLast compares the last line, but for the time.
func requireLast(t *testing.T, want, out string) {
	t.Helper()
	last := out[strings.LastIndexByte(strings.TrimSuffix(out, "\n"), '\n')+1:]
	require.Regexp(t, `^(PASSED|FAILED): .*\b(in|after) \d+ s\)?\n$`, last)
	require.Equal(t, want+"\n", regexp.MustCompile(`,? \(?\w+ \d+ s\)?\n$`).ReplaceAllString(last, "\n"), out)
}

// summary is the line that CI looks for.
var summary = regexp.MustCompile(`(?m)^(\w+: )?\d+ passed, \d+ failed(, \d+ skipped)?$`)

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
		"long ones":        {events: good, ends: "exit 0", flag: "-long", args: "-run ^(TestB|TestC)$ ./... ", last: "PASSED: 2 tests in 2 packages"},
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
	long, err := os.ReadFile("../tools/long-tests.txt")
	require.NoError(t, err)
	for name := range strings.Lines(string(long)) {
		require.Regexp(t, `^Test\w+\n$`, name)
		require.Contains(t, all.String(), "func "+strings.TrimSpace(name)+"(", "long-tests.txt")
	}
}
