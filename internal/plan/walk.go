// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
)

// Walk reads one window, page after page with the same bounds, until the API reports that there are no more. Its
// page token is only in memory.
type Walk struct {
	window
	pass       int
	token      string
	asOf       int64 // the server's clock before the first page was asked for
	pages      int64
	empty      int   // pages in a row without an entry that was new to the walk
	restarts   int   // how often it has started again since it last got further than ever before
	furthest   int64 // the furthest that it has got, see reach
	shortWaits int   // taken since its last page, see TakeShortWait
	once       bool  // no later pass reads all of it again
	urgent     bool  // one of its page tokens was refused, perhaps because it waited too long
	inFlight   bool
	finished   bool
	// returned are the hashes of the ids on the pages so far.
	returned hashSet
	// scroll reports that one page token serves all pages: each use of it returns the next page, so that a page
	// whose answer was lost cannot be requested again.
	scroll bool
	// lost tells that an answer with entries may have been lost since the first page.
	lost bool
	// renews reports that a page token was followed by another one, so it is no scroll cursor.
	renews         bool
	repeats        int    // pages with entries, none of which was new to the walk, since one that had some
	further        bool   // the last page was reached for the first time
	fresh          int    // entries in this attempt that were new to the pipeline
	onPage         int    // entries on the last page
	firstPage      uint64 // hash of the ids of the first page, in their order
	rereads        int    // how often it was read once more, see mayHaveShifted
	paged          bool   // read to its end in several pages, but not by the last recheck: see position.finish
	pageSize       int    // of this attempt, in entries
	tight          bool   // a part of a window of a minute or less that was refused
	timesPostponed int    // chooses the page size of the next attempt
	failing        failing
}

// Request is what a call requests: seconds of event time, both bounds possibly inclusive.
type Request struct {
	From, To int64
	Token    string // of the page; empty for the first one
	Page     int    // number of the page in its window, from 1; 0: not known
	PageSize int    // 0: the configured one
	// InARow is how many calls, this one included, must follow each other without a wait, because the walk has
	// started again after its page token expired, and must get further this time. 0: the call can wait.
	InARow int
	// Once reports that at least a part of the window is not read again once the walk is finished.
	Once bool
	// Believe reports that the walk gets the same pages again and again, so an answer that does not say whether
	// it is the last page is accepted as the last one.
	Believe bool
}

// Request is the walk's next request.
func (w *Walk) Request() Request {
	r := RequestFor(w.from, w.to)
	r.Token, r.Page, r.PageSize = w.token, int(w.pages)+1, w.pageSize
	r.InARow, r.Once, r.Believe = w.hurry(), w.once, w.repeats >= believeAfter
	return r
}

// The number of calls in a row that the first page of a second waits for, if the second has to be read in one
// go: the pace may be slower than page tokens live, and a second cannot be shortened.
const (
	leastInARow = 4
	mostInARow  = 16
)

// hurry is how many calls in a row the walk needs, 0 if it can wait.
func (w *Walk) hurry() int {
	switch {
	case w.seconds() == 1 && w.restarts > 0 && w.token == "":
		return min(leastInARow<<min(w.restarts, 8), mostInARow)
	case w.urgent || w.seconds() == 1 && w.restarts > 0:
		return 1
	}
	return 0
}

// maxShortWaits is how many waits after failures are short before a page of a walk that has to hurry.
const maxShortWaits = 8

// TakeShortWait takes one of the short waits that a walk between two pages has after failures, if one of its page
// tokens has expired before, and reports whether there was one: a longer wait would cost it all its pages, each time
// again. There are a few for each page, so that an API or a storage that answers nothing is not called more often.
func (s *Plan) TakeShortWait() bool {
	for _, walks := range s.walks {
		for _, w := range walks {
			if w.token != "" && !w.finished && w.hurry() > 0 && w.shortWaits < maxShortWaits {
				w.shortWaits++
				return true
			}
		}
	}
	return false
}

// RequestFor requests the first page of a window.
func RequestFor(from, to int64) Request {
	return Request{From: max(0, from-Overlap), To: to}
}

// Further reports whether the walk reached the last page for the first time.
func (w *Walk) Further() bool { return w.further }

// Span is the window that the walk reads, and the pass it is for.
func (w *Walk) Span() (pass int, from, to int64) { return w.pass, w.from, w.to }

// Key is the key by which an entry that the walk returned is remembered: by its identity, which includes its id.
// readable is false if the entry's time cannot be read.
func (w *Walk) Key(identity, uid string, eventTime int64, readable bool) Key {
	return keyOf(identity, uid, eventTime, readable, w.window)
}

// Ended is a walk, or an attempt at one, that is over.
type Ended struct {
	Walk  *Walk
	Pages int64
	// Err is why it ended early, nil if it was read to its end.
	Err error
}

// Reasons why walks end early.
var (
	ErrCovered    = errors.New("other walks have read this time range already")
	errBeginMoved = errors.New("the start of the log to read was moved")
	errNotShown   = errors.New("the API no longer returns this time range")
	ErrClockSet   = errors.New("the server's clock was set back")
	errStopped    = errors.New("the receiver is stopping")
	errLostPage   = errors.New("a page may have been lost with a response that did not arrive")
	errShifted    = errors.New("entries may have expired while the window was read")

	errNoToken   = errors.New("the API reports more pages but sends no page token")
	errSameToken = errors.New("the API sends the same page token again, without a new entry")
)

func (s *Plan) end(w *Walk, err error) {
	s.ended = append(s.ended, Ended{w, w.pages, err})
}

func (s *Plan) endAll(err error) {
	for _, walks := range s.walks {
		for _, w := range walks {
			s.end(w, err)
		}
	}
}

// DrainEnded returns the walks that have ended since the last call.
func (s *Plan) DrainEnded() []Ended {
	ended := s.ended
	s.ended = nil
	return ended
}

// NoteAnswer counts a page of the walk and notes the server's date in it (Unix seconds; 0: none). It reports
// whether the server's clock was set back during the walk. If the API hides new or late entries by that clock, and
// cuts pages by their offset, entries that were not read yet have moved to pages that were. The walk then has to
// start again.
//
// The estimate of the server's time may come from one answer with a wrong date, and a clock that was set back,
// or a server whose clock is behind, may hide new or late entries: the watermarks follow the earliest date of
// the walk's own answers.
func (s *Plan) NoteAnswer(w *Walk, date int64) (setBack bool) {
	if date != 0 {
		setBack = w.pages > 0 && date < w.asOf-s.clockSlack
		w.asOf = min(w.asOf, date)
	}
	w.pages++
	w.shortWaits = 0
	return setBack
}

// Restart makes a walk start again for a reason; the entries that it has delivered are recognised by their ids.
func (s *Plan) Restart(w *Walk, why error) {
	s.end(w, why)
	w.token, w.pages, w.empty, w.returned = "", 0, 0, hashSet{}
	w.scroll, w.lost, w.renews, w.repeats = false, false, false, 0
	w.restarts++
}

// Shorten makes a walk that cannot be finished as it is start again with half of its window.
func (s *Plan) Shorten(w *Walk, why error) {
	s.halve(w)
	s.Restart(w, why)
}

// DropToken makes a walk whose page token was refused start again: tokens expire, and after how long is not
// documented. It reports whether that is the first time since the walk last got further: from the second time on
// the walk is shortened, too.
func (s *Plan) DropToken(w *Walk, why error) (first bool) {
	s.expire(w.pages)
	s.Restart(w, why)
	w.urgent = true
	if w.restarts == 1 {
		return true
	}
	// What comes next is not known: one large step down costs less than many small ones.
	if w.seconds() > 1 {
		s.cut(w, max(1, w.seconds()/4))
	}
	return false
}

// loseScroll makes a walk with a scroll cursor start again. From the second time on without getting further it is
// shortened, too: its page may always fail, for example because it is too far from the first one.
func (s *Plan) loseScroll(w *Walk, elapsed int64, why error) Verdict {
	s.expire(w.pages)
	s.Restart(w, why)
	switch {
	case w.restarts <= 1:
	case w.seconds() > 1:
		s.cut(w, max(1, w.seconds()/4))
	case w.restarts > maxAlone && s.finishes == w.failing.finishes:
		s.postpone(w, elapsed)
		return Yields
	case w.restarts > maxAlone:
		return s.setAside(w, elapsed)
	}
	return Restarted
}
