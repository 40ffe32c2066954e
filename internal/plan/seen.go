// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"github.com/cespare/xxhash/v2"
)

// Seen remembers which entries the pipeline has accepted, from the last pass's
// watermark on.
//
// An entry is remembered by 64 bits of a hash of its identity, which is more than its id
// (entry.Entry.Identity), among the entries of the same minute of event time. At the API's ceiling a minute holds 10,000 entries,
// so a new entry is taken for a known one with a probability of 10,000 / 2^64,
// which is 5e-16: at the ceiling, once in about 400,000 years.
//
// Entries whose event time cannot be read or lies outside of the window that
// returned them (a clock ahead, an API that ignores a bound) have no minute to be
// found in again. They are kept in odd, until the last pass has left behind the
// window that returned them last.
type Seen struct {
	minutes map[int64]*hashSet
	odd     map[uint64]int64 // hash to the minute from which it may be forgotten
	count   int
	places  int // of all sets
	// byID is the last minute of what an older build has remembered by a hash of the id
	// alone; before the first minute there is, if nothing was.
	byID   int64
	shared sharedIDs
}

// NewSeen remembers nothing yet.
func NewSeen() *Seen {
	return &Seen{minutes: make(map[int64]*hashSet), odd: make(map[uint64]int64), byID: noMinute - 1}
}

// Key is an entry as Seen remembers it.
type Key struct {
	minute int64 // of its event time; of an odd entry: from when it may be forgotten
	odd    bool
	hash   uint64 // of its identity
	// at is the minute of its event time, noMinute if that cannot be read. Not stored.
	at int64
	// id is the hash of its id. Not stored.
	id uint64
	// byID tells that hash is that of the id alone: an older build has stored it.
	byID bool
	// early is by how many seconds its event time is before the window that returned it. Not stored.
	early int64
}

const noMinute = -1

// KeyByID is StoredKey for what builds have stored that took the id alone for the identity.
func KeyByID(minute int64, odd bool, hash uint64) Key {
	k := StoredKey(minute, odd, hash)
	k.byID = true
	return k
}

// StoredKey is the key of an entry whose minute, hash and oddness were stored.
func StoredKey(minute int64, odd bool, hash uint64) Key {
	k := Key{minute: minute, odd: odd, hash: hash, at: minute}
	if odd {
		k.at = noMinute
	}
	return k
}

// LastMinute is the minute up to which the key is needed.
func (k Key) LastMinute() int64 { return k.minute }

// IsOdd reports whether the entry has no minute to be found in again.
func (k Key) IsOdd() bool { return k.odd }

// Hash is the hash of the entry's identity, or of its id: see KeyByID.
func (k Key) Hash() uint64 { return k.hash }

// OddHorizon bounds how long an entry with an event time ahead of the window that
// returned it is kept, in minutes beyond that window: long enough for clocks that
// disagree. One from 2099 must not keep what is stored after it from being
// deleted; whatever window returns it again remembers it again.
const OddHorizon = 10

// MemoryAllowance is by how much, in seconds, the span of remembered ids may
// exceed twice the last recheck before rechecks go before fresh entries.
const MemoryAllowance = 600

// keyOf makes the key of an entry that the window returned.
func keyOf(identity, uid string, eventTime int64, readable bool, w window) Key {
	k := Key{hash: xxhash.Sum64String(identity), id: xxhash.Sum64String(uid), at: minuteOf(eventTime)}
	last := minuteOf(w.to)
	switch {
	case !readable:
		k.odd, k.minute, k.at = true, last, noMinute
	case eventTime < w.from-Overlap || eventTime > w.to+Overlap:
		k.odd, k.minute = true, min(max(minuteOf(eventTime), last), last+OddHorizon)
		k.early = max(0, w.from-Overlap-eventTime)
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

// Has reports whether the entry was accepted before. It is looked for among those of its
// minute and among the odd ones, whether it is odd or not: an earlier window may have
// found it otherwise.
func (s *Seen) Has(k Key) bool {
	return s.has(k, k.hash) || s.byID >= noMinute && s.has(k, k.id)
}

func (s *Seen) has(k Key, hash uint64) bool {
	if set := s.minutes[k.at]; set != nil && set.has(hash) {
		return true
	}
	_, ok := s.odd[hash]
	return ok
}

// Len is the number of entries remembered.
func (s *Seen) Len() int { return s.count }

// Add remembers an entry.
func (s *Seen) Add(k Key) {
	if k.byID {
		s.byID = max(s.byID, k.minute)
	}
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
func (s *Seen) bytes() int64 {
	return 8*int64(s.places) + 16*int64(len(s.odd))
}

// forgetBefore drops everything of minutes before the given one.
func (s *Seen) forgetBefore(minute int64) {
	if s.byID < minute {
		s.byID = noMinute - 1
	}
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
func (s *Seen) countFrom(minute int64) int {
	n := len(s.odd)
	for m, set := range s.minutes {
		if m >= minute {
			n += set.n
		}
	}
	return n
}
