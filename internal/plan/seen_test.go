// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHashSet(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var set hashSet
	known := map[uint64]bool{}
	for range 6_000 {
		h := rng.Uint64() >> rng.IntN(64) // small ones, equal ones, and 0 among them
		if set.add(h) == known[h] {       // testify takes its time under the race detector
			t.Fatalf("%x: known is %v", h, known[h])
		}
		known[h] = true
	}
	assert.Equal(t, len(known), set.n)
	for h := range known {
		if !set.has(h) {
			t.Fatalf("%x is not known", h)
		}
	}
	for range 6_000 {
		if h := rng.Uint64(); set.has(h) != known[h] {
			t.Fatalf("%x: known is %v", h, known[h])
		}
	}
	assert.False(t, (&hashSet{}).has(1))
}

func TestSeenForgets(t *testing.T) {
	s := NewSeen()
	w := window{from: 6000, to: 6600}
	early := keyOf("early", 6000, true, w)
	late := keyOf("late", 6599, true, w)
	s.Add(early)
	s.Add(late)
	s.Add(late)
	assert.Equal(t, 2, s.count)
	assert.Equal(t, 1, s.countFrom(minuteOf(6500)))
	s.forgetBefore(minuteOf(6500))
	assert.False(t, s.Has(early))
	assert.True(t, s.Has(late))
	assert.Equal(t, 1, s.count)
}

// TestSeenOdd: entries whose time leads nowhere are found again by whatever window
// returns them, and are not kept for ever. Covers F9.
func TestSeenOdd(t *testing.T) {
	w, later := window{from: 6000, to: 6600}, window{from: 6300, to: 7200}
	future := int64(4_070_908_800) // in 2099
	s := NewSeen()
	s.Add(keyOf("unreadable", 0, false, w))
	s.Add(keyOf("future", future, true, w))
	s.Add(keyOf("ahead", 6900, true, w))
	assert.True(t, s.Has(keyOf("unreadable", 0, false, later)))
	assert.True(t, s.Has(keyOf("future", future, true, later)))
	assert.True(t, s.Has(keyOf("ahead", 6900, true, later)), "no longer odd for the later window")
	assert.False(t, s.Has(keyOf("other", 0, false, later)))
	s.forgetBefore(minuteOf(6600) + 1)
	assert.False(t, s.Has(keyOf("unreadable", 0, false, later)))
	assert.True(t, s.Has(keyOf("ahead", 6900, true, later)))
	s.forgetBefore(minuteOf(6600) + OddHorizon + 1)
	assert.Zero(t, s.count)
}

// TestBytesPerID: what a remembered id costs in memory, at the API's ceiling and in quiet
// and busy minutes around it.
func TestBytesPerID(t *testing.T) {
	for _, perMinute := range []int{10, 1000, 6145, 10_000, 12_288} {
		s := NewSeen()
		for i := range 10 * perMinute {
			k := Key{minute: int64(29_000_000 + i/perMinute), hash: rand.Uint64()}
			s.Add(k)
		}
		bytes := 0
		for _, set := range s.minutes {
			bytes += 8 * cap(set.places)
		}
		perID := float64(bytes) / float64(s.count)
		t.Logf("%d entries a minute: %.1f bytes in memory", perMinute, perID)
		assert.LessOrEqual(t, perID, 21.4) // between three quarters and three eighths full
		if perMinute == 10_000 {
			assert.LessOrEqual(t, perID, 13.2)
		}
	}
}
