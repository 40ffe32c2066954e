// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// CommitGrace is how long a commit may take, and how long it is retried after the term has ended.
const CommitGrace = 5 * time.Second

// Store keeps a checkpoint in a storage client. Its methods fail with the storage's own error, which may be
// temporary, or with an *UnusableError, which is not.
type Store struct {
	// Origin is stored along with each position.
	Origin Origin

	client storage.Client
	query  Query
	// pages are the stored seen/<n>, starting at first: the last minute of each.
	first uint64
	pages []int64
	// deleted is the number up to which the pages before first are known to be deleted. A crash within a batch
	// that is not atomic may have left some.
	deleted uint64
	// shared reports that other replicas write to the storage, too, one at a time. The replica that loaded the
	// position last may write; term distinguishes it from the others.
	shared bool
	term   uint64
	holder string // of the term: two replicas may have loaded the same position
	// noted is the number of the last call that was recorded. It may be changed only inside noting.
	noting chan struct{} // capacity 1
	noted  uint64
	// givenUp is the list of the records that were given up; gaveUp reports that it has grown since it was last
	// written.
	givenUp GivenUpList
	gaveUp  bool
}

// NewStore keeps the checkpoint of a query. If the storage is shared, replicas use it in turn.
func NewStore(client storage.Client, q Query, shared bool) *Store {
	return &Store{client: client, query: q, shared: shared, noting: make(chan struct{}, 1)}
}

// UnwrittenError is a call that was not made because it could not be recorded.
type UnwrittenError struct{ Err error }

func (e *UnwrittenError) Error() string { return e.Err.Error() }
func (e *UnwrittenError) Unwrap() error { return e.Err }

// ErrTakenOver means that another replica has loaded and written the position since: this one was presumed dead,
// for example after a pause longer than its lease.
var ErrTakenOver = errors.New("another replica has taken over")

// UnusableError is a checkpoint that must be neither used nor replaced without a person's decision.
type UnusableError struct {
	key    string
	reason error
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("the stored checkpoint cannot be used: key %q: %v; nothing was read or changed. "+
		"To resume from it, restore the configuration or the storage that it belongs to; "+
		"to start over (with start_time or initial_lookback), remove the receiver's file from the storage extension's directory, or give the receiver another name",
		e.key, e.reason)
}

func (e *UnusableError) Unwrap() error { return e.reason }

// readBatch is how many values are read in one batch.
const readBatch = 256

// Load reads the checkpoint; nil if none is stored.
func (s *Store) Load(ctx context.Context) (*Checkpoint, *plan.Seen, error) {
	data, err := s.get(ctx, KeyPosition)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	if err := s.loadGivenUp(ctx); err != nil {
		return nil, nil, err
	}
	known := plan.NewSeen()
	s.term, s.holder = 1, fmt.Sprintf("%016x", rand.Uint64())
	if data == nil {
		s.first, s.pages, s.deleted, s.Origin = 0, nil, 0, Origin{}
		return nil, known, nil
	}
	c, err := Decode(data)
	if err != nil {
		return nil, nil, &UnusableError{KeyPosition, err}
	}
	// A position without anything read is valid for every query: if app_id was mistyped and is corrected,
	// reading starts from the time of the first start.
	if !c.Query.Equal(s.query) && !c.untouched() {
		return nil, nil, &UnusableError{KeyPosition, fmt.Errorf("it belongs to %s, and the configuration says %s", c.Query, s.query)}
	}
	s.first, s.pages, s.term, s.Origin = c.First, nil, c.Term+1, c.Origin
	s.deleted = c.First - min(c.First, maxDeletes)
	for n := c.First; n < c.Next; {
		var ops []*storage.Operation
		for ; n < c.Next && len(ops) < readBatch; n++ {
			ops = append(ops, storage.GetOperation(SeenName(n)))
		}
		if err := again(ctx, func() error { return s.client.Batch(ctx, ops...) }); err != nil {
			return nil, nil, fmt.Errorf("cannot read the checkpoint: %w", err)
		}
		for _, op := range ops {
			if op.Value == nil {
				return nil, nil, &UnusableError{op.Key, fmt.Errorf("%w: it is missing", errDamaged)}
			}
			keys, err := DecodeKeys(op.Value)
			if err != nil {
				return nil, nil, &UnusableError{op.Key, err}
			}
			s.pages = append(s.pages, lastMinute(keys))
			for _, k := range keys {
				known.Add(k)
			}
		}
	}
	return c, known, nil
}

// A position is loaded with many reads, and all of them have to succeed. readTries is how often each is tried, if
// it fails soon: a storage of which every other call fails is used, too.
const (
	readTries = 5
	failsSoon = time.Second
)

// get reads a value; nil if there is none.
func (s *Store) get(ctx context.Context, key string) (data []byte, err error) {
	err = again(ctx, func() (err error) { data, err = s.client.Get(ctx, key); return err })
	return data, err
}

// again reads until that succeeds, a few times.
func again(ctx context.Context, read func() error) (err error) {
	for range readTries {
		began := time.Now()
		if err = read(); err == nil || ctx.Err() != nil || time.Since(began) >= failsSoon {
			break
		}
	}
	return err
}

// maxDeletes limits how many values one batch deletes.
const maxDeletes = 128

// Save writes the position and the ids of the page accepted since the last save, if any, and deletes what is no
// longer needed. If the storage cannot write a batch atomically, the order of operations keeps the last position
// valid.
//
// A storage has no compare-and-swap: a replica that is paused between checking for its successor and writing
// still writes. The successor overwrites that.
func (s *Store) Save(ctx context.Context, now plan.Snapshot, added []plan.Key, forgettable int64) error {
	c := Checkpoint{Begin: now.Begin, Recheck: now.Recheck, Marks: now.Marks, Length: now.Length, Origin: s.Origin}
	if now.Covered != [2]int64{} {
		c.Covered = &now.Covered
	}
	if now.Early != [2]int64{} {
		c.Early = &now.Early
	}
	if s.shared {
		if err := s.checkSuccessor(ctx); err != nil {
			return err
		}
		c.Term, c.Holder = s.term, s.holder
	}
	next := s.first + uint64(len(s.pages))
	var ops []*storage.Operation
	pages := s.pages
	if len(added) > 0 {
		ops = append(ops, storage.SetOperation(SeenName(next), encodeKeys(added)))
		pages = append(pages, lastMinute(added))
		next++
	}
	drop := 0
	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {
		drop++
	}
	c.Version, c.Query = Version, s.query
	c.First, c.Next = s.first+uint64(drop), next
	if s.gaveUp {
		ops = append(ops, storage.SetOperation(KeyGivenUp, s.givenUp.Encode()))
	}
	ops = append(ops, storage.SetOperation(KeyPosition, c.Encode()))
	for n := s.deleted; n < c.First; n++ {
		ops = append(ops, storage.DeleteOperation(SeenName(n)))
	}
	if err := s.client.Batch(ctx, ops...); err != nil {
		return fmt.Errorf("cannot write the checkpoint: %w", err)
	}
	s.gaveUp = false
	s.first, s.pages, s.deleted = c.First, pages[drop:], c.First
	return nil
}

// checkSuccessor fails if another replica has loaded the position after this one did.
func (s *Store) checkSuccessor(ctx context.Context) error {
	data, err := s.get(ctx, KeyPosition)
	if err != nil {
		return fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	if data == nil {
		return nil
	}
	// A position that cannot be read is not ours either: the next load reports what is wrong.
	if c, err := Decode(data); err != nil || c.Term > s.term || c.Term == s.term && c.Holder != s.holder {
		return ErrTakenOver
	}
	return nil
}

func lastMinute(keys []plan.Key) int64 {
	last := int64(-1)
	for _, k := range keys {
		last = max(last, k.LastMinute())
	}
	return last
}

// LoadCalls reads the calls of the last minute.
func (s *Store) LoadCalls(ctx context.Context) (pace.Remembered, error) {
	data, err := s.get(ctx, KeyCalls)
	if err != nil {
		return pace.Remembered{}, fmt.Errorf("cannot read the calls of the last minute: %w", err)
	}
	return DecodeCalls(data), nil
}

// NoteCalls records the calls of the last minute, including the one with this number, which is about to be made.
// One write serves all callers that wait for it.
func (s *Store) NoteCalls(ctx context.Context, number uint64, recent func() pace.Remembered) error {
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
	if err := s.client.Set(ctx, KeyCalls, EncodeCalls(calls)); err != nil {
		return fmt.Errorf("cannot write down a call: %w", err)
	}
	s.noted = calls.UpTo
	return nil
}
