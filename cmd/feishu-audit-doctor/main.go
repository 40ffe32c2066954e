// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Command feishu-audit-doctor examines the OpenAPI audit log of a real tenant
// before a collector is set up for it: it finds what is not in order and says what to
// do, measures what the API's documentation leaves open, and writes the configuration
// that follows. It only reads. docs/doctor.md has a sample of its report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/feishuaudit/feishuauditreceiver/internal/doctor"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// Exit codes.
const (
	exitOK      = 0
	exitProblem = 1 // the log cannot be read; the report says why
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command{getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr}.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

const secretVariable = "FEISHU_APP_SECRET"

// usage is followed by the list of flags.
var usage = fmt.Sprintf(`feishu-audit-doctor examines the OpenAPI audit log of a tenant: is everything in order
to read it, how does the API behave, and which configuration of the collector follows.

It only reads. It makes one call for an access token (one more each time the API refuses
it), at most %d calls of list_data, at most %d of them a minute (a free plan may have 10,000
a month; with --access-only %d), and one call to the other cloud if this one does not take the credential. It
shows nothing of the log's content.

The app secret is taken from the environment variable %s, or from a file:

  export %s=...
  feishu-audit-doctor --app-id cli_xxx

Flags:
`, doctor.MaxCalls, doctor.CallsPerMinute, doctor.AccessCalls, secretVariable, secretVariable)

// command is the process around a run.
type command struct {
	getenv         func(string) string
	stdout, stderr io.Writer
	transport      http.RoundTripper // nil: the network
}

func (c command) run(ctx context.Context, args []string) int {
	stdout, stderr := c.stdout, c.stderr
	var (
		opts       = doctor.Options{Transport: c.transport}
		secretFile string
		asJSON     bool
		quiet      bool
	)
	fs := flag.NewFlagSet("feishu-audit-doctor", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, usage)
		fs.PrintDefaults()
	}
	fs.StringVar(&opts.Endpoint, "endpoint", "feishu", "base `URL` of the Open API; feishu and lark stand for those of the public clouds")
	fs.StringVar(&opts.AppID, "app-id", "", "App ID of the custom app (cli_...); required")
	fs.StringVar(&secretFile, "app-secret-file", "", "`file` with the app secret, instead of "+secretVariable)
	fs.StringVar(&opts.ProxyURL, "proxy-url", "", "`URL` of a proxy, as proxy_url of the collector; without it HTTPS_PROXY counts")
	fs.StringVar(&opts.CAFile, "ca-file", "", "`file` with further certificate authorities, as tls::ca_file of the collector")
	fs.DurationVar(&opts.Duration, "duration", doctor.DefaultDuration, "how long to watch for late entries and hold page tokens back; at least "+doctor.MinDuration.String())
	fs.BoolVar(&opts.AccessOnly, "access-only", false, "only examine whether the log can be read, with two calls as a rule; not how the API behaves")
	fs.BoolVar(&asJSON, "json", false, "write the report as JSON")
	fs.BoolVar(&quiet, "quiet", false, "do not show what goes on")
	fail := func(err error) int {
		fmt.Fprintf(stderr, "feishu-audit-doctor: %v\n", err)
		return exitUsage
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() > 0:
		return fail(fmt.Errorf("unexpected argument %q: everything is a flag", fs.Arg(0)))
	case opts.Duration < doctor.MinDuration:
		return fail(fmt.Errorf("--duration: %s is too short: use %s or more", opts.Duration, doctor.MinDuration))
	}
	switch strings.ToLower(opts.Endpoint) {
	case "feishu":
		opts.Endpoint = openapi.FeishuEndpoint
	case "lark":
		opts.Endpoint = openapi.LarkEndpoint
	}
	if opts.CAFile != "" {
		path, err := filepath.Abs(opts.CAFile)
		if err != nil {
			return fail(fmt.Errorf("--ca-file: %w", err))
		}
		opts.CAFile = path
	}
	if err := readSecret(&opts, secretFile, c.getenv); err != nil {
		return fail(err)
	}
	most := doctor.MaxCalls
	if opts.AccessOnly {
		most = doctor.AccessCalls
	}
	if !quiet {
		opts.Progress = func(p doctor.Progress) {
			fmt.Fprintf(stderr, "[%4.0f s, call %2d of at most %d] %s\n", p.Elapsed.Seconds(), p.Calls, most, p.Text)
		}
		takes := "about " + max(opts.Duration, doctor.LeastTime).String()
		if opts.AccessOnly {
			takes = "a few seconds"
		}
		fmt.Fprintf(stderr, "This takes %s and changes nothing. Ctrl-C ends it.\n", takes)
	}
	report, err := doctor.Run(ctx, opts)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "feishu-audit-doctor: interrupted")
		return exitProblem
	case err != nil:
		return fail(err)
	}
	if !quiet {
		fmt.Fprintln(stderr)
	}
	write := report.Text
	if asJSON {
		write = report.JSON
	}
	if err := write(stdout); err != nil {
		return fail(err)
	}
	if !report.Healthy() {
		return exitProblem
	}
	return exitOK
}

// readSecret takes the secret from where it is. There is no flag for it: the
// arguments of a process can be seen by everybody on its machine.
func readSecret(opts *doctor.Options, file string, getenv func(string) string) error {
	if file == "" {
		opts.AppSecret, opts.SecretSource = getenv(secretVariable), "${env:"+secretVariable+"}"
		if opts.AppSecret == "" {
			return fmt.Errorf("the app secret is missing: set the environment variable %s, or use --app-secret-file", secretVariable)
		}
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--app-secret-file: %w", err)
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("--app-secret-file: %w", err)
	}
	// An editor puts a line break at the end, which the collector would take for a part
	// of the secret: the report says how to take it off.
	opts.AppSecret, opts.SecretSource = strings.TrimRight(string(data), "\r\n"), "${file:"+path+"}"
	opts.SecretFile, opts.LineBreak = path, len(data)-len(opts.AppSecret)
	if opts.AppSecret == "" {
		return fmt.Errorf("--app-secret-file: %s is empty", file)
	}
	return nil
}
