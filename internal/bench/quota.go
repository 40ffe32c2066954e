// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
)

// catchUpFigures are those of TestCatchUp, which explains them.
type catchUpFigures struct {
	LatencyMillis   int     `json:"latency_ms"`
	Walks           int     `json:"max_concurrent_walks"`
	Entries         int     `json:"entries"`
	Calls           int     `json:"calls"`
	Minutes         float64 `json:"minutes"`
	OfMinimum       float64 `json:"calls_of_minimum"`
	OfCeiling       float64 `json:"of_ceiling"`
	FreshWaitP50    float64 `json:"fresh_wait_p50_s"`
	FreshWaitMax    float64 `json:"fresh_wait_max_s"`
	BytesPerPage    float64 `json:"checkpoint_bytes_per_page"`
	BacklogByMinute []int   `json:"backlog_by_minute"`
	SettledEntries  int     `json:"settled_entries"`
	SettledCalls    int     `json:"settled_calls"`
	OfSinglePasses  float64 `json:"settled_calls_of_single_passes"`
	Rejected        int     `json:"rejected"`
	MostInAMinute   int     `json:"most_calls_in_a_minute"`
}

// freshnessFigures are those of TestFreshness.
type freshnessFigures struct {
	PerSecond      float64 `json:"entries_per_second"`
	Recheck        string  `json:"recheck_after"`
	LatencyMillis  int     `json:"latency_ms"`
	Walks          int     `json:"max_concurrent_walks"`
	PollInterval   float64 `json:"poll_interval_s"`
	CallsPerMinute float64 `json:"calls_per_minute"`
	P50            float64 `json:"lag_p50_s"`
	P99            float64 `json:"lag_p99_s"`
}

var (
	catchUps    = []string{"50ms", "500ms", "2s"}
	freshnesses = []string{"1", "50", "150", "150-at-500ms", "50-at-2s", "150-with-rechecks"}
)

// quota runs the tests in virtual time at full size and shows their figures.
func (b *bench) quota(ctx context.Context) error {
	data, err := filepath.Abs(b.data)
	if err != nil {
		return err
	}
	if err := goTool(ctx, ".", "test", "-count=1", "-timeout=30m", "-run=^(TestCatchUp|TestFreshness)$",
		"-perf.entries="+strconv.Itoa(b.entries), "-perf.out="+data, "."); err != nil {
		return err
	}
	rows := [][]string{{"latency", "walks", "entries", "calls / minimum", "of the ceiling", "rejected", "calls / n+1 single passes", "fresh entry waits p50, max", "checkpoint bytes/page"}}
	for _, name := range catchUps {
		var f catchUpFigures
		if err := b.load("catchup-"+name, &f); err != nil {
			return err
		}
		rows = append(rows, []string{
			name, strconv.Itoa(f.Walks), strconv.Itoa(f.Entries), fmt.Sprintf("%.3f", f.OfMinimum), fmt.Sprintf("%.1f %%", 100*f.OfCeiling),
			strconv.Itoa(f.Rejected), times(f.OfSinglePasses), fmt.Sprintf("%.0f min, %.0f min", f.FreshWaitP50/60, f.FreshWaitMax/60), fmt.Sprintf("%.0f", f.BytesPerPage),
		})
	}
	table("Catching up, in virtual time", rows...)

	rows = [][]string{{"entries/s", "recheck_after", "latency", "walks", "calls/min", "lag p50", "lag p99", "p99 - poll_interval"}}
	for _, name := range freshnesses {
		var f freshnessFigures
		if err := b.load("freshness-"+name, &f); err != nil {
			return err
		}
		rows = append(rows, []string{
			fmt.Sprint(f.PerSecond), f.Recheck, fmt.Sprintf("%d ms", f.LatencyMillis), strconv.Itoa(f.Walks), fmt.Sprintf("%.1f", f.CallsPerMinute),
			fmt.Sprintf("%.1f s", f.P50), fmt.Sprintf("%.1f s", f.P99), fmt.Sprintf("%+.1f s", f.P99-f.PollInterval),
		})
	}
	table("Freshness, in virtual time", rows...)
	return nil
}
