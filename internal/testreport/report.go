// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// event is what we read of a line of `go test -json`, see `go doc test2json`. Module and
// Status are those of the line that test.sh writes after each module.
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

// reporter keeps what the report still needs of a test run.
type reporter struct {
	options
	out     io.Writer
	running map[string]*pkg
	// Packages that have finished, and tests.
	finished, passed, skipped int
	failures                  []string // tests, as the last line names them
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

// read prints what the events say until they end.
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
		case verdict.MatchString(e.Output): // the line of the package says it
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
		// A test that has passed writes no more. What follows is for example a panic of
		// another one, which go test takes for the output of the last test to end.
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
	// reason is the line with which a test says why it is skipped.
	reason = regexp.MustCompile(`(?m)^ *\w+\.go:\d+: (.*)$`)
)

// skip counts a test that was skipped. One that has to run has failed.
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

// fail prints all that a failed test wrote. A test with a subtest that failed counts as
// that one, or each failure would be two.
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
	}
	fmt.Fprintf(r.out, "FAIL  %s\n%s", named(e), lines(output))
}

// end prints the line of a package, and what belongs to it.
func (r *reporter) end(name string, e event) {
	p := r.get(name)
	delete(r.running, name)
	unfinished := r.unfinished(p, name)
	word := "ok"
	if e.Action != "pass" || unfinished != "" || p.failed > 0 {
		word = "FAIL"
		fmt.Fprint(r.out, lines(p.output.String()))
	}
	if word == "ok" && p.passed+p.skipped == 0 && strings.Contains(p.output.String(), noTests) {
		return // it has none that -run selects
	}
	line := fmt.Sprintf("%-5s %-40s %7.1f s %6d passed", word, short(name), e.Elapsed, p.passed)
	if p.failed > 0 {
		line += fmt.Sprintf("  %d failed", p.failed)
	}
	if p.skipped > 0 {
		line += fmt.Sprintf("  %d skipped", p.skipped)
	}
	problem := ""
	switch {
	case e.Action == "exit":
		problem = "did not finish"
		if unfinished != "" {
			problem += " (" + unfinished + ")"
		}
	case e.FailedBuild != "":
		problem = "does not build"
		r.builds = slices.DeleteFunc(r.builds, func(b string) bool { return b == e.FailedBuild })
	case unfinished != "":
		problem = unfinished + " did not finish"
	case e.Action == "fail" && p.failed == 0:
		problem = "failed outside of its tests"
	}
	if problem != "" {
		line += "  " + problem
		r.problem(short(name) + ": " + problem)
	}
	fmt.Fprintln(r.out, line)
	for _, s := range p.skips {
		more := ""
		if s.more > 0 {
			more = fmt.Sprintf(" and %d more", s.more)
		}
		fmt.Fprintf(r.out, "  skipped %s%s: %s\n", s.test, more, s.why)
	}
	fmt.Fprint(r.out, p.tables.String())
	r.finished++
}

// noTests is what go test writes about a package in which -run selects none.
const noTests = "testing: warning: no tests to run\n"

// unfinished prints what the tests wrote that run although their package has ended, and
// names them. A panic is in the output of one of them.
func (r *reporter) unfinished(p *pkg, name string) string {
	var running, paused []string
	all := slices.Sorted(maps.Keys(p.tests))
	for _, n := range all {
		t := p.tests[n]
		if output := t.output.String(); t.runs && strings.TrimSpace(output) != "" {
			fmt.Fprintf(r.out, "FAIL  %s, which did not finish\n%s", named(event{Package: name, Test: n}), lines(output))
		} else if !t.runs {
			p.output.WriteString(output) // came after its end
		}
		switch {
		case !t.runs || slices.ContainsFunc(all, func(sub string) bool { return strings.HasPrefix(sub, n+"/") }):
		case t.paused:
			paused = append(paused, n)
		default:
			running = append(running, n)
		}
	}
	if len(running) == 0 {
		running = paused
	}
	return list(running, ", ", 3)
}

// exit handles the end of go test in a module. Status 1 is that of tests that failed.
func (r *reporter) exit(e event) {
	r.cutOff()
	r.modules = slices.DeleteFunc(r.modules, func(m string) bool { return m == e.Module })
	if e.Status > 128 {
		r.problem(fmt.Sprintf("go test in module %s was killed (exit status %d)", e.Module, e.Status))
	} else if e.Status > 1 || e.Status == 1 && len(r.failures)+len(r.problems) == r.explained {
		r.problem(fmt.Sprintf("go test in module %s ended with status %d", e.Module, e.Status))
	}
	r.explained = len(r.failures) + len(r.problems)
}

// cutOff ends the packages that have not finished although go test has ended.
func (r *reporter) cutOff() {
	for _, name := range slices.Sorted(maps.Keys(r.running)) {
		r.end(name, event{Action: "exit"})
	}
	for _, b := range r.builds {
		name, _, _ := strings.Cut(b, " ")
		r.problem(short(name) + ": does not build")
	}
	r.builds = nil
}

func (r *reporter) problem(problem string) {
	if !slices.Contains(r.problems, problem) {
		r.problems = append(r.problems, problem)
	}
}

// finish prints the sums, the last line for a person, and reports whether all is well.
func (r *reporter) finish() bool {
	r.cutOff()
	for _, m := range r.modules {
		r.problem(fmt.Sprintf("go test in module %s was cut off", m))
	}
	if r.passed == 0 && len(r.failures)+len(r.problems) == 0 {
		r.problem("no test passed")
	}
	took := fmt.Sprintf("%.0f s", time.Since(r.started).Seconds())
	bad := len(r.failures) + len(r.problems)
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, bad, r.skipped)
	if bad == 0 {
		skipped := ""
		if r.skipped > 0 {
			skipped = thousands(r.skipped) + " skipped, "
		}
		fmt.Fprintf(r.out, "PASSED: %s in %s, %sin %s\n", counted(r.passed, "test"), counted(r.finished, "package"), skipped, took)
		return true
	}
	var parts []string
	if n := len(r.failures); n > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s failed: %s", thousands(n), counted(r.passed+n, "test"), list(r.failures, ", ", 10)))
	}
	if len(r.problems) > 0 {
		parts = append(parts, list(r.problems, "; ", 10))
	}
	fmt.Fprintf(r.out, "FAILED: %s (after %s)\n", strings.Join(parts, "; "), took)
	return false
}

func (r *reporter) get(name string) *pkg {
	if r.running[name] == nil {
		r.running[name] = &pkg{tests: map[string]*test{}}
	}
	return r.running[name]
}

// module is the path that is the same in all packages' names.
const module = "github.com/feishuaudit/feishuauditreceiver"

// short is a package's name below the root of the repository.
func short(name string) string {
	if name == module {
		return "feishuauditreceiver"
	}
	return strings.TrimPrefix(name, module+"/")
}

func named(e event) string { return fmt.Sprintf("%s (%s)", e.Test, short(e.Package)) }

// lines is a text that ends with the end of a line.
func lines(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// list joins up to most items, and says how many there are beyond.
func list(items []string, separator string, most int) string {
	if len(items) <= most {
		return strings.Join(items, separator)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], separator), len(items)-most)
}

// thousands is a number as a person reads it: 1,572.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}
