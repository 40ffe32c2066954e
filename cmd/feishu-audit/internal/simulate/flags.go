// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// DefaultListen is the address of the simulated API. It is always the same, because a position that a collector
// stores belongs to its endpoint.
const DefaultListen = "127.0.0.1:8090"

// config is the configuration from the flags.
type config struct {
	listen           string
	portFile         string
	verbose          bool
	appID, appSecret string
	options          simulator.Options
	entries          []simulator.Entry
	replay           string // a description of the recording
}

// flags are the command line before it is checked.
type flags struct {
	config
	groups       []group
	allowRemote  bool
	history      time.Duration
	since, until time.Time
	entriesFile  string
	replayFile   string
	moreApps     map[string]string
}

// group is a part of the help.
type group struct {
	title string
	*pflag.FlagSet
}

// newFlags defines the flags.
func newFlags() *flags {
	cfg := &flags{moreApps: map[string]string{}}
	o := &cfg.options
	t := &o.Tenant
	begin := func(title string) *pflag.FlagSet {
		fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
		fs.SortFlags = false
		cfg.groups = append(cfg.groups, group{title, fs})
		return fs
	}

	fs := begin("Server")
	fs.StringVar(&cfg.listen, "listen", DefaultListen, "`address` to serve HTTP on; port 0 takes a free one")
	fs.BoolVar(&cfg.allowRemote, "allow-remote", false, "let --listen be an address that other machines can reach")
	fs.StringVar(&cfg.portFile, "port-file", "", "write the endpoint to this `file` once it is served, and remove it at the end")
	fs.BoolVar(&cfg.verbose, "verbose", false, "write a line for each call to standard error")
	fs.DurationVar(&o.ClockSkew, "clock-skew", 0, "how far the server's clock is ahead")
	fs.Uint64Var(&t.Seed, "seed", 1, "chooses the generated log, and all that happens by chance")

	fs = begin("Credential")
	fs.StringVar(&cfg.appID, "app-id", simulator.DefaultAppID, "`id` of the app that reads the log")
	fs.StringVar(&cfg.appSecret, "app-secret", simulator.DefaultAppSecret, "its `secret`")
	fs.Func("app", "one more app that may read the log, as `id:secret`; repeatable", func(s string) error {
		id, secret, ok := strings.Cut(s, ":")
		if !ok || id == "" || secret == "" {
			return errors.New("not of the form id:secret")
		}
		cfg.moreApps[id] = secret
		return nil
	})
	fs.DurationVar(&o.TokenLife, "token-life", 2*time.Hour, "lifetime of an access token; one with 30m or more left is issued again")
	fs.BoolVar(&o.JWTTokens, "jwt-tokens", false, "access tokens are JWTs of 4 KB")
	fs.IntVar(&o.TokenErrorStatus, "token-error-status", 400, "HTTP `status` of answers that refuse the access token; 200 was seen too")
	fs.StringVar((*string)(&o.TokenForm), "token-form", "plain", "`form` of an answer with an access token: plain, text, fraction, wrapped or no-life")
	fs.StringVar((*string)(&o.TokenRefusal), "token-refusal", "code", "`form` of an answer to an invalid one: code, or HTTP 401 with unknown-code, html or empty")

	fs = begin("Log")
	fs.Float64Var(&t.PerSecond, "rate", 2, "generated entries per second, on average; 0 for none")
	fs.DurationVar(&cfg.history, "history", time.Hour, "how far back the generated log goes; 0: no limit")
	fs.Func("since", "begin the generated log at this `time` (RFC 3339) instead of --history", timeVar(&cfg.since))
	fs.Func("until", "end the generated log at this `time` (RFC 3339)", timeVar(&cfg.until))
	fs.DurationVar(&t.BurstEvery, "burst-every", 0, "how often a single second holds a burst, in whole seconds")
	fs.IntVar(&t.BurstSize, "burst-size", 0, "`entries` in a burst")
	fs.IntVar(&t.Apps, "apps", 8, "`number` of apps that make calls")
	fs.Float64Var(&t.FailureFraction, "failure-fraction", 0.08, "`part` of the logged calls that failed")
	fs.BoolVar(&t.SharedIDs, "shared-ids", false, "number the entries of each second from 1: ids that are not unique")
	fs.Float64Var(&t.OddFraction, "odd-fraction", 0, "`part` of the entries in an odd shape: numeric or no id, time as a string, other key case, no log_detail, invalid UTF-8, ...")
	fs.DurationVar(&t.Delay, "delay", 0, "how long after its event time each entry becomes visible")
	fs.Float64Var(&t.LateFraction, "late-fraction", 0, "`part` of the entries that become visible later than that")
	fs.DurationVar(&t.MaxLateness, "max-lateness", 10*time.Minute, "by how much at most")
	fs.StringVar(&cfg.entriesFile, "entries", "", "`file` with further entries: one JSON object in the API's form on each line")
	fs.StringVar(&cfg.replayFile, "replay", "", "serve the entries of a recording instead, a `file` of feishu-audit record")
	fs.BoolVar(&o.LogOwnCalls, "log-own-calls", false, "calls of list_data appear in the log")

	fs = begin("Queries and pages")
	fs.StringVar((*string)(&o.Order), "order", "ascending", "`order` of entries: ascending, descending or shuffled")
	fs.BoolVar(&o.StartExclusive, "start-exclusive", false, "leave out entries exactly at start_time")
	fs.BoolVar(&o.EndExclusive, "end-exclusive", false, "leave out entries exactly at end_time")
	fs.StringVar((*string)(&o.Paging), "paging", "snapshot", "`kind` of paging; snapshot: pages show the state at the first call; live: a page token is an offset into what is visible now")
	fs.DurationVar(&o.PageTokenLife, "page-token-life", 0, "how long a page token can be used; 0: no limit")
	fs.BoolVar(&o.LenientPageTokens, "lenient-page-tokens", false, "accept a page token with other bounds or filters")
	fs.IntVar(&o.PageOverlap, "page-overlap", 0, "`entries` of a page that the next page repeats")
	fs.IntVar(&o.MostPerPage, "most-per-page", 0, "`entries` of a page at most, whatever page_size is; 0: page_size")
	fs.BoolVar(&o.FullPageHasMore, "full-page-has-more", false, "has_more=true with every full page: the last page may be empty")
	fs.BoolVar(&o.OncePageTokens, "once-page-tokens", false, "a page token can be used once")
	fs.BoolVar(&o.LastPageToken, "last-page-token", false, "send a page_token with has_more=false, as the official sample does")
	fs.StringVar((*string)(&o.Empty), "empty", "array", "`form` of an empty page: array, null or omitted (its items), or no-data (data is {})")
	fs.BoolVar(&o.SilentEnd, "silent-end", false, "leave out has_more where it is false")
	fs.BoolVar(&o.NumericIDs, "numeric-ids", false, "ids are JSON numbers")
	fs.StringVar((*string)(&o.StatusCodes), "status-codes", "mostly-zero", "`values` of status_code: mostly-zero, zero, http or absent")
	fs.StringVar((*string)(&o.Responses), "responses", "text", "`form` of response: text (JSON in a string), object, cut (a string that is cut off) or plain (a string without JSON)")
	fs.DurationVar(&o.MaxWindow, "max-window", 0, "refuse a longer time range with 1780103; 0: no limit")
	fs.DurationVar(&o.Retention, "retention", 0, "how long entries are kept; 0: no limit")
	fs.BoolVar(&o.RefuseExpired, "refuse-expired", false, "refuse a start_time before the retention with 1780103")
	fs.BoolVar(&o.RefuseFuture, "refuse-future", false, "refuse an end_time in the future with 1780103")
	fs.BoolVar(&o.Gzip, "gzip", false, "compress answers for callers that accept it")

	fs = begin("Limits")
	fs.IntVar(&o.RateLimit, "rate-limit", simulator.DefaultRateLimit, "`calls` of list_data in a minute for each app; 0 for no limit")
	fs.StringVar((*string)(&o.RateWindow), "rate-window", "sliding", "how the `minute` is measured: sliding, fixed or bucket (a minute's calls, filled evenly)")
	fs.BoolVar(&o.RateCountsRefused, "rate-counts-refused", false, "refused calls count, too")
	fs.IntVar(&o.RateStatus, "rate-status", 429, "HTTP `status` of a rate-limited answer; older APIs have 400")
	fs.StringVar((*string)(&o.RateHint), "rate-hint", "reset", "`header` that says how long to wait: reset (x-ogw-ratelimit-reset), retry-after or none")
	fs.StringVar(&o.RateHintValue, "rate-hint-value", "", "`text` of that header instead of the true seconds, like -1, 0.5, soon or 99999999")
	fs.BoolVar(&o.RateHeadersAlways, "rate-headers-always", false, "send the x-ogw-ratelimit headers with successes too")
	fs.IntVar(&o.MonthlyQuota, "monthly-quota", 0, "successful `calls` of list_data in a month, then 99991403; 0 for no quota")

	fs = begin("Faults")
	fs.Func("fault", "something that goes wrong, as `kind=KIND,key=value,...`; repeatable, see below", func(s string) error {
		f, err := simulator.ParseFault(s)
		o.Faults = append(o.Faults, f)
		return err
	})

	return cfg
}

// read checks the flags that were given. now is where the history ends.
func (cfg *flags) read(given *pflag.FlagSet, now time.Time) (*config, error) {
	o := &cfg.options
	t := &o.Tenant
	set := map[string]bool{}
	given.Visit(func(f *pflag.Flag) { set[f.Name] = true })
	o.Seed = t.Seed
	o.Apps = cfg.moreApps
	o.Apps[cfg.appID] = cfg.appSecret
	if t.FailureFraction == 0 {
		t.FailureFraction = -1 // none; the library's zero means its default
	}
	if t.LateFraction == 0 {
		t.MaxLateness = 0
	}
	switch {
	case !cfg.since.IsZero():
		t.Start = cfg.since.Unix()
	case cfg.history > 0:
		t.Start = now.Add(o.ClockSkew - cfg.history).Unix()
	}
	if !cfg.until.IsZero() {
		t.End = cfg.until.Unix()
	}
	if cfg.replayFile != "" {
		if set["rate"] || set["entries"] {
			return nil, cli.Usagef("--replay serves what was recorded: not together with --rate or --entries")
		}
		t.PerSecond, t.FailureFraction, t.Start = 0, 0, 0
		played, err := readRecording(cfg.replayFile)
		if err != nil {
			return nil, cli.Usagef("--replay: %w", err)
		}
		cfg.entries, cfg.replay = played.entries, played.says()
		if !set["order"] {
			o.Order = played.order
		}
	}
	if err := cfg.check(set, cfg.allowRemote, cfg.history); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	if cfg.entriesFile != "" {
		entries, err := readEntries(cfg.entriesFile)
		if err != nil {
			return nil, cli.Usagef("--entries: %w", err)
		}
		cfg.entries = entries
	}
	return &cfg.config, nil
}

// check finds values without meaning and flags that contradict each other.
func (c *config) check(set map[string]bool, allowRemote bool, history time.Duration) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	// without reports a flag that has no effect because another is not in use.
	without := func(name, needs string, inUse bool) {
		if set[name] && !inUse {
			bad("--%s has no effect without --%s", name, needs)
		}
	}

	if host, _, err := net.SplitHostPort(c.listen); err != nil {
		bad("--listen: %w", err)
	} else if !allowRemote && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		bad("--listen: %q can be reached from other machines; give --allow-remote too if that is wanted", c.listen)
	}
	if set["history"] && set["since"] {
		bad("--history and --since exclude each other")
	}
	if history < 0 {
		bad("--history: %s is negative", history)
	}
	t := &c.options.Tenant
	generated := t.PerSecond > 0 || t.BurstSize > 0
	for _, name := range []string{"history", "since", "until", "apps", "failure-fraction", "odd-fraction", "delay", "late-fraction"} {
		without(name, "rate", generated)
	}
	without("max-lateness", "late-fraction", t.LateFraction > 0)
	limited := c.options.RateLimit > 0
	for _, f := range c.options.Faults {
		limited = limited || f.Kind == simulator.FaultRateLimited
	}
	for _, name := range []string{"rate-status", "rate-hint", "rate-hint-value"} {
		without(name, "rate-limit", limited)
	}
	for _, name := range []string{"rate-window", "rate-headers-always"} {
		without(name, "rate-limit", c.options.RateLimit > 0)
	}
	if c.options.RateHintValue != "" && c.options.RateHint == simulator.HintNone {
		bad("--rate-hint-value has no effect with --rate-hint none")
	}
	if t.Apps < 1 {
		bad("--apps: %d is less than 1", t.Apps)
	}
	return errors.Join(append(errs, c.options.Validate())...)
}

func timeVar(t *time.Time) func(string) error {
	return func(s string) (err error) {
		*t, err = time.Parse(time.RFC3339, s)
		return err
	}
}

func readEntries(path string) ([]simulator.Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := simulator.ReadEntries(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return entries, nil
}

// help writes the help, flags in groups, in lines of at most so many columns.
func (cfg *flags) help(w io.Writer, cmd *cobra.Command, columns int) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s [flags]\n\nExamples:\n%s\n", cmd.Long, cmd.CommandPath(), cmd.Example)
	for _, g := range cfg.groups {
		fmt.Fprintf(w, "\n%s:\n%s", g.title, g.FlagUsagesWrapped(columns))
	}
	fmt.Fprint(w, `
A fault strikes at every call unless it says otherwise:
  kind=KIND        what happens, see below; the word kind= can be left out
  endpoint=E       list (list_data, the default) or token
  after=N          let N calls pass first
  every=N          strike at each N-th call after that
  probability=P    and then by chance, 0 to 1
  count=N          end after N strikes
  from=T, to=T     only where list_data is asked for these seconds (Unix)
  deeper=N         only at pages after the N-th of a walk
  longer=D         only where the time range is longer
  older=D          only where the time range starts longer ago
  status=S         HTTP status instead of the usual one, where there is one

`)
	for _, info := range simulator.FaultKinds() {
		fmt.Fprintf(w, "  %-26s %s\n", info.Kind, info.Help)
	}
}
