// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import "time"

// serverClock limits how far the server's clock may be ahead of ours. Each answer narrows it: its Date header,
// in whole seconds, is between sending and receiving.
type serverClock struct {
	known    bool
	disagree bool // Date headers contradict each other
	low      time.Duration
	high     time.Duration
}

func (c *serverClock) observe(date, sent, received time.Time) {
	if date.IsZero() {
		return
	}
	low, high := date.Sub(received.Round(0)), date.Add(time.Second).Sub(sent.Round(0))
	switch {
	case !c.known:
		c.low, c.high, c.known = low, high, true
	case low > c.high || high < c.low:
		c.disagree = true
		c.low, c.high = min(c.low, low), max(c.high, high)
	default:
		c.low, c.high = max(c.low, low), min(c.high, high)
	}
}

// earliest and latest are bounds of the server's time at a moment of our clock.
func (c *serverClock) earliest(t time.Time) time.Time { return t.Round(0).Add(c.low) }
func (c *serverClock) latest(t time.Time) time.Time   { return t.Round(0).Add(c.high) }

// now is a second that is certainly not in the server's future, after the first answer.
func (c *serverClock) now() int64 { return c.earliest(time.Now()).Unix() }
