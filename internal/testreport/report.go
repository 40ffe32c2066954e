// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is the part of a line of `go test -json` that is used, see `go doc test2json`. Module and Status are
// those of the line that test.sh writes after each module.
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	Elapsed     float64
	ImportPath  string
	FailedBuild string
	Module      string
	Status      int
}

// reporter is the state of the report on a test run.
type reporter struct {
	options
	out     io.Writer
	running map[string]*pkg
	// Packages that have finished, and tests.
	finished, passed, skipped int
	failures                  []string // tests, as the last line names them
	reasons                   []string // what they say, in a line each
	problems                  []string // other reasons why the run failed
	builds                    []string // that failed, and no package has said so
	explained                 int      // failures and problems when the last module ended
}

// pkg is a package whose tests run.
type pkg struct {
	tests                   map[string]*test // those that have not ended
	output                  strings.Builder  // written outside of a test
	tables                  strings.Builder
	skips                   []skip
	passed, failed, skipped int
}

// test is a test that runs. Its output is kept until it is known whether it passes.
type test struct {
	output    strings.Builder
	runs      bool
	paused    bool // waits for the other parallel tests
	subFailed bool // one of its subtests failed
}

// skip is a reason for which tests were skipped that may be.
type skip struct {
	test string // the first one
	why  string
	more int
}

func newReporter(out io.Writer, opts options) *reporter {
	opts.modules = slices.Clone(opts.modules)
	return &reporter{options: opts, out: out, running: map[string]*pkg{}}
}

// read prints the events until they end.
func (r *reporter) read(events io.Reader) {
	in := bufio.NewReader(events)
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.problem("the output of go test could not be read: " + err.Error())
			return
		}
	}
}

func (r *reporter) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Fprintln(r.out, line) // written by go or test.sh, not by a test
		if strings.HasPrefix(line, "{") {
			r.problem("a line of go test -json is damaged")
		}
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.out, e.Output)
	case e.Action == "build-fail":
		r.builds = append(r.builds, e.ImportPath)
	case e.Action == "exit":
		r.exit(e)
	case e.Package != "" && e.Test == "":
		r.ofPackage(e)
	case e.Package != "":
		r.ofTest(e)
	}
}

// ofPackage handles an event of a package as a whole.
func (r *reporter) ofPackage(e event) {
	p := r.get(e.Package)
	switch e.Action {
	case "output":
		switch {
		case strings.HasPrefix(e.Output, "|"):
			p.tables.WriteString(e.Output)
		case verdict.MatchString(e.Output): // the line of the package has it
		default:
			p.output.WriteString(e.Output)
		}
	case "pass", "fail":
		r.end(e.Package, e)
	case "skip": // a package without tests
		delete(r.running, e.Package)
	}
}

// ofTest handles an event of a test.
func (r *reporter) ofTest(e event) {
	p := r.get(e.Package)
	t := p.tests[e.Test]
	if t == nil {
		t = &test{}
		p.tests[e.Test] = t
	}
	switch e.Action {
	case "output":
		if !framing.MatchString(e.Output) {
			t.output.WriteString(e.Output)
		}
	case "run":
		t.runs = true
	case "pause":
		t.paused = true
	case "cont":
		t.paused = false
	case "pass":
		p.passed++
		r.passed++
	case "skip":
		r.skip(p, e, t.output.String())
	case "fail":
		r.fail(p, e, t)
	}
	switch e.Action {
	case "pass", "skip":
		// A test that has passed writes nothing more. What follows is, for example, a panic of another test,
		// which go test attributes to the last test that ended.
		output := t.output.String()
		if all := ended.FindAllStringIndex(output, -1); len(all) > 0 {
			p.output.WriteString(output[all[len(all)-1][1]:])
		}
		fallthrough
	case "fail":
		delete(p.tests, e.Test)
	}
}

var (
	// framing is what the testing package writes about a test that runs.
	framing = regexp.MustCompile(`^=== (RUN|PAUSE|CONT|NAME) `)
	// ended is the line that it writes at the end of one that passed or was skipped.
	ended = regexp.MustCompile(`(?m)^ *--- (PASS|SKIP): .*\n`)
	// failed is the line that it writes at the end of one that failed.
	failed = regexp.MustCompile(`(?m)^ *--- FAIL: .*\n`)
	// verdict is what go test writes at the end of a package.
	verdict = regexp.MustCompile(`^(PASS|FAIL|ok  \t.*|FAIL\t.*)\n$`)
	// assertion is what testify writes of an assertion that failed.
	assertion = regexp.MustCompile(`\tError:\s+(.*(?:\n\s+\t {2,}\t.*)?)`)
	// reason is the line with which a test says why it is skipped, or fails.
	reason = regexp.MustCompile(`(?m)^ *\w+\.go:\d+: (.*)$`)
)

// skip counts a skipped test. A test that has to run has failed if it is skipped.
func (r *reporter) skip(p *pkg, e event, output string) {
	why := "it does not say why"
	if match := reason.FindStringSubmatch(output); match != nil {
		why = match[1]
	}
	if !maySkip(e.Test, r.ci) {
		fmt.Fprintf(r.out, "SKIP  %s, which has to run: %s\n", named(e), why)
		p.failed++
		r.failures = append(r.failures, fmt.Sprintf("%s (%s, skipped)", e.Test, short(e.Package)))
		return
	}
	p.skipped++
	r.skipped++
	top, _, _ := strings.Cut(e.Test, "/")
	for i, s := range p.skips {
		if first, _, _ := strings.Cut(s.test, "/"); first == top && s.why == why {
			p.skips[i].more++
			return
		}
	}
	p.skips = append(p.skips, skip{test: e.Test, why: why})
}

// fail prints everything that a failed test wrote. A test with a failed subtest is counted as that subtest,
// otherwise each failure would count twice.
func (r *reporter) fail(p *pkg, e event, t *test) {
	output := t.output.String()
	for i, c := range e.Test {
		if parent := p.tests[e.Test[:i]]; c == '/' && parent != nil {
			parent.subFailed = true
		}
	}
	if t.subFailed {
		if strings.TrimSpace(failed.ReplaceAllString(output, "")) == "" {
			return
		}
	} else {
		p.failed++
		r.failures = append(r.failures, named(e))
		if why := firstReason(output); why != "" {
			r.reasons = append(r.reasons, named(e)+": "+why)
		}
	}
	fmt.Fprintf(r.out, "FAIL  %s\n%s", named(e), lines(output))
}

// firstReason is the first message of a failed test, in one line: for an assertion, its error.
func firstReason(output string) string {
	match := reason.FindStringSubmatchIndex(output)
	if match == nil {
		return ""
	}
	if why := strings.TrimSpace(output[match[2]:match[3]]); why != "" {
		return why
	}
	if match := assertion.FindStringSubmatch(output[match[1]:]); match != nil {
		return strings.Join(strings.Fields(match[1]), " ")
	}
	return ""
}

func (r *reporter) get(name string) *pkg {
	if r.running[name] == nil {
		r.running[name] = &pkg{tests: map[string]*test{}}
	}
	return r.running[name]
}
