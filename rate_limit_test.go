// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// backlog is a world with many entries to read, at 20 calls a minute.
func backlog() *testbed {
	w := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 1, PerSecond: 10, Start: time.Now().Unix() - 7200}})
	w.cfg.InitialLookback, w.cfg.RequestsPerMinute = time.Hour, 20
	return w
}

// TestOurClockIsSetOverARestart: the age of the calls before a restart is only known from clocks, and ours may
// be wrong. Covers F9, F17.
func TestOurClockIsSetOverARestart(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]int64{"ahead": 300, "back": -300} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := backlog()
				for range 5 {
					stop := w.start(t)
					time.Sleep(80 * time.Second)
					w.kill()
					stop()
					w.reboot()
					calls := checkpoint.DecodeCalls(w.disk.Data[checkpoint.KeyCalls])
					moved := pace.Remembered{Seconds: map[int64]int{}, Ahead: calls.Ahead}
					for second, n := range calls.Seconds {
						moved.Seconds[second-ahead] = n
					}
					if calls.Ahead != nil {
						servers := *calls.Ahead + ahead
						moved.Ahead = &servers
					}
					w.disk.Data[checkpoint.KeyCalls] = checkpoint.EncodeCalls(moved)
				}
				assert.Equal(t, 20, w.server.MaxCallsInAnyMinute())
			})
		})
	}
}

// TestCallsThatCannotBeWrittenDown: a call that a crash would forget is not made, and reading resumes when the
// storage works again. Covers F17, F32.
func TestCallsThatCannotBeWrittenDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := backlog()
		var mended atomic.Bool
		w.disk.Fault = func(ops []*storage.Operation) (happens world.DiskFault) {
			if !mended.Load() && ops[0].Type == storage.Set && ops[0].Key == checkpoint.KeyCalls {
				happens.Err = errors.New("disk full")
			}
			return happens
		}
		stop := w.start(t)
		time.Sleep(10 * time.Minute)
		assert.Zero(t, w.server.MaxCallsInAnyMinute())
		mended.Store(true)
		time.Sleep(10 * time.Minute)
		stop()
		assert.Equal(t, 20, w.server.MaxCallsInAnyMinute())
		assert.NotEmpty(t, w.sink.Got())
	})
}

// TestCallsAreWrittenDownSlowly: the time that this takes does not move two calls too close together, and
// concurrent walks do not forget each other's calls. Covers F17, F32.
func TestCallsAreWrittenDownSlowly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := backlog()
		w.cfg.MaxConcurrentWalks = 4
		n := 0
		w.disk.Fault = func(ops []*storage.Operation) (happens world.DiskFault) {
			if ops[0].Type == storage.Set && ops[0].Key == checkpoint.KeyCalls {
				n++
				happens.Takes = time.Duration(n*n%5) * 900 * time.Millisecond
			}
			return happens
		}
		for i := range 20 {
			stop := w.start(t)
			time.Sleep(time.Duration(40+7*i) * time.Second)
			w.kill()
			stop()
			w.reboot()
		}
		assert.LessOrEqual(t, w.server.MaxCallsInAnyMinute(), 20)
		assert.Greater(t, len(w.sink.Got()), 10_000, "it gets on")
	})
}

// TestWaitHintWhilePipelineHangs: the server's hint to wait is obeyed at once, even if the poller whose call got
// it waits for its pipeline. Covers F16.
func TestWaitHintWhilePipelineHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := backlog()
		w.cfg.MaxConcurrentWalks = 2
		w.latency = func() time.Duration { return time.Second }
		w.sink.Blocks = func() (time.Duration, bool) { return 20 * time.Second, false }
		other := newWorld(w.rng, simulator.Options{})
		other.cfg.InitialLookback, other.cfg.Filter.AppID = time.Hour, "cli_other"
		other.handler, other.paces, other.cfg.PollInterval = w.handler, w.paces, time.Second
		w.server.Update(func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultRateLimited, After: 1, Count: 1}}
		})
		stop := w.start(t)
		time.Sleep(500 * time.Millisecond)
		stopOther := other.start(t)
		time.Sleep(20 * time.Second)
		var refused time.Time
		for _, call := range w.server.Calls() {
			switch {
			case call.Endpoint != simulator.EndpointList:
			case call.Code == 99991400:
				refused = call.Time
			case !refused.IsZero():
				assert.Greater(t, call.Time.Sub(refused), 28*time.Second)
			}
		}
		assert.False(t, refused.IsZero())
		time.Sleep(time.Minute)
		stop()
		stopOther()
	})
}

// TestRefusalsThatEndDuringTheSearch: a failure of the API that ends during the search for the oldest time that
// the API shows is not taken for a limit of retention. Covers F8.
func TestRefusalsThatEndDuringTheSearch(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 1, 2, 4, 7, 11} {
		synctest.Test(t, func(t *testing.T) {
			tenant := simulator.Tenant{Seed: 3, PerSecond: 0.01, Start: time.Now().Unix() - 90_000}
			w := quietWorld(simulator.Options{Tenant: tenant})
			begin := time.Now().Unix() - 86_400
			w.cfg.InitialLookback, w.latency = 24*time.Hour, func() time.Duration { return time.Second }
			w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultInvalidParam}} })
			stop := w.start(t)
			time.Sleep(poll.RefusalPatience)
			// Until the search begins: its calls include one for the present.
			for before := len(w.server.Calls()); len(w.server.Calls()) == before; {
				time.Sleep(time.Second)
			}
			w.server.Update(func(o *simulator.Options) {
				o.Faults = []simulator.Fault{{Kind: simulator.FaultInvalidParam, Count: after + 1}}
			})
			time.Sleep(time.Hour)
			stop()
			got := w.sink.Got()
			for _, e := range tenant.Entries(begin, time.Now().Unix()-60) {
				assert.Equal(t, 1, got[e.ID], "%s at %d, after %d", e.ID, e.EventTime, after)
			}
			assert.Zero(t, w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").Len())
		})
	}
}

// TestLowerLimitOfTheServer: an API that allows 30 calls a minute, while 600 are configured, refuses hardly any,
// and the allowed calls are used; the metric shows it. Covers F50.
func TestLowerLimitOfTheServer(t *testing.T) {
	t.Parallel()
	for hint, window := range map[simulator.RateHint]simulator.RateWindow{
		simulator.HintReset: simulator.SlidingMinute, simulator.HintRetryAfter: simulator.FixedMinute, simulator.HintNone: simulator.SlidingMinute,
	} {
		t.Run(fmt.Sprint(hint, ", ", window), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{
					Tenant:    simulator.Tenant{Seed: 1, PerSecond: 2, Start: time.Now().Unix() - 7200},
					RateLimit: 30, RateHint: hint, RateWindow: window,
				})
				w.cfg.RequestsPerMinute, w.cfg.PageSize, w.cfg.RecheckAfter = 600, 5, nil
				tel := componenttest.NewTelemetry()
				r := w.observed(t, tel, w.host())
				refused := func() (n int) {
					for _, call := range w.server.CallsOf(simulator.EndpointList) {
						if call.Code == 99991400 {
							n++
						}
					}
					return n
				}
				time.Sleep(15 * time.Minute)
				before, read := refused(), len(w.sink.Got())
				assert.LessOrEqual(t, before, 12)
				assert.InDelta(t, 30, points(t, tel, "pace")[""], 8)
				time.Sleep(time.Hour)
				assert.LessOrEqual(t, refused()-before, 20)
				assert.Greater(t, len(w.sink.Got())-read, 60*30*5*85/100)
				w.server.Update(func(o *simulator.Options) { o.RateLimit = 600 })
				time.Sleep(30 * time.Minute)
				assert.InDelta(t, 600, points(t, tel, "pace")[""], 0)
				require.NoError(t, r.Shutdown(t.Context()))
			})
		})
	}
}

// TestRateLimitOfOneSecond: a second that is always refused by the rate limit, without a hint how long to wait,
// is set aside, and no call is made for a second after each such answer. Covers F16, F40.
func TestRateLimitOfOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.latency = func() time.Duration { return 100 * time.Millisecond }
		bad := time.Now().Unix() - 600
		for m := range int64(60) {
			entries(w.server, fmt.Sprintf("m%d", m), 50, time.Now().Unix()-3600+60*m)
		}
		var mu sync.Mutex
		var last time.Time
		refused, early := 0, 0
		w.handler = onList{w.server, func(out http.ResponseWriter, query map[string]any) bool {
			mu.Lock()
			defer mu.Unlock()
			if d := time.Since(last); d > 200*time.Millisecond && d < time.Second { // not sent concurrently with it
				early++
			}
			if second(query, "start_time") > bad || second(query, "end_time") < bad {
				return false
			}
			refused++
			last = time.Now()
			refusals["rate limit"].send(out)
			return true
		}}
		stop := w.start(t)
		time.Sleep(4 * time.Hour)
		stop()
		assert.Greater(t, refused, 20)
		assert.Zero(t, early, "calls within a second of a refusal")
		assert.NotZero(t, w.logs.FilterMessageSnippet("Cannot read a time range of the log; reading everything else").Len())
	})
}
