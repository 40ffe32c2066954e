// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"slices"
	"time"
)

// GivenUp is a record that is not retried any more.
type GivenUp[T any] struct {
	*Record[T]
	Why Why
}

// Result is the outcome of an answer of the pipeline.
type Result[T any] struct {
	Taken  []*Record[T]
	GaveUp []GivenUp[T]
}

// Answered notes the pipeline's answer for each record of a try.
func (q *Queue[T]) Answered(now time.Time, try *Try[T], said func(i int) Class) (res Result[T]) {
	q.turn++
	var retry, permanent []*Record[T]
	for i, r := range try.Records {
		class := said(i)
		if class == Taken {
			res.Taken = append(res.Taken, r)
			continue
		}
		if r.batch.refused.IsZero() {
			r.batch.refused = now
		}
		if class == Permanent {
			permanent = append(permanent, r)
		} else {
			retry = append(retry, r)
		}
	}
	if len(res.Taken) > 0 {
		q.noteTaken(now, try, res.Taken)
	}
	left := slices.Concat(retry, permanent)
	if len(left) == 0 {
		return res
	}
	q.retryable = len(retry) > 0
	if len(try.Records) == 1 {
		if gone, why := q.noteAlone(now, try, said(0) == TooLarge); gone {
			res.GaveUp = append(res.GaveUp, q.giveUp(left[0], why))
			q.drop()
		}
	} else {
		q.noteRefused(now, try, retry, permanent, len(res.Taken) > 0)
	}
	res.GaveUp = append(res.GaveUp, q.overdue(now)...)
	return res
}

// noteTaken removes the records that were accepted.
func (q *Queue[T]) noteTaken(now time.Time, try *Try[T], taken []*Record[T]) {
	if q.Holding() {
		// A refusal while nothing was accepted proves nothing about the records.
		for _, p := range q.pieces {
			p.from = nil
			for _, r := range p.records {
				if !r.stuck {
					r.alone, r.strikes = time.Time{}, 0
				}
			}
		}
	}
	size := 0
	for _, r := range taken {
		r.batch.open--
		size += r.Size
	}
	p := try.piece
	p.records = slices.DeleteFunc(p.records, func(r *Record[T]) bool { return slices.Contains(taken, r) })
	p.from.took(len(taken), size)
	q.limit.learn(now, p.from)
	if !try.probe {
		p.retries = 0
		q.limit.confirm(now, size)
	}
	q.drop()
	if p.depth == 0 && !try.probe {
		q.spare = 0
	} else {
		q.spare -= min(q.spare, max(0, q.refusals-QuickTries))
		q.spare = min(q.spare+QuickTriesEach, MostQuickTries)
	}
	q.refusals, q.struck, q.anew, q.succeeded, q.took = 0, 0, false, now, q.turn
	q.notBefore, q.probeAt, q.probeAfter = time.Time{}, time.Time{}, time.Time{}
	q.set.Backoff.Reset()
}

// noteAlone notes that a record was refused alone, and reports whether it is given up.
func (q *Queue[T]) noteAlone(now time.Time, try *Try[T], tooLarge bool) (gone bool, why Why) {
	r, p := try.Records[0], try.piece
	again := r.suspect()
	strikes := q.strikes(now, r)
	r.Tries++
	switch {
	case !again && tooLarge: // that is why those before were refused
	case !again:
		q.refusals++
	case strikes:
		q.struck++
	}
	q.anew = q.anew || p.fresh()
	p.tried = p.tried || !try.probe
	q.probeAt, q.probeAfter = time.Time{}, now
	if q.Holding() || q.retryable && !again && !tooLarge {
		q.notBefore = q.nextProbe()
	}
	switch {
	case tooLarge && !again:
		r.alone, r.turn, r.stuck = now, q.turn, true
		return false, ""
	case q.retryable && !again:
		q.doubt(now, p, try.probe)
		return false, ""
	case q.retryable && !r.stuck:
		return false, "" // a temporary refusal proves nothing about a permanent one
	}
	if strikes {
		r.strikes++
	}
	if r.stuck && !q.retryable {
		r.stuck, r.strikes, again = false, 0, false
	}
	if r.strikes >= Strikes || r.stuck && strikes {
		if why = Refused; r.stuck {
			why = Stuck
		}
		return true, why
	}
	if !again {
		r.alone, r.turn = now, q.turn
	}
	if !again || strikes {
		r.looked = now
	}
	return false, ""
}

// noteRefused notes which of several records were refused: temporary refusals are retried together, after a
// wait; permanently refused records are split.
func (q *Queue[T]) noteRefused(now time.Time, try *Try[T], retry, permanent []*Record[T], partly bool) {
	p := try.piece
	q.refusals++
	q.anew = q.anew || p.fresh() && !partly
	p.tried = true
	switch {
	case len(permanent) > 0 && (len(retry) > 0 || partly):
		// A different batch from the one that was refused.
		p.records, p.depth = permanent, p.depth+1
		if len(retry) > 0 {
			rest := &piece[T]{records: retry, depth: p.depth, tried: true}
			q.pieces = slices.Insert(q.pieces, slices.Index(q.pieces, p), rest)
		}
	case len(permanent) > 0:
		if q.limit.raised(p.size()) {
			q.limit.refused(now)
		}
		q.divide(p)
	default:
		q.doubt(now, p, false)
	}
	if q.paused() || len(retry) > 0 {
		q.probeAt, q.probeAfter = time.Time{}, now
	}
	if len(retry) > 0 || q.Holding() {
		q.notBefore = q.nextProbe()
	}
}

// nextProbe is when a refused record may be tried while nothing is accepted. The interval of the backoff grows only
// with the waits that are made: not with the quick tries that divide a page.
func (q *Queue[T]) nextProbe() time.Time {
	if q.probeAt.IsZero() && !q.probeAfter.IsZero() {
		q.probeAt = q.probeAfter.Add(q.set.Backoff.NextBackOff())
	}
	return q.probeAt
}

// doubt counts a temporary refusal. Records that were refused often, even after others were accepted, are split;
// a single record is set aside.
func (q *Queue[T]) doubt(now time.Time, p *piece[T], probe bool) {
	if q.refusals >= RetryTries {
		q.refusals = max(q.refusals, q.quickTries())
	}
	if probe {
		return
	}
	if p.retries == 0 {
		p.since = now
	}
	p.retries++
	several := len(p.records) > 1
	switch {
	case several && q.limit.raised(p.size()):
		q.limit.refused(now)
		q.divide(p)
	case p.retries < RetryTries || !q.succeeded.After(p.since):
	case several:
		q.divide(p)
	default:
		p.records[0].alone, p.records[0].turn, p.records[0].stuck = now, q.turn, true
	}
}

// divide replaces a piece by its two halves. Which half goes first alternates with the depth. So the record that
// is tried last, when no other is left to be accepted, is not at an end of the page.
func (q *Queue[T]) divide(p *piece[T]) {
	middle := (len(p.records) + 1) / 2
	from := &division{records: len(p.records), size: p.size(), parent: p.from}
	part := func(records []*Record[T]) *piece[T] {
		part := &piece[T]{records: slices.Clone(records), depth: p.depth + 1, from: from}
		if p.retries > 0 { // so that it does not start from zero
			part.retries, part.since = RetryTries-1, p.since
		}
		return part
	}
	halves := []*piece[T]{part(p.records[:middle]), part(p.records[middle:])}
	if p.depth%2 == 1 {
		slices.Reverse(halves)
	}
	i := slices.Index(q.pieces, p)
	q.pieces = slices.Replace(q.pieces, i, i+1, halves...)
}

// giveUp removes a record from the queue.
func (q *Queue[T]) giveUp(r *Record[T], why Why) GivenUp[T] {
	r.batch.open--
	for _, p := range q.pieces {
		if i := slices.Index(p.records, r); i >= 0 {
			p.records = slices.Delete(p.records, i, i+1)
			p.from.spoil()
		}
	}
	return GivenUp[T]{r, why}
}

// overdue gives up the records that the configuration does not allow to be retried for longer.
func (q *Queue[T]) overdue(now time.Time) (gone []GivenUp[T]) {
	why, after := Elapsed, q.set.MaxElapsed
	if q.set.Disabled {
		if try, _ := q.Next(now); try != nil {
			return nil
		}
		why, after = Disabled, 0
	}
	for r := range q.All {
		if refused := r.batch.refused; !refused.IsZero() && (q.set.Disabled || after > 0 && now.Sub(refused) >= after) {
			gone = append(gone, GivenUp[T]{r, why})
		}
	}
	for _, g := range gone {
		q.giveUp(g.Record, g.Why)
	}
	q.drop()
	return gone
}
