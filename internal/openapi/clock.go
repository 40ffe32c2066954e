// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"sync"
	"time"
)

// Clock tells the server's time from the Date header of its answers, and
// never later than it is: a window must not end in the server's future, where
// entries may still appear that no later pass of a short recheck would look for.
//
// Between answers it runs with our monotonic clock, so that our wall clock may be
// wrong or jump.
type Clock struct {
	mu   sync.Mutex
	date time.Time
	at   time.Time
}

// ClockSlack is by how much two Date headers may disagree before the newer one
// is taken as a change of the server's clock: they are whole seconds, and their
// answers travel for different times.
const ClockSlack = 2 * time.Second

// Observe learns from an answer. date is zero where the answer had none.
func (c *Clock) Observe(date, received time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.date.IsZero() {
		expected := c.date.Add(received.Sub(c.at))
		if ahead := expected.Sub(date); ahead > 0 && ahead <= ClockSlack {
			date = expected
		}
	}
	c.date, c.at = date, received
}

// Now is the server's time; ours, as long as no answer had a date.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		return time.Now()
	}
	return c.date.Add(time.Since(c.at))
}

// Skew is how far the server's clock is ahead of our wall clock, to the second;
// not known before an answer had a date.
func (c *Clock) Skew() (ahead time.Duration, known bool) {
	c.mu.Lock()
	known = !c.date.IsZero()
	c.mu.Unlock()
	return c.Now().Sub(time.Now().Round(0)), known
}
