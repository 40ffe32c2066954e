// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOnlyWhatIsNotShownIsSkipped: a recheck comes to a time that the API does not show any more, and
// windows that are long are refused as well, or fail, with the same code. What is skipped is what is
// not shown: not what follows it and was never asked for in a window that the API takes. Covers F8, F40.
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
				w := s.Next(now, elapsed)
				if w == nil {
					continue
				}
				s.Land(w)
				if r := w.Request(); r.From < now-keeps || r.To-r.From > longest+Overlap {
					if s.NoteFailure(w, Failure{Refused: true, Definite: true}, elapsed, assert.AnError) == Doubtful {
						s.NoteProbe(true)
					}
					continue
				}
				s.NoteAnswer(w, now)
				step, err := s.Turn(w, Page{IDs: func(func(string) bool) {}})
				require.NoError(t, err)
				require.Equal(t, Finished, step)
			}
			assert.GreaterOrEqual(t, skipped, behind-keeps-3600)
		})
	}
}
