// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
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
		"failed, and says why": {
			fail(doctor, "TestB", "    b_test.go:17: not within 4m0s: it ends\n    c_test.go:2: the log\n") + failedPackage(doctor), false,
			"0 passed, 1 failed, 0 skipped\n  TestB (internal/doctor): not within 4m0s: it ends\n",
			"FAILED: 1 of 1 test failed: TestB (internal/doctor)",
		},
		"failed by an assertion": {
			fail(doctor, "TestB", "    b_test.go:17: \n        \tError Trace:\tb_test.go:17\n        \tError:      \tNot equal: \n        \t            \texpected: 1\n        \t            \tactual  : 2\n        \tTest:       \tTestB\n") + failedPackage(doctor), false,
			"0 passed, 1 failed, 0 skipped\n  TestB (internal/doctor): Not equal: expected: 1\n",
			"FAILED: 1 of 1 test failed: TestB (internal/doctor)",
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

// requireLast compares the last line, except the time.
func requireLast(t *testing.T, want, out string) {
	t.Helper()
	last := out[strings.LastIndexByte(strings.TrimSuffix(out, "\n"), '\n')+1:]
	require.Regexp(t, `^(PASSED|FAILED): .*\b(in|after) \d+ s\)?\n$`, last)
	require.Equal(t, want+"\n", regexp.MustCompile(`,? \(?\w+ \d+ s\)?\n$`).ReplaceAllString(last, "\n"), out)
}

// summary is the line that CI looks for.
var summary = regexp.MustCompile(`(?m)^(\w+: )?\d+ passed, \d+ failed(, \d+ skipped)?$`)
