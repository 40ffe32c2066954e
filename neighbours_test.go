// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestNeighboursOfASecond: if the API never returns one second, requests for the seconds beside it fail, too, because
// windows overlap. Their entries still arrive: the windows before and after the skipped range return them, except where
// the API excludes the bounds of a request. Covers F40.
func TestNeighboursOfASecond(t *testing.T) {
	for name, r := range map[string]refusal{"refused": refusals["unknown code"], "failing": refusals["HTML, 504"]} {
		for _, exclusive := range []struct{ start, end bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
			t.Run(fmt.Sprintf("%s, exclusive %v", name, exclusive), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{StartExclusive: exclusive.start, EndExclusive: exclusive.end})
					begin := time.Now().Unix()
					bad := begin + 900
					for at := begin; at < begin+1800; at++ {
						entries(w.server, fmt.Sprintf("s%d", at-bad), 1, at)
					}
					w.handler = failingOn(w.server, r, func(from, to int64, _ int) bool { return from <= bad && bad <= to })
					w.cfg.StartTime = time.Unix(begin, 0)
					stop := w.start(t)
					time.Sleep(6 * time.Hour)
					stop()
					got := w.sink.Got()
					var missing []int64
					for at := begin; at < begin+1800; at++ {
						if got[fmt.Sprintf("s%d-0", at-bad)] != 1 {
							missing = append(missing, at-bad)
						}
					}
					wanted := []int64{0}
					if exclusive.end { // a request for the second before has to end with the failing one
						wanted = append([]int64{-1}, wanted...)
					}
					if exclusive.start {
						wanted = append(wanted, 1)
					}
					assert.True(t, slices.Equal(wanted, missing), "missing %v", missing)
				})
			})
		}
	}
}
