// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command mutants breaks the receiver in the ways that the lists name (mutants.go
// joins them), one at a time, and runs the tests against each: a fault that no test
// notices is a hole in the tests. It changes no file but the report; the compiler
// gets the broken source as an overlay.
//
//	go run ./internal/mutants [-only TEXT] [-stale] [-run REGEXP] [-compile] [-report FILE]
//
// It exits with 1 if a mutant survives. A report keeps the rows of the mutants that
// were not run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// defaultReport is the last result, which shows which test to run first.
const defaultReport = "docs/mutants.md"

type options struct {
	only, tests, report string
	compile, stale      bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "run the mutants whose description contains this text")
	flag.BoolVar(&o.stale, "stale", false, "run the mutants whose row in "+defaultReport+" is missing or about another source")
	flag.BoolVar(&o.compile, "compile", false, "see whether the mutants compile, and run no tests")
	flag.StringVar(&o.tests, "run", "", "run only the tests that match this `regexp`")
	flag.StringVar(&o.report, "report", "", "write the result to this file, as Markdown")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// outcome is the result for a mutant.
type outcome struct {
	mutant
	caught verdict
	took   time.Duration
	err    error
}

func run(o options) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, err := os.ReadFile(filepath.Join(root, defaultReport))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	last := readReport(string(text))
	chosen, err := choose(o, root, last)
	if err != nil {
		return err
	}
	if o.compile {
		o.report = ""
	}
	r := &runner{root: root, dir: dir, tests: o.tests, compile: o.compile}

	// Tests that fail in any case would notice every mutant.
	known := map[string]bool{}
	if !o.compile && o.tests == "" {
		for _, m := range chosen {
			for _, name := range testNames(last[m.what].by) {
				known[name] = true
			}
		}
		if err := r.sound(slices.Sorted(maps.Keys(known))); err != nil {
			return err
		}
	}

	out := &reporter{path: o.report, root: root, last: last}
	outcomes := make([]outcome, len(chosen))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, m := range chosen {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer wg.Done()
			defer func() { <-slots }()
			began := time.Now()
			caught, err := r.try(m, i, testNames(last[m.what].by))
			outcomes[i] = outcome{m, caught, time.Since(began), err}
			fmt.Println(outcomes[i].String())
			out.note(outcomes[i])
		}()
	}
	wg.Wait()

	var failed []error
	var more []string // tests that were not known to be sound
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.what, o.err))
		}
		for _, name := range o.caught.tests {
			if !known[name] {
				more = append(more, name)
			}
		}
	}
	verb := "caught"
	if o.compile {
		verb = "compiled"
	} else if err := r.sound(more); err != nil {
		if o.report != "" {
			err = errors.Join(err, os.WriteFile(o.report, text, 0o644))
		}
		return errors.Join(append(failed, err)...)
	}
	fmt.Printf("%d mutants, %d %s\n", len(outcomes), len(outcomes)-len(failed), verb)
	return errors.Join(append(failed, out.err)...)
}

func choose(o options, root string, last map[string]row) ([]mutant, error) {
	var chosen []mutant
	for _, m := range mutants {
		if !strings.Contains(m.what, o.only) {
			continue
		}
		if o.stale {
			source, err := m.source(root)
			if err != nil {
				return nil, err
			}
			if last[m.what].source == source {
				continue
			}
		}
		chosen = append(chosen, m)
	}
	return chosen, nil
}

func (o outcome) String() string {
	if o.err != nil {
		return fmt.Sprintf("FAIL    %s (%s): %v", o.what, o.file, o.err)
	}
	if len(o.caught.tests) == 0 {
		return fmt.Sprintf("compiles %s (%s)", o.what, o.file)
	}
	return fmt.Sprintf("caught  %s (%s), after %.0f s, by %s", o.what, o.file, o.took.Seconds(), o.caught)
}
