// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package pace

import "time"

// chances detects refusals that are chance and not a limit of calls a minute: from an overloaded gateway, or
// from one of several servers that counts wrongly. Fewer calls would not help against these.
//
// A limit refuses a call because of the calls before it. If it counts a sliding minute, no more calls are
// answered in any minute than were answered before a refusal. If it counts fixed minutes, up to twice as many
// may be, but nothing is answered between a refusal and the next minute.
type chances struct {
	refusals []refusal   // of the last few minutes
	soon     []time.Time // answers of the last few minutes that were the first one soon after a refusal
	below    []time.Time // refusals far below the limit that was concluded
	last     time.Time   // when a refusal was last found to be chance
}

// refusal is a refusal by the rate limit, after this many answered calls in a minute.
type refusal struct {
	at time.Time
	n  int
}

const (
	// soonAfter is how soon after a refusal an answer cannot have waited for the next minute.
	soonAfter = 10 * time.Second
	// oftenSoon answers within a minute, and mostSoon within mostLasts, show that there is no fixed minute: one
	// for each end of a minute is possible.
	oftenSoon = 3
	mostSoon  = 7
	// mostBelow is how many refusals far below a limit within evidenceLasts show that it is not a limit.
	mostBelow = 3
)

// are reports whether refusals are chance, because one recently was.
func (c *chances) are(now time.Time) bool { return !c.last.IsZero() && now.Sub(c.last) < mostLasts }

// refused notes a refusal, after n answers in a minute, with the limit that was concluded from earlier ones; 0:
// none was. It reports whether that shows that refusals are chance.
func (c *chances) refused(now time.Time, n, limit int) bool {
	for len(c.refusals) > 0 && (now.Sub(c.refusals[0].at) >= mostLasts || len(c.refusals) >= maxCounts) {
		c.refusals = c.refusals[1:]
	}
	c.refusals = append(c.refusals, refusal{now, n})
	for len(c.below) > 0 && now.Sub(c.below[0]) >= evidenceLasts {
		c.below = c.below[1:]
	}
	if n > limit-2 || 4*n > 3*limit {
		return false
	}
	if c.below = append(c.below, now); len(c.below) < mostBelow {
		return false
	}
	c.below, c.last = nil, now
	return true
}

// allowed notes an answer, the n-th of a minute, and when the last call was refused. It reports whether that
// shows that refusals are chance.
func (c *chances) allowed(now time.Time, n int, refused time.Time) bool {
	for len(c.soon) > 0 && now.Sub(c.soon[0]) >= mostLasts {
		c.soon = c.soon[1:]
	}
	if first := len(c.soon) == 0 || c.soon[len(c.soon)-1].Before(refused); first && now.Sub(refused) < soonAfter {
		c.soon = append(c.soon, now)
	}
	noMinute := len(c.soon) >= mostSoon || len(c.soon) >= oftenSoon && now.Sub(c.soon[len(c.soon)-oftenSoon]) < paceWindow
	for _, r := range c.refusals {
		switch {
		case now.Sub(r.at) >= mostLasts:
		case n > 2*r.n+3, // neither kind of minute allows this
			noMinute && n > r.n+max(2, r.n/8):
			c.last = now
			return true
		}
	}
	return false
}
