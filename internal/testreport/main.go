// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command testreport reads the output of `go test -json` and says what a person
// wants to know: one line for each package, everything that a failed test wrote, the
// tables that a package prints after its tests (lines that begin with |), which tests
// were skipped and why, and how many passed. It exits 1 if one failed, if none ran, or
// if one was skipped that should have run.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	// What a developer's machine lacks is the developer's business; CI has all.
	if !report(os.Stdin, os.Stdout, os.Getenv("CI") != "") {
		os.Exit(1)
	}
}

const ownLoki = "needs a Loki of one's own: make e2e-loki"

// skips are the tests that may be skipped, and why. A pattern is of the whole name.
var skips = []struct {
	test string
	why  string
	ci   bool // in CI, too
}{
	{"TestSoak", "has a command of its own: make soak", true},
	{"TestOnCall", "has a command of its own: make on-call", true},
	{"TestScreenshot", "has a command of its own: make screenshot", true},
	{"TestHighAvailability", "has a command of its own: make e2e-ha", true},
	// Loki is under the AGPL: this project builds none.
	{"TestLoki", ownLoki, true},
	{"TestLokiRepeats", ownLoki, true},
	{"TestLokiCounts", ownLoki, true},
	{"TestLokiBacklog", ownLoki, true},
	{"TestLokiLimits", ownLoki, true},
	{"TestLokiLimits/.*", "needs a Loki with other settings than the example's", true},
	{"TestLokiLargeEntries", ownLoki, true},
	{"TestDetections", ownLoki, true},
	{"TestDetectionKeys", ownLoki, true},
	{"TestRuler", ownLoki, true},
	{`TestAnyWorld/\d+`, "options that mean nothing together", true},
	{"TestServiceUnit", "needs systemd-analyze", false},
	{"TestFullStorage/.*", "needs Linux, and the right to mount", false},
}

func maySkip(test string, ci bool) bool {
	for _, s := range skips {
		if (s.ci || !ci) && regexp.MustCompile("^(?:"+s.test+")$").MatchString(test) {
			return true
		}
	}
	return false
}

// event is what we read of a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// reason is the line with which a test says why it is skipped.
var reason = regexp.MustCompile(`(?m)^ *\w+\.go:\d+: (.*)$`)

// maxSkips bounds the lines about tests that were skipped as they may be.
const maxSkips = 20

// report reads the events of a test run and reports whether all is well.
func report(events io.Reader, out io.Writer, ci bool) bool {
	outputs := map[string]*strings.Builder{}
	inPackage := map[string]int{}
	passed, failed, skipped := 0, 0, 0
	bad := false
	in := bufio.NewScanner(events)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Fprintln(out, in.Text()) // not from a test: a build's own words
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			bad = true
		case "output":
			if e.Test == "" && strings.HasPrefix(e.Output, "|") {
				fmt.Fprint(out, e.Output)
				continue
			}
			if outputs[key] == nil {
				outputs[key] = &strings.Builder{}
			}
			outputs[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			if e.Action == "fail" && outputs[key] != nil {
				fmt.Fprint(out, outputs[key])
			}
			switch {
			case e.Test == "" && e.Action == "skip": // a package without tests
			case e.Test == "":
				bad = bad || e.Action == "fail"
				fmt.Fprintf(out, "%-4s  %-70s %4d tests %6.1fs\n", e.Action, e.Package, inPackage[e.Package], e.Elapsed)
			case e.Action == "pass":
				inPackage[e.Package]++
				passed++
			case e.Action == "skip":
				skipped++
				why := "it does not say why"
				if outputs[key] != nil {
					if match := reason.FindStringSubmatch(outputs[key].String()); match != nil {
						why = match[1]
					}
				}
				switch expected := maySkip(e.Test, ci); {
				case !expected:
					bad = true
					fmt.Fprintf(out, "SKIP  %s, which has to run: %s\n", e.Test, why)
				case skipped <= maxSkips:
					fmt.Fprintf(out, "skip  %s: %s\n", e.Test, why)
				}
			case e.Action == "fail":
				failed++
			}
			delete(outputs, key)
		}
	}
	if in.Err() != nil {
		fmt.Fprintln(out, in.Err())
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return !bad && failed == 0 && passed > 0 && in.Err() == nil
}
