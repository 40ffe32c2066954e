// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// maxShuffled limits the entries that a query in shuffled order may return.
const maxShuffled = 500_000

// ref is an entry's place in the log: its second, and within the second the generated entries before the
// explicit ones.
type ref struct {
	Second   int64 `json:"s"`
	Explicit bool  `json:"x,omitempty"`
	N        int64 `json:"n"` // generated: number in its second; explicit: sequence number
}

func compareRefs(a, b ref) int {
	explicit := func(r ref) int {
		if r.Explicit {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Second, b.Second), cmp.Compare(explicit(a), explicit(b)), cmp.Compare(a.N, b.N))
}

// view is the state of the log that a query sees.
type view struct {
	asOf time.Time // server time
	seq  int64     // explicit entries added after this one are not visible
}

// query is the query of a call.
type query struct {
	from, to int64 // both inclusive
	apiKeys  []string
	appID    string
}

func (q *query) wantsAPI(key string) bool {
	return len(q.apiKeys) == 0 || slices.Contains(q.apiKeys, key)
}

// auditLog is the whole log.
type auditLog struct {
	store  store
	tenant Tenant
}

func (l *auditLog) entry(r ref) Entry {
	if r.Explicit {
		return *l.store.get(r)
	}
	return l.tenant.entry(r.Second, r.N)
}

// scan calls yield with the results of the query, in ascending or descending order, starting with the entry at
// start or the next one after it, until yield returns false. A nil start means the very first.
func (l *auditLog) scan(q query, v view, descending bool, start *ref, yield func(ref) bool) {
	first := q.from
	if descending {
		first = q.to
	}
	if start != nil { // it may be outside, if the bounds have changed since
		first = max(first, start.Second)
		if descending {
			first = min(q.to, start.Second)
		}
	}
	var refs []ref
	for second, ok := l.next(first, q, v, descending); ok; {
		refs = l.refsOf(refs[:0], second, q, v)
		if descending {
			slices.Reverse(refs)
		}
		for _, r := range refs {
			if start != nil {
				if c := compareRefs(r, *start); c < 0 && !descending || c > 0 && descending {
					continue
				}
			}
			if !yield(r) {
				return
			}
		}
		if descending {
			second, ok = l.next(second-1, q, v, descending)
		} else {
			second, ok = l.next(second+1, q, v, descending)
		}
	}
}

// next is the nearest second, from the given one on, that may have an entry.
func (l *auditLog) next(second int64, q query, v view, descending bool) (int64, bool) {
	begin, end, ok := l.tenant.span(v.asOf)
	entries := l.store.entries
	if descending {
		next := int64(math.MinInt64)
		if ok && second >= begin {
			next = min(second, end)
		}
		if i := l.store.at(second + 1); i > 0 {
			next = max(next, entries[i-1].EventTime)
		}
		return next, next >= q.from
	}
	next := int64(math.MaxInt64)
	if ok && second <= end {
		next = max(second, begin)
	}
	if i := l.store.at(second); i < len(entries) {
		next = min(next, entries[i].EventTime)
	}
	return next, next <= q.to && next != math.MaxInt64
}

// refsOf appends the query's results in one second, in ascending order.
func (l *auditLog) refsOf(refs []ref, second int64, q query, v view) []ref {
	if begin, end, ok := l.tenant.span(v.asOf); ok && second >= begin && second <= end {
		for n := range l.tenant.count(second) {
			d := l.tenant.draw(second, n)
			if !d.visibleAt(&l.tenant).After(v.asOf) && q.wantsAPI(d.api().Key) && (q.appID == "" || q.appID == d.appID(&l.tenant)) {
				refs = append(refs, ref{Second: second, N: n})
			}
		}
	}
	for _, e := range l.store.entries[l.store.at(second):] {
		if e.EventTime != second {
			break
		}
		if e.seq <= v.seq && !e.visibleAt.After(v.asOf) && q.wantsAPI(e.APIKey) && (q.appID == "" || q.appID == e.AppID) {
			refs = append(refs, ref{Second: second, Explicit: true, N: e.seq})
		}
	}
	return refs
}

// shuffled finds all results at once, ordered by a hash of the walk and the entry, so that the order is the same
// for each page. It returns false if there are too many.
func (l *auditLog) shuffled(q query, v view, walk uint64) ([]ref, bool) {
	type hashed struct {
		ref
		hash uint64
	}
	var all []hashed
	l.scan(q, v, false, nil, func(r ref) bool {
		all = append(all, hashed{r, mix(walk ^ mix(uint64(r.Second)) ^ mix(uint64(r.N)<<1)*3)})
		return len(all) <= maxShuffled
	})
	if len(all) > maxShuffled {
		return nil, false
	}
	slices.SortFunc(all, func(a, b hashed) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), compareRefs(a.ref, b.ref))
	})
	refs := make([]ref, len(all))
	for i, h := range all {
		refs[i] = h.ref
	}
	return refs, true
}

// mix is the finalizer of splitmix64, a bijection that spreads every bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
