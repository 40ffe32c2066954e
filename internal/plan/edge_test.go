// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oneCall makes the call that is due, if any. An API without entries answers it, or it fails with f if fails reports
// so; then it answers the probe.
func oneCall(t *testing.T, s *Plan, now, elapsed int64, f Failure, fails func(r Request) bool) (answered bool) {
	t.Helper()
	w := s.Next(now, elapsed)
	if w == nil {
		return false
	}
	s.Land(w)
	if fails(w.Request()) {
		if s.NoteFailure(w, f, elapsed, assert.AnError) == Doubtful {
			s.NoteProbe(true)
		}
		return false
	}
	s.NoteAnswer(w, now)
	step, err := s.Turn(w, Page{IDs: func(func(string) bool) {}})
	require.NoError(t, err)
	require.Equal(t, Finished, step)
	return true
}

// TestLongRangeIsSkippedAtOnce: the receiver was down for longer than the API keeps entries, and the API answers with
// an error that is no refusal of the time range. The unreadable time is skipped as a whole, not second by second, so
// rechecks of readable time are not delayed for long. Covers F8, F40.
func TestLongRangeIsSkippedAtOnce(t *testing.T) {
	const begin, present, keeps = int64(1_000_000), int64(1_060_000), 7 * 3600
	for _, definite := range []bool{false, true} {
		for seen := int64(0); seen < 50_000; seen += 10_000 {
			t.Run(fmt.Sprint(definite, seen), func(t *testing.T) {
				s := testSchedule(begin, 300, 600, 7200)
				s.Restore(Snapshot{Begin: begin, Recheck: []int64{0, 600, 7200}, Marks: []int64{begin + seen, begin + seen*3/4, begin + seen/2}, Length: 3600})
				failed, skips, done := 0, 0, int64(0)
				for now := present; done == 0 && now < present+12*3600; now++ {
					elapsed := 1000 * (now - present)
					if now%60 == 0 {
						s.Tick()
					}
					if u, ok := s.Unreadable(elapsed); ok {
						s.Abandon(u)
						skips++
					}
					answered := oneCall(t, s, now, elapsed, Failure{Definite: definite}, func(r Request) bool {
						if r.From < now-keeps {
							failed++
							return true
						}
						return false
					})
					if answered && s.Oldest() > now-7200-3600 {
						done = now
					}
				}
				assert.NotZero(t, done, "all passes are in time")
				assert.LessOrEqual(t, done-present, int64(2*3600))
				assert.LessOrEqual(t, skips, 4)
				assert.LessOrEqual(t, failed, 2500, "calls")
			})
		}
	}
}
