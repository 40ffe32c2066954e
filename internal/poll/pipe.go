// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/handover"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// PipeSettings are what a pipe needs.
type PipeSettings struct {
	Next    consumer.Logs
	ObsRep  *receiverhelper.ObsReport
	Retry   configretry.BackOffConfig
	Logger  *zap.Logger
	Refused func(n int) // gets the number of records in every refusal
	// Grace is how long a call of the pipeline may continue after the term has ended: one that is cut off may
	// have delivered records that we then deliver again.
	Grace time.Duration
}

// Pipe delivers to the pipeline: it has the records to deliver, and those that are held because they were
// refused. All walks of a receiver share one.
type Pipe struct {
	set   PipeSettings
	queue *handover.Queue[*handed]
	held  map[string]struct{} // identities of the entries in the queue
	pools bool                // the pipeline frees records when its call returns
}

// handed is a new entry to deliver.
type handed struct {
	entry    *entry.Entry
	key      plan.Key
	from     int64 // Unix seconds: the stored position must not pass the entry
	received time.Time
	foundBy  string // the pass that found it late; empty: it is not late
	age      int64  // then, in seconds
}

// NewPipe returns a pipe.
func NewPipe(set PipeSettings) *Pipe {
	p := &Pipe{set: set, pools: poolsRecords()}
	p.reset()
	return p
}

// maxSecondLook limits the time until a record that was refused alone is retried, if others were accepted in
// between.
const maxSecondLook = 20 * time.Second

// reset forgets the held records: the position was not moved past them.
func (p *Pipe) reset() {
	p.queue = handover.New[*handed](handover.Settings{
		Backoff:    NewBackOff(p.set.Retry),
		SecondLook: min(2*p.set.Retry.InitialInterval, maxSecondLook),
		MaxElapsed: p.set.Retry.MaxElapsedTime,
		Disabled:   !p.set.Retry.Enabled,
	})
	p.held = make(map[string]struct{})
}

// add puts the new entries of a page into the queue.
func (p *Pipe) add(entries []*handed) *handover.Batch {
	records := make([]handover.Record[*handed], len(entries))
	for i, h := range entries {
		records[i] = handover.Record[*handed]{Value: h, Size: len(h.entry.Text)}
		p.held[h.entry.Identity()] = struct{}{}
	}
	return p.queue.Add(time.Now(), records)
}

// holds reports whether the entry is in the queue already.
func (p *Pipe) holds(it *entry.Entry) bool {
	if len(p.held) == 0 {
		return false
	}
	_, ok := p.held[it.Identity()]
	return ok
}

// done removes an entry from the held ones.
func (p *Pipe) done(h *handed) { delete(p.held, h.entry.Identity()) }

// empty reports whether nothing is held.
func (p *Pipe) empty() bool { return len(p.held) == 0 }

// oldest is the second that a position must not pass: the one of the oldest entry held.
func (p *Pipe) oldest() (second int64, any bool) {
	for r := range p.queue.All {
		if !any || r.Value.from < second {
			second, any = r.Value.from, true
		}
	}
	return second, any
}

// dueAt is when something that is held may be retried; zero: not before something is added.
func (p *Pipe) dueAt() time.Time {
	if p.empty() {
		return time.Time{}
	}
	now := time.Now()
	if try, at := p.queue.Next(now); try == nil {
		return at
	}
	return now
}

// dataFormat is the name of our data in the collector's receiver metrics.
const dataFormat = "feishu_openapi_audit"

// hand makes one call of the pipeline. The records belong to the pipeline from then on and are not read again,
// whatever the answer. cut reports that the grace ended before the pipeline answered.
func (p *Pipe) hand(ctx context.Context, logs plog.Logs) (cut bool, err error) {
	lasting, done := outlive(ctx, p.set.Grace)
	defer done()

	n := logs.LogRecordCount()
	op := p.set.ObsRep.StartLogsOp(lasting)
	err = p.set.Next.ConsumeLogs(op, logs)
	p.set.ObsRep.EndLogsOp(op, dataFormat, n, safeRefusal(err)) // writes the text into a span
	return lasting.Err() != nil, err
}
