// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cespare/xxhash/v2"
)

// walk reads one window: page after page with the same bounds, until the API says
// that there are no more. Its page token lives in memory only.
type walk struct {
	window
	pass     int
	token    string
	began    int64 // the server's clock before the first page was asked for
	pages    int64
	empty    int   // pages in a row without an entry that was not yet returned
	reset    int   // how often it began again since it last got further than ever before
	furthest int64 // the most pages that it has got to
	hurry    bool  // a page token of its was no longer taken, perhaps for waiting too long
	flying   bool
	done     bool
	// returned are the hashes of the ids on the pages so far.
	returned hashSet
	// refusedSince is when the API first refused this walk though it is one
	// second long.
	refusedSince time.Time
}

// pageRequest is what a call asks for: seconds of event time, both bounds possibly inclusive.
type pageRequest struct {
	From, To int64
	Token    string // of the page; empty for the first one
	// Urgent is a walk that has begun again and has to get further this time before its
	// page token is no longer taken.
	Urgent bool
}

// request is what the walk asks for next.
func (w *walk) request() pageRequest {
	r := requestFor(w.from, w.to)
	r.Token, r.Urgent = w.token, w.hurry
	return r
}

// requestFor asks for the first page of a window.
func requestFor(from, to int64) pageRequest {
	return pageRequest{From: max(0, from-overlap), To: to}
}

// span is the window that the walk reads, and the pass that it reads it for.
func (w *walk) span() (pass int, from, to int64) { return w.pass, w.from, w.to }

// key is an entry that the walk returned, as it is remembered. readable is false where
// the entry's time cannot be read.
func (w *walk) key(uid string, eventTime int64, readable bool) seenKey {
	return keyOf(uid, eventTime, readable, w.window)
}

// refusedFor returns for how long the API has refused the walk, counted from the first
// time that this is asked.
func (w *walk) refusedFor(now time.Time) time.Duration {
	if w.refusedSince.IsZero() {
		w.refusedSince = now
	}
	return now.Sub(w.refusedSince)
}

// endedWalk is a walk, or an attempt at it, that is over.
type endedWalk struct {
	Walk  *walk
	Pages int64
	// Err is why it was given up, nil for one that was read to its end.
	Err error
}

// Reasons why walks end before their time.
var (
	errCovered    = errors.New("other walks have read this meanwhile")
	errBeginMoved = errors.New("the begin was moved")
	errNotShown   = errors.New("the API does not show this time")
	errClockSet   = errors.New("the server's clock was set back")
	errStopped    = errors.New("the receiver stops")
)

func (s *schedule) end(w *walk, err error) {
	s.ended = append(s.ended, endedWalk{w, w.pages, err})
}

func (s *schedule) endAll(err error) {
	for _, walks := range s.walks {
		for _, w := range walks {
			s.end(w, err)
		}
	}
}

// drainEnded returns the walks that have ended since it was last asked.
func (s *schedule) drainEnded() []endedWalk {
	ended := s.ended
	s.ended = nil
	return ended
}

// maxEmptyPages may follow one another that hold nothing, or nothing that was not on an
// earlier page of the walk.
const maxEmptyPages = 20

// answered counts a page of the walk and notes the server's date in it (Unix seconds; 0:
// it had none). It reports whether the server's clock was set back in the walk's midst to
// before the window's end: if the API hides what is new by that clock, and cuts pages by
// their offset, entries that were not read yet have moved to pages that were. The walk has
// to begin again then.
//
// The estimate of the server's time may have come from one answer with a wrong date, and a
// clock that was set back, or a server whose clock is behind, may hide what is new or late:
// the watermarks follow the walk's own answers, the earliest of them.
func (s *schedule) answered(w *walk, date int64) (setBack bool) {
	if date != 0 {
		setBack = w.pages > 0 && date < min(w.began, w.to)-s.clockSlack
		w.began = min(w.began, date)
	}
	w.pages++
	return setBack
}

// turn notes a page whose entries, with these ids, the pipeline has accepted, and that
// there are more with a page token, or none. The error says why paging would not end; the
// walk is to be shortened then. A walk without more pages is finished.
func (s *schedule) turn(w *walk, ids iter.Seq[string], more bool, token string) error {
	fault := s.pagingFault(w, ids, more, token)
	w.token = token
	if !more {
		s.finish(w)
	} else if w.pages%(2*pagesPerWalk) == 0 {
		// A restart would begin this window again: let it be a shorter one.
		s.length = min(s.length, nextLength(w.seconds(), w.pages, s.wanted, s.maxLength))
	}
	if fault == nil && w.pages > max(1, w.furthest) {
		w.furthest, w.reset = w.pages, 0
	}
	return fault
}

// pagingFault finds out that paging would not end: the same page token again, or
// pages that are empty or go round in circles. Where the API documents nothing, a
// few of these are fine.
func (s *schedule) pagingFault(w *walk, ids iter.Seq[string], more bool, token string) error {
	w.empty++
	for id := range ids {
		if w.returned.add(xxhash.Sum64String(id)) {
			w.empty = 0
		}
	}
	switch {
	case !more:
		return nil
	case token == "":
		return errors.New("the API says that there are more pages but gives no page token")
	case token == w.token:
		return errors.New("the API gives the same page token again")
	case w.empty >= maxEmptyPages:
		return fmt.Errorf("the API returned %d pages in a row without an entry that this window has not had yet, and says that there are more", w.empty)
	case w.pages > s.maxPages:
		return fmt.Errorf("the API says after %d pages of one window that there are more", w.pages)
	}
	return nil
}

// restart makes a walk begin again for a reason; what it has delivered is passed over by
// id.
func (s *schedule) restart(w *walk, why error) {
	s.end(w, why)
	w.token, w.pages, w.empty, w.returned = "", 0, 0, hashSet{}
	w.reset++
}

// shorten makes a walk that cannot be finished as it is begin again, for half of its
// window.
func (s *schedule) shorten(w *walk, why error) {
	s.halve(w)
	s.restart(w, why)
}

// dropToken makes a walk begin again whose page token is refused: tokens do not live for
// ever, and how long is not documented. It reports whether that is the first time since
// the walk last got further: from the second time on the walk is shortened, too.
func (s *schedule) dropToken(w *walk, why error) (first bool) {
	s.expire(w.pages)
	s.restart(w, why)
	w.hurry = true
	if w.reset == 1 {
		return true
	}
	s.halve(w)
	return false
}
