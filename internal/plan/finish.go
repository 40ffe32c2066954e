// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// finish moves the watermarks past a walk and every finished one after it, and adapts the length of the next
// windows. It drops waiting walks whose whole window is before their own pass's watermark, because others have
// read it. Otherwise the ids before them would be kept until they resume, which can take hours if the last
// recheck goes first for long.
func (s *Plan) finish(w *Walk) {
	s.end(w, nil)
	w.finished = true
	s.finishes++
	if list := s.walks[w.pass]; len(list) > 1 {
		if i := slices.Index(list, w); i > 0 && list[i-1].failing.aside && list[i-1].seconds() > 1 {
			list[i-1].failing.retryAt = 0 // where it becomes readable can be found now
		}
	}
	switch {
	case w.tight:
		s.tight++
	case w.seconds() >= leastRefused:
		s.tight = 0
	}
	s.noteFit()
	s.longestRead = max(s.longestRead, w.seconds())
	s.newest.answered(w.asOf-w.to, w.asOf)
	if w.seconds() >= s.maxLength {
		s.lengthen(w.asOf)
	}
	// In pages of the usual size. If the window was read once more, the first reading counts.
	pages := (max(w.reach(), w.furthest) + int64(s.pageSize) - 1) / int64(s.pageSize)
	// A shorter window shows the density only if it has a good part of the wanted number of pages.
	if w.seconds() >= s.length || 4*pages > s.wanted {
		s.length = nextLength(w.seconds(), pages, s.wanted, s.maxLength)
		if pages == 1 { // a single page also shows how full it was
			s.length = nextLength(w.seconds(), int64(w.returned.n), s.wanted*int64(s.pageSize), s.maxLength)
		}
	}
	w.paged = pages > 1 && w.returned.n > 0 && w.pass < s.pos.last()
	w.returned = hashSet{}
	s.settle()
}

// settle moves the watermarks past the finished walks that follow them, and drops walks that others have read.
func (s *Plan) settle() {
	for moved := true; moved; {
		moved = false
		for pass, list := range s.walks {
			for len(list) > 0 && (list[0].finished || !list[0].inFlight && list[0].to <= s.pos.marks[pass]) {
				if first := list[0]; first.finished {
					s.pos.finish(first.window, first.asOf, first.paged)
				} else {
					s.end(first, ErrCovered)
				}
				list, moved = slices.Delete(list, 0, 1), true
			}
			s.walks[pass] = list
		}
	}
	s.seen.forgetBefore(s.Forgettable())
}

// BeginAt moves the begin of the timeline. Nothing may have been read before.
func (s *Plan) BeginAt(begin int64) {
	s.endAll(errBeginMoved)
	s.pos = newPosition(begin, s.pos.end, s.pos.recheck)
	s.walks, s.suspectTo = make([][]*Walk, len(s.walks)), make([]int64, len(s.walks))
	s.due = true
}

// Skip skips a time that the API does not show, in every pass that has reached it, at most up to the end
// of the timeline, and returns where the skipped time ends. No walk may be in flight; walks that had started
// start again after the skipped time.
func (s *Plan) Skip(from, to int64) (end int64) {
	if s.pos.end != 0 {
		to = min(to, s.pos.end)
	}
	s.endAll(errNotShown)
	if from <= s.Oldest() { // and not a range in the middle of what is shown
		s.pos.kept.learn(s.now-to, s.now)
	}
	s.pos.finish(window{from, to}, to+s.pos.recheck[s.pos.last()], false)
	s.walks, s.suspectTo = make([][]*Walk, len(s.walks)), make([]int64, len(s.walks))
	s.due = true
	// The skipped range was the reason, so the shorter windows are not needed.
	s.maxLength, s.length = s.maxWindow, min(startLength, s.maxWindow)
	return to
}

// Forgettable is the minute before which no entry will be returned again, neither by a later window nor by one
// that is being read.
func (s *Plan) Forgettable() int64 {
	from := s.pos.marks[s.pos.last()]
	for _, walks := range s.walks {
		for _, w := range walks {
			from = min(from, w.from)
		}
	}
	if s.pos.marks[0] > s.earlyUntil {
		s.early = 0
	}
	return minuteOf(from - Overlap - 1 - s.early)
}
