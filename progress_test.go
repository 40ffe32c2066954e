// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap/zapcore"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// Whatever the answer to a call is, everything else is read.

// refusal is an answer of the API, or of something before it.
type refusal struct {
	status int
	body   string
}

// refusals are ways to fail, only one of which the receiver knows.
var refusals = map[string]refusal{
	"1780103":      {400, `{"code":1780103,"msg":"Request Param Error"}`},
	"unknown code": {400, `{"code":1780104,"msg":"range not served"}`},
	"unknown, 200": {200, `{"code":-7,"msg":"range not served"}`},
	"internal":     {500, `{"code":1780001,"msg":"Internal Server Error"}`},
	"no scope":     {400, `{"code":99991672,"msg":"Access denied."}`},
	"rate limit":   {429, `{"code":99991400,"msg":"request trigger frequency limit"}`},
	"quota":        {429, `{"code":99991403,"msg":"This month's API call quota has been exceeded"}`},
	"address":      {400, `{"code":99991401,"msg":"ip denied"}`},
	"token":        {400, `{"code":99991663,"msg":"Invalid access token for authorization."}`},
	"token, 401":   {401, `{"code":99991663,"msg":"Invalid access token for authorization."}`},
	"HTML, 504":    {504, `<html>504 Gateway Time-out</html>`},
	"HTML, 403":    {403, `<html>blocked</html>`},
	"text, 404":    {404, `404 page not found`},
	"empty, 200":   {200, ``},
	"broken JSON":  {200, `{"code":0,"data":{"items":[{"id":"1","payload":"\x"}],"has_more":false}}`},
	"too large":    {200, `{"code":0,"data":{"items":["` + strings.Repeat("x", 2<<20) + `"],"has_more":false}}`},
	"no answer":    {0, ""},
}

func (r refusal) send(w http.ResponseWriter) {
	if r.status == 0 {
		time.Sleep(time.Minute) // beyond the time limit
		return
	}
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(r.body))
}

// failingOn answers queries of list_data that fail with the refusal. It knows the depth of the page that a token
// leads to.
func failingOn(server *simulator.Server, r refusal, fails func(from, to int64, page int) bool) http.Handler {
	var mu sync.Mutex // two walks may make calls at the same instant
	depth := map[any]int{}
	return onList{server, func(w http.ResponseWriter, query map[string]any) bool {
		page := 1
		if token := query["page_token"]; token != nil {
			mu.Lock()
			for _, call := range server.CallsOf(simulator.EndpointList) {
				if call.NextPageToken == token && depth[token] == 0 {
					depth[token] = 1 + max(1, depth[call.PageToken])
				}
			}
			page = depth[token]
			mu.Unlock()
		}
		if !fails(second(query, "start_time"), second(query, "end_time"), page) {
			return false
		}
		r.send(w)
		return true
	}}
}

// TestProgressUnderAnyAnswer: a window that is too long, a page that is too deep, a second that cannot be shown
// and a time that is no longer kept cost only themselves, with any kind of refusal. Covers F8, F40.
func TestProgressUnderAnyAnswer(t *testing.T) {
	for i, name := range slices.Sorted(maps.Keys(refusals)) {
		r, number := refusals[name], i
		run := func(what string, fails func(now, from, to int64, page int) bool, lost func(now, at int64) bool) {
			if number++; !world.InSample(number) {
				return
			}
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{})
					w.cfg.MaxResponseSize = 1 << 20
					w.cfg.InitialLookback = 6 * time.Hour
					now := time.Now().Unix()
					times := map[string]int64{}
					for m := range int64(540) { // for the last six hours, and the next three
						n, at := 1, now-6*3600+m*60+30
						if m >= 300 && m < 303 {
							n = 2000
						}
						prefix := fmt.Sprintf("m%d", m)
						entries(w.server, prefix, n, at)
						for i := range n {
							times[fmt.Sprintf("%s-%d", prefix, i)] = at
						}
					}
					w.handler = failingOn(w.server, r, func(from, to int64, page int) bool { return fails(now, from, to, page) })
					stop := w.start(t)
					time.Sleep(8 * time.Hour)
					stop()
					got := w.sink.Got()
					missing := 0
					for id, at := range times {
						if !lost(now, at) && got[id] != 1 {
							missing++
						}
					}
					assert.Zero(t, missing, "of %d", len(times))
				})
			})
		}
		none := func(int64, int64) bool { return false }
		run("window", func(_, from, to int64, _ int) bool { return to-from > 600 }, none)
		run("page", func(_, _, _ int64, page int) bool { return page > 50 }, none)
		run("second", func(now, from, to int64, _ int) bool { return from <= now-1800 && now-1800 <= to }, none)
		run("expired", func(now, from, _ int64, _ int) bool { return from < now-4*3600 }, func(now, at int64) bool { return at < now-4*3600+60 })
	}
}

// TestOthersGoOn: while a second fails, entries after it arrive without delay. It is reported that the second is
// set aside, and, after the patience, that it is skipped. Covers F40.
func TestOthersGoOn(t *testing.T) {
	for name, r := range map[string]refusal{"refused": refusals["unknown code"], "failing": refusals["HTML, 504"]} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				bad := time.Now().Unix() + 600
				w.handler = failingOn(w.server, r, func(from, to int64, _ int) bool { return from <= bad && bad <= to })
				var came int
				stop := w.start(t)
				defer stop()
				for m := range 240 {
					entries(w.server, fmt.Sprintf("m%d", m), 1, time.Now().Unix()-1)
					time.Sleep(time.Minute)
					if m > 15 {
						assert.GreaterOrEqual(t, len(w.sink.Got())+3, m, "minute %d", m)
					}
					if n := len(w.sink.Got()); n > came {
						came = n
					}
				}
				aside := w.logs.FilterMessageSnippet("Cannot read a time range of the log; reading everything else").All()
				if assert.NotEmpty(t, aside) {
					assert.Equal(t, zapcore.WarnLevel, aside[0].Level)
				}
				skipped := w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").All()
				if assert.NotEmpty(t, skipped) {
					assert.InDelta(t, bad, skipped[0].ContextMap()["from"].(time.Time).Unix(), 4)
				}
			})
		})
	}
}

// TestFilterBehindPaging: an API that filters after it has cut its pages returns many empty ones, each with a
// fresh token. Covers F43.
func TestFilterBehindPaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		now := time.Now()
		w.cfg.Filter.APIKeys = []string{"POST/wanted"}
		w.cfg.RecheckAfter, w.cfg.InitialLookback = nil, 4*time.Hour
		var list []simulator.Entry
		for i := range 4 * 3600 * 30 {
			e := simulator.Entry{ID: strconv.Itoa(i), APIKey: "GET/other", EventTime: now.Add(-4*time.Hour).Unix() + int64(i/30), AppID: "cli_a"}
			if i%10_000 == 0 {
				e.APIKey = "POST/wanted"
			}
			list = append(list, e)
		}
		w.server.Add(list...)
		w.handler = filtersLate{w.server}
		stop := w.start(t)
		time.Sleep(75 * time.Minute) // 4,320 pages are 44 minutes
		stop()
		assert.GreaterOrEqual(t, w.stored(t).Marks[0], now.Unix())
		assert.Len(t, w.sink.Got(), 44)
	})
}

// filtersLate requests everything from the server, and leaves out what was not requested.
type filtersLate struct{ server *simulator.Server }

func (f filtersLate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	onList{f.server, func(_ http.ResponseWriter, query map[string]any) bool {
		delete(query, "api_keys")
		return false
	}}.ServeHTTP(rec, r)
	text := rec.Body.String()
	if i := strings.Index(text, `"items":[`); i >= 0 {
		end := strings.LastIndex(text, `],"`)
		var kept []string
		for item := range strings.SplitSeq(text[i+len(`"items":[`):end], `},{"id"`) {
			if strings.Contains(item, "POST/wanted") {
				kept = append(kept, `{"id":"`+strings.Split(strings.TrimPrefix(item, `{"id"`), `"`)[1]+`","api_key":"POST/wanted","event_time":`+strings.Split(strings.Split(item, `"event_time":`)[1], ",")[0]+`}`)
			}
		}
		text = text[:i] + `"items":[` + strings.Join(kept, ",") + text[end:]
	}
	rec.Header().Del("Content-Length")
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = w.Write([]byte(text))
}

// TestScrollCursor: one page token for all pages of a walk, each use of which returns the next page, like
// Elasticsearch's scroll_id. If an answer is lost, so is its page. Covers F43.
func TestScrollCursor(t *testing.T) {
	for _, lose := range []int{0, 7} {
		t.Run(fmt.Sprint("every ", lose, " is lost"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				now := time.Now()
				entries(w.server, "dense", 500, now.Unix()-1800)
				for m := range 60 {
					entries(w.server, fmt.Sprintf("m%d", m), 5, now.Unix()-3600+int64(m)*60+5)
				}
				w.cfg.RecheckAfter = nil
				w.handler = &scroll{server: w.server, lose: lose, next: map[string]string{}}
				stop := w.start(t)
				time.Sleep(15 * time.Minute)
				stop()
				assert.Len(t, w.sink.Got(), 800)
				assert.Greater(t, w.stored(t).Marks[0], now.Unix())
			})
		})
	}
}

// scroll gives one page token for all pages of a walk.
type scroll struct {
	server *simulator.Server
	lose   int // one of this many answers to calls with a page token is lost; 0: none
	calls  int
	n      int
	next   map[string]string
}

func (s *scroll) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := ""
	rec := httptest.NewRecorder()
	onList{s.server, func(_ http.ResponseWriter, query map[string]any) bool {
		if token, _ = query["page_token"].(string); token != "" {
			query["page_token"] = s.next[token]
		}
		return false
	}}.ServeHTTP(rec, r)
	text := rec.Body.String()
	if _, after, ok := strings.Cut(text, `"page_token":"`); ok {
		real, _, _ := strings.Cut(after, `"`)
		if token == "" {
			s.n++
			token = fmt.Sprintf("scroll-%d", s.n)
		} else {
			s.calls++
		}
		s.next[token] = real
		text = strings.Replace(text, real, token, 1)
		if s.lose > 0 && s.calls%s.lose == s.lose-1 {
			s.calls++
			w.WriteHeader(http.StatusBadGateway)
			return
		}
	}
	for k, v := range rec.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write([]byte(text))
}

// TestRetentionWhilePaging: the oldest entries expire while their window is paged by offset, and the pages
// shift. Covers F47.
func TestRetentionWhilePaging(t *testing.T) {
	for _, paging := range []simulator.Paging{simulator.Snapshot, simulator.Live} {
		t.Run(string(paging), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Paging: paging, Retention: 2 * time.Hour})
				now := time.Now()
				w.cfg.StartTime = now.Add(-3 * time.Hour)
				w.latency = func() time.Duration { return 5 * time.Second }
				for s := range 7200 {
					entries(w.server, fmt.Sprintf("s%d", s), 2, now.Add(-2*time.Hour).Unix()+int64(s))
				}
				stop := w.start(t)
				time.Sleep(6 * time.Hour)
				stop()
				missing, last := 0, 0
				for s := range 7200 {
					for i := range 2 {
						if w.sink.Got()[fmt.Sprintf("s%d-%d", s, i)] == 0 {
							missing, last = missing+1, s
						}
					}
				}
				// Those that expired before anybody could read them, from the oldest on.
				assert.LessOrEqual(t, missing, 2*(last+1))
				assert.Less(t, last, 900, "missing %d", missing)
			})
		})
	}
}
