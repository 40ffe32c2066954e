// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQuickTriesAreNoWaits: the quick tries that divide a page leave the backoff alone, so the first wait is its
// initial interval. Covers F54.
func TestQuickTriesAreNoWaits(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100} {
		l := newLine(t, Settings{Backoff: &pace{most: time.Hour}})
		l.refuses = func([]*Record[int], int) Class { return Permanent }
		l.add(n)
		l.run(40*time.Second, nil)
		quick := slices.IndexFunc(l.at, func(at time.Time) bool { return at.After(l.at[0]) })
		require.Positive(t, quick)
		var waits []time.Duration
		for i := quick; i < len(l.at); i++ {
			waits = append(waits, l.at[i].Sub(l.at[i-1]))
		}
		assert.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}, waits, "of %d", n)
	}
}

// TestManyBadRecords: where many records of every page are bad, dividing goes on without pauses as long as others are
// accepted between the refusals. When the pipeline then refuses everything, the quick tries end. Covers F53, F54.
func TestManyBadRecords(t *testing.T) {
	for _, percent := range []int{5, 20, 50} {
		for seed := range uint64(5) {
			rng := rand.New(rand.NewPCG(seed, 1))
			l := newLine(t, Settings{})
			isBad, good := map[int]bool{}, 0
			for i := range 2000 {
				if isBad[i] = rng.IntN(100) < percent; !isBad[i] {
					good++
				}
			}
			l.refuses = func(records []*Record[int], _ int) Class {
				if slices.ContainsFunc(records, func(r *Record[int]) bool { return isBad[r.Value] }) {
					return Permanent
				}
				return Taken
			}
			began := l.now
			for range 20 {
				for b := l.add(100); l.Blocks(b); {
					l.run(time.Second, nil)
				}
			}
			l.run(time.Hour, func() bool { return len(l.taken) == good })
			assert.Len(t, l.taken, good)
			assert.Less(t, l.now.Sub(began), 10*time.Minute, "%d %% are bad, seed %d", percent, seed)
			for r := range l.gaveUp {
				assert.True(t, isBad[r], "%d", r)
			}

			l.refuses = func([]*Record[int], int) Class { return Permanent }
			l.add(100)
			before := len(l.tries)
			l.run(0, nil)
			assert.LessOrEqual(t, len(l.tries)-before, QuickTries+MostQuickTries+QuickStrikes, "at once")
			before = len(l.tries)
			l.run(time.Hour, nil)
			assert.InDelta(t, 2*60, len(l.tries)-before, 15, "the retry's pace, of 30 s")
		}
	}
}

// TestSpareQuickTriesAreOver: once whole pages are accepted again, the next outage gets no more quick tries than the
// first. Covers F54.
func TestSpareQuickTriesAreOver(t *testing.T) {
	l := newLine(t, Settings{})
	l.refuses = bad(Permanent, 3, 14, 15, 92, 65, 35)
	l.add(100)
	l.run(10*time.Minute, nil)
	require.Len(t, l.taken, 94)
	l.add(100)
	l.run(10*time.Minute, nil)
	l.refuses = func([]*Record[int], int) Class { return Permanent }
	before := len(l.tries)
	l.add(100)
	l.run(0, nil)
	assert.Len(t, l.tries[before:], QuickTries)
}
