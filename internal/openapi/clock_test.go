// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// seen gives the clock Dates that are this far ahead of our clock, a second apart, and returns how far it is
// ahead then.
func seen(c *Clock, ahead ...time.Duration) time.Duration {
	for _, by := range ahead {
		c.Observe(time.Now().Add(by).Truncate(time.Second), time.Now())
		time.Sleep(time.Second)
	}
	by, _ := c.Skew()
	return by
}

// TestClockBelievesSeveral: a single Date that is far from the estimate changes nothing, whatever it is. If it
// is behind, a second one that agrees changes the estimate; if it is ahead, several have to agree. Covers F9,
// F42.
func TestClockBelievesSeveral(t *testing.T) {
	const h, far = time.Hour, 30 * 365 * 24 * time.Hour
	ahead := func(by time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{by}, n) }
	for name, tc := range map[string]struct {
		dates []time.Duration
		want  time.Duration
	}{
		"right":                           {[]time.Duration{0, 0}, 0},
		"ours is a little wrong":          {[]time.Duration{30 * time.Second}, 0},
		"ours is a little ahead":          {[]time.Duration{-30 * time.Second}, -30 * time.Second},
		"ours is a little behind, some":   {ahead(30*time.Second, datesAhead), 30 * time.Second},
		"one is a little wrong":           {[]time.Duration{0, 90 * time.Second, 0}, 0},
		"ours is wrong, one answer":       {[]time.Duration{8 * h}, 0},
		"ours is wrong, four":             {ahead(8*h, datesAhead-1), 0},
		"ours is wrong, five":             {ahead(8*h, datesAhead), 8 * h},
		"ours is wrong, behind":           {[]time.Duration{-8 * h, -8 * h}, -8 * h},
		"the first is wrong":              {[]time.Duration{8 * h, 0}, 0},
		"the first is far wrong":          {[]time.Duration{-far, 0}, 0},
		"one in the middle":               {[]time.Duration{0, 8 * h, 0}, 0},
		"one in the middle, back":         {[]time.Duration{0, -8 * h, 0}, 0},
		"every other one":                 {[]time.Duration{0, 8 * h, 0, 8 * h, 0, 8 * h}, 0},
		"every other one, ours is ahead":  {[]time.Duration{8 * h, -h / 6, 8 * h, -h / 6}, -h / 6},
		"two that do not agree":           {[]time.Duration{0, 8 * h, 9 * h}, 0},
		"the last one":                    {[]time.Duration{0, 0, far}, 0},
		"the server's is set":             {append(ahead(0, 1), ahead(h, datesAhead)...), h},
		"ahead, with a right one between": {append(ahead(h, datesAhead-1), 0, h, h, h, h), 0},
		"ahead, and others behind":        {[]time.Duration{0, h, h, -h, h, h, h, h}, 0},
		"the server's is set back":        {[]time.Duration{0, -h, -h}, -h},
		"set by two machines, a bit off":  {[]time.Duration{0, h, h + time.Minute, h, h + time.Minute, h}, h},
		"wrong ones, then right ones":     {append(ahead(8*h, datesAhead), 0, 0), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				assert.Equal(t, tc.want, seen(&Clock{}, tc.dates...))
			})
		})
	}
}

// TestClockNeverAhead: answers that take different times to arrive never move the clock back or ahead of the
// server's. Covers F9.
func TestClockNeverAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Clock{}
		_, known := c.Skew()
		assert.False(t, known)
		c.Observe(time.Time{}, time.Now())
		_, known = c.Skew()
		assert.False(t, known, "an answer without a Date says nothing")
		last := time.Time{}
		for i := range 100 {
			asked := time.Now()
			time.Sleep(time.Duration(i%4) * 300 * time.Millisecond)
			c.Observe(asked.Truncate(time.Second), time.Now())
			assert.False(t, c.Now().After(time.Now()))
			assert.False(t, c.Now().Before(last))
			last = c.Now()
		}
	})
}

// TestClockSetBackIsNoDeadEnd: while the server's clock is believed to be behind everything that was read,
// nothing is requested, so no answer could show that it is not. Covers F9, F42.
func TestClockSetBackIsNoDeadEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const h = time.Hour
		c := &Clock{}
		assert.Equal(t, -24*h, seen(c, 0, -24*h, -24*h))
		time.Sleep(setBackPatience)
		assert.Zero(t, time.Until(c.Now()), "one call is made")
		assert.Equal(t, -24*h, seen(c, -24*h), "it is so")
		time.Sleep(setBackPatience)
		assert.Zero(t, seen(c, 0), "it is right again: the first answer says so")
		time.Sleep(setBackPatience)
		assert.Zero(t, time.Until(c.Now()))

		assert.Equal(t, -h, seen(c, -h, -h))
		time.Sleep(h + setBackPatience)
		assert.Equal(t, -h, time.Until(c.Now()), "it has caught up with what was read")
		assert.Equal(t, -h, seen(c, -h))
		time.Sleep(setBackPatience + time.Second)
		assert.Equal(t, -h, time.Until(c.Now()))
	})
}

// TestClockStartsWhereReadingIs: if our clock is behind what was read, there is still something to request.
// Covers F9, F41.
func TestClockStartsWhereReadingIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const h = time.Hour
		c := &Clock{}
		c.StartAt(time.Now().Add(-h))
		assert.Zero(t, time.Until(c.Now()))
		c.StartAt(time.Now().Add(h))
		time.Sleep(time.Minute)
		assert.Equal(t, h, time.Until(c.Now()))
		assert.Equal(t, 2*h, seen(c, slices.Repeat([]time.Duration{2 * h}, datesAhead)...))
	})
}
