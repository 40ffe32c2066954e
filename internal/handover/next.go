// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"time"
)

// Try is a hand-over to make.
type Try[T any] struct {
	Records []*Record[T]

	piece *piece[T]
	probe bool // one record, to see whether the pipeline takes anything
}

// Next returns the hand-over to make now. Where there is none, at is when there will be one;
// zero: not before records are added.
//
//   - What is new goes before what was refused, so that one bad batch holds up nothing else.
//     What was refused is divided, one half with all its parts before the other.
//   - A record that was refused alone is tried again soon after others were taken: refused
//     Strikes times more, it is given up. Where none were taken it is tried at the retry's pace.
//   - Where nothing is taken one record at a time is tried, the newest of those that were tried
//     least.
func (q *Queue[T]) Next(now time.Time) (try *Try[T], at time.Time) {
	if now.Before(q.notBefore) && len(q.pieces) > 0 {
		return nil, q.notBefore
	}
	if q.Holding() {
		return q.probe(q.leastTried()), time.Time{}
	}
	due := time.Time{} // when a record may be tried that is about to be given up
	var divided *piece[T]
	for _, p := range q.pieces {
		switch {
		case p.waiting():
			when := q.secondLookAt(p.records[0])
			switch {
			case q.strikes(now, p.records[0]) && q.struck < QuickStrikes:
				return &Try[T]{Records: p.records, piece: p}, time.Time{}
			case now.Before(when) && q.strikes(when, p.records[0]) && (due.IsZero() || when.Before(due)):
				due = when
			}
		case p.fresh():
			return &Try[T]{Records: p.records, piece: p}, time.Time{}
		case divided == nil || p.retries < divided.retries:
			divided = p
		}
	}
	switch {
	case len(q.pieces) == 0:
		return nil, time.Time{}
	case divided != nil && !q.paused():
		return &Try[T]{Records: divided.records, piece: divided}, time.Time{}
	case !due.IsZero():
		return nil, due
	case now.Before(q.probeAt):
		return nil, q.probeAt
	}
	return q.probe(q.leastTried()), time.Time{}
}

// strikes reports whether a refusal of the record alone at a time would be a strike: others
// were taken since it was refused alone before, not long ago, and nothing new was refused
// since.
func (q *Queue[T]) strikes(at time.Time, r *Record[T]) bool {
	return r.suspect() && q.took > r.turn && !q.anew && at.Sub(q.succeeded) <= ProofWithin && !at.Before(q.secondLookAt(r))
}

// secondLookAt is from when on a refusal of the record may be a strike.
func (q *Queue[T]) secondLookAt(r *Record[T]) time.Time {
	if r.stuck {
		return r.alone.Add(StuckPatience)
	}
	return r.looked.Add(q.set.SecondLook)
}

func (q *Queue[T]) probe(p *piece[T], r *Record[T]) *Try[T] {
	if r == nil {
		return nil
	}
	return &Try[T]{Records: []*Record[T]{r}, piece: p, probe: true}
}

// leastTried is the record that was tried alone least; of these the newest, as it differs
// most from what was refused before, and then the smallest.
func (q *Queue[T]) leastTried() (in *piece[T], least *Record[T]) {
	for _, p := range q.pieces {
		for _, r := range p.records {
			if least == nil || r.Tries < least.Tries ||
				r.Tries == least.Tries && (r.batch.number > least.batch.number ||
					r.batch == least.batch && r.Size < least.Size) {
				in, least = p, r
			}
		}
	}
	return in, least
}
