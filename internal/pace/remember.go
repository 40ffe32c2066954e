// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Begins announces a receiver that will report, by calling the returned function, which calls its storage
// remembers. Until then nobody makes a call, but not for longer than such calls count: perhaps only that storage
// knows the last calls before a restart.
func (p *Pace) Begins() (remembers func(Remembered)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beginning == 0 {
		p.began = time.Now()
	}
	p.beginning++
	var once sync.Once
	return func(calls Remembered) {
		p.restore(calls)
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.beginning--
			p.tell()
		})
	}
}

// Remembered are calls of the last minute, as they are stored.
type Remembered struct {
	// Seconds has their number by the second of our clock (Unix) up to which the server may count them.
	Seconds map[int64]int
	// Ahead is the largest number of seconds by which the server's clock may have been ahead of ours; nil if
	// that was not known.
	Ahead *int64
	// UpTo is the number of the last of them.
	UpTo uint64
	// By is the process that wrote this; 0 if it is not known.
	By int64
	// Limit is how many calls a minute the server was found to allow; 0 if it was not found to allow less than
	// is configured.
	Limit int
}

// total is the number of these calls, as far as it matters for the limit.
func (c Remembered) total(limit int) int {
	n := 0
	for _, count := range c.Seconds {
		n = min(limit, n+min(count, limit))
	}
	return n
}

// loadedCalls are the calls of the previous process. Each was made before they were loaded.
type loadedCalls struct {
	calls  Remembered
	loaded time.Time
}

// Recent returns the calls of the last minute, so that a restart does not forget them.
func (p *Pace) Recent() Remembered {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.adapt(now)
	p.forget(now)
	c := Remembered{Seconds: make(map[int64]int), UpTo: p.admitted, By: p.id, Limit: p.learned.limit}
	for _, at := range p.counted() {
		// By the clock as it is now: it may have been changed since the call.
		c.Seconds[now.Round(0).Add(-now.Sub(at)).Unix()+1]++
	}
	if p.serverKnown {
		ahead := int64(math.Ceil(p.server.Seconds()))
		c.Ahead = &ahead
	}
	return c
}

// restore takes over what Recent returned in an earlier process. The age of those calls is only known from
// clocks, and ours may have been changed since. Until the server sends its time (Settle), they count as just
// made.
func (p *Pace) restore(calls Remembered) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if calls.By == p.id {
		return // of an earlier term of this process: they are known
	}
	if calls.Limit > 0 && p.learned.limit == 0 {
		p.set(time.Now(), calls.Limit, false)
	}
	if calls = p.unloaded(calls); len(calls.Seconds) == 0 {
		return
	}
	p.earlier = append(p.earlier, loadedCalls{calls, time.Now()})
}

// unloaded leaves out calls that were loaded before: each receiver of a process stores the calls of all that
// shared its pace.
func (p *Pace) unloaded(calls Remembered) Remembered {
	if calls.By == 0 {
		return calls
	}
	if p.loaded == nil {
		p.loaded = make(map[int64]map[int64]int)
	}
	known := p.loaded[calls.By]
	if known == nil {
		known = make(map[int64]int)
		p.loaded[calls.By] = known
	}
	seconds := make(map[int64]int)
	for second, n := range calls.Seconds {
		if more := n - known[second]; more > 0 {
			seconds[second], known[second] = more, n
		}
	}
	calls.Seconds = seconds
	return calls
}

// Settle learns the server's time from an answer; date is zero if it had none. The age of calls from before the
// start is then known from two clocks, and the smaller one counts: it is wrong only if both clocks were changed
// in between, by more than a minute.
func (p *Pace) Settle(date, sent, received time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours := received.Round(0)
	if !date.IsZero() {
		// The date is cut off to seconds, and may be as old as the duration of the call.
		p.server, p.serverKnown = date.Add(time.Second+received.Sub(sent)).Sub(ours), true
	}
	if len(p.earlier) == 0 {
		return
	}
	for _, e := range p.earlier {
		room := p.limit
		for _, second := range slices.Backward(slices.Sorted(maps.Keys(e.calls.Seconds))) {
			at := time.Unix(second, 0)
			var ages []time.Duration
			ages = append(ages, ours.Sub(at))
			if e.calls.Ahead != nil && !date.IsZero() {
				ages = append(ages, date.Sub(at.Add(time.Duration(*e.calls.Ahead)*time.Second)))
			}
			// A clock that was set back gives no age.
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
			n := min(e.calls.Seconds[second], room)
			room -= n
			for range n {
				p.calls = append(p.calls, made)
			}
		}
	}
	p.earlier = nil
	slices.SortFunc(p.calls, time.Time.Compare)
	p.tell()
}
