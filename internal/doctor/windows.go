// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

const day = 24 * time.Hour

// ladder are the lengths and ages to try: values that are likely as limits.
var ladder = []time.Duration{
	time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 3 * day, 7 * day, 14 * day, 30 * day, 60 * day, 90 * day, 180 * day, 365 * day,
}

// rangeProbe finds the longest window and the oldest start that the API accepts.
type rangeProbe struct {
	session  *session
	accepted time.Duration // the longest window that was accepted
	refused  time.Duration // the shortest that was refused
	cause    refusalCause  // the cause of that refusal
	asked    int
	failed   Message
	// The following is about the start of short windows.
	startOK, startRefused time.Duration // ages
	startFailed           Message
}

// refusalCause is why a window was refused.
type refusalCause int

const (
	causeLength  refusalCause = iota + 1
	causeContent              // it has too many entries
	causeStart                // it starts too early
)

// bisect finds the last rung that is accepted and the first that is not. rungs must be ascending; the longest is
// tried first, because most limits are generous.
func bisect(rungs []time.Duration, taken func(time.Duration) (bool, error)) (last, first time.Duration, err error) {
	low, high := 0, len(rungs) // rungs[:low] are accepted, rungs[high:] are not
	for next := high - 1; low < high; next = (low + high) / 2 {
		ok, err := taken(rungs[next])
		if err != nil {
			return last, first, err
		}
		if ok {
			low, last = next+1, rungs[next]
		} else {
			high, first = next, rungs[next]
		}
	}
	return last, first, nil
}

// takes reports whether the API accepts a window, with any contents.
func (p *rangeProbe) takes(ctx context.Context, q openapi.ListRequest) (bool, error) {
	q.PageSize = 1
	p.asked++
	_, err := p.session.list(ctx, q)
	if refused(err) {
		return false, nil
	}
	return err == nil, err
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (p *rangeProbe) run(ctx context.Context) {
	s := p.session
	var refusedAt openapi.ListRequest
	var err error
	p.accepted, p.refused, err = bisect(ladder, func(d time.Duration) (bool, error) {
		now := s.clock.now()
		q := openapi.ListRequest{StartTime: now - seconds(d), EndTime: now}
		ok, err := p.takes(ctx, q)
		if err == nil && !ok {
			refusedAt = q
		}
		return ok, err
	})
	if err == nil && p.refused > 0 {
		p.cause, err = p.causeOf(ctx, refusedAt)
	}
	if err != nil {
		p.failed = why(err)
		return
	}
	if p.refused > 0 {
		p.starts(ctx)
	}
}

// causeOf finds out why a window is refused: it requests only the first second of it, and the same window with
// hardly any entries.
func (p *rangeProbe) causeOf(ctx context.Context, q openapi.ListRequest) (refusalCause, error) {
	short := q
	short.EndTime = q.StartTime + 1
	if ok, err := p.takes(ctx, short); err != nil || !ok {
		return causeStart, err
	}
	q.AppID = p.session.appID
	if ok, err := p.takes(ctx, q); err != nil || ok {
		return causeContent, err
	}
	return causeLength, nil
}

// startMargin keeps an age of the ladder on the same side of a limit that the server applies with its own clock,
// which has moved on in between.
const startMargin = 10 * time.Second

// starts finds the greatest age at which a window may start.
func (p *rangeProbe) starts(ctx context.Context) {
	last, first, err := bisect(ladder, func(age time.Duration) (bool, error) {
		from := p.session.clock.latest(time.Now()).Unix() - seconds(age-startMargin)
		return p.takes(ctx, openapi.ListRequest{StartTime: from, EndTime: from + 1})
	})
	if err != nil {
		p.startFailed = why(err)
		return
	}
	// Twice the margin: the uncertainty of the server's clock, and rounding.
	p.startOK, p.startRefused = max(0, last-2*startMargin), first
}

// look goes back in steps to find old entries; the session notes their age.
func (p *rangeProbe) look(ctx context.Context) error {
	length := max(p.accepted, time.Second)
	ages := ladder[4:] // an hour and more
	_, _, err := bisect(ages, func(age time.Duration) (bool, error) {
		if p.startRefused > 0 && age >= p.startRefused {
			return false, nil
		}
		to := p.session.clock.now() - seconds(age)
		from := to - seconds(length)
		if p.startRefused > 0 {
			from = max(from, p.session.clock.latest(time.Now()).Unix()-seconds(p.startOK))
		}
		if from = max(from, 0); from >= to {
			return false, nil
		}
		a, err := p.session.window(ctx, from, to, 1)
		if refused(err) {
			return false, nil
		}
		return err == nil && len(a.Page.Facts()) > 0, err
	})
	return err
}

func (p *rangeProbe) window() Finding {
	if p.failed != none && p.accepted == 0 {
		return unknown(LongestWindow, p.failed)
	}
	if p.accepted == 0 {
		return unknown(LongestWindow, msg("even a window of %s was refused", short(ladder[0])))
	}
	f := Finding{Question: LongestWindow, Answer: "at least", AtLeast: bound(p.accepted)}
	f.Text = msg("at least %s", short(p.accepted))
	f.Evidence = msg("%s up to now was accepted", short(p.accepted))
	if p.refused > 0 {
		f.Evidence = join(", ", f.Evidence, msg("%s refused", short(p.refused)))
		switch p.cause {
		case causeLength:
			f.Answer, f.LessThan = "limited", bound(p.refused)
			f.Text = msg("between %s and %s", short(p.accepted), short(p.refused))
			f.Evidence = f.Evidence.and(msg("one second at the beginning of the refused window was accepted"))
		case causeContent:
			f.Text = f.Text.and(msg("longer ones are refused if they hold too many entries"))
			f.Evidence = f.Evidence.and(msg("the same window was accepted when limited to the calls of this app"))
		case causeStart:
			f.Text = f.Text.and(msg("a longer one would begin earlier than the API allows"))
			f.Evidence = join(", ", f.Evidence, msg("and so was one second at its beginning"))
		}
	}
	if p.failed != none {
		f.Evidence = f.Evidence.and(msg("then: %s", p.failed))
	}
	return f
}

// retention is about how long entries are kept. What was seen is a lower bound; an upper bound is known only if
// the API refuses earlier times.
func (p *rangeProbe) retention(lookFailed error) Finding {
	s := p.session
	f := Finding{Question: Retention, Answer: "at least"}
	oldest := s.oldest - time.Second // event times are whole seconds
	if !s.anyEntry || oldest <= 0 {
		oldest = 0
	}
	if p.startRefused > 0 {
		f.Answer, f.LessThan = "limited", bound(p.startRefused)
		least := max(oldest, p.startOK)
		f.AtLeast = bound(least)
		f.Text = msg("between %s and %s", short(least), short(p.startRefused))
		f.Evidence = msg("a start_time %s ago was refused, one %s ago accepted", short(p.startRefused), short(p.startOK))
		if oldest > 0 {
			f.Evidence = f.Evidence.and(msg("the oldest entry seen was %s old", short(oldest)))
		}
		return f
	}
	if oldest == 0 {
		return unknown(Retention, msg("no entry was seen"))
	}
	f.AtLeast = bound(oldest)
	f.Text = msg("at least %s", short(oldest)).and(msg("older entries may have existed"))
	seen := msg("the oldest entry seen was %s old", short(oldest))
	f.Evidence = seen.and(msg("an earlier start_time was not refused"))
	if failed := cmp.Or(p.failed, p.startFailed); failed != none || lookFailed != nil {
		if failed == none {
			failed = why(lookFailed)
		}
		f.Evidence = seen.and(msg("then: %s", failed))
	}
	return f
}

// future finds out whether end_time may be in the server's future.
func (p *rangeProbe) future(ctx context.Context) Finding {
	const ahead = time.Minute
	s := p.session
	to := s.clock.latest(time.Now()).Add(ahead).Unix()
	from := s.clock.now() - 1
	if p.failed != none {
		return unknown(FutureEnd, p.failed)
	}
	if p.accepted < 5*time.Minute {
		return unknown(FutureEnd, msg("the API refuses the short window that this needs"))
	}
	ok, err := p.takes(ctx, openapi.ListRequest{StartTime: from, EndTime: to})
	if err != nil {
		return unknown(FutureEnd, why(err))
	}
	f := Finding{Question: FutureEnd, Answer: "accepted", Text: msg("accepted"), Evidence: msg("an end_time %s ahead of the server's clock was accepted", short(ahead))}
	if !ok {
		f.Answer, f.Text = "refused", msg("refused")
		f.Evidence = msg("an end_time %s ahead of the server's clock was refused, the current time was accepted", short(ahead))
	}
	return f
}
