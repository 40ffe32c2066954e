// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pace is a backoff without randomness: 5 s, doubling up to most, or to 30 s.
type pace struct{ wait, most time.Duration }

func (p *pace) NextBackOff() time.Duration {
	p.wait = min(max(2*p.wait, 5*time.Second), cmp.Or(p.most, 30*time.Second))
	return p.wait
}
func (p *pace) Reset() { p.wait = 0 }

// line is a queue before a pipeline that answers as the test requires. It records the outcome of the records, by
// number.
type line struct {
	*Queue[int]
	t       *testing.T
	now     time.Time
	refuses func(records []*Record[int], i int) Class
	tries   []int // records in each
	at      []time.Time
	taken   map[int]int
	gaveUp  map[int]Why
	next    int
}

func newLine(t *testing.T, set Settings) *line {
	if set.Backoff == nil {
		set.Backoff = &pace{}
	}
	if set.SecondLook == 0 {
		set.SecondLook = 10 * time.Second
	}
	return &line{
		Queue: New[int](set), t: t, now: time.Unix(1e9, 0), taken: map[int]int{}, gaveUp: map[int]Why{},
		refuses: func([]*Record[int], int) Class { return Taken },
	}
}

// add adds n records of 1,000 bytes.
func (l *line) add(n int) *Batch {
	records := make([]Record[int], n)
	for i := range records {
		records[i] = Record[int]{Value: l.next, Size: 1000}
		l.next++
	}
	return l.Add(l.now, records)
}

// run makes the deliveries of this duration, and stops when until returns true.
func (l *line) run(d time.Duration, until func() bool) {
	for end := l.now.Add(d); ; {
		if until != nil && until() {
			return
		}
		try, at := l.Next(l.now)
		if try == nil {
			if at.IsZero() || at.After(end) {
				l.now = end
				return
			}
			require.True(l.t, at.After(l.now), "the next try is in the past")
			l.now = at
			continue
		}
		require.NotEmpty(l.t, try.Records)
		require.Less(l.t, len(l.tries), 100_000)
		l.tries, l.at = append(l.tries, len(try.Records)), append(l.at, l.now)
		said := make([]Class, len(try.Records))
		for i := range said {
			said[i] = l.refuses(try.Records, i)
		}
		res := l.Answered(l.now, try, func(i int) Class { return said[i] })
		for _, r := range res.Taken {
			l.taken[r.Value]++
			require.Equal(l.t, 1, l.taken[r.Value], "taken twice")
			require.NotContains(l.t, l.gaveUp, r.Value)
		}
		for _, g := range res.GaveUp {
			require.NotContains(l.t, l.gaveUp, g.Value, "given up twice")
			require.NotContains(l.t, l.taken, g.Value)
			l.gaveUp[g.Value] = g.Why
		}
	}
}

// bad refuses every batch that contains one of the records.
func bad(class Class, which ...int) func([]*Record[int], int) Class {
	return func(records []*Record[int], _ int) Class {
		for _, r := range records {
			if slices.Contains(which, r.Value) {
				return class
			}
		}
		return Taken
	}
}

// pageSizes are the smallest pages, and some that are divided unevenly.
var pageSizes = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 31, 50, 64, 99, 100}

// TestOneBadRecord: wherever in its page it is, a bad record costs at most 20 deliveries, the others are
// accepted at once, and it is given up soon, except in one place, where nothing is accepted after it. Covers
// F53.
func TestOneBadRecord(t *testing.T) {
	for _, n := range pageSizes {
		waits := 0
		for which := range n {
			l := newLine(t, Settings{})
			l.refuses = bad(Permanent, which)
			began := l.now
			b := l.add(n)
			l.run(0, nil)
			assert.Len(t, l.taken, n-1, "at once")
			assert.False(t, l.Blocks(b), "reading goes on")
			l.run(15*time.Second, nil)
			assert.Empty(t, l.gaveUp, "too soon: %d of %d", which, n)
			l.run(45*time.Second, nil)
			if len(l.gaveUp) == 0 {
				waits++
				assert.Equal(t, 1, l.tries[len(l.tries)-1])
				l.add(1)
				l.run(25*time.Second, nil)
			}
			assert.Equal(t, map[int]Why{which: Refused}, l.gaveUp, "%d of %d", which, n)
			if n == 100 && l.now.Sub(began) <= time.Minute {
				assert.LessOrEqual(t, len(l.tries), 20, "%d of %d", which, n)
			}
			assert.Zero(t, l.refusals*len(l.pieces))
		}
		assert.Equal(t, 1, waits, "of %d", n)
	}
}

// TestNothingTaken: a pipeline that refuses everything gets one record at a time, at the interval of the
// backoff, after eight tries with split batches. Nothing is given up, reading continues for a while, and when
// the pipeline accepts records again, all are accepted in few deliveries. Covers F54.
func TestNothingTaken(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100} {
		l := newLine(t, Settings{})
		l.refuses = func([]*Record[int], int) Class { return Permanent }
		pages := 0
		for end := l.now.Add(24 * time.Hour); l.now.Before(end); {
			b := l.add(n)
			pages++
			for l.Blocks(b) && l.now.Before(end) {
				l.run(time.Minute, nil)
			}
			l.run(time.Minute, nil)
			held, _ := l.Open()
			require.Less(t, held, MaxHeld+100)
			if n > 1 {
				require.LessOrEqual(t, pages, MaxHeld/n+1)
			}
		}
		assert.Empty(t, l.gaveUp)
		assert.Empty(t, l.taken)
		assert.InDelta(t, 24*60*2, len(l.tries), 24*60*0.1, "the retry's pace, of 30 s")
		if n > 1 {
			assert.True(t, l.Holding())
		}
		l.refuses = func([]*Record[int], int) Class { return Taken }
		before := len(l.tries)
		l.run(time.Minute, nil)
		assert.Len(t, l.taken, n*pages)
		if n == 100 {
			assert.LessOrEqual(t, len(l.tries)-before, pages+QuickTries+2)
		}
	}
}

// TestOutageAfterOutage: records that were refused alone while nothing was accepted, and again in the next
// outage, with a success in between, are not the cause. Covers F54.
func TestOutageAfterOutage(t *testing.T) {
	l := newLine(t, Settings{})
	takes := 0
	l.refuses = func([]*Record[int], int) Class {
		if takes == 0 {
			return Permanent
		}
		takes--
		return Taken
	}
	for range 9 {
		l.add(1)
		l.run(time.Minute, nil)
	}
	takes = 1
	l.run(10*time.Minute, nil)
	assert.Len(t, l.taken, 1)
	takes = 1000
	l.run(10*time.Minute, nil)
	assert.Empty(t, l.gaveUp)
	assert.Len(t, l.taken, 9)
}

// TestRetryable: temporary refusals are retried at the interval of the backoff, after five tries with only one
// record, and reading waits.
func TestRetryable(t *testing.T) {
	l := newLine(t, Settings{})
	l.refuses = func([]*Record[int], int) Class { return Retry }
	b := l.add(100)
	l.run(10*time.Hour, nil)
	assert.True(t, l.Blocks(b))
	assert.Equal(t, []int{100, 100, 100, 100, 100, 1, 1}, l.tries[:7])
	assert.InDelta(t, 10*120, len(l.tries), 10)
	l.refuses = func([]*Record[int], int) Class { return Taken }
	before := len(l.tries)
	l.run(time.Minute, nil)
	assert.Len(t, l.taken, 100)
	assert.Equal(t, []int{1, 99}, l.tries[before:])
	assert.Empty(t, l.gaveUp)
}

// TestSize: batches above a size are split, whether or not the refusal is marked permanent, and from then on
// delivered in the accepted size. A larger one is tried from time to time, because the limit may have been
// raised. Covers F53.
func TestSize(t *testing.T) {
	for class, most := range map[Class]time.Duration{Permanent: 0, Retry: 10 * time.Minute} {
		l := newLine(t, Settings{})
		limit := 40
		l.refuses = func(records []*Record[int], _ int) Class {
			if len(records) > limit {
				return class
			}
			return Taken
		}
		b := l.add(100)
		l.run(most, func() bool { return !l.Blocks(b) })
		assert.Len(t, l.taken, 100)
		for range 50 {
			b := l.add(100)
			l.run(time.Minute, func() bool { return !l.Blocks(b) })
			require.False(t, l.Blocks(b))
		}
		assert.Len(t, l.taken, 5100)
		assert.Empty(t, l.gaveUp)
		before := len(l.tries)
		l.now = l.now.Add(5 * time.Minute)
		b = l.add(100)
		l.run(0, nil)
		require.True(t, b.Done())
		assert.LessOrEqual(t, len(l.tries)-before, 4, "%v", l.tries[before:])

		limit = 1000
		for range 12 {
			l.now = l.now.Add(time.Hour)
			l.add(100)
			l.run(0, nil)
		}
		assert.Equal(t, 100, l.tries[len(l.tries)-1], "the limit was raised")
		assert.Empty(t, l.gaveUp)
	}
}

// TestAllOfAPageBad: a page of records that are all refused delays neither later records nor itself: the next
// records show that the pipeline accepts others. Covers F53.
func TestAllOfAPageBad(t *testing.T) {
	l := newLine(t, Settings{})
	l.refuses = func(records []*Record[int], _ int) Class {
		for _, r := range records {
			if r.Value < 100 {
				return Permanent
			}
		}
		return Taken
	}
	b := l.add(100)
	l.run(time.Minute, func() bool { return !l.Blocks(b) })
	require.False(t, l.Blocks(b))
	assert.Empty(t, l.gaveUp)
	for page := range 200 {
		b := l.add(10)
		l.run(30*time.Second, func() bool { return b.Done() })
		require.True(t, b.Done(), "page %d", page)
		l.run(30*time.Second, nil)
	}
	assert.Len(t, l.gaveUp, 100)
	assert.Len(t, l.taken, 2000)
	assert.Less(t, len(l.tries), 200+1000)
}

// TestStuck: a record that is refused alone with a temporary error delays nothing, and is retried for a day.
// Covers F53.
func TestStuck(t *testing.T) {
	l := newLine(t, Settings{})
	l.refuses = bad(Retry, 42)
	b := l.add(100)
	l.run(time.Hour, func() bool { return !l.Blocks(b) })
	require.False(t, l.Blocks(b))
	assert.Len(t, l.taken, 99)
	began := l.now
	for l.now.Sub(began) < StuckPatience-time.Hour {
		b := l.add(10)
		l.run(0, nil)
		require.True(t, b.Done())
		l.run(10*time.Minute, nil)
	}
	assert.Empty(t, l.gaveUp)
	for l.now.Sub(began) < StuckPatience+2*time.Hour {
		l.add(10)
		l.run(10*time.Minute, nil)
	}
	assert.Equal(t, map[int]Why{42: Stuck}, l.gaveUp)
}

// TestPartly: only the records that a refusal names are retried.
func TestPartly(t *testing.T) {
	l := newLine(t, Settings{})
	first := true
	l.refuses = func(records []*Record[int], i int) Class {
		if len(records) == 10 {
			return []Class{Taken, Retry, Permanent}[i%3]
		}
		first = false
		return Taken
	}
	l.add(10)
	l.run(time.Minute, nil)
	assert.False(t, first)
	assert.Len(t, l.taken, 10)
	assert.ElementsMatch(t, []int{10, 3, 3}, l.tries)
}

// TestConfiguredEnd: max_elapsed_time and enabled: false give up exactly the refused records, whatever the
// pipeline does with others.
func TestConfiguredEnd(t *testing.T) {
	for _, class := range []Class{Retry, Permanent} {
		l := newLine(t, Settings{MaxElapsed: 5 * time.Minute})
		l.refuses = func([]*Record[int], int) Class { return class }
		l.add(100)
		l.run(4*time.Minute, nil)
		assert.Empty(t, l.gaveUp)
		l.run(2*time.Minute, nil)
		assert.Len(t, l.gaveUp, 100)

		l = newLine(t, Settings{Disabled: true})
		l.refuses = bad(class, 7)
		l.add(10)
		l.run(time.Minute, nil)
		if class == Permanent {
			assert.Equal(t, map[int]Why{7: Disabled}, l.gaveUp)
			assert.Len(t, l.taken, 9)
		} else {
			assert.Len(t, l.gaveUp, 10, "nothing is tried twice")
		}
		_, at := l.Next(l.now)
		assert.Zero(t, at)
	}
}

// TestWorlds: pages arrive, some records are bad, batches have a limit, and at times nothing is accepted,
// permanently or not. In any case good records are accepted once, only bad records are given up, and bad records
// are given up when others have been accepted for long enough. Covers F53, F54.
func TestWorlds(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			l := newLine(t, Settings{})
			rate := []float64{0, 0.01, 0.1, 0.3}[rng.IntN(4)]
			limit := []int{1000, 1000, 60, 10, 1}[rng.IntN(5)]
			sizeIs := []Class{Permanent, Retry}[rng.IntN(2)]
			isBad := map[int]bool{}
			down := Taken
			var changes time.Time
			raised := l.now.Add(time.Duration(rng.Int64N(int64(12 * time.Hour)))) // records that are too large are accepted from here on
			l.refuses = func(records []*Record[int], _ int) Class {
				if down != Taken {
					return down
				}
				for _, r := range records {
					switch {
					case isBad[r.Value]:
						return Permanent
					case r.Value%97 == 0 && l.now.Before(raised) && len(records) > 1:
						return Permanent
					case r.Value%97 == 0 && l.now.Before(raised):
						return TooLarge
					}
				}
				if len(records) > limit {
					return sizeIs
				}
				return Taken
			}
			weather := func() {
				if l.now.Before(changes) {
					return
				}
				changes = l.now.Add(time.Minute + time.Duration(rng.Int64N(int64(time.Hour))))
				if down = Taken; rng.Float64() < 0.4 {
					down = []Class{Retry, Permanent}[rng.IntN(2)]
				}
			}
			added := 0
			page := func(n int, bads bool) {
				from := l.next
				for i := range n {
					if bads && rng.Float64() < rate {
						isBad[from+i] = true
					}
				}
				b := l.add(n)
				added += n
				for waited := time.Duration(0); l.Blocks(b); waited += time.Minute {
					require.Less(t, waited, 48*time.Hour, "rate %v, limit %v, %d tries", rate, limit, len(l.tries))
					l.run(time.Minute, func() bool { weather(); return !l.Blocks(b) })
				}
			}
			for range 40 {
				page(1+rng.IntN(100), true)
				end := l.now.Add(time.Duration(rng.Int64N(int64(20 * time.Minute))))
				l.run(end.Sub(l.now), func() bool { weather(); return false })
				l.now = end
			}
			down, changes = Taken, l.now.Add(10000*time.Hour)
			for range 2000 {
				page(1, false)
				l.run(30*time.Second, nil)
				if n, _ := l.Open(); n == 0 {
					break
				}
			}
			n, _ := l.Open()
			assert.Zero(t, n, "left")
			for id, why := range l.gaveUp {
				assert.True(t, isBad[id], "%d was given up: %s", id, why)
			}
			assert.Len(t, l.gaveUp, len(isBad))
			assert.Len(t, l.taken, added-len(isBad))
		})
	}
}
