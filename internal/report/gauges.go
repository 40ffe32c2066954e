// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// Gauges answer the collector's metric reader, which asks at any time. A term notes facts here, and what grows
// with time is computed when the reader asks: lag and ages grow while the term waits, hangs or has stopped
// reading.
type Gauges struct {
	mu     sync.Mutex
	clock  *openapi.Clock // of the term; nil: there is none, because another replica reads
	stored bool           // whether the position goes to a storage
	at     Progress       // no marks until the position is known
	walked time.Time      // when a walk was finished, or the term began
	saved  time.Time      // when the position was written, or the term began
	cause  cause.Cause    // of the present problem, empty if there is none
	since  time.Time      // when it began
	waits  []*wait        // for something outside the receiver, in the order of their start
	pace   func() int     // present limit of calls a minute; nil: not known
	held   int            // entries that the pipeline has not accepted, after it refused some
	oldest time.Time      // when the oldest entry that it has not accepted was first delivered to it; zero: none
}

// Begin notes the start of a term.
func (g *Gauges) Begin(clock *openapi.Clock, stored bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.clock, g.stored, g.walked, g.saved = clock, stored, now, now
	g.at, g.cause, g.held, g.oldest = Progress{}, "", 0, time.Time{}
}

// End notes the end of a term. A term that has only stopped reading has not ended.
func (g *Gauges) End() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock, g.cause = nil, ""
}

// Progress is the progress of a term. Times are Unix seconds, spans are seconds.
type Progress struct {
	End int64 // of the timeline, exclusive; 0: it has none
	// Recheck and Marks have an element for each pass; the first pass reads up to now.
	Recheck, Marks []int64
	IDs            int   // how many are remembered
	IDBytes        int64 // the memory that they take
	Aside          int64 // event time that is set aside, because the API does not return it
}

// lag is how many seconds a pass is behind the present, or the end.
func (p *Progress) lag(pass int, now int64) int64 { return p.before(now, pass) }

// backlog is how many seconds a pass could read now.
func (p *Progress) backlog(pass int, now int64) int64 { return p.before(now-p.Recheck[pass], pass) }

func (p *Progress) before(target int64, pass int) int64 {
	if p.End != 0 {
		target = min(target, p.End)
	}
	return max(0, target-p.Marks[pass])
}

// Done reports whether a bounded export is complete.
func (p *Progress) Done() bool {
	return p.End != 0 && len(p.Marks) > 0 && p.Marks[len(p.Marks)-1] >= p.End
}

// SetProgress notes the progress of the term.
func (g *Gauges) SetProgress(at Progress) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = at
}

// Now returns the progress of the term, and when a walk was last finished or the term began.
func (g *Gauges) Now() (at Progress, walked time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.at, g.walked
}

// NoteWalk notes that a walk was finished.
func (g *Gauges) NoteWalk() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.walked = time.Now()
}

// NoteSave notes that the position was written.
func (g *Gauges) NoteSave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.saved = time.Now()
}

// SetHeld notes how many entries the pipeline has not accepted, after it refused some of them.
func (g *Gauges) SetHeld(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = n
}

// SetOldest notes when the oldest entry that the pipeline has not accepted was first delivered to it; zero if
// there is none.
func (g *Gauges) SetOldest(since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.oldest = since
}

// problem notes why nothing is read, and since when; an empty cause means that the problem is over.
func (g *Gauges) problem(c cause.Cause, since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cause, g.since = c, since
}

func (g *Gauges) beginWait(x *wait) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits = append(g.waits, x)
}

func (g *Gauges) endWait(x *wait) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waits, x); i >= 0 {
		g.waits = slices.Delete(g.waits, i, i+1)
	}
}

// waited is how long the longest present wait for this has lasted.
func (g *Gauges) waited(on Outside) float64 {
	for _, x := range g.waits {
		if x.on == on {
			return time.Since(x.since).Seconds()
		}
	}
	return 0
}

// ShowPace sets the source of the gauge of the present limit of calls a minute.
func (g *Gauges) ShowPace(present func() int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace = present
}

// register adds the callbacks for the metric reader.
func (g *Gauges) register(b *metadata.TelemetryBuilder, receiver attribute.KeyValue) error {
	plain := metric.WithAttributeSet(attribute.NewSet(receiver))
	with := func(kv attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(kv, receiver))
	}
	whole := func(observe func(o metric.Int64Observer)) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			observe(o)
			return nil
		}
	}
	fractional := func(observe func(o metric.Float64Observer)) metric.Float64Callback {
		return func(_ context.Context, o metric.Float64Observer) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			observe(o)
			return nil
		}
	}
	// For every pass, with the server's clock at now, once the position is known.
	passes := func(value func(pass int, now int64) int64) metric.Int64Callback {
		return whole(func(o metric.Int64Observer) {
			if g.clock == nil {
				return
			}
			now := g.clock.Now().Unix()
			for pass := range g.at.Marks {
				o.Observe(value(pass, now), with(attribute.Int("pass", pass)))
			}
		})
	}
	// Once the position is known.
	known := func(value func() int64) metric.Int64Callback {
		return whole(func(o metric.Int64Observer) {
			if g.clock != nil && g.at.Marks != nil {
				o.Observe(value(), plain)
			}
		})
	}
	return errors.Join(
		b.RegisterReceiverFeishuAuditLagCallback(passes(func(pass int, now int64) int64 { return g.at.lag(pass, now) })),
		b.RegisterReceiverFeishuAuditBacklogCallback(passes(func(pass int, now int64) int64 { return g.at.backlog(pass, now) })),
		b.RegisterReceiverFeishuAuditRememberedIdsCallback(known(func() int64 { return int64(g.at.IDs) })),
		b.RegisterReceiverFeishuAuditRememberedBytesCallback(known(func() int64 { return g.at.IDBytes })),
		b.RegisterReceiverFeishuAuditSetAsideTimeCallback(known(func() int64 { return g.at.Aside })),
		b.RegisterReceiverFeishuAuditHeldEntriesCallback(known(func() int64 { return int64(g.held) })),
		b.RegisterReceiverFeishuAuditHeldAgeCallback(fractional(func(o metric.Float64Observer) {
			if g.clock != nil && g.at.Marks != nil {
				var age float64
				if !g.oldest.IsZero() {
					age = time.Since(g.oldest).Seconds()
				}
				o.Observe(age, plain)
			}
		})),
		b.RegisterReceiverFeishuAuditLeaderCallback(whole(func(o metric.Int64Observer) {
			var leader int64
			if g.clock != nil {
				leader = 1
			}
			o.Observe(leader, plain)
		})),
		b.RegisterReceiverFeishuAuditWalkAgeCallback(fractional(func(o metric.Float64Observer) {
			if g.clock != nil && !g.at.Done() {
				o.Observe(time.Since(g.walked).Seconds(), plain)
			}
		})),
		b.RegisterReceiverFeishuAuditCheckpointAgeCallback(fractional(func(o metric.Float64Observer) {
			if g.clock != nil && g.stored && !g.at.Done() {
				o.Observe(time.Since(g.saved).Seconds(), plain)
			}
		})),
		b.RegisterReceiverFeishuAuditClockSkewCallback(fractional(func(o metric.Float64Observer) {
			if g.clock != nil {
				if skew, known := g.clock.Skew(); known {
					o.Observe(skew.Seconds(), plain)
				}
			}
		})),
		b.RegisterReceiverFeishuAuditPaceCallback(whole(func(o metric.Int64Observer) {
			if g.clock != nil && g.pace != nil {
				o.Observe(int64(g.pace()), plain)
			}
		})),
		b.RegisterReceiverFeishuAuditWaitAgeCallback(fractional(func(o metric.Float64Observer) {
			for _, on := range outsides {
				o.Observe(g.waited(on), with(attribute.String("waits_for", string(on))))
			}
		})),
		b.RegisterReceiverFeishuAuditTroubleCallback(fractional(func(o metric.Float64Observer) {
			for _, info := range cause.All {
				var lasts float64
				if info.Cause == g.cause {
					lasts = time.Since(g.since).Seconds()
				}
				o.Observe(lasts, with(attribute.String("cause", string(info.Cause))))
			}
		})),
	)
}
