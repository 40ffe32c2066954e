// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What each kind of fault looks like to a caller.
func TestFaultAnswers(t *testing.T) {
	const (
		list  = EndpointList
		token = EndpointToken
	)
	for _, tt := range []struct {
		fault    Fault
		endpoint Endpoint
		status   int
		code     int    // -1: no JSON with a code
		body     string // part of it
		header   string // name: part of value
	}{
		{Fault{Kind: FaultHTML}, list, 502, -1, "<h1>502 Bad Gateway</h1>", "Content-Type: text/html"},
		{Fault{Kind: FaultHTML, Endpoint: token, Status: 504}, token, 504, -1, "<h1>504 Gateway Timeout</h1>", ""},
		{Fault{Kind: FaultEmpty}, list, 200, -1, "", ""},
		{Fault{Kind: FaultBareJSON, Endpoint: token}, token, 200, -1, "{}", "Content-Type: application/json"},
		{Fault{Kind: FaultProxy, Endpoint: token}, token, 400, -1, "400 The plain HTTP", "Content-Type: text/plain"},
		{Fault{Kind: FaultNotFound}, list, 404, -1, "404 page not found", "Content-Type: text/plain"},
		{Fault{Kind: FaultRedirect, Location: "http://open.example/other"}, list, 307, -1, "", "Location: http://open.example/other"},
		{Fault{Kind: FaultRedirect}, list, 307, -1, "", "Location: https://redirected.invalid/open-apis/"},
		{Fault{Kind: FaultRevoke}, list, 400, 99991663, "Invalid access token", ""},
		{Fault{Kind: FaultError, Code: 99991662, Msg: "app disabled"}, list, 400, 99991662, "app disabled", ""},
		{Fault{Kind: FaultError, Code: 4242, Msg: "?", Status: 200, Endpoint: token}, token, 200, 4242, "", ""},
		{Fault{Kind: FaultInternal}, list, 500, 1780001, "Internal Server Error", ""},
		{Fault{Kind: FaultInternal, Endpoint: token}, token, 200, 2200, "Internal Error", ""},
		{Fault{Kind: FaultInvalidParam}, list, 400, 1780103, "Request Param Error", ""},
		{Fault{Kind: FaultInvalidParam, Endpoint: token}, token, 200, 10003, "invalid param", ""},
		{Fault{Kind: FaultUnknownApp}, token, 200, 10014, "app id not exists", ""},
		{Fault{Kind: FaultWrongSecret}, token, 200, 10014, "app secret invalid", ""},
		{Fault{Kind: FaultTokenInvalid}, list, 400, 99991663, "Invalid access token", ""},
		{Fault{Kind: FaultTokenInvalid, Status: 200}, list, 200, 99991663, "", ""},
		{Fault{Kind: FaultIPRefused}, list, 400, 99991401, "ip 127.0.0.1 is denied by app setting", ""},
		{Fault{Kind: FaultMissingScope}, list, 400, 99991672, `"permission_violations":[{"subject":"security_and_compliance:audit_log.openapi_log:readonly","type":"action_scope_required"}]`, ""},
		{Fault{Kind: FaultMissingScopeOld}, list, 400, 99991672, `"permission_violations":[{"scope":"security_and_compliance:audit_log.openapi_log:readonly","url":"https://open.feishu.cn/app/`, ""},
		{Fault{Kind: FaultRateLimited}, list, 429, 99991400, "request trigger frequency limit", "X-Ogw-Ratelimit-Reset: 30"},
		{Fault{Kind: FaultRateLimited, Status: 400}, list, 400, 99991400, "", "X-Ogw-Ratelimit-Limit: 100"},
		{Fault{Kind: FaultQuotaExceeded}, list, 429, 99991403, "quota", ""},
		{Fault{Kind: FaultPageTokenRefused}, list, 200, 0, "", ""}, // there is none in the request
		{Fault{Kind: FaultTruncated}, list, 200, -1, `{"code":0,"msg":"success"`, ""},
		{Fault{Kind: FaultNoData}, list, 200, 0, `{"code":0,"msg":"success"}`, ""},
		{Fault{Kind: FaultNullData}, list, 200, 0, `"data":null}`, ""},
		{Fault{Kind: FaultEmptyData}, list, 200, 0, `"data":{}}`, ""},
		{Fault{Kind: FaultNoHasMore}, list, 200, 0, `}}]}}`, ""},
		{Fault{Kind: FaultWrongDate, By: -50 * 365 * 24 * time.Hour}, list, 200, 0, "", "Date: 19"},
		{Fault{Kind: FaultHuge, Size: 1 << 20}, list, 200, 0, strings.Repeat(" ", 1<<20), ""},
	} {
		name := string(tt.fault.Kind) + " " + string(tt.endpoint)
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			s.Add(numbered(5, 1)...)
			c := inProcess(t, s)
			c.token = c.authorize().Token
			c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			call := func() *reply {
				if tt.endpoint == token {
					return c.authorize()
				}
				return c.list(m{})
			}
			s.Update(func(o *Options) { o.Faults = []Fault{tt.fault} })
			r := call()
			require.NoError(t, r.err)
			require.Equal(t, tt.status, r.status)
			require.Equal(t, tt.code, r.Code, "%s", r.body)
			require.Contains(t, string(r.body), tt.body)
			if tt.header != "" {
				name, value, _ := strings.Cut(tt.header, ": ")
				require.Contains(t, r.header.Get(name), value)
			}
			require.Len(t, r.header.Get("X-Tt-Logid"), 34)
			if tt.endpoint == list && tt.code > 0 {
				require.Equal(t, r.header.Get("X-Tt-Logid"), r.Error.LogID)
			}
			calls := s.Calls()
			last := calls[len(calls)-1]
			require.Equal(t, tt.status, last.Status)
			if tt.fault.Kind != FaultPageTokenRefused {
				require.Equal(t, []FaultKind{tt.fault.Kind}, last.Faults)
			}

			s.Update(func(o *Options) { o.Faults = nil })
			c.token = c.authorize().Token
			require.Equal(t, 0, call().Code, "healed")
		})
	}
}

func TestInvalidTokenThatTheTokenEndpointKeeps(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultTokenInvalid, Count: 2}}})
	c := inProcess(t, s)
	require.Equal(t, 99991663, c.list(m{}).Code)
	require.Equal(t, c.token, c.authorize().Token)
	require.Equal(t, 99991663, c.list(m{}).Code)
	require.Equal(t, 0, c.list(m{}).Code)
}

func TestRefusedPageTokenLeavesFirstPagesAlone(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultPageTokenRefused, Count: 1}}})
	s.Add(numbered(30, 1)...)
	c := inProcess(t, s)
	first := c.list(m{"page_size": 20})
	require.Equal(t, 0, first.Code)
	r := c.list(m{"page_size": 20, "page_token": first.Data.PageToken})
	require.Equal(t, 1780103, r.Code)
	require.Equal(t, "page_token", r.Error.FieldViolations[0]["field"])
	require.Equal(t, 0, c.list(m{"page_size": 20, "page_token": first.Data.PageToken}).Code)
}

func TestEmptyPagesInTheMiddle(t *testing.T) {
	for _, order := range []Order{Ascending, Shuffled} {
		s := New(Options{Order: order, Faults: []Fault{{Kind: FaultEmptyPage, Every: 2}}})
		entries := numbered(25, 1)
		s.Add(entries...)
		pages := inProcess(t, s).walk(m{"page_size": 10})
		require.Len(t, pages, 5)
		require.Empty(t, pages[1])
		require.Empty(t, pages[3])
		require.ElementsMatch(t, idsOf(entries), flatten(pages))
	}
}

func TestRepeatedPageToken(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultRepeatToken}}})
	s.Add(numbered(25, 1)...)
	c := inProcess(t, s)
	token := c.list(m{"page_size": 10}).Data.PageToken
	for range 5 {
		r := c.list(m{"page_size": 10, "page_token": token})
		require.True(t, r.Data.HasMore)
		require.Equal(t, token, r.Data.PageToken)
		require.Equal(t, "10", r.ids()[0])
	}
}

func TestEndlessPageTokens(t *testing.T) {
	for _, order := range []Order{Ascending, Descending, Shuffled} {
		s := New(Options{Order: order, Faults: []Fault{{Kind: FaultEndless}}})
		s.Add(numbered(25, 1)...)
		c := inProcess(t, s)
		token, seen, ids := "", map[string]bool{}, []string{}
		for range 20 {
			r := c.list(m{"page_size": 10, "page_token": token})
			require.True(t, r.Data.HasMore)
			token = r.Data.PageToken
			require.False(t, seen[token])
			seen[token] = true
			ids = append(ids, r.ids()...)
		}
		slices.Sort(ids)
		require.Len(t, slices.Compact(ids), 25)
		require.Len(t, ids, 25, "after the end the pages are empty")
	}
}

func TestRefusedEnd(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultRefusedEnd}}})
	s.Add(numbered(25, 1)...)
	c := inProcess(t, s)
	token := ""
	for _, n := range []int{10, 10, 5} {
		r := c.list(m{"page_size": 10, "page_token": token})
		require.Len(t, r.ids(), n)
		require.True(t, r.Data.HasMore)
		require.NotEqual(t, token, r.Data.PageToken)
		token = r.Data.PageToken
	}
	require.Equal(t, 1780103, c.list(m{"page_size": 10, "page_token": token}).Code)
}

func TestFaultSchedule(t *testing.T) {
	strikes := func(calls int, faults ...Fault) (struck []int) {
		c := inProcess(t, New(Options{Faults: faults}))
		for i := 1; i <= calls; i++ {
			if c.list(m{}).Code != 0 {
				struck = append(struck, i)
			}
		}
		return struck
	}
	kind := FaultInternal
	require.Equal(t, []int{1, 2, 3}, strikes(3, Fault{Kind: kind}))
	require.Equal(t, []int{3, 6, 9}, strikes(10, Fault{Kind: kind, Every: 3}))
	require.Equal(t, []int{3, 6}, strikes(10, Fault{Kind: kind, Every: 3, Count: 2}))
	require.Equal(t, []int{5, 6}, strikes(10, Fault{Kind: kind, After: 4, Count: 2}))
	require.Equal(t, []int{6, 8}, strikes(9, Fault{Kind: kind, After: 4, Every: 2}))
	require.Equal(t, []int{2, 3, 4, 6, 7}, strikes(7, Fault{Kind: kind, Every: 2}, Fault{Kind: FaultInvalidParam, Every: 2}),
		"the second fault counts the calls that the first leaves to it")

	some := strikes(1000, Fault{Kind: kind, Probability: 0.2})
	require.InDelta(t, 200, len(some), 60)
	require.Equal(t, some, strikes(1000, Fault{Kind: kind, Probability: 0.2}), "the same seed, the same chance")
}

func TestUpdateRestartsFaults(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultInternal, Count: 1}}})
	c := inProcess(t, s)
	codes := func() []int { return []int{c.list(m{}).Code, c.list(m{}).Code} }
	require.Equal(t, []int{1780001, 0}, codes())
	s.Update(func(o *Options) { o.NumericIDs = true })
	require.Equal(t, []int{0, 0}, codes(), "another switch has no part in it")
	s.Update(func(o *Options) { o.Faults[0].Count = 2 })
	require.Equal(t, []int{1780001, 1780001}, codes())
}

func TestFaultsThatTakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := inProcess(t, s)
		c.token = c.authorize().Token
		with := func(f Fault) (*reply, time.Duration) {
			s.Update(func(o *Options) { o.Faults = []Fault{f} })
			began := time.Now()
			r := c.list(m{})
			return r, time.Since(began)
		}
		r, took := with(Fault{Kind: FaultDelay})
		require.Equal(t, 0, r.Code)
		require.Equal(t, 5*time.Second, took)

		r, took = with(Fault{Kind: FaultSlowBody, Delay: time.Second})
		require.Equal(t, 0, r.Code)
		require.Equal(t, time.Duration(len(r.body))*time.Second, took)

		c.http.Timeout = 30 * time.Second
		for _, f := range []Fault{{Kind: FaultHang}, {Kind: FaultDelay, Delay: time.Hour}, {Kind: FaultSlowBody, Delay: time.Second}} {
			r, took = with(f)
			require.ErrorIs(t, r.err, context.DeadlineExceeded)
			require.Equal(t, 30*time.Second, took)
		}
	})
}

func TestParseFault(t *testing.T) {
	f, err := ParseFault("kind=html,endpoint=token,after=1,every=2,probability=0.5,count=3,status=504")
	require.NoError(t, err)
	require.Equal(t, Fault{Kind: FaultHTML, Endpoint: EndpointToken, After: 1, Every: 2, Probability: 0.5, Count: 3, Status: 504}, f)
	for text, want := range map[string]Fault{
		"hang":                     {Kind: FaultHang},
		"error,code=5, msg=no way": {Kind: FaultError, Code: 5, Msg: "no way"},
		"slow_body,delay=3ms":      {Kind: FaultSlowBody, Delay: 3 * time.Millisecond},
		"huge,size=5":              {Kind: FaultHuge, Size: 5},
		"wrong_date,by=-3h":        {Kind: FaultWrongDate, By: -3 * time.Hour},
		"html,from=7,to=9,deeper=3,longer=1h,older=2h": {Kind: FaultHTML, Bounds: Bounds{From: 7, To: 9, Deeper: 3, Longer: time.Hour, Older: 2 * time.Hour}},
		"redirect,location=https://a/b=c":              {Kind: FaultRedirect, Location: "https://a/b=c"},
	} {
		f, err := ParseFault(text)
		require.NoError(t, err)
		require.Equal(t, want, f)
	}
	for text, want := range map[string]string{
		"":                             "no such kind",
		"explode":                      "no such kind",
		"html,often":                   "not key=value",
		"html,when=now":                "not one of kind",
		"html,every=x":                 "every=x",
		"html,every=-1":                "cannot be negative",
		"html,probability=2":           "not between 0 and 1",
		"html,probability=NaN":         "not between 0 and 1",
		"html,endpoint=all":            "use list or token",
		"html,status=99":               "not an HTTP status",
		"html,delay=3s":                "has no delay",
		"html,size=3":                  "has no size",
		"html,by=3h":                   "has no by",
		"html,location=x":              "has no location",
		"html,code=5":                  `use the kind "error"`,
		"html,from=9,to=7":             "starts with from",
		"html,to=7":                    "starts with from",
		"html,deeper=-1":               "cannot be negative",
		"html,longer=much":             "longer=much",
		"html,endpoint=token,deeper=1": "of list_data only",
		"wrong_secret,older=1h":        "of list_data only",
		"hang,status=500":              "no status of its own",
		"truncated,status=500":         "no status of its own",
		"error":                        "needs a code",
		"wrong_secret,endpoint=list":   "endpoint token only",
		"missing_scope,endpoint=token": "endpoint list only",
	} {
		_, err := ParseFault(text)
		require.ErrorContains(t, err, want, text)
	}
}

// Each kind is described, and handled at each endpoint where it can happen.
func TestFaultKinds(t *testing.T) {
	for _, info := range FaultKinds() {
		require.NotEmpty(t, info.Help)
		for _, endpoint := range []Endpoint{EndpointList, EndpointToken} {
			if info.only != "" && info.only != endpoint {
				continue
			}
			if info.stage == stagePage || info.stage == stageBody || info.Kind == FaultHang || info.Kind == FaultReset {
				continue // no answer, or one that is a success
			}
			f := Fault{Kind: info.Kind, Endpoint: endpoint}
			if f.Kind == FaultError {
				f.Code = 1
			}
			s := New(Options{})
			c := inProcess(t, s)
			s.Add(numbered(2, 1)...)
			first := c.list(m{"page_size": 1})
			s.Update(func(o *Options) { o.Faults = []Fault{f} })
			c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			r := c.list(m{"page_size": 1, "page_token": first.Data.PageToken})
			if endpoint == EndpointToken {
				r = c.authorize()
			}
			require.NotEqual(t, 0, r.Code, "%s at %s", info.Kind, endpoint)
			require.NotEqual(t, 0, r.status, "%s at %s", info.Kind, endpoint)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	require.NoError(t, (&Options{}).Validate())
	for want, o := range map[string]Options{
		`order: "up"`:             {Order: "up"},
		`paging: "p"`:             {Paging: "p"},
		`empty: "e"`:              {Empty: "e"},
		`rate window: "w"`:        {RateWindow: "w"},
		`rate hint: "h"`:          {RateHint: "h"},
		"token error status: 600": {TokenErrorStatus: 600},
		"rate status: 7":          {RateStatus: 7},
		"token life: -1s":         {TokenLife: -time.Second},
		"page token life: -1s":    {PageTokenLife: -time.Second},
		"max window: -1s":         {MaxWindow: -time.Second},
		"retention: -1s":          {Retention: -time.Second},
		"page overlap: -1":        {PageOverlap: -1},
		"rate limit: -1":          {RateLimit: -1},
		"monthly quota: -1":       {MonthlyQuota: -1},
		"refuse expired":          {RefuseExpired: true},
		"apps:":                   {Apps: map[string]string{"cli_a": ""}},
		`fault "x"`:               {Faults: []Fault{{Kind: "x"}}},
		"late fraction":           {Tenant: Tenant{LateFraction: 2, MaxLateness: 1}},
		"late entries need":       {Tenant: Tenant{LateFraction: 1}},
		"odd fraction":            {Tenant: Tenant{OddFraction: -1}},
		"failure fraction":        {Tenant: Tenant{FailureFraction: 1.5}},
		"out of range":            {Tenant: Tenant{PerSecond: 1 << 20}},
		"burst":                   {Tenant: Tenant{BurstSize: 1}},
		"not a time range":        {Tenant: Tenant{Start: 2, End: 1}},
	} {
		require.ErrorContains(t, o.Validate(), want)
		require.Panics(t, func() { New(o) })
	}
}
