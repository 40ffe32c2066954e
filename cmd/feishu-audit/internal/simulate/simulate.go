// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulate is the subcommand that serves a fake of the Feishu Open API's endpoints for OpenAPI audit
// logs, with a generated tenant: for demos, for tests, and for writing pipelines without a tenant.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// stopTime is how long calls in flight may take to end.
const stopTime = 2 * time.Second

// Command returns the subcommand.
func Command() *cobra.Command {
	given := newFlags()
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve a simulated tenant",
		Long: `simulate serves a fake of the Feishu Open API endpoints for OpenAPI audit logs,
with a generated log. It prints the endpoint and the credential for the
collector's configuration, and serves until it is interrupted.`,
		Example: `  feishu-audit simulate --rate 50 --history 24h --late-fraction 0.3 --order shuffled
  feishu-audit simulate --fault revoke_tokens,every=7 --fault html,probability=0.1 --verbose
  feishu-audit simulate --fault wrong_secret,count=3 --fault error,code=99991662,msg='app disabled',after=20`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := given.read(cmd.Flags(), time.Now())
			if err != nil {
				return err
			}
			return run(cmd.Context(), cfg, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	for _, g := range given.groups {
		cmd.Flags().AddFlagSet(g.FlagSet)
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		given.help(out, cmd, cli.Width(out))
	})
	return cmd
}

// run serves until the context ends.
func run(ctx context.Context, cfg *config, stdout, stderr io.Writer) error {
	if cfg.verbose {
		cfg.options.Observe = lineWriter(stderr)
	}
	sim := simulator.New(cfg.options)
	sim.Add(cfg.entries...)

	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", cfg.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use, perhaps by another simulator: stop it, or use --listen 127.0.0.1:0 for a free port: %w", cfg.listen, err)
	}
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
	fmt.Fprintf(stdout, toPaste, endpoint, cfg.appID, cfg.appSecret)
	fmt.Fprint(stdout, cfg.replay)

	server := &http.Server{
		Handler:           sim,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends calls that a fault delays
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
	if err := server.Shutdown(grace); err != nil { // a caller does not read its answer
		if err := server.Close(); err != nil {
			return err
		}
	}
	<-failed //nolint:errcheck // http.ErrServerClosed, as intended
	return nil
}

// toPaste has the endpoint, the app and its secret. For scripts there is --port-file.
const toPaste = `Serving a simulated tenant at %[1]s. Ctrl-C stops it.

For the collector's configuration:

receivers:
  feishu_audit:
    endpoint: %[1]s
    app_id: %[2]s
    app_secret: ${env:FEISHU_APP_SECRET}

For the shell that starts the collector, an example, or feishu-audit doctor:

export FEISHU_ENDPOINT=%[1]s
export FEISHU_APP_ID=%[2]s
export FEISHU_APP_SECRET=%[3]s

`

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
