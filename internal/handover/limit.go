// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"time"
)

// limit is the size of batches that the pipeline accepts, as far as refusals have shown it. Without it, each
// page of a log would be refused first, and the exporter would count and log an error each time.
type limit struct {
	most    int           // bytes; 0: none known
	every   time.Duration // how long until a larger batch is tried
	raiseAt time.Time
}

// A larger batch is tried after raiseFirst. If it is refused, the interval doubles, up to raiseAtMost.
const (
	raiseFirst  = 10 * time.Minute
	raiseAtMost = 24 * time.Hour
)

// division is a set of records that were refused together and then split.
type division struct {
	records int // not yet taken
	size    int
	largest int // the largest part that was accepted at once
	spoiled bool
	parent  *division
}

// took notes that records of the division were accepted together.
func (d *division) took(records, size int) {
	for ; d != nil; d = d.parent {
		d.records -= records
		d.largest = max(d.largest, size)
	}
}

// spoil notes that a record was given up: that record was the reason, not the size.
func (d *division) spoil() {
	for ; d != nil; d = d.parent {
		d.spoiled = true
	}
}

// at is the largest batch to deliver now; 0: any.
func (l *limit) at(now time.Time) int {
	if l.most > 0 && !now.Before(l.raiseAt) {
		return 2 * l.most
	}
	return l.most
}

// learn looks at a division of which something was accepted: if all of it was, in parts, the whole was too
// large.
func (l *limit) learn(now time.Time, d *division) {
	for ; d != nil; d = d.parent {
		if d.records == 0 && !d.spoiled && d.largest < d.size && (l.most == 0 || d.size <= l.most) {
			l.most, l.every = d.largest, raiseFirst
			l.raiseAt = now.Add(l.every)
		}
	}
}

// raised reports whether a batch is one of those that are tried although they are larger.
func (l *limit) raised(size int) bool { return l.most > 0 && size > l.most }

// refused notes that a larger batch was refused.
func (l *limit) refused(now time.Time) {
	l.every = min(2*l.every, raiseAtMost)
	l.raiseAt = now.Add(l.every)
}

// confirm notes that a batch of this size was accepted.
func (l *limit) confirm(now time.Time, size int) {
	if l.raised(size) {
		l.most = size
		l.every, l.raiseAt = raiseFirst, now.Add(raiseFirst)
	}
}
