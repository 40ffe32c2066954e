// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package pace keeps calls below a limit per minute, across receivers that share a
// credential, and across restarts.
package pace

import (
	"context"
	"slices"
	"sync"
	"time"
)

// paceWindow is the time in which the API counts calls (official rate level 3:
// 100 calls a minute). Whether its window is fixed or slides is not documented;
// staying below the limit in every 60 seconds is right for both.
const paceWindow = time.Minute

// Pace keeps the calls of list_data below a limit per minute. All receivers with
// the same endpoint and app_id share one, first come, first served.
//
// A call counts from when the server may have counted it last: when its answer
// came, or transitAllowance after it was sent, whichever is earlier. So a call
// that travels slowly and one that travels fast cannot meet in one minute of the
// server's.
//
// To leave no receiver waiting for most of a minute after a burst, a tenth of the
// limit is allowed in any tenth of a minute. Calls that are urgent, as page tokens that
// live for seconds only make them, are only held to the limit.
type Pace struct {
	queue chan struct{} // capacity 1: the caller whose turn it is

	mu       sync.Mutex
	limit    int
	calls    []time.Time // until when each of the last calls may be counted, oldest first
	sent     []time.Time // when the last few were sent, oldest first
	admitted uint64      // how many calls were ever let pass
	paused   time.Time

	earlier     []loadedCalls // of the process before, as long as their age is not known
	server      time.Duration // how far the server's clock is ahead of ours at most,
	serverKnown bool          // if it has told

	beginning int           // receivers that have yet to say which calls they remember
	began     time.Time     // when the first of them began
	woken     chan struct{} // capacity 1: one of them has said so
}

const transitAllowance = time.Second

// New returns a pace of so many calls a minute.
func New(limit int) *Pace {
	return &Pace{queue: make(chan struct{}, 1), limit: limit, woken: make(chan struct{}, 1)}
}

// lower takes the smaller limit where receivers that share the pace disagree.
func (p *Pace) lower(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = min(p.limit, limit)
}

// Present is how many calls a minute are allowed at present.
func (p *Pace) Present() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit
}

// Wait returns when one more call, urgent or not, may be made. The function it returns must be
// called once the answer is there.
func (p *Pace) Wait(ctx context.Context, urgent bool) (answered func(), err error) {
	c, err := p.Admit(ctx, urgent, 0)
	if err != nil {
		return nil, err
	}
	return c.Answered, nil
}

// Admit is Wait for a call that is sent up to so much later: it is written down before.
func (p *Pace) Admit(ctx context.Context, urgent bool, later time.Duration) (*Call, error) {
	select {
	case p.queue <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.queue }()
	for {
		now := time.Now()
		at := p.next(urgent)
		if !at.After(now) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return p.take(now, later), nil
		}
		timer := time.NewTimer(at.Sub(now))
		select {
		case <-timer.C:
		case <-p.woken:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// next is when one more call may be made at the earliest.
func (p *Pace) next(urgent bool) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.paused
	if p.beginning > 0 {
		at = latest(at, p.began.Add(paceWindow))
	}
	calls := p.counted()
	if n := len(calls) - p.limit; n >= 0 {
		at = latest(at, calls[n].Add(paceWindow))
	}
	burst := p.burst()
	if n := len(p.sent) - burst; n >= 0 && !urgent {
		at = latest(at, p.sent[n].Add(paceWindow/time.Duration(p.limit)*time.Duration(burst)))
	}
	return at
}

func (p *Pace) burst() int { return max(1, p.limit/10) }

// counted is calls, and those of the process before that are not among them yet.
func (p *Pace) counted() []time.Time {
	if len(p.earlier) == 0 {
		return p.calls
	}
	calls := slices.Clone(p.calls)
	for _, e := range p.earlier {
		for range e.calls.total(p.limit) {
			calls = append(calls, e.loaded)
		}
	}
	slices.SortFunc(calls, time.Time.Compare)
	return calls
}

// forget drops what no longer limits anything.
func (p *Pace) forget(now time.Time) {
	for len(p.calls) > 0 && now.Sub(p.calls[0]) >= paceWindow {
		p.calls = p.calls[1:]
	}
	for len(p.sent) > p.burst() {
		p.sent = p.sent[1:]
	}
	p.earlier = slices.DeleteFunc(p.earlier, func(e loadedCalls) bool { return now.Sub(e.loaded) >= paceWindow })
}

// Pause holds all calls back for d: the server asked for it. It returns by how much
// that is longer than they were held back anyway.
func (p *Pace) Pause(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := latest(p.paused, time.Now())
	p.paused = latest(p.paused, time.Now().Add(d))
	return p.paused.Sub(before)
}

// Since is the time from then to now without that in which the server holds calls
// back.
func (p *Pace) Since(then time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Since(latest(then, p.paused)))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
