// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

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
		return // -run selects none of its tests
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

// unfinished prints the output of tests that were still running when their package ended, and names them. A
// panic is in the output of one of them.
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

// finish prints the totals, with the last line for a person, and reports whether all tests passed.
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
	for _, why := range r.reasons[:min(len(r.reasons), 10)] {
		fmt.Fprintf(r.out, "  %s\n", why)
	}
	fmt.Fprintf(r.out, "FAILED: %s (after %s)\n", strings.Join(parts, "; "), took)
	return false
}
