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
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestStoragePanicsWhenOpened: the receiver stops with a permanent status, and makes no call, because it does
// not know its position. Covers F32.
func TestStoragePanicsWhenOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.disk.FailWith(func() error { panic("page 5 is damaged") })
		r := newTestReceiver(t, w)
		h := &world.StatusHost{Host: w.host()}
		require.NoError(t, r.Start(t.Context(), h))
		apart()
		time.Sleep(time.Hour)
		require.NoError(t, r.Shutdown(context.Background()))
		require.Equal(t, []componentstatus.Status{componentstatus.StatusPermanentError}, h.Statuses)
		require.Empty(t, w.server.Calls())
	})
}

// TestStoragePanicsLater: the storage is not used again, because the panic may have left it in any state;
// nothing is delivered after the page that could not be committed, and the next start resumes there. Covers F24,
// F32.
func TestStoragePanicsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		stop := w.start(t)
		time.Sleep(10 * time.Minute)
		w.disk.FailWith(func() error { panic("page 5 is damaged") })
		entries(w.server, "new", 250, time.Now().Unix())
		time.Sleep(10 * time.Minute)
		w.disk.FailWith(nil)
		time.Sleep(10 * time.Minute)
		assert.LessOrEqual(t, len(w.sink.Got()), w.cfg.PageSize)
		began := time.Now()
		stop()
		assert.LessOrEqual(t, time.Since(began), checkpoint.CommitGrace)

		stop = w.start(t)
		time.Sleep(10 * time.Minute)
		stop()
		got := w.sink.Got()
		require.Len(t, got, 250)
		again := 0
		for _, n := range got {
			again += n - 1
		}
		require.LessOrEqual(t, again, w.cfg.PageSize)
	})
}
