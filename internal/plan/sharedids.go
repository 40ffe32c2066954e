// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// sharedIDs finds entries that are not the same and have the same id. It looks among the
// last new ones, some eight thousand of them, so that it costs the same memory whatever was
// read: ids that repeat, as those of a service that writes 0 for an id that it does not have
// or counts from 1 after a restart, repeat often. Nothing is decided by it.
type sharedIDs struct {
	places []idAndEntry // by the hash of the id; nil until something was noted
}

type idAndEntry struct{ id, identity uint64 }

const sharedPlaces = 1 << 13 // 128 KiB

// note notes a new entry, and reports whether the one that last had its id was another one.
func (s *sharedIDs) note(k Key) (shared bool) {
	if s.places == nil {
		s.places = make([]idAndEntry, sharedPlaces)
	}
	place := &s.places[k.id%sharedPlaces]
	shared = place.id == k.id && place.identity != k.hash && *place != idAndEntry{}
	*place = idAndEntry{k.id, k.hash}
	return shared
}
