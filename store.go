// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// store keeps a checkpoint in a storage client. Its methods fail with the
// storage's own error, which may pass, or with an *unusableError, which does not.
type store struct {
	client storage.Client
	query  query
	// pages are the stored seen/<n>, from first on: the last minute of each.
	first uint64
	pages []int64
	// deleted is up to where the pages before first are known to be deleted. A
	// crash within a batch that is not atomic may have left some.
	deleted uint64
	// shared is a storage that other replicas write, too, one at a time. Who has
	// loaded the position last is the one that may; term tells it from the others.
	shared bool
	term   uint64
	// noted is the number of the last call that was written down. Whoever is in
	// noting may touch it.
	noting chan struct{} // capacity 1
	noted  uint64
}

func newStore(client storage.Client, q query, shared bool) *store {
	return &store{client: client, query: q, shared: shared, noting: make(chan struct{}, 1)}
}

// unwrittenError is a call that was not made because it could not be written down.
type unwrittenError struct{ err error }

func (e *unwrittenError) Error() string { return e.err.Error() }
func (e *unwrittenError) Unwrap() error { return e.err }

// errOvertaken is a position that another replica has loaded and written since: this
// one was taken for dead, as after a pause longer than its lease.
var errOvertaken = errors.New("another replica has taken over")

// unusableError is a checkpoint that must not be used and not be replaced
// without somebody's decision.
type unusableError struct {
	key    string
	reason error
}

func (e *unusableError) Error() string {
	return fmt.Sprintf("the stored checkpoint cannot be used: key %q: %v; nothing was read or changed. "+
		"To go on from it, restore the configuration or the storage that it belongs to; "+
		"to begin anew (with start_time or initial_lookback), remove the receiver's file from the storage extension's directory, or give the receiver another name",
		e.key, e.reason)
}

func (e *unusableError) Unwrap() error { return e.reason }

// readBatch is how many values are read in one batch.
const readBatch = 256

// load reads the checkpoint; nil where none is stored.
func (s *store) load(ctx context.Context) (*checkpoint, *seen, error) {
	data, err := s.client.Get(ctx, keyPosition)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	known := newSeen()
	s.term = 1
	if data == nil {
		s.first, s.pages, s.deleted = 0, nil, 0
		return nil, known, nil
	}
	c, err := decodeCheckpoint(data)
	if err != nil {
		return nil, nil, &unusableError{keyPosition, err}
	}
	// A position at which nothing was read yet is every query's: whoever has mistyped
	// app_id, and corrects it, goes on from when the receiver was started first.
	if !c.Query.equal(s.query) && !c.untouched() {
		return nil, nil, &unusableError{keyPosition, fmt.Errorf("it belongs to %s, and the configuration says %s", c.Query, s.query)}
	}
	s.first, s.pages, s.term = c.First, nil, c.Term+1
	s.deleted = c.First - min(c.First, maxDeletes)
	for n := c.First; n < c.Next; {
		var ops []*storage.Operation
		for ; n < c.Next && len(ops) < readBatch; n++ {
			ops = append(ops, storage.GetOperation(seenName(n)))
		}
		if err := s.client.Batch(ctx, ops...); err != nil {
			return nil, nil, fmt.Errorf("cannot read the checkpoint: %w", err)
		}
		for _, op := range ops {
			if op.Value == nil {
				return nil, nil, &unusableError{op.Key, fmt.Errorf("%w: it is missing", errDamaged)}
			}
			keys, err := decodeKeys(op.Value)
			if err != nil {
				return nil, nil, &unusableError{op.Key, err}
			}
			s.pages = append(s.pages, lastMinute(keys))
			for _, k := range keys {
				known.add(k)
			}
		}
	}
	return c, known, nil
}

// maxDeletes bounds how many values one batch deletes.
const maxDeletes = 128

// save writes the position and the ids of the page accepted since the last save,
// if any, and deletes what is no longer needed. Where the storage cannot write a
// batch atomically, the order of operations leaves the last position valid.
//
// A storage has no compare-and-swap: a replica that is paused between looking whether
// it has been overtaken and writing still writes. The other one writes over that.
func (s *store) save(ctx context.Context, now snapshot, added []seenKey, forgettable int64) error {
	c := checkpoint{Begin: now.Begin, Recheck: now.Recheck, Marks: now.Marks, Length: now.Length}
	if s.shared {
		if err := s.overtaken(ctx); err != nil {
			return err
		}
		c.Term = s.term
	}
	next := s.first + uint64(len(s.pages))
	var ops []*storage.Operation
	pages := s.pages
	if len(added) > 0 {
		ops = append(ops, storage.SetOperation(seenName(next), encodeKeys(added)))
		pages = append(pages, lastMinute(added))
		next++
	}
	drop := 0
	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {
		drop++
	}
	c.Version, c.Query = checkpointVersion, s.query
	c.First, c.Next = s.first+uint64(drop), next
	ops = append(ops, storage.SetOperation(keyPosition, c.encode()))
	for n := s.deleted; n < c.First; n++ {
		ops = append(ops, storage.DeleteOperation(seenName(n)))
	}
	if err := s.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("cannot write the checkpoint: %w", err)
	}
	s.first, s.pages, s.deleted = c.First, pages[drop:], c.First
	return nil
}

// overtaken fails if another replica has loaded the position after this one did.
func (s *store) overtaken(ctx context.Context) error {
	data, err := s.client.Get(ctx, keyPosition)
	if err != nil {
		return fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	if data == nil {
		return nil
	}
	// What cannot be read is not ours either: the next load says what is wrong.
	if c, err := decodeCheckpoint(data); err != nil || c.Term > s.term {
		return errOvertaken
	}
	return nil
}

func lastMinute(keys []seenKey) int64 {
	last := int64(-1)
	for _, k := range keys {
		last = max(last, k.lastMinute())
	}
	return last
}

// loadCalls reads the calls of the last minute.
func (s *store) loadCalls(ctx context.Context) (rememberedCalls, error) {
	data, err := s.client.Get(ctx, keyCalls)
	if err != nil {
		return rememberedCalls{}, fmt.Errorf("cannot read the calls of the last minute: %w", err)
	}
	return decodeCalls(data), nil
}

// noteCalls writes down the calls of the last minute, of which the one with the number
// is about to be made. One write serves all that wait for it.
func (s *store) noteCalls(ctx context.Context, number uint64, recent func() rememberedCalls) error {
	select {
	case s.noting <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.noting }()
	if s.noted >= number {
		return nil
	}
	calls := recent()
	if err := s.client.Set(ctx, keyCalls, encodeCalls(calls)); err != nil {
		return fmt.Errorf("cannot write down a call: %w", err)
	}
	s.noted = calls.upTo
	return nil
}
