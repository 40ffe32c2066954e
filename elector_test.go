// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestElectedTooLate: client-go says in a goroutine that this replica leads, so that may
// come after the word that it no longer does. Covers F34.
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

		// Lost right after it was looked at, so that nobody says so any more.
		ctx, cancel = context.WithCancel(context.Background())
		lead.OnStart(ctx)
		time.Sleep(time.Hour)
		cancel()
		synctest.Wait()
		calls := len(w.server.Calls())
		assert.Greater(t, calls, 50)
		time.Sleep(time.Hour)
		assert.Len(t, w.server.Calls(), calls, "a term ends with its election")

		// The next term is not that one's.
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

// TestTermsDoNotOverlap: a term whose election was lost still has the pipeline's answer
// to wait for; the next one begins when it is over. Covers F34.
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

// TestElectorWithoutStorage: it works, as the contract says of every configuration
// without storage, and the log says what that means between replicas.
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
		assert.Contains(t, lines[0].Message, "ends with each term")
		assert.Contains(t, lines[0].Message, "set storage to one that all replicas share")
	})
}
