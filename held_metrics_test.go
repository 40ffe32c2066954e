// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestHeldMetric: records that the pipeline refuses are shown as held, and for how long, until they are accepted
// or given up. Covers F37, F53.
func TestHeldMetric(t *testing.T) {
	held := func(name string, refuse func(plog.Logs) error, want float64, since time.Duration) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
				r := w.observed(t, tel, w.host())
				time.Sleep(time.Hour + 30*time.Second)
				metadatatest.AssertEqualReceiverFeishuAuditHeldEntries(t, tel, single[int64](0), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditHeldAge(t, tel, single(0.0), untimed)
				w.sink.RefuseWith(refuse)
				entries(w.server, "page", 40, time.Now().Unix())
				entries(w.server, "bad", 1, time.Now().Unix())
				for range 30 {
					time.Sleep(time.Minute)
					entries(w.server, time.Now().Format(time.TimeOnly), 1, time.Now().Unix())
				}
				time.Sleep(5 * time.Minute)
				assert.InDelta(t, want, points(t, tel, "held_entries")[""], 0)
				assert.InDelta(t, since.Seconds(), points(t, tel, "held_age")[""], 90, "within a poll and a half")
				w.sink.RefuseWith(nil)
				time.Sleep(time.Hour)
				metadatatest.AssertEqualReceiverFeishuAuditHeldEntries(t, tel, single[int64](0), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditHeldAge(t, tel, single(0.0), untimed)
				require.NoError(t, r.Shutdown(context.Background()))
			})
		})
	}
	refusing := func(err error, all bool) func(plog.Logs) error {
		return func(logs plog.Logs) error {
			for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				if uid, _ := record.Attributes().Get("log.record.uid"); all || uid.Str() == "bad-0" {
					return err
				}
			}
			return nil
		}
	}
	held("nothing is taken", refusing(assert.AnError, true), 41, 35*time.Minute)
	held("nothing is taken, permanently", refusing(consumererror.NewPermanent(assert.AnError), true), 71, 35*time.Minute)
	held("one record is not taken for now", refusing(assert.AnError, false), 1, 35*time.Minute)
	held("one record is given up", refusing(consumererror.NewPermanent(assert.AnError), false), 0, 0)
}

// TestHeldAgeWhileThePipelineHangs: records that the pipeline has not answered for are as old as the call,
// although nothing was refused, and a new term starts without them. Covers F37.
func TestHeldAgeWhileThePipelineHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		var hangs atomic.Bool
		w.sink.Blocks = func() (time.Duration, bool) {
			if hangs.Load() {
				return 3 * time.Hour, true
			}
			return 0, true
		}
		r := w.observed(t, tel, w.host())
		time.Sleep(time.Hour + 30*time.Second)
		hangs.Store(true)
		entries(w.server, "page", 40, time.Now().Unix())
		for minutes := 20.0; minutes <= 160; minutes += 20 {
			time.Sleep(20 * time.Minute)
			assert.InDelta(t, minutes*60, points(t, tel, "held_age")[""], 90)
			assert.Zero(t, points(t, tel, "held_entries")[""], "nothing was refused")
		}
		require.NoError(t, r.Shutdown(context.Background()))
		hangs.Store(false)
		r = w.observed(t, tel, w.host())
		time.Sleep(2 * time.Minute)
		metadatatest.AssertEqualReceiverFeishuAuditHeldAge(t, tel, single(0.0), untimed)
		assert.Len(t, w.sink.Got(), 40)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestHeldMetricsOfTheNextTerm: what a term held is not what the next one holds, which has read nothing yet. Covers F37.
func TestHeldMetricsOfTheNextTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		r := w.observed(t, tel, w.hostWith(lead))
		apart()
		lead.OnStart(context.Background())
		time.Sleep(time.Hour + 30*time.Second)
		w.sink.RefuseWith(func(plog.Logs) error { return assert.AnError })
		entries(w.server, "page", 40, time.Now().Unix())
		time.Sleep(20 * time.Minute)
		assert.InDelta(t, 20*60, points(t, tel, "held_age")[""], 90)
		assert.InDelta(t, 40, points(t, tel, "held_entries")[""], 0)
		lead.OnStop()
		time.Sleep(time.Minute)
		assert.Empty(t, points(t, tel, "held_age"), "a follower holds nothing")

		w.server.Update(func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultReset, Endpoint: simulator.EndpointList}}
		})
		lead.OnStart(context.Background())
		time.Sleep(10 * time.Minute)
		assert.Equal(t, map[string]float64{"": 0}, points(t, tel, "held_age"))
		assert.Equal(t, map[string]float64{"": 0}, points(t, tel, "held_entries"))
		require.NoError(t, r.Shutdown(context.Background()))
	})
}
