// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command testreport reads the output of `go test -json` while the tests run, and
// prints what a person needs: one line for each package as soon as it finishes, with
// the tests that it skipped and the tables that it wrote (lines that start with |),
// everything that a failed test wrote, build failures in full, and at the end how many
// tests passed, with the names of those that did not. It exits with status 1 if a test
// failed or did not finish, if none ran, if one was skipped that has to run, or if the
// output ends before the tests of all modules have ended.
//
//	testreport [-started SECONDS] [MODULE...]
//
// internal/tools/test.sh runs it. After each module the script writes a line of its own
// with the exit status of go test: {"Action":"exit","Module":"e2e","Status":0}.
package main

import (
	"flag"
	"io"
	"os"
	"regexp"
	"time"
)

func main() {
	started := flag.Int64("started", time.Now().Unix(), "when the run started, in Unix `seconds`")
	flag.Parse()
	// A developer's machine may lack something; CI has everything.
	if !report(os.Stdin, os.Stdout, options{
		ci:      os.Getenv("CI") != "",
		started: time.Unix(*started, 0),
		modules: flag.Args(),
	}) {
		os.Exit(1)
	}
}

const ownLoki = "needs your own Loki: make e2e-loki"

// options are what a report needs to know besides the events.
type options struct {
	ci      bool
	started time.Time
	modules []string // whose end has to be among the events
}

// skips are the tests that may be skipped, and why. A pattern is of the whole name.
var skips = []struct {
	test string
	why  string
	ci   bool // in CI, too
}{
	{"TestSoak", "has a command of its own: make soak", true},
	{"TestOnCall", "has a command of its own: make on-call", true},
	{"TestScreenshot(Vmalert)?", "has a command of its own: make screenshot", true},
	{"TestHighAvailability", "has a command of its own: make e2e-ha", true},
	// Loki is under the AGPL: this project builds none.
	{"TestLoki", ownLoki, true},
	{"TestLokiRepeats", ownLoki, true},
	{"TestLokiCounts", ownLoki, true},
	{"TestLokiBacklog", ownLoki, true},
	{"TestLokiLimits", ownLoki, true},
	{"TestLokiLimits/.*", "needs a Loki with other settings than the example's", true},
	{"TestLokiLargeEntries", ownLoki, true},
	{"TestLokiRules", ownLoki, true},
	{"TestRuler", ownLoki, true},
	{`TestAnyWorld/\d+`, "options that mean nothing together", true},
	{"TestPackages", "needs a machine that gives namespaces to boot systemd in", true},
	{"TestServiceUnit", "needs systemd-analyze", false},
	{"TestFullStorage/.*", "needs Linux, and the right to mount", false},
}

// maySkip reports whether a test may be skipped.
func maySkip(test string, ci bool) bool {
	for _, s := range skips {
		if (s.ci || !ci) && regexp.MustCompile("^(?:"+s.test+")$").MatchString(test) {
			return true
		}
	}
	return false
}

// report prints the events of a test run as they arrive and reports whether all tests passed.
func report(events io.Reader, out io.Writer, opts options) bool {
	r := newReporter(out, opts)
	r.read(events)
	return r.finish()
}
