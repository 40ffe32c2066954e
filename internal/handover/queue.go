// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package handover decides which records are delivered to the pipeline next, and when. It splits refused
// batches, holds records that nobody accepts, and gives up a record only if the pipeline accepts others. It is
// pure: it gets the time as an argument and sends nothing.
package handover

import (
	"slices"
	"time"
)

const (
	// QuickTries is how many refusals without a success are followed by an immediate retry: enough to get from a
	// page of 100 down to one record (100, 50, 25, 13, 7, 4, 2, 1). After that the pipeline presumably refuses
	// everything, and one record at a time is tried at the interval of the backoff.
	QuickTries = 8
	// QuickTriesEach is how many more of them a success allows while records are being divided: the pipeline
	// accepts records, and others between them are bad. MostQuickTries limits what is left of them.
	QuickTriesEach = 16
	MostQuickTries = 64
	// RetryTries is how often the same records are retried after temporary refusals. After that the size is
	// suspected: one record is tried alone, and if it is accepted, the others are split.
	RetryTries = 5
	// QuickStrikes is how many records that were refused alone before are retried at once after a success.
	QuickStrikes = 50
	// Strikes is how often a record has to be refused alone, each time after others were accepted, before it is
	// given up. The first refusal alone, which identifies the record, is not counted.
	Strikes = 2
	// ProofWithin is how long ago the last success may be for a refusal to count as a strike.
	ProofWithin = time.Minute
	// StuckPatience is how long a record that is refused alone with a temporary error is retried while others
	// are accepted.
	StuckPatience = 24 * time.Hour
	// MaxHeld and MaxHeldBytes limit the records that are held while reading continues. Beyond them reading
	// waits. From FewHeld on it waits while records are about to be given up.
	MaxHeld      = 1000
	MaxHeldBytes = 8 << 20
	FewHeld      = 100
)

// Class is the pipeline's answer for a record. If the pipeline has several branches, the highest of their
// answers counts.
type Class int

const (
	// Taken: the pipeline has accepted the record.
	Taken Class = iota
	// Permanent: the same records will be refused again.
	Permanent
	// TooLarge: the record is refused alone for its size, until somebody raises a limit. Others need not wait
	// for it.
	TooLarge
	// Retry: the refusal is temporary.
	Retry
)

// Why is the reason why a record was given up.
type Why string

const (
	// Refused alone, permanently and more than once, while others were accepted.
	Refused Why = "refused"
	// Stuck: refused alone with a temporary error for StuckPatience, while others were accepted.
	Stuck Why = "stuck"
	// Elapsed: refused for retry_on_failure::max_elapsed_time.
	Elapsed Why = "max_elapsed_time"
	// Disabled: refused, and retry_on_failure::enabled is false.
	Disabled Why = "retry_on_failure is off"
)

// Backoff has the intervals of retries: they grow, and a success resets them.
type Backoff interface {
	NextBackOff() time.Duration
	Reset()
}

// Settings are the parameters of retries.
type Settings struct {
	Backoff Backoff
	// SecondLook is the least time between two refusals of a record alone for both to count.
	SecondLook time.Duration
	// MaxElapsed is how long a record is retried, whatever the pipeline does; 0: no limit.
	MaxElapsed time.Duration
	// Disabled gives up records whose retry would have to wait.
	Disabled bool
}

// Record is one record to deliver.
type Record[T any] struct {
	Value T
	Size  int // in bytes
	// Tries is how often it was refused alone.
	Tries int

	batch *Batch
	// alone is when it was first refused alone; zero: never. looked is when that last happened and counted, and
	// strikes is how often it happened after others had been accepted.
	alone, looked time.Time
	turn          int // of alone
	strikes       int
	stuck         bool // the refusals alone were temporary, or because of its size
}

// suspect reports whether the record was refused alone, and so waits until others are accepted.
func (r *Record[T]) suspect() bool { return !r.alone.IsZero() }

// Batch is a set of records that were added together.
type Batch struct {
	number  int
	added   time.Time
	open    int       // records neither accepted nor given up
	refused time.Time // when one of them was first refused
}

// Done reports whether all its records were accepted or given up.
func (b *Batch) Done() bool { return b.open == 0 }

// piece is a set of records that are delivered together.
type piece[T any] struct {
	records []*Record[T]
	depth   int       // how often it was split
	tried   bool      // as a whole
	retries int       // temporary refusals in a row, as a whole
	since   time.Time // when the first of these was
	from    *division // the division that it came from; nil: none
}

// fresh reports whether nothing is known about it.
func (p *piece[T]) fresh() bool { return p.depth == 0 && !p.tried }

func (p *piece[T]) size() (n int) {
	for _, r := range p.records {
		n += r.Size
	}
	return n
}

// waiting reports whether the piece is a single record that waits until others are accepted.
func (p *piece[T]) waiting() bool { return len(p.records) == 1 && p.records[0].suspect() }

// Queue has the records that were neither accepted nor given up. Not safe for concurrent use.
type Queue[T any] struct {
	set    Settings
	pieces []*piece[T] // in the order of their tries, except as in next.go
	added  int         // batches

	// Since records were last accepted:
	refusals int  // except those of a record that was refused alone before,
	struck   int  // which may be strikes
	anew     bool // a batch was refused that had not been tried before
	// spare is how many refusals more than QuickTries are followed by an immediate retry.
	spare int
	// retryable reports that the last refusal is temporary.
	retryable bool
	// notBefore is the next try at the interval of the backoff, of any record; probeAt the next one of refused
	// records, zero until nextProbe counts it from probeAfter.
	notBefore, probeAt, probeAfter time.Time
	succeeded                      time.Time // when records were last accepted
	turn, took                     int       // of the last answer, and of the last one with accepted records
	limit                          limit
}

// New returns an empty queue.
func New[T any](set Settings) *Queue[T] { return &Queue[T]{set: set} }

// Add puts records that are delivered together into the queue, or, if the pipeline accepts only smaller batches,
// as many of these as needed.
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

// Open counts the records that were neither accepted nor given up, and their bytes.
func (q *Queue[T]) Open() (n, size int) {
	for _, p := range q.pieces {
		n += len(p.records)
		size += p.size()
	}
	return n, size
}

// All are the records that were neither accepted nor given up.
func (q *Queue[T]) All(yield func(*Record[T]) bool) {
	for _, p := range q.pieces {
		for _, r := range p.records {
			if !yield(r) {
				return
			}
		}
	}
}

// RefusedSince is when the oldest refused batch was first refused.
func (q *Queue[T]) RefusedSince() (first time.Time) {
	for r := range q.All {
		if since := r.batch.refused; !since.IsZero() && (first.IsZero() || since.Before(first)) {
			first = since
		}
	}
	return first
}

// Held counts the records that were neither accepted nor given up, in batches of which a record was refused.
func (q *Queue[T]) Held() (n int) {
	for r := range q.All {
		if !r.batch.refused.IsZero() {
			n++
		}
	}
	return n
}

// OldestSince is when the oldest record that was neither accepted nor given up was added; zero: there is none.
func (q *Queue[T]) OldestSince() (oldest time.Time) {
	for r := range q.All {
		if oldest.IsZero() || r.batch.added.Before(oldest) {
			oldest = r.batch.added
		}
	}
	return oldest
}

// Holding reports whether nothing is accepted, as far as is known: all records are then tried at the interval of
// the backoff.
func (q *Queue[T]) Holding() bool { return q.paused() && q.anew }

// paused reports whether refused records are tried at the interval of the backoff.
func (q *Queue[T]) paused() bool { return q.refusals >= q.quickTries() }

func (q *Queue[T]) quickTries() int { return QuickTries + q.spare }

// Blocks reports whether reading has to wait for a batch. It does not wait for records that were refused alone,
// permanently: the next records show whether the pipeline accepts others.
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
