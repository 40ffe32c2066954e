// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/process"
)

// pipelineFigures compare the collector with a plain program.
type pipelineFigures struct {
	Backend string `json:"backend"`
	// Rate is records a second of the collector / those of the program, CPU is the program's time per record /
	// the collector's: a larger value is better for the collector.
	Rate float64 `json:"rate_of_sdk_loop"`
	CPU  float64 `json:"sdk_loop_cpu_of_ours"`
}

type cost struct{ elapsed, cpu time.Duration }

// pipeline lets the collector and the program of sdk-loop read the same entries, without the quota, into nothing
// and into an OTLP backend.
func (b *bench) pipeline(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 6*time.Minute)
	defer cancel()
	n := b.entries / 5
	rows := [][]string{{"backend", "records/s, ours / SDK loop", "CPU/record, SDK loop / ours"}}
	var all []pipelineFigures
	for _, backend := range []string{"none", "otlphttp"} {
		ours, theirs := cost{}, cost{}
		for range 2 { // the better of two, alternating
			our, their, err := b.compare(ctx, n, backend == "otlphttp")
			if err != nil {
				return err
			}
			ours, theirs = better(ours, our), better(theirs, their)
		}
		f := pipelineFigures{backend, theirs.elapsed.Seconds() / ours.elapsed.Seconds(), theirs.cpu.Seconds() / ours.cpu.Seconds()}
		all = append(all, f)
		rows = append(rows, []string{backend, times(f.Rate), times(f.CPU)})
	}
	table("The collector beside a plain program with the official SDK, "+strconv.Itoa(n)+" entries", rows...)
	return b.save("pipeline", all)
}

func better(a, b cost) cost {
	if a.cpu == 0 {
		return b
	}
	return cost{min(a.elapsed, b.elapsed), min(a.cpu, b.cpu)}
}

func (b *bench) compare(ctx context.Context, n int, otlp bool) (ours, theirs cost, err error) {
	sink, err := process.NewSink(false)
	if err != nil {
		return ours, theirs, err
	}
	defer sink.Close()
	url := ""
	if otlp {
		url = sink.URL
	}
	simulator, settings, from, to := backlog(n)
	sc, err := b.play(ctx, setup{receivers: 1, settings: settings, otlp: url}, simulator...)
	if err != nil {
		return ours, theirs, err
	}
	defer sc.end()
	began := time.Now() // the first pages may have arrived before
	if err := sc.collector.Await(ctx, "The export is complete", 1); err != nil {
		return ours, theirs, err
	}
	ours.elapsed = time.Since(began)
	if ours.cpu, err = sc.collector.CPU(); err != nil { // including its start
		return ours, theirs, err
	}
	sc.collector.Stop()

	program, err := os.Executable()
	if err != nil {
		return ours, theirs, err
	}
	began = time.Now()
	loop, err := process.Start(ctx, nil, program, "sdk-loop", "--endpoint", sc.endpoint, "--app-id", appID(0), "--app-secret", secret,
		"--from", strconv.FormatInt(from.Unix(), 10), "--to", strconv.FormatInt(to.Unix()-1, 10), "--otlp", url)
	if err != nil {
		return ours, theirs, err
	}
	theirs.cpu, err = loop.Wait(ctx)
	theirs.elapsed = time.Since(began)
	return ours, theirs, err
}
