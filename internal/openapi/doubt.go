// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"strings"
	"sync"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// The official page of list_data does not mark has_more as optional, and its sample has it on the last page. An
// answer that reports success without it ({"code":0}, data that is null or empty, only a page token) may come
// from a gateway, a cache or a service that has lost another one's answer. Or it may be how an API writes
// "nothing".

// believedAfter is how often a page has to be answered without has_more before that is believed: in a row, or,
// with entries, while no answer has more of them.
const believedAfter = 3

// maxDoubts limits how many pages with such answers are remembered: several for each walk that may be in flight.
const maxDoubts = 64

// doubts remembers which pages were answered without has_more.
type doubts struct {
	mu    sync.Mutex
	times map[question]doubt
	heard bool // some answer had a has_more
}

// question identifies a page that is requested again. If its number in the window is known, its page token is
// not part of it: a token that is valid for one use is a different one when the window is read from its first
// page again.
type question struct {
	from, to int64
	filters  string
	page     int
	size     int
	token    string
}

func (r ListRequest) question() question {
	q := question{from: r.StartTime, to: r.EndTime, filters: r.AppID + "\n" + strings.Join(r.APIKeys, "\n"), page: r.Page, size: r.PageSize}
	if r.Page == 0 {
		q.token = r.PageToken
	}
	return q
}

// unsaid is an answer for a page that does not say whether more follow.
type unsaid struct {
	entries int
	token   bool
}

// doubt is how often a page was answered without has_more since it last failed in another way: how often in a
// row with the last answer, and how often with the answer that had most entries. An answer with fewer has lost
// some: if the API never marks a page as the last one, the right answer may not come three times in a row.
type doubt struct {
	last, most unsaid
	times      int // in a row
	timesMost  int
}

// note counts an answer.
func (d *doubt) note(now unsaid) {
	if now != d.last {
		d.times = 0
	}
	if now.entries > d.most.entries || now.entries == d.most.entries && now != d.most {
		d.most, d.timesMost = now, 0
	}
	d.last, d.times = now, d.times+1
	if now == d.most {
		d.timesMost++
	}
}

// believed reports whether the last answer is believed.
func (d *doubt) believed() bool {
	return d.times >= believedAfter || d.last.entries > 0 && d.last == d.most && d.timesMost >= believedAfter
}

// judge returns the page if it can be believed, and otherwise an error that is retried like any other. A page
// has to be requested again if it does not say whether more follow, and if missing entries would not be noticed:
// if nothing reads their time again (once), or if a page token may be all that this API ever sends.
func (d *doubts) judge(request question, once bool, p *entry.Page, res *Answer) (*entry.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.SaysMore {
		d.heard = true
		delete(d.times, request)
		return p, nil
	}
	if once || p.PageToken != "" && !d.heard {
		now := d.times[request]
		now.note(unsaid{len(p.Entries), p.PageToken != ""})
		if !now.believed() {
			if d.times == nil || len(d.times) >= maxDoubts {
				d.times = make(map[question]doubt)
			}
			d.times[request] = now
			return nil, &Error{
				doubtful: true, unsaid: true, Operation: OpList, Class: cause.ClassRetry, Cause: cause.API, HTTPStatus: res.Status, LogID: res.logID, Wait: res.retryAfter(),
				Reason: "the answer says success, and not whether that is all (no has_more)",
			}
		}
		delete(d.times, request)
	}
	// An API that omits has_more on every page can only mean its page token, up to a page without entries. One
	// that has sent has_more before omits it if it is false.
	p.HasMore = p.PageToken != "" && len(p.Entries) > 0 && !d.heard
	return p, nil
}

// clear forgets the doubtful answers for a page after it was answered in another way.
func (d *doubts) clear(request question) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.times, request)
}
