// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// spans are the spans of walks that have started. Their children are the walk's calls, which otelhttp traces,
// and the deliveries of its pages.
type spans struct {
	tracer   trace.Tracer
	receiver attribute.KeyValue
	open     map[*plan.Walk]trace.Span
}

func newSpans(tracer trace.Tracer, receiver attribute.KeyValue) spans {
	return spans{tracer: tracer, receiver: receiver, open: make(map[*plan.Walk]trace.Span)}
}

// within returns ctx for something that belongs to the walk, and starts the walk's span if there is none.
func (s *spans) within(ctx context.Context, w *plan.Walk) context.Context {
	span, ok := s.open[w]
	if !ok {
		pass, from, to := w.Span()
		_, span = s.tracer.Start(ctx, "receiver/feishu_audit/walk", trace.WithAttributes(
			s.receiver,
			attribute.Int("pass", pass),
			attribute.String("from", time.Unix(from, 0).UTC().Format(time.RFC3339)),
			attribute.String("to", time.Unix(to, 0).UTC().Format(time.RFC3339)),
		))
		s.open[w] = span
	}
	return trace.ContextWithSpan(ctx, span)
}

// probe returns ctx for a call that belongs to no walk.
func (s *spans) probe(ctx context.Context) (within context.Context, done func()) {
	within, span := s.tracer.Start(ctx, "receiver/feishu_audit/probe", trace.WithAttributes(s.receiver))
	return within, func() { span.End() }
}

// end ends the spans of walks that are over: read to their end, started again, or dropped.
func (s *spans) end(ended []plan.Ended) {
	for _, e := range ended {
		span, ok := s.open[e.Walk]
		if !ok {
			continue
		}
		span.SetAttributes(attribute.Int64("pages", e.Pages))
		if e.Err != nil {
			span.SetStatus(codes.Error, e.Err.Error())
		}
		span.End()
		delete(s.open, e.Walk)
	}
}
