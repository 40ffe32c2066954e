// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestLateWhilePaging: a walk shows the entries that were visible when it began, however long it pages. Entries
// that appear meanwhile are found by the recheck. Covers F1.
func TestLateWhilePaging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const latest = 2 * time.Minute
		tenant := simulator.Tenant{Seed: 5, PerSecond: 2, LateFraction: 1, MaxLateness: latest, Start: time.Now().Add(-time.Hour).Unix()}
		w := quietWorld(simulator.Options{Tenant: tenant, Paging: simulator.Snapshot})
		w.cfg.PageSize, w.cfg.RequestsPerMinute = 10, 1000
		w.cfg.InitialLookback, w.cfg.RecheckAfter = 10*time.Minute, []time.Duration{latest}
		w.latency = func() time.Duration { return time.Second }
		began := time.Now()
		stop := w.start(t)
		time.Sleep(time.Hour)
		stop()
		got := w.sink.Got()
		for _, e := range tenant.Entries(began.Add(-9*time.Minute).Unix(), time.Now().Add(-3*latest).Unix()) {
			assert.Equal(t, 1, got[e.ID], "%s of %d, visible after %v", e.ID, e.EventTime, e.VisibleAt.Sub(time.Unix(e.EventTime, 0)))
		}
	})
}

// TestFailedCallKeepsThePage: a call that fails in the middle of a walk is repeated, and no other call is.
// Covers F15.
func TestFailedCallKeepsThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultReset, Endpoint: simulator.EndpointList, After: 2, Count: 2}}})
		entries(w.server, "e", 50, time.Now().Unix()-60)
		w.cfg.InitialLookback, w.cfg.PageSize = 2*time.Minute, 10
		stop := w.start(t)
		time.Sleep(50 * time.Second)
		stop()
		assert.Len(t, w.sink.Got(), 50)
		tokens := map[string]int{}
		for _, call := range w.server.CallsOf(simulator.EndpointList) {
			tokens[call.PageToken]++
		}
		assert.Equal(t, []int{1, 1, 1, 1, 3}, slices.Sorted(maps.Values(tokens)), "the calls that were cut off are noted without a token")
	})
}

// TestCrashLoopKeepsThePace: a process that dies every few seconds makes no more calls a minute than one that
// keeps running. Covers F17, F19.
func TestCrashLoopKeepsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 9, PerSecond: 1, Start: time.Now().Add(-2 * time.Hour).Unix()}})
		w.cfg.InitialLookback, w.cfg.PageSize, w.cfg.RequestsPerMinute = 2*time.Hour, 10, 60
		for range 60 {
			stop := w.start(t)
			time.Sleep(7 * time.Second)
			w.kill()
			stop()
			w.reboot()
		}
		assert.LessOrEqual(t, w.server.MaxCallsInAnyMinute(), 60)
		assert.Greater(t, len(w.sink.Got()), 60*10, "it gets on")
	})
}

// TestTwiceInOnePage: with live paging, an entry is shown again when others appear before it, even within one
// page. Covers F3.
func TestTwiceInOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		second := time.Now().Unix() - 60
		entries(w.server, "same", 3, second)
		entries(w.server, "same", 3, second)
		w.cfg.InitialLookback = time.Hour
		stop := w.start(t)
		time.Sleep(time.Hour)
		stop()
		assert.Equal(t, map[string]int{"same-0": 1, "same-1": 1, "same-2": 1}, w.sink.Got())
	})
}

// TestPartTakenBeforeTheEnd: the part of a page that the pipeline accepted before the receiver ended is not
// delivered again, and the rest is. Covers F24, F35.
func TestPartTakenBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		entries(w.server, "e", 10, time.Now().Unix()-60)
		w.cfg.InitialLookback = time.Hour
		w.sink.RefuseWith(func(logs plog.Logs) error {
			if logs.LogRecordCount() == 10 {
				logs = withoutFirst(logs, 4)
			}
			return consumererror.NewLogs(errors.New("busy"), logs)
		})
		stop := w.start(t)
		time.Sleep(10 * time.Minute)
		stop()
		assert.Len(t, w.sink.Got(), 4)
		w.sink.RefuseWith(nil)
		stop = w.start(t)
		time.Sleep(time.Hour)
		stop()
		got := w.sink.Got()
		assert.Len(t, got, 10)
		for id, times := range got {
			assert.Equal(t, 1, times, id)
		}
	})
}

// TestRefusedAtTheEnd: if the pipeline refuses records permanently when the receiver has to end, in time or not,
// it has not shown that it accepts others: the records are delivered again after the restart. Covers F24, F35,
// F54.
func TestRefusedAtTheEnd(t *testing.T) {
	for name, takes := range map[string]time.Duration{
		"in time":  audit.StopGrace - time.Second,
		"too late": audit.StopGrace + time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "e", 10, time.Now().Unix()-60)
				w.cfg.InitialLookback = time.Hour
				asked := make(chan struct{})
				w.sink.RefuseWith(func(plog.Logs) error {
					close(asked)
					time.Sleep(takes)
					return consumererror.NewPermanent(assert.AnError)
				})
				stop := w.start(t)
				<-asked
				stop()
				w.sink.RefuseWith(nil)
				stop = w.start(t)
				time.Sleep(time.Hour)
				stop()
				assert.Len(t, w.sink.Got(), 10)
				assert.Zero(t, w.logs.FilterMessageSnippet("Dropped record").Len())
			})
		})
	}
}

// TestShortLivedPageTokens: page tokens that live for a second, and seconds of the log with more pages than a
// burst has calls. The walks finish eventually, concurrently or not, without a call beyond the limit. Covers
// F14, F17.
func TestShortLivedPageTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		life, latency    time.Duration
		entries, perPage int
		walks            int
		faults           []simulator.Fault
	}{
		"small pages":  {life: time.Second, latency: 50 * time.Millisecond, entries: 206, perPage: 7, walks: 1},
		"concurrently": {life: 5 * time.Second, latency: 100 * time.Millisecond, entries: 3000, perPage: 100, walks: 4, faults: []simulator.Fault{{Kind: simulator.FaultPageTokenRefused, Count: 60}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{PageTokenLife: tc.life, RateLimit: 100, Faults: tc.faults})
				entries(w.server, "e", tc.entries, time.Now().Unix()-1800)
				entries(w.server, "f", 50, time.Now().Unix()-900)
				w.latency = around(tc.latency)
				w.cfg.InitialLookback, w.cfg.PageSize, w.cfg.RecheckAfter = time.Hour, tc.perPage, nil
				w.cfg.MaxConcurrentWalks = tc.walks
				stop := w.start(t)
				time.Sleep(2 * time.Hour)
				stop()
				got := w.sink.Got()
				assert.Len(t, got, tc.entries+50)
				for id, n := range got {
					require.Equal(t, 1, n, id)
				}
				var times []time.Time
				for _, call := range w.server.CallsOf(simulator.EndpointList) {
					times = append(times, call.Time)
					require.NotEqual(t, http.StatusTooManyRequests, call.Status)
				}
				assert.LessOrEqual(t, world.MostInAMinute(times), 100)
			})
		})
	}
}

// TestPageTokensExpireDuringFaults: calls and writes of the storage fail at random, page tokens live for 5 s, and a
// second with thirty pages cannot be shortened. Waits that grow to 30 s between its pages would cost the walk all of
// them, each time again. Covers F40, F51.
func TestPageTokensExpireDuringFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		calls, writes float64
		within        time.Duration
	}{
		"of the API":              {calls: 0.5, within: 15 * time.Minute},
		"of the API and the disk": {calls: 0.3, writes: 0.5, within: 65 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{
					PageTokenLife: 5 * time.Second, RateLimit: 100,
					Faults: []simulator.Fault{{Kind: simulator.FaultInternal, Endpoint: simulator.EndpointList, Probability: tc.calls}},
				})
				entries(w.server, "e", 300, time.Now().Unix()-1800)
				w.latency = around(100 * time.Millisecond)
				w.cfg.InitialLookback, w.cfg.PageSize, w.cfg.RecheckAfter = time.Hour, 10, nil
				writes := rand.New(rand.NewPCG(1, 2))
				w.disk.Fail = func() error {
					if writes.Float64() < tc.writes {
						return errors.New("disk full")
					}
					return nil
				}
				stop := w.start(t)
				defer stop()
				time.Sleep(tc.within) // of 150 seeds, the slowest took two thirds of it
				assert.Len(t, w.sink.Got(), 300)
			})
		})
	}
}

// TestPageTokensThatNeverLast: every third page takes longer than its token lives, and the shortest window has
// five pages. The second is set aside and reported, and costs few calls, although the walk gets past its first
// page every time; it is read when pages arrive faster. Covers F14, F40, F51.
func TestPageTokensThatNeverLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{PageTokenLife: time.Second})
		entries(w.server, "e", 30, time.Now().Unix()-1800)
		w.cfg.InitialLookback, w.cfg.PageSize, w.cfg.RecheckAfter = time.Hour, 7, nil
		var calls atomic.Int64
		var quick atomic.Bool
		w.latency = func() time.Duration {
			if calls.Add(1)%3 == 0 && !quick.Load() {
				return 3 * time.Second
			}
			return 50 * time.Millisecond
		}
		o := newOperator(t, w)
		defer o.stop()
		time.Sleep(45 * time.Minute)
		assert.Less(t, calls.Load(), int64(600))
		lines := w.logs.FilterMessageSnippet("Cannot read a time range of the log").All()
		require.NotEmpty(t, lines)
		assert.Contains(t, lines[0].ContextMap()["error"], "page token expired")
		quick.Store(true)
		time.Sleep(10 * time.Minute)
		assert.Len(t, w.sink.Got(), 30)
		assert.Equal(t, componentstatus.StatusOK, o.last().Status())
	})
}

func withoutFirst(logs plog.Logs, n int) plog.Logs {
	rest := plog.NewLogs()
	logs.CopyTo(rest)
	for _, rl := range rest.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			sl.LogRecords().RemoveIf(func(plog.LogRecord) bool {
				n--
				return n >= 0
			})
		}
	}
	return rest
}
