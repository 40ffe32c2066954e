// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package pace keeps calls below a limit per minute, across receivers that share a
// credential, and across restarts.
package pace

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// paceWindow is the time in which the API counts calls (official rate level 3: 100 calls a minute). It is not
// documented whether its window is fixed or slides; staying below the limit in every 60 seconds is right for
// both.
const paceWindow = time.Minute

// Pace keeps the calls of list_data below a limit per minute. All receivers with
// the same endpoint and app_id share one, first come, first served; urgent calls go before
// others, unless those have waited for a minute.
//
// A call counts from the latest time at which the server may have counted it: when its answer came, or
// transitAllowance after it was sent, whichever is earlier. So a slow call and a fast call cannot fall into the
// same minute of the server.
//
// To keep receivers from waiting for most of a minute after a burst, only a tenth of the limit is allowed in any
// tenth of a minute. Urgent calls, which short-lived page tokens make necessary, only have to stay below the
// limit, and may wait until several can follow each other.
//
// The limit is the smallest one configured, or less if the server has shown that it allows less (learn.go).
type Pace struct {
	turn, urgent chan struct{} // capacity 1 each: the caller whose turn it is

	mu       sync.Mutex
	limit    int         // at the moment
	alone    int         // the configured limit if no receiver has joined
	joined   map[int]int // the limits of the receivers that have, by number
	joins    int
	learned  learned
	hurried  int         // urgent calls that wait
	ordinary time.Time   // since when the next ordinary call waits; zero: none does
	calls    []time.Time // until when each of the last calls may be counted, oldest first
	sent     []time.Time // when the last few were sent, oldest first
	admitted uint64      // how many calls were ever admitted
	paused   time.Time

	id          int64                   // of this process, among those that store calls
	loaded      map[int64]map[int64]int // by process and second, what was loaded from it
	earlier     []loadedCalls           // of the previous process, while their age is not known
	server      time.Duration           // the largest amount by which the server's clock may be ahead of ours,
	serverKnown bool                    // if the server has sent its time

	beginning int           // receivers that have yet to report which calls they remember
	began     time.Time     // when the first of them started
	changed   chan struct{} // closed when a call may have become possible earlier
}

const transitAllowance = time.Second

// New returns a pace with a limit of calls a minute.
func New(limit int) *Pace {
	return &Pace{
		turn: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		limit: limit, alone: limit, joined: make(map[int]int),
		id: idsFrom + rand.Int64N(idsFrom), changed: make(chan struct{}),
	}
}

// idsFrom keeps ids at one length.
const idsFrom = 1 << 60

// Join adds a receiver with its own limit: the smallest of all counts. The returned function is to be called
// when the receiver is gone.
func (p *Pace) Join(limit int) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.joins
	p.joins++
	p.joined[n] = limit
	p.adapt(time.Now())
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.joined, n)
		p.alone = limit
		p.adapt(time.Now())
		p.tell()
	}
}

// configured is the smallest limit of the receivers that share the pace.
func (p *Pace) configured() int {
	limit := 0
	for _, l := range p.joined {
		if limit == 0 || l < limit {
			limit = l
		}
	}
	if limit == 0 {
		return p.alone
	}
	return limit
}

// tell wakes waiting callers: a call may be possible earlier than was known.
func (p *Pace) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Wait returns when one more call may be made: an ordinary one, or, if inARow is not 0, the first of that many
// that may follow each other without a wait. The returned function must be called once the answer is there.
func (p *Pace) Wait(ctx context.Context, inARow int) (answered func(), err error) {
	c, err := p.Admit(ctx, inARow, 0)
	if err != nil {
		return nil, err
	}
	return c.Answered, nil
}

// Admit is Wait for a call that is sent up to this much later, because it is recorded before.
func (p *Pace) Admit(ctx context.Context, inARow int, later time.Duration) (*Call, error) {
	began, turn := time.Now(), p.turn
	if inARow > 0 {
		turn = p.urgent
		p.hurry(1)
		defer p.hurry(-1)
	}
	select {
	case turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		if inARow == 0 {
			p.gone()
		}
		<-turn
	}()
	for {
		c, at, changed := p.tryTake(began, inARow, later)
		if err := ctx.Err(); err != nil {
			if c != nil {
				c.GiveBack()
			}
			return nil, err
		}
		if c != nil {
			return c, nil
		}
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// gone notes that the ordinary call that was next does not wait any longer.
func (p *Pace) gone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ordinary.IsZero() {
		p.ordinary = time.Time{}
		p.tell()
	}
}

// hurry notes that urgent calls wait, or do not wait any longer.
func (p *Pace) hurry(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurried += n
	p.tell()
}

// tryTake admits a call that has waited since began, if it may be made. Otherwise it returns the earliest time
// at which it may be, and a channel that is closed if that changes.
func (p *Pace) tryTake(began time.Time, inARow int, later time.Duration) (c *Call, at time.Time, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if inARow == 0 {
		p.ordinary = began
	}
	at = p.next(inARow)
	switch patient := !p.ordinary.IsZero() && now.Sub(p.ordinary) >= paceWindow; {
	case inARow > 0 && patient:
		at = latest(at, now.Add(paceWindow)) // or as soon as the other one was admitted
	case inARow == 0 && p.hurried > 0 && !patient:
		at = latest(at, began.Add(paceWindow))
	}
	if at.After(now) {
		return nil, at, p.changed
	}
	if inARow == 0 {
		p.ordinary = time.Time{}
		p.tell()
	}
	return p.take(now, later), at, nil
}

// next is the earliest time at which one more call may be made, or inARow calls one after the other.
func (p *Pace) next(inARow int) time.Time {
	p.adapt(time.Now())
	at := p.paused
	if p.beginning > 0 {
		at = latest(at, p.began.Add(paceWindow))
	}
	calls := p.counted()
	if n := len(calls) - p.limit + min(max(1, inARow), p.limit) - 1; n >= 0 {
		at = latest(at, calls[n].Add(paceWindow))
	}
	burst := p.burst()
	if n := len(p.sent) - burst; n >= 0 && inARow == 0 {
		at = latest(at, p.sent[n].Add(paceWindow/time.Duration(p.limit)*time.Duration(burst)))
	}
	return at
}

func (p *Pace) burst() int { return max(1, p.limit/10) }

// counted returns calls, and those of the previous process that are not among them yet.
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

// forget drops calls that no longer count.
func (p *Pace) forget(now time.Time) {
	for len(p.calls) > 0 && now.Sub(p.calls[0]) >= paceWindow {
		p.calls = p.calls[1:]
	}
	for len(p.sent) > 0 && (len(p.sent) > p.burst() || now.Sub(p.sent[0]) >= paceWindow) {
		p.sent = p.sent[1:]
	}
	p.earlier = slices.DeleteFunc(p.earlier, func(e loadedCalls) bool { return now.Sub(e.loaded) >= paceWindow })
}

// Pause delays all calls for d, because the server asked for it. It returns by how much that is longer than the
// delay that already applied.
func (p *Pace) Pause(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := latest(p.paused, time.Now())
	p.paused = latest(p.paused, time.Now().Add(d))
	return p.paused.Sub(before)
}

// Until is how long an ordinary call would have to wait now.
func (p *Pace) Until() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(time.Now())
	return max(0, time.Until(p.next(0)))
}

// Since is the time from then to now, without the time in which the server delays calls.
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
