// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"time"
)

// Try is an attempt to deliver.
type Try[T any] struct {
	Records []*Record[T]

	piece *piece[T]
	probe bool // a single record, to see whether the pipeline accepts anything
}

// Next returns the attempt to make now. If there is none, at is when there will be one; zero: not before records
// are added.
//
//   - New records go before refused ones, so that one bad batch delays nothing else. Refused batches are
//     split, and one half with all its parts goes before the other.
//   - A record that was refused alone is retried soon after others were accepted. After Strikes more
//     refusals it is given up. If no others are accepted, it is retried at the interval of the backoff.
//   - If nothing is accepted, one record at a time is tried: the newest of those with the fewest tries.
func (q *Queue[T]) Next(now time.Time) (try *Try[T], at time.Time) {
	if now.Before(q.notBefore) && len(q.pieces) > 0 {
		return nil, q.notBefore
	}
	if q.Holding() {
		return q.probe(q.leastTried()), time.Time{}
	}
	due := time.Time{} // when a record that is about to be given up may be tried
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
	case now.Before(q.nextProbe()):
		return nil, q.probeAt
	}
	return q.probe(q.leastTried()), time.Time{}
}

// strikes reports whether a refusal of the record alone at this time would be a strike: others were accepted
// recently, since it was last refused alone, and no new record was refused since.
func (q *Queue[T]) strikes(at time.Time, r *Record[T]) bool {
	return r.suspect() && q.took > r.turn && !q.anew && at.Sub(q.succeeded) <= ProofWithin && !at.Before(q.secondLookAt(r))
}

// secondLookAt is the time from which on a refusal of the record may be a strike.
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

// leastTried is the record with the fewest tries alone; of several the newest, because it differs most from what
// was refused before, and then the smallest.
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
