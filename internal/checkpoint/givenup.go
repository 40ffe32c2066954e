// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// KeyGivenUp is the list of the records that were given up, in JSON. It is written together with the position
// that moves past them, and is read only by people and tools.
const KeyGivenUp = "given_up"

// maxGivenUp limits the list: it has the newest records, and the number of all.
const maxGivenUp = 1000

// GivenUpList is the stored list.
type GivenUpList struct {
	Version int       `json:"version"`
	Total   int64     `json:"total"`   // all that were given up, including those no longer listed
	Records []GivenUp `json:"records"` // the newest, oldest first
}

// GivenUp is a record that was not delivered.
type GivenUp struct {
	ID        string `json:"id"`                   // log.record.uid
	EventTime int64  `json:"event_time,omitempty"` // Unix seconds; 0: it could not be read
	At        int64  `json:"given_up_at"`          // Unix seconds, by the collector's clock
	Why       string `json:"why"`                  // a value of internal/handover
	Error     string `json:"error"`                // of the last refusal, without text that it may quote
	Tries     int    `json:"refused_alone"`        // how often it was refused alone
}

// DecodeGivenUp reads the list; an empty one if nothing is stored.
func DecodeGivenUp(data []byte) (GivenUpList, error) {
	list := GivenUpList{Version: Version}
	if data == nil {
		return list, nil
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return GivenUpList{Version: Version}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if list.Version != Version {
		return list, fmt.Errorf("it has version %d, and this build reads version %d", list.Version, Version)
	}
	return list, nil
}

// Encode writes the list in one line.
func (l GivenUpList) Encode() []byte {
	data, _ := json.Marshal(l) // numbers and strings can always be marshalled
	return append(data, '\n')
}

// loadGivenUp reads the list. A list that cannot be read does not stop the receiver: it is replaced when another
// record is given up.
func (s *Store) loadGivenUp(ctx context.Context) error {
	data, err := s.get(ctx, KeyGivenUp)
	if err != nil {
		return fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	s.gaveUp = false
	if s.givenUp, err = DecodeGivenUp(data); err != nil {
		s.givenUp = GivenUpList{Version: Version}
	}
	return nil
}

// GiveUp adds a record to the list, which the next Save writes.
func (s *Store) GiveUp(r GivenUp) {
	l := &s.givenUp
	l.Total++
	l.Records = append(l.Records, r)
	if extra := len(l.Records) - maxGivenUp; extra > 0 {
		l.Records = slices.Delete(l.Records, 0, extra)
	}
	s.gaveUp = true
}
