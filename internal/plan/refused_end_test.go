// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRefusedEnd: page tokens that are always refused after short pages are taken for the end of a window after an
// hour, unless any window had an end meanwhile, the page may have been one of several, or it was full. Covers F40, F44.
func TestRefusedEnd(t *testing.T) {
	refused := Failure{Refused: true, Definite: true}
	for name, tc := range map[string]struct {
		entries int
		longest int // of pages before
		before  func(s *Plan, page func(w *Walk, entries int, token string) Step)
		lasts   int64
		want    bool
	}{
		"always":                    {entries: 3, lasts: PatienceFailing, want: true},
		"empty":                     {lasts: PatienceFailing, want: true},
		"not for an hour":           {entries: 3, lasts: PatienceFailing - 2},
		"full":                      {entries: 10, lasts: PatienceFailing},
		"as long as one of several": {entries: 3, lasts: PatienceFailing, before: pages(3, 4)},
		"shorter than any of those": {entries: 3, lasts: PatienceFailing, before: pages(4, 4), want: true},
		"as long as the longest":    {entries: 7, lasts: PatienceFailing},
		"shorter than the longest":  {entries: 7, longest: 8, lasts: PatienceFailing, want: true},
		"empty, as those between":   {lasts: PatienceFailing, before: pages(0, 0)},
		"several full pages":        {entries: 3, lasts: PatienceFailing, before: pages(10, 1), want: true},
		"a window has had an end":   {entries: 3, lasts: PatienceFailing, before: func(s *Plan, _ func(*Walk, int, string) Step) { s.NoteProbe(true); s.NoteLast() }},
	} {
		t.Run(name, func(t *testing.T) {
			s := testSchedule(1000)
			s.maxPages, s.pageSize, s.mostShort = 100, 10, tc.longest
			id := 0
			page := func(w *Walk, entries int, token string) Step {
				s.NoteAnswer(w, 5000)
				step, err := s.Turn(w, Page{More: true, Token: token, IDs: func(yield func(string) bool) {
					for range entries {
						id++
						yield(strconv.Itoa(id))
					}
				}})
				require.NoError(t, err)
				return step
			}
			window := func() *Walk {
				w := s.start(0, window{from: s.tail(0), to: s.tail(0) + 1})
				w.asOf, w.pageSize = 5000, 10
				return w
			}
			s.elapsed = 1
			for range 2 * minOpenEnds {
				w := window()
				require.Equal(t, Onward, page(w, tc.entries, "end"+strconv.Itoa(id)))
				for range failuresRefused {
					require.NotEqual(t, AtEnd, s.NoteFailure(w, refused, s.elapsed, assert.AnError))
				}
			}
			if tc.before != nil {
				tc.before(s, page)
			}
			s.elapsed += tc.lasts
			w := window()
			page(w, tc.entries, "end")
			assert.Equal(t, Again, s.NoteFailure(w, refused, s.elapsed, assert.AnError), "it may have been chance")
			verdict := s.NoteFailure(w, refused, s.elapsed, assert.AnError)
			assert.Equal(t, tc.want, verdict == AtEnd)
			assert.Equal(t, tc.want, w.finished)
		})
	}
}

// pages reads a window in which a page of this length is followed by another one.
func pages(first, second int) func(s *Plan, page func(w *Walk, entries int, token string) Step) {
	return func(s *Plan, page func(w *Walk, entries int, token string) Step) {
		w := s.start(0, window{from: s.tail(0), to: s.tail(0) + 1})
		w.asOf, w.pageSize = 5000, 10
		page(w, first, "a")
		page(w, second, "b")
	}
}
