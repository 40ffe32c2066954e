// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// maxWalk is how many pages are read to find the entries of a second again.
const maxWalk = 3

// bounds finds out whether start_time and end_time are inclusive. A second with known entries is requested
// within wider bounds, then with each bound on it.
func (s *session) bounds(ctx context.Context, from *sample) (start, end Finding) {
	second, ids := pickSecond(from)
	if len(ids) == 0 {
		missing := msg("no entry was seen that a query could find")
		return unknown(StartBound, missing), unknown(EndBound, missing)
	}
	fail := func(err error) (Finding, Finding) {
		return unknown(StartBound, why(err)), unknown(EndBound, why(err))
	}
	both, err := s.shows(ctx, second-1, second+1, ids)
	if err != nil {
		return fail(err)
	}
	if both.found < len(ids) || both.outside > 0 {
		odd := msg("a query of the three seconds around known entries did not return all of them, or returned others")
		return unknown(StartBound, odd), unknown(EndBound, odd)
	}
	first, err := s.shows(ctx, second, second+1, ids)
	if err != nil {
		return fail(err)
	}
	last, err := s.shows(ctx, second-1, second, ids)
	if err != nil {
		return fail(err)
	}
	// What is missing with the bound on the second must still be there without it.
	again := both
	if first.found < len(ids) || last.found < len(ids) {
		if again, err = s.shows(ctx, second-1, second+1, ids); err != nil {
			return fail(err)
		}
	}
	judge := func(q Question, f shown) Finding {
		out := Finding{Question: q, Evidence: msg("of %s of one second, a query with %s at that second returned %d, and one with both bounds a second off returned all",
			count(len(ids), "entry", "entries"), q, f.found)}
		switch {
		case f.found == len(ids):
			out.Answer, out.Text = "inclusive", msg("inclusive: entries of that second are returned")
		case f.found == 0 && f.complete && again.found == len(ids):
			out.Answer, out.Text = "exclusive", msg("exclusive: entries of that second are left out")
		default:
			out.Text = msg("could not tell")
		}
		return out
	}
	return judge(StartBound, first), judge(EndBound, last)
}

// pickSecond finds the second with the fewest entries, but at least one.
func pickSecond(from *sample) (second int64, ids map[string]bool) {
	if from == nil {
		return 0, nil
	}
	by := map[int64]map[string]bool{}
	for _, e := range from.entries {
		// The first and the last second may be cut by the very bounds in question.
		if !e.HasTime || e.Second <= from.from || e.Second >= from.to {
			continue
		}
		if by[e.Second] == nil {
			by[e.Second] = map[string]bool{}
		}
		by[e.Second][e.ID] = true
	}
	for t, set := range by {
		if ids == nil || len(set) < len(ids) || len(set) == len(ids) && t > second {
			second, ids = t, set
		}
	}
	return second, ids
}

// shown is which known entries a query showed.
type shown struct {
	found    int
	outside  int  // entries outside of the bounds
	complete bool // all pages were read
}

func (s *session) shows(ctx context.Context, from, to int64, ids map[string]bool) (shown, error) {
	var out shown
	found := map[string]bool{}
	q := openapi.ListRequest{StartTime: from, EndTime: to, PageSize: pageSize}
	for range maxWalk {
		a, err := s.list(ctx, q)
		if err != nil {
			return out, err
		}
		for _, e := range a.Page.Facts() {
			if ids[e.ID] {
				found[e.ID] = true
			}
			if e.HasTime && (e.Second < from || e.Second > to) {
				out.outside++
			}
		}
		out.found = len(found)
		if !a.Page.HasMore {
			out.complete = true
			break
		}
		if out.found == len(ids) || a.Page.PageToken == "" {
			break
		}
		q.PageToken = a.Page.PageToken
	}
	return out, nil
}
