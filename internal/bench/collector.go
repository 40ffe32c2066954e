// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/bench/process"
)

// setup is a collector's configuration.
type setup struct {
	endpoint  string
	receivers int
	// settings are lines for every receiver, in YAML.
	settings []string
	otlp     string // the backend; none: the debug exporter, which writes one line
}

const secret = "bench-secret"

func appID(n int) string { return fmt.Sprintf("cli_bench_%04d", n) }

// apps are the simulator's arguments for that many receivers.
func apps(n int) []string {
	args := []string{"--app-id", appID(0), "--app-secret", secret}
	for i := 1; i < n; i++ {
		args = append(args, "--app", appID(i)+":"+secret)
	}
	return args
}

func (s setup) yaml(dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "extensions:\n  file_storage:\n    directory: %s\n    create_directory: true\nreceivers:\n", filepath.Join(dir, "storage"))
	var names []string
	for i := range s.receivers {
		name := fmt.Sprintf("feishu_audit/%04d", i)
		names = append(names, name)
		fmt.Fprintf(&b, "  %s:\n    endpoint: %s\n    app_id: %s\n    app_secret: %s\n    storage: file_storage\n", name, s.endpoint, appID(i), secret)
		for _, line := range s.settings {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	exporter := "debug"
	if s.otlp != "" {
		exporter = "otlphttp"
		fmt.Fprintf(&b, "exporters:\n  otlphttp:\n    endpoint: %s\n    compression: none\n    sending_queue:\n      enabled: false\n", s.otlp)
	} else {
		b.WriteString("exporters:\n  debug:\n    verbosity: basic\n    sampling_initial: 1\n    sampling_thereafter: 1000000\n")
	}
	fmt.Fprintf(&b, "service:\n  extensions: [file_storage]\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n    logs:\n      receivers: [%s]\n      exporters: [%s]\n",
		strings.Join(names, ", "), exporter)
	return b.String()
}

// scene is a simulator and a collector that reads it.
type scene struct {
	dir       string
	simulator *process.Process
	collector *process.Process
	endpoint  string
	port      int
	ready     time.Duration // from the collector's start until it is ready
}

// play starts both. The simulator has an app for each receiver and no rate limit.
func (b *bench) play(ctx context.Context, s setup, simulator ...string) (*scene, error) {
	dir, err := os.MkdirTemp("", "feishu-bench-")
	if err != nil {
		return nil, err
	}
	sc := &scene{dir: dir}
	args := append(append([]string{"--rate-limit", "0"}, apps(s.receivers)...), simulator...)
	if sc.simulator, sc.endpoint, sc.port, err = process.Simulator(ctx, b.simulator, dir, args...); err != nil {
		sc.end()
		return nil, err
	}
	s.endpoint = sc.endpoint
	began := time.Now()
	if sc.collector, err = process.Collector(ctx, b.collector, dir, s.yaml(dir)); err != nil {
		sc.end()
		return nil, err
	}
	sc.ready = time.Since(began)
	return sc, nil
}

func (sc *scene) end() {
	for _, p := range []*process.Process{sc.collector, sc.simulator} {
		if p != nil {
			p.Stop()
		}
	}
	_ = os.RemoveAll(sc.dir) // a temporary directory
}

// backlog is a bounded export of n entries that ended two hours ago, so that one reading serves all passes: the
// simulator's arguments and the receiver's settings.
func backlog(n int) (simulator, settings []string, from, to time.Time) {
	to = time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	const perSecond = 50
	from = to.Add(-time.Duration(n/perSecond) * time.Second)
	simulator = []string{"--rate", strconv.Itoa(perSecond), "--since", from.Format(time.RFC3339), "--until", to.Add(-time.Second).Format(time.RFC3339)}
	settings = []string{"start_time: " + from.UTC().Format(time.RFC3339), "end_time: " + to.UTC().Format(time.RFC3339), "requests_per_minute: 1000000"}
	return simulator, settings, from, to
}

// quiet waits until the collector uses hardly any CPU.
func (sc *scene) quiet(ctx context.Context) error {
	for {
		before, err := sc.collector.CPU()
		if err != nil {
			return err
		}
		if err := pause(ctx, 3*time.Second); err != nil {
			return err
		}
		after, err := sc.collector.CPU()
		if err != nil {
			return err
		}
		if after-before < 100*time.Millisecond {
			return nil
		}
	}
}

var itemsOf = regexp.MustCompile(` items=(\d+) `)

// sent waits until the simulator, which must be verbose, has shown that many entries.
func (sc *scene) sent(ctx context.Context, n int) error {
	for {
		shown := 0
		for _, match := range itemsOf.FindAllStringSubmatch(sc.simulator.Output(), -1) {
			items, err := strconv.Atoi(match[1])
			if err != nil {
				return err
			}
			shown += items
		}
		if shown >= n {
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("after %d entries: %w", shown, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
