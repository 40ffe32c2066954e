// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"maps"
	"math"
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
	taken  uint64      // how many calls were ever let pass
	paused time.Time

	earlier []loadedCalls // of the process before, as long as their age is not known
	server  time.Duration // how far the server's clock is ahead of ours at most,
	told    bool          // if it has told

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
func (p *pace) begins() (remembers func(rememberedCalls)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beginning == 0 {
		p.began = time.Now()
	}
	p.beginning++
	var once sync.Once
	return func(calls rememberedCalls) {
		p.restore(calls)
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
	c, err := p.admit(ctx, urgent, 0)
	if err != nil {
		return nil, err
	}
	return c.answered, nil
}

// admit is wait for a call that is sent up to so much later: it is written down before.
func (p *pace) admit(ctx context.Context, urgent bool, later time.Duration) (*call, error) {
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
			return p.take(now, later), ctx.Err()
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

func (p *pace) burst() int { return max(1, p.limit/10) }

// counted is calls, and those of the process before that are not among them yet.
func (p *pace) counted() []time.Time {
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

// call is one that was let pass.
type call struct {
	pace   *pace
	number uint64
	at     time.Time // until when the server may count it
	taken  time.Time
}

func (p *pace) take(now time.Time, later time.Duration) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(now)
	p.taken++
	c := &call{pace: p, number: p.taken, at: now.Add(later + transitAllowance), taken: now}
	p.calls = append(p.calls, c.at)
	slices.SortFunc(p.calls, time.Time.Compare)
	p.sent = append(p.sent, now)
	return c
}

// leaves is when the call is sent. It tells whether it may be: the server may have asked
// to wait since it was let pass.
func (c *call) leaves() bool {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	now := time.Now()
	if now.Before(c.pace.paused) {
		return false
	}
	c.ended(now.Add(transitAllowance))
	return true
}

// answered is when its answer is there.
func (c *call) answered() {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.ended(time.Now())
}

// ended notes that the server counts the call until then, if that is earlier than it
// was known to be.
func (c *call) ended(at time.Time) {
	if !at.Before(c.at) {
		return
	}
	calls := c.pace.calls
	// Sorted order is kept by moving the latest entry of that value: which
	// call it belongs to does not matter.
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i].Equal(c.at) {
			calls[i] = at
			for ; i > 0 && calls[i].Before(calls[i-1]); i-- {
				calls[i], calls[i-1] = calls[i-1], calls[i]
			}
			break
		}
	}
	c.at = at
}

// giveBack is for a call that is not made after all.
func (c *call) giveBack() {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	drop := func(times []time.Time, at time.Time) []time.Time {
		if i := slices.IndexFunc(times, at.Equal); i >= 0 {
			return slices.Delete(times, i, i+1)
		}
		return times
	}
	c.pace.calls, c.pace.sent = drop(c.pace.calls, c.at), drop(c.pace.sent, c.taken)
}

// forget drops what no longer limits anything.
func (p *pace) forget(now time.Time) {
	for len(p.calls) > 0 && now.Sub(p.calls[0]) >= paceWindow {
		p.calls = p.calls[1:]
	}
	for len(p.sent) > p.burst() {
		p.sent = p.sent[1:]
	}
	p.earlier = slices.DeleteFunc(p.earlier, func(e loadedCalls) bool { return now.Sub(e.loaded) >= paceWindow })
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

// rememberedCalls are calls of the last minute as they are stored.
type rememberedCalls struct {
	// seconds counts them by the second of our clock (Unix) up to which the server
	// may count them.
	seconds map[int64]int
	// ahead is how many seconds the server's clock was ahead of ours at most; nil
	// where that was not known.
	ahead *int64
	// upTo is the number of the last of them.
	upTo uint64
}

// total is how many calls these are, as far as the limit is concerned.
func (c rememberedCalls) total(limit int) int {
	n := 0
	for _, count := range c.seconds {
		n = min(limit, n+min(count, limit))
	}
	return n
}

// loadedCalls are those of the process before this one. Each was made before they were
// loaded.
type loadedCalls struct {
	calls  rememberedCalls
	loaded time.Time
}

// recent are the calls of the last minute, so that a restart does not forget them.
func (p *pace) recent() rememberedCalls {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.forget(now)
	c := rememberedCalls{seconds: make(map[int64]int), upTo: p.taken}
	for _, at := range p.counted() {
		// By the clock as it is now: it may have been set since the call.
		c.seconds[now.Round(0).Add(-now.Sub(at)).Unix()+1]++
	}
	if p.told {
		ahead := int64(math.Ceil(p.server.Seconds()))
		c.ahead = &ahead
	}
	return c
}

// restore takes over what recent returned in an earlier process. How old those calls
// are only clocks can tell, and ours may have been set since. Until the server tells
// its time (settle), they count as just made.
func (p *pace) restore(calls rememberedCalls) {
	if len(calls.seconds) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.earlier = append(p.earlier, loadedCalls{calls, time.Now()})
}

// settle learns the server's time from an answer; date is zero where it had none. The
// age of calls from before the start is then known from two clocks, and the smaller one
// counts: only if both were set in between, by more than a minute, is it wrong.
func (p *pace) settle(date, sent, received time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours := received.Round(0)
	if !date.IsZero() {
		// The date is cut off to seconds, and may be as old as the call was long.
		p.server, p.told = date.Add(time.Second+received.Sub(sent)).Sub(ours), true
	}
	if len(p.earlier) == 0 {
		return
	}
	for _, e := range p.earlier {
		room := p.limit
		for _, second := range slices.Backward(slices.Sorted(maps.Keys(e.calls.seconds))) {
			at := time.Unix(second, 0)
			var ages []time.Duration
			ages = append(ages, ours.Sub(at))
			if e.calls.ahead != nil && !date.IsZero() {
				ages = append(ages, date.Sub(at.Add(time.Duration(*e.calls.ahead)*time.Second)))
			}
			// A clock that was set back says nothing.
			ages = slices.DeleteFunc(ages, func(age time.Duration) bool { return age < -paceWindow })
			var age time.Duration
			if len(ages) > 0 {
				age = max(0, slices.Min(ages))
			}
			if age >= paceWindow || room == 0 {
				continue
			}
			made := received.Add(-age)
			if made.After(e.loaded) {
				made = e.loaded
			}
			n := min(e.calls.seconds[second], room)
			room -= n
			for range n {
				p.calls = append(p.calls, made)
			}
		}
	}
	p.earlier = nil
	slices.SortFunc(p.calls, time.Time.Compare)
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// paces hands out the shared pace of each credential.
type paces struct {
	mu     sync.Mutex
	by     map[paceKey]*pace
	phases int
}

// phase returns where in its poll interval the next receiver is to look, from 0 to 1, so
// that many receivers of one collector spread over it. By the golden ratio each comes into
// one of the longest gaps that those before it have left.
func (s *paces) phase() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, phase := math.Modf(float64(s.phases) * (math.Sqrt(5) - 1) / 2)
	s.phases++
	return phase
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
