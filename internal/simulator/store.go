// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"cmp"
	"slices"
	"time"
)

// stored is an entry that was added explicitly.
type stored struct {
	Entry
	seq       int64 // 1 for the first entry ever added
	visibleAt time.Time
}

// store has the explicit entries by event time, then by the order of adding.
type store struct {
	entries []stored
	seq     int64
}

func compareStored(a, b stored) int {
	return cmp.Or(cmp.Compare(a.EventTime, b.EventTime), cmp.Compare(a.seq, b.seq))
}

func (s *store) add(entries []Entry) {
	sorted := true
	for _, e := range entries {
		s.seq++
		st := stored{Entry: e, seq: s.seq, visibleAt: e.visibleAt()}
		if n := len(s.entries); n > 0 && s.entries[n-1].EventTime > e.EventTime {
			sorted = false
		}
		s.entries = append(s.entries, st)
	}
	if !sorted {
		slices.SortFunc(s.entries, compareStored)
	}
}

// at is the index of the first entry with at least this event time.
func (s *store) at(second int64) int {
	i, _ := slices.BinarySearchFunc(s.entries, second, func(e stored, t int64) int {
		return cmp.Compare(e.EventTime, t)
	})
	return i
}

// get returns the entry of a ref.
func (s *store) get(r ref) *Entry {
	i, _ := slices.BinarySearchFunc(s.entries, r, func(e stored, r ref) int {
		return cmp.Or(cmp.Compare(e.EventTime, r.Second), cmp.Compare(e.seq, r.N))
	})
	return &s.entries[i].Entry
}
