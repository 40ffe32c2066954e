// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"slices"
	"sync"
	"time"
)

// Clock estimates the server's time from the Date headers of its answers. The estimate is never later than the
// server's time: a window must not end in the server's future, where entries may still appear that no later pass
// with a short recheck would find.
//
// Between answers it runs with our monotonic clock, so our wall clock may be wrong or jump.
//
// A Date may be wrong, for example from a cache or from one machine among many. A Date that is far from the
// estimate is believed only when enough of the following ones agree with it.
type Clock struct {
	mu    sync.Mutex
	known stamp // the current estimate; zero: none yet, and our wall clock counts
	// far are the Dates since the last one that was believed: all are far from the estimate. With an estimate
	// there is at most one. Without any, a wrong Date may come between two right ones.
	far []farDate
	// before is the estimate before the server's clock was set back, until the new estimate has caught up, at
	// the server's time caughtUp.
	before   stamp
	caughtUp time.Time
	floor    stamp // see StartAt
	dispute  Dispute
}

// stamp is a time of the server and the time of our clock at that moment.
type stamp struct{ date, at time.Time }

func (s stamp) isZero() bool { return s.date.IsZero() }

// when is the server's time at a time of our clock.
func (s stamp) when(at time.Time) time.Time { return s.date.Add(at.Sub(s.at)) }

// ClockSlack is by how much two Date headers may disagree before the newer one counts as a change of the
// server's clock: they are whole seconds, and answers take different times to arrive.
const ClockSlack = 2 * time.Second

// DateTolerance is how far a Date may be behind the expected time and still be believed at once, which only
// delays reading. It is also how far two Dates may differ and still agree: the machines at one address need not
// have the same time.
const DateTolerance = 2 * time.Minute

// How many Dates in a row have to agree before they are believed against the estimate. A Date behind the
// estimate only delays reading. A Date ahead of it makes windows end in the server's future, and a window whose
// own answers have wrong Dates, too, moves the position there: if one answer in ten is wrong by chance, two in a
// row are wrong after 100 calls.
const (
	datesBehind = 2
	datesAhead  = 5
)

// setBackPatience is how long a clock that was set back is believed without an answer. While it is behind
// everything that was read, there is nothing to request, so no answer could show that it is right again. After
// that time the clock continues as before, and the next answer decides.
const setBackPatience = 5 * time.Minute

// Observe learns from an answer. date is zero if the answer had none.
func (c *Clock) Observe(date, received time.Time) {
	if date.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := stamp{date, received}
	expected := received.Round(0)
	if !c.known.isZero() {
		expected = c.known.when(received)
	}
	switch {
	case date.Sub(expected) <= ClockSlack && agree(date, expected):
		if ahead := expected.Sub(date); !c.known.isZero() && ahead > 0 && ahead <= ClockSlack {
			now.date = expected
		}
	case !c.before.isZero() && agree(date, c.before.when(received)):
		c.before = stamp{}
	case !c.agreed(now, date.After(expected)):
		return
	case date.Before(expected) && !c.known.isZero() && c.before.isZero():
		c.before, c.caughtUp = c.known, expected
	}
	c.known, c.far = now, nil
	if !c.before.isZero() && !c.known.date.Before(c.caughtUp) {
		c.before = stamp{}
	}
}

// farDate is a Date that is far from the estimate, and how many have agreed with it, including itself.
type farDate struct {
	stamp
	times int
}

// maxFar is how many different times are remembered while there is no estimate.
const maxFar = 8

// agreed notes a Date that is far from the estimate, and reports whether to believe it.
func (c *Clock) agreed(now stamp, ahead bool) bool {
	i := slices.IndexFunc(c.far, func(d farDate) bool { return agree(now.date, d.when(now.at)) })
	times := 1
	if i >= 0 {
		times += c.far[i].times
		c.far = slices.Delete(c.far, i, i+1)
	} else if !c.known.isZero() {
		c.far = nil
	}
	if len(c.far) == maxFar {
		c.far = slices.Delete(c.far, 0, 1)
	}
	c.far = append(c.far, farDate{now, times})
	if ahead {
		return times >= datesAhead
	}
	return times >= datesBehind
}

// Unconfirmed reports whether all that is known of the server's time are Dates that are far from our clock, one or
// several that disagree. Any may be wrong then, and what was read up to our time may not exist yet.
func (c *Clock) Unconfirmed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.isZero() && (len(c.far) > 1 || len(c.far) == 1 && c.far[0].times == 1)
}

// StartAt notes a time that the server's clock has reached, because something was read up to it. Until the
// server's time is known, the clock returns no earlier time: if our clock were behind everything that was read,
// there would be nothing to request, and no answer to learn from.
func (c *Clock) StartAt(reached time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.floor = stamp{reached, time.Now()}
}

// agree reports whether two times may be from one clock.
func agree(a, b time.Time) bool { return a.Sub(b).Abs() <= DateTolerance }

// Now is the server's time, or our time while the server's is not known, or wrong: see Dispute.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.known.isZero() {
		return c.compare(c.server(now), now)
	}
	if !c.floor.isZero() && now.Before(c.floor.when(now)) {
		return c.floor.when(now)
	}
	return now
}

// server is the estimate of the server's time.
func (c *Clock) server(now time.Time) time.Time {
	if !c.before.isZero() && now.Sub(c.known.at) > setBackPatience && c.known.when(now).Before(c.caughtUp) {
		return c.before.when(now)
	}
	return c.known.when(now)
}

// Skew is how far the server's clock is ahead of our wall clock, to the second. It is not known before an answer
// had a date that can be believed.
func (c *Clock) Skew() (ahead time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.known.isZero() {
		return 0, false
	}
	return c.server(now).Sub(now.Round(0)), true
}
