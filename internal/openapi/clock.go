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
//
// A Date may be wrong: of a cache, or of one machine among many. One that is far from what the
// clock says is believed when enough of those that follow agree with it.
type Clock struct {
	mu    sync.Mutex
	known stamp // what is believed; zero: nothing yet, and our wall clock counts
	doubt stamp // the last Date, if it is far from that
	times int   // how many in a row have agreed on doubt, with itself
	// before is what was believed before the server's clock was set back, until that has
	// caught up: until caughtUp, which is a time of the server's.
	before   stamp
	caughtUp time.Time
	floor    stamp // see StartAt
}

// stamp is a time of the server's, and our clock then.
type stamp struct{ date, at time.Time }

func (s stamp) isZero() bool { return s.date.IsZero() }

// when is the server's time at a time of ours.
func (s stamp) when(at time.Time) time.Time { return s.date.Add(at.Sub(s.at)) }

// ClockSlack is by how much two Date headers may disagree before the newer one
// is taken as a change of the server's clock: they are whole seconds, and their
// answers travel for different times.
const ClockSlack = 2 * time.Second

// DateTolerance is by how much a Date may be behind what is expected and be believed at once,
// which only delays, and by how much two may differ and agree: the machines behind one
// address need not have the same time.
const DateTolerance = 2 * time.Minute

// How many Dates in a row have to agree before they are believed against what the clock says. One
// behind it only delays. One ahead makes windows end in the server's future, and a window whose own
// answers have wrong Dates, too, moves the position there: where one answer in ten is wrong by chance,
// two in a row are after 100 calls.
const (
	datesBehind = 2
	datesAhead  = 5
)

// setBackPatience is for how long a clock that was set back is believed without an answer. While
// it is behind all that was read, there is nothing to ask for, so that no answer could tell
// that it is right again. After that time the clock goes on as before, and the next answer
// decides.
const setBackPatience = 5 * time.Minute

// Observe learns from an answer. date is zero where the answer had none.
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
	c.known, c.doubt = now, stamp{}
	if !c.before.isZero() && !c.known.date.Before(c.caughtUp) {
		c.before = stamp{}
	}
}

// agreed notes a Date that is far from what the clock says, and reports whether it is to be believed.
func (c *Clock) agreed(now stamp, ahead bool) bool {
	if c.doubt.isZero() || !agree(now.date, c.doubt.when(now.at)) {
		c.times = 0
	}
	c.doubt, c.times = now, c.times+1
	if ahead {
		return c.times >= datesAhead
	}
	return c.times >= datesBehind
}

// StartAt notes a time that the server's clock has reached, because something was read up to it.
// Until the server's time is known the clock tells no earlier one: where ours is behind all
// that was read, there would be nothing to ask for, and no answer to learn from.
func (c *Clock) StartAt(reached time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.floor = stamp{reached, time.Now()}
}

// agree reports whether two times may be of one clock.
func agree(a, b time.Time) bool { return a.Sub(b).Abs() <= DateTolerance }

// Now is the server's time; ours, as long as it is not known.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.known.isZero():
		if !c.floor.isZero() && now.Before(c.floor.when(now)) {
			return c.floor.when(now)
		}
		return now
	case !c.before.isZero() && now.Sub(c.known.at) > setBackPatience && c.known.when(now).Before(c.caughtUp):
		return c.before.when(now)
	}
	return c.known.when(now)
}

// Skew is how far the server's clock is ahead of our wall clock, to the second;
// not known before an answer had a date that can be believed.
func (c *Clock) Skew() (ahead time.Duration, known bool) {
	c.mu.Lock()
	known = !c.known.isZero()
	c.mu.Unlock()
	return c.Now().Sub(time.Now().Round(0)), known
}
