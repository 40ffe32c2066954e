// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// observed starts a receiver whose telemetry is collected, and that looks every
// poll_interval from now on.
func (w *testbed) observed(t *testing.T, tel *componenttest.Telemetry, in component.Host) *audit.AuditReceiver {
	set := metadatatest.NewSettings(tel)
	set.Logger = zap.New(w.core)
	r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), in))
	return r
}

// TestEveryMetricNamesTheReceiver: of whatever scope a metric is, each of its points
// says of which receiver.
func TestEveryMetricNamesTheReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		entries(w.server, "some", 5, time.Now().Unix()-30)
		o := newOperator(t, w)
		time.Sleep(10 * time.Minute)
		o.faults(simulator.Fault{Kind: simulator.FaultHTML, Count: 3})
		time.Sleep(10 * time.Minute)
		var all metricdata.ResourceMetrics
		require.NoError(t, o.tel.Reader.Collect(t.Context(), &all))
		scopes := map[string]int{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, set := range attributeSets(t, m) {
					id, ok := set.Value("receiver")
					require.True(t, ok, "%s of %s: %s", m.Name, scope.Scope.Name, set.Encoded(attribute.DefaultEncoder()))
					assert.Equal(t, "feishu_audit", id.AsString(), m.Name)
					scopes[scope.Scope.Name]++
				}
			}
		}
		assert.Len(t, scopes, 3, "ours, receiverhelper's, otelhttp's: %v", scopes)
		o.stop()
	})
}

// attributeSets are those of each of a metric's points.
func attributeSets(t *testing.T, m metricdata.Metrics) (sets []attribute.Set) {
	t.Helper()
	switch data := m.Data.(type) {
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			sets = append(sets, p.Attributes)
		}
	default:
		require.Fail(t, "a kind of metric that this test does not know", "%s: %T", m.Name, data)
	}
	return sets
}

// points are the values of a metric, by the attributes besides the receiver's id,
// which each must have. A metric without points is an empty map.
func points(t *testing.T, tel *componenttest.Telemetry, name string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	got, err := tel.GetMetric("otelcol_receiver_feishu_audit_" + name)
	if err != nil {
		return out
	}
	add := func(set attribute.Set, value float64) {
		id, ok := set.Value("receiver")
		require.True(t, ok)
		require.Equal(t, "feishu_audit", id.AsString())
		rest, _ := attribute.NewSetWithFiltered(set.ToSlice(), func(kv attribute.KeyValue) bool { return kv.Key != "receiver" })
		out[rest.Encoded(attribute.DefaultEncoder())] = value
	}
	switch data := got.Data.(type) {
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, float64(p.Value))
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, p.Value)
		}
	default:
		t.Fatalf("%s is a %T", name, data)
	}
	return out
}

// with are the attributes of a point.
func with(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(append(more, attribute.String("receiver", "feishu_audit"))...)
}

func ofPass[N int64 | float64](values ...N) []metricdata.DataPoint[N] {
	var out []metricdata.DataPoint[N]
	for pass, v := range values {
		out = append(out, metricdata.DataPoint[N]{Attributes: with(attribute.Int("pass", pass)), Value: v})
	}
	return out
}

func single[N int64 | float64](value N) []metricdata.DataPoint[N] {
	return []metricdata.DataPoint[N]{{Attributes: with(), Value: value}}
}

func by[N int64 | float64](key string, values map[string]N) []metricdata.DataPoint[N] {
	var out []metricdata.DataPoint[N]
	for name, v := range values {
		out = append(out, metricdata.DataPoint[N]{Attributes: with(attribute.String(key, name)), Value: v})
	}
	return out
}

var untimed = metricdatatest.IgnoreTimestamp()

// TestLagGrows: in an outage of whatever kind, lag and backlog of every pass and the
// ages grow by a second each second, whether the loop retries, waits for an answer,
// or hangs in the pipeline; they are back to normal when it is over. Covers F37.
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
				// Half a minute after a tick, at which the last recheck was due.
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

// TestLagOfAnExport: a bounded export is behind its end, not behind the present, and
// has no ages once it is complete.
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
		// Of the recheck only what is two hours old could have been read.
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

// TestAgesFromTheBegin: a receiver that has never read anything, or that stands
// still, has an age that grows, too.
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

// TestNoCheckpointAgeWithoutStorage: what is not written has no age.
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

// TestCallMetrics: every outcome of a call is counted once, with its code if it is
// one that we know.
func TestCallMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		once := func(f simulator.Fault) simulator.Fault {
			f.Count = 1
			return f
		}
		w, tel := quietWorld(simulator.Options{Faults: []simulator.Fault{
			once(simulator.Fault{Kind: simulator.FaultHTML}),
			once(simulator.Fault{Kind: simulator.FaultReset}),
			once(simulator.Fault{Kind: simulator.FaultWrongSecret, Endpoint: simulator.EndpointToken}),
			once(simulator.Fault{Kind: simulator.FaultInternal}),
			once(simulator.Fault{Kind: simulator.FaultError, Code: 4242}),
			once(simulator.Fault{Kind: simulator.FaultInvalidParam}),
			once(simulator.Fault{Kind: simulator.FaultRateLimited}),
			once(simulator.Fault{Kind: simulator.FaultMissingScope}),
			once(simulator.Fault{Kind: simulator.FaultTokenInvalid}),
			once(simulator.Fault{Kind: simulator.FaultQuotaExceeded}),
		}}), componenttest.NewTelemetry()
		w.latency = func() time.Duration { return 200 * time.Millisecond }
		r := w.observed(t, tel, w.host())
		time.Sleep(24 * time.Hour)
		require.NoError(t, r.Shutdown(context.Background()))

		good := map[string]int64{}
		for _, call := range w.server.Calls() {
			if call.Code == 0 && call.Status == 200 {
				good[string(call.Endpoint)]++
			}
		}
		assert.Greater(t, good["list"], int64(1000))
		assert.Greater(t, good["token"], int64(10), "each lives for two hours")
		var want []metricdata.DataPoint[int64]
		calls := func(operation, outcome, code string, n int64) {
			want = append(want, metricdata.DataPoint[int64]{Attributes: with(
				attribute.String("operation", operation), attribute.String("outcome", outcome), attribute.String("code", code)), Value: n})
		}
		calls(openapi.OpToken, "config", "10014", 1)
		calls(openapi.OpToken, "ok", "0", good["token"])
		calls(openapi.OpList, "ok", "0", good["list"])
		calls(openapi.OpList, "bad_answer", "none", 1)
		calls(openapi.OpList, "no_answer", "none", 1)
		calls(openapi.OpList, "failed", "1780001", 1)
		calls(openapi.OpList, "failed", "other", 1)
		calls(openapi.OpList, "parameter", "1780103", 1)
		calls(openapi.OpList, "rate_limited", "99991400", 1)
		calls(openapi.OpList, "config", "99991672", 1)
		calls(openapi.OpList, "token", "99991663", 1)
		calls(openapi.OpList, "quota", "99991403", 1)
		metadatatest.AssertEqualReceiverFeishuAuditCalls(t, tel, want, untimed)

		durations := func(operation string, n int64) metricdata.HistogramDataPoint[float64] {
			bounds := []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
			counts := make([]uint64, len(bounds)+1)
			counts[2] = uint64(n) // of 200 ms
			return metricdata.HistogramDataPoint[float64]{
				Attributes: with(attribute.String("operation", operation)), Count: uint64(n), Bounds: bounds, BucketCounts: counts,
				Min: metricdata.NewExtrema(0.2), Max: metricdata.NewExtrema(0.2), Sum: 0.2 * float64(n),
			}
		}
		got, err := tel.GetMetric("otelcol_receiver_feishu_audit_call_duration")
		require.NoError(t, err)
		for _, p := range got.Data.(metricdata.Histogram[float64]).DataPoints {
			operation, _ := p.Attributes.Value("operation")
			n := good["token"] + 1
			if operation.AsString() == openapi.OpList {
				n = good["list"] + 9
			}
			assert.InDelta(t, 0.2*float64(n), p.Sum, 1e-6)
			p.Sum = 0.2 * float64(n)
			metricdatatest.AssertEqual(t, durations(operation.AsString(), n), p, untimed)
		}
	})
}

// TestCallWaits: the waits for our own pace and those that the server asks for.
func TestCallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{
			RateHintValue: "17",
			Faults:        []simulator.Fault{{Kind: simulator.FaultRateLimited, After: 10, Count: 2}},
		}), componenttest.NewTelemetry()
		w.cfg.RequestsPerMinute, w.cfg.PollInterval = 6, time.Hour // one call each ten seconds
		entries(w.server, "many", 1500, time.Now().Unix()-10)
		r := w.observed(t, tel, w.host())
		time.Sleep(30 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		calls := w.server.CallsOf(simulator.EndpointList)
		require.Greater(t, len(calls), 12)
		// Whoever waited for the server need not wait for our pace.
		metadatatest.AssertEqualReceiverFeishuAuditCallWaits(t, tel, by("waiting_for", map[string]float64{
			"pace":   10 * float64(len(calls)-1-2),
			"server": 34,
		}), untimed)
	})
}

// TestEntryMetrics: what became of entries adds up.
func TestEntryMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		second := time.Now().Unix() - 100
		entries(w.server, "plain", 248, second)
		w.server.Add(
			simulator.Entry{ID: "odd", EventTime: second, Raw: fmt.Sprintf(`{"id":"odd","event_time":"%d","ip":[1],"log_detail":{}}`, second)},
			simulator.Entry{ID: "secret", EventTime: second, Payload: `{"app_secret":"s","app_ticket":"t"}`},
		)
		attempts := 0
		w.sink.RefuseWith(func(plog.Logs) error {
			switch attempts++; attempts {
			case 1:
				return errors.New("not now")
			case 3:
				return consumererror.NewPermanent(errors.New("never"))
			}
			return nil
		})
		r := w.observed(t, tel, w.host())
		time.Sleep(3 * time.Minute)
		require.Len(t, w.sink.Got(), 150)
		// Three pages, of which the second was lost, and some again since.
		read := points(t, tel, "read_entries")[""]
		assert.GreaterOrEqual(t, read, 500.0)
		metadatatest.AssertEqualReceiverFeishuAuditEntries(t, tel, by("result", map[string]int64{
			"delivered": 150, "lost": 100, "known": int64(read) - 250,
		}), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditReadEntries(t, tel, single(int64(read)), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditRefusedEntries(t, tel, single[int64](200), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditMalformedEntries(t, tel, single[int64](1), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditRedactedValues(t, tel, single[int64](2), untimed)
		// The ids of one minute, in a table of a power of two, at most three quarters full.
		metadatatest.AssertEqualReceiverFeishuAuditRememberedIds(t, tel, single[int64](250), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditRememberedBytes(t, tel, single[int64](512*8), untimed)
		time.Sleep(2 * time.Hour)
		metadatatest.AssertEqualReceiverFeishuAuditRememberedIds(t, tel, single[int64](0), untimed)
		metadatatest.AssertEqualReceiverFeishuAuditRememberedBytes(t, tel, single[int64](0), untimed)
		require.NoError(t, r.Shutdown(context.Background()))
	})
}

// TestLateMetrics: late entries are told by which pass found them, also where a
// fresh window was extended to serve it, and how old they were then. What comes
// after the last recheck is found by chance only.
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

// TestSkippedTimeMetric is about what the API no longer keeps. Covers F37.
func TestSkippedTimeMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true}), componenttest.NewTelemetry()
		w.cfg.InitialLookback = 48 * time.Hour
		r := w.observed(t, tel, w.host())
		time.Sleep(time.Hour)
		// A day, what was lost while the refusal was given its time, and the margin.
		assert.InDelta(t, 24*3600+poll.RefusalPatience.Seconds()+poll.RefusalMargin, points(t, tel, "skipped_time")[""], 600)
		metadatatest.AssertEqualReceiverFeishuAuditSkippedTime(t, tel, single(int64(points(t, tel, "skipped_time")[""])), untimed)
		require.NoError(t, r.Shutdown(context.Background()))
	})
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

// TestLeaderMetric: a standby says that it is one, and has no lag of its own.
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
			for _, name := range []string{"lag", "backlog", "walk_age", "checkpoint_age", "clock_skew", "remembered_ids"} {
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

// TestReceiversDoNotMixMetrics: two receivers of one collector have points of their
// own, and the end of one leaves the other's.
func TestReceiversDoNotMixMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel := componenttest.NewTelemetry()
		start := func(name string) *audit.AuditReceiver {
			w := quietWorld(simulator.Options{})
			w.cfg.Storage = nil
			set := metadatatest.NewSettings(tel)
			set.ID = component.MustNewIDWithName("feishu_audit", name)
			r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
			require.NoError(t, err)
			require.NoError(t, r.Start(t.Context(), w.host()))
			return r
		}
		ids := func() []string {
			got, err := tel.GetMetric("otelcol_receiver_feishu_audit_walk_age")
			require.NoError(t, err)
			var ids []string
			for _, p := range got.Data.(metricdata.Gauge[float64]).DataPoints {
				id, _ := p.Attributes.Value("receiver")
				ids = append(ids, id.AsString())
			}
			return ids
		}
		a, b := start("a"), start("b")
		time.Sleep(time.Hour)
		assert.ElementsMatch(t, []string{"feishu_audit/a", "feishu_audit/b"}, ids())
		require.NoError(t, a.Shutdown(context.Background()))
		assert.Equal(t, []string{"feishu_audit/b"}, ids())
		require.NoError(t, b.Shutdown(context.Background()))
	})
}

// TestStandardReceiverMetrics: the collector's own receiver metrics count what was
// accepted, refused, and failed inside of us: nothing.
func TestStandardReceiverMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		entries(w.server, "some", 30, time.Now().Unix()-10)
		refused := false
		w.sink.RefuseWith(func(plog.Logs) error {
			if refused {
				return nil
			}
			refused = true
			return consumererror.NewDownstream(errors.New("not now"))
		})
		r := w.observed(t, tel, w.host())
		time.Sleep(10 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		for name, want := range map[string]int64{"accepted": 30, "refused": 30} {
			got, err := tel.GetMetric("otelcol_receiver_" + name + "_log_records")
			require.NoError(t, err)
			data := got.Data.(metricdata.Sum[int64]).DataPoints
			require.Len(t, data, 1)
			assert.Equal(t, want, data[0].Value, name)
			assert.Equal(t, attribute.NewSet(attribute.String("receiver", "feishu_audit"), attribute.String("transport", "http")), data[0].Attributes)
		}
	})
}

// TestSpans: each walk has a span, and its calls and what the pipeline did with its
// pages are its children. One that had to begin again says why.
func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultPageTokenRefused, Count: 1}}}), componenttest.NewTelemetry()
		w.cfg.InitialLookback, w.cfg.RecheckAfter, w.cfg.PollInterval = time.Minute, nil, time.Hour
		begin := time.Now().UTC().Add(-time.Minute)
		entries(w.server, "some", 250, begin.Unix()+50)
		r := w.observed(t, tel, w.host())
		time.Sleep(30 * time.Minute)
		w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultReset}} })
		time.Sleep(time.Hour)
		require.NoError(t, r.Shutdown(context.Background()))

		children := map[trace.SpanID]map[string]int{}
		type walkSpan struct {
			status     string
			attributes map[string]string
			children   map[string]int
		}
		var walks []walkSpan
		for _, span := range tel.SpanRecorder.Ended() {
			parent := span.Parent().SpanID()
			if children[parent] == nil {
				children[parent] = map[string]int{}
			}
			children[parent][span.Name()]++
		}
		for _, span := range tel.SpanRecorder.Ended() {
			if span.Name() != "receiver/feishu_audit/walk" {
				continue
			}
			assert.False(t, span.Parent().IsValid())
			attributes := map[string]string{}
			for _, kv := range span.Attributes() {
				attributes[string(kv.Key)] = kv.Value.Emit()
			}
			walks = append(walks, walkSpan{span.Status().Description, attributes, children[span.SpanContext().SpanID()]})
		}
		at := func(d time.Duration) string { return begin.Add(d).Format(time.RFC3339) }
		first := map[string]string{"receiver": "feishu_audit", "pass": "0", "from": at(0), "to": at(time.Minute), "pages": "1"}
		again := map[string]string{"receiver": "feishu_audit", "pass": "0", "from": at(0), "to": at(time.Minute), "pages": "3"}
		require.Len(t, walks, 3)
		// The token, a page, and the refusal of the next one.
		assert.Contains(t, walks[0].status, "code 1780103")
		assert.Equal(t, walkSpan{walks[0].status, first, map[string]int{"HTTP POST": 3, "receiver/feishu_audit/LogsReceived": 1}}, walks[0])
		assert.Equal(t, walkSpan{"", again, map[string]int{"HTTP POST": 3, "receiver/feishu_audit/LogsReceived": 2}}, walks[1])
		assert.Equal(t, "the receiver stops", walks[2].status)
		assert.Equal(t, "0", walks[2].attributes["pages"])
		assert.Greater(t, walks[2].children["HTTP POST"], 30, "the calls that failed")
		assert.NotContains(t, children[trace.SpanID{}], "HTTP POST", "every call belongs to a walk")
	})
}

// TestOvertakenWalks: where the pace does not suffice for all rechecks, the last one goes
// first. A walk that it overtakes is dropped, and does not keep ids. Covers F33.
func TestOvertakenWalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, last = 1, 30 * 60
		w, tel := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 1, PerSecond: perSecond, Start: time.Now().Unix()}}), componenttest.NewTelemetry()
		w.cfg.RecheckAfter, w.cfg.PageSize, w.cfg.RequestsPerMinute = []time.Duration{10 * time.Minute, last * time.Second}, 10, 13
		r := w.observed(t, tel, w.host())
		most := 0
		for range 4 * 60 {
			time.Sleep(time.Minute)
			at, _ := r.Progress()
			most = max(most, at.IDs)
		}
		require.NoError(t, r.Shutdown(context.Background()))
		dropped := 0
		for _, span := range tel.SpanRecorder.Ended() {
			if span.Status().Description == plan.ErrCovered.Error() {
				dropped++
			}
		}
		assert.Positive(t, dropped)
		assert.Less(t, most, perSecond*(2*last+plan.MemoryAllowance+2*int(w.cfg.MaxWindow/time.Second)))
	})
}

// TestMetricsAreDocumented: what documentation.md lists is what the receiver shows.
func TestMetricsAreDocumented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, err := os.ReadFile("documentation.md")
		require.NoError(t, err)
		var documented []string
		for _, m := range regexp.MustCompile(`(?m)^### (otelcol_receiver_feishu_audit_\w+)$`).FindAllStringSubmatch(string(text), -1) {
			documented = append(documented, m[1])
		}
		// Everything happens at least once: late entries, a refusal, a wait, a gap.
		w, tel := quietWorld(simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true, Tenant: simulator.Tenant{
			Seed: 1, PerSecond: 0.1, Start: time.Now().Unix() - 7200, LateFraction: 0.1, MaxLateness: time.Hour, OddFraction: 0.1,
		}}), componenttest.NewTelemetry()
		w.cfg.InitialLookback, w.cfg.RequestsPerMinute = 48*time.Hour, 10
		refused := false
		w.sink.RefuseWith(func(plog.Logs) error {
			refused = !refused
			if refused {
				return errors.New("not now")
			}
			return nil
		})
		r := w.observed(t, tel, w.host())
		time.Sleep(6 * time.Hour)
		var metrics metricdata.ResourceMetrics
		require.NoError(t, tel.Reader.Collect(t.Context(), &metrics))
		require.NoError(t, r.Shutdown(context.Background()))
		var shown []string
		for _, scope := range metrics.ScopeMetrics {
			for _, m := range scope.Metrics {
				if strings.HasPrefix(m.Name, "otelcol_receiver_feishu_audit_") {
					shown = append(shown, m.Name)
				}
			}
		}
		assert.ElementsMatch(t, documented, shown)
	})
}
