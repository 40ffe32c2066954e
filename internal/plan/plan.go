// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package plan decides which page of the log to request next. It is pure: it has no clock, no network and no
// logger. The poller asks it (Next) and reports the outcome of each call, and the server's time.
//
// The timeline is whole seconds of event time. Several passes read it, each later than the previous one, for
// entries that the API shows late; each pass has a watermark. A walk is one window of a pass, read page by page.
// Seen remembers the ids that the pipeline has accepted.
package plan

import (
	"math"
	"slices"
)

// Settings are the parameters of a plan. Times are Unix seconds, spans are seconds.
type Settings struct {
	Begin, End int64   // the timeline; End is exclusive, 0: it has no end
	Recheck    []int64 // when each recheck reads the same time again; ascending
	Tick       int64   // poll_interval, at least 1
	MaxWindow  int64   // max_window, at least 1
	Walks      int     // max_concurrent_walks
	PageSize   int     // page_size
	// MaxPages limits the pages of one window. Beyond it the window is shortened.
	MaxPages int64
	// ClockSlack is by how much two dates of the server may disagree although its clock was not set.
	ClockSlack int64
}

// Plan decides which page to request next. It has no clock and no network: the caller passes the time and the
// outcome of each call. Not safe for concurrent use.
type Plan struct {
	pos   *position
	seen  *Seen
	walks [][]*Walk // by pass, in order of time; the first starts at the watermark or before
	ended []Ended
	// suspectTo is, by pass, the time up to which new windows may contain what made others fail.
	suspectTo []int64
	waiting   int // walks that wait for an answer

	maxPages   int64
	clockSlack int64
	tick       int64 // poll_interval in seconds, at least 1
	maxWindow  int64 // max_window in seconds
	maxLength  int64 // the same, or less if the API has refused that
	// trialAt is when a longer window is tried again, by the server's clock; trialAfter is how many seconds
	// after the refusal that is; trial reports whether one is being tried.
	trialAt, trialAfter int64
	trial               bool
	tight               int   // windows in a row that could be read only when shorter than a minute
	noEndSince          int64 // since when no page was the last of its window, elapsed milliseconds; see endless
	openEnds            int   // pages since then that have entries and no way to the next
	refusedEnds         int   // page tokens after a short page that were refused since then; see refusedEnd
	mostShort           int   // the most entries on a page that was not full
	leastInner          int   // the fewest entries on a page that was not full, and not the last of its window
	length              int64 // of the next window
	longestRead         int64 // the longest window that was read to its end, in seconds
	newest              newest
	wanted              int64 // pages that a window should take
	wide                int   // max_concurrent_walks
	pageSize            int
	reach, fits         int64 // pages that a walk gets through, and windows read since that number fell
	trialFits           int64 // windows after which longer ones are tried
	raised              bool  // longer windows are being tried
	// elapsed and now are the last arguments of Next: milliseconds of the term, and the server's clock.
	elapsed, now int64
	sinceAside   int   // pages of other walks that were requested since one that was set aside
	answers      int64 // pages that the API has answered
	said         int64 // those of them that reported whether more follow
	failures     int64 // calls that failed, see outcomes
	chanceUntil  int64 // up to when refusals may be chance, elapsed milliseconds
	finishes     int64 // windows that were read to their end
	ageShown     int64 // of the oldest entry that was ever returned, in seconds, when it was
	restored     bool  // it continues from stored state
	// due reports that pass 0 has not yet been started up to now since the last tick.
	due bool
	// early is for how many more seconds keys are needed because entries are older than the windows that return
	// them, as in windows up to earlyUntil.
	early, earlyUntil int64
}

// New plans the timeline from its begin, with the entries that were accepted before.
func New(set Settings, known *Seen) *Plan {
	recheck := append([]int64{0}, set.Recheck...)
	return &Plan{
		pos:        newPosition(set.Begin, set.End, recheck),
		seen:       known,
		walks:      make([][]*Walk, len(recheck)),
		suspectTo:  make([]int64, len(recheck)),
		maxPages:   set.MaxPages,
		clockSlack: set.ClockSlack,
		tick:       set.Tick,
		maxWindow:  set.MaxWindow,
		maxLength:  set.MaxWindow,
		length:     min(startLength, set.MaxWindow),
		wanted:     PagesPerWalk,
		reach:      PagesPerWalk,
		trialFits:  firstFits,
		wide:       set.Walks,
		pageSize:   set.PageSize,
		leastInner: math.MaxInt,
		due:        true,
	}
}

// Snapshot is the state of a plan to store, besides the ids: see Restore.
type Snapshot struct {
	Begin int64
	// Recheck and Marks belong together: the passes, where the first has 0, and their watermarks. The pipeline
	// has accepted every entry before a watermark, if the API shows it no later than the pass reads.
	Recheck, Marks []int64
	// Length is the length of the next window.
	Length int64
	// Covered is a range, from and to, that is skipped because it was read before; both 0: none.
	Covered [2]int64
	// Early is for how many more seconds keys are needed, and up to which watermark; both 0: they are not.
	Early [2]int64
}

// Read reports whether anything was read: a begin without any window is not a position.
func (s Snapshot) Read() bool {
	return slices.ContainsFunc(s.Marks, func(mark int64) bool { return mark != s.Begin })
}

// Restore continues from what an earlier plan has stored. Its rechecks may have been different.
func (s *Plan) Restore(old Snapshot) {
	s.pos = newPosition(old.Begin, s.pos.end, s.pos.recheck)
	s.pos.adopt(old.Recheck, old.Marks)
	s.pos.passOver(old.Covered)
	s.early, s.earlyUntil = old.Early[0], old.Early[1]
	s.restored = true
	s.RestoreLength(old)
}

// RestoreLength takes over only the length of windows, from a plan that has read nothing yet. It halves the
// length, so that a process that is killed again and again in its first minute makes progress.
func (s *Plan) RestoreLength(old Snapshot) { s.length = min(max(1, old.Length/2), s.maxWindow) }

// Snapshot returns the state to store.
func (s *Plan) Snapshot() Snapshot {
	now := Snapshot{Begin: s.pos.begin, Recheck: s.pos.recheck, Marks: slices.Clone(s.pos.marks), Length: s.length, Covered: s.pos.coveredNow()}
	if s.early > 0 {
		now.Early = [2]int64{s.early, s.earlyUntil}
	}
	return now
}

// PassOver skips a range, from and to, that an earlier plan has read in all its passes: reading continues at its
// end. Nothing may have been read before.
func (s *Plan) PassOver(covered [2]int64) { s.pos.passOver(covered) }

// Tick lets pass 0 read up to now.
func (s *Plan) Tick() { s.due = true }

// Next returns the walk whose next page is to be requested now, or nil. Its arguments are the server's clock and
// the milliseconds since the start of the term. The walk is not returned again until its answer is reported
// (Land).
func (s *Plan) Next(now, elapsed int64) *Walk {
	s.now, s.elapsed = now, elapsed
	w := s.pick(now)
	if w == nil {
		return nil
	}
	if w.pages == 0 {
		w.asOf, w.once = now, s.pos.once(w.window, now)
		s.choosePageSize(w)
	}
	w.inFlight = true
	s.waiting++
	return w
}

// Land notes that the call for a page of the walk has ended, with any outcome.
func (s *Plan) Land(w *Walk) {
	w.inFlight = false
	s.waiting--
}

// Widen sets how many windows may be read concurrently from now on.
func (s *Plan) Widen(walks int) { s.wide = max(1, walks) }

// Done reports whether a bounded export is complete.
func (s *Plan) Done() bool { return s.pos.done() }

// Bounds is the begin and the end of the timeline; end 0: it has none.
func (s *Plan) Bounds() (begin, end int64) { return s.pos.begin, s.pos.end }

// Oldest is the watermark of the last pass: nothing before it is read again.
func (s *Plan) Oldest() int64 { return s.pos.marks[s.pos.last()] }

// Remembered is how many ids are remembered, and the memory that grows with their number, in bytes.
func (s *Plan) Remembered() (n int, bytes int64) { return s.seen.count, s.seen.bytes() }

// Lateness is the least age in seconds at which a pass reads a time: its recheck_after, or less if the API does
// not keep entries that long.
func (s *Plan) Lateness(pass int) int64 { return s.pos.lateness(pass) }

// Outside reports whether an entry of that second is just outside the timeline.
func (s *Plan) Outside(eventTime int64) bool { return s.pos.outside(eventTime) }

// Known reports whether the pipeline has accepted an entry before.
func (s *Plan) Known(k Key) bool { return s.seen.Has(k) }

// SharesID reports whether a new entry has the same id as another recent entry that is not the same entry: see
// Seen.
func (s *Plan) SharesID(k Key) bool { return s.seen.shared.note(k) }

// Remember notes that the pipeline has accepted entries.
func (s *Plan) Remember(keys []Key) {
	for _, k := range keys {
		s.seen.Add(k)
		s.noteEarly(k.early)
	}
}

// noteEarly notes that a window has returned an entry whose event was this many seconds before the window. It is
// not documented which time the API compares with the bounds of a query: it may be the time at which an entry
// was stored. A later pass, with other windows, will return such an entry in a window later than its event, too,
// so its key is needed for that much longer, and for some minutes more, as the next one may be earlier still.
// The last recheck limits this: later entries are not guaranteed.
func (s *Plan) noteEarly(seconds int64) {
	last := s.pos.last()
	if seconds == 0 || last == 0 {
		return
	}
	s.early = min(max(s.early, seconds+60*OddHorizon), s.pos.recheck[last])
	s.earlyUntil = s.pos.marks[0] + 2*s.pos.recheck[last]
}

// Late reports whether a new entry is of a second that pass 0 has already read, and names the pass that found
// it.
func (s *Plan) Late(second int64) (foundBy string, late bool) {
	if second >= s.pos.marks[0] || second < s.pos.begin {
		return "", false
	}
	return s.pos.foundBy(second), true
}
