// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command feishu-simulator is a fake of the Feishu Open API endpoints that serve
// OpenAPI audit logs, with a generated tenant: for demos, for tests, and for
// writing pipelines without a tenant of one's own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// stopTime is how long calls in flight may take to end.
const stopTime = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "feishu-simulator: %v\nRun feishu-simulator --help for all flags.\n", err)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "feishu-simulator: %v\n", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parseFlags(args, time.Now(), stdout)
	if err != nil {
		return err
	}
	if cfg.verbose {
		cfg.options.Observe = lineWriter(stderr)
	}
	sim := simulator.New(cfg.options)
	sim.Add(cfg.entries...)

	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.listen)
	if err != nil {
		return err
	}
	endpoint := "http://" + listener.Addr().String()
	if cfg.portFile != "" {
		if err := writeFile(cfg.portFile, endpoint+"\n"); err != nil {
			return errors.Join(err, listener.Close())
		}
		defer os.Remove(cfg.portFile)
	}
	fmt.Fprintf(stdout, "endpoint: %s  app_id: %s  app_secret: %s\n", endpoint, cfg.appID, cfg.appSecret)

	server := &http.Server{
		Handler:           sim,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends calls that a fault holds back
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := server.Shutdown(grace); err != nil { // a caller that does not read its answer
		if err := server.Close(); err != nil {
			return err
		}
	}
	<-failed //nolint:errcheck // http.ErrServerClosed, as was asked for
	return nil
}

// lineWriter returns an observer that writes a line for each call.
func lineWriter(w io.Writer) func(simulator.Call) {
	var mu sync.Mutex
	return func(c simulator.Call) {
		line := fmt.Sprintf("%s %s %s status=%d code=%d", c.Time.Format("15:04:05.000"), c.Method, c.Path, c.Status, c.Code)
		switch c.Endpoint {
		case simulator.EndpointList:
			line += fmt.Sprintf(" app_id=%s start_time=%d end_time=%d first_page=%t items=%d has_more=%t",
				c.AppID, c.StartTime, c.EndTime, c.PageToken == "", c.Items, c.HasMore)
		case simulator.EndpointToken:
			line += " app_id=" + c.AppID
		}
		if len(c.Faults) > 0 {
			line += fmt.Sprintf(" faults=%v", c.Faults)
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(w, "%s log_id=%s\n", line, c.LogID)
	}
}

// writeFile writes the file in one step, for scripts that wait for it.
func writeFile(path, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
