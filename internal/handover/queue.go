// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package handover decides which records are handed to the pipeline next, and when: it divides
// what is refused, holds what nobody takes, and gives a record up only where the pipeline takes
// others. It is pure: times are handed in, nothing is sent.
package handover

import (
	"slices"
	"time"
)

const (
	// QuickTries is how many refusals without a success are followed by the next try at once:
	// enough to come from a page of 100 down to one record (100, 50, 25, 13, 7, 4, 2, 1). After
	// that the pipeline refuses everything, as far as anybody knows, and is tried at the
	// retry's pace with one record at a time.
	QuickTries = 8
	// RetryTries is how often the same records are tried after a retryable refusal before
	// size is doubted: one record is tried alone then, and where that is taken, the others are
	// divided.
	RetryTries = 5
	// QuickStrikes is how many records that were refused alone before are tried at once after a
	// success.
	QuickStrikes = 50
	// Strikes is how often a record is refused alone, each time after others were taken, before
	// it is given up. The first refusal alone, which shows that it is the one, is not counted.
	Strikes = 2
	// ProofWithin is how old the last success may be for a refusal to count as a strike.
	ProofWithin = time.Minute
	// StuckPatience is for how long a record is tried that is refused alone with a retryable
	// error while others are taken.
	StuckPatience = 24 * time.Hour
	// MaxHeld and MaxHeldBytes bound the records that are held while reading goes on. Beyond
	// them reading waits. From FewHeld on it waits while records are about to be given up.
	MaxHeld      = 1000
	MaxHeldBytes = 8 << 20
	FewHeld      = 100
)

// Class is what the pipeline says to a record.
type Class int

const (
	// Taken: the pipeline has the record.
	Taken Class = iota
	// Retry: the refusal may pass.
	Retry
	// Permanent: the same records will be refused again.
	Permanent
)

// Why is the reason for which a record was given up.
type Why string

const (
	// Refused alone, permanently and more than once, while others were taken.
	Refused Why = "refused"
	// Stuck: refused alone with a retryable error for StuckPatience, while others were taken.
	Stuck Why = "stuck"
	// Elapsed: refused for retry_on_failure::max_elapsed_time.
	Elapsed Why = "max_elapsed_time"
	// Disabled: refused, and retry_on_failure::enabled is false.
	Disabled Why = "retry_on_failure is off"
)

// Backoff is the retry's pace: growing waits, reset by a success.
type Backoff interface {
	NextBackOff() time.Duration
	Reset()
}

// Settings say how refusals are retried.
type Settings struct {
	Backoff Backoff
	// SecondLook is the least time between two refusals of a record alone that count.
	SecondLook time.Duration
	// MaxElapsed is when records are given up whatever the pipeline does; 0: never.
	MaxElapsed time.Duration
	// Disabled gives up what would have to wait for another try.
	Disabled bool
}

// Record is one record on its way into the pipeline.
type Record[T any] struct {
	Value T
	Size  int // in bytes
	// Tries is how often it was refused alone.
	Tries int

	batch *Batch
	// alone is when it was refused alone first; zero: never. looked is when that was last, in a
	// way that counts, and strikes how often it was after others had been taken.
	alone, looked time.Time
	turn          int // of alone
	strikes       int
	stuck         bool // the refusals alone were retryable
}

// suspect reports whether the record was refused alone, and so waits for others to be taken.
func (r *Record[T]) suspect() bool { return !r.alone.IsZero() }

// Batch is a set of records that were added together.
type Batch struct {
	number  int
	added   time.Time
	open    int       // records neither taken nor given up
	refused time.Time // when one of them was refused first
}

// Done reports whether all its records were taken or given up.
func (b *Batch) Done() bool { return b.open == 0 }

// piece is a set of records that are handed over together.
type piece[T any] struct {
	records []*Record[T]
	depth   int       // how often it was divided
	tried   bool      // as a whole
	retries int       // retryable refusals in a row, as a whole
	since   time.Time // when the first of these was
	from    *division // that it came from; nil: none
}

// fresh reports whether nothing is known of it.
func (p *piece[T]) fresh() bool { return p.depth == 0 && !p.tried }

func (p *piece[T]) size() (n int) {
	for _, r := range p.records {
		n += r.Size
	}
	return n
}

// waiting reports whether the piece is one record that waits for others to be taken.
func (p *piece[T]) waiting() bool { return len(p.records) == 1 && p.records[0].suspect() }

// Queue holds what was neither taken nor given up. Not safe for concurrent use.
type Queue[T any] struct {
	set    Settings
	pieces []*piece[T] // in the order of their tries, but for what next.go says
	added  int         // batches

	// Since records were last taken:
	refusals int  // but for those of a record that was refused alone before,
	struck   int  // which may be strikes
	anew     bool // something of which nothing was known was refused
	// retryable tells that the last refusal may pass.
	retryable bool
	// notBefore is the next try at the retry's pace, of anything; probeAt of what was refused.
	notBefore, probeAt time.Time
	succeeded          time.Time // when records were last taken
	turn, took         int       // of the last answer, and of the last one by which records were taken
	limit              limit
}

// New returns an empty queue.
func New[T any](set Settings) *Queue[T] { return &Queue[T]{set: set} }

// Add puts records into the queue that are handed over together, or, where the pipeline takes
// only smaller batches, in as many of these as are needed.
func (q *Queue[T]) Add(now time.Time, records []Record[T]) *Batch {
	q.added++
	b := &Batch{number: q.added, added: now, open: len(records)}
	most := q.limit.at(now)
	var last *piece[T]
	size := 0
	for i := range records {
		r := &records[i]
		r.batch = b
		if last == nil || most > 0 && size+r.Size > most {
			last, size = &piece[T]{}, 0
			q.pieces = append(q.pieces, last)
		}
		last.records = append(last.records, r)
		size += r.Size
	}
	return b
}

// Open counts the records that were neither taken nor given up, and their bytes.
func (q *Queue[T]) Open() (n, size int) {
	for _, p := range q.pieces {
		n += len(p.records)
		size += p.size()
	}
	return n, size
}

// All are the records that were neither taken nor given up.
func (q *Queue[T]) All(yield func(*Record[T]) bool) {
	for _, p := range q.pieces {
		for _, r := range p.records {
			if !yield(r) {
				return
			}
		}
	}
}

// RefusedSince is when the oldest of the batches that were refused was refused first.
func (q *Queue[T]) RefusedSince() (first time.Time) {
	for r := range q.All {
		if since := r.batch.refused; !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	return first
}

// Held counts the records that were neither taken nor given up, of batches of which one was
// refused.
func (q *Queue[T]) Held() (n int) {
	for r := range q.All {
		if !r.batch.refused.IsZero() {
			n++
		}
	}
	return n
}

// OldestSince is when the oldest of the records was added that were neither taken nor given up; zero:
// there is none.
func (q *Queue[T]) OldestSince() (oldest time.Time) {
	for r := range q.All {
		if oldest.IsZero() || r.batch.added.Before(oldest) {
			oldest = r.batch.added
		}
	}
	return oldest
}

// Holding reports whether nothing is taken, as far as is known: everything goes at the
// retry's pace.
func (q *Queue[T]) Holding() bool { return q.paused() && q.anew }

// paused reports whether what was refused goes at the retry's pace.
func (q *Queue[T]) paused() bool { return q.refusals >= QuickTries }

// Blocks reports whether reading has to wait for a batch. It need not for records that were
// refused alone, permanently: what is read next shows whether the pipeline takes others.
func (q *Queue[T]) Blocks(b *Batch) bool {
	if b.Done() {
		return false
	}
	n, size := q.Open()
	if n >= MaxHeld || size >= MaxHeldBytes {
		return true
	}
	alone, all := false, true
	for _, p := range q.pieces {
		if n >= FewHeld && p.waiting() && q.strikes(q.secondLookAt(p.records[0]), p.records[0]) && q.struck < QuickStrikes {
			return true
		}
		for _, r := range p.records {
			if r.batch == b {
				alone = alone || r.Tries > 0
				all = all && p.waiting()
			}
		}
	}
	return !all && (!q.paused() || q.retryable || !alone)
}

// drop removes pieces without records.
func (q *Queue[T]) drop() {
	q.pieces = slices.DeleteFunc(q.pieces, func(p *piece[T]) bool { return len(p.records) == 0 })
}
