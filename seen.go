// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// seen remembers which entries the pipeline has accepted, from the last pass's
// watermark on.
//
// An entry is remembered by 64 bits of a hash of its id, among the entries of the
// same minute of event time. At the API's ceiling a minute holds 10,000 entries,
// so a new entry is taken for a known one with a probability of 10,000 / 2^64,
// which is 5e-16: at the ceiling, once in about 400,000 years.
//
// Entries whose event time cannot be read or lies outside of the window that
// returned them (a clock ahead, an API that ignores a bound) have no minute to be
// found in again. They are kept in odd, until the last pass has left behind the
// window that returned them last.
type seen struct {
	minutes map[int64]*hashSet
	odd     map[uint64]int64 // hash to the minute from which it may be forgotten
	count   int
	places  int // of all sets
}

func newSeen() *seen {
	return &seen{minutes: make(map[int64]*hashSet), odd: make(map[uint64]int64)}
}

// seenKey is an entry as seen remembers it.
type seenKey struct {
	minute int64 // of its event time; of an odd entry: from when it may be forgotten
	odd    bool
	hash   uint64
	// at is the minute of its event time, noMinute if that cannot be read. Not stored.
	at int64
}

const noMinute = -1

// storedKey is the key of an entry whose minute, hash and oddness were stored.
func storedKey(minute int64, odd bool, hash uint64) seenKey {
	k := seenKey{minute: minute, odd: odd, hash: hash, at: minute}
	if odd {
		k.at = noMinute
	}
	return k
}

// lastMinute is the minute up to which the key is needed.
func (k seenKey) lastMinute() int64 { return k.minute }

// isOdd reports whether the entry has no minute to be found in again.
func (k seenKey) isOdd() bool { return k.odd }

// idHash is the hash of the entry's id.
func (k seenKey) idHash() uint64 { return k.hash }

// oddHorizon bounds how long an entry with an event time ahead of the window that
// returned it is kept, in minutes beyond that window: long enough for clocks that
// disagree. One from 2099 must not keep what is stored behind it from being
// deleted; whatever window returns it again remembers it anew.
const oddHorizon = 10

// keyOf makes the key of an entry that the window returned.
func keyOf(uid string, eventTime int64, readable bool, w window) seenKey {
	k := seenKey{hash: xxhash.Sum64String(uid), at: minuteOf(eventTime)}
	last := minuteOf(w.to)
	switch {
	case !readable:
		k.odd, k.minute, k.at = true, last, noMinute
	case eventTime < w.from-overlap || eventTime > w.to+overlap:
		k.odd, k.minute = true, min(max(minuteOf(eventTime), last), last+oddHorizon)
	default:
		k.minute = minuteOf(eventTime)
	}
	return k
}

func minuteOf(second int64) int64 {
	if second < 0 {
		return -1
	}
	return second / 60
}

// has tells whether the entry was accepted before. It is looked for among those of its
// minute and among the odd ones, whether it is odd or not: an earlier window may have
// found it otherwise.
func (s *seen) has(k seenKey) bool {
	if set := s.minutes[k.at]; set != nil && set.has(k.hash) {
		return true
	}
	_, ok := s.odd[k.hash]
	return ok
}

// size is the number of entries remembered.
func (s *seen) size() int { return s.count }

func (s *seen) add(k seenKey) {
	if k.odd {
		before, ok := s.odd[k.hash]
		if !ok {
			s.count++
		}
		s.odd[k.hash] = max(before, k.minute)
		return
	}
	set := s.minutes[k.minute]
	if set == nil {
		set = &hashSet{}
		s.minutes[k.minute] = set
	}
	before := len(set.places)
	if set.add(k.hash) {
		s.count++
	}
	s.places += len(set.places) - before
}

// bytes is how much memory the ids take, as far as it grows with their number.
func (s *seen) bytes() int64 {
	return 8*int64(s.places) + 16*int64(len(s.odd))
}

// forgetBefore drops everything of minutes before the given one.
func (s *seen) forgetBefore(minute int64) {
	for m, set := range s.minutes {
		if m < minute {
			s.count -= set.n
			s.places -= len(set.places)
			delete(s.minutes, m)
		}
	}
	for hash, m := range s.odd {
		if m < minute {
			s.count--
			delete(s.odd, hash)
		}
	}
}

// countFrom tells how many entries are remembered with an event time in the given
// minute or later.
func (s *seen) countFrom(minute int64) int {
	n := len(s.odd)
	for m, set := range s.minutes {
		if m >= minute {
			n += set.n
		}
	}
	return n
}

// hashSet is a set of hashes in open addressing: 8 bytes a place, at most three
// quarters of them in use. A Go map takes 16 bytes a place for the same.
type hashSet struct {
	places []uint64 // 0 is a free place
	n      int
	zero   bool // whether the hash 0 is in the set
}

func (s *hashSet) has(h uint64) bool {
	if h == 0 {
		return s.zero
	}
	if len(s.places) == 0 {
		return false
	}
	for i := s.home(h); ; i = (i + 1) & (len(s.places) - 1) {
		switch s.places[i] {
		case h:
			return true
		case 0:
			return false
		}
	}
}

// add tells whether the hash is new to the set.
func (s *hashSet) add(h uint64) bool {
	if s.has(h) {
		return false
	}
	s.n++
	if h == 0 {
		s.zero = true
		return true
	}
	if 4*s.n > 3*len(s.places) {
		old := s.places
		s.places = make([]uint64, max(8, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				s.put(o)
			}
		}
	}
	s.put(h)
	return true
}

func (s *hashSet) put(h uint64) {
	i := s.home(h)
	for s.places[i] != 0 {
		i = (i + 1) & (len(s.places) - 1)
	}
	s.places[i] = h
}

// home takes the high bits; the length is a power of two.
func (s *hashSet) home(h uint64) int {
	return int(h >> (64 - bits.TrailingZeros(uint(len(s.places)))))
}
