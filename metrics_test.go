// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
)

// observed starts a receiver whose telemetry is collected, and that polls every poll_interval from now on.
func (w *testbed) observed(t *testing.T, tel *componenttest.Telemetry, in component.Host) *audit.AuditReceiver {
	set := metadatatest.NewSettings(tel)
	set.Logger = zap.New(w.core)
	r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), in))
	return r
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

// points are the values of a metric by their attributes, without the receiver's id, which each must have. A
// metric without points is an empty map.
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
