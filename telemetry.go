// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
)

// telemetry counts what the receiver does. metadata.yaml says what each metric
// means; all of them carry the receiver's id.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	receiver attribute.KeyValue
	plain    metric.MeasurementOption
}

func newTelemetry(set component.TelemetrySettings, id component.ID) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	receiver := attribute.String("receiver", id.String())
	return &telemetry{builder: builder, receiver: receiver, plain: metric.WithAttributeSet(attribute.NewSet(receiver))}, nil
}

func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.receiver)...))
}

func (t *telemetry) call(operation string, took time.Duration, err error) {
	outcome := "ok"
	var api *apiError
	if errors.As(err, &api) {
		outcome = api.kind()
	}
	op := attribute.String("operation", operation)
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditCalls.Add(ctx, 1, t.with(op, attribute.String("outcome", outcome)))
	t.builder.ReceiverFeishuAuditCallDuration.Record(ctx, took.Seconds(), t.with(op))
}

func (t *telemetry) delivered(delivered, lost int, stats recordStats) {
	t.entries("delivered", delivered)
	t.entries("lost", lost)
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditMalformedEntries.Add(ctx, int64(stats.malformed), t.plain)
	t.builder.ReceiverFeishuAuditRedactedValues.Add(ctx, int64(stats.redacted), t.plain)
}

func (t *telemetry) known(n int) { t.entries("known", n) }

func (t *telemetry) entries(result string, n int) {
	if n > 0 {
		t.builder.ReceiverFeishuAuditEntries.Add(context.Background(), int64(n), t.with(attribute.String("result", result)))
	}
}

func (t *telemetry) refused(n int) {
	t.builder.ReceiverFeishuAuditRefusedEntries.Add(context.Background(), int64(n), t.plain)
}

func (t *telemetry) skipped(gap window) {
	t.builder.ReceiverFeishuAuditSkippedTime.Add(context.Background(), gap.seconds(), t.plain)
}

// late records how old the entries were that a recheck found.
func (t *telemetry) late(items []*item, now time.Time) {
	for _, it := range items {
		if at, ok := it.eventTime(); ok {
			t.builder.ReceiverFeishuAuditLateness.Record(context.Background(), max(0, now.Unix()-at), t.plain)
		}
	}
}

// observe sets the gauges, with the server's clock at now.
func (t *telemetry) observe(s *schedule, now int64) {
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditRememberedIds.Record(ctx, int64(s.seen.count), t.plain)
	for pass := range s.pos.marks {
		t.builder.ReceiverFeishuAuditLag.Record(ctx, s.pos.lag(pass, now), t.with(attribute.Int("pass", pass)))
	}
}

func (t *telemetry) close() { t.builder.Shutdown() }
