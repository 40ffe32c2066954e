// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import "slices"

// settings are the numbers by which a schedule plans. Times are Unix seconds, spans are
// seconds.
type settings struct {
	Begin, End int64   // the timeline; End is exclusive, 0: it has no end
	Recheck    []int64 // after how long each recheck reads the same time again, ascending
	Tick       int64   // poll_interval, at least 1
	MaxWindow  int64   // max_window, at least 1
	Walks      int     // max_concurrent_walks
	PageSize   int     // page_size
	// MaxPages bounds the pages of one window. Beyond it the window is shortened.
	MaxPages int64
	// ClockSlack is by how much two dates of the server may disagree without its clock
	// having been set.
	ClockSlack int64
}

// schedule decides which page to ask for next. It knows no clock and no network: whoever
// asks tells the time, and what became of each call. Not safe for concurrent use.
type schedule struct {
	pos     *position
	seen    *seen
	walks   [][]*walk // by pass, in order of time; the first begins at the watermark or before
	ended   []endedWalk
	waiting int // walks that wait for an answer

	maxPages   int64
	clockSlack int64
	tick       int64 // poll_interval in seconds, at least 1
	maxWindow  int64 // max_window in seconds
	maxLength  int64 // the same, or less where the API has refused that
	// trialAt is when a longer one is tried again, by the server's clock, trialAfter how
	// many seconds that is after it was refused, and trial whether one is being tried.
	trialAt, trialAfter int64
	trial               bool
	length              int64 // of the next window
	wanted              int64 // pages that a window should take
	wide                int   // max_concurrent_walks
	pageSize            int
	// due tells that pass 0 has not been started up to now since the last tick.
	due bool
}

// newSchedule plans the timeline from its begin, knowing the entries in seen.
func newSchedule(set settings, known *seen) *schedule {
	recheck := append([]int64{0}, set.Recheck...)
	return &schedule{
		pos:        newPosition(set.Begin, set.End, recheck),
		seen:       known,
		walks:      make([][]*walk, len(recheck)),
		maxPages:   set.MaxPages,
		clockSlack: set.ClockSlack,
		tick:       set.Tick,
		maxWindow:  set.MaxWindow,
		maxLength:  set.MaxWindow,
		length:     min(startLength, set.MaxWindow),
		wanted:     pagesPerWalk,
		wide:       set.Walks,
		pageSize:   set.PageSize,
		due:        true,
	}
}

// snapshot is what has to be remembered of a schedule, besides the ids: see Restore.
type snapshot struct {
	Begin int64
	// Recheck and Marks belong together: the passes, of which the first has 0, and their
	// watermarks. Every entry before a watermark, and shown by the API as late as the pass
	// reads, was accepted by the pipeline.
	Recheck, Marks []int64
	// Length is that of the next window.
	Length int64
}

// restore goes on from what an earlier schedule remembered. Its rechecks may have been
// others.
func (s *schedule) restore(old snapshot) {
	s.pos = newPosition(old.Begin, s.pos.end, s.pos.recheck)
	s.pos.adopt(old.Recheck, old.Marks)
	// Half as long as before, so that a process that is killed again and again in its
	// first minute gets on.
	s.length = min(max(1, old.Length/2), s.maxWindow)
}

// snapshot returns what to remember.
func (s *schedule) snapshot() snapshot {
	return snapshot{Begin: s.pos.begin, Recheck: s.pos.recheck, Marks: slices.Clone(s.pos.marks), Length: s.length}
}

// tickNow lets pass 0 read up to now.
func (s *schedule) tickNow() { s.due = true }

// take returns the walk whose next page is to be asked for now, by the server's clock,
// or nil. Until the answer is reported (landed) the walk is not returned again.
func (s *schedule) take(now int64) *walk {
	w := s.next(now)
	if w == nil {
		return nil
	}
	if w.pages == 0 {
		w.began = now
	}
	w.flying = true
	s.waiting++
	return w
}

// landed notes that the call for a page of the walk has ended, in whatever way.
func (s *schedule) landed(w *walk) {
	w.flying = false
	s.waiting--
}

// inFlight is how many walks wait for an answer.
func (s *schedule) inFlight() int { return s.waiting }

// stop ends all walks: nobody will finish them.
func (s *schedule) stop() { s.endAll(errStopped) }

// done reports whether a bounded export is complete.
func (s *schedule) done() bool { return s.pos.done() }

// bounds is the timeline: where it begins and where it ends; 0: never.
func (s *schedule) bounds() (begin, end int64) { return s.pos.begin, s.pos.end }

// oldest is the watermark of the last pass: nothing before it is read again.
func (s *schedule) oldest() int64 { return s.pos.marks[s.pos.last()] }

// rememberedIDs is how many ids are remembered, and the memory that grows with their
// number, in bytes.
func (s *schedule) rememberedIDs() (n int, bytes int64) { return s.seen.count, s.seen.bytes() }

// outside reports whether an entry of that second lies just outside of the timeline.
func (s *schedule) outside(eventTime int64) bool { return s.pos.outside(eventTime) }

// known reports whether the pipeline has accepted an entry before.
func (s *schedule) known(k seenKey) bool { return s.seen.has(k) }

// remember notes that the pipeline has accepted entries.
func (s *schedule) remember(keys []seenKey) {
	for _, k := range keys {
		s.seen.add(k)
	}
}

// late reports whether an entry that is new is of a second that pass 0 has read, and names
// the pass that finds it.
func (s *schedule) late(second int64) (foundBy string, late bool) {
	if second >= s.pos.marks[0] || second < s.pos.begin {
		return "", false
	}
	return s.pos.foundBy(second), true
}

// memoryAllowance is by how much, in seconds, the span of remembered ids may
// exceed twice the last recheck before rechecks go before fresh entries.
const memoryAllowance = 600

// next returns the walk whose page to ask for now, with the server's clock at
// now, or nil. Fresh entries go first, unless the rechecks have fallen behind so
// far that the remembered ids would grow without bound: then they wait, even for a
// call that gets no answer.
func (s *schedule) next(now int64) *walk {
	if w := s.hurrying(); w != nil {
		if w.flying {
			return nil
		}
		return w
	}
	last := s.pos.last()
	if last > 0 && s.pos.marks[0]-s.pos.marks[last] > 2*s.pos.recheck[last]+memoryAllowance {
		if w := s.lastRecheck(now); w != nil || len(s.walks[last]) > 0 {
			return w
		}
	}
	if w := s.resume(0); w != nil {
		return w
	}
	if w := s.fresh(now); w != nil {
		return w
	}
	// Where the pace is too slow for all rechecks, the last one goes before the
	// others. It is the one that entries are promised by, what it reads serves the
	// others once they have fallen back to it, and if it fell further behind, fresh
	// entries would have to wait.
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

// lastRecheck goes on with the last recheck, due or not; behind a window that is being
// read, only with one that is worth a call.
func (s *schedule) lastRecheck(now int64) *walk {
	last := s.pos.last()
	if w := s.resume(last); w != nil {
		return w
	}
	if len(s.walks[last]) > 0 && s.overdue(last, now) < s.step(last) {
		return nil
	}
	return s.recheck(last, now)
}

// maxAlone is how often a walk may begin again without getting further and still go
// before all others.
const maxAlone = 3

// hurrying returns a walk that goes alone, because others beside it, and their waits
// after failures, would use up the time for which its page token lives.
func (s *schedule) hurrying() *walk {
	for _, walks := range s.walks {
		for _, w := range walks {
			if w.hurry && !w.done && w.reset <= maxAlone {
				return w
			}
		}
	}
	return nil
}

// resume returns a walk of the pass that waits for its next page.
func (s *schedule) resume(pass int) *walk {
	for _, w := range s.walks[pass] {
		if !w.flying && !w.done {
			return w
		}
	}
	return nil
}

// tail is where the next window of a pass begins.
func (s *schedule) tail(pass int) int64 {
	tail := s.pos.marks[pass]
	if n := len(s.walks[pass]); n > 0 {
		tail = max(tail, s.walks[pass][n-1].to)
	}
	return tail
}

func (s *schedule) start(pass int, w window) *walk {
	started := &walk{window: w, pass: pass}
	s.walks[pass] = append(s.walks[pass], started)
	return started
}

// maxPending is how many windows of pass 0, for each that is read at a time, may lie
// between its watermark and the newest one.
const maxPending = 3

// fresh starts a window of pass 0.
func (s *schedule) fresh(now int64) *walk {
	// Behind a window that cannot be finished, what is read must be remembered: no
	// more of it than a few windows.
	if !s.due || len(s.walks[0]) >= maxPending*s.wide {
		return nil
	}
	limit := s.pos.target(0, now)
	w := window{from: s.tail(0), to: limit}
	if w.seconds() <= 0 {
		s.due = len(s.walks[0]) > 0 // nothing to read before the next tick
		return nil
	}
	if length := s.share(w.seconds()); w.seconds() > length {
		w.to = w.from + length
		return s.start(0, w)
	}
	s.due = false
	if len(s.walks[0]) == 0 {
		w.from = s.extend(w, now)
	}
	return s.start(0, w)
}

// share is the length of the next of the windows into which so many seconds are
// split, to be read side by side. They get shorter towards the end, so that all
// walks end together, but not too short: each costs a page and the overlap.
func (s *schedule) share(seconds int64) int64 {
	if s.wide <= 1 {
		return s.length
	}
	wide := int64(s.wide)
	return min(s.length, max((seconds+wide-1)/wide, s.length/5))
}

// extend lets the newest window begin earlier where that serves a recheck that is
// due and costs no further page: so a quiet tenant costs one call a tick.
func (s *schedule) extend(w window, now int64) int64 {
	for pass := s.pos.last(); pass > 0; pass-- {
		from := s.pos.marks[pass]
		if from < w.from && len(s.walks[pass]) == 0 && s.overdue(pass, now) >= s.step(pass) &&
			w.to-from <= s.maxLength && 2*s.seen.countFrom(minuteOf(from-overlap)) <= s.pageSize {
			return from
		}
	}
	return w.from
}

// overdue is how many seconds of a recheck could be read now. A recheck does not
// overtake pass 0.
func (s *schedule) overdue(pass int, now int64) int64 {
	return min(s.pos.target(pass, now), s.pos.marks[0]) - s.tail(pass)
}

// step is how many seconds are worth a call of a recheck: half of what it is late
// anyway.
func (s *schedule) step(pass int) int64 {
	step := max(s.tick, s.pos.recheck[pass]/2)
	if s.pos.end != 0 {
		step = max(1, min(step, s.pos.end-s.tail(pass))) // the rest of a bounded export
	}
	return step
}

// mostOverdue is the recheck that is due and has waited longest for its size; 0
// where none is due.
func (s *schedule) mostOverdue(now int64) int {
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

func (s *schedule) recheck(pass int, now int64) *walk {
	seconds := min(s.overdue(pass, now), s.length)
	if seconds <= 0 {
		return nil
	}
	from := s.tail(pass)
	return s.start(pass, window{from: from, to: from + seconds})
}

// finish moves the watermarks past a walk and every finished one behind it, and
// adapts the length of the next windows. It drops walks that wait, and whose whole window
// their own pass's watermark has passed, as others have read it. The ids before them would
// be kept until they are resumed, which takes hours where the last recheck goes first for
// long.
func (s *schedule) finish(w *walk) {
	s.end(w, nil)
	w.done, w.returned = true, hashSet{}
	s.wanted = min(s.wanted+1, pagesPerWalk)
	if w.seconds() >= s.maxLength {
		s.lengthen(w.began)
	}
	// A shorter window tells the density only where it took a good part of what is
	// wanted.
	if w.seconds() >= s.length || 4*w.pages > s.wanted {
		s.length = nextLength(w.seconds(), w.pages, s.wanted, s.maxLength)
	}
	for moved := true; moved; {
		moved = false
		for pass, list := range s.walks {
			for len(list) > 0 && (list[0].done || !list[0].flying && list[0].to <= s.pos.marks[pass]) {
				if first := list[0]; first.done {
					s.pos.finish(first.window, first.began)
				} else {
					s.end(first, errCovered)
				}
				list, moved = slices.Delete(list, 0, 1), true
			}
			s.walks[pass] = list
		}
	}
	s.seen.forgetBefore(s.forgettable())
}

// expire notes that a page token was refused after so many pages of a walk: if
// tokens live for a short time, walks have to be shorter. They grow again page by
// page, as there may have been another reason.
func (s *schedule) expire(pages int64) {
	s.wanted = max(1, min(s.wanted, pages)/2)
}

// refuse shortens a window that the API does not take, and remembers not to ask
// for one that long again, for a while. It reports whether it could. A minute is always
// tried: a refusal may have had another reason. So a longer window is tried again, less
// and less often where it is refused each time.
func (s *schedule) refuse(w *walk) bool {
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
	s.trialAt, s.trial = w.began+s.trialAfter, false
	return true
}

// lengthen is told that the API has taken a window of maxLength. Twice that is tried if
// it is time to, or if this one was tried: then it was not the length that was refused.
func (s *schedule) lengthen(now int64) {
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
// tells whether it could.
func (s *schedule) halve(w *walk) bool {
	if w.seconds() <= 1 {
		return false
	}
	rest := window{from: w.from + w.seconds()/2, to: w.to}
	w.to, w.furthest = rest.from, 0
	s.length = min(s.length, w.seconds())
	list := s.walks[w.pass]
	if i := slices.Index(list, w); i < len(list)-1 {
		s.walks[w.pass] = slices.Insert(list, i+1, &walk{window: rest, pass: w.pass})
	} else if w.pass == 0 {
		s.due = true
	}
	return true
}

// beginAt moves the begin of the timeline. Nothing may have been read.
func (s *schedule) beginAt(begin int64) {
	s.endAll(errBeginMoved)
	s.pos = newPosition(begin, s.pos.end, s.pos.recheck)
	s.walks = make([][]*walk, len(s.walks))
	s.due = true
}

// skip passes over a time that the API does not show, in every pass that has come to it,
// up to the end of the timeline at the most, and returns up to where that is. No walk may
// be in flight; those that had begun begin again behind it.
func (s *schedule) skip(from, to int64) (end int64) {
	if s.pos.end != 0 {
		to = min(to, s.pos.end)
	}
	s.endAll(errNotShown)
	s.pos.finish(window{from, to}, to+s.pos.recheck[s.pos.last()])
	s.walks = make([][]*walk, len(s.walks))
	s.due = true
	// The windows were shortened for nothing.
	s.maxLength, s.length = s.maxWindow, min(startLength, s.maxWindow)
	return to
}

// forgettable is the minute before which no entry will be returned again: neither
// to a window to come, nor to one that is being read.
func (s *schedule) forgettable() int64 {
	from := s.pos.marks[s.pos.last()]
	for _, walks := range s.walks {
		for _, w := range walks {
			from = min(from, w.from)
		}
	}
	return minuteOf(from - overlap - 1)
}
