// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// onList receives each query of list_data before the API. It may change the query, or answer instead of the API.
type onList struct {
	http.Handler
	see func(w http.ResponseWriter, query map[string]any) (answered bool)
}

func (h onList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == simulator.ListPath {
		query := map[string]any{}
		decoder := json.NewDecoder(r.Body)
		decoder.UseNumber()
		_ = decoder.Decode(&query)
		if h.see(w, query) {
			return
		}
		body, _ := json.Marshal(query)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	h.Handler.ServeHTTP(w, r)
}

func second(query map[string]any, name string) int64 {
	n, _ := query[name].(json.Number).Int64()
	return n
}

func listCalls(w *testbed, from, to time.Time) (n int) {
	for _, call := range w.server.CallsOf(simulator.EndpointList) {
		if !call.Time.Before(from) && call.Time.Before(to) {
			n++
		}
	}
	return n
}

// TestWindowsGrowBack: windows that were shortened by a temporary refusal become as long as before, and a
// lasting limit is tried less and less often.
func TestWindowsGrowBack(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	day2 := func(t *testing.T, spoil func(w *testbed)) int {
		var calls int
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			stop := w.start(t)
			defer stop()
			time.Sleep(5 * time.Hour)
			spoil(w)
			time.Sleep(day)
			began := time.Now()
			time.Sleep(day)
			calls = listCalls(w, began, time.Now())
		})
		return calls
	}
	well := day2(t, func(*testbed) {})
	after := day2(t, func(w *testbed) {
		w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultInvalidParam}} })
		time.Sleep(65 * time.Second)
		w.server.Update(func(o *simulator.Options) { o.Faults = nil })
	})
	assert.LessOrEqual(t, after, well+well/100)
	limited := day2(t, func(w *testbed) {
		w.server.Update(func(o *simulator.Options) { o.MaxWindow = 20 * time.Minute })
	})
	assert.Less(t, limited, 2*well)
}

// TestClockAheadOfAPIThatRefusesTheFuture: the server's clock is learned from its refusals, too.
func TestClockAheadOfAPIThatRefusesTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{ClockSkew: -5 * time.Minute, RefuseFuture: true})
		stop := w.start(t)
		time.Sleep(time.Hour)
		stop()
		began := time.Now()
		stop = w.start(t)
		defer stop()
		time.Sleep(time.Hour)
		refused := 0
		for _, call := range w.server.CallsOf(simulator.EndpointList) {
			if call.Time.After(began) && call.Code != 0 {
				refused++
			}
		}
		assert.LessOrEqual(t, refused, 1)
	})
}

// TestOneSecondThatFails: the time after a failing second is read, and remembered until that second is read,
// too, or skipped; then it is forgotten. Covers F33, F40.
func TestOneSecondThatFails(t *testing.T) {
	for _, wide := range []int{1, 4} {
		t.Run(strconv.Itoa(wide), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := simulator.Tenant{Seed: 3, PerSecond: 0.1, Start: time.Now().Unix() - 7200}
				w := quietWorld(simulator.Options{Tenant: tenant})
				w.latency = func() time.Duration { return 300 * time.Millisecond }
				w.cfg.MaxConcurrentWalks = wide
				fails := time.Now().Unix() + 3600
				var well atomic.Bool
				w.handler = failingOn(w.server, refusals["internal"], func(from, to int64, _ int) bool {
					return !well.Load() && from <= fails && fails <= to
				})
				stop := w.start(t)
				defer stop()
				time.Sleep(time.Hour)
				before, _ := idsOn(w.disk)
				time.Sleep(50 * time.Minute)
				during, _ := idsOn(w.disk)
				assert.Less(t, during, before+400)
				well.Store(true)
				time.Sleep(5 * time.Hour)
				after, _ := idsOn(w.disk)
				assert.LessOrEqual(t, after, before+100)
				got := w.sink.Got()
				for _, e := range tenant.Entries(time.Now().Add(-6*time.Hour).Unix(), time.Now().Unix()-120) {
					assert.Equal(t, 1, got[e.ID])
				}
			})
		})
	}
}

// TestAPIThatRoundsBounds: entries from outside the window that returned them are found among those of their own
// minute. Covers F3.
func TestAPIThatRoundsBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 3, PerSecond: 0.2, Start: time.Now().Unix() - 7200}
		w := quietWorld(simulator.Options{Tenant: tenant})
		w.handler = onList{w.server, func(_ http.ResponseWriter, query map[string]any) bool {
			query["start_time"] = second(query, "start_time") / 60 * 60
			return false
		}}
		stop := w.start(t)
		time.Sleep(6 * time.Hour)
		stop()
		assert.Greater(t, len(w.sink.Got()), 4000)
		for id, n := range w.sink.Got() {
			assert.Equal(t, 1, n, id)
		}
	})
}

// TestEndOfExport: the rest of a bounded export is read once each recheck is due.
func TestEndOfExport(t *testing.T) {
	for _, latency := range []time.Duration{50 * time.Millisecond, 1100 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.latency = func() time.Duration { return latency }
				end := time.Now().Add(10 * time.Minute)
				w.cfg.StartTime, w.cfg.EndTime = time.Now().Add(-time.Hour), end
				stop := w.start(t)
				defer stop()
				time.Sleep(3 * time.Hour)
				assert.LessOrEqual(t, listCalls(w, end, end.Add(2*time.Hour)), 20)
				done := w.logs.FilterMessageSnippet("The export is complete").All()
				if assert.Len(t, done, 1) {
					assert.WithinDuration(t, end.Add(time.Hour), done[0].Time, 2*time.Minute)
				}
			})
		})
	}
}

// TestExportOfNothing: an export of a time in which there is nothing to read is logged.
func TestExportOfNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*audit.Config)
		want   string
	}{
		"end before begin": {func(c *audit.Config) { c.EndTime = time.Now().Add(-24 * time.Hour) }, "nothing to read. Set start_time"},
		"begin to come":    {func(c *audit.Config) { c.StartTime = time.Now().Add(24 * time.Hour) }, "start_time is in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				tc.change(w.cfg)
				stop := w.start(t)
				defer stop()
				time.Sleep(time.Minute)
				assert.Equal(t, 1, w.logs.FilterMessageSnippet(tc.want).Len())
				assert.Zero(t, w.logs.FilterMessageSnippet("complete").Len())
			})
		})
	}
}

// TestOneBlipOfSeveralWalks: a fault that affects all calls in flight counts as one failure.
func TestOneBlipOfSeveralWalks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 3, PerSecond: 5, Start: time.Now().Unix() - 7200}
		w := quietWorld(simulator.Options{Tenant: tenant})
		w.cfg.MaxConcurrentWalks, w.cfg.InitialLookback = 4, 2*time.Hour
		w.latency = func() time.Duration { return 2 * time.Second }
		o := newOperator(t, w)
		defer o.stop()
		time.Sleep(30 * time.Second)
		w.server.Update(func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultReset, Endpoint: simulator.EndpointList, Count: 4}}
		})
		time.Sleep(5 * time.Minute)
		assert.Equal(t, []string{"StatusOK"}, o.statuses())
	})
}

// TestRetryAfterOfAGateway: the server's hint to wait is obeyed, whatever else the answer has. Covers F16.
func TestRetryAfterOfAGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		var calls atomic.Int64
		w.handler = onList{w.server, func(w http.ResponseWriter, _ map[string]any) bool {
			calls.Add(1)
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}}
		stop := w.start(t)
		time.Sleep(119 * time.Second)
		stop()
		assert.EqualValues(t, 1, calls.Load())
	})
}
