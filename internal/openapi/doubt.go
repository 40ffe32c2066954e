// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"strings"
	"sync"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// The official page of list_data documents has_more without an "optional", and its sample
// has it on the last page. An answer that says success without it ({"code":0}, data that is
// null or empty, a page token alone) may come from a gateway, a cache or a service that has
// lost the answer of another one, or be how an API of its own writes "nothing".

// believedAfter is how often one page has to be answered so before that is taken for the truth: in
// a row, or, with entries, while no answer has more of them.
const believedAfter = 3

// maxDoubts bounds how many pages are remembered that were answered so: several for each
// walk that may be in flight.
const maxDoubts = 64

// doubts remembers which pages were answered without has_more.
type doubts struct {
	mu    sync.Mutex
	times map[question]doubt
	heard bool // some answer had a has_more
}

// question is a page as one asks for it again. Where it is known which page of its window it is, its
// page token is no part of it: a token that is good for one use is another one when the window is
// read from its first page again.
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

// unsaid is what a page was answered with that does not say whether more follow.
type unsaid struct {
	entries int
	token   bool
}

// doubt is how often a page was answered so, since it failed otherwise: with the last answer in a
// row, and with the one that had most entries. One with fewer has lost some: where the API never
// says that a page is the last one, the right answer may not come three times in a row.
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

// believed reports whether the last answer is taken for the truth.
func (d *doubt) believed() bool {
	return d.times >= believedAfter || d.last.entries > 0 && d.last == d.most && d.timesMost >= believedAfter
}

// judge returns the page if it can be believed, and an error that is retried like any other if
// it has to be asked for again. That is the case where the page does not say whether more
// follow, and nobody would notice that entries are missing: where nothing reads their time
// again (once), and where its page token is all that an API may ever say.
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
	// An API that leaves out has_more on every page can only mean its page token, up to a page
	// without entries. One that has sent it before leaves it out where it is false.
	p.HasMore = p.PageToken != "" && len(p.Entries) > 0 && !d.heard
	return p, nil
}

// clear forgets what a page was answered with, as it was answered otherwise.
func (d *doubts) clear(request question) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.times, request)
}
