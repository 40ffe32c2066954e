// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package demo is the subcommand that shows the receiver at work: it serves a simulated Open API, runs a
// collector that reads it, receives the collector's exports, and prints the records as they arrive. `make demo`
// runs it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// Command returns the subcommand.
func Command() *cobra.Command {
	var d demo
	var seconds string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a collector that reads a simulated tenant",
		Long: `demo starts a simulated tenant and a collector with the receiver that reads it,
and shows the records as they arrive. It needs no credential and no network, and
resumes where it stopped when it is run again. In a checkout, make demo builds
what it needs.`,
		Example: `  make demo
  DEMO_SECONDS=20 make demo`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.until(cmd.Context(), cmd.OutOrStdout(), seconds)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&d.collector, "collector", "_build/otelcol-feishu-demo", "the collector's `binary`")
	fs.StringVar(&d.config, "config", "demo/collector.yaml", "the collector's configuration, a `file`")
	fs.StringVar(&d.dir, "dir", "_build/demo", "`folder` where the position is kept from one run to the next")
	fs.StringVar(&seconds, "seconds", "", "end after this many `seconds`; empty: run until interrupted")
	return cmd
}

// until runs the demo until it is interrupted, or for this many seconds.
func (d demo) until(ctx context.Context, w io.Writer, seconds string) error {
	if seconds == "" {
		_, err := d.run(ctx, w)
		return err
	}
	limit, err := time.ParseDuration(seconds + "s")
	if err != nil || limit <= 0 {
		return cli.Usagef("DEMO_SECONDS=%q is not a number of seconds", seconds)
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	received, err := d.run(limited, w)
	if err == nil && received == 0 && ctx.Err() == nil {
		err = fmt.Errorf("no record has arrived in %s", limit)
	}
	return err
}

// tenant is the simulated tenant. It depends only on its seed and the time, so a second run finds the log of the
// first one.
var tenant = simulator.Tenant{Seed: 7, PerSecond: 1.5, LateFraction: 0.1, MaxLateness: 30 * time.Second, OddFraction: 0.02}

// demo is what to run: a collector's binary and its configuration, and the folder for state that is kept between
// runs.
type demo struct {
	collector, config, dir string
}

// run shows the demo until ctx ends and returns how many records have arrived.
func (d demo) run(ctx context.Context, w io.Writer) (received int, err error) {
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return 0, err
	}
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return 0, err
	}
	known, err := openHistory(dir, time.Now())
	if err != nil {
		return 0, err
	}
	defer known.Close()
	// A closed terminal, or a full disk, ends the demo.
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	var progress status
	apiURL, closeAPI, err := serve(simulator.New(simulator.Options{RateLimit: simulator.DefaultRateLimit, Tenant: tenant, Observe: progress.observe}))
	if err != nil {
		return 0, err
	}
	defer closeAPI()
	out := newPrinter(w, known, fail)
	out.late = lateness(known.since)
	sinkURL, closeSink, err := serve(out)
	if err != nil {
		return 0, err
	}
	defer closeSink()

	out.line("A simulated tenant (%s), a collector with the feishu_audit receiver, and this program as its backend. Nothing leaves this machine. Ctrl-C ends it.", apiURL)
	switch {
	case known.before > 0:
		out.line("Resuming where the last run stopped: %s %s here already (make demo-reset forgets them).", cli.Count(known.before, "record", "records"), cli.Form(known.before, "is", "are"))
	case known.paused:
		out.line("The last run was more than an hour ago: starting over.")
	}

	child, err := startCollector(d.collector, d.config, map[string]string{
		"DEMO_DIR":           dir,
		"DEMO_FEISHU_PROXY":  apiURL,
		"DEMO_OTLP_ENDPOINT": sinkURL,
		"DEMO_APP_ID":        simulator.DefaultAppID,
		"DEMO_APP_SECRET":    simulator.DefaultAppSecret,
		"DEMO_START_TIME":    known.since.Format(time.RFC3339),
	}, out)
	if err != nil {
		return 0, err
	}
	out.line("The records are calls of the tenant's apps. FAIL marks a failed call, \"12s late\" one that appeared late in the log and was found by a recheck, \"2 masked\" one with masked credentials. To see that nothing is lost, kill the collector and run make demo again:")
	out.line("  kill -9 %d", child.cmd.Process.Pid)
	out.line("")
	showing, stopShowing := context.WithCancel(ctx)
	shownLast := make(chan struct{})
	go func() {
		defer close(shownLast)
		progress.keepShown(showing, out)
	}()
	select {
	case <-ctx.Done():
	case <-child.ended:
	}
	stopShowing()
	<-shownLast
	// If the collector is in our process group, a Ctrl-C may end it before us.
	if ctx.Err() != nil {
		err = child.stop()
		if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
			err = errors.Join(cause, err)
		}
	} else {
		err = fmt.Errorf("the collector has ended (%w). Run make demo again: it resumes where it stopped. The last lines of its log:\n%s", child.err, child.last())
	}
	received = out.summary(shown(known.since, time.Now()))
	if err == nil {
		out.line("Next, with your own tenant: _build/feishu-audit doctor. Without a tenant, _build/feishu-audit simulate prints the settings for it.")
	}
	return received, err
}

// shown returns what the simulated API shows at one time, of the log since another.
func shown(since, now time.Time) []simulator.Entry {
	return slices.DeleteFunc(tenant.Entries(since.Unix(), now.Unix()+1), func(e simulator.Entry) bool { return e.VisibleAt.After(now) })
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
