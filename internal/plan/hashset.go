// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/bits"
)

// hashSet is a set of hashes with open addressing: 8 bytes a place, at most three quarters of them in use. A Go
// map would take 16 bytes a place.
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

// add reports whether the hash is new to the set.
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
