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
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestLagGrows: in any kind of outage, lag and backlog of every pass and the ages grow by a second each second,
// whether the loop retries, waits for an answer, or hangs in the pipeline; they are normal again when it is
// over. Covers F37.
func TestLagGrows(t *testing.T) {
	t.Parallel()
	api := func(kind simulator.FaultKind) func(w *testbed) (end func()) {
		return func(w *testbed) func() {
			w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: kind}} })
			return func() { w.server.Update(func(o *simulator.Options) { o.Faults = nil }) }
		}
	}
	for name, outage := range map[string]func(w *testbed) (end func()){
		"the API fails":   api(simulator.FaultReset),
		"the API hangs":   api(simulator.FaultHang),
		"a missing scope": api(simulator.FaultMissingScope),
		"the pipeline refuses": func(w *testbed) func() {
			w.sink.RefuseWith(func(plog.Logs) error { return assert.AnError })
			return func() { w.sink.RefuseWith(nil) }
		},
		"the pipeline hangs": func(w *testbed) func() {
			over := make(chan struct{})
			w.sink.RefuseWith(func(plog.Logs) error {
				<-over
				return nil
			})
			return func() { close(over) }
		},
		"the storage fails": func(w *testbed) func() {
			failing := func(fail func() error) {
				w.disk.Mu.Lock()
				defer w.disk.Mu.Unlock()
				w.disk.Fail = fail
			}
			failing(func() error { return assert.AnError })
			return func() { failing(nil) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
				r := w.observed(t, tel, w.host())
				time.Sleep(3*time.Hour + 30*time.Second)
				// Half a minute after a tick at which the last recheck was due.
				metadatatest.AssertEqualReceiverFeishuAuditLag(t, tel, ofPass[int64](30, 150, 1170, 3630), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditBacklog(t, tel, ofPass[int64](30, 30, 270, 30), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(30.0), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditCheckpointAge(t, tel, single(30.0), untimed)

				end := outage(w)
				entries(w.server, "wakes the pipeline", 1, time.Now().Unix())
				time.Sleep(time.Hour)
				metadatatest.AssertEqualReceiverFeishuAuditLag(t, tel, ofPass[int64](3630, 3750, 4770, 7230), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditBacklog(t, tel, ofPass[int64](3630, 3630, 3870, 3630), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(3630.0), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditCheckpointAge(t, tel, single(3630.0), untimed)

				end()
				time.Sleep(3 * time.Hour)
				for pass, lag := range map[string]float64{"pass=0": 60, "pass=1": 240, "pass=2": 1410, "pass=3": 5460} {
					assert.LessOrEqual(t, points(t, tel, "lag")[pass], lag)
				}
				assert.LessOrEqual(t, points(t, tel, "walk_age")[""], 60.0)
				require.NoError(t, r.Shutdown(context.Background()))
				require.NoError(t, tel.Shutdown(context.Background()))
			})
		})
	}
}

// TestLagOfAnExport: the lag of a bounded export is relative to its end, not to the present, and a complete
// export has no ages.
func TestLagOfAnExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		now := time.Now()
		w.cfg.StartTime, w.cfg.EndTime = now.Add(-2*time.Hour), now.Add(-time.Hour)
		w.cfg.RecheckAfter = []time.Duration{2 * time.Hour}
		w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultReset}} })
		r := w.observed(t, tel, w.host())
		time.Sleep(30 * time.Minute)
		metadatatest.AssertEqualReceiverFeishuAuditLag(t, tel, ofPass[int64](3600, 3600), untimed)
		// The recheck could only have read what is two hours old.
		metadatatest.AssertEqualReceiverFeishuAuditBacklog(t, tel, ofPass[int64](3600, 1800), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(1800.0), untimed)
		w.server.Update(func(o *simulator.Options) { o.Faults = nil })
		time.Sleep(2 * time.Hour)
		metadatatest.AssertEqualReceiverFeishuAuditLag(t, tel, ofPass[int64](0, 0), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditBacklog(t, tel, ofPass[int64](0, 0), untimed)
		assert.Empty(t, points(t, tel, "walk_age"))
		assert.Empty(t, points(t, tel, "checkpoint_age"))
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestAgeOfALongWalk: pages keep arriving, but walk_age becomes small again only at the end of a window.
func TestAgeOfALongWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		w.latency = func() time.Duration { return 10 * time.Second }
		w.cfg.InitialLookback, w.cfg.RecheckAfter, w.cfg.PollInterval = time.Minute, nil, time.Hour
		w.cfg.MaxConcurrentWalks = 1
		entries(w.server, "burst", 20*w.cfg.PageSize, time.Now().Unix()-30)
		r := w.observed(t, tel, w.host())
		time.Sleep(2 * time.Minute)
		assert.Greater(t, len(w.sink.Got()), 5*w.cfg.PageSize)
		metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(120.0), untimed)
		time.Sleep(3 * time.Minute)
		assert.Less(t, points(t, tel, "walk_age")[""], 120.0)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestAgesFromTheBegin: a receiver that has never read anything, or that has stopped, has a growing age, too.
func TestAgesFromTheBegin(t *testing.T) {
	for name, prepare := range map[string]func(w *testbed){
		"damaged checkpoint":   func(w *testbed) { w.disk.Data[checkpoint.KeyPosition] = []byte("garbage") },
		"storage never opens":  func(w *testbed) { w.disk.Fail = func() error { return assert.AnError } },
		"storage panics":       func(w *testbed) { w.disk.Fail = func() error { panic("damaged") } },
		"API has never worked": func(w *testbed) { w.cfg.AppSecret = "wrong" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
				prepare(w)
				r := w.observed(t, tel, w.host())
				time.Sleep(time.Hour)
				metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(3600.0), untimed)
				metadatatest.AssertEqualReceiverFeishuAuditCheckpointAge(t, tel, single(3600.0), untimed)
				require.NoError(t, r.Shutdown(context.Background()))
			})
		})
	}
}

// TestNoCheckpointAgeWithoutStorage: without a storage there is no checkpoint age.
func TestNoCheckpointAgeWithoutStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		w.cfg.Storage = nil
		r := w.observed(t, tel, w.host())
		time.Sleep(time.Hour + 30*time.Second)
		metadatatest.AssertEqualReceiverFeishuAuditWalkAge(t, tel, single(30.0), untimed)
		assert.Empty(t, points(t, tel, "checkpoint_age"))
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestLateMetrics: late entries are counted by the pass that found them, also if a window of new entries was
// extended for it, with their age at that time. Entries after the last recheck are found only by chance.
func TestLateMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		r := w.observed(t, tel, w.host())
		time.Sleep(3*time.Hour + 30*time.Second)
		now := time.Now().Unix()
		last := now - int64(points(t, tel, "lag")["pass=3"])
		entries(w.server, "missed by none", 7, now)
		entries(w.server, "missed by pass 0", 1, now-100)
		entries(w.server, "missed by passes 0 and 1", 2, now-500)
		entries(w.server, "missed by all but the last", 4, now-1800)
		entries(w.server, "just before the last watermark", 8, last-1)
		entries(w.server, "too late", 16, last-60)
		assert.Equal(t, map[string]float64{"found_by=recheck": 0, "found_by=last_recheck": 0, "found_by=chance": 0}, points(t, tel, "late_entries"))
		time.Sleep(3 * time.Hour)
		assert.Len(t, w.sink.Got(), 7+1+2+4+8)
		metadatatest.AssertEqualReceiverFeishuAuditLateEntries(t, tel, by("found_by", map[string]int64{
			"recheck": 3, "last_recheck": 4, "chance": 8,
		}), untimed)
		got, err := tel.GetMetric("otelcol_receiver_feishu_audit_lateness")
		require.NoError(t, err)
		p := got.Data.(metricdata.Histogram[int64]).DataPoints[0]
		assert.Equal(t, uint64(15), p.Count)
		// Within five minutes; within a quarter of an hour; within two hours.
		assert.Equal(t, []uint64{0, 0, 0, 0, 1, 2, 0, 0, 12, 0, 0, 0}, p.BucketCounts)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestSkippedTimeMetric is about time that the API no longer keeps. Covers F37.
func TestSkippedTimeMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true}), componenttest.NewTelemetry()
		w.cfg.InitialLookback = 48 * time.Hour
		r := w.observed(t, tel, w.host())
		time.Sleep(time.Hour)
		// A day, the time that passed while the refusal was retried, and the margin.
		assert.InDelta(t, 24*3600+poll.RefusalPatience.Seconds()+poll.RefusalMargin, points(t, tel, "skipped_time")[""], 600)
		metadatatest.AssertEqualReceiverFeishuAuditSkippedTime(t, tel, single(int64(points(t, tel, "skipped_time")[""])), untimed)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestSetAsideMetric: a second that fails while others are read is shown as event time set aside, until it is
// read or skipped. Covers F37, F40.
func TestSetAsideMetric(t *testing.T) {
	for name, heals := range map[string]bool{"read after all": true, "skipped": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
				w.cfg.RecheckAfter = nil
				bad := time.Now().Unix() + 600
				var well atomic.Bool
				w.handler = failingOn(w.server, refusals["internal"], func(from, to int64, _ int) bool {
					return !well.Load() && from <= bad && bad <= to
				})
				r := w.observed(t, tel, w.host())
				time.Sleep(9 * time.Minute)
				metadatatest.AssertEqualReceiverFeishuAuditSetAsideTime(t, tel, single[int64](0), untimed)
				time.Sleep(30 * time.Minute)
				// The windows that contain the second: itself, and its neighbours because of the overlap.
				aside := points(t, tel, "set_aside_time")[""]
				assert.Greater(t, aside, 0.0)
				assert.Less(t, aside, 10.0)
				assert.Zero(t, points(t, tel, "skipped_time")[""])
				well.Store(heals)
				time.Sleep(time.Hour)
				metadatatest.AssertEqualReceiverFeishuAuditSetAsideTime(t, tel, single[int64](0), untimed)
				assert.Equal(t, heals, points(t, tel, "skipped_time")[""] == 0)
				require.NoError(t, r.Shutdown(context.Background()))
			})
		})
	}
}

func TestClockSkewMetric(t *testing.T) {
	for _, skew := range []time.Duration{-5 * time.Minute, 0, 90 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, tel := quietWorld(simulator.Options{ClockSkew: skew}), componenttest.NewTelemetry()
				w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultReset}} })
				r := w.observed(t, tel, w.host())
				time.Sleep(20 * time.Second)
				assert.Empty(t, points(t, tel, "clock_skew"), "not known before the first answer")
				w.server.Update(func(o *simulator.Options) { o.Faults = nil })
				time.Sleep(20*time.Minute + time.Second/2)
				metadatatest.AssertEqualReceiverFeishuAuditClockSkew(t, tel, single(skew.Seconds()), untimed)
				require.NoError(t, r.Shutdown(context.Background()))
			})
		})
	}
}

// TestLeaderMetric: a standby reports that it is one, and has no lag of its own.
func TestLeaderMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		electorID := component.MustNewID("k8s_leader_elector")
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		r := w.observed(t, tel, w.hostWith(lead))
		standby := func() {
			time.Sleep(time.Hour)
			metadatatest.AssertEqualReceiverFeishuAuditLeader(t, tel, single[int64](0), untimed)
			for _, name := range []string{"lag", "backlog", "walk_age", "checkpoint_age", "clock_skew", "remembered_ids", "set_aside_time", "held_entries", "held_age"} {
				assert.Empty(t, points(t, tel, name), name)
			}
		}
		for range 2 {
			standby()
			lead.OnStart(context.Background())
			time.Sleep(time.Hour + 30*time.Second)
			metadatatest.AssertEqualReceiverFeishuAuditLeader(t, tel, single[int64](1), untimed)
			assert.InDelta(t, 30, points(t, tel, "lag")["pass=0"], 1)
			lead.OnStop()
		}
		standby()
		require.NoError(t, r.Shutdown(context.Background()))
	})
}
