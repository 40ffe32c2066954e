// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package doctor examines a tenant's OpenAPI audit log before a receiver is set up for it: whether the log can
// be read and, if not, what to do; how the API behaves where its documentation says nothing; and which
// configuration follows from that.
//
// It only reads. It makes at most MaxCalls calls of list_data, at most CallsPerMinute in any minute, through the
// receiver's own client. It keeps only ids, times, response codes and field types of entries. It shows how often
// a code occurs, and nothing else from entries.
//
// An answer is what was seen, or "could not tell". Times that depend on a limit of the API are given as bounds,
// both of which were seen.
package doctor

import (
	"context"
	"net/http"
	"time"
)

// Limits of a run.
const (
	// MaxCalls is the largest number of calls of list_data. A run takes about 50.
	MaxCalls = 60
	// AccessCalls is the same if only the access is examined: one, or more after a temporary fault or if our
	// clock is ahead.
	AccessCalls = 6
	// CallsPerMinute leaves room, within the API's 100, for a receiver of the same app.
	CallsPerMinute = 60
	// DefaultDuration and MinDuration are values of Options.Duration.
	DefaultDuration = 90 * time.Second
	MinDuration     = 10 * time.Second
	// LeastTime is the duration of a run's calls at that pace, whatever Options.Duration is.
	LeastTime = time.Minute
)

// Options are what to examine.
type Options struct {
	Endpoint, AppID, AppSecret string
	ProxyURL, CAFile           string
	// SecretSource is the reference to the secret in the recommended configuration.
	SecretSource string
	// SecretFile is the file with the secret, if there is one, and LineBreak how many bytes at its end are a
	// line break and not part of the secret.
	SecretFile string
	LineBreak  int
	// Duration is how long to watch the log for late entries, and how long page tokens are kept before use. The
	// run ends soon after it.
	Duration time.Duration
	// AccessOnly examines whether the log can be read, and not how the API behaves.
	AccessOnly bool
	// ConfigFile is where the caller will write the recommended configuration; empty: nowhere.
	ConfigFile string
	// Progress is called with each step, unless it is nil.
	Progress func(Progress)

	// Transport replaces the network in tests.
	Transport http.RoundTripper
}

// Progress is a step of a run.
type Progress struct {
	Elapsed time.Duration
	Calls   int // of list_data, so far
	Text    Message
}

// Line is the line for people.
func (p Progress) Line(opts *Options) Message {
	return msg("[%4.0f s, call %2d of at most %d] %s", p.Elapsed.Seconds(), p.Calls, opts.maxCalls(), p.Text)
}

// Announcement is how long a run takes.
func (o *Options) Announcement() Message {
	if o.AccessOnly {
		return msg("This takes a few seconds and changes nothing. Ctrl-C ends it.")
	}
	return msg("This takes about %s and changes nothing. Ctrl-C ends it.", short(max(o.Duration, LeastTime)))
}

// Run examines the tenant. Its error is the context's, or an error in the options, with the messages of the
// receiver's configuration; what is wrong with the tenant is in the report.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	client, err := opts.dial(ctx, opts.Endpoint, opts.AppSecret)
	if err != nil {
		return nil, err
	}
	defer client.closeIdle()
	s := &session{client: client, appID: opts.AppID, began: time.Now(), duration: opts.Duration, progress: opts.Progress}
	r := &Report{Endpoint: opts.Endpoint, AppID: opts.AppID, Began: s.began, MaxCalls: opts.maxCalls()}

	a := access{session: s, opts: &opts}
	r.Checks = a.examine(ctx)
	if r.Healthy() && ctx.Err() == nil {
		if !opts.AccessOnly {
			r.Findings = s.examine(ctx)
			r.Checks = append(r.Checks, s.checkEntries()...)
		}
		r.Checks = append(r.Checks, s.checkClock(), s.checkLatency(), s.checkPlan())
	} else if s.clock.known {
		r.Checks = append(r.Checks, s.checkClock())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.clock.known && !s.clock.disagree {
		r.AheadAtLeast, r.AheadAtMost = bound(s.clock.low), bound(s.clock.high)
	}
	r.TokenCalls, r.ListCalls = client.calls()
	r.Took = Seconds(time.Since(s.began))
	if r.Healthy() {
		r.Config, r.Next, r.ConfigFile = recommend(&opts, r, s), nextSteps(&opts), opts.ConfigFile
	}
	return r, nil
}

func (o *Options) maxCalls() int {
	if o.AccessOnly {
		return AccessCalls
	}
	return MaxCalls
}

// looks are the times at which page tokens are used and windows read again, as fractions of the duration: each
// twice as late as the previous one, because it is not known whether seconds or hours matter.
var looks = []time.Duration{4, 2, 1}

// examine answers the questions.
func (s *session) examine(ctx context.Context) []Finding {
	found := map[Question]Finding{}
	put := func(findings ...Finding) {
		for _, f := range findings {
			found[f.Question] = f
		}
	}
	s.say(msg("looking for entries"))
	known, _ := s.findSample(ctx) // an error shows again below
	tokens := &tokenProbe{session: s}
	late := &lateProbe{session: s}
	ranges := &rangeProbe{session: s}
	own := &ownProbe{session: s}

	s.say(msg("getting page tokens to use later"))
	tokens.hold(ctx, known, len(looks)+1)
	tokens.use(ctx)
	s.say(msg("reading time ranges that will be read again"))
	late.open(ctx, known)
	s.say(msg("start_time and end_time: inclusive or not?"))
	put(s.bounds(ctx, known))
	s.say(msg("how long a window may be"))
	ranges.run(ctx)
	put(ranges.future(ctx))
	s.say(msg("how far back entries can be seen"))
	lookFailed := ranges.look(ctx)
	for i, part := range looks {
		s.waitUntil(ctx, s.began.Add(s.duration/part))
		s.say(msg("using a page token; reading the ranges again"))
		tokens.use(ctx)
		last := i == len(looks)-1
		late.again(ctx, last)
		if last || i == len(looks)-2 {
			own.look(ctx)
		}
	}
	put(own.finding(ctx))
	put(s.order.finding(), late.finding(), tokens.finding(), ranges.window(), ranges.retention(lookFailed), s.rate.finding())
	put(s.ends.findings()...)
	put(s.shape.findings()...)

	out := make([]Finding, 0, len(questions))
	for _, q := range questions {
		out = append(out, found[q])
	}
	return out
}

// waitUntil waits, and reports progress.
func (s *session) waitUntil(ctx context.Context, at time.Time) {
	for ctx.Err() == nil && time.Now().Before(at) {
		left := time.Until(at)
		s.say(msg("waiting: %s until the next look", short(left.Round(time.Second))))
		if sleep(ctx, min(left, max(left/4, 10*time.Second))) != nil {
			return
		}
	}
}
