// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"iter"

	"github.com/cespare/xxhash/v2"
)

// Page is an answer whose entries the pipeline has accepted.
type Page struct {
	IDs iter.Seq[string]
	// New is how many of its entries the pipeline had not accepted before.
	New int
	// Oldest is the earliest event time on it, in Unix seconds; 0 if there is none.
	Oldest int64
	More   bool
	Token  string
	// Unsaid reports that the answer does not say whether more pages follow.
	Unsaid bool
}

// Step is how a walk continues after a page.
type Step int

const (
	// Onward: the walk continues with its next page.
	Onward Step = iota
	// Finished: the walk was read to its end.
	Finished
	// AskAgain: no page can follow this one, although the API says that there is more. The page is to be
	// requested again, as after a failed call (NoteFailure, BadPage).
	AskAgain
	// TooLong: the pages do not end. The walk has to be shortened.
	TooLong
	// StartAgain: the walk has to start again, and does.
	StartAgain
)

// maxEmptyPages limits how many empty pages are accepted. An API that filters after it has cut pages returns
// empty ones, each with a fresh token, possibly many: this is legal, because nothing is documented.
const maxEmptyPages = 2 * PagesPerWalk // one after another, without an entry that is new to the walk

// Turn notes a page. The error explains why the walk cannot continue as it is.
func (s *Plan) Turn(w *Walk, p Page) (Step, error) {
	fresh, order, entries := false, uint64(0), 0
	for id := range p.IDs {
		entries++
		hash := xxhash.Sum64String(id)
		order = 31*order + hash
		if w.returned.add(hash) {
			fresh = true
		}
	}
	if p.Oldest > 0 {
		s.ageShown = max(s.ageShown, s.now-p.Oldest)
		s.pos.kept.shown(s.now-p.Oldest, s.now)
	}
	if !p.More {
		s.NoteLast()
	} else if s.endless(w, p, fresh, entries) {
		p.More = false
	}
	if p.More {
		if step, err := s.fault(w, p, fresh); err != nil {
			if step == AskAgain {
				w.pages--
			}
			return step, err
		}
	}
	if w.token != "" && w.onPage < w.pageSize {
		s.leastInner = min(s.leastInner, w.onPage)
	}
	if w.onPage = entries; entries < w.pageSize {
		s.mostShort = max(s.mostShort, entries)
	}
	s.answers++
	if !p.Unsaid {
		s.said++
	}
	if w.failing.calls > 0 && w.failing.refused { // the call was refused before, and is now answered
		s.chanceUntil = s.elapsed + chanceLasts
	}
	w.failing.calls, w.failing.refused = 0, false
	if w.reach() > w.furthest {
		w.failing = failing{} // nothing is known of a page that is reached for the first time
	}
	w.fresh += p.New
	if w.empty++; fresh {
		w.empty, w.repeats = 0, 0
	} else if entries > 0 {
		w.repeats++
	}
	// The first page is no progress for a walk that has to start again and again.
	if w.further = fresh && w.pages > 1 && w.reach() > w.furthest; w.further {
		w.restarts = 0
	}
	w.furthest = max(w.furthest, w.reach())
	unmoved := w.rereads > 0 && w.pages == 1 && order == w.firstPage
	if w.pages == 1 {
		w.firstPage = order
	}
	if unmoved {
		s.finish(w)
		return Finished, nil
	}
	if !p.More {
		if w.lost && !w.renews && w.token != "" {
			// With a scroll cursor, the lost answer had a page before this one.
			s.Restart(w, errLostPage)
			return StartAgain, nil
		}
		if s.mayHaveShifted(w) {
			w.rereads++
			s.Restart(w, errShifted)
			w.restarts = 0
			return StartAgain, nil
		}
		s.finish(w)
		return Finished, nil
	}
	if p.Token == w.token && !w.renews {
		w.scroll = true
		if w.lost {
			// One of the lost answers may have had a page.
			s.expire(w.pages)
			s.Restart(w, errLostPage)
			return StartAgain, nil
		}
	} else if w.token != "" && fresh { // and not the first page again
		w.renews = true
	}
	w.token = p.Token
	if w.pages%(2*PagesPerWalk) == 0 {
		// A restart would begin this window again: let it be a shorter one.
		s.length = min(s.length, nextLength(w.seconds(), w.pages, s.wanted, s.maxLength))
	}
	return Onward, nil
}

// endless reports whether a page counts as the last one although the API says that there are more, and gives no
// way to them: no page token, or the same one again with nothing new. That is so once no page of any window was
// the last one for long, while pages with entries had such ends: then this is how this API writes its last page.
// A full page never is: its window has to be shorter.
func (s *Plan) endless(w *Walk, p Page, fresh bool, entries int) bool {
	if entries >= w.pageSize || p.Token != "" && (fresh || p.Token != w.token) {
		return false
	}
	if s.noEndSince == 0 {
		s.noEndSince = max(1, s.elapsed)
	}
	if entries > 0 {
		s.openEnds++
	}
	return s.openEnds >= minOpenEnds && s.elapsed-s.noEndSince >= PatienceRefused
}

// refusedEnd reports whether a walk whose page token is refused counts as read to its end. That is so once no page of
// any window was the last one for longer than it takes to skip a range, while the tokens after short pages were
// refused time after time, and each of these pages was answered again in between: then this API sends a page token
// that it never accepts with its last page. After a full page, one with as many entries as others that were not the
// last, and one with as many as any, so that the API may send no more at once, there may be more: its window has to be
// shorter.
func (s *Plan) refusedEnd(w *Walk) bool {
	if w.token == "" || w.onPage >= min(w.pageSize, s.leastInner, max(s.mostShort, leastPage)) {
		return false
	}
	if s.noEndSince == 0 {
		s.noEndSince = max(1, s.elapsed)
	}
	if s.elapsed-s.noEndSince < PatienceFailing || s.refusedEnds < minOpenEnds {
		s.refusedEnds++
		return false
	}
	return true
}

// leastPage is the fewest entries that an API may be thought to send at most.
const leastPage = 5

// minOpenEnds is how many pages with entries and without a way to the next show that an API never marks its last
// page.
const minOpenEnds = 10

// NoteLast notes that the API has said of a page that it is the last one.
func (s *Plan) NoteLast() { s.noEndSince, s.openEnds, s.refusedEnds = 0, 0, 0 }

// fault finds out that nothing can follow a page, or that pages would not end.
func (s *Plan) fault(w *Walk, p Page, fresh bool) (Step, error) {
	tooLong := TooLong
	if w.seconds() == 1 {
		tooLong = AskAgain // it cannot be shortened
	}
	switch {
	case p.Token == "":
		return AskAgain, errNoToken
	case p.Token == w.token && !fresh:
		return AskAgain, errSameToken
	case !fresh && w.empty+1 >= maxEmptyPages:
		return tooLong, fmt.Errorf("the API returned %d pages in a row without a new entry of this window, and reports more", w.empty+1)
	case w.pages > s.maxPages:
		return tooLong, fmt.Errorf("the API reports more after %d pages of one window", w.pages)
	}
	return Onward, nil
}

// believeAfter is how many pages in a row without anything new to the walk show that asking
// again leads nowhere: an API may answer a page token that is used twice with the first page.
const believeAfter = 3

// maxRereads bounds how often a window is read once more.
const maxRereads = 5

// leastRetention is how long every API keeps its log at the least, in seconds, and
// leastGap for how long a receiver has to have been stopped for the place where it stopped to be
// near the end of what is kept.
const (
	leastRetention = 5400
	leastGap       = 24 * 3600
)

// mayHaveShifted reports whether entries may have moved to pages that were read already. An
// API that cuts pages by their offset shows the rest earlier when the oldest entries of the
// window expire while it is read. Only where no recheck reads that time again, and where the
// window begins at an age at which nothing was ever seen: until then the API may have stopped
// showing entries of that age. It is read until its first page is the same, or nothing new comes.
func (s *Plan) mayHaveShifted(w *Walk) bool {
	age := s.now - w.from
	least := int64(leastRetention)
	if s.restored {
		least = leastGap
	}
	old := age >= s.ageShown && age > least && s.pos.once(w.window, w.asOf)
	again := old && w.pages > 1 && w.fresh > 0 && w.rereads < maxRereads
	w.fresh = 0
	return again
}
