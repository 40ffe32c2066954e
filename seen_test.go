// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHashSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var set hashSet
	known := map[uint64]bool{}
	for range 20_000 {
		h := rng.Uint64() >> rng.IntN(64) // small ones, equal ones, and 0 among them
		assert.Equal(t, !known[h], set.add(h))
		known[h] = true
	}
	assert.Equal(t, len(known), set.n)
	for h := range known {
		assert.True(t, set.has(h))
	}
	for range 20_000 {
		h := rng.Uint64()
		assert.Equal(t, known[h], set.has(h))
	}
	assert.False(t, (&hashSet{}).has(1))
}

// TestSeenBytes bounds what an id costs in memory.
func TestSeenBytes(t *testing.T) {
	s := newSeen()
	for i := range 600_000 { // an hour at the API's ceiling
		s.add(keyOf(fmt.Sprint("id", i), int64(i/166), true, window{0, 3700}))
	}
	places := 0
	for _, set := range s.minutes {
		places += len(set.places)
	}
	bytes := float64(8*places) / float64(s.count)
	t.Logf("%.1f bytes an id", bytes)
	assert.Less(t, bytes, 22.0)
	assert.Equal(t, 600_000, s.count)
}

func TestSeenForgets(t *testing.T) {
	s := newSeen()
	w := window{from: 6000, to: 6600}
	early := keyOf("early", 6000, true, w)
	late := keyOf("late", 6599, true, w)
	s.add(early)
	s.add(late)
	s.add(late)
	assert.Equal(t, 2, s.count)
	assert.Equal(t, 1, s.countFrom(minuteOf(6500)))
	s.forgetBefore(minuteOf(6500))
	assert.False(t, s.has(early))
	assert.True(t, s.has(late))
	assert.Equal(t, 1, s.count)
}

// TestSeenOdd: entries whose time leads nowhere are found again by whatever window
// returns them, and are not kept for ever. Covers F9.
func TestSeenOdd(t *testing.T) {
	w, later := window{from: 6000, to: 6600}, window{from: 6300, to: 7200}
	future := int64(4_070_908_800) // in 2099
	s := newSeen()
	s.add(keyOf("unreadable", 0, false, w))
	s.add(keyOf("future", future, true, w))
	s.add(keyOf("ahead", 6900, true, w))
	assert.True(t, s.has(keyOf("unreadable", 0, false, later)))
	assert.True(t, s.has(keyOf("future", future, true, later)))
	assert.True(t, s.has(keyOf("ahead", 6900, true, later)), "no longer odd for the later window")
	assert.False(t, s.has(keyOf("other", 0, false, later)))
	s.forgetBefore(minuteOf(6600) + 1)
	assert.False(t, s.has(keyOf("unreadable", 0, false, later)))
	assert.True(t, s.has(keyOf("ahead", 6900, true, later)))
	s.forgetBefore(minuteOf(6600) + oddHorizon + 1)
	assert.Zero(t, s.count)
}
