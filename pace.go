// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// paceWindow is the time in which the API counts calls (official rate level 3:
// 100 calls a minute). Whether its window is fixed or slides is not documented;
// staying below the limit in every 60 seconds is right for both.
const paceWindow = time.Minute

// pace keeps the calls of list_data below a limit per minute. All receivers with
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
type pace struct {
	queue chan struct{} // capacity 1: the caller whose turn it is

	mu     sync.Mutex
	limit  int
	calls  []time.Time // until when each of the last calls may be counted, oldest first
	sent   []time.Time // when the last few were sent, oldest first
	paused time.Time

	beginning int           // receivers that have yet to say which calls they remember
	began     time.Time     // when the first of them began
	woken     chan struct{} // capacity 1: one of them has said so
}

const transitAllowance = time.Second

func newPace(limit int) *pace {
	return &pace{queue: make(chan struct{}, 1), limit: limit, woken: make(chan struct{}, 1)}
}

// begins is told of a receiver that will say, by calling what is returned, which calls
// its storage remembers. Until then nobody makes a call, though no longer than such
// calls count: the last ones before a restart may be known to that storage only.
func (p *pace) begins() (remembers func(counts map[int64]int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beginning == 0 {
		p.began = time.Now()
	}
	p.beginning++
	var once sync.Once
	return func(counts map[int64]int) {
		p.restore(counts)
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.beginning--
			select {
			case p.woken <- struct{}{}:
			default:
			}
		})
	}
}

// lower takes the smaller limit where receivers that share the pace disagree.
func (p *pace) lower(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = min(p.limit, limit)
}

// wait returns when one more call, urgent or not, may be made. The function it returns must be
// called once the answer is there.
func (p *pace) wait(ctx context.Context, urgent bool) (answered func(), err error) {
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
			return p.take(now), ctx.Err()
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
func (p *pace) next(urgent bool) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.paused
	if p.beginning > 0 {
		at = latest(at, p.began.Add(paceWindow))
	}
	if n := len(p.calls) - p.limit; n >= 0 {
		at = latest(at, p.calls[n].Add(paceWindow))
	}
	burst := p.burst()
	if n := len(p.sent) - burst; n >= 0 && !urgent {
		at = latest(at, p.sent[n].Add(paceWindow/time.Duration(p.limit)*time.Duration(burst)))
	}
	return at
}

func (p *pace) burst() int { return max(1, p.limit/10) }

func (p *pace) take(now time.Time) (answered func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(now)
	counted := now.Add(transitAllowance)
	p.calls = append(p.calls, counted)
	p.sent = append(p.sent, now)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		// Sorted order is kept by moving the latest entry of that value: which
		// call it belongs to does not matter.
		answeredAt := time.Now()
		if !answeredAt.Before(counted) {
			return
		}
		for i := len(p.calls) - 1; i >= 0; i-- {
			if p.calls[i].Equal(counted) {
				p.calls[i] = answeredAt
				for ; i > 0 && p.calls[i].Before(p.calls[i-1]); i-- {
					p.calls[i], p.calls[i-1] = p.calls[i-1], p.calls[i]
				}
				return
			}
		}
	}
}

// forget drops what no longer limits anything.
func (p *pace) forget(now time.Time) {
	for len(p.calls) > 0 && now.Sub(p.calls[0]) >= paceWindow {
		p.calls = p.calls[1:]
	}
	for len(p.sent) > p.burst() {
		p.sent = p.sent[1:]
	}
}

// pause holds all calls back for d: the server asked for it. It returns by how much
// that is longer than they were held back anyway.
func (p *pace) pause(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := latest(p.paused, time.Now())
	p.paused = latest(p.paused, time.Now().Add(d))
	return p.paused.Sub(before)
}

// since is the time from then to now without that in which the server holds calls
// back.
func (p *pace) since(then time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Since(latest(then, p.paused)))
}

// recent counts the calls of the last minute by the second (Unix) up to which
// they may be counted, so that a restart does not forget them.
func (p *pace) recent() map[int64]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(time.Now())
	counts := make(map[int64]int)
	for _, at := range p.calls {
		counts[at.Unix()+1]++
	}
	return counts
}

// restore takes over what recent returned in an earlier process. Times ahead of
// our clock are taken as now: the clock was set back since. More calls than the
// limit say no more than the newest of them.
func (p *pace) restore(counts map[int64]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	room := p.limit
	for _, second := range slices.Backward(slices.Sorted(maps.Keys(counts))) {
		at := time.Unix(min(second, now.Unix()+1), 0)
		if at.After(now) {
			at = now
		}
		if room == 0 || now.Sub(at) >= paceWindow {
			break
		}
		n := min(counts[second], room)
		room -= n
		for range n {
			p.calls = append(p.calls, at)
		}
	}
	slices.SortFunc(p.calls, time.Time.Compare)
}

// paces hands out the shared pace of each credential.
type paces struct {
	mu sync.Mutex
	by map[paceKey]*pace
}

type paceKey struct{ endpoint, appID string }

func (s *paces) get(endpoint, appID string, limit int) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := paceKey{endpoint, appID}
	p, ok := s.by[key]
	if !ok {
		p = newPace(limit)
		if s.by == nil {
			s.by = make(map[paceKey]*pace)
		}
		s.by[key] = p
	}
	p.lower(limit)
	return p
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
