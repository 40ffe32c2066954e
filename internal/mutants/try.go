// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// worlds is how many simulated worlds each mutant is tested with.
const worlds = 30

// Time limits: of the tests that noticed the mutant last time, of all tests, and of a test that runs alone
// because it has exceeded one of the others.
const (
	firstLimit = 3 * time.Minute
	allLimit   = 6 * time.Minute
	aloneLimit = 10 * time.Minute
)

// runner builds and runs the tests of broken sources.
type runner struct {
	root, dir string
	tests     string // a regular expression, "" for all
	compile   bool
	// alone is write-locked by a test that needs the machine for itself.
	alone sync.RWMutex
}

// verdict is which tests noticed a mutant, and how, if not by an assertion.
type verdict struct {
	tests []string
	how   string
}

func (v verdict) String() string { return strings.Join(v.tests, ", ") + v.how }

var errSurvived = errors.New("no test noticed")

// packages are those whose tests have to notice the mutant: its own, which is cheapest, and the receiver's.
func (m mutant) packages() []string {
	if own := filepath.Dir(m.file); own != "." {
		return []string{own, "."}
	}
	return []string{"."}
}

// try runs the tests against the broken source. The tests that noticed it last time go first, and usually these
// are enough.
func (r *runner) try(m mutant, n int, first []string) (verdict, error) {
	dir := filepath.Join(r.dir, strconv.Itoa(n))
	overlay, err := m.overlay(r.root, dir)
	if err != nil {
		return verdict{}, err
	}
	defer os.RemoveAll(dir) // a hundred test binaries are some gigabytes
	binaries := map[string]string{}
	build := func(pkg string) (string, error) {
		if binaries[pkg] == "" {
			binary := filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_")+".test")
			if err := r.build(pkg, binary, "-overlay", overlay); err != nil {
				return "", err
			}
			binaries[pkg] = binary
		}
		return binaries[pkg], nil
	}
	if r.compile {
		_, err := build(m.packages()[0])
		return verdict{}, err
	}
	type attempt struct {
		tests string
		limit time.Duration
	}
	attempts := []attempt{{r.tests, allLimit}}
	if r.tests == "" && len(first) > 0 {
		attempts = []attempt{{exactly(first), firstLimit}, {"", allLimit}}
	}
	for _, a := range attempts {
		for _, pkg := range m.packages() {
			binary, err := build(pkg)
			if err != nil {
				return verdict{}, err
			}
			v, err := r.judge(pkg, binary, a.tests, a.limit)
			if err != nil || len(v.tests) > 0 {
				return v, err
			}
		}
	}
	return verdict{}, errSurvived
}

// overlay writes the broken source and tells the compiler where it is.
func (m mutant) overlay(root, dir string) (string, error) {
	path := filepath.Join(root, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	broken, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	replacement, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: replacement}})
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(os.WriteFile(replacement, []byte(broken), 0o600), os.WriteFile(overlay, list, 0o600))
}

func (r *runner) build(pkg, binary string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), "go", append(append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}, args...), "./"+pkg)...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile: %w: %s", err, out)
	}
	return nil
}

// judge runs tests and returns which of them failed. A time limit, or a panic outside a test's own goroutine,
// does not count as a failure yet, because the machine may be slow. The test that was running then has to fail
// alone, with enough time.
func (r *runner) judge(pkg, binary, tests string, limit time.Duration) (verdict, error) {
	r.alone.RLock()
	out, err := r.run(pkg, binary, tests, limit)
	r.alone.RUnlock()
	if err == nil {
		return verdict{}, nil
	}
	if names := failures(out); len(names) > 0 {
		return noticed(names, out), nil
	}
	running := unfinished(out)
	if len(running) == 0 {
		return verdict{}, fmt.Errorf("the tests did not run: %w: %s", err, tail(out))
	}
	r.alone.Lock()
	defer r.alone.Unlock()
	out, err = r.run(pkg, binary, exactly(running), aloneLimit)
	switch names := failures(out); {
	case err == nil:
		return verdict{}, fmt.Errorf("%s passed the time limit or panicked, but passes alone: %w", strings.Join(running, ", "), errSurvived)
	case len(names) > 0:
		return noticed(names, out), nil
	case timedOut(out):
		return verdict{running, " (does not end)"}, nil
	}
	return verdict{running, " (panics)"}, nil
}

var panicked = regexp.MustCompile(`(?m)^panic: `)

func noticed(names []string, out []byte) verdict {
	v := verdict{tests: names}
	if panicked.Match(out) {
		v.how = " (panics)"
	}
	return v
}

func (r *runner) run(pkg, binary, tests string, limit time.Duration) ([]byte, error) {
	// The time limit of the tests themselves shows which one was running.
	ctx, cancel := context.WithTimeout(context.Background(), limit+time.Minute)
	defer cancel()
	args := []string{"-test.v", "-test.failfast", "-test.paniconexit0", "-test.timeout", limit.String(), "-test.run", tests}
	if pkg == "." {
		args = append(args, "-sim.runs", strconv.Itoa(worlds))
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = filepath.Join(r.root, pkg)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=2GiB") // a mutant may eat memory
	return cmd.CombinedOutput()
}

// sound checks whether the tests pass without a mutant. Their packages are not known, so the packages of all
// mutants are tested.
func (r *runner) sound(names []string) error {
	if len(names) == 0 {
		return nil
	}
	packages := map[string]bool{}
	for _, m := range mutants {
		for _, pkg := range m.packages() {
			packages[pkg] = true
		}
	}
	for pkg := range packages {
		binary := filepath.Join(r.dir, "sound.test")
		if err := r.build(pkg, binary); err != nil {
			return err
		}
		if out, err := r.run(pkg, binary, exactly(names), 2*aloneLimit); err != nil {
			return fmt.Errorf("tests fail in %s with nothing broken: %s: %w: %s", pkg, strings.Join(failures(out), ", "), err, tail(out))
		}
	}
	return nil
}

// exactly is a regular expression for these tests.
func exactly(names []string) string { return "^(" + strings.Join(names, "|") + ")$" }

func tail(out []byte) []byte { return out[max(0, len(out)-2000):] }

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// failures are the tests that failed.
func failures(out []byte) []string {
	var names []string
	for _, match := range failure.FindAllSubmatch(out, -1) {
		names = append(names, string(match[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	begun = regexp.MustCompile(`(?m)^=== RUN +([^/\s]+)$`)
	ended = regexp.MustCompile(`(?m)^--- (?:PASS|FAIL|SKIP): (\S+)`)
)

func timedOut(out []byte) bool { return bytes.Contains(out, []byte("panic: test timed out")) }

// unfinished are the tests that had started and not ended when a panic or the time limit ended the run.
func unfinished(out []byte) []string {
	over := map[string]bool{}
	for _, match := range ended.FindAllSubmatch(out, -1) {
		over[string(match[1])] = true
	}
	var names []string
	for _, match := range begun.FindAllSubmatch(out, -1) {
		if name := string(match[1]); !over[name] {
			names = append(names, name)
		}
	}
	return names
}
