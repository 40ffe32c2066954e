// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/process"
)

// tenantFigures are about one collector with this many receivers.
type tenantFigures struct {
	Receivers   int     `json:"receivers"`
	StartRatio  float64 `json:"start_of_one"`  // time to be ready / time with one receiver
	IdleCPU     float64 `json:"idle_cpu_core"` // share of one core
	KiB         float64 `json:"kib_per_receiver"`
	Goroutines  float64 `json:"goroutines_per_receiver"`
	Connections float64 `json:"connections_per_receiver"`
	// Spread is the most calls in one second / the mean.
	Calls  int     `json:"calls"`
	Spread float64 `json:"most_calls_in_a_second_of_mean"`
}

// busyFigures are of a thousand receivers with ten entries a second each.
type busyFigures struct {
	Receivers int     `json:"receivers"`
	PerSecond float64 `json:"records_per_second"`
	CPU       float64 `json:"cpu_core"`
	LagP50    float64 `json:"lag_p50_s"`
	LagP99    float64 `json:"lag_p99_s"`
}

// observed is how long the tenants are observed: most of a poll_interval.
const observed = 45 * time.Second

// tenants runs collectors with more and more receivers.
func (b *bench) tenants(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var all []tenantFigures
	var ready time.Duration
	var resident int64
	for _, n := range []int{1, 100, 300, 1000} {
		f, took, memory, err := b.idle(ctx, n)
		if err != nil {
			return err
		}
		if n == 1 {
			ready, resident = took, memory
		} else {
			f.KiB = float64(memory-resident) / 1024 / float64(n-1)
		}
		f.StartRatio = took.Seconds() / ready.Seconds()
		all = append(all, f)
	}
	one := all[0]
	rows := [][]string{{"receivers", "start / start with one", "idle CPU of a core", "memory/receiver", "goroutines/receiver", "connections/receiver", "most calls in a second / mean"}}
	for i := range all {
		f := &all[i]
		if f.Receivers > 1 {
			f.Goroutines = (f.Goroutines - one.Goroutines) / float64(f.Receivers-1)
		}
		rows = append(rows, []string{
			strconv.Itoa(f.Receivers), times(f.StartRatio), fmt.Sprintf("%.2f %%", 100*f.IdleCPU), fmt.Sprintf("%.0f KiB", f.KiB),
			fmt.Sprintf("%.1f", f.Goroutines), fmt.Sprintf("%.2f", f.Connections), fmt.Sprintf("%.1f", f.Spread),
		})
	}
	table("Idle tenants in one collector (with one receiver: all goroutines of the collector)", rows...)
	if err := b.save("tenants", all); err != nil {
		return err
	}

	busy, err := b.busy(ctx, 1000)
	if err != nil {
		return err
	}
	table("Busy tenants, 10 entries a second each",
		[]string{"receivers", "records/s of those that arise", "CPU of a core", "lag p50", "lag p99"},
		[]string{strconv.Itoa(busy.Receivers), fmt.Sprintf("%.0f %%", busy.PerSecond/float64(10*busy.Receivers)*100), fmt.Sprintf("%.0f %%", 100*busy.CPU), fmt.Sprintf("%.0f s", busy.LagP50), fmt.Sprintf("%.0f s", busy.LagP99)})
	return b.save("busy", busy)
}

var callTime = regexp.MustCompile(`(?m)^(\d\d:\d\d:\d\d)\.\d+ POST \S+list_data `)

func (b *bench) idle(ctx context.Context, n int) (f tenantFigures, ready time.Duration, memory int64, err error) {
	sc, err := b.play(ctx, setup{receivers: n}, "--rate", "0", "--verbose")
	if err != nil {
		return f, 0, 0, err
	}
	defer sc.end()
	f.Receivers = n
	// The first polls, which are immediate, and then one in each poll_interval.
	if err := sc.quiet(ctx); err != nil {
		return f, 0, 0, err
	}
	seen := len(sc.simulator.Output())
	cpu, err := sc.collector.CPU()
	if err != nil {
		return f, 0, 0, err
	}
	if err := pause(ctx, observed); err != nil {
		return f, 0, 0, err
	}
	after, err := sc.collector.CPU()
	if err != nil {
		return f, 0, 0, err
	}
	f.IdleCPU = (after - cpu).Seconds() / observed.Seconds()
	bySecond := map[string]int{}
	most := 0
	for _, match := range callTime.FindAllStringSubmatch(sc.simulator.Output()[seen:], -1) {
		bySecond[match[1]]++
		most = max(most, bySecond[match[1]])
		f.Calls++
	}
	if f.Calls > 0 {
		f.Spread = float64(most) / (float64(f.Calls) / observed.Seconds())
	}
	connections, err := sc.collector.Connections(sc.port)
	if err != nil {
		return f, 0, 0, err
	}
	f.Connections = float64(connections) / float64(n)
	if memory, _, err = sc.collector.Memory(); err != nil {
		return f, 0, 0, err
	}
	f.Goroutines = float64(sc.collector.Goroutines())
	return f, sc.ready, memory, nil
}

func (b *bench) busy(ctx context.Context, n int) (busyFigures, error) {
	sink, err := process.NewSink(true)
	if err != nil {
		return busyFigures{}, err
	}
	defer sink.Close()
	sc, err := b.play(ctx, setup{receivers: n, otlp: sink.URL, settings: []string{"initial_lookback: 0s"}}, "--rate", "10", "--history", "1s")
	if err != nil {
		return busyFigures{}, err
	}
	defer sc.end()
	// From the second poll_interval on each receiver reads one full interval.
	if err := pause(ctx, 70*time.Second); err != nil {
		return busyFigures{}, err
	}
	sink.Lags()
	cpu, err := sc.collector.CPU()
	if err != nil {
		return busyFigures{}, err
	}
	if err := pause(ctx, time.Minute); err != nil {
		return busyFigures{}, err
	}
	after, err := sc.collector.CPU()
	if err != nil {
		return busyFigures{}, err
	}
	records, lags := sink.Lags(50, 99)
	return busyFigures{
		Receivers: n, PerSecond: float64(records) / 60, CPU: (after - cpu).Minutes(),
		LagP50: lags[0].Seconds(), LagP99: lags[1].Seconds(),
	}, nil
}
