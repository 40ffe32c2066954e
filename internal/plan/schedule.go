// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
)

// InFlight is how many walks wait for an answer.
func (s *Plan) InFlight() int { return s.waiting }

// Stop ends all walks before they are finished.
func (s *Plan) Stop() { s.endAll(errStopped) }

// pick returns the walk whose page to request now, by the server's clock, or nil. New entries go first, unless
// the rechecks are so late that the remembered ids would grow without bound: then new entries wait, even for a
// call that gets no answer.
func (s *Plan) pick(now int64) *Walk {
	w := s.pickAside()
	if w == nil || w.token == "" && s.sinceAside < othersPerAside {
		if other := s.pickOther(now); other != nil {
			s.sinceAside++
			return other
		}
	}
	if w != nil {
		s.sinceAside = 0
	}
	return w
}

// othersPerAside is how many other pages are requested, if there are any, before one of a walk that was set
// aside.
const othersPerAside = 8

// pickOther returns a walk that was not set aside.
func (s *Plan) pickOther(now int64) *Walk {
	if w := s.urgentWalk(); w != nil {
		if w.inFlight {
			return nil
		}
		return w
	}
	last := s.pos.last()
	if last > 0 && s.pos.marks[0]-s.pos.marks[last] > 2*s.pos.recheck[last]+MemoryAllowance {
		if w := s.lastRecheck(now); w != nil || s.isRead(last) {
			return w
		}
	}
	if last > 0 && s.pos.expires(now) {
		if w := s.lastRecheck(now); w != nil {
			return w
		}
	}
	if w := s.resume(0); w != nil {
		return w
	}
	if w := s.fresh(now); w != nil {
		return w
	}
	// If the pace is too slow for all rechecks, the last one goes before the others. The guarantee depends on
	// it, and what it reads also serves the others once they are as late. If it became later still, new entries
	// would have to wait.
	if last > 1 && s.pos.behind(last, now) > s.pos.recheck[last] {
		if w := s.lastRecheck(now); w != nil {
			return w
		}
	}
	for pass := 1; pass <= last; pass++ {
		if w := s.resume(pass); w != nil {
			return w
		}
	}
	if pass := s.mostOverdue(now); pass > 0 {
		return s.recheck(pass, now)
	}
	return nil
}

// lastRecheck continues with the last recheck, due or not. While an earlier window of it is being read, the next
// one must be worth a call.
func (s *Plan) lastRecheck(now int64) *Walk {
	last := s.pos.last()
	if w := s.resume(last); w != nil {
		return w
	}
	if len(s.walks[last]) > 0 && s.overdue(last, now) < s.step(last) {
		return nil
	}
	return s.recheck(last, now)
}

// maxAlone is how often a walk may start again without getting further and still go before all others.
const maxAlone = 3

// urgentWalk returns a walk that is read alone, because concurrent walks, and their waits after failures, would
// use up the lifetime of its page token.
func (s *Plan) urgentWalk() *Walk {
	for _, walks := range s.walks {
		for _, w := range walks {
			if w.urgent && !w.finished && w.restarts <= maxAlone && !w.failing.aside {
				return w
			}
		}
	}
	return nil
}

// isRead reports whether a walk of the pass is being read and was not set aside.
func (s *Plan) isRead(pass int) bool {
	return slices.ContainsFunc(s.walks[pass], func(w *Walk) bool { return !w.finished && !w.failing.aside })
}

// resume returns a walk of the pass whose next page may be requested.
func (s *Plan) resume(pass int) *Walk {
	for i, w := range s.walks[pass] {
		if w.inFlight || w.finished || w.failing.aside || s.waits(w) {
			continue
		}
		if w.pages == 0 && w.token == "" && w.failing.calls == 0 && w.seconds() > 2*s.length {
			// The rest of a window that was cut: by now it is known that shorter ones fit.
			rest := &Walk{window: window{w.from + s.length, w.to}, pass: pass}
			w.to = rest.from
			s.walks[pass] = slices.Insert(s.walks[pass], i+1, rest)
		}
		return w
	}
	return nil
}

// pending is how many windows of pass 0 count as unfinished. Windows after one that was set aside do not count
// once they are read: they are remembered at most until that one is skipped.
func (s *Plan) pending() (n int) {
	list := s.walks[0]
	if len(list) == 0 || !list[0].failing.postponed() {
		return len(list)
	}
	aside, open := 0, false // open: nothing after the last of them was read
	for _, w := range list {
		switch {
		case w.finished:
			open = false
		case w.failing.postponed():
			aside++
			open = true
		default:
			n++
		}
	}
	if open && aside >= maxAside {
		return len(list) // a long time fails: see Unreadable.Open
	}
	return n
}

// tail is where the next window of a pass starts.
func (s *Plan) tail(pass int) int64 {
	tail := s.pos.marks[pass]
	if n := len(s.walks[pass]); n > 0 {
		tail = max(tail, s.walks[pass][n-1].to)
	}
	return tail
}

func (s *Plan) start(pass int, w window) *Walk {
	started := &Walk{window: w, pass: pass, pageSize: s.pageSize}
	n := len(s.walks[pass])
	started.failing.suspect = w.from < s.suspectTo[pass] || n > 0 && s.walks[pass][n-1].failing.aside
	s.walks[pass] = append(s.walks[pass], started)
	return started
}

// MaxPending is how many windows of pass 0 may be between its watermark and the newest window, for each that may
// be read at a time.
const MaxPending = 3

// fresh starts a window of pass 0.
func (s *Plan) fresh(now int64) *Walk {
	// What is read after a window that cannot be finished must be remembered: read only a few windows of it.
	if !s.due || s.pending() >= MaxPending*s.wide {
		return nil
	}
	w := window{from: s.tail(0), to: s.pos.target(0, now-s.newest.age(now))}
	if w.seconds() <= 0 {
		s.due = len(s.walks[0]) > 0 // nothing to read before the next tick
		return nil
	}
	if end := s.uncrossed(w.from, w.from+min(w.seconds(), s.share(w.seconds())), now); end < w.to {
		w.to = end
		return s.start(0, w)
	}
	s.due = false
	if len(s.walks[0]) == 0 {
		w.from = s.extend(w, now)
	}
	return s.start(0, w)
}

// uncrossed is where a window ends so that it does not extend over the time up to which nothing is read again.
// An exception is if only little of it is that old: the last recheck reads that, see finish.
func (s *Plan) uncrossed(from, to, now int64) int64 {
	last := s.pos.last()
	if edge := s.pos.readOnce(now); last > 0 && edge < to && edge-from >= s.step(last) {
		return edge
	}
	return to
}

// extend lets the newest window start earlier if that serves a recheck that is due and costs no additional page,
// so that a quiet tenant costs one call a tick.
func (s *Plan) extend(w window, now int64) int64 {
	for pass := s.pos.last(); pass > 0; pass-- {
		from := s.pos.marks[pass]
		if from < w.from && !s.pos.crosses(from, w.to) && len(s.walks[pass]) == 0 && s.overdue(pass, now) >= s.step(pass) &&
			w.to-from <= s.maxLength && 2*s.seen.countFrom(minuteOf(from-Overlap)) <= s.pageSize {
			return from
		}
	}
	return w.from
}

// overdue is how many seconds of a recheck could be read now. A recheck does not overtake pass 0.
func (s *Plan) overdue(pass int, now int64) int64 {
	return min(s.pos.target(pass, now), s.pos.marks[0]) - s.tail(pass)
}

// step is how many seconds are worth a call for a recheck.
func (s *Plan) step(pass int) int64 {
	step := max(s.tick, s.pos.kept.step(s.pos.recheck[pass]))
	if end := s.pos.stop(s.tail(pass)); end != 0 {
		step = max(1, min(step, end-s.tail(pass))) // the rest of a bounded export
	}
	return step
}

// mostOverdue is the recheck that is due and has waited longest relative to its delay; 0 if none is due.
func (s *Plan) mostOverdue(now int64) int {
	best := 0
	for pass := 1; pass <= s.pos.last(); pass++ {
		if s.overdue(pass, now) < s.step(pass) {
			continue
		}
		if best == 0 || s.overdue(pass, now)*s.step(best) > s.overdue(best, now)*s.step(pass) {
			best = pass
		}
	}
	return best
}

func (s *Plan) recheck(pass int, now int64) *Walk {
	from := s.tail(pass)
	to := s.uncrossed(from, from+min(s.overdue(pass, now), s.length), now)
	if to <= from {
		return nil
	}
	return s.start(pass, window{from: from, to: to})
}
