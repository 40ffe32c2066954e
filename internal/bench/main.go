// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench compares the receiver with other ways to do the same, and prints tables of ratios and counts:
// absolute times of a shared machine mean nothing elsewhere. See docs/performance.md.
//
//	bench decode                  pages to records, beside the official SDK and a floor
//	bench profile                 where the time of our own decoding goes
//	bench quota                   calls of the API, in virtual time
//	bench memory|tenants|pipeline the real collector against the simulator
//	bench sdk-loop                the plain program that pipeline compares with
//	bench plots                   the figures of all, as SVG
//
// It is run from the repository's root by make.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
)

// bench is what all commands share.
type bench struct {
	data      string // where figures are kept, as JSON
	images    string
	collector string
	simulator string
	entries   int
}

func main() {
	b := &bench{}
	flag.StringVar(&b.data, "data", "_build/bench", "`directory` of the figures")
	flag.StringVar(&b.images, "images", "docs/img", "`directory` of the plots")
	flag.StringVar(&b.collector, "collector", "_build/otelcol-feishu", "the collector's `binary`")
	flag.StringVar(&b.simulator, "simulator", "_build/feishu-audit", "`binary` of feishu-audit, which serves the simulated API")
	flag.IntVar(&b.entries, "entries", 1_000_000, "`entries` of a backlog")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("which one? decode, profile, quota, memory, tenants, pipeline, plots or sdk-loop")
	}
	if args[0] == "sdk-loop" {
		return sdkLoop(ctx, args[1:])
	}
	if err := os.MkdirAll(b.data, 0o750); err != nil {
		return err
	}
	for _, name := range args {
		command, ok := map[string]func(context.Context) error{
			"decode": b.decode, "profile": b.profile, "quota": b.quota, "memory": b.memory, "tenants": b.tenants, "pipeline": b.pipeline, "plots": b.plots,
		}[name]
		if !ok {
			return fmt.Errorf("unknown command %q", name)
		}
		if err := command(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) save(name string, figures any) error {
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.data, name+".json"), text, 0o600)
}

func (b *bench) load(name string, figures any) error {
	text, err := os.ReadFile(filepath.Join(b.data, name+".json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, figures)
}

// table prints rows of cells under a title.
func table(title string, rows ...[]string) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // like fmt.Printf: an error cannot be reported
}
