// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
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
	times map[string]doubt // by the request
	heard bool             // some answer had a has_more
}

// doubt is what a page was answered with last, and how often in a row.
type doubt struct {
	entries int
	token   bool
	times   int
	// most is the largest number of entries that it was answered with, and mostTimes how often,
	// since it failed otherwise. An answer with fewer has lost some: where the API never says that
	// a page is the last one, the right answer may not come three times in a row.
	most, mostTimes int
}

// after is the answer, counted with what came before.
func (now doubt) after(last doubt) doubt {
	now.times, now.most, now.mostTimes = 1, now.entries, 1
	if last.times == 0 {
		return now
	}
	same := now.token == last.token || now.entries != last.entries
	if now.entries == last.entries && now.token == last.token {
		now.times += last.times
	}
	switch {
	case now.entries == last.most && same:
		now.mostTimes += last.mostTimes
	case now.entries < last.most:
		now.most, now.mostTimes = last.most, last.mostTimes
	}
	return now
}

// believed reports whether the answer is taken for the truth.
func (now doubt) believed() bool {
	return now.times >= believedAfter || now.entries > 0 && now.entries == now.most && now.mostTimes >= believedAfter
}

// judge returns the page if it can be believed, and an error that is retried like any other if
// it has to be asked for again. That is the case where the page does not say whether more
// follow, and nobody would notice that entries are missing: where nothing reads their time
// again (once), and where its page token is all that an API may ever say.
func (d *doubts) judge(request string, once bool, p *entry.Page, res *Answer) (*entry.Page, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.SaysMore {
		d.heard = true
		delete(d.times, request)
		return p, nil
	}
	if once || p.PageToken != "" && !d.heard {
		now := doubt{entries: len(p.Entries), token: p.PageToken != ""}.after(d.times[request])
		if !now.believed() {
			if d.times == nil || len(d.times) >= maxDoubts {
				d.times = make(map[string]doubt)
			}
			d.times[request] = now
			return nil, &Error{
				doubtful: true, Operation: OpList, Class: cause.ClassRetry, Cause: cause.API, HTTPStatus: res.Status, LogID: res.logID, Wait: res.retryAfter(),
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
func (d *doubts) clear(request string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.times, request)
}
