// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// Telemetry counts what the receiver does, with the metrics of metadata.yaml; every metric has the receiver's
// id.
type Telemetry struct {
	builder  *metadata.TelemetryBuilder
	Gauges   Gauges
	receiver attribute.KeyValue
	plain    metric.MeasurementOption
}

// NewTelemetry makes the instruments. Every metric has the attribute, which names its receiver.
func NewTelemetry(set component.TelemetrySettings, receiver attribute.KeyValue) (*Telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{
		builder:  builder,
		receiver: receiver, plain: metric.WithAttributeSet(attribute.NewSet(receiver)),
	}
	t.zero()
	return t, t.Gauges.register(builder, receiver)
}

// zero exports every counter from the start: otherwise an alert on an increase would miss a counter's first
// increase.
func (t *Telemetry) zero() {
	t.CountRead(0)
	t.CountDelivered(0, 0)
	t.CountNoticed(0, 0)
	t.CountKnown(0)
	t.CountSharedIDs(0)
	t.CountRefused(0)
	t.CountSkipped(0)
	for _, pass := range []string{plan.FoundByRecheck, plan.FoundByLast, plan.FoundByChance} {
		t.late(pass, 0)
	}
}

func (t *Telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.receiver)...))
}

// CountCall counts a call that has ended, and how long it took.
func (t *Telemetry) CountCall(operation string, took time.Duration, err error) {
	outcome, code := "ok", "0"
	var api *openapi.Error
	if errors.As(err, &api) {
		outcome, code = api.Outcome(), api.CodeLabel()
	}
	op := attribute.String("operation", operation)
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditCalls.Add(ctx, 1, t.with(op, attribute.String("outcome", outcome), attribute.String("code", code)))
	t.builder.ReceiverFeishuAuditCallDuration.Record(ctx, took.Seconds(), t.with(op))
}

// CountWait counts a wait before a call: for our own "pace", or because the "server" asked for it.
func (t *Telemetry) CountWait(what string, d time.Duration) {
	if d > 0 {
		t.builder.ReceiverFeishuAuditCallWaits.Add(context.Background(), d.Seconds(), t.with(attribute.String("waiting_for", what)))
	}
}

// CountRead counts entries that the API has returned.
func (t *Telemetry) CountRead(n int) {
	t.builder.ReceiverFeishuAuditReadEntries.Add(context.Background(), int64(n), t.plain)
}

// CountDelivered counts new entries by their outcome.
func (t *Telemetry) CountDelivered(delivered, lost int) {
	t.entries("delivered", delivered)
	t.entries("lost", lost)
}

// CountNoticed counts findings from building records: entries with a field that cannot be read, and masked
// values.
func (t *Telemetry) CountNoticed(malformed, redacted int) {
	ctx := context.Background()
	t.builder.ReceiverFeishuAuditMalformedEntries.Add(ctx, int64(malformed), t.plain)
	t.builder.ReceiverFeishuAuditRedactedValues.Add(ctx, int64(redacted), t.plain)
}

// CountKnown counts entries that were returned again.
func (t *Telemetry) CountKnown(n int) { t.entries("known", n) }

func (t *Telemetry) entries(result string, n int) {
	t.builder.ReceiverFeishuAuditEntries.Add(context.Background(), int64(n), t.with(attribute.String("result", result)))
}

// CountSharedIDs counts new entries whose id another entry has had, too.
func (t *Telemetry) CountSharedIDs(n int) {
	t.builder.ReceiverFeishuAuditSharedIds.Add(context.Background(), int64(n), t.plain)
}

// CountRefused counts records in refusals of the pipeline, with each try.
func (t *Telemetry) CountRefused(n int) {
	t.builder.ReceiverFeishuAuditRefusedEntries.Add(context.Background(), int64(n), t.plain)
}

// CountSkipped counts seconds that are not read because the API does not show them.
func (t *Telemetry) CountSkipped(seconds int64) {
	t.builder.ReceiverFeishuAuditSkippedTime.Add(context.Background(), seconds, t.plain)
}

// CountLate counts a new entry of a time that was read before, and records its age in seconds.
func (t *Telemetry) CountLate(by string, age int64) {
	t.builder.ReceiverFeishuAuditLateness.Record(context.Background(), age, t.plain)
	t.late(by, 1)
}

func (t *Telemetry) late(by string, n int64) {
	t.builder.ReceiverFeishuAuditLateEntries.Add(context.Background(), n, t.with(attribute.String("found_by", by)))
}

// Close ends the callbacks.
func (t *Telemetry) Close() { t.builder.Shutdown() }
