// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A late entry, and one that is added, between two pages.
func TestEntriesThatTurnUpDuringAWalk(t *testing.T) {
	for paging, want := range map[Paging][]string{
		Snapshot: {"0", "1", "2", "3"},
		Live:     {"0", "1", "1", "2", "3"}, // the second page begins one entry further back
	} {
		for _, order := range []Order{Ascending, Shuffled} {
			t.Run(fmt.Sprintf("%s %s", paging, order), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := New(Options{Paging: paging, Order: order})
					s.Add(numbered(4, 1)...)
					s.Add(Entry{ID: "late", EventTime: base - 2, VisibleAt: time.Now().Add(time.Minute)})
					c := inProcess(t, s)
					first := c.list(m{"page_size": 2})
					time.Sleep(time.Minute)
					if paging == Snapshot {
						s.Add(Entry{ID: "added", EventTime: base - 1})
					}
					rest := c.walk(m{"page_size": 2, "page_token": first.Data.PageToken})
					all := append(first.ids(), flatten(rest)...)
					switch {
					case order == Ascending:
						require.Equal(t, want, all)
					case paging == Snapshot:
						require.ElementsMatch(t, want, all)
					default:
						require.Len(t, all, 5, "five entries are visible in the end")
					}
				})
			})
		}
	}
}

func TestPageOverlap(t *testing.T) {
	for _, order := range []Order{Ascending, Descending, Shuffled} {
		s := New(Options{PageOverlap: 3, Order: order})
		s.Add(numbered(30, 4)...)
		c := inProcess(t, s)
		pages := c.walk(m{"page_size": 10})
		require.Len(t, pages, 4)
		for i, p := range pages[1:] {
			require.Equal(t, pages[i][7:], p[:3])
		}
		require.Len(t, c.walk(m{"page_size": 2}), 29, "an overlap as large as the page still ends")
		require.Len(t, c.walk(m{"page_size": 1}), 30, "a page of one entry overlaps with nothing")
	}
}

func TestPageTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{PageTokenLife: 2 * time.Hour, Apps: map[string]string{DefaultAppID: DefaultAppSecret, "cli_other": "s"}})
		s.Add(numbered(30, 1)...)
		c := inProcess(t, s)
		body := m{"page_size": 10, "start_time": base, "end_time": base + 100}
		token := c.list(body).Data.PageToken
		body["page_token"] = token
		again := c.list(body)
		require.Equal(t, "10", again.ids()[0])
		require.Equal(t, "10", c.list(body).ids()[0], "a page can be requested again")
		body["page_size"] = 5
		require.Len(t, c.list(body).ids(), 5, "the page size may change")

		for _, change := range []m{{"end_time": base + 101}, {"app_id": "cli_b"}, {"api_keys": []string{"GET/a"}}} {
			other := m{"page_size": 10, "start_time": base, "end_time": base + 100, "page_token": token}
			maps.Copy(other, change)
			require.Equal(t, 1780103, c.list(other).Code, "%v", change)
			s.Update(func(o *Options) { o.LenientPageTokens = true })
			require.Equal(t, 0, c.list(other).Code, "%v", change)
			s.Update(func(o *Options) { o.LenientPageTokens = false })
		}

		other := inProcess(t, s)
		other.app, other.secret = "cli_other", "s"
		require.Equal(t, 1780103, other.list(body).Code, "the token of another app")

		time.Sleep(2 * time.Hour)
		c.token = ""
		require.Equal(t, 0, c.list(body).Code)
		time.Sleep(time.Millisecond)
		r := c.list(body)
		require.Equal(t, 1780103, r.Code)
		require.Equal(t, "page token expired", r.Error.FieldViolations[0]["description"])
	})
}

// A server that returns fewer entries than page_size, and one that does not look ahead.
func TestShortAndUnsurePages(t *testing.T) {
	for _, order := range []Order{Ascending, Descending, Shuffled} {
		for _, paging := range []Paging{Snapshot, Live} {
			s := New(Options{Order: order, Paging: paging, MostPerPage: 10, FullPageHasMore: true})
			s.Add(numbered(30, 1)...)
			pages := inProcess(t, s).walk(m{"page_size": 100})
			require.Len(t, pages, 4, "%s %s: an empty page at last", order, paging)
			require.Empty(t, pages[3])
			require.Len(t, flatten(pages), 30)
			s.Add(numbered(31, 1)[30:]...)
			pages = inProcess(t, s).walk(m{"page_size": 100})
			require.Len(t, pages, 4)
			require.Len(t, pages[3], 1)
		}
	}
}

func TestPageTokensForOneCall(t *testing.T) {
	s := New(Options{OncePageTokens: true})
	s.Add(numbered(30, 1)...)
	c := inProcess(t, s)
	body := m{"page_size": 10}
	body["page_token"] = c.list(body).Data.PageToken
	next := c.list(body).Data.PageToken
	r := c.list(body)
	require.Equal(t, 1780103, r.Code)
	require.Equal(t, "page token was used", r.Error.FieldViolations[0]["description"])
	body["page_token"] = next
	require.Equal(t, "20", c.list(body).ids()[0], "the next one is still good")
}

func TestPageTokenSurvivesARestart(t *testing.T) {
	opts := Options{Tenant: Tenant{PerSecond: 1, Start: base, End: base + 99}}
	c := inProcess(t, New(opts))
	body := m{"page_size": 60}
	first := c.list(body)
	c = inProcess(t, New(opts))
	body["page_token"] = first.Data.PageToken
	second := c.list(body)
	require.Equal(t, idsOf(opts.Tenant.Entries(base, base+100)), append(first.ids(), second.ids()...))
}

// Without an end_time, a snapshot ends at the time of the first call, and entries that expire between two pages
// are missing.
func TestWalkWithBoundsOfTheServer(t *testing.T) {
	for _, order := range []Order{Ascending, Descending, Shuffled} {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			s := New(Options{Order: order, Retention: time.Hour})
			for i := range 6 {
				s.Add(Entry{ID: strconv.Itoa(i), EventTime: now.Unix() - 3600 + int64(10*i)})
			}
			s.Add(Entry{ID: "from the future", EventTime: now.Unix() + 5, VisibleAt: now})
			c := inProcess(t, s)
			first := c.list(m{"page_size": 2})
			require.Len(t, first.ids(), 2)
			time.Sleep(35 * time.Second) // 0 to 3 have expired
			rest := flatten(c.walk(m{"page_size": 2, "page_token": first.Data.PageToken}))
			require.NotContains(t, rest, "from the future")
			require.Subset(t, []string{"4", "5"}, rest)
			if order == Ascending {
				require.Equal(t, []string{"4", "5"}, rest)
			}
		})
	}
}

func TestLenientPageTokenStaysWithinTheBounds(t *testing.T) {
	for order, want := range map[Order][]string{Ascending: {"20", "21"}, Descending: {"3", "2"}} {
		s := New(Options{Order: order, LenientPageTokens: true})
		s.Add(numbered(24, 1)...)
		c := inProcess(t, s)
		token := c.list(m{"page_size": 10}).Data.PageToken // leads to 10 or 13
		from, to := base+20, base+21
		if order == Descending {
			from, to = base+2, base+3
		}
		require.Equal(t, want, c.list(m{"page_token": token, "start_time": from, "end_time": to}).ids())
	}
}

func TestFormOfTheLastAndTheEmptyPage(t *testing.T) {
	for empty, want := range map[Empty]string{
		"":           `"data":{"items":[],"has_more":false}`,
		EmptyArray:   `"data":{"items":[],"has_more":false}`,
		EmptyNull:    `"data":{"items":null,"has_more":false}`,
		EmptyOmitted: `"data":{"has_more":false}`,
	} {
		require.Contains(t, string(inProcess(t, New(Options{Empty: empty})).list(m{}).body), want)
	}
	s := New(Options{LastPageToken: true})
	s.Add(numbered(3, 1)...)
	c := inProcess(t, s)
	r := c.list(m{})
	require.False(t, r.Data.HasMore)
	require.NotEmpty(t, r.Data.PageToken)
	require.Empty(t, c.list(m{"page_token": r.Data.PageToken}).ids(), "it leads to nothing")
}
