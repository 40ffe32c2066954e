// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package week_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

// TestWeek: a seed makes the same week again, in the order of arrival, with late entries, and with all calls
// during the outage after its end.
func TestWeek(t *testing.T) {
	w := week.New(1, true)
	require.True(t, slices.Equal(w.Entries, week.New(1, true).Entries))
	require.Greater(t, len(w.Entries), len(week.New(1, false).Entries))
	late, backlog := 0, 0
	for i, e := range w.Entries {
		at := time.Unix(e.EventTime, 0)
		if i > 0 && e.Arrives.Before(w.Entries[i-1].Arrives) || !e.Arrives.After(at) {
			t.Fatal("arrives out of order, or too early:", e)
		}
		if at.After(week.OutageFrom) && at.Before(week.OutageTo) {
			backlog++
			require.False(t, e.Arrives.Before(week.OutageTo), "entry %d was called in the outage", i)
		} else if e.Arrives.Sub(at) > 30*time.Minute {
			late++
		}
	}
	require.Greater(t, late, 300)
	require.Greater(t, backlog, 300)
	ways := map[string]int{}
	for _, a := range w.Attacks {
		ways[a.Alert]++
	}
	for alert, n := range ways {
		require.True(t, n == 3 || alert == "FeishuLogSilent", "%s happens %d times", alert, n)
	}
}
