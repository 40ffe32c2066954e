// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/pdata/plog"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestStatusOnChange: OK after the first successful walk, one recoverable error while a problem lasts, OK when
// it is over. Covers F22, F38.
func TestStatusOnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		// Three pages, the last of which ends the first window.
		w.cfg.PageSize = 100
		w.latency = func() time.Duration { return 10 * time.Second }
		w.cfg.MaxConcurrentWalks = 1
		entries(w.server, "some", 250, time.Now().Add(-w.cfg.InitialLookback).Unix()+10)
		r := newTestReceiver(t, w)
		h := &world.StatusHost{Host: w.host()}
		require.NoError(t, r.Start(t.Context(), h))
		apart()
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
// replaced; the receiver stops with a permanent status. Covers F31, F32.
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
				apart()
				time.Sleep(time.Hour)
				require.NoError(t, r.Shutdown(context.Background()))
				assert.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, h.Statuses)
				assert.Len(t, w.server.Calls(), calls)
				assert.Equal(t, kept, string(w.disk.Data[checkpoint.KeyPosition]))
			})
		})
	}
}

// TestShutdownDuringFailures: Shutdown ends every wait of the receiver. Covers F20, F35.
func TestShutdownDuringFailures(t *testing.T) {
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

// TestLeaderElection: only the leader reads, each term resumes where the last one stopped, a standby holds no
// storage, and calls after Shutdown do nothing. Covers F34.
func TestLeaderElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		electorID := component.MustNewID("k8s_leader_elector")
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		r := newTestReceiver(t, w)
		require.NoError(t, r.Start(t.Context(), w.hostWith(lead)))
		apart()
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

// TestPausedLeader: a leader is paused for longer than its lease in the middle of a page, and wakes up after
// another one has read on. It delivers that page twice, and does not change the other's position. Covers F34.
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
			apart()
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
		assert.Empty(t, w.logs.FilterMessageSnippet("Receiver stopped").All())
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

// TestStartNamesMissingExtensions: an error that only a changed configuration can fix is returned by Start, with
// the key.
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
