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

// telemetry counts what the receiver does, as metadata.yaml says; every metric
// carries the receiver's id.
type telemetry struct {
	builder  *metadata.TelemetryBuilder
	gauges   gauges
	receiver attribute.KeyValue
	plain    metric.MeasurementOption
}

// newTelemetry makes the instruments. Every metric carries the attribute, which says of which
// receiver it is.
func newTelemetry(set component.TelemetrySettings, receiver attribute.KeyValue) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		builder:  builder,
		receiver: receiver, plain: metric.WithAttributeSet(attribute.NewSet(receiver)),
	}
	t.zero()
	return t, t.gauges.register(builder, receiver)
}

// zero shows every counter from the start: an alert on an increase does not see the
// first one of a counter that was not there before.
func (t *telemetry) zero() {
	t.read(0)
	t.delivered(0, 0)
	t.noticed(0, 0)
	t.known(0)
	t.refused(0)
	t.skipped(0)
	for _, pass := range []string{foundByRecheck, foundByLast, foundByChance} {
		t.late(pass, 0)
	}
}

func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.receiver)...))
}

func (t *telemetry) call(operation string, took time.Duration, err error) {
	outcome, code := "ok", "0"
	var api *apiError
	if errors.As(err, &api) {
		outcome, code = api.outcome(), api.codeLabel()
	}
	op := attribute.String("operation", operation)
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditCalls.Add(ctx, 1, t.with(op, attribute.String("outcome", outcome), attribute.String("code", code)))
	t.builder.ReceiverFeishuAuditCallDuration.Record(ctx, took.Seconds(), t.with(op))
}

// waited counts a wait before a call: for our own "pace", or for the "server".
func (t *telemetry) waited(what string, d time.Duration) {
	if d > 0 {
		t.builder.ReceiverFeishuAuditCallWaits.Add(context.Background(), d.Seconds(), t.with(attribute.String("waiting_for", what)))
	}
}

func (t *telemetry) read(n int) {
	t.builder.ReceiverFeishuAuditReadEntries.Add(context.Background(), int64(n), t.plain)
}

func (t *telemetry) delivered(delivered, lost int) {
	t.entries("delivered", delivered)
	t.entries("lost", lost)
}

// noticed counts what was noticed while records were built: entries with a field that
// cannot be read, and values masked.
func (t *telemetry) noticed(malformed, redacted int) {
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditMalformedEntries.Add(ctx, int64(malformed), t.plain)
	t.builder.ReceiverFeishuAuditRedactedValues.Add(ctx, int64(redacted), t.plain)
}

func (t *telemetry) known(n int) { t.entries("known", n) }

func (t *telemetry) entries(result string, n int) {
	t.builder.ReceiverFeishuAuditEntries.Add(context.Background(), int64(n), t.with(attribute.String("result", result)))
}

func (t *telemetry) refused(n int) {
	t.builder.ReceiverFeishuAuditRefusedEntries.Add(context.Background(), int64(n), t.plain)
}

func (t *telemetry) skipped(seconds int64) {
	t.builder.ReceiverFeishuAuditSkippedTime.Add(context.Background(), seconds, t.plain)
}

// foundLate counts a new entry of a time that was read before, and records how many
// seconds old it is.
func (t *telemetry) foundLate(by string, age int64) {
	t.builder.ReceiverFeishuAuditLateness.Record(context.Background(), age, t.plain)
	t.late(by, 1)
}

func (t *telemetry) late(by string, n int64) {
	t.builder.ReceiverFeishuAuditLateEntries.Add(context.Background(), n, t.with(attribute.String("found_by", by)))
}

func (t *telemetry) close() { t.builder.Shutdown() }
