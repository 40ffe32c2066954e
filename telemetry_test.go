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

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestEveryMetricNamesTheReceiver: each point of every metric, of any scope, names its receiver.
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

// TestCallMetrics: every outcome of a call is counted once, with its code if it is a known one.
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

// TestCallWaits: the waits for our own pace and those that the server requests.
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
		// A call that waited for the server need not wait for our pace.
		metadatatest.AssertEqualReceiverFeishuAuditCallWaits(t, tel, by("waiting_for", map[string]float64{
			"pace":   calls[len(calls)-1].Time.Sub(calls[0].Time).Seconds() - 34,
			"server": 34,
		}), untimed)
	})
}

// TestEntryMetrics: the outcomes of entries add up to the number of entries.
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
		require.Len(t, w.sink.Got(), 250)
		// Three pages, the second of which was split and accepted, and some entries again since.
		read := points(t, tel, "read_entries")[""]
		assert.GreaterOrEqual(t, read, 500.0)
		metadatatest.AssertEqualReceiverFeishuAuditEntries(t, tel, by("result", map[string]int64{
			"delivered": 250, "lost": 0, "known": int64(read) - 250,
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

// TestReceiversDoNotMixMetrics: two receivers of one collector have separate points, and stopping one keeps the
// other's.
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

// TestStandardReceiverMetrics: the collector's own receiver metrics count what was accepted and refused, and
// nothing as failed inside the receiver.
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

// TestMetricsAreDocumented: documentation.md lists exactly the metrics of the receiver.
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
