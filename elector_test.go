// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestElectedTooLate: client-go calls back in a goroutine when this replica leads, so this may happen after the
// callback that it no longer does. Covers F34.
func TestElectedTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		r := newTestReceiver(t, w)
		require.NoError(t, r.Start(t.Context(), w.hostWith(lead)))
		apart()

		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		lead.OnStop()
		lead.OnStart(ctx)
		time.Sleep(time.Hour)
		assert.Empty(t, w.server.Calls(), "who is no longer the leader does not read")
		assert.Empty(t, w.logs.FilterMessageSnippet("Elected").All())

		// Lost right after the check, so that no further callback follows.
		ctx, cancel = context.WithCancel(context.Background())
		lead.OnStart(ctx)
		time.Sleep(time.Hour)
		cancel()
		synctest.Wait()
		calls := len(w.server.Calls())
		assert.Greater(t, calls, 50)
		time.Sleep(time.Hour)
		assert.Len(t, w.server.Calls(), calls, "a term ends with its election")

		// The next term has another context.
		next, end := context.WithCancel(context.Background())
		defer end()
		lead.OnStart(next)
		cancel()
		time.Sleep(time.Hour)
		assert.Greater(t, len(w.server.Calls()), calls+50, "a later election counts for itself")
		lead.OnStop()
		calls = len(w.server.Calls())
		time.Sleep(time.Hour)
		assert.Len(t, w.server.Calls(), calls)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestTermsDoNotOverlap: a term whose election was lost still waits for the pipeline's answer; the next term
// starts after that. Covers F34.
func TestTermsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.K8sLeaderElector = &electorID
		entries(w.server, "some", 5, time.Now().Unix()-30)
		lead := &world.Elector{}
		r := newTestReceiver(t, w)
		require.NoError(t, r.Start(t.Context(), w.hostWith(lead)))
		apart()
		w.sink.Blocks = func() (time.Duration, bool) { return 3 * time.Second, false }
		ctx, cancel := context.WithCancel(context.Background())
		lead.OnStart(ctx)
		time.Sleep(time.Second)
		calls := len(w.server.CallsOf(simulator.EndpointList))
		require.Positive(t, calls)
		cancel()
		synctest.Wait()
		lead.OnStart(context.Background())
		time.Sleep(time.Second)
		assert.Len(t, w.server.CallsOf(simulator.EndpointList), calls, "the first term is not over")
		time.Sleep(time.Hour)
		assert.Greater(t, len(w.server.CallsOf(simulator.EndpointList)), 50)
		require.NoError(t, r.Shutdown(context.Background()))
		for id, n := range w.sink.Got() {
			assert.Equal(t, 1, n, id)
		}
		assert.Len(t, w.sink.Got(), 5)
	})
}

// TestElectorWithoutStorage: it works, as any configuration without storage has to, and the log shows what that
// means with several replicas.
func TestElectorWithoutStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.K8sLeaderElector, w.cfg.Storage = &electorID, nil
		require.NoError(t, w.cfg.Validate())
		r := newTestReceiver(t, w)
		require.NoError(t, r.Start(t.Context(), w.hostWith(&world.Elector{})))
		apart()
		require.NoError(t, r.Shutdown(context.Background()))
		lines := w.logs.All()
		require.Len(t, lines, 1)
		assert.Equal(t, zap.WarnLevel, lines[0].Level)
		assert.Contains(t, lines[0].Message, "each election loses the position")
		assert.Contains(t, lines[0].Message, "Set storage to one that all replicas share")
	})
}

// TestShutdownWhileTheElectorEndsTheTerm: Shutdown waits for a term that the elector is ending, and a term
// elected meanwhile reads only after it. Covers F63.
func TestShutdownWhileTheElectorEndsTheTerm(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("elected again: ", again), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.cfg.K8sLeaderElector = &electorID
				entries(w.server, "e", 3, time.Now().Unix()-30)
				var busy atomic.Int64
				w.sink.RefuseWith(func(plog.Logs) error {
					assert.EqualValues(t, 1, busy.Add(1), "one term at a time")
					time.Sleep(audit.StopGrace - time.Second)
					busy.Add(-1)
					return nil
				})
				lead, tel := &world.Elector{}, componenttest.NewTelemetry()
				r := w.observed(t, tel, w.hostWith(lead))
				apart()
				lead.OnStart(context.Background())
				time.Sleep(time.Second)
				assert.EqualValues(t, 1, busy.Load())
				go lead.OnStop()
				time.Sleep(10 * time.Millisecond)
				if again {
					lead.OnStart(context.Background())
					time.Sleep(time.Minute)
					assert.InDelta(t, 1, points(t, tel, "leader")[""], 0, "the end of the term before is not the end of this one")
				}
				require.NoError(t, r.Shutdown(context.Background()))
				assert.Zero(t, busy.Load(), "nothing is delivered after Shutdown")
				assert.Len(t, w.sink.Got(), 3)
			})
		})
	}
}

// TestTermBeforeHangs: a replica that is elected again while its last term hangs reports what it waits for.
// Covers F59, F63.
func TestTermBeforeHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.K8sLeaderElector = &electorID
		entries(w.server, "e", 3, time.Now().Unix()-30)
		hung := false
		w.sink.Blocks = func() (time.Duration, bool) {
			if hung {
				return 0, false
			}
			hung = true
			return time.Hour, false
		}
		lead, tel := &world.Elector{}, componenttest.NewTelemetry()
		r := w.observed(t, tel, w.hostWith(lead))
		apart()
		lead.OnStart(context.Background())
		time.Sleep(time.Second)
		go lead.OnStop()
		time.Sleep(time.Second)
		lead.OnStart(context.Background())
		time.Sleep(10 * time.Minute)
		assert.InDelta(t, 600, points(t, tel, "wait_age")["waits_for=term"], 1)
		assert.InDelta(t, 602, points(t, tel, "wait_age")["waits_for=pipeline"], 1)
		assert.Len(t, w.logs.FilterMessageSnippet("Waiting for longer than expected").All(), 2)
		time.Sleep(time.Hour)
		assert.Zero(t, points(t, tel, "wait_age")["waits_for=term"])
		assert.Len(t, w.sink.Got(), 3)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestElectedAgainAfterAnUnusableCheckpoint: a replica that may resume in a later term never reports a permanent
// status, because the collector accepts no status after it. Covers F65.
func TestElectedAgainAfterAnUnusableCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.K8sLeaderElector = &electorID
		w.disk.Data[checkpoint.KeyPosition] = []byte("damaged")
		r := newTestReceiver(t, w)
		lead := &world.Elector{}
		h := &world.StatusHost{Host: w.hostWith(lead)}
		require.NoError(t, r.Start(t.Context(), h))
		apart()
		lead.OnStart(context.Background())
		time.Sleep(time.Minute)
		lead.OnStop()
		delete(w.disk.Data, checkpoint.KeyPosition)
		entries(w.server, "e", 3, time.Now().Unix()-30)
		lead.OnStart(context.Background())
		time.Sleep(10 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		assert.Len(t, w.sink.Got(), 3)
		assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK, componentstatus.StatusOK}, h.Seen())
	})
}

// TestElectedAgainAfterAPanicOfTheStorage: a storage that panicked is not used in a later term either. Covers
// F32, F65.
func TestElectedAgainAfterAPanicOfTheStorage(t *testing.T) {
	for _, when := range []time.Duration{0, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			w.cfg.K8sLeaderElector = &electorID
			lead := &world.Elector{}
			r := newTestReceiver(t, w)
			h := &world.StatusHost{Host: w.hostWith(lead)}
			require.NoError(t, r.Start(t.Context(), h))
			apart()
			panics := 0
			fail := func() error { panics++; panic("page 5 is damaged") }
			if when == 0 {
				w.disk.FailWith(fail)
			}
			lead.OnStart(context.Background())
			time.Sleep(when)
			w.disk.FailWith(fail)
			for range 3 {
				time.Sleep(10 * time.Minute)
				lead.OnStop()
				lead.OnStart(context.Background())
			}
			time.Sleep(10 * time.Minute)
			require.NoError(t, r.Shutdown(context.Background()))
			assert.Equal(t, 1, panics)
			assert.NotContains(t, h.Seen(), componentstatus.StatusPermanentError)
			assert.Equal(t, componentstatus.StatusRecoverableError, h.Last())
		})
	}
}
