// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// quietWorld is a world without chance.
func quietWorld(opts simulator.Options) *testbed {
	return newWorld(rand.New(rand.NewPCG(1, 1)), opts)
}

// entries adds n entries of the given second.
func entries(server *simulator.Server, prefix string, n int, second int64) {
	list := make([]simulator.Entry, n)
	for i := range list {
		list[i] = simulator.Entry{ID: fmt.Sprintf("%s-%d", prefix, i), APIKey: "GET/open-apis/im/v1/messages", EventTime: second, AppID: "cli_a"}
	}
	server.Add(list...)
}

// TestManyEntriesOfOneSecond: more entries than fit into a page, and one that is
// added to a second already read. Covers F1, F2, F4, F11, F12.
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
		// Each call with a page token goes on where another one ended, and asks for the
		// same time as that one: by induction, as the first one of its walk.
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

// TestQuietTenantCosts: what an idle tenant costs, with the defaults and with what
// the README recommends for the Basic plan. Covers F10, F36.
func TestQuietTenantCosts(t *testing.T) {
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

// TestBeginIsKept: where reading begins is decided once, even if the API cannot be
// reached at first and the process is killed before the first page. Covers F30.
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

// TestEndpointDown: failing calls are bounded by the backoff, and there is one line
// of log and one status when it begins, and one when it is over. Covers F19, F38.
func TestEndpointDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.handler = &unhurried{Handler: w.server, t: t}
		o := newOperator(t, w)
		defer o.stop()
		time.Sleep(time.Minute)
		w.faults(simulator.Fault{Kind: simulator.FaultReset})
		before := len(w.server.Calls())
		time.Sleep(10 * time.Minute)
		calls := len(w.server.Calls()) - before
		assert.Greater(t, calls, 10)
		assert.Less(t, calls, 60)
		began := []string{saysBegin, saysFails + "network"}
		assert.Equal(t, began, o.lines())
		w.faults()
		entries(w.server, "after", 1, time.Now().Unix()-5)
		time.Sleep(2 * time.Minute)
		assert.Len(t, w.sink.Got(), 1)
		assert.Equal(t, append(began, saysWell+"network"), o.lines())
		assert.Equal(t, []string{"StatusOK", "StatusRecoverableError", "StatusOK"}, withoutText(o.statuses()))
	})
}

// unhurried fails the test when it is called again and again in one instant, and then
// takes its time: virtual time stands still in a hot loop, and the test would not end.
type unhurried struct {
	http.Handler
	t     *testing.T
	mu    sync.Mutex
	at    time.Time
	calls int
}

func (u *unhurried) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const most = 1000
	u.mu.Lock()
	if now := time.Now(); !now.Equal(u.at) {
		u.at, u.calls = now, 0
	}
	u.calls++
	calls := u.calls
	u.mu.Unlock()
	if calls == most {
		u.t.Errorf("%d calls in one instant", most)
	}
	if calls >= most {
		time.Sleep(time.Minute)
	}
	u.Handler.ServeHTTP(w, r)
}

// TestPermanentRefusal: records refused for good neither block nor come again.
// Covers F24.
func TestPermanentRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.sink.RefuseWith(func(plog.Logs) error { return consumererror.NewPermanent(assert.AnError) })
		second := time.Now().Unix() - 30
		entries(w.server, "bad", 2, second)
		entries(w.server, "worse", 1, second+7)
		stop := w.start(t)
		defer stop()
		time.Sleep(5 * time.Minute)
		w.sink.RefuseWith(nil)
		entries(w.server, "good", 3, time.Now().Unix())
		time.Sleep(3 * time.Hour)
		assert.Len(t, w.sink.GaveUp(), 3)
		assert.Len(t, w.sink.Got(), 3)
		for id, n := range w.sink.GaveUp() {
			assert.Equal(t, 1, n, id)
		}
		told := w.logs.FilterMessageSnippet("refused records for good").All()
		require.Len(t, told, 1)
		assert.Equal(t, second, told[0].ContextMap()["from"].(time.Time).Unix(), "for start_time")
		assert.Equal(t, second+8, told[0].ContextMap()["to"].(time.Time).Unix(), "for end_time")
	})
}

// TestWindowRefused: a window longer than the API takes is shortened, and not asked
// for again and again.
func TestWindowRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{MaxWindow: 11 * time.Minute})
		w.cfg.InitialLookback = 48 * time.Hour
		entries(w.server, "old", 5, time.Now().Unix()-47*3600)
		stop := w.start(t)
		defer stop()
		time.Sleep(24 * time.Hour)
		assert.Len(t, w.sink.Got(), 5)
		refused := 0
		for _, call := range w.server.Calls() {
			if call.Code == 1780103 {
				refused++
			}
		}
		assert.Positive(t, refused)
		assert.LessOrEqual(t, refused, 5)
	})
}

// TestBoundedExport: exactly the entries from start_time up to end_time, then rest.
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
		for _, e := range wanted {
			assert.Equal(t, 1, w.sink.Got()[e.ID])
		}
		calls := len(w.server.Calls())
		time.Sleep(24 * time.Hour)
		assert.Len(t, w.server.Calls(), calls, "a complete export rests")
	})
}

// TestEndlessPaging: the same page token again, and fresh ones without end: bounded
// calls, and the receiver lives. Covers F13.
func TestEndlessPaging(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.FaultRepeatToken, simulator.FaultEndless} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: kind}}})
				w.cfg.InitialLookback = 2 * time.Minute
				entries(w.server, "some", 5, time.Now().Unix()-100)
				stop := w.start(t)
				defer stop()
				time.Sleep(time.Hour)
				assert.Less(t, len(w.server.Calls()), 600)
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
		w.cfg.RequestsPerMinute = 50
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

// TestStatusOnChange: OK after the first good walk, one recoverable error while
// trouble lasts, OK when it is over. Covers F22, F38.
func TestStatusOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		// Three pages, of which the last one ends the first window.
		w.cfg.PageSize = 100
		w.latency = func() time.Duration { return 10 * time.Second }
		entries(w.server, "some", 250, time.Now().Add(-w.cfg.InitialLookback).Unix()+10)
		r := newTestReceiver(t, w)
		h := &world.StatusHost{Host: w.host()}
		require.NoError(t, r.Start(t.Context(), h))
		var seen []int
		for len(w.sink.Got()) < 250 {
			seen = append(seen, len(w.sink.Got()))
			require.Empty(t, h.Seen(), "nothing is known to be well before the first window was read")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Equal(t, []int{0, 100, 200}, slices.Compact(seen))
		assert.Equal(t, []componentstatus.Status{componentstatus.StatusOK}, h.Seen())
		time.Sleep(5 * time.Minute)
		w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultMissingScope}} })
		time.Sleep(time.Hour)
		w.server.Update(func(o *simulator.Options) { o.Faults = nil })
		time.Sleep(10 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		assert.Equal(t, []componentstatus.Status{componentstatus.StatusOK, componentstatus.StatusRecoverableError, componentstatus.StatusOK}, h.Seen())
	})
}

// TestUnusableCheckpoint: a checkpoint of another query, or a damaged one, is never
// replaced; the receiver stands still with a permanent status. Covers F31, F32.
func TestUnusableCheckpoint(t *testing.T) {
	for name, change := range map[string]func(w *testbed){
		"other filter": func(w *testbed) { w.cfg.Filter.AppID = "cli_other" },
		"damaged":      func(w *testbed) { w.disk.Data[checkpoint.KeyPosition][60] ^= 1 },
		"ids missing":  func(w *testbed) { delete(w.disk.Data, checkpoint.SeenName(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "some", 5, time.Now().Unix()-30)
				stop := w.start(t)
				time.Sleep(5 * time.Minute)
				stop()
				change(w)
				kept := string(w.disk.Data[checkpoint.KeyPosition])
				calls := len(w.server.Calls())
				r := newTestReceiver(t, w)
				h := &world.StatusHost{Host: w.host()}
				require.NoError(t, r.Start(t.Context(), h))
				time.Sleep(time.Hour)
				require.NoError(t, r.Shutdown(context.Background()))
				assert.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, h.Statuses)
				assert.Len(t, w.server.Calls(), calls)
				assert.Equal(t, kept, string(w.disk.Data[checkpoint.KeyPosition]))
			})
		})
	}
}

// TestShutdownDuringTrouble: Shutdown ends whatever the receiver waits for. Covers
// F20, F35.
func TestShutdownDuringTrouble(t *testing.T) {
	for name, setUp := range map[string]func(w *testbed){
		"API hangs": func(w *testbed) {
			w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultHang}} })
		},
		"pipeline refuses": func(w *testbed) { w.sink.RefuseWith(func(plog.Logs) error { return assert.AnError }) },
		"storage fails":    func(w *testbed) { w.disk.Fail = func() error { return assert.AnError } },
		"idle":             func(*testbed) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "some", 5, time.Now().Unix()-30)
				setUp(w)
				stop := w.start(t)
				time.Sleep(10 * time.Minute)
				began := time.Now()
				stop()
				assert.Less(t, time.Since(began), time.Second)
			})
		})
	}
}

// TestLeaderElection: only the leader reads, each term goes on where the last one
// stopped, a standby holds no storage, and calls after Shutdown do nothing. Covers
// F34.
func TestLeaderElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		electorID := component.MustNewID("k8s_leader_elector")
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		r := newTestReceiver(t, w)
		require.NoError(t, r.Start(t.Context(), w.hostWith(lead)))
		entries(w.server, "first", 5, time.Now().Unix()-30)
		time.Sleep(time.Hour)
		assert.Empty(t, w.server.Calls(), "a standby does not read")
		for range 3 {
			lead.OnStart(context.Background())
			time.Sleep(30 * time.Minute)
			lead.OnStop()
			calls := len(w.server.Calls())
			entries(w.server, fmt.Sprint("term", calls), 5, time.Now().Unix())
			time.Sleep(30 * time.Minute)
			assert.Len(t, w.server.Calls(), calls, "who is no longer the leader does not read")
		}
		lead.OnStart(context.Background())
		time.Sleep(10 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		calls := len(w.server.Calls())
		lead.OnStart(context.Background())
		time.Sleep(10 * time.Minute)
		assert.Len(t, w.server.Calls(), calls, "nothing begins after Shutdown")
		lead.OnStop()
		assert.Len(t, w.sink.Got(), 15, "from the first term's start on; the first five were older than its lookback")
		for id, n := range w.sink.Got() {
			assert.Equal(t, 1, n, id)
		}
	})
}

// TestPausedLeader: a leader that stands still for longer than its lease, in the
// middle of a page, and wakes up when another one has read on, delivers that page
// twice, and leaves the other's position alone. Covers F34.
func TestPausedLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 1, PerSecond: 1, Start: time.Now().Unix() - 600}
		w := quietWorld(simulator.Options{Tenant: tenant})
		electorID := component.MustNewID("k8s_leader_elector")
		w.cfg.K8sLeaderElector, w.cfg.InitialLookback, w.cfg.RecheckAfter = &electorID, 10*time.Minute, []time.Duration{5 * time.Minute}
		start := func(sink *world.Sink) (*world.Elector, func()) {
			lead := &world.Elector{}
			other := *w
			other.sink, other.paces = sink, &pace.Registry{}
			r := newTestReceiver(t, &other)
			require.NoError(t, r.Start(t.Context(), w.hostWith(lead)))
			return lead, func() { require.NoError(t, r.Shutdown(context.Background())) }
		}
		first, second := world.NewSink(), world.NewSink()
		paused, stopPaused := start(first)
		next, stopNext := start(second)
		paused.OnStart(context.Background())
		time.Sleep(30 * time.Minute)
		wake := make(chan struct{})
		first.RefuseWith(func(plog.Logs) error {
			<-wake
			return nil
		})
		time.Sleep(time.Minute)
		next.OnStart(context.Background())
		time.Sleep(30 * time.Minute)
		close(wake)
		// Its elector does not know yet.
		time.Sleep(time.Second)
		w.disk.Mu.Lock()
		stored, err := checkpoint.Decode(w.disk.Data[checkpoint.KeyPosition])
		w.disk.Mu.Unlock()
		require.NoError(t, err)
		assert.Equal(t, uint64(2), stored.Term)
		paused.OnStop()
		next.OnStop()
		assert.Equal(t, 1, w.logs.FilterMessageSnippet("Another replica has taken over").Len())

		// The third term finds a position that it can use.
		paused.OnStart(context.Background())
		time.Sleep(30 * time.Minute)
		stopPaused()
		stopNext()
		assert.Empty(t, w.logs.FilterMessageSnippet("stands still").All())
		one, other, twice := first.Got(), second.Got(), 0
		for _, entry := range tenant.Entries(tenant.Start, time.Now().Unix()-120) {
			n := one[entry.ID] + other[entry.ID]
			assert.Positive(t, n, "lost: %s", entry.ID)
			twice += max(0, n-1)
		}
		assert.Positive(t, twice)
		assert.LessOrEqual(t, twice, w.cfg.PageSize)
	})
}

// TestStartNamesMissingExtensions: what only a changed configuration can mend fails
// at start, with the key.
func TestStartNamesMissingExtensions(t *testing.T) {
	other := component.MustNewID("other")
	for name, tc := range map[string]struct {
		change func(*audit.Config)
		Host   world.Host
		says   string
	}{
		"no storage":      {func(c *audit.Config) { c.Storage = &other }, world.Host{}, `storage: extension "other" is not among`},
		"not a storage":   {func(c *audit.Config) { c.Storage = &other }, world.Host{other: &world.Elector{}}, "is not a storage extension"},
		"no elector":      {func(c *audit.Config) { c.Storage, c.K8sLeaderElector = nil, &other }, world.Host{}, `k8s_leader_elector: extension "other" is not among`},
		"not an elector":  {func(c *audit.Config) { c.Storage, c.K8sLeaderElector = nil, &other }, world.Host{other: &world.Disk{}}, "is not a leader elector"},
		"unreadable cert": {func(c *audit.Config) { c.Storage, c.ClientConfig.TLS.CAFile = nil, "/nonexistent" }, world.Host{}, "cannot make the HTTP client"},
	} {
		t.Run(name, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			tc.change(w.cfg)
			r := newTestReceiver(t, w)
			require.ErrorContains(t, r.Start(t.Context(), tc.Host), tc.says)
			require.NoError(t, r.Shutdown(context.Background()))
		})
	}
}
