// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import "slices"

// failing is what is known of a walk whose calls fail. The answer of the API does not
// decide whether the log goes on: a page that keeps failing while others are answered makes
// its walk start again and shrink, whatever the answer is. What fails down to one second is
// set aside, so that everything else goes on, and retried ever more rarely.
type failing struct {
	calls    int   // that failed in a row, for the same page
	since    int64 // when the first did of this walk or of what it is a part of, elapsed milliseconds
	answers  int64 // pages that the API had answered by the latest of them
	said     int64 // those of them that said whether more follow
	finishes int64 // windows that had been read to their end by then
	proven   int   // failures before which another page was answered, since the one before
	limited  int   // those of them that were refusals of a rate limit
	definite bool  // each was a refusal by the API itself
	refused  bool  // the API has refused the time range or the page token since the last answer
	suspect  bool  // a part of a window that failed while others were answered
	deep     bool  // a page after the first one failed: what the first one holds is read
	aside    bool
	asideAt  int64 // since when, elapsed milliseconds
	tries    int   // since it was set aside
	retryAt  int64 // not asked for before, elapsed milliseconds
	// failed is how often it has failed, counted how many of these failures counted for the plan, and
	// before what pages were answered and calls had failed before the first: see byChance.
	failed, counted int64
	before          outcomes
}

// outcomes are calls of a term: pages that were answered, and calls that failed without being for a
// range that is known to fail, or thought to.
type outcomes struct{ answers, failures int64 }

// Failure is a failed call, as far as it matters here.
type Failure struct {
	// Refused is a code by which the API says that it does not take the time range.
	Refused bool
	// Definite is an answer of the Open API that does not blame itself: with a code, and
	// none for a failure of its own.
	Definite bool
	// Throttled is a rate limit, which seldom has to do with what was asked for.
	Throttled bool
	// BadPage is a page that cannot be followed by another one, see Turn.
	BadPage bool
	// Unsaid is an answer that does not say whether more pages follow, and is not believed, or a
	// refusal when such a page was asked for again.
	Unsaid bool
}

// Verdict is what NoteFailure has made of the walk.
type Verdict int

const (
	// Again: the same page is to be asked for again.
	Again Verdict = iota
	// Doubtful: as Again. But the page has failed so often that it matters whether the
	// API answers anything: see NoteProbe.
	Doubtful
	// Restarted: the walk starts again, with a shorter window if it could be shortened.
	Restarted
	// RestartedAgain: as Restarted, and the time before it did not get further.
	RestartedAgain
	// Yields: the walk waits, and others are to be read first, if they can be.
	Yields
	// SetAside: the walk cannot be shortened any more. It waits, and others go on.
	SetAside
	// Aside: it was set aside before, and has failed again.
	Aside
)

// After how many failures in a row a page is no longer just asked for again.
const (
	failuresOfPage      = 6
	failuresOfBadPage   = 4
	failuresOfSuspect   = 3
	failuresByRateLimit = 12
	// A refusal of the time range or of a page token is asked about once more: it may have been
	// chance. It has to come more often where that was so lately.
	failuresRefused       = 2
	failuresRefusedChance = 5
)

// maxUnsaid is how often a walk may start again without getting further because a page token that was
// used is refused when its page, which does not say whether it is the last, is asked for again. The
// page is believed after three answers that agree; what the API shows may change meanwhile.
const maxUnsaid = 6

// chanceLasts is for how long a refusal that was chance tells that others may be, in milliseconds.
const chanceLasts = 10 * 60_000

// How long a walk that was set aside waits for its next try, in milliseconds: it doubles.
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

// NoteFailure notes that the call for the walk's page has failed, after so many
// milliseconds of the term, and decides what becomes of the walk.
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
	// What proves that it is this walk that fails: a page of another was answered meanwhile.
	// Others may be believed that say as little as what fails here: these prove nothing.
	if s.said > x.said || s.answers > x.answers && !f.Unsaid {
		x.proven++
		if f.Throttled {
			x.limited++
		}
	}
	x.refused = x.refused || f.Refused
	x.answers, x.said, x.definite, x.deep = s.answers, s.said, x.definite && f.Definite, x.deep || w.token != ""
	// Where it is the paging that fails, a first page proves nothing.
	paging := f.BadPage || w.token != ""
	if w.token != "" && !f.BadPage && !f.Definite {
		w.lost = true
		if w.scroll {
			// The answer that was lost had the page; the next one would be another.
			s.expire(w.pages)
			s.Restart(w, why)
			return Restarted
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
	case w.token != "" && (f.Refused || f.BadPage || x.proven > 0):
		// Perhaps it is the token. From the second time on the window is shortened, too.
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
		// Perhaps no window can be read to its end: that is for others to show.
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

// smallPages are the page sizes with which a walk that is postponed is tried after the configured one,
// in turn: its pages may be too large to arrive in time, or for max_response_size, or one entry of
// them may break the answer, and those before it can be read.
var smallPages = []int{10, 1}

// choosePageSize sets the page size of an attempt at a walk that is about to begin.
func (s *Plan) choosePageSize(w *Walk) {
	w.pageSize = s.pageSize
	if n := w.timesPostponed % (1 + len(smallPages)); n > 0 {
		w.pageSize = min(s.pageSize, smallPages[n-1])
	}
}

// reach is how far the attempt has got, in entries where no page is cut short.
func (w *Walk) reach() int64 { return w.pages * int64(w.pageSize) }

// isolates reports whether to look for what fails in one half of the walk. Not where its
// neighbour before it fails, too, and the one after it is not known to be readable: then it
// is a longer time that fails, and only its end is worth looking for.
func (s *Plan) isolates(w *Walk) bool {
	list := s.walks[w.pass]
	i := slices.Index(list, w)
	return !s.followsAside(w) || i+1 < len(list) && list[i+1].finished
}

// followsAside reports whether the window before the walk's was set aside.
func (s *Plan) followsAside(w *Walk) bool {
	list := s.walks[w.pass]
	i := slices.Index(list, w)
	return i > 0 && list[i-1].failing.aside && !list[i-1].finished
}

// suspectRest notes that the other half of a walk that was just cut may be what fails.
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
			verdict = SetAside // and not just more of the same range
		}
		x.aside, x.asideAt, x.tries = true, elapsed, 0
		// It was not the length that was refused. If a longer time fails, what lies after it
		// is to be found soon. But what is longer than any window that was ever read may be refused for
		// that, as what is too old is.
		s.maxLength, s.trial = s.maxWindow, false
		s.length = min(max(2*w.seconds(), startLength), s.maxLength)
		if x.refused {
			s.length = min(s.length, max(startLength, s.longestRead))
		}
	}
	s.postpone(w, elapsed)
	return verdict
}

// waits reports whether it is too early to ask for the walk's page again.
func (s *Plan) waits(w *Walk) bool { return w.failing.retryAt > s.elapsed }

// pickAside returns a walk that was set aside and whose time to be tried has come: the one
// that has waited longest, and one at a time.
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

// AsideInFlight is how many walks that were set aside wait for an answer: 0 or 1. Such a walk
// is read beside the others, which do not wait for it.
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

// NoteProbe notes that the API has answered something else than the walks, and whether that said
// if more pages follow.
func (s *Plan) NoteProbe(said bool) {
	s.answers++
	if said {
		s.said++
	}
}

// RetryAt is when the first of the walks that wait may be asked for again, in milliseconds
// of the term; 0 where none waits.
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
