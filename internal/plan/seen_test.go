// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHashSet(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var set hashSet
	known := map[uint64]bool{}
	for range 6_000 {
		h := rng.Uint64() >> rng.IntN(64) // including small ones, equal ones, and 0
		if set.add(h) == known[h] {       // assertions are slow under the race detector
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
	early := keyOf("identity of early", "early", 6000, true, w)
	late := keyOf("identity of late", "late", 6599, true, w)
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

// TestSeenOdd: entries without a usable time are recognised in any window that returns them, and are not kept
// without a limit. Covers F9.
func TestSeenOdd(t *testing.T) {
	w, later := window{from: 6000, to: 6600}, window{from: 6300, to: 7200}
	future := int64(4_070_908_800) // in 2099
	s := NewSeen()
	s.Add(keyOf("identity of unreadable", "unreadable", 0, false, w))
	s.Add(keyOf("identity of future", "future", future, true, w))
	s.Add(keyOf("identity of ahead", "ahead", 6900, true, w))
	assert.True(t, s.Has(keyOf("identity of unreadable", "unreadable", 0, false, later)))
	assert.True(t, s.Has(keyOf("identity of future", "future", future, true, later)))
	assert.True(t, s.Has(keyOf("identity of ahead", "ahead", 6900, true, later)), "no longer odd for the later window")
	assert.False(t, s.Has(keyOf("identity of other", "other", 0, false, later)))
	s.forgetBefore(minuteOf(6600) + 1)
	assert.False(t, s.Has(keyOf("identity of unreadable", "unreadable", 0, false, later)))
	assert.True(t, s.Has(keyOf("identity of ahead", "ahead", 6900, true, later)))
	s.forgetBefore(minuteOf(6600) + OddHorizon + 1)
	assert.Zero(t, s.count)
}

// TestSeenOfOlderBuilds: entries that an older build has remembered only by their ids are recognised while they
// are remembered, in addition to those remembered by their whole identity. Covers F46.
func TestSeenOfOlderBuilds(t *testing.T) {
	w, later := window{from: 6000, to: 6600}, window{from: 60_000, to: 66_000}
	s := NewSeen()
	a, b := keyOf("id at 6000", "id", 6000, true, w), keyOf("id at 6001", "id", 6001, true, w)
	s.Add(a)
	assert.True(t, s.Has(a))
	assert.False(t, s.Has(b), "another entry with the same id")

	odd := keyOf("identity of odd", "odd", 0, false, w)
	old := keyOf("identity of old", "old", 6500, true, w)
	assert.False(t, s.Has(old))
	s.Add(KeyByID(minuteOf(6500), false, old.id))
	s.Add(KeyByID(minuteOf(6600), true, odd.id))
	assert.True(t, s.Has(old))
	assert.True(t, s.Has(odd))
	assert.False(t, s.Has(b), "of another minute")

	s.forgetBefore(minuteOf(6600) + 1)
	assert.Zero(t, s.count)
	assert.False(t, s.Has(old))
	c := keyOf("id at 60000", "id", 60_000, true, later)
	s.Add(Key{minute: c.minute, hash: c.id})
	assert.False(t, s.Has(c), "no id alone is looked for any more")
}

// TestSharedIDs: an id that occurs with a different entry is noticed, and the same entry again does not count.
// Covers F46.
func TestSharedIDs(t *testing.T) {
	w := window{from: 6000, to: 600_000}
	p := New(Settings{Begin: 6000, Tick: 60, MaxWindow: 3600, Walks: 1, PageSize: 100}, NewSeen())
	a, b := keyOf("id at 6000", "id", 6000, true, w), keyOf("id at 599999", "id", 599_999, true, w)
	assert.False(t, p.SharesID(a))
	assert.False(t, p.SharesID(a))
	for i := range sharedPlaces / 4 {
		name := strconv.Itoa(i)
		assert.False(t, p.SharesID(keyOf("identity of "+name, name, 7000, true, w)))
	}
	assert.False(t, p.SharesID(a), "noted again, if another one has taken its place")
	assert.True(t, p.SharesID(b))
	assert.True(t, p.SharesID(a))
	assert.Len(t, p.seen.shared.places, sharedPlaces)
}

// TestBytesPerID: the memory of a remembered id, at the API's limit and with quiet and busy minutes around it.
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
