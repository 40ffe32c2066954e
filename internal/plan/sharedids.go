// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// sharedIDs finds different entries with the same id. It looks only among the last new ones, about eight
// thousand, so that its memory is constant. Ids that are reused, for example by a service that writes 0 for a
// missing id or counts from 1 after a restart, repeat often enough. No decision depends on it.
type sharedIDs struct {
	places []idAndEntry // by the hash of the id; nil until something was noted
}

type idAndEntry struct{ id, identity uint64 }

const sharedPlaces = 1 << 13 // 128 KiB

// note notes a new entry, and reports whether the last entry with its id was a different one.
func (s *sharedIDs) note(k Key) (shared bool) {
	if s.places == nil {
		s.places = make([]idAndEntry, sharedPlaces)
	}
	place := &s.places[k.id%sharedPlaces]
	shared = place.id == k.id && place.identity != k.hash && *place != idAndEntry{}
	*place = idAndEntry{k.id, k.hash}
	return shared
}
