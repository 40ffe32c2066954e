// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package export is the subcommand that writes a time range of the log to a file, completely and without
// duplicates, with the receiver's own engine: for forensics without a collector.
package export

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// command is the process around an export.
type command struct {
	getenv    func(string) string
	now       func() time.Time
	transport http.RoundTripper // nil: the network
	open      func(path string) (*filestore.File, error)
}

// Command returns the subcommand.
func Command() *cobra.Command {
	return command{getenv: os.Getenv, now: time.Now, open: filestore.Open}.cobra()
}

// options are the flags.
type options struct {
	cli.Tenant
	asked
	out, state     string
	showRedactions bool
	perMinute      int
	giveUp         time.Duration
	quiet, json    bool
}

// asked is what to export, as given by the flags. A state belongs to it.
type asked struct {
	Since, From, To string
	APIKeys         []string
	App             string
	Format          string
	RecheckAfter    []time.Duration
	RedactKeys      []string
	ResourceTokens  bool
}

func (c command) cobra() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "export --app-id ID (--since SPAN | --from TIME) [--out FILE]",
		Short: "Export a time range of the log, without gaps or duplicates",
		Long: `export reads a time range of the log with the collector's receiver and writes
its entries: none is missing or duplicated, and secrets in them are masked. It
exits with 0 only if every entry that the API returns for the range was written.

With --out it can be interrupted: the same command resumes where it stopped,
with the time range of the first start. The state is in FILE.state until then.
A page of 100 entries takes one call. The API allows each app 100 calls a
minute; a collector that uses the same app shares this limit.

An entry that the API shows only after its time was read is not in the export:
end a little before now, or use --recheck-after.

Formats:
  jsonl  one JSON object per line: time, attributes, and the entry as body
  otlp   one OTLP request in JSON per line, like the collector's file exporter
  csv    time and attributes, for a spreadsheet; without the body
  table  for people, in local time`,
		Example: `  # Which app called this API in the last two hours?
  feishu-audit export --app-id cli_xxx --since 2h --format table \
    --api-key GET/open-apis/drive/v1/files

  # A day, into a file
  feishu-audit export --app-id cli_xxx --from 2026-01-31 --to 2026-02-01 \
    --format csv --out january-31.csv

  # What does redaction mask, and why?
  feishu-audit export --app-id cli_xxx --since 10m --show-redactions`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd, &o) },
	}
	fs := cmd.Flags()
	o.AddFlags(fs)
	fs.StringVar(&o.Since, "since", "", "start this `span` ago (90m, 24h, 7d)")
	fs.StringVar(&o.From, "from", "", "export from this `time` (2026-01-31T15:04:05+08:00, or 2026-01-31 [15:04] local)")
	fs.StringVar(&o.To, "to", "", "export up to this `time`, exclusive; now by default")
	fs.StringSliceVar(&o.APIKeys, "api-key", nil, "only calls of this `API`, as the log names it; repeatable")
	fs.StringVar(&o.App, "app", "", "only calls made by this app (`ID`)")
	fs.StringVar(&o.Format, "format", "jsonl", "`form` of the output: "+strings.Join(formats, ", "))
	fs.StringVar(&o.out, "out", "", "write to this `file`, which must not exist yet; standard output by default")
	fs.StringVar(&o.state, "state", "", "keep the state in this `file` instead of FILE.state")
	fs.DurationSliceVar(&o.RecheckAfter, "recheck-after", nil, "read each time range again after these `spans` (like 2m,15m), for late entries")
	fs.StringSliceVar(&o.RedactKeys, "redact-key", nil, "mask the values of this `key`, too; repeatable")
	fs.BoolVar(&o.ResourceTokens, "redact-resource-tokens", false, "also mask the tokens of documents and other resources")
	fs.BoolVar(&o.showRedactions, "show-redactions", false, "show what would be masked and why instead of the entries")
	fs.IntVar(&o.perMinute, "requests-per-minute", 60, "`calls` per minute at most; the default leaves room for a collector with the same app")
	fs.DurationVar(&o.giveUp, "give-up-after", 5*time.Minute, "fail when nothing could be read for this long")
	fs.BoolVar(&o.json, "json", false, "with --out: write the summary to standard output as JSON")
	fs.BoolVar(&o.quiet, "quiet", false, "do not show progress")
	return cmd
}

// check finds what is wrong with the flags.
func (o *options) check() error {
	switch {
	case (o.Since == "") == (o.From == ""):
		return cli.Usagef("say where to start, with --since or with --from")
	case !slices.Contains(formats, o.Format):
		return cli.Usagef("--format: %q is not one of %s", o.Format, strings.Join(formats, ", "))
	case o.state != "" && o.out == "":
		return cli.Usagef("--state needs --out: an export to standard output cannot be resumed")
	case o.json && o.out == "":
		return cli.Usagef("--json needs --out: the entries are on standard output")
	case o.showRedactions && o.out != "":
		return cli.Usagef("--show-redactions writes to standard output: it has no --out")
	}
	return nil
}

// timeRange resolves the flags at a time.
func (a *asked) timeRange(now time.Time) (from, to time.Time, err error) {
	to = now.Truncate(time.Second)
	if a.To != "" {
		if to, err = cli.ParseTime(a.To); err != nil {
			return from, to, err
		}
	}
	if a.From != "" {
		from, err = cli.ParseTime(a.From)
	} else {
		var span time.Duration
		if span, err = cli.ParseSpan(a.Since); err != nil || span <= 0 {
			return from, to, cli.Usagef("--since: %q is not a time span like 90m, 24h or 7d", a.Since)
		}
		from = now.Add(-span).Truncate(time.Second)
	}
	switch {
	case err != nil:
		return from, to, &cli.UsageError{Err: err}
	case to.After(now):
		return from, to, cli.Usagef("--to: %s is in the future", a.To)
	case !from.Before(to):
		return from, to, cli.Usagef("the time range is empty: it starts at %s and ends at %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return from, to, nil
}

// queryKey is the key of the query in the state.
const queryKey = "export/query"

// query is the export that a state belongs to.
type query struct {
	Endpoint, AppID string
	Asked           asked
	Start, End      time.Time // resolved when the export was first started
}

// same reports whether both are the same export.
func (q *query) same(other *query) bool {
	one, another := *q, *other
	one.Start, one.End, another.Start, another.End = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	a, errA := json.Marshal(one)
	b, errB := json.Marshal(another)
	return errA == nil && errB == nil && string(a) == string(b)
}

func (c command) run(cmd *cobra.Command, o *options) error {
	if err := o.check(); err != nil {
		return err
	}
	secret, err := o.Read(c.getenv)
	if err != nil {
		return err
	}
	q := &query{Endpoint: o.Endpoint, AppID: o.AppID, Asked: o.asked}
	if q.Start, q.End, err = o.timeRange(c.now()); err != nil {
		return err
	}
	cfg := o.Config(secret)
	cfg.PollInterval = time.Second
	cfg.RecheckAfter = o.RecheckAfter
	cfg.PageSize = entry.MaxPageSize
	cfg.RequestsPerMinute = o.perMinute
	cfg.Filter.APIKeys, cfg.Filter.AppID = o.APIKeys, o.App
	cfg.Redaction.Keys, cfg.Redaction.ResourceTokens = o.RedactKeys, o.ResourceTokens
	cfg.Redaction.Enabled = !o.showRedactions
	cfg.StartTime, cfg.EndTime = q.Start, q.End
	if err := cfg.Validate(); err != nil {
		return &cli.UsageError{Err: err}
	}
	others := map[component.ID]component.Component{}
	if c.transport != nil {
		id := component.MustNewID("network")
		cfg.ClientConfig.Middlewares = []configmiddleware.Config{{ID: id}}
		others[id] = network{Wire: c.transport}
	}
	job := &job{options: o, cfg: cfg, query: q, others: others, open: c.open, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	return job.run(cmd.Context())
}

// network answers calls instead of the network.
type network struct {
	component.StartFunc
	component.ShutdownFunc
	Wire http.RoundTripper
}

// GetHTTPRoundTripper implements extensionmiddleware.HTTPClient.
func (n network) GetHTTPRoundTripper(http.RoundTripper) (http.RoundTripper, error) {
	return n.Wire, nil
}

// summary is the result of an export.
type summary struct {
	Complete       bool      `json:"complete"`
	From           time.Time `json:"from"`
	To             time.Time `json:"to"`
	Records        int64     `json:"records"`
	Calls          int64     `json:"calls"`
	SkippedSeconds float64   `json:"skipped_seconds"`
	TookSeconds    float64   `json:"took_seconds"`
	Out            string    `json:"out,omitempty"`
	Reason         string    `json:"reason,omitempty"`
}

func (s *summary) String() string {
	text := fmt.Sprintf("%s from %s to %s, %s, %s", cli.Count(s.Records, "record", "records"), s.From.Local().Format(time.RFC3339), s.To.Local().Format(time.RFC3339),
		cli.Count(s.Calls, "call", "calls"), short(time.Duration(s.TookSeconds*float64(time.Second))))
	if s.Out != "" {
		text += ": " + s.Out
	}
	return text
}
