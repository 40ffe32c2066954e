// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command mutants breaks the receiver in the ways that the list in mutants.go
// names, one at a time, and runs the tests against each: a fault that no test
// notices is a hole in the tests. It changes no file but the report; the compiler
// gets the broken source as an overlay.
//
//	go run ./internal/mutants [-only TEXT] [-run REGEXP] [-compile] [-report FILE]
//
// It exits with 1 if a mutant survives.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// worlds is how many simulated worlds each mutant has to get past.
const worlds = 30

func main() {
	only := flag.String("only", "", "run the mutants whose description contains this text")
	compile := flag.Bool("compile", false, "see whether the mutants compile, and run no tests")
	tests := flag.String("run", "", "run only the tests that match this `regexp`")
	report := flag.String("report", "", "write the result to this file, as Markdown")
	flag.Parse()
	if err := run(*only, *tests, *report, *compile); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// outcome is what became of a mutant.
type outcome struct {
	mutant
	caughtBy []string
	took     time.Duration
	err      error
}

func run(only, tests, report string, compile bool) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	// Tests that fail anyway would catch everything.
	none := mutant{what: "no mutant", file: "doc.go", from: "package feishuauditreceiver", to: "package feishuauditreceiver"}
	if compile {
		report = ""
	} else if caughtBy, err := none.try(root, filepath.Join(dir, "none"), tests, false); !errors.Is(err, errSurvived) {
		return errors.Join(fmt.Errorf("the tests fail without any mutant: %s", strings.Join(caughtBy, ", ")), err)
	}

	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(m.what, only) {
			chosen = append(chosen, m)
		}
	}
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
			caughtBy, err := m.try(root, filepath.Join(dir, strconv.Itoa(i)), tests, compile)
			outcomes[i] = outcome{m, caughtBy, time.Since(began), err}
			fmt.Println(outcomes[i].String())
		}()
	}
	wg.Wait()

	var failed []error
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", o.what, o.err))
		}
	}
	verb := "caught"
	if compile {
		verb = "compiled"
	}
	fmt.Printf("%d mutants, %d %s\n", len(outcomes), len(outcomes)-len(failed), verb)
	if report != "" && len(failed) == 0 {
		failed = append(failed, os.WriteFile(report, []byte(markdown(outcomes)), 0o644))
	}
	return errors.Join(failed...)
}

func (o outcome) String() string {
	if o.err != nil {
		return fmt.Sprintf("FAIL    %s (%s): %v", o.what, o.file, o.err)
	}
	if len(o.caughtBy) == 0 {
		return fmt.Sprintf("compiles %s (%s)", o.what, o.file)
	}
	return fmt.Sprintf("caught  %s (%s), after %.0f s, by %s", o.what, o.file, o.took.Seconds(), strings.Join(o.caughtBy, ", "))
}

var errSurvived = errors.New("no test noticed")

// try runs the tests against the broken source and returns the names of those that
// failed first.
func (m mutant) try(root, dir, tests string, compile bool) ([]string, error) {
	path := filepath.Join(root, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	broken, err := m.apply(string(source))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	replacement, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: replacement}})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(replacement, []byte(broken), 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		return nil, err
	}
	// A mutant may run for ever, or eat memory.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	test := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-overlay", overlay, "-vet=off"}, args...)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOMEMLIMIT=2GiB")
		return cmd.CombinedOutput()
	}
	if out, err := test("-run", "^$", "."); err != nil {
		return nil, fmt.Errorf("it does not compile: %s", out)
	} else if compile {
		return nil, nil
	}
	out, err := test("-count=1", "-failfast", "-timeout", "5m", "-run", tests, ".", "-sim.runs", strconv.Itoa(worlds))
	if err == nil {
		return nil, errSurvived
	}
	caughtBy := failures(out)
	if len(caughtBy) == 0 {
		return nil, fmt.Errorf("the tests did not run: %w: %s", err, out[:min(len(out), 2000)])
	}
	return caughtBy, nil
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// failures are the tests that failed, or were running when a panic or the time
// limit ended them.
func failures(out []byte) []string {
	var names []string
	for _, match := range failure.FindAllSubmatch(out, -1) {
		names = append(names, string(match[1]))
	}
	if len(names) == 0 && bytes.Contains(out, []byte("panic: test timed out")) {
		names = append(names, "the time limit")
	}
	if len(names) == 0 && bytes.Contains(out, []byte("panic: ")) {
		names = append(names, "a panic")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func markdown(outcomes []outcome) string {
	var b strings.Builder
	b.WriteString("# Mutants\n\n")
	b.WriteString("Written by `make mutants`, which breaks the receiver in each of these ways and runs its tests. All were caught, by:\n\n")
	b.WriteString("| what is broken | in | noticed first by |\n| --- | --- | --- |\n")
	for _, o := range outcomes {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", o.what, o.file, strings.Join(o.caughtBy, ", "))
	}
	return b.String()
}
