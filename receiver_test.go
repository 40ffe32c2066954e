// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// quietWorld is a world without randomness.
func quietWorld(opts simulator.Options) *testbed {
	return newWorld(rand.New(rand.NewPCG(1, 1)), opts)
}

// entries adds n entries with the given second.
func entries(server *simulator.Server, prefix string, n int, second int64) {
	list := make([]simulator.Entry, n)
	for i := range list {
		list[i] = simulator.Entry{ID: fmt.Sprintf("%s-%d", prefix, i), APIKey: "GET/open-apis/im/v1/messages", EventTime: second, AppID: "cli_a"}
	}
	server.Add(list...)
}

// TestManyEntriesOfOneSecond: more entries than fit into a page, and one that is added to a second that was
// already read. Covers F1, F2, F4, F11, F12.
func TestManyEntriesOfOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.InitialLookback = time.Minute
		second := time.Now().Unix() - 10
		entries(w.server, "first", 1500, second)
		stop := w.start(t)
		defer stop()
		time.Sleep(3 * time.Minute)
		assert.Len(t, w.sink.Got(), 1500)
		entries(w.server, "late", 1, second)
		time.Sleep(20 * time.Minute)
		assert.Len(t, w.sink.Got(), 1501)
		for id, n := range w.sink.Got() {
			assert.Equal(t, 1, n, id)
		}
		// Each call with a page token continues where another one ended, and requests the same time as that one,
		// so by induction the same as the first one of its walk.
		bounds := map[string][2]int64{}
		followed := 0
		for _, call := range w.server.CallsOf(simulator.EndpointList) {
			these := [2]int64{call.StartTime, call.EndTime}
			if call.PageToken != "" {
				last, ok := bounds[call.PageToken]
				require.True(t, ok, "a page token that no answer had")
				require.Equal(t, last, these, "page %d of its walk", followed)
				followed++
			}
			if call.NextPageToken != "" {
				bounds[call.NextPageToken] = these
			}
		}
		assert.GreaterOrEqual(t, followed, 14, "pages after the first")
	})
}

// TestQuietTenantCosts: the number of calls of an idle tenant, with the defaults and with the README's settings
// for the Basic plan. Covers F10, F36.
func TestQuietTenantCosts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*audit.Config)
		most   int // calls in a day
	}{
		"defaults":   {func(*audit.Config) {}, 1440 + 24*4},
		"Basic plan": {func(c *audit.Config) { c.PollInterval, c.RecheckAfter = 6*time.Minute, []time.Duration{time.Hour} }, 10_000 / 31},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				tc.change(w.cfg)
				stop := w.start(t)
				defer stop()
				synctest.Wait()
				assert.NotEmpty(t, w.server.CallsOf(simulator.EndpointList), "the first look is at once")
				time.Sleep(24 * time.Hour)
				calls := len(w.server.CallsOf(simulator.EndpointList))
				assert.LessOrEqual(t, calls, tc.most)
				t.Logf("%d calls a day", calls)
				entries(w.server, "one", 1, time.Now().Unix())
				time.Sleep(w.cfg.PollInterval + 2*time.Second)
				assert.Len(t, w.sink.Got(), 1, "a stream that was quiet for a day goes on")
			})
		})
	}
}

// TestBeginIsKept: the start of reading is decided once, even if the API cannot be reached at first and the
// process is killed before the first page. Covers F30.
func TestBeginIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultReset}}})
		w.cfg.InitialLookback = time.Hour
		entries(w.server, "first", 3, time.Now().Unix()-3590)
		stop := w.start(t)
		time.Sleep(30 * time.Minute)
		w.kill()
		stop()
		w.reboot()
		w.server.Update(func(o *simulator.Options) { o.Faults = nil })
		stop = w.start(t)
		time.Sleep(30 * time.Minute)
		stop()
		assert.Len(t, w.sink.Got(), 3)
	})
}

// TestBoundedExport: exactly the entries from start_time up to end_time are delivered, then the receiver idles.
func TestBoundedExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		tenant := simulator.Tenant{Seed: 9, PerSecond: 0.5, Start: now - 20_000}
		w := quietWorld(simulator.Options{Tenant: tenant})
		w.cfg.StartTime, w.cfg.EndTime = time.Unix(now-15_000, 0), time.Unix(now-5_000, 0)
		stop := w.start(t)
		defer stop()
		time.Sleep(3 * time.Hour)
		wanted := tenant.Entries(now-15_000, now-5_000)
		assert.Len(t, w.sink.Got(), len(wanted))
		got := w.sink.Got()
		for _, e := range wanted {
			assert.Equal(t, 1, got[e.ID])
		}
		calls := len(w.server.Calls())
		time.Sleep(24 * time.Hour)
		assert.Len(t, w.server.Calls(), calls, "a complete export rests")
	})
}

// TestEndlessPaging: the same page token again, or fresh ones without end: the number of calls is limited, and
// the receiver keeps working. Covers F13, F44.
func TestEndlessPaging(t *testing.T) {
	t.Parallel()
	for kind, most := range map[simulator.FaultKind]int{simulator.FaultRepeatToken: 600, simulator.FaultEndless: 5000} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: kind}}})
				w.cfg.InitialLookback = 2 * time.Minute
				entries(w.server, "some", 5, time.Now().Unix()-100)
				stop := w.start(t)
				defer stop()
				time.Sleep(time.Hour)
				assert.Less(t, len(w.server.Calls()), most)
				assert.Len(t, w.sink.Got(), 5, "what such a page holds is delivered")
				w.server.Update(func(o *simulator.Options) { o.Faults = nil })
				entries(w.server, "more", 5, time.Now().Unix())
				time.Sleep(10 * time.Minute)
				assert.Len(t, w.sink.Got(), 10)
			})
		})
	}
}

// TestSharedPace: receivers with one credential share one pace. Covers F17.
func TestSharedPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 4, PerSecond: 5, Start: time.Now().Unix() - 3600}})
		w.cfg.RequestsPerMinute, w.cfg.PageSize = 50, 20
		w.cfg.Storage = nil
		var stops []func()
		for range 3 {
			stops = append(stops, w.start(t))
		}
		time.Sleep(12 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		assert.LessOrEqual(t, w.server.MaxCallsInAnyMinute(), 50)
		assert.Greater(t, w.server.MaxCallsInAnyMinute(), 45, "and uses it")
	})
}

func newTestReceiver(t *testing.T, w *testbed) *audit.AuditReceiver {
	t.Helper()
	set := receivertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(w.core)
	r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
	require.NoError(t, err)
	return r
}
