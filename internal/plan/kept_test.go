// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRechecksAreInTime: a recheck reads each second once it is recheck_after old, and at most half an hour
// later; if the API refuses older time than that, before the API stops showing it. Covers F1, F8.
func TestRechecksAreInTime(t *testing.T) {
	const recheck, begin = 4 * 3600, int64(1_000_000)
	for _, keeps := range []int64{0, 6 * 3600, 4*3600 + 1200, 3 * 3600} {
		t.Run(strconv.FormatInt(keeps, 10), func(t *testing.T) {
			s := testSchedule(begin, 300, recheck)
			s.maxWindow, s.maxLength = 24*3600, 24*3600
			oldest, rereads := int64(0), 0
			for now := begin; now < begin+3*24*3600; now++ {
				elapsed := 1000 * (now - begin)
				if now%60 == 0 {
					s.Tick()
				}
				if u, ok := s.Unreadable(elapsed); ok {
					s.Abandon(u)
					rereads++
				}
				oneCall(t, s, now, elapsed, Failure{Refused: true, Definite: true}, func(r Request) bool {
					if keeps > 0 && now-r.From > keeps {
						return true
					}
					if now > begin+2*24*3600 {
						oldest = max(oldest, now-s.Oldest())
					}
					return false
				})
			}
			late := s.Lateness(2)

			if keeps == 0 || keeps >= recheck+maxStep {
				assert.EqualValues(t, recheck, late)
				assert.Zero(t, rereads, "times that were skipped")
			}
			if keeps > 0 {
				assert.LessOrEqual(t, oldest, keeps)
				assert.Greater(t, late, min(int64(recheck), keeps)*2/3)
			}
			assert.LessOrEqual(t, oldest, int64(recheck+maxStep+70))
			assert.GreaterOrEqual(t, oldest, late)
			assert.LessOrEqual(t, rereads, 6, "times that were skipped")
		})
	}
}
