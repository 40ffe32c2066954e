// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testSchedule(begin int64, recheck ...int64) *Plan {
	return New(Settings{Begin: begin, Recheck: recheck, Tick: 60, MaxWindow: 3600, Walks: 3, PageSize: 100}, NewSeen())
}

// finish ends a walk and returns the walks that were dropped with it.
func finish(s *Plan, w *Walk) (covered []*Walk) {
	s.DrainEnded()
	s.finish(w)
	for _, e := range s.DrainEnded() {
		if e.Err != nil {
			covered = append(covered, e.Walk)
		}
	}
	return covered
}

// TestFinishServesPasses: one walk moves each pass as far as the walk's time was old enough for it.
func TestFinishServesPasses(t *testing.T) {
	p := newPosition(1000, 0, []int64{0, 120, 3600})
	p.finish(window{1000, 5000}, 5000, false)
	assert.Equal(t, []int64{5000, 4880, 1400}, p.marks)
	p.finish(window{4900, 5060}, 5060, false) // does not begin at the other watermarks
	assert.Equal(t, []int64{5060, 4880, 1400}, p.marks)
	p.finish(window{1400, 2000}, 9000, false)
	assert.Equal(t, []int64{5060, 4880, 2000}, p.marks)
	p.finish(window{6000, 7000}, 9000, false) // a gap before it
	assert.Equal(t, []int64{5060, 4880, 2000}, p.marks)
}

// TestClockSetBackLongAfterTheWindow: a clock that is set back during a recheck hides late entries of the window
// again, however old the window is, and moves others to pages that were read. A clock that stays behind is noticed
// once. Covers F9.
func TestClockSetBackLongAfterTheWindow(t *testing.T) {
	s := New(Settings{Begin: 1000, Recheck: []int64{120, 3600}, Tick: 60, MaxWindow: 300, PageSize: 100, Walks: 1, ClockSlack: 5}, NewSeen())
	w := s.Next(9000, 1)
	_, _, to := w.Span()
	require.Less(t, to, int64(8000))
	assert.False(t, s.NoteAnswer(w, 9000))
	assert.False(t, s.NoteAnswer(w, 8996), "by less than two servers may differ")
	assert.True(t, s.NoteAnswer(w, 8700))
	s.Restart(w, ErrClockSet)
	assert.False(t, s.NoteAnswer(w, 8700))
	assert.False(t, s.NoteAnswer(w, 8750))
	assert.False(t, s.NoteAnswer(w, 8700))
}

// TestNoPagesOverTheLastRecheck: time that no recheck reads again is never in one window of several pages with
// the newest time, where entries appear between two pages. Covers F47.
func TestNoPagesOverTheLastRecheck(t *testing.T) {
	p := newPosition(1000, 0, []int64{0, 120, 3600})
	p.finish(window{1000, 5000}, 5000, true)
	assert.Equal(t, []int64{5000, 4880, 1000}, p.marks, "the last recheck reads what is older than an hour again")
	p.finish(window{1000, 1400}, 5000, true)
	assert.Equal(t, []int64{5000, 4880, 1400}, p.marks, "all of it is older than an hour")
	alone := newPosition(1000, 0, []int64{0})
	alone.finish(window{1000, 5010}, 5000, true)
	assert.Equal(t, []int64{5000}, alone.marks, "without rechecks all is read once")

	begin := func(at int64) *Plan {
		s := New(Settings{Begin: at, Recheck: []int64{120, 3600}, Tick: 60, MaxWindow: 86400, PageSize: 100, Walks: 1}, NewSeen())
		s.length = 86400
		return s
	}
	s := begin(1000)
	assert.Equal(t, window{1000, 6400}, s.Next(10000, 0).window)
	rest := s.Next(10000, 0)
	require.NotNil(t, rest)
	assert.Equal(t, window{6400, 10000}, rest.window, "in the same tick")
	assert.Equal(t, window{6000, 10000}, begin(6000).Next(10000, 0).window, "what is older than an hour is not worth a call")
}

// TestAdopt: changed rechecks inherit what was read. Covers F31, F45.
func TestAdopt(t *testing.T) {
	for name, tc := range map[string]struct{ now, want []int64 }{
		"the same": {[]int64{0, 120, 3600}, []int64{5000, 4880, 1400}},
		"fewer":    {[]int64{0, 120}, []int64{5000, 1400}}, // what the last one was going to read again is read again
		"none":     {[]int64{0}, []int64{1400}},
		"between":  {[]int64{0, 900}, []int64{5000, 1400}},
		"longer":   {[]int64{0, 120, 86400}, []int64{5000, 4880, 1400}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPosition(0, 0, tc.now)
			p.adopt([]int64{0, 120, 3600}, []int64{5000, 4880, 1400})
			assert.Equal(t, tc.want, p.marks)
		})
	}
}

func TestOutside(t *testing.T) {
	p := newPosition(1000, 2000, []int64{0})
	for second, want := range map[int64]bool{0: false, 997: false, 998: true, 999: true, 1000: false, 1999: false, 2000: true, 2002: true, 2003: false} {
		assert.Equal(t, want, p.outside(second), second)
	}
}

// TestScheduleCovers: whatever the order in which walks finish, are halved or restarted, with concurrent pages,
// each second before a watermark is in a window that was read at least as late as its pass is due; nothing is
// skipped, and it reaches the end. Covers F1, F5, F6, F7.
func TestScheduleCovers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 3))
		const begin = 10_000
		s := testSchedule(begin, 120, 900)
		now := int64(begin + 100 + rng.IntN(20_000))
		read := map[int64]int64{} // second to the latest time at which it was read
		var flying []*Walk
		for range 3000 {
			switch rng.IntN(4) {
			case 0:
				now += int64(rng.IntN(30))
				s.due = s.due || rng.IntN(3) == 0
			case 1, 2:
				if len(flying) < 3 {
					if w := s.pick(now); w != nil {
						require.False(t, w.inFlight)
						require.LessOrEqual(t, w.to, now)
						require.LessOrEqual(t, w.seconds(), s.maxLength)
						require.Positive(t, w.seconds())
						w.inFlight = true
						if w.pages == 0 {
							w.asOf = now
						}
						flying = append(flying, w)
					}
				}
			case 3:
				if len(flying) == 0 {
					continue
				}
				i := rng.IntN(len(flying))
				w := flying[i]
				flying = append(flying[:i], flying[i+1:]...)
				w.inFlight = false
				switch rng.IntN(6) {
				case 0:
					s.halve(w)
					s.Restart(w, nil)
				case 1:
					w.pages++
				default:
					w.pages++
					for second := w.from; second < w.to; second++ {
						read[second] = max(read[second], w.asOf)
					}
					s.finish(w)
				}
			}
			for pass, mark := range s.pos.marks {
				if pass > 0 {
					require.LessOrEqual(t, mark, s.pos.marks[pass-1], "seed %d", seed)
				}
				if list := s.walks[pass]; len(list) > 0 {
					require.LessOrEqual(t, list[0].from, mark, "seed %d", seed)
				}
			}
		}
		for pass, mark := range s.pos.marks {
			for second := int64(begin); second < mark; second++ {
				if read[second] >= second+s.pos.recheck[pass] {
					continue // assertions take time
				}
				require.GreaterOrEqual(t, read[second], second+s.pos.recheck[pass], "seed %d: pass %d did not read second %d late enough", seed, pass, second)
			}
		}
		assert.Greater(t, s.pos.marks[0], int64(begin), "seed %d: it gets on", seed)
	}
}

// TestHalvesAreReadOnce: if one of several concurrent walks is cut in two, both halves are read before the time
// after them counts, and nothing is read twice. Covers F6.
func TestHalvesAreReadOnce(t *testing.T) {
	const begin, now = 10_000, 12_000
	s := testSchedule(begin)
	a := s.pick(now)
	a.inFlight = true
	b := s.pick(now)
	require.Equal(t, a.to, b.from)
	a.inFlight = false
	require.True(t, s.halve(a))
	var read []window
	readAll := func(w *Walk) {
		w.pages, w.asOf = 10, now
		s.finish(w)
		read = append(read, w.window)
	}
	readAll(b)
	readAll(a)
	for w := s.pick(now); w != nil && len(read) < 100; w = s.pick(now) {
		readAll(w)
	}
	slices.SortFunc(read, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	for at := int64(begin); len(read) > 0; read = read[1:] {
		assert.Equal(t, at, read[0].from)
		at = read[0].to
	}
	assert.Equal(t, int64(now), s.pos.marks[0])
}

// TestScheduleForgets: ids are remembered exactly as long as an entry may be read again. Covers F33.
func TestScheduleForgets(t *testing.T) {
	const begin, last = 36_000, 3600
	s := testSchedule(begin, 120, last)
	most := 0
	for now := int64(begin); now < begin+24*3600; now += 60 {
		s.seen.Add(Key{minute: minuteOf(now), hash: uint64(now)})
		s.due = true
		for w := s.pick(now); w != nil; w = s.pick(now) {
			w.pages, w.asOf = 1, now
			s.finish(w)
		}
		most = max(most, s.seen.count)
		require.GreaterOrEqual(t, s.seen.count, int(min(now-begin, last)/60))
	}
	assert.LessOrEqual(t, most, 3*last/60)
}

// TestEarlyEntriesAreRemembered: if windows return entries whose events were before them, ids are remembered for
// that much longer, but no longer than the last recheck's time, and only while there are such entries. Covers
// F46.
func TestEarlyEntriesAreRemembered(t *testing.T) {
	const begin, last = 36_000, 3600
	s := testSchedule(begin, 120, last)
	from := int64(begin - Overlap - 1)
	forgettable := func(early int64) {
		t.Helper()
		assert.Equal(t, minuteOf(from-early), s.Forgettable())
	}
	w := &Walk{window: window{begin, begin + 600}}
	remember := func(eventTime int64, readable bool) { s.Remember([]Key{w.Key("x", "x", eventTime, readable)}) }
	forgettable(0)
	remember(begin+1, true)
	remember(begin-Overlap, true)
	remember(begin+5000, true)
	remember(0, false)
	forgettable(0)
	remember(begin-Overlap-300, true)
	forgettable(900)
	remember(begin-Overlap-120, true)
	forgettable(900)
	remember(1, true)
	forgettable(last)
	restarted := testSchedule(begin, 120, last)
	restarted.Restore(s.Snapshot())
	assert.Equal(t, s.Forgettable(), restarted.Forgettable(), "a restart does not forget it")
	s.pos.marks[0] = begin + 2*last
	forgettable(last)
	s.pos.marks[0]++
	forgettable(0)
	remember(begin-Overlap-120, true)
	forgettable(720)
}

// TestOvertakenWalksAreDropped: if the last recheck overtakes walks of another one that wait for their next
// page, nothing of them is left to read, and the ids before them are forgotten. Covers F33.
func TestOvertakenWalksAreDropped(t *testing.T) {
	const begin = 36_000
	s := testSchedule(begin, 120, 3600)
	s.pos.marks[0] = begin + 10_000
	for minute := range int64(20) {
		s.seen.Add(Key{minute: begin/60 + minute, hash: uint64(minute)})
	}
	waiting, done, flying, waitsOn := s.start(1, window{begin, begin + 60}), s.start(1, window{begin + 60, begin + 120}),
		s.start(1, window{begin + 120, begin + 300}), s.start(1, window{begin + 300, begin + 900})
	flying.inFlight = true
	done.asOf = begin + 10_000
	assert.Empty(t, finish(s, done))
	assert.Equal(t, int64(begin), s.pos.marks[1], "behind one that waits")

	last := func(w window) []*Walk {
		read := s.start(2, w)
		read.asOf = begin + 10_000
		return finish(s, read)
	}
	assert.Equal(t, []*Walk{waiting}, last(window{begin, begin + 240}))
	assert.Equal(t, []int64{begin + 10_000, begin + 240, begin + 240}, s.pos.marks)
	assert.Equal(t, []*Walk{flying, waitsOn}, s.walks[1])
	assert.Empty(t, last(window{begin + 240, begin + 600}), "not while its call is out")
	assert.Equal(t, minuteOf(flying.from-Overlap-1), s.Forgettable())

	flying.inFlight = false
	assert.Equal(t, []*Walk{flying}, last(window{begin + 600, begin + 660}))
	assert.Equal(t, []*Walk{waitsOn}, s.walks[1], "a part of it is left")
	assert.Equal(t, minuteOf(waitsOn.from-Overlap-1), s.Forgettable())
	assert.Equal(t, 20-4, s.seen.count)
	assert.Equal(t, []*Walk{waitsOn}, last(window{begin + 660, begin + 960}))
	assert.Empty(t, s.walks[1])
	assert.Equal(t, int64(begin+960), s.tail(1))
}

// TestRecheckWithoutAnswer: while a recheck's calls get no answer, other walks continue, in windows that are
// worth a call, as long as the remembered ids stay within their limit; then they wait. Covers F6, F33.
func TestRecheckWithoutAnswer(t *testing.T) {
	const begin, last = 36_000, 3600
	s := testSchedule(begin, 120, last)
	most := int64(2*last + MemoryAllowance + MaxPending*s.wide*3600)
	var stuck *Walk
	var flying []*Walk
	calls, lag := 0, int64(0)
	pass := func(from, to int64) {
		for now := from; now < to; now++ {
			s.due = s.due || now%60 == 0
			for len(flying) < s.wide {
				w := s.pick(now)
				if w == nil {
					break
				}
				w.inFlight, w.asOf = true, now
				flying = append(flying, w)
				calls++
				if w.pass == 2 && stuck == nil {
					stuck = w
				}
			}
			flying = slices.DeleteFunc(flying, func(w *Walk) bool {
				if w == stuck {
					return false
				}
				w.inFlight, w.pages = false, 1
				s.finish(w)
				return true
			})
			lag = max(lag, s.pos.marks[0]-s.pos.marks[2])
		}
	}
	pass(begin, begin+24*3600)
	require.NotNil(t, stuck)
	assert.LessOrEqual(t, lag, most)
	assert.Greater(t, lag, int64(2*last+MemoryAllowance), "for as long as it may")
	assert.Less(t, len(s.walks[2]), MaxPending*s.wide)
	assert.Less(t, calls, 5*24*60)
	assert.Nil(t, s.pick(begin+24*3600), "waits")

	flying, stuck.inFlight = nil, false
	s.finish(stuck)
	stuck = &Walk{} // none
	pass(begin+24*3600, begin+26*3600)
	for pass, mark := range s.pos.marks {
		assert.Greater(t, mark, begin+26*3600-2*s.pos.recheck[pass]-180, pass)
	}
}

// TestLastRecheckGoesFirst: if the pace is too low for all rechecks, the last one goes before the others, but
// not before new entries.
func TestLastRecheckGoesFirst(t *testing.T) {
	const now, last = 100_000, 3600
	behind := func(seconds int64) *Plan {
		s := testSchedule(now-last-seconds, 120, last)
		s.pos.marks[0], s.pos.marks[1] = now-1, now-1000
		s.due, s.length = true, 100
		return s
	}
	s := behind(last + 1)
	assert.Equal(t, 0, s.pick(now).pass)
	s.due = false
	s.walks[0][0].inFlight = true
	assert.Equal(t, 2, s.pick(now).pass)
	s = behind(last / 2)
	s.due = false
	assert.Equal(t, 1, s.pick(now).pass)
}
