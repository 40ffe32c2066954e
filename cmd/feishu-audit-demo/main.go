// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command feishu-audit-demo shows the receiver at work: it serves a simulated Open
// API, runs a collector that reads it, takes what the collector exports, and prints
// the records as they arrive. `make demo` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

func main() {
	collector := flag.String("collector", "_build/otelcol-feishu-demo", "the collector's binary")
	config := flag.String("config", "demo/collector.yaml", "the collector's configuration")
	dir := flag.String("dir", "_build/demo", "where the position is kept from one run to the next")
	seconds := flag.String("seconds", "", "end after so many seconds; empty: run until interrupted")
	flag.Parse()

	if err := until(*collector, *config, *dir, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// until runs the demo until it is interrupted, or for so many seconds.
func until(collector, config, dir, seconds string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if seconds != "" {
		limit, err := time.ParseDuration(seconds + "s")
		if err != nil || limit <= 0 {
			return fmt.Errorf("DEMO_SECONDS=%q is not a number of seconds", seconds)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return run(ctx, collector, config, dir)
}

// run shows the demo until ctx ends.
func run(ctx context.Context, collector, config, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	seen, err := openSeen(filepath.Join(dir, "received"))
	if err != nil {
		return err
	}
	defer seen.Close()
	before := len(seen.ids)

	// The simulated tenant is a function of its seed and the time: a second run
	// finds the log of the first one.
	api := simulator.New(simulator.Options{
		RateLimit: simulator.DefaultRateLimit,
		Tenant:    simulator.Tenant{Seed: 7, PerSecond: 1.5, LateFraction: 0.1, MaxLateness: 30 * time.Second, OddFraction: 0.02},
	})
	apiURL, closeAPI, err := serve(api)
	if err != nil {
		return err
	}
	defer closeAPI()
	out := newPrinter(os.Stdout, seen)
	sinkURL, closeSink, err := serve(out)
	if err != nil {
		return err
	}
	defer closeSink()

	out.line("Feishu audit log demo: a simulated tenant (%s), a real collector with the feishu_audit receiver,", apiURL)
	out.line("and this program as its OTLP backend. Nothing leaves this machine. Ctrl-C ends it.")
	if before > 0 {
		out.line("Going on where the last run stopped: %d records are here already (make demo-reset forgets them).", before)
	}
	out.line("")

	child, err := startCollector(collector, config, map[string]string{
		"DEMO_DIR":             dir,
		"DEMO_FEISHU_ENDPOINT": apiURL,
		"DEMO_OTLP_ENDPOINT":   sinkURL,
		"DEMO_APP_ID":          simulator.DefaultAppID,
		"DEMO_APP_SECRET":      simulator.DefaultAppSecret,
	}, out)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		err = child.stop()
	case <-child.ended:
		err = fmt.Errorf("the collector ended by itself (%w); run make demo again and it goes on where it stopped. Its last words:\n%s", child.err, child.last())
	}
	out.line("")
	out.line("%d records received, %d since the first run, %d came twice.", len(seen.ids)-before, len(seen.ids), out.twice())
	return err
}

// serve starts an HTTP server on a free loopback port.
func serve(handler http.Handler) (url string, closer func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }, nil
}
