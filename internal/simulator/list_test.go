// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRequestValidation(t *testing.T) {
	keys := func(n int) []string { return slices.Repeat([]string{"GET/a"}, n) }
	for name, tt := range map[string]struct {
		body  any
		field string // "" where the request is good
	}{
		"nothing":              {m{}, ""},
		"empty body":           {[]byte{}, ""},
		"nulls":                {[]byte(`{"start_time":null,"api_keys":null,"page_token":null,"page_size":null}`), ""},
		"unknown key":          {m{"user": 1}, ""},
		"100 keys":             {m{"api_keys": keys(100)}, ""},
		"page size 1":          {m{"page_size": 1}, ""},
		"page size 100":        {m{"page_size": 100}, ""},
		"one second":           {m{"start_time": base, "end_time": base}, ""},
		"end of all time":      {m{"start_time": base, "end_time": int64(1<<63 - 1)}, ""},
		"no JSON":              {[]byte("start_time=1"), "body"},
		"an array":             {[]byte("[]"), "body"},
		"101 keys":             {m{"api_keys": keys(101)}, "api_keys"},
		"keys as a string":     {m{"api_keys": "GET/a"}, "api_keys"},
		"page size 0":          {m{"page_size": 0}, "page_size"},
		"page size 101":        {m{"page_size": 101}, "page_size"},
		"page size as string":  {m{"page_size": "20"}, "page_size"},
		"time as string":       {m{"start_time": "1610613336"}, "start_time"},
		"time with a fraction": {m{"end_time": 1610613336.5}, "end_time"},
		"negative start":       {m{"start_time": -1}, "start_time"},
		"end before start":     {m{"start_time": base, "end_time": base - 1}, "start_time"},
		"app id as number":     {m{"app_id": 1}, "app_id"},
		"garbage page token":   {m{"page_token": "garbage"}, "page_token"},
		"forged page token":    {m{"page_token": "AAAAAAAAAAB7ImkiOjB9"}, "page_token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := inProcess(t, New(Options{})).list(tt.body)
			if tt.field == "" {
				require.Equal(t, 0, r.Code, "%s", r.body)
				require.Equal(t, http.StatusOK, r.status)
				return
			}
			require.Equal(t, 1780103, r.Code)
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Equal(t, tt.field, r.Error.FieldViolations[0]["field"])
		})
	}
}

// The curl call of the official page, as printed except host and token: the same
// body with its tabs, start_time equal to end_time, and the page_token "xxx".
func TestOfficialCurlCall(t *testing.T) {
	s := New(Options{})
	s.Add(
		Entry{ID: "1", EventTime: 1610613336, APIKey: "POST/open-apis/authen/v1/access_token", AppID: "cli_xxx"},
		Entry{ID: "2", EventTime: 1610613336, APIKey: "POST/open-apis/authen/v1/access_token", AppID: "cli_yyy"},
		Entry{ID: "3", EventTime: 1610613336, APIKey: "POST/open-apis/authen/v1/refresh_access_token", AppID: "cli_xxx"},
		Entry{ID: "4", EventTime: 1610613337, APIKey: "POST/open-apis/authen/v1/access_token", AppID: "cli_xxx"},
	)
	server := httptest.NewServer(s)
	defer server.Close()
	c := inProcess(t, s)
	c.token = c.authorize().Token

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/open-apis/security_and_compliance/v1/openapi_logs/list_data", strings.NewReader(`{
	"api_keys": [
		"POST/open-apis/authen/v1/access_token"
	],
	"app_id": "cli_xxx",
	"end_time": 1610613336,
	"page_size": 20,
	"page_token": "xxx",
	"start_time": 1610613336
}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	c.http = server.Client()
	r := c.do(req)
	require.Equal(t, 0, r.Code, "%s", r.body)
	require.Equal(t, []string{"1"}, r.ids())
	require.False(t, r.Data.HasMore)
}

// The sample answer of the official page has the same fields as ours.
func TestEntryShape(t *testing.T) {
	s := New(Options{})
	s.Add(Entry{
		ID: "10000", APIKey: "POST/open-apis/demo/v1/example", EventTime: sample, AppID: "cli_xxx", IP: "192.123.12.1",
		Path: "/open-apis/demo/v1/example", Method: "POST", QueryParam: "{}",
		Payload: `{"param1": "val1", "名": "a\"b\\<&>"}` + "\t\n\x01", Response: `{"code": 0, "msg": "ok"}`,
	}, Entry{EventTime: sample, Raw: `{"event_time":"1610613336", "odd" : [1]}`})
	c := inProcess(t, s)
	r := c.list(m{"start_time": sample, "end_time": sample})
	require.JSONEq(t, `{"code":0,"msg":"success","data":{"items":[{
		"id":"10000","api_key":"POST/open-apis/demo/v1/example","event_time":1610613336,"app_id":"cli_xxx","ip":"192.123.12.1",
		"log_detail":{"path":"/open-apis/demo/v1/example","method":"POST","query_param":"{}",
			"payload":"{\"param1\": \"val1\", \"名\": \"a\\\"b\\\\<&>\"}\t\n\u0001","status_code":0,"response":"{\"code\": 0, \"msg\": \"ok\"}"}
	},{"event_time":"1610613336","odd":[1]}],"has_more":false}}`, string(r.body))
	require.Contains(t, string(r.body), `{"event_time":"1610613336", "odd" : [1]}`, "verbatim")
	require.Contains(t, string(r.body), `"名\"`, "text is not escaped without need")

	s.Update(func(o *Options) { o.NumericIDs = true })
	require.Contains(t, string(c.list(m{}).body), `"id":10000,`)
}

func TestEntryWithoutID(t *testing.T) {
	s := New(Options{})
	s.Add(Entry{EventTime: base})
	require.NotContains(t, inProcess(t, s).list(m{}).Data.Items[0], "id")
}

func TestOrderAndPaging(t *testing.T) {
	entries := numbered(250, 7)
	ascending := idsOf(entries)
	descending := slices.Clone(ascending)
	slices.Reverse(descending)
	for _, paging := range []Paging{Snapshot, Live} {
		for order, want := range map[Order][]string{Ascending: ascending, Descending: descending, Shuffled: nil} {
			t.Run(fmt.Sprintf("%s %s", order, paging), func(t *testing.T) {
				s := New(Options{Order: order, Paging: paging})
				shuffled := slices.Clone(entries)
				slices.Reverse(shuffled[100:200]) // whole seconds are added out of order
				slices.SortStableFunc(shuffled[98:203], func(a, b Entry) int { return int(b.EventTime - a.EventTime) })
				s.Add(entries[:98]...)
				s.Add(entries[203:]...)
				s.Add(entries[98:203]...)
				c := inProcess(t, s)
				pages := c.walk(m{"page_size": 100})
				require.Len(t, pages, 3)
				require.Len(t, pages[0], 100)
				require.Len(t, pages[2], 50)
				all := flatten(pages)
				if want != nil {
					require.Equal(t, want, all)
					return
				}
				require.ElementsMatch(t, ascending, all)
				require.False(t, slices.IsSortedFunc(all[:50], strings.Compare))
				require.NotEqual(t, all, flatten(c.walk(m{"page_size": 100})), "each walk has its own order")
			})
		}
	}
}

func TestBounds(t *testing.T) {
	entries := numbered(5, 1)
	for _, tt := range []struct {
		opts Options
		want []string
	}{
		{Options{}, []string{"1", "2", "3"}},
		{Options{StartExclusive: true}, []string{"2", "3"}},
		{Options{EndExclusive: true}, []string{"1", "2"}},
		{Options{StartExclusive: true, EndExclusive: true}, []string{"2"}},
	} {
		for _, order := range []Order{Ascending, Descending, Shuffled} {
			tt.opts.Order = order
			s := New(tt.opts)
			s.Add(entries...)
			c := inProcess(t, s)
			require.ElementsMatch(t, tt.want, c.list(m{"start_time": base + 1, "end_time": base + 3}).ids())
			require.Len(t, c.list(m{}).ids(), 5, "without bounds there is nothing to exclude")
		}
	}
}

func TestFilters(t *testing.T) {
	s := New(Options{Tenant: Tenant{Seed: 3, PerSecond: 4, Start: base, End: base + 600}})
	s.Add(
		Entry{ID: "x", EventTime: base, APIKey: "GET/open-apis/x", AppID: "cli_x"},
		Entry{ID: "y", EventTime: base, APIKey: "GET/open-apis/y", AppID: "cli_x"},
	)
	c := inProcess(t, s)
	require.Equal(t, []string{"x", "y"}, c.list(m{"app_id": "cli_x"}).ids())
	require.Equal(t, []string{"x"}, c.list(m{"app_id": "cli_x", "api_keys": []string{"GET/open-apis/x", "GET/open-apis/z"}}).ids())
	require.Empty(t, c.list(m{"app_id": "cli_z"}).ids())

	tenant := Tenant{Seed: 3, PerSecond: 4, Start: base, End: base + 600}
	key, app := "POST/open-apis/im/v1/messages", tenant.Entries(base, base+1)[0].AppID
	var byKey, byApp []string
	for _, e := range tenant.Entries(base, base+601) {
		if e.APIKey == key {
			byKey = append(byKey, e.ID)
		}
		if e.AppID == app {
			byApp = append(byApp, e.ID)
		}
	}
	require.NotEmpty(t, byKey)
	require.Equal(t, byKey, flatten(c.walk(m{"api_keys": []string{key}, "page_size": 10})))
	require.Equal(t, byApp, flatten(c.walk(m{"app_id": app, "page_size": 10})))
}

func TestVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		s := New(Options{ClockSkew: time.Minute})
		s.Add(
			Entry{ID: "now", EventTime: now.Unix()},
			Entry{ID: "soon", EventTime: now.Unix() + 70},
			Entry{ID: "late", EventTime: now.Unix(), VisibleAt: now.Add(80 * time.Second)},
			Entry{ID: "from the future", EventTime: now.Add(24 * time.Hour).Unix(), VisibleAt: now},
		)
		c := inProcess(t, s)
		far := m{"end_time": now.Add(48 * time.Hour).Unix()}
		require.Equal(t, []string{"now", "from the future"}, c.list(far).ids())
		require.Equal(t, []string{"now"}, c.list(m{}).ids(), "the end is the server's now")
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"now", "soon"}, c.list(m{}).ids())
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{"now", "late", "soon"}, c.list(m{}).ids())
	})
}

func TestRefusedTimeRanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		s := New(Options{MaxWindow: time.Hour})
		c := inProcess(t, s)
		require.Equal(t, 0, c.list(m{"start_time": now - 3600, "end_time": now}).Code)
		require.Equal(t, 1780103, c.list(m{"start_time": now - 3601, "end_time": now}).Code)

		s = New(Options{RefuseFuture: true, Retention: time.Hour})
		s.Add(Entry{ID: "gone", EventTime: now - 3601}, Entry{ID: "kept", EventTime: now - 3600})
		c = inProcess(t, s)
		require.Equal(t, 0, c.list(m{"end_time": now}).Code)
		require.Equal(t, 1780103, c.list(m{"end_time": now + 1}).Code)
		require.Equal(t, []string{"kept"}, c.list(m{"start_time": now - 9000}).ids())
		s.Update(func(o *Options) { o.RefuseExpired = true })
		require.Equal(t, 1780103, c.list(m{"start_time": now - 3601}).Code)
		require.Equal(t, []string{"kept"}, c.list(m{"start_time": now - 3600}).ids())
		require.Equal(t, []string{"kept"}, c.list(m{}).ids())
	})
}

func TestTooManyEntriesToShuffle(t *testing.T) {
	s := New(Options{Order: Shuffled, Tenant: Tenant{PerSecond: 10_000, Start: base, End: base + 100}})
	c := inProcess(t, s)
	require.Equal(t, 1780103, c.list(m{"start_time": base, "end_time": base + 100}).Code)
	require.Equal(t, 0, c.list(m{"start_time": base, "end_time": base}).Code)
}

func TestOwnCallsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{LogOwnCalls: true})
		c := inProcess(t, s)
		require.Empty(t, c.list(m{}).ids())
		items := c.list(m{}).Data.Items
		require.Len(t, items, 1)
		require.Equal(t, "POST/open-apis/security_and_compliance/v1/openapi_logs/list_data", items[0]["api_key"])
		require.Equal(t, DefaultAppID, items[0]["app_id"])
		require.Len(t, slices.Compact(c.list(m{}).ids()), 2)
	})
}

func TestWrongPathOrMethod(t *testing.T) {
	c := inProcess(t, New(Options{}))
	for _, call := range []string{"GET " + ListPath, "GET " + TokenPath, "PUT " + ListPath, "POST /", "POST " + ListPath + "/", "POST /x" + ListPath} {
		method, path, _ := strings.Cut(call, " ")
		r := c.do(c.request(method, path, m{}))
		require.Equal(t, http.StatusNotFound, r.status, call)
		require.Equal(t, "404 page not found", string(r.body), call)
		require.Equal(t, "text/plain; charset=utf-8", r.header.Get("Content-Type"))
		require.Len(t, r.header.Get("X-Tt-Logid"), 34)
	}
	r := c.do(c.request(http.MethodPost, TokenPath+"/", m{"app_id": DefaultAppID, "app_secret": DefaultAppSecret}))
	require.Equal(t, 0, r.Code, "a trailing slash was seen to work here")
}

func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{ClockSkew: -5 * time.Minute})
		c := inProcess(t, s)
		seen := map[string]bool{}
		for _, r := range []*reply{c.authorize(), c.list(m{}), c.list(m{"page_size": 0})} {
			require.Equal(t, "application/json; charset=utf-8", r.header.Get("Content-Type"))
			require.Equal(t, time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat), r.header.Get("Date"))
			id := r.header.Get("X-Tt-Logid")
			require.Regexp(t, `^[0-9]{14}[0-9A-F]{20}$`, id)
			require.False(t, seen[id])
			seen[id] = true
		}
	})
}

func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var observed []Call
		s := New(Options{ClockSkew: time.Hour, Observe: func(c Call) { observed = append(observed, c) }})
		s.Add(numbered(3, 1)...)
		c := inProcess(t, s)
		r := c.list(m{"start_time": base, "end_time": base + 9, "app_id": "cli_a", "api_keys": []string{"GET/open-apis/a"}, "page_size": 2})
		c.list(m{"start_time": base, "page_size": 0})
		calls := s.Calls()
		require.Equal(t, observed, calls)
		require.Len(t, calls, 3)
		require.Equal(t, EndpointToken, calls[0].Endpoint)
		require.Equal(t, Call{
			Time: time.Now(), Endpoint: EndpointList, Path: ListPath, Method: "POST", AppID: DefaultAppID,
			StartTime: base, EndTime: base + 9, PageSize: 2, FilterAPIKeys: []string{"GET/open-apis/a"}, FilterAppID: "cli_a",
			Status: 200, Code: 0, Items: 2, HasMore: true, NextPageToken: r.Data.PageToken, LogID: r.header.Get("X-Tt-Logid"),
		}, calls[1])
		require.Equal(t, 400, calls[2].Status)
		require.Equal(t, 1780103, calls[2].Code)
	})
}

func TestCallLogIsBounded(t *testing.T) {
	var l callLog
	for i := range 2*keptCalls + 7 {
		l.add(Call{PageSize: i})
	}
	all := l.all()
	require.Len(t, all, keptCalls)
	require.Equal(t, 2*keptCalls+6, all[keptCalls-1].PageSize)
	require.LessOrEqual(t, len(l.calls), 2*keptCalls)
}

func TestReadEntries(t *testing.T) {
	lines := `{"id":"7","event_time":1610613336,"api_key":"GET/a","app_id":"cli_a","x":1}` + "\n\n" + `{"id":18446744073709551615,"event_time":"1610613337"}` + "\n"
	entries, err := ReadEntries(strings.NewReader(lines))
	require.NoError(t, err)
	require.Equal(t, []Entry{
		{ID: "7", EventTime: sample, APIKey: "GET/a", AppID: "cli_a", Raw: `{"id":"7","event_time":1610613336,"api_key":"GET/a","app_id":"cli_a","x":1}`},
		{ID: "18446744073709551615", EventTime: sample + 1, Raw: `{"id":18446744073709551615,"event_time":"1610613337"}`},
	}, entries)
	for _, bad := range []string{"x", `{"id":"1"}`, `{"event_time":1.5}`} {
		_, err := ReadEntries(strings.NewReader("\n" + bad))
		require.ErrorContains(t, err, "line 2")
	}
}
