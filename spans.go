// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// spans are those of the walks that have begun. Below each are its calls, which
// otelhttp traces, and what the pipeline does with its pages.
type spans struct {
	tracer   trace.Tracer
	receiver attribute.KeyValue
	open     map[*walk]trace.Span
}

func (t *telemetry) newSpans() spans {
	return spans{tracer: t.tracer, receiver: t.receiver, open: make(map[*walk]trace.Span)}
}

// within returns ctx for something that belongs to the walk, and begins its span
// where there is none.
func (s *spans) within(ctx context.Context, w *walk) context.Context {
	span, ok := s.open[w]
	if !ok {
		_, span = s.tracer.Start(ctx, "receiver/feishu_audit/walk", trace.WithAttributes(
			s.receiver,
			attribute.Int("pass", w.pass),
			attribute.String("from", time.Unix(w.from, 0).UTC().Format(time.RFC3339)),
			attribute.String("to", time.Unix(w.to, 0).UTC().Format(time.RFC3339)),
		))
		s.open[w] = span
	}
	return trace.ContextWithSpan(ctx, span)
}

// errWalkOvertaken is why a walk is dropped of which others have read everything.
var errWalkOvertaken = errors.New("other walks have read this meanwhile")

// end ends the span of a walk that is finished, or that begins again or is dropped because
// of the error.
func (s *spans) end(w *walk, err error) {
	span, ok := s.open[w]
	if !ok {
		return
	}
	span.SetAttributes(attribute.Int64("pages", w.pages))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
	delete(s.open, w)
}

// endAll ends the spans of walks that nobody will finish.
func (s *spans) endAll(reason string) {
	for w, span := range s.open {
		span.SetAttributes(attribute.Int64("pages", w.pages))
		span.SetStatus(codes.Error, reason)
		span.End()
	}
	clear(s.open)
}
