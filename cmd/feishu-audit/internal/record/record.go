// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package record is the subcommand that records how a real tenant's API answers, for people without a tenant:
// pages and headers as received, with all names and contents replaced.
package record

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
)

// Exchange is a call of list_data and its answer, a line of a recording.
type Exchange struct {
	At      time.Time           `json:"at"`
	TookMS  int64               `json:"took_ms"`
	Request Request             `json:"request"`
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    json.RawMessage     `json:"body"`
}

// Request is a request of a call.
type Request struct {
	StartTime int64  `json:"start_time"`
	EndTime   int64  `json:"end_time"`
	PageSize  int    `json:"page_size"`
	PageToken string `json:"page_token,omitempty"` // a pseudonym
}

// command is the process around a recording.
type command struct {
	getenv    func(string) string
	transport http.RoundTripper // nil: the network
}

// Command returns the subcommand.
func Command() *cobra.Command { return command{getenv: os.Getenv}.cobra() }

// callsPerMinute leaves room for a receiver with the same app.
const callsPerMinute = 60

type options struct {
	cli.Tenant
	hours    float64
	maxCalls int
	out      string
	quiet    bool
}

func (c command) cobra() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "record --app-id ID --out FILE",
		Short: "Record how a tenant's API answers, without the content",
		Long: `record reads the last hours of the log page by page, and writes the answers to a
file that can be shared. It answers questions that the API's documentation
leaves open.

Kept: the order of entries and pages, times, codes, API names, the names and
kinds of fields, names of headers and the values of those of the rate limit.
Replaced by pseudonyms that keep equality: apps, ids, addresses, paths, page
tokens. Not kept: query_param, payload and response except its code, and the
value of every field that is not known. Look at the file before you share it.

feishu-audit simulate --replay FILE serves what was recorded.`,
		Example: `  export FEISHU_APP_SECRET=...
  feishu-audit record --app-id cli_xxx --hours 1 --out recording.jsonl
  feishu-audit simulate --replay recording.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd, &o) },
	}
	fs := cmd.Flags()
	o.AddFlags(fs)
	fs.Float64Var(&o.hours, "hours", 1, "how far `back` to read")
	fs.IntVar(&o.maxCalls, "max-calls", 60, "`calls` of list_data at most; at most 60 a minute are made")
	fs.StringVar(&o.out, "out", "", "write to this `file`, which must not exist yet; required")
	fs.BoolVar(&o.quiet, "quiet", false, "do not show progress")
	return cmd
}

func (c command) run(cmd *cobra.Command, o *options) error {
	switch {
	case o.out == "":
		return cli.Usagef("--out is missing: the file to write")
	case !(o.hours > 0 && o.hours <= 24*365):
		return cli.Usagef("--hours: %g is out of range", o.hours)
	case o.maxCalls < 1:
		return cli.Usagef("--max-calls: %d is less than 1", o.maxCalls)
	}
	secret, err := o.Read(c.getenv)
	if err != nil {
		return err
	}
	cfg := o.Config(secret)
	if err := cfg.Validate(); err != nil {
		return &cli.UsageError{Err: err}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	r := &recorder{scrub: scrubber{key: key, replaced: map[string]int{}}, pace: pace.New(callsPerMinute)}
	client, closeIdle, err := openapi.NewHTTP(cmd.Context(), cfg.ClientConfig, noHost{}, component.TelemetrySettings{})
	if err != nil {
		return err
	}
	defer closeIdle()
	r.base = client.Transport
	if c.transport != nil {
		r.base = c.transport
	}
	client.Transport = r
	file, err := os.OpenFile(o.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cli.Usagef("--out: %w", err)
	}
	defer file.Close()
	r.out = json.NewEncoder(file)
	r.out.SetEscapeHTML(false)
	api := openapi.New(openapi.Settings{
		HTTP: client, CloseIdle: closeIdle, Endpoint: o.Endpoint, AppID: o.AppID, AppSecret: cfg.AppSecret, MaxResponse: int64(cfg.MaxResponseSize), Gate: r,
	})
	err = o.read(cmd.Context(), api, r, cmd.ErrOrStderr())
	if err = errors.Join(err, r.failed, file.Sync()); err != nil {
		return err
	}
	r.summarise(cmd.OutOrStdout(), o.out)
	return nil
}

// read reads the pages of the time range once, and requests its first page again.
func (o *options) read(ctx context.Context, api *openapi.Client, r *recorder, stderr io.Writer) error {
	now := time.Now().Unix()
	first := openapi.ListRequest{StartTime: now - int64(o.hours*3600), EndTime: now, PageSize: 100}
	for next := first; ; {
		page, _, err := api.ListData(ctx, next)
		if err != nil {
			return err
		}
		if !o.quiet {
			fmt.Fprintf(stderr, "%s, %s\n", cli.Count(r.calls, "call", "calls"), cli.Count(r.entries, "entry", "entries"))
		}
		if !page.HasMore || page.PageToken == "" || r.calls >= o.maxCalls-1 {
			break
		}
		next.PageToken = page.PageToken
	}
	if r.calls < o.maxCalls {
		_, _, err := api.ListData(ctx, first)
		return err
	}
	return nil
}

// recorder records every call of list_data, and is the gate of its client.
type recorder struct {
	base    http.RoundTripper
	scrub   scrubber
	out     *json.Encoder
	pace    *pace.Pace
	calls   int
	entries int
	failed  error // the recording could not be written
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, "/openapi_logs/list_data") {
		return r.base.RoundTrip(req)
	}
	var asked []byte
	if req.Body != nil {
		var err error
		if asked, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(asked))
	}
	began := time.Now()
	res, err := r.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	err = errors.Join(err, res.Body.Close())
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.calls++
	x := Exchange{At: began.UTC(), TookMS: time.Since(began).Milliseconds(), Status: res.StatusCode, Headers: r.scrub.headers(res.Header), Body: r.scrub.answer(body)}
	if json.Unmarshal(asked, &x.Request) == nil && x.Request.PageToken != "" {
		x.Request.PageToken = r.scrub.pseudonym("token", x.Request.PageToken)
	}
	r.entries += len(Entries(&x))
	r.failed = errors.Join(r.failed, r.out.Encode(&x))
	return res, nil
}

// Entries are the entries of an answer.
func Entries(x *Exchange) []json.RawMessage {
	var answer struct {
		Data struct{ Items []json.RawMessage }
	}
	_ = json.Unmarshal(x.Body, &answer) // another answer has none
	return answer.Data.Items
}

// Admit implements openapi.Gate.
func (r *recorder) Admit(ctx context.Context, inARow int) (func(), error) {
	return r.pace.Wait(ctx, inARow)
}

// Answered implements openapi.Gate.
func (*recorder) Answered(time.Time, time.Time, time.Time) {}

// Ended implements openapi.Gate.
func (*recorder) Ended(string, time.Duration, int, error) {}

// summarise prints what is in the file.
func (r *recorder) summarise(w io.Writer, path string) {
	fmt.Fprintf(w, "%s has %s with %s. Replaced:\n", path, cli.Count(r.calls, "call", "calls"), cli.Count(r.entries, "entry", "entries"))
	for _, kind := range slices.Sorted(maps.Keys(r.scrub.replaced)) {
		fmt.Fprintf(w, "%8d  %s\n", r.scrub.replaced[kind], kind)
	}
	fmt.Fprintln(w, "Kept: times, codes, names of APIs and fields, kinds of values, order, headers of\nthe rate limit. Look at it before you share it.")
}

// noHost is a host without extensions.
type noHost struct{}

// GetExtensions implements component.Host.
func (noHost) GetExtensions() map[component.ID]component.Component { return nil }
