// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// changed changes the bodies of list_data's answers.
type changed struct {
	http.Handler
	change func(body string) string
}

func (c changed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "list_data") {
		c.Handler.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	c.Handler.ServeHTTP(rec, r)
	w.Header().Set("Date", rec.Header().Get("Date"))
	w.WriteHeader(rec.Code)
	_, _ = w.Write([]byte(c.change(rec.Body.String())))
}

// TestNoPageIsTheLast: an API that says of every page that there are more, and gives no page token after the last
// one. This is reported, and after ten minutes the log is read.
// Covers F13, F44.
func TestNoPageIsTheLast(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"no token":       `"has_more":true`,
		"an empty token": `"has_more":true,"page_token":""`,
		"null":           `"has_more":true,"page_token":null`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				now := time.Now().Unix()
				n := 0
				for second := int64(-3600); second < 3*3600; second += 4 {
					entries(w.server, fmt.Sprintf("e%d", second), 1, now+second)
					n++
				}
				w.handler = &changed{w.server, func(body string) string { return strings.Replace(body, `"has_more":false`, end, 1) }}
				w.run(t, 3*time.Hour+5*time.Minute)
				got := w.sink.Got()
				assert.Len(t, got, n)
				for id, times := range got {
					assert.Equal(t, 1, times, id)
				}
				assert.Equal(t, 1, w.logs.FilterMessageSnippet("Cannot read the audit log").Len())
				assert.Less(t, len(w.server.CallsOf(simulator.EndpointList)), 8*3*60)
			})
		})
	}
}

// TestShortWindowsOnly: an API refuses windows of more than a few seconds. After a few windows none is refused.
// Covers F40.
func TestShortWindowsOnly(t *testing.T) {
	t.Parallel()
	for _, most := range []int64{10, 25, 45} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			began := time.Now().Truncate(time.Second)
			for second := range 2 * 3600 {
				entries(w.server, fmt.Sprintf("e%d", second), 1, began.Unix()+int64(second)-1800)
			}
			refused := 0
			w.handler = refusingWindows{w.server, func(start, end int64) bool {
				if end-start <= most {
					return false
				}
				refused++
				return true
			}}
			w.cfg.InitialLookback, w.cfg.RecheckAfter = 30*time.Minute, []time.Duration{2 * time.Minute}
			w.run(t, 95*time.Minute)
			assert.Len(t, w.sink.Got(), 2*3600)
			assert.Less(t, refused, 100)
			t.Logf("at most %d s: %d refusals in %d calls", most, refused, len(w.server.CallsOf(simulator.EndpointList)))
		})
	}
}

// TestSecondsOnlyForAWhile: an API refuses windows of more than a second, and then takes long ones again. With one
// call for each second of each pass the receiver would fall behind for hours. Covers F40, F42.
func TestSecondsOnlyForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		began := time.Now().Truncate(time.Second)
		for second := range 4 * 3600 {
			entries(w.server, fmt.Sprintf("e%d", second), 1, began.Unix()+int64(second)-3600)
		}
		longest := int64(0)
		w.handler = refusingWindows{w.server, func(start, end int64) bool {
			since := time.Since(began)
			if since > 50*time.Minute {
				longest = max(longest, end-start)
			}
			return since < 20*time.Minute && end-start > 1+plan.Overlap
		}}
		w.cfg.InitialLookback, w.cfg.RecheckAfter = time.Hour, []time.Duration{2 * time.Minute, 10 * time.Minute}
		w.run(t, 80*time.Minute)
		assert.GreaterOrEqual(t, longest, int64(120))
		late := 0
		got := w.sink.Got()
		for second := range 3600 + 75*60 {
			if got[fmt.Sprintf("e%d-0", second)] == 0 {
				late++
			}
		}
		assert.Zero(t, late)
	})
}

// refusingWindows refuses some windows.
type refusingWindows struct {
	http.Handler
	refuses func(start, end int64) bool
}

func (f refusingWindows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "list_data") {
		f.Handler.ServeHTTP(w, r)
		return
	}
	start, end := windowOf(r)
	if f.refuses(start, end) {
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"code":1780103,"msg":"Request Param Error"}`))
		return
	}
	f.Handler.ServeHTTP(w, r)
}

// windowOf is the time range of a request, which can be read again.
func windowOf(r *http.Request) (start, end int64) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var q struct {
		Start int64 `json:"start_time"`
		End   int64 `json:"end_time"`
	}
	_ = json.Unmarshal(body, &q)
	return q.Start, q.End
}

// TestTooNewToBeRead: an API refuses windows that end less than a minute ago. This delays by a minute or two, and
// costs a few calls with each poll. Covers F19, F40.
func TestTooNewToBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		began := time.Now().Truncate(time.Second)
		for second := range 2 * 3600 {
			entries(w.server, fmt.Sprintf("e%d", second), 1, began.Unix()+int64(second))
		}
		refused := 0
		w.handler = refusingWindows{w.server, func(_, end int64) bool {
			if end < time.Now().Unix()-60 {
				return false
			}
			refused++
			return true
		}}
		w.run(t, 2*time.Hour)
		got := w.sink.Got()
		for second := range 2*3600 - 200 {
			id := fmt.Sprintf("e%d-0", second)
			assert.Equal(t, 1, got[id], id)
			if second > 600 {
				assert.Less(t, w.sink.Arrived[id].Sub(began.Add(time.Duration(second)*time.Second)), 200*time.Second, id)
			}
		}
		calls := w.server.CallsOf(simulator.EndpointList)
		t.Log(len(calls), refused)
		assert.Less(t, len(calls)+refused, 8*2*60)
	})
}
