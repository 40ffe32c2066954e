// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const maxPageSize = 100

// query is a request of list_data.
type query struct {
	start, end int64
	size       int
	token      string
	app        string
	keys       []string
}

// same reports whether two queries ask for the same entries.
func (q query) same(o query) bool {
	return q.start == o.start && q.end == o.end && q.app == o.app && slices.Equal(q.keys, o.keys)
}

// cursor is what a page token stands for.
type cursor struct {
	query  query
	since  time.Time // when the token was made
	used   bool
	offset int
	after  *Entry
	fixed  []*Entry
	pages  int // that were returned before
}

// page is what a call returns.
type page struct {
	entries []*Entry
	token   string
	more    bool
}

// fetch answers a query. The replica shows what was stored by the time given.
func (a *API) fetch(q query, now, stored time.Time) (page, *answer) {
	c := &cursor{query: q}
	if q.token != "" {
		known, ok := a.cursors[q.token]
		dead := !ok || a.traits.TokenLife > 0 && now.Sub(known.since) > a.traits.TokenLife ||
			a.traits.TokenBound && !known.query.same(q) || a.traits.TokenOnce && a.traits.Paging != Scroll && known.used
		switch {
		case !dead:
			known.used = true
			c = known
		case a.traits.DeadToken != DeadRestart:
			return page{}, a.deadToken()
		}
	}
	if a.traits.Deepest > 0 && c.pages >= a.traits.Deepest {
		return page{}, a.internal("too many pages")
	}
	all := c.fixed
	if all == nil {
		all = a.match(q, now, stored)
		if a.traits.Heavy > 0 && len(all) > a.traits.Heavy {
			return page{}, a.internal("the query takes too long")
		}
	}
	from := c.offset
	if a.traits.Paging == Keyset && c.after != nil {
		from, _ = slices.BinarySearchFunc(all, c.after, a.compare)
		if from < len(all) && all[from] == c.after {
			from++
		}
	}
	size := q.size
	if a.traits.PageCap > 0 {
		size = min(size, a.traits.PageCap)
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	more := to < len(all) || a.traits.Unsure && to-from == size
	p := page{more: more}
	for _, e := range all[from:to] {
		if !e.hidden {
			p.entries = append(p.entries, e)
		}
	}
	if more || a.traits.LastToken {
		p.token = a.next(c, q, all, from, to, now)
	}
	return p, nil
}

// next is the token for what follows all[from:to].
func (a *API) next(c *cursor, q query, all []*Entry, from, to int, now time.Time) string {
	n := &cursor{query: q, since: now, offset: to, pages: c.pages + 1}
	switch a.traits.Paging {
	case Keyset:
		if n.after = c.after; to > from {
			n.after = all[to-1]
		}
	case Snapshot:
		n.fixed = all
		if c.fixed != nil {
			n.since = c.since // the life is the snapshot's
		}
	case Scroll:
		n.fixed = all
		if c.fixed != nil { // known by its token: move on
			c.offset, c.pages, c.since = to, c.pages+1, now
			return q.token
		}
	}
	a.tokens++
	token := a.opaque("page", a.tokens)
	a.cursors[token] = n
	return token
}

// match evaluates a query.
func (a *API) match(q query, now, stored time.Time) []*Entry {
	found := []*Entry{}
	for _, e := range a.between(q.start, q.end) {
		if e.Stored.After(stored) || a.Expired(e, now) {
			continue
		}
		at, start, end := e.Second(), q.start, q.end
		switch a.traits.Match {
		case MatchMilli:
			at, start, end = e.At.UnixMilli(), start*1000, end*1000
		case MatchIngested:
			at = e.Stored.Unix()
		}
		if at < start || at > end || a.traits.StartExcluded && at == start || a.traits.EndExcluded && at == end {
			continue
		}
		if q.app != "" && e.app != q.app || len(q.keys) > 0 && !slices.Contains(q.keys, e.key) {
			continue
		}
		found = append(found, e)
	}
	slices.SortFunc(found, a.compare)
	return found
}

// between are the entries that may match, by the times of events.
func (a *API) between(start, end int64) []*Entry {
	if a.traits.Match == MatchIngested {
		start -= int64(a.traits.Longest()/time.Second) + 1
	}
	bySecond := func(e *Entry, second int64) int { return cmp.Compare(e.Second(), second) }
	from, _ := slices.BinarySearchFunc(a.log, start, bySecond)
	to, _ := slices.BinarySearchFunc(a.log, end+1, bySecond)
	return a.log[from:max(from, to)]
}

// Expired reports whether an entry is no longer kept, at a time of the server's clock.
func (a *API) Expired(e *Entry, now time.Time) bool {
	return a.traits.Retention > 0 && now.Sub(e.At) > a.traits.Retention
}

// compare is the order of the traits.
func (a *API) compare(x, y *Entry) int {
	order := 0
	switch a.traits.Order {
	case Ascending:
		order = x.At.Compare(y.At)
	case Descending:
		order = y.At.Compare(x.At)
	case Shuffled:
		order = cmp.Compare(x.order, y.order)
	case ByID:
		order = strings.Compare(x.id, y.id)
	}
	return cmp.Or(order, cmp.Compare(x.n, y.n))
}
