// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"slices"
	"time"
)

// MostInAMinute is the largest number of times within any 60 s.
func MostInAMinute(times []time.Time) int {
	slices.SortFunc(times, time.Time.Compare)
	most, first := 0, 0
	for last := range times {
		for times[last].Sub(times[first]) >= time.Minute {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}
