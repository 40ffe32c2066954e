// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// PagesPerWalk is how many pages a window should take: long enough that the page
// which its end leaves half empty, and the seconds that it shares with its
// neighbours, cost less than one call in a hundred; short enough that a restart
// repeats no more than a minute of calls.
const PagesPerWalk = 100

// startLength is the length of the first window, in seconds. From there the
// density of what was read decides.
const startLength = 5 * 60

// nextLength is the length of a window that takes as many pages as wanted, where
// the last one of the given length took so many. It grows by steps: what comes
// next may be denser.
func nextLength(length, pages, wanted, maxLength int64) int64 {
	length = min(length*wanted/max(1, pages), 4*length)
	return min(max(length, 1), maxLength)
}

// share is the length of the next of the windows into which so many seconds are
// split, to be read side by side. They get shorter towards the end, so that all
// walks end together, but not too short: each costs a page and the overlap.
func (s *Plan) share(seconds int64) int64 {
	if s.wide <= 1 {
		return s.length
	}
	wide := int64(s.wide)
	return min(s.length, max((seconds+wide-1)/wide, s.length/5))
}

// expire notes that a walk did not get further than so many pages: if tokens live for a
// short time, or the API does not go deeper, windows have to fit into what it does.
func (s *Plan) expire(pages int64) {
	if s.raised { // longer windows were tried too soon
		s.trialFits = min(2*s.trialFits, mostFits)
	}
	s.reach, s.fits, s.raised = max(1, min(pages, PagesPerWalk)), 0, false
	s.wanted = fitting(s.reach)
}

// fitting is how many pages a window should take where so many were got through: with some
// to spare, as what comes next may be denser.
func fitting(reach int64) int64 { return max(1, reach*3/4) }

// How many windows in a row have to be read before longer ones are tried: the reason may have
// passed, or have been chance. Twice as many where the longer ones were not read, and in
// the end so many that what is lost to trials is little.
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

// ShortenRefused shortens a window that the API does not take, and remembers not to ask
// for one that long again, for a while. It reports whether it could. A minute is always
// tried: a refusal may have had another reason. So a longer window is tried again, less
// and less often where it is refused each time.
func (s *Plan) ShortenRefused(w *Walk) bool {
	if !s.halve(w) {
		return false
	}
	switch {
	case s.trial:
		s.trialAfter = min(2*s.trialAfter, lastTrial)
	case s.maxLength == s.maxWindow:
		s.trialAfter = firstTrial
	}
	s.maxLength = min(s.maxLength, max(w.seconds(), 60))
	s.trialAt, s.trial = w.asOf+s.trialAfter, false
	return true
}

// lengthen notes that the API has accepted a window of maxLength. Twice that is tried if
// it is time to, or if this one was tried: then it was not the length that was refused.
func (s *Plan) lengthen(now int64) {
	if s.maxLength >= s.maxWindow {
		s.trial = false
	} else if s.trial || now >= s.trialAt {
		s.maxLength = min(2*s.maxLength, s.maxWindow)
		s.trial = true
	}
}

// After how many seconds a longer window than the API has taken is tried again, at
// first and at the most.
const (
	firstTrial = 4 * 60 * 60
	lastTrial  = 24 * 60 * 60
)

// halve shortens a walk that cannot be finished, and every window after it. It
// reports whether it could.
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
