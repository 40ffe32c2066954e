// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestOnlyWhatIsNotShownIsSkipped: a recheck reaches a time that the API no longer shows, and long windows are
// refused as well, or fail, with the same code. Only the time that is not shown is skipped, not the time after
// it, which was never requested in a window that the API accepts. Covers F8, F40.
func TestOnlyWhatIsNotShownIsSkipped(t *testing.T) {
	const (
		begin, keeps = int64(5_000_000), 8 * int64(3600)
		behind       = 12 * int64(3600)
	)
	for _, longest := range []int64{10, 60, 250, 1500, 24 * 3600} {
		t.Run(strconv.FormatInt(longest, 10), func(t *testing.T) {
			s := testSchedule(begin, 1800)
			s.maxWindow, s.maxLength = 24*3600, 24*3600
			now := begin + behind
			s.Restore(Snapshot{Begin: begin, Recheck: []int64{0, 1800}, Marks: []int64{now, begin}, Length: 3600})
			skipped := int64(0)
			for end := now + 4*3600; now < end; now++ {
				elapsed := 1000 * (now - begin - behind)
				if now%60 == 0 {
					s.Tick()
				}
				if u, ok := s.Unreadable(elapsed); ok {
					assert.Equal(t, 1, u.Pass)
					assert.LessOrEqual(t, u.To, now-keeps)
					skipped = u.To - begin
					s.Abandon(u)
				}
				oneCall(t, s, now, elapsed, Failure{Refused: true, Definite: true}, func(r Request) bool {
					return r.From < now-keeps || r.To-r.From > longest+Overlap
				})
			}
			assert.GreaterOrEqual(t, skipped, behind-keeps-3600)
		})
	}
}

// TestNoGapByChance: in a long outage in which few calls are answered, a second that was never answered is not
// skipped for that reason. It is skipped if other calls were answered. Covers F40.
func TestNoGapByChance(t *testing.T) {
	for failsOf10, skipped := range map[int]bool{0: true, 1: true, 5: true, 9: false} {
		t.Run(strconv.Itoa(failsOf10), func(t *testing.T) {
			s := testSchedule(1000, 120)
			w := s.Next(5000, 1)
			w.to = w.from + 1
			s.Land(w)
			other := s.start(1, window{from: 1000, to: 1001})
			for range 20 {
				s.NoteFailure(w, Failure{}, 1, assert.AnError)
				for i := range 10 {
					if other.failing = (failing{}); i < failsOf10 {
						s.NoteFailure(other, Failure{}, 1, assert.AnError)
					} else {
						s.NoteProbe(true)
					}
				}
			}
			w.failing.aside, w.failing.asideAt = true, 1
			s.start(0, window{from: w.to, to: w.to + 1}).finished = true
			_, ok := s.Unreadable(PatienceFailing)
			assert.False(t, ok)
			_, ok = s.Unreadable(PatienceFailing + 1)
			assert.Equal(t, skipped, ok)
		})
	}
}
