// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestBeyondRetention: a start, or a checkpoint, from before the API's retention does not block the receiver:
// everything that the API shows is delivered, and the gap is reported once. Covers F8, F37.
func TestBeyondRetention(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	newTenant := func() (*testbed, *simulator.Tenant) {
		tenant := &simulator.Tenant{Seed: 3, PerSecond: 0.005, Start: time.Now().Add(-30 * day).Unix()}
		w := quietWorld(simulator.Options{Tenant: *tenant, Retention: 7 * day, RefuseExpired: true})
		w.cfg.RequestsPerMinute = 1000
		return w, tenant
	}
	// delivered checks that nothing that is still available is missing, except the margin and the time that
	// expired while the refusal was retried.
	delivered := func(t *testing.T, w *testbed, tenant *simulator.Tenant, from time.Time) {
		got := w.sink.Got()
		for _, e := range tenant.Entries(from.Unix(), time.Now().Unix()-60) {
			assert.Equal(t, 1, got[e.ID], "%s at %d", e.ID, e.EventTime)
		}
	}
	gaps := func(w *testbed) int {
		return w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").Len()
	}

	t.Run("start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, tenant := newTenant()
			w.cfg.StartTime = time.Now().Add(-20 * day)
			stop := w.start(t)
			time.Sleep(poll.RefusalPatience - time.Minute)
			assert.Empty(t, w.sink.Got())
			assert.Zero(t, gaps(w))
			time.Sleep(time.Hour)
			stop()
			delivered(t, w, tenant, time.Now().Add(-7*day+time.Minute))
			assert.Equal(t, 1, gaps(w))
		})
	})
	t.Run("checkpoint", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, tenant := newTenant()
			w.cfg.InitialLookback = time.Hour
			stop := w.start(t)
			time.Sleep(3 * time.Hour)
			stop()
			time.Sleep(20 * day)
			stop = w.start(t)
			time.Sleep(2 * time.Hour)
			stop()
			delivered(t, w, tenant, time.Now().Add(-7*day+time.Minute))
			assert.Equal(t, 1, gaps(w))
			gap := w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").All()[0].ContextMap()
			assert.WithinDuration(t, time.Now().Add(-7*day-2*time.Hour), gap["to"].(time.Time), 20*time.Minute, "ten minutes of patience, and up to one more wait")
		})
	})
	// The search for the oldest time takes two dozen calls, and that time moves on meanwhile.
	for _, perMinute := range []int{1, 6, 100} {
		t.Run(fmt.Sprintf("start, slowly, %d calls a minute", perMinute), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := newTenant()
				w.cfg.RequestsPerMinute, w.cfg.RecheckAfter = perMinute, nil
				w.latency = func() time.Duration { return 2 * time.Second }
				w.cfg.StartTime = time.Now().Add(-20 * day)
				stop := w.start(t)
				time.Sleep(2 * time.Hour)
				stop()
				assert.NotEmpty(t, w.sink.Got())
				assert.Equal(t, 1, gaps(w))
			})
		})
	}
	// Refusals of other walks must not delay the next call: the oldest time that the API shows would overtake it
	// again and again.
	t.Run("concurrent walks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, tenant := newTenant()
			w.cfg.StartTime, w.cfg.MaxConcurrentWalks = time.Now().Add(-20*day), 4
			w.latency = around(200 * time.Millisecond)
			stop := w.start(t)
			time.Sleep(2 * time.Hour)
			stop()
			delivered(t, w, tenant, time.Now().Add(-7*day+time.Minute))
			assert.Equal(t, 1, gaps(w))
		})
	})
	t.Run("everything refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := newTenant()
			w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultInvalidParam}} })
			stop := w.start(t)
			time.Sleep(6 * time.Hour)
			assert.Zero(t, gaps(w), "it is not the time that is refused")
			w.server.Update(func(o *simulator.Options) { o.Faults = nil })
			time.Sleep(time.Hour)
			stop()
			assert.NotEmpty(t, w.sink.Got())
			assert.Zero(t, gaps(w))
		})
	})
}

// TestOneSecondRefused: a single second that the API refuses, for any reason, costs that second and the margin,
// and blocks nothing else. Covers F8, F26.
func TestOneSecondRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 3, PerSecond: 0.1, Start: time.Now().Unix() - 7200}
		w := quietWorld(simulator.Options{Tenant: tenant})
		bad := time.Now().Unix() - 1800
		w.handler = refusing{w.server, bad}
		begin := time.Now().Unix() - 3600
		stop := w.start(t)
		time.Sleep(5 * time.Hour)
		stop()
		got := w.sink.Got()
		for _, e := range tenant.Entries(begin, time.Now().Unix()-60) {
			if e.EventTime < bad-plan.Overlap || e.EventTime > bad+plan.Overlap+poll.RefusalMargin {
				assert.Equal(t, 1, got[e.ID], "%s at %d, the second refused is %d", e.ID, e.EventTime, bad)
			}
		}
	})
}

// TestFirstSecondsRefused: nothing older shows that the first seconds are not refused for their age. How slowly they
// are found costs no time of the log. Covers F8, F40.
func TestFirstSecondsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 3, PerSecond: 0.01, Start: time.Now().Add(-10 * time.Hour).Unix()}
		w := quietWorld(simulator.Options{Tenant: tenant, MaxWindow: 5 * time.Minute})
		w.cfg.StartTime, w.cfg.RequestsPerMinute = time.Now().Add(-8*time.Hour), 10
		bad := w.cfg.StartTime.Unix()
		w.handler = refusing{w.server, bad}
		w.run(t, 12*time.Hour)
		gap := w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").All()
		if assert.Len(t, gap, 1) {
			assert.LessOrEqual(t, gap[0].ContextMap()["to"].(time.Time).Unix(), bad+1+plan.Overlap)
		}
		got := w.sink.Got()
		for _, e := range tenant.Entries(bad+1+plan.Overlap, time.Now().Unix()-600) {
			assert.Equal(t, 1, got[e.ID], "%s is %d seconds after the refused one", e.ID, e.EventTime-bad)
		}
	})
}

// refusing refuses every query of one second.
type refusing struct {
	http.Handler
	second int64
}

func (h refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var query struct {
		Start int64 `json:"start_time"`
		End   int64 `json:"end_time"`
	}
	if err == nil && r.URL.Path == simulator.ListPath {
		err = json.Unmarshal(body, &query)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if query.Start <= h.second && h.second <= query.End {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":1780103,"msg":"invalid parameter"}`)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.Handler.ServeHTTP(w, r)
}

// TestSearchAmongOtherFailures: what is refused for other reasons while the oldest time that the API shows is searched
// for is not taken for time that is not shown. Covers F8, F50.
func TestSearchAmongOtherFailures(t *testing.T) {
	for name, change := range map[string]func(o *simulator.Options){
		"a call a minute": func(o *simulator.Options) { o.RateLimit, o.RateHint = 1, simulator.HintNone },
		"two calls a minute": func(o *simulator.Options) {
			o.RateLimit, o.RateHint, o.RateWindow = 2, simulator.HintNone, simulator.FixedMinute
		},
		"half of all fail": func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultReset, Probability: 0.5}}
		},
		"the rate limit refuses what is old": func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultRateLimited, Endpoint: simulator.EndpointList, Bounds: simulator.Bounds{Older: o.Retention}}}
			o.RefuseExpired = false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2) {
				synctest.Test(t, func(t *testing.T) {
					tenant := simulator.Tenant{Seed: 3, PerSecond: 0.01, Start: time.Now().Add(-30 * time.Hour).Unix()}
					opts := simulator.Options{Seed: seed, Tenant: tenant, Retention: 15 * time.Hour, RefuseExpired: true}
					change(&opts)
					most := 10 * time.Minute
					if !opts.RefuseExpired { // a refusal takes five minutes to be known for one, and there are twenty: its slowness costs nothing
						most = 4 * time.Minute
					}
					w := quietWorld(opts)
					w.cfg.StartTime = time.Now().Add(-25 * time.Hour)
					w.run(t, 26*time.Hour)
					lines := w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").All()
					assert.NotEmpty(t, lines, "seed %d", seed)
					for _, line := range lines { // where few calls are allowed, the next seconds may be refused, too
						shown := line.Time.Add(-opts.Retention)
						assert.Less(t, line.ContextMap()["to"].(time.Time).Sub(shown), most, "seed %d", seed)
					}
					if opts.RateLimit != 2 { // where most calls are refused by turns, much may expire before it is read
						assert.Greater(t, len(w.sink.Got()), 500, "seed %d", seed)
					}
				})
			}
		})
	}
}
