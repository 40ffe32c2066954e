// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
	Structs        float64 `json:"structs_of_ours"` // the same for encoding/json
	OfFloor        float64 `json:"ours_of_floor"`
}

// sizeFigures relate the cost of a page to its size.
type sizeFigures struct {
	Page string `json:"page"`
	// Cost is the time for a page / the time for the typical page of 100 entries.
	Cost float64 `json:"cost"`
}

// decode runs the benchmarks of the receiver and those of internal/bench/decode
// in turns, so that what else the machine does hits both.
func (b *bench) decode(ctx context.Context) error {
	ours, others := filepath.Join(b.data, "ours.test"), filepath.Join(b.data, "others.test")
	if err := goTool(ctx, ".", "test", "-c", "-o", ours, "."); err != nil {
		return err
	}
	absolute, err := filepath.Abs(others)
	if err != nil {
		return err
	}
	if err := goTool(ctx, "internal/bench", "test", "-c", "-o", absolute, "./decode"); err != nil {
		return err
	}
	const rounds = 12
	best := map[string]sample{}
	for round := range rounds {
		for _, run := range [][2]string{{ours, "^BenchmarkDecodePage$"}, {others, "^Benchmark(SDK|Structs|Floor)$"}, {others, "^BenchmarkValid$"}} {
			if round%4 != 0 && strings.Contains(run[1], "Valid") {
				continue
			}
			if err := runBenchmarks(ctx, run[0], run[1], best); err != nil {
				return err
			}
		}
	}

	pages := []string{"small", "typical", "large", "chinese", "escapes"}
	rows := [][]string{{"page", "allocations/entry", "SDK / ours", "encoding/json / ours", "ours / floor"}}
	var figures []decodeFigures
	for _, page := range pages {
		our := best["DecodePage/"+page]
		f := decodeFigures{
			Page: page, AllocsPerEntry: our.allocs / 100, SDK: best["SDK/"+page].nanos / our.nanos,
			Structs: best["Structs/"+page].nanos / our.nanos, OfFloor: our.nanos / best["Floor/"+page].nanos,
		}
		figures = append(figures, f)
		rows = append(rows, []string{page, fmt.Sprintf("%.1f", f.AllocsPerEntry), times(f.SDK), times(f.Structs), times(f.OfFloor)})
	}
	table("Decoding a page of 100 entries to records, redaction on", rows...)

	rows = [][]string{append([]string{"check"}, pages...)}
	var checks []string
	for name := range best {
		if parts := strings.Split(name, "/"); parts[0] == "Valid" && parts[2] == pages[0] {
			checks = append(checks, parts[1])
		}
	}
	slices.Sort(checks)
	for _, check := range checks {
		row := []string{check}
		for _, page := range pages {
			row = append(row, times(best["Valid/"+check+"/"+page].nanos/best["Valid/sonic/"+page].nanos))
		}
		rows = append(rows, row)
	}
	table("Checking that a page is JSON, time / time of sonic", rows...)

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

// runBenchmarks keeps the least of each figure.
func runBenchmarks(ctx context.Context, binary, pattern string, best map[string]sample) error {
	out, err := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime=50ms").Output()
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
