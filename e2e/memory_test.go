// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestBacklogInBoundedMemory: the collector reads a backlog of 300,000 entries with the memory that the first
// tenth needs. Covers F25.
func TestBacklogInBoundedMemory(t *testing.T) {
	t.Parallel()
	const count = 300_000
	end := time.Now().Unix() - 3600
	log := simulator.Tenant{Seed: 20, PerSecond: 100, Start: end - count/100 + 1, End: end}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	s := newSetup(t, "http://"+a.addr, "initial_lookback: 3h", "recheck_after: [2s]")
	s.PerMinute = 1_000_000
	c := s.start(t, b)
	eventually(t, recovers, "a tenth arrives", func() bool { return b.count() >= count/10 })
	early := c.peak(t)
	b.arrive(t, count, 10*time.Minute)
	late := c.peak(t)
	t.Logf("largest resident size: %d MiB after a tenth, %d MiB in the end", early>>20, late>>20)
	require.Less(t, late, int64(256<<20), "resident bytes")
	require.Less(t, late-early, int64(48<<20), "resident bytes that nine tenths of the backlog took")
	c.term(t)
	sent := 0
	b.checkIDs(t, func(yield func(string) bool) {
		for second := log.Start; second <= log.End; second++ { // all together are half a gigabyte
			for _, e := range log.Entries(second, second+1) {
				sent++
				if !yield(strings.Clone(e.ID)) {
					return
				}
			}
		}
	}, 0)
	require.Equal(t, count, sent)
}
