// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import "slices"

// failing is what is known of a walk whose calls fail. Whether reading continues does not depend on the kind of
// failure: if a page keeps failing while others are answered, its walk starts again with a shorter window. A
// single second that still fails is set aside and retried less and less often, and everything else is read.
type failing struct {
	calls    int   // failures in a row, for the same page
	since    int64 // when this walk, or the one that it is a part of, failed first; elapsed milliseconds
	answers  int64 // pages that the API had answered by the latest failure
	said     int64 // those of them that said whether more follow
	finishes int64 // windows that had been read to their end by then
	proven   int   // failures before which another page had been answered since the previous failure
	limited  int   // those of them that were refusals of a rate limit
	definite bool  // each was a refusal by the API itself
	refused  bool  // the API has refused the time range or the page token since the last answer
	suspect  bool  // part of a window that failed while others were answered
	// endOfRange reports that this is the last second of a window that was set aside, see askForEnd.
	endOfRange bool
	deep       bool // a page after the first one failed, so the first one can be read
	aside      bool
	asideAt    int64 // since when, elapsed milliseconds
	tries      int   // since it was set aside
	retryAt    int64 // no retry before, elapsed milliseconds
	// failed is how often the walk has failed, and counted how many of these failures counted for the plan.
	// before has the pages that were answered and the calls that had failed before the first failure: see
	// byChance.
	failed, counted int64
	before          outcomes
}

// outcomes counts calls of a term: pages that were answered, and failed calls, except calls for a range that is
// known or suspected to fail.
type outcomes struct{ answers, failures int64 }

// Failure is a failed call, as far as the plan needs it.
type Failure struct {
	// Refused is a code by which the API refuses the time range.
	Refused bool
	// Definite is an answer of the Open API with a code that does not mean a failure of its own.
	Definite bool
	// Throttled is a rate limit, which seldom depends on the time range.
	Throttled bool
	// BadPage is a page that no other page can follow, see Turn.
	BadPage bool
	// Unsaid is an answer that does not say whether more pages follow and is not believed, or a refusal of the
	// repeated call for such a page.
	Unsaid bool
}

// Verdict is what NoteFailure has decided about the walk.
type Verdict int

const (
	// Again: request the same page again.
	Again Verdict = iota
	// Doubtful: like Again, but the page has failed so often that it matters whether the API answers at all: see
	// NoteProbe.
	Doubtful
	// Restarted: the walk starts again, with a shorter window if possible.
	Restarted
	// RestartedAgain: like Restarted, and the previous attempt did not get further.
	RestartedAgain
	// Yields: the walk waits while others are read first, if any can be.
	Yields
	// SetAside: the walk cannot be shortened further. It waits while others are read.
	SetAside
	// Aside: the walk had been set aside before, and has failed again.
	Aside
	// AtEnd: the refused page token is taken for the way in which this API ends a window. The walk is finished.
	AtEnd
)

// Retries reports whether the walk is requested again before others are read.
func (v Verdict) Retries() bool { return v == Again || v == Restarted || v == RestartedAgain }

// Suspects reports whether the walk is a part of a window that failed while others were answered.
func (s *Plan) Suspects(w *Walk) bool { return w.failing.suspect }

// The number of failures in a row after which a page is not simply requested again.
const (
	failuresOfPage      = 6
	failuresOfBadPage   = 4
	failuresOfSuspect   = 3
	failuresByRateLimit = 12
	// A refusal of the time range or of a page token is checked with one more call, because it may have been
	// chance. If such chance refusals happened recently, more calls are needed.
	failuresRefused       = 2
	failuresRefusedChance = 5
)

// maxUnsaid is how often a walk may start again without getting further, if its page does not say whether it is
// the last one and the used page token is refused when that page is requested again. The page is believed after
// three answers that agree; what the API shows may change meanwhile.
const maxUnsaid = 6

// chanceLasts is how long a chance refusal makes other refusals suspect, in milliseconds.
const chanceLasts = 10 * 60_000

// How long a walk that was set aside waits for its next try, in milliseconds. The wait doubles.
const (
	firstAsideWait = 15_000
	lastAsideWait  = 5 * 60_000
)

// maxAside is how many windows of a pass may be set aside before no newer ones are tried.
const maxAside = 16

func (s *Plan) enough(w *Walk, f Failure) int {
	switch {
	case w.failing.aside:
		return 1
	case f.Refused && s.chanceUntil > s.elapsed:
		return failuresRefusedChance
	case f.Refused:
		return failuresRefused
	case f.Throttled:
		return failuresByRateLimit
	case w.failing.suspect:
		return failuresOfSuspect
	case f.BadPage:
		return failuresOfBadPage
	}
	return failuresOfPage
}

// NoteFailure notes that the call for the walk's page has failed, at this time of the term in milliseconds, and
// decides how the walk continues.
func (s *Plan) NoteFailure(w *Walk, f Failure, elapsed int64, why error) Verdict {
	x := &w.failing
	if x.since == 0 {
		x.answers, x.said, x.finishes, x.since, x.definite = s.answers, s.said, s.finishes, max(1, elapsed), true
		x.before = outcomes{s.answers, s.failures}
	}
	x.calls++
	if x.failed++; !x.aside && !x.suspect {
		x.counted++
		s.failures++
	}
	// A page of another walk that was answered meanwhile proves that the fault is in this walk. If what fails
	// here is an answer that says too little, other such answers prove nothing, even if they are believed.
	if s.said > x.said || s.answers > x.answers && !f.Unsaid {
		x.proven++
		if f.Throttled {
			x.limited++
		}
	}
	x.refused = x.refused || f.Refused
	x.answers, x.said, x.definite, x.deep = s.answers, s.said, x.definite && f.Definite, x.deep || w.token != ""
	// If paging fails, an answered first page proves nothing.
	paging := f.BadPage || w.token != ""
	if w.token != "" && !f.BadPage && !f.Definite {
		w.lost = true
		if w.scroll {
			// The lost answer had this page; the next answer would have another.
			return s.loseScroll(w, elapsed, why)
		}
	}
	if w.token != "" && f.Refused && f.Unsaid && w.restarts < maxUnsaid {
		x.calls = 0 // the token was used for the answer that is not believed
		s.Restart(w, why)
		return Restarted
	}
	switch {
	case x.calls < s.enough(w, f):
		return Again
	case !f.BadPage && !f.Unsaid && s.refusedEnd(w):
		s.finish(w)
		return AtEnd
	case w.token != "" && (f.Refused || f.BadPage || x.proven > 0):
		// The token may be the cause. From the second time on the window is shortened, too.
		x.calls, x.suspect = 0, true
		switch {
		case s.DropToken(w, why):
			return Restarted
		case w.seconds() > 1 || w.restarts < maxAlone:
			return RestartedAgain
		}
	case w.token == "" && w.seconds() > 1 && (f.Refused || f.BadPage || x.proven > 0) && s.isolates(w):
		to := w.to
		s.ShortenRefused(w)
		s.suspectRest(w, to)
		s.Restart(w, why)
		x.calls, x.suspect, x.aside = 0, true, false
		return Restarted
	case x.proven == 0 && !f.BadPage && (!f.Refused || !s.followsAside(w)):
		return Doubtful
	}
	if paging && s.finishes == x.finishes {
		// Perhaps no window can be read to its end: other walks will show it.
		s.postpone(w, elapsed)
		return Yields
	}
	return s.setAside(w, elapsed)
}

// postponed reports whether the walk waits for others, or was set aside.
func (x *failing) postponed() bool { return x.aside || x.retryAt > 0 }

// postpone makes the walk wait, each time longer.
func (s *Plan) postpone(w *Walk, elapsed int64) {
	x := &w.failing
	x.retryAt = elapsed + min(int64(firstAsideWait)<<min(x.tries, 10), lastAsideWait)
	x.tries++
	w.timesPostponed++
	w.urgent = false
}

// smallPages are the page sizes with which a postponed walk is tried in turn, after the configured one. Its
// pages may be too large to arrive in time, or for max_response_size, or one entry may break the answer while
// those before it can be read.
var smallPages = []int{10, 1}

// choosePageSize sets the page size of the next attempt at a walk.
func (s *Plan) choosePageSize(w *Walk) {
	w.pageSize = s.pageSize
	if n := w.timesPostponed % (1 + len(smallPages)); n > 0 {
		w.pageSize = min(s.pageSize, smallPages[n-1])
	}
}

// reach is how far the attempt has got, in entries if all pages are full.
func (w *Walk) reach() int64 { return w.pages * int64(w.pageSize) }

// isolates reports whether to look for the failing part in one half of the walk. It does not if the window
// before it fails, too, and the one after it is not known to be readable: then a longer time fails, and only its
// end is worth looking for.
func (s *Plan) isolates(w *Walk) bool {
	list := s.walks[w.pass]
	i := slices.Index(list, w)
	return !s.followsAside(w) || i+1 < len(list) && list[i+1].finished
}

// followsAside reports whether the window before this walk was set aside.
func (s *Plan) followsAside(w *Walk) bool {
	list := s.walks[w.pass]
	i := slices.Index(list, w)
	return i > 0 && list[i-1].failing.aside && !list[i-1].finished
}

// suspectRest notes that the other half of a walk that was just cut may be the failing part.
func (s *Plan) suspectRest(w *Walk, to int64) {
	list := s.walks[w.pass]
	if i := slices.Index(list, w) + 1; i < len(list) {
		list[i].failing.suspect = true
	} else {
		s.suspectTo[w.pass] = to
	}
}

func (s *Plan) setAside(w *Walk, elapsed int64) Verdict {
	x := &w.failing
	verdict := Aside
	if !x.aside {
		if !s.followsAside(w) {
			verdict = SetAside // and not only more of the same range
		}
		x.aside, x.asideAt, x.tries = true, elapsed, 0
		// The length was not the reason for the refusal. If a longer time fails, the end of the failing time
		// should be found soon. But a window longer than any that was ever read may be refused for its length,
		// just as one that is too old may be refused for its age.
		s.maxLength, s.trial, s.tight = s.maxWindow, false, 0
		s.length = min(max(2*w.seconds(), startLength), s.maxLength)
		if x.refused {
			s.length = min(s.length, max(startLength, s.longestRead))
		}
	}
	s.postpone(w, elapsed)
	return verdict
}

// waits reports whether it is too early to request the walk's page again.
func (s *Plan) waits(w *Walk) bool { return w.failing.retryAt > s.elapsed }

// pickAside returns a walk that was set aside and is due for a retry: the one that has waited longest, and one
// at a time.
func (s *Plan) pickAside() (first *Walk) {
	for _, walks := range s.walks {
		for _, w := range walks {
			switch {
			case !w.failing.aside || w.finished:
			case w.inFlight:
				return nil
			case !s.waits(w) && (first == nil || w.failing.retryAt < first.failing.retryAt):
				first = w
			}
		}
	}
	return first
}

// AsideInFlight is how many walks that were set aside wait for an answer: 0 or 1. Such a walk is read
// concurrently with the others, which do not wait for it.
func (s *Plan) AsideInFlight() (n int) {
	for _, walks := range s.walks {
		for _, w := range walks {
			if w.failing.aside && w.inFlight {
				n++
			}
		}
	}
	return n
}

// NoteProbe notes that the API has answered a call that belongs to no walk, and whether that answer said if more
// pages follow.
func (s *Plan) NoteProbe(said bool) {
	s.answers++
	if said {
		s.said++
	}
}

// RetryAt is when the first of the waiting walks may be retried, in milliseconds of the term; 0 if none waits.
func (s *Plan) RetryAt() (elapsed int64) {
	for _, walks := range s.walks {
		for _, w := range walks {
			if at := w.failing.retryAt; !w.finished && !w.inFlight && at > s.elapsed && (elapsed == 0 || at < elapsed) {
				elapsed = at
			}
		}
	}
	return elapsed
}

// AsideSeconds is how much of the timeline is set aside.
func (s *Plan) AsideSeconds() (seconds int64) {
	for _, walks := range s.walks {
		for _, w := range walks {
			if w.failing.aside && !w.finished {
				seconds += w.seconds()
			}
		}
	}
	return seconds
}
