// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// memoryFigures are of one backlog.
type memoryFigures struct {
	Entries    int     `json:"entries"`
	Remembered int     `json:"remembered_ids"` // in the end
	PeakMiB    float64 `json:"peak_mib_over_idle"`
	InEndMiB   float64 `json:"in_the_end_mib_over_idle"`
}

const mib = 1 << 20

// memory lets the collector catch up on backlogs of different sizes, and on an hour at the API's limit, whose
// ids have to be remembered.
func (b *bench) memory(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	defer cancel()
	idle, err := b.idleMemory(ctx)
	if err != nil {
		return err
	}
	var all []memoryFigures
	for _, n := range []int{b.entries / 10, b.entries / 2, b.entries} {
		simulator, settings, _, _ := backlog(n)
		f, err := b.catchUpMemory(ctx, idle, n, setup{receivers: 1, settings: settings}, true, simulator...)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	// Ten thousand a minute for an hour. They are read once; whether the rechecks have run does not matter for
	// the remembered ids.
	hour := []string{"--rate", "166.7", "--history", "59m", "--until", time.Now().Format(time.RFC3339), "--verbose"}
	f, err := b.catchUpMemory(ctx, idle, 590_000, setup{receivers: 1, settings: []string{"initial_lookback: 1h", "requests_per_minute: 1000000"}}, false, hour...)
	if err != nil {
		return err
	}
	f.Remembered = f.Entries
	all = append(all, f)

	rows := [][]string{{"backlog", "ids remembered in the end", "peak over idle", "in the end over idle"}}
	for _, f := range all {
		rows = append(rows, []string{strconv.Itoa(f.Entries), strconv.Itoa(f.Remembered), fmt.Sprintf("%.0f MiB", f.PeakMiB), fmt.Sprintf("%.0f MiB", f.InEndMiB)})
	}
	table("Memory of a collector that catches up, beyond the same collector idle", rows...)
	return b.save("memory", all)
}

func (b *bench) idleMemory(ctx context.Context) (int64, error) {
	sc, err := b.play(ctx, setup{receivers: 1}, "--rate", "0")
	if err != nil {
		return 0, err
	}
	defer sc.end()
	if err := sc.quiet(ctx); err != nil {
		return 0, err
	}
	now, _, err := sc.collector.Memory()
	return now, err
}

func (b *bench) catchUpMemory(ctx context.Context, idle int64, n int, s setup, bounded bool, simulator ...string) (memoryFigures, error) {
	sc, err := b.play(ctx, s, simulator...)
	if err != nil {
		return memoryFigures{}, err
	}
	defer sc.end()
	if bounded {
		err = sc.collector.Await(ctx, "The export is complete", 1)
	} else {
		err = sc.sent(ctx, n)
	}
	if err != nil {
		return memoryFigures{}, err
	}
	now, most, err := sc.collector.Memory()
	return memoryFigures{Entries: n, PeakMiB: float64(most-idle) / mib, InEndMiB: float64(now-idle) / mib}, err
}
