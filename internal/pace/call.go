// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"slices"
	"time"
)

// Call is a call that was admitted.
type Call struct {
	pace       *Pace
	Number     uint64
	at         time.Time // until when the server may count it
	admittedAt time.Time
}

// take admits a call. The lock is held.
func (p *Pace) take(now time.Time, later time.Duration) *Call {
	p.forget(now)
	p.admitted++
	c := &Call{pace: p, Number: p.admitted, at: now.Add(later + transitAllowance), admittedAt: now}
	p.calls = append(p.calls, c.at)
	slices.SortFunc(p.calls, time.Time.Compare)
	p.sent = append(p.sent, now)
	return c
}

// Leaves is called when the call is sent. It reports whether it may be: the server may have asked to wait since
// it was admitted.
func (c *Call) Leaves() bool {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	now := time.Now()
	if now.Before(c.pace.paused) {
		return false
	}
	c.ended(now.Add(transitAllowance))
	return true
}

// Answered is called when its answer is there.
func (c *Call) Answered() {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	c.ended(time.Now())
}

// ended notes that the server counts the call until then, if that is earlier than known before.
func (c *Call) ended(at time.Time) {
	if !at.Before(c.at) {
		return
	}
	calls := c.pace.calls
	// The order is kept by moving the latest entry with that value: it does not matter which call it belongs to.
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

// GiveBack returns a call that is not made after all.
func (c *Call) GiveBack() {
	c.pace.mu.Lock()
	defer c.pace.mu.Unlock()
	drop := func(times []time.Time, at time.Time) []time.Time {
		if i := slices.IndexFunc(times, at.Equal); i >= 0 {
			return slices.Delete(times, i, i+1)
		}
		return times
	}
	c.pace.calls, c.pace.sent = drop(c.pace.calls, c.at), drop(c.pace.sent, c.admittedAt)
}
