// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefusalByChance: a refusal of a time range counts when it happens twice, and, if refusals were chance
// recently, only when it happens more often. Covers F44.
func TestRefusalByChance(t *testing.T) {
	refused := Failure{Refused: true, Definite: true}
	s := testSchedule(1000, 120)
	s.length, s.maxPages = 3600, 100
	w := s.Next(5000, 1)
	s.Land(w)
	assert.Equal(t, Again, s.NoteFailure(w, refused, 1, assert.AnError))
	assert.Equal(t, Restarted, s.NoteFailure(w, refused, 2, assert.AnError))
	assert.Less(t, w.seconds(), int64(3600))
	assert.Equal(t, Again, s.NoteFailure(w, refused, 3, assert.AnError))
	s.NoteAnswer(w, 5000)
	step, err := s.Turn(w, Page{IDs: func(yield func(string) bool) { yield("1") }, More: true, Token: "2"})
	require.NoError(t, err)
	require.Equal(t, Onward, step)
	for range failuresRefusedChance - 1 {
		assert.Equal(t, Again, s.NoteFailure(w, refused, 4, assert.AnError))
	}
	assert.Equal(t, RestartedAgain, s.NoteFailure(w, refused, 5, assert.AnError))
}

// TestWhatProvesARange: answers to other calls show that this range fails, unless they have as little as the
// failing one. Covers F40, F45.
func TestWhatProvesARange(t *testing.T) {
	s := testSchedule(1000, 120)
	w := s.Next(5000, 1)
	s.Land(w)
	fails := func(f Failure) int {
		s.NoteFailure(w, f, 1, assert.AnError)
		return w.failing.proven
	}
	assert.Zero(t, fails(Failure{Unsaid: true}))
	s.NoteProbe(false)
	assert.Zero(t, fails(Failure{Unsaid: true}), "neither says whether more pages follow")
	s.NoteProbe(true)
	assert.Equal(t, 1, fails(Failure{Unsaid: true}))
	s.NoteProbe(false)
	assert.Equal(t, 2, fails(Failure{}))
}

// TestRateLimitIsNoGap: a range is not skipped while a rate limit may be the only reason for its refusals: if
// one call is allowed in minutes, it may always be another walk's. A rate limit besides other refusals delays
// nothing. Covers F40, F50.
func TestRateLimitIsNoGap(t *testing.T) {
	limited := Failure{Definite: true, Throttled: true}
	for name, tc := range map[string]struct {
		failures []Failure
		patience int64
	}{
		"a rate limit":             {slices.Repeat([]Failure{limited}, 9), patienceLong},
		"and another, by chance":   {append(slices.Repeat([]Failure{limited}, 9), Failure{Definite: true}), patienceLong},
		"refusals":                 {slices.Repeat([]Failure{{Definite: true}}, 4), PatienceRefused},
		"and a rate limit as well": {append(slices.Repeat([]Failure{{Definite: true}}, 4), limited, limited), PatienceRefused},
		"other failures":           {slices.Repeat([]Failure{{}}, 4), PatienceFailing},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSchedule(1000, 120)
			w := s.Next(5000, 1)
			w.to = w.from + 1
			s.Land(w)
			for _, f := range tc.failures {
				s.NoteFailure(w, f, 1, assert.AnError)
				s.NoteProbe(true)
			}
			w.failing.aside, w.failing.asideAt = true, 1
			assert.False(t, w.hopeless(tc.patience, false))
			assert.True(t, w.hopeless(tc.patience+1, false))
		})
	}
}

// TestTokenForOneUse: a page that does not say whether it is the last is requested again, and its page token may
// have been valid for one use. Its walk starts again with the same length, because neither the length of the
// window nor the number of pages is the reason. But this happens only a limited number of times. Covers F45,
// F47.
func TestTokenForOneUse(t *testing.T) {
	used := Failure{Refused: true, Definite: true, Unsaid: true}
	s := testSchedule(1000, 120)
	s.length, s.maxPages = 3600, 100
	w := s.Next(5000, 1)
	s.Land(w)
	id := 0
	first := func() {
		id++
		s.NoteAnswer(w, 5000)
		step, err := s.Turn(w, Page{IDs: func(yield func(string) bool) { yield("1") }, More: true, Token: strconv.Itoa(id), Unsaid: true})
		require.NoError(t, err)
		require.Equal(t, Onward, step)
	}
	first()
	assert.Equal(t, 2, w.Request().Page)
	length, reach := w.seconds(), s.reach
	for range maxUnsaid {
		assert.Equal(t, Restarted, s.NoteFailure(w, used, 2, assert.AnError))
		assert.Empty(t, w.Request().Token)
		first()
	}
	assert.Equal(t, length, w.seconds())
	assert.Equal(t, reach, s.reach)
	verdict := Again
	for verdict == Again {
		verdict = s.NoteFailure(w, used, 3, assert.AnError)
	}
	assert.Equal(t, RestartedAgain, verdict)
	assert.Less(t, w.seconds(), length)
}

// TestSecondInOneGo: a second whose page token was refused cannot be shortened. Its first page waits until as
// many calls as the second takes, up to a limit, can follow each other. A longer window is shortened first.
// Covers F47.
func TestSecondInOneGo(t *testing.T) {
	s := testSchedule(1000, 120)
	w := s.Next(5000, 1)
	s.Land(w)
	assert.Zero(t, w.Request().InARow)
	s.DropToken(w, assert.AnError)
	assert.Equal(t, 1, w.Request().InARow)
	s.cut(w, 1)
	w.restarts, w.urgent = 0, false
	assert.Zero(t, w.Request().InARow)
	for _, calls := range []int{8, 16, 16, 16} {
		s.DropToken(w, assert.AnError)
		assert.Equal(t, calls, w.Request().InARow)
		w.token = "t"
		assert.Equal(t, 1, w.Request().InARow)
	}
}

// TestScrollThatEndsEarly: a window is read with a scroll cursor, and the same page of it always fails. The window
// is shortened until fewer pages are enough; a second that cannot be is set aside. Covers F40, F43.
func TestScrollThatEndsEarly(t *testing.T) {
	s := testSchedule(1000)
	s.length, s.maxPages = 3600, 100
	w := s.Next(5000, 1)
	s.Land(w)
	began, n := w.seconds(), 0
	attempt := func() Verdict {
		for page := range 5 {
			s.NoteAnswer(w, 5000)
			step, err := s.Turn(w, Page{IDs: func(yield func(string) bool) { n++; yield(strconv.Itoa(n)) }, More: true, Token: "scroll"})
			require.NoError(t, err, page)
			require.Equal(t, Onward, step)
		}
		return s.NoteFailure(w, Failure{}, 1, assert.AnError)
	}
	require.Equal(t, Restarted, attempt())
	assert.Equal(t, began, w.seconds(), "it may have been chance")
	for tries := 0; w.seconds() > 1; tries++ {
		require.Less(t, tries, 20)
		require.Equal(t, Restarted, attempt())
	}
	require.EqualValues(t, 1, w.seconds())
	s.finishes++ // another window
	verdict := Restarted
	for range maxAlone + 2 {
		verdict = attempt()
	}
	assert.Contains(t, []Verdict{SetAside, Aside, Yields}, verdict)
}

// TestEndlessPages: an API that never marks a page as the last one is believed after a while, and not once any page
// of any window was the last. Covers F13, F44.
func TestEndlessPages(t *testing.T) {
	for _, marks := range []bool{false, true} {
		s := testSchedule(1000)
		s.maxPages = 100
		open := Page{IDs: func(yield func(string) bool) { yield("1") }, More: true}
		turn := func(p Page) Step {
			w := s.start(0, window{from: s.tail(0), to: s.tail(0) + 10})
			w.asOf = 5000
			s.NoteAnswer(w, 5000)
			step, _ := s.Turn(w, p)
			return step
		}
		s.elapsed = 1
		for range minOpenEnds {
			assert.Equal(t, AskAgain, turn(open))
		}
		if marks {
			assert.Equal(t, Finished, turn(Page{IDs: open.IDs}))
		}
		s.elapsed += PatienceRefused
		want := Finished
		if marks {
			want = AskAgain
		}
		assert.Equal(t, want, turn(open))
	}
}
