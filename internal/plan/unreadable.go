// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math"
	"slices"
)

// How long a time range has to fail before it is skipped, in milliseconds: what is skipped is not read again. A
// definite refusal is not an outage. If only a later page fails, page tokens may expire while the pace makes
// them wait; if a rate limit refuses it, other calls may always have been first when one was allowed again.
const (
	PatienceRefused = 10 * 60_000
	PatienceFailing = 60 * 60_000
	patienceLong    = 12 * 60 * 60_000
)

// minProofs is how many failures of a walk, each after another page was answered, show that its window is the
// cause; minProofsMore is the same for each walk that follows it.
const (
	minProofs     = 3
	minProofsMore = 1
)

// patience returns for how many milliseconds, and with how many proofs, the walk must be set aside to be hopeless. A walk
// that follows another such walk was set aside after it, as a part of the same range.
func (w *Walk) patience(follows bool) (wait int64, proofs int) {
	x := &w.failing
	if follows && x.endOfRange {
		return 0, minProofs // the range itself has failed for long enough
	}
	wait, proofs = PatienceFailing, minProofs
	if follows {
		proofs = minProofsMore
	}
	switch {
	case x.deep || x.proven-x.limited < proofs:
		wait = patienceLong
	case x.definite:
		wait = PatienceRefused
	}
	if follows {
		wait /= 2
	}
	return wait, proofs
}

// hopeless reports whether the walk has failed for long enough.
func (w *Walk) hopeless(elapsed int64, follows bool) bool {
	x := &w.failing
	wait, proofs := w.patience(follows)
	return x.aside && !w.finished && !w.inFlight && x.proven >= proofs && elapsed-x.asideAt >= wait
}

// soonHopeless reports whether the walk was set aside after a hopeless one, and waits no longer than an hour to be
// hopeless, too, or read.
func (w *Walk) soonHopeless() bool {
	wait, _ := w.patience(true)
	return w.failing.aside && !w.finished && wait <= PatienceFailing
}

// likelyChance is the largest accepted probability that what is skipped has failed only because most calls fail.
const likelyChance = 0.01

// byChance reports whether the walk may have failed only because most calls fail: in an outage in which one call
// in ten is answered, other calls are answered between any two failures of the walk.
func (s *Plan) byChance(w *Walk) bool {
	x := &w.failing
	failures := float64(s.failures - x.before.failures - x.counted)
	answers := float64(s.answers - x.before.answers)
	return failures > 0 && math.Pow(failures/(failures+answers), float64(x.failed)) > likelyChance
}

// Unreadable is a time range that has failed for so long that it has to be skipped.
type Unreadable struct {
	Pass     int
	From, To int64
	// Open reports that nothing after it is known to be readable.
	Open bool
	// For is how many milliseconds it has failed, at least.
	For int64
	// Again reports that a recheck will read the range once more.
	Again bool
}

// Unreadable returns the range at the start of a pass that has failed for long enough.
func (s *Plan) Unreadable(elapsed int64) (u Unreadable, ok bool) {
	for pass, list := range s.walks {
		n := 0
		for n < len(list) && list[n].hopeless(elapsed, n > 0) && !s.byChance(list[n]) {
			n++
		}
		if n == 0 {
			continue
		}
		if n < min(len(list), maxAside) && list[n].soonHopeless() {
			continue // the whole range is skipped at once
		}
		u = Unreadable{Pass: pass, From: list[0].from, To: list[n-1].to}
		followed := n < len(list) && list[n].finished
		if pass == 0 && !followed {
			u.Open = n >= maxAside && n == len(list)
			if !u.Open && u.To < s.pos.target(pass, s.now) {
				continue // what follows is not known yet
			}
		}
		if last := list[n-1]; last.seconds() > 1 && !u.Open {
			switch {
			case followed:
				last.failing.retryAt = 0 // where the readable part starts has to be found
			case n < len(list) && list[n].failing.endOfRange: // its outcome is needed first
			default:
				s.askForEnd(last)
			}
			continue
		}
		for _, w := range list[:n] {
			u.For = max(u.For, elapsed-w.failing.since)
		}
		u.Again = s.pos.marks[s.pos.last()] < u.From
		return u, true
	}
	return u, false
}

// askForEnd turns the last second of a walk that was set aside into a walk of its own. The window may fail
// because of its length, as what follows a failing range is not split. If its end can be read, it is possible to
// find where the readable part starts (isolates).
func (s *Plan) askForEnd(w *Walk) {
	end := &Walk{window: window{w.to - 1, w.to}, pass: w.pass}
	end.failing.suspect, end.failing.endOfRange = true, true
	w.to--
	list := s.walks[w.pass]
	s.walks[w.pass] = slices.Insert(list, slices.Index(list, w)+1, end)
}

// Abandon skips a time range that Unreadable has returned, in every pass that has reached it.
func (s *Plan) Abandon(u Unreadable) {
	list := s.walks[u.Pass]
	if u.Pass > 0 && list[0].failing.definite {
		s.noteEdge(list, u)
	}
	for _, w := range list {
		if w.to > u.To {
			break
		}
		s.end(w, errNotShown)
		w.finished, w.returned = true, hashSet{}
		w.asOf = w.to + s.pos.recheck[s.pos.last()]
	}
	s.settle()
}

// noteEdge notes what the refusal of a recheck's time suggests about how long the API keeps entries.
func (s *Plan) noteEdge(list []*Walk, u Unreadable) {
	// Perhaps nothing as old as rechecks is shown at all.
	age := (s.now - u.To) * 3 / 4
	for _, w := range list {
		if w.from >= u.To && w.finished {
			age = w.asOf - w.from
			break
		}
	}
	s.pos.kept.suggest(age, s.now)
}
