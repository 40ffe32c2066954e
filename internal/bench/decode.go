// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/decode"
	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
)

// sample is the least CPU time that a benchmark took in all rounds.
type sample struct {
	nanos, allocs float64
}

// decodeFigures compare the ways to decode one page.
type decodeFigures struct {
	Page           string  `json:"page"`
	AllocsPerEntry float64 `json:"allocs_per_entry"`
	SDK            float64 `json:"sdk_of_ours"`     // time of the SDK's way / time of ours
	Structs        float64 `json:"structs_of_ours"` // time of the SDK's way / our time
	Check          string  `json:"check"`           // the fastest correct one
	OfFloor        float64 `json:"ours_of_floor"`   // with that check
	OfLaxFloor     float64 `json:"ours_of_lax_floor"`
}

// sizeFigures relate the cost of a page to its size.
type sizeFigures struct {
	Page string `json:"page"`
	// Cost is the time for a page / the time for the typical page of 100 entries.
	Cost float64 `json:"cost"`
}

// laxCheck is the fastest check of all. It accepts wrong escapes and control characters, so it is not part of
// the floor, but shown for comparison.
const laxCheck = "sonic"

// decode runs the benchmarks of the receiver and those of internal/bench/decode alternately, so that other load
// of the machine affects both.
func (b *bench) decode(ctx context.Context) error {
	ours, err := b.ourBenchmarks(ctx)
	if err != nil {
		return err
	}
	others, err := filepath.Abs(filepath.Join(b.data, "others.test"))
	if err != nil {
		return err
	}
	if err := goTool(ctx, "internal/bench", "test", "-c", "-o", others, "./decode"); err != nil {
		return err
	}

	best := map[string]sample{}
	for range 3 {
		for _, page := range benchdata.Pages() {
			if err := runBenchmarks(ctx, others, "^BenchmarkValid$/./^"+page.Name+"$", page, best); err != nil {
				return err
			}
		}
	}
	fastest := fastestChecks(best)
	const rounds = 6
	for round := range rounds {
		for _, page := range benchdata.Pages() {
			for _, run := range [][2]string{
				{ours, "^BenchmarkDecodePage$/^" + page.Name + "$"},
				{others, "^Benchmark(SDK|Structs)$/^" + page.Name + "$"},
				{others, "^BenchmarkFloor$/^(" + laxCheck + "|" + fastest[page.Name] + ")$/^" + page.Name + "$"},
			} {
				if err := runBenchmarks(ctx, run[0], run[1], page, best); err != nil {
					return err
				}
			}
		}
		if round%3 != 0 {
			continue
		}
		for _, page := range benchdata.Sizes() {
			if err := runBenchmarks(ctx, ours, "^BenchmarkDecodePage$/^"+page.Name+"$", page, best); err != nil {
				return err
			}
		}
	}
	figures := printDecode(best, fastest)
	printChecks(best)
	return b.saveDecode(best, figures)
}

// profile prints where the time of decoding is spent, page by page.
func (b *bench) profile(ctx context.Context) error {
	ours, err := b.ourBenchmarks(ctx)
	if err != nil {
		return err
	}
	for _, page := range benchdata.Pages() {
		profile := filepath.Join(b.data, "profile-"+page.Name)
		run := exec.CommandContext(ctx, ours, "-test.run=^$", "-test.bench=^BenchmarkDecodePage$/^"+page.Name+"$", "-test.benchtime=3s", "-test.cpuprofile="+profile)
		if out, err := run.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", page.Name, err, out)
		}
		top, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=20", ours, profile).Output()
		if err != nil {
			return fmt.Errorf("pprof of %s: %w", page.Name, err)
		}
		if err := os.WriteFile(profile+".txt", top, 0o600); err != nil {
			return err
		}
		fmt.Printf("\nDecoding the page %q\n%s", page.Name, top)
	}
	return nil
}

// ourBenchmarks compiles the benchmarks of the receiver.
func (b *bench) ourBenchmarks(ctx context.Context) (string, error) {
	ours := filepath.Join(b.data, "ours.test")
	return ours, goTool(ctx, ".", "test", "-c", "-o", ours, "./internal/record")
}

// fastestChecks are the fastest correct checks, by page.
func fastestChecks(best map[string]sample) map[string]string {
	fastest := map[string]string{}
	for _, page := range benchdata.Pages() {
		least := math.Inf(1)
		for _, check := range decode.Checks() {
			if nanos := best["Valid/"+check.Name+"/"+page.Name].nanos; !check.Lax && nanos < least {
				fastest[page.Name], least = check.Name, nanos
			}
		}
	}
	return fastest
}

func printDecode(best map[string]sample, fastest map[string]string) []decodeFigures {
	rows := [][]string{{"page", "allocations/entry", "SDK / ours", "encoding/json / ours", "ours / floor", "its check", "ours / floor with " + laxCheck}}
	var figures []decodeFigures
	for _, page := range benchdata.Pages() {
		our := best["DecodePage/"+page.Name]
		floor := func(check string) float64 { return our.nanos / best["Floor/"+check+"/"+page.Name].nanos }
		f := decodeFigures{
			Page: page.Name, AllocsPerEntry: our.allocs / float64(page.Entries),
			SDK: best["SDK/"+page.Name].nanos / our.nanos, Structs: best["Structs/"+page.Name].nanos / our.nanos,
			Check: fastest[page.Name], OfFloor: floor(fastest[page.Name]), OfLaxFloor: floor(laxCheck),
		}
		figures = append(figures, f)
		rows = append(rows, []string{f.Page, fmt.Sprintf("%.1f", f.AllocsPerEntry), times(f.SDK), times(f.Structs), times(f.OfFloor), f.Check, times(f.OfLaxFloor)})
	}
	table("Decoding a page of 100 entries to records, redaction on", rows...)
	return figures
}

func printChecks(best map[string]sample) {
	head := []string{"check", "right"}
	for _, page := range benchdata.Pages() {
		head = append(head, page.Name)
	}
	rows := [][]string{head}
	for _, check := range decode.Checks() {
		row := []string{check.Name, "yes"}
		if check.Lax {
			row[1] = "no"
		}
		for _, page := range benchdata.Pages() {
			row = append(row, times(best["Valid/"+check.Name+"/"+page.Name].nanos/best["Valid/"+laxCheck+"/"+page.Name].nanos))
		}
		rows = append(rows, row)
	}
	table("Checking that a page is JSON, time / time of "+laxCheck, rows...)
}

func (b *bench) saveDecode(best map[string]sample, figures []decodeFigures) error {
	var sizes []sizeFigures
	for name, s := range best {
		if page, ok := strings.CutPrefix(name, "DecodePage/"); ok && strings.Contains(page, "=") {
			sizes = append(sizes, sizeFigures{page, s.nanos / best["DecodePage/typical"].nanos})
		}
	}
	slices.SortFunc(sizes, func(a, b sizeFigures) int { return strings.Compare(a.Page, b.Page) })
	if err := b.save("sizes", sizes); err != nil {
		return err
	}
	return b.save("decode", figures)
}

func times(x float64) string { return fmt.Sprintf("%.2f", x) }

func goTool(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stderr, os.Stderr
	return cmd.Run()
}

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// operations is how often a page is decoded for one sample: often enough for several garbage collections.
func operations(page benchdata.Page) int {
	return max(100, min(1000, 32<<20/len(page.Body())))
}

// runBenchmarks keeps the least of each figure.
func runBenchmarks(ctx context.Context, binary, pattern string, page benchdata.Page, best map[string]sample) error {
	out, err := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+pattern, fmt.Sprintf("-test.benchtime=%dx", operations(page))).Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", binary, err, out)
	}
	for _, match := range benchmarkLine.FindAllStringSubmatch(string(out), -1) {
		s, known := best[match[1]]
		fields := strings.Fields(match[2])
		for i := 1; i < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i-1], 64)
			if err != nil {
				return fmt.Errorf("%s: %w", match[0], err)
			}
			switch fields[i] {
			case "cpu-ns/op":
				if !known || value < s.nanos {
					s.nanos = value
				}
			case "allocs/op":
				s.allocs = value
			}
		}
		best[match[1]] = s
	}
	return nil
}
