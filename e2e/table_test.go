// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is the result of one scenario, counted by id. found are the entries that the backend has accepted, refused
// those that it has refused permanently; doubled is how many records were accepted beyond the first of their id.
type row struct {
	scenario                                       string
	sent, found, refused, lost, doubled, mayDouble int
}

var table struct {
	mu     sync.Mutex
	rows   []row
	failed map[string]bool // the scenarios that failed
}

func note(r row) {
	table.mu.Lock()
	defer table.mu.Unlock()
	table.rows = append(table.rows, r)
}

// ended notes whether a scenario failed. One that failed before it could count still gets a row, with what is
// known about it.
func ended(t *testing.T, known row) {
	if !t.Failed() {
		return
	}
	table.mu.Lock()
	defer table.mu.Unlock()
	if table.failed == nil {
		table.failed = map[string]bool{}
	}
	table.failed[t.Name()] = true
	if !slices.ContainsFunc(table.rows, func(r row) bool { return r.scenario == t.Name() }) {
		known.scenario = t.Name()
		table.rows = append(table.rows, known)
	}
}

// atOnce is how many scenarios run at the same time, unless -parallel is given:
// they wait most of the time.
const atOnce = "8"

// memory is the memory limit of the tests' own process, if it can be set: eight scenarios at a time read
// megabytes again and again until everything has arrived, and with the GOGC of internal/tools/test.sh the
// garbage would grow to five times the memory in use, which is at most about 300 MB. The race detector takes
// three times as much again.
const memory = 1 << 30

func TestMain(m *testing.M) {
	debug.SetMemoryLimit(memory)
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	began := time.Now()
	code := m.Run()
	printTable(time.Since(began))
	os.Exit(code)
}

func printTable(took time.Duration) {
	if len(table.rows) == 0 {
		return
	}
	slices.SortFunc(table.rows, func(a, b row) int { return cmp.Compare(a.scenario, b.scenario) })
	const line = "| %-62s | %7v | %7v | %7v | %5v | %7v | %7v | %-6s |\n"
	fmt.Printf(line, "scenario", "sent", "found", "refused", "lost", "doubled", "allowed", "")
	fmt.Printf("|%s|\n", strings.Repeat("-", 130))
	var sum row
	for _, r := range table.rows {
		failed := ""
		if table.failed[r.scenario] {
			failed = "FAILED"
		}
		fmt.Printf(line, r.scenario, r.sent, r.found, r.refused, r.lost, r.doubled, r.mayDouble, failed)
		sum.sent += r.sent
		sum.found += r.found
		sum.refused += r.refused
		sum.lost += r.lost
		sum.doubled += r.doubled
		sum.mayDouble += r.mayDouble
	}
	fmt.Printf(line, fmt.Sprintf("all, in %s", took.Round(time.Second)), sum.sent, sum.found, sum.refused, sum.lost, sum.doubled, sum.mayDouble, "")
}
