// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"github.com/cespare/xxhash/v2"
)

// Seen remembers which entries the pipeline has accepted, starting at the last pass's watermark.
//
// An entry is remembered as 64 bits of a hash of its identity, which is more than its id (entry.Entry.Identity),
// among the entries of the same minute of event time. At the API's limit a minute has 10,000 entries, so a new
// entry is taken for a known one with a probability of 10,000 / 2^64, which is 5e-16: at that limit, once in
// about 400,000 years.
//
// If an entry's event time cannot be read, or is outside the window that returned the entry (a clock ahead, an
// API that ignores a bound), the entry cannot be found again by its minute. Such entries are kept in odd until
// the last pass is past the window that returned them last.
type Seen struct {
	minutes map[int64]*hashSet
	odd     map[uint64]int64 // hash to the minute from which it may be forgotten
	count   int
	places  int // of all sets
	// byID is the last minute whose entries an older build remembered only by a hash of the id; if there are
	// none, it is before the first minute.
	byID   int64
	shared sharedIDs
}

// NewSeen returns an empty set.
func NewSeen() *Seen {
	return &Seen{minutes: make(map[int64]*hashSet), odd: make(map[uint64]int64), byID: noMinute - 1}
}

// Key is an entry as Seen remembers it.
type Key struct {
	minute int64 // of its event time; for an odd entry, from when on it may be forgotten
	odd    bool
	hash   uint64 // of its identity
	// at is the minute of its event time, noMinute if it cannot be read. Not stored.
	at int64
	// id is the hash of its id. Not stored.
	id uint64
	// byID reports that hash is a hash of the id alone, stored by an older build.
	byID bool
	// early is how many seconds its event time is before the window that returned it. Not stored.
	early int64
}

const noMinute = -1

// KeyByID is StoredKey for keys of older builds, which used the id alone as the identity.
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

// IsOdd reports whether the entry cannot be found again by its minute.
func (k Key) IsOdd() bool { return k.odd }

// Hash is the hash of the entry's identity, or of its id: see KeyByID.
func (k Key) Hash() uint64 { return k.hash }

// OddHorizon limits, in minutes after that window, how long an entry with an event time later than the window
// that returned it is kept: long enough for clocks that disagree. An entry from 2099 must not prevent what is
// stored after it from being deleted; any window that returns it again remembers it again.
const OddHorizon = 10

// MemoryAllowance is by how many seconds the span of remembered ids may exceed twice the last recheck before
// rechecks go before new entries.
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

// Has reports whether the entry was accepted before. It looks among the entries of the same minute and among the
// odd ones, whether the entry is odd or not, because it may have been the other kind in an earlier window.
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

// bytes is the memory that grows with the number of ids.
func (s *Seen) bytes() int64 {
	return 8*int64(s.places) + 16*int64(len(s.odd))
}

// forgetBefore drops all entries of minutes before the given one.
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

// countFrom returns how many entries are remembered with an event time in the given minute or later.
func (s *Seen) countFrom(minute int64) int {
	n := len(s.odd)
	for m, set := range s.minutes {
		if m >= minute {
			n += set.n
		}
	}
	return n
}
