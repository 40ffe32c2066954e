// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// PagesPerWalk is how many pages a window should take. It is long enough that the half-empty last page and the
// seconds shared with the neighbours cost less than one call in a hundred, and short enough that a restart
// repeats no more than a minute of calls.
const PagesPerWalk = 100

// startLength is the length of the first window, in seconds. After that the density of the entries read so far
// decides.
const startLength = 5 * 60

// nextLength is the length of a window that takes the wanted number of pages, if the last one, of the given
// length, took this many pages. It grows in steps, because the next entries may be denser.
func nextLength(length, pages, wanted, maxLength int64) int64 {
	length = min(length*wanted/max(1, pages), 4*length)
	return min(max(length, 1), maxLength)
}

// share is the length of the next window if this many seconds are split into windows that are read concurrently.
// Windows get shorter towards the end, so that all walks end together, but not too short: each costs a page and
// the overlap.
func (s *Plan) share(seconds int64) int64 {
	if s.wide <= 1 {
		return s.length
	}
	wide := int64(s.wide)
	return min(s.length, max((seconds+wide-1)/wide, s.length/5))
}

// expire notes that a walk got no further than this many pages. If page tokens are short-lived, or the API
// limits the number of pages, windows have to fit into that.
func (s *Plan) expire(pages int64) {
	if s.raised { // longer windows were tried too soon
		s.trialFits = min(2*s.trialFits, mostFits)
	}
	s.reach, s.fits, s.raised = max(1, min(pages, PagesPerWalk)), 0, false
	s.wanted = fitting(s.reach)
}

// fitting is how many pages a window should take if a walk gets through this many. It leaves a margin, because
// the next entries may be denser.
func fitting(reach int64) int64 { return max(1, reach*3/4) }

// How many windows in a row have to be read before longer ones are tried, because the reason may be gone, or may
// have been chance. The number doubles if the longer ones could not be read, so that in the end trials cost
// little.
const (
	firstFits = 4
	mostFits  = 64
)

// noteFit notes that a window was read to its end.
func (s *Plan) noteFit() {
	if s.reach >= PagesPerWalk {
		return
	}
	if s.fits++; s.fits < s.trialFits {
		return
	}
	if s.raised {
		s.trialFits = max(firstFits, s.trialFits/2)
	}
	s.reach, s.fits, s.raised = min(2*s.reach, PagesPerWalk), 0, true
	if s.wanted = fitting(s.reach); s.reach == PagesPerWalk {
		s.wanted, s.raised = PagesPerWalk, false
	}
}

// ShortenRefused shortens a window that the API refuses, and remembers for a while not to request one that long
// again. It reports whether it could. A minute is tried, because the refusal may have had another reason, until
// several windows in a row could be read only when they were shorter. For the same reason a longer window is
// tried again, less and less often if it is refused each time. If how new the window is may be the reason, its length
// is not remembered.
func (s *Plan) ShortenRefused(w *Walk) bool {
	age := s.now - w.to
	if !s.halve(w) {
		return false
	}
	if s.newest.mayBeRefused(age) {
		s.newest.refused(age, s.now, s.tick)
		return true
	}
	least := int64(leastRefused)
	if w.seconds() < least {
		if w.tight = true; s.tight >= tightWindows {
			least = 1
		}
	}
	shorter := max(w.seconds(), least)
	switch {
	case shorter < leastRefused && s.maxLength >= leastRefused:
		s.trialAfter = firstTightTrial
	case s.trial:
		s.trialAfter = min(2*s.trialAfter, lastTrial)
	case s.maxLength == s.maxWindow:
		s.trialAfter = firstTrial
	}
	s.maxLength = min(s.maxLength, shorter)
	s.trialAt, s.trial = w.asOf+s.trialAfter, false
	return true
}

// lengthen notes that the API has accepted a window of maxLength. Twice that is tried if it is time to, or if
// this one was a trial: then the length was not the reason for the refusal.
func (s *Plan) lengthen(now int64) {
	if s.maxLength >= s.maxWindow {
		s.trial = false
	} else if s.trial || now >= s.trialAt {
		s.maxLength = min(2*s.maxLength, s.maxWindow)
		s.trial = true
	}
}

// leastRefused is the length in seconds of a window that is tried even if one of that length was refused, unless
// tightWindows in a row were.
const (
	leastRefused = 60
	tightWindows = 3
)

// The number of seconds after which a longer window than the API has accepted is tried again: the first one, the first
// one where windows are shorter than a minute, and the largest one. Each second of the log may need a call of its own
// then, more than the rate limit allows, so a wrong conclusion has to end soon.
const (
	firstTrial      = 4 * 60 * 60
	firstTightTrial = 10 * 60
	lastTrial       = 24 * 60 * 60
)

// halve shortens a walk that cannot be finished, and every window after it. It reports whether it could.
func (s *Plan) halve(w *Walk) bool {
	if w.seconds() <= 1 {
		return false
	}
	s.cut(w, w.seconds()/2)
	return true
}

// cut shortens a walk, and every window after it.
func (s *Plan) cut(w *Walk, seconds int64) {
	rest := window{from: w.from + seconds, to: w.to}
	w.to, w.furthest = rest.from, 0
	s.length = min(s.length, w.seconds())
	list := s.walks[w.pass]
	if i := slices.Index(list, w); i < len(list)-1 {
		s.walks[w.pass] = slices.Insert(list, i+1, &Walk{window: rest, pass: w.pass})
	} else if w.pass == 0 {
		s.due = true
	}
}
