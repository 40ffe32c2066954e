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

func newSpans(tracer trace.Tracer, receiver attribute.KeyValue) spans {
	return spans{tracer: tracer, receiver: receiver, open: make(map[*walk]trace.Span)}
}

// within returns ctx for something that belongs to the walk, and begins its span
// where there is none.
func (s *spans) within(ctx context.Context, w *walk) context.Context {
	span, ok := s.open[w]
	if !ok {
		pass, from, to := w.span()
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

// endEach ends the spans of walks that are over: read to their end, begun again, or dropped.
func (s *spans) endEach(ended []endedWalk) {
	for _, e := range ended {
		s.end(e.Walk, e.Pages, e.Err)
	}
}

func (s *spans) end(w *walk, pages int64, err error) {
	span, ok := s.open[w]
	if !ok {
		return
	}
	span.SetAttributes(attribute.Int64("pages", pages))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
	delete(s.open, w)
}

// errStopped is why walks end that nobody will finish.
var errStopped = errors.New("the receiver stops")

// endAll ends the spans of walks that nobody will finish.
func (s *spans) endAll() {
	for w := range s.open {
		s.end(w, w.pages, errStopped)
	}
}
