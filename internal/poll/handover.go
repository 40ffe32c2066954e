// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/handover"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// delivery is the outcome for records: those of a page, and those that were held.
type delivery struct {
	keys  []plan.Key // of records accepted or given up: to be remembered if they are not yet
	taken int
	lost  int
}

// handOver delivers records to the pipeline in the order of the queue, until reading may continue while the rest
// of the batch is held; without a batch, until nothing can be tried now. It fails only when ctx ends first.
func (p *Poller) handOver(ctx context.Context, b *handover.Batch) (out delivery, err error) {
	p.Tel.Gauges.SetOldest(p.Pipe.queue.OldestSince())
	for ctx.Err() == nil {
		try, at := p.Pipe.queue.Next(time.Now())
		switch {
		case try != nil:
			if err := p.commitPage(ctx, &out, len(try.Records)); err != nil {
				return out, err
			}
			p.attempt(ctx, try, &out)
		case b == nil || !p.Pipe.queue.Blocks(b):
			return out, nil
		default:
			if err := Sleep(ctx, time.Until(at)); err != nil {
				return out, err
			}
		}
	}
	if b == nil || b.Done() {
		return out, nil
	}
	return out, ctx.Err()
}

// commitPage stores what was accepted if this many more records would be more than a page: a crash repeats no
// more than that.
func (p *Poller) commitPage(ctx context.Context, out *delivery, more int) error {
	if len(out.keys) == 0 || len(out.keys)+more <= p.set.PageSize {
		return nil
	}
	p.remember(out.keys)
	if err := p.commit(ctx, out.keys); err != nil {
		return err
	}
	out.keys = nil
	return nil
}

// attempt makes one attempt to deliver. Its records are built from the entries each time: the pipeline may have
// changed or freed those of the last attempt.
func (p *Poller) attempt(ctx context.Context, try *handover.Try[*handed], out *delivery) {
	items := make([]*entry.Entry, len(try.Records))
	for i, r := range try.Records {
		items[i] = r.Value.entry
	}
	logs, stats := p.Records.Build(items, try.Records[0].Value.received)
	sent := time.Now()
	cut, err := p.Pipe.hand(ctx, logs)
	said := p.Pipe.answer(err, items)
	if err != nil {
		refused := 0
		for i := range items {
			if said(i) != handover.Taken {
				refused++
			}
		}
		p.Pipe.set.Refused(refused)
		if ctx.Err() != nil || cut {
			// The end of the term may be the reason for the refusal. What was accepted is known.
			answer := said
			said = func(i int) handover.Class {
				if answer(i) == handover.Taken {
					return handover.Taken
				}
				return handover.Retry
			}
		}
	}
	res := p.Pipe.queue.Answered(time.Now(), try, said)
	p.Tel.Gauges.SetHeld(p.Pipe.queue.Held())
	p.Tel.Gauges.SetOldest(p.Pipe.queue.OldestSince())
	for _, r := range res.Taken {
		p.settle(r.Value, out)
	}
	out.taken += len(res.Taken)
	if err == nil {
		p.Tel.CountNoticed(stats.Malformed, stats.Redacted)
		if len(stats.Withheld) > 0 {
			p.Logger.Error("Masked all details of entries: the search for credentials in them failed; please report this fault of the receiver",
				zap.Strings("log.record.uid", stats.Withheld))
		}
	}
	p.Tel.CountDelivered(len(res.Taken), 0)
	if len(res.GaveUp) > 0 {
		p.giveUpRecords(res.GaveUp, err, sent, out)
	}
	if err != nil && ctx.Err() == nil {
		p.noteRefusal(err, sent)
	}
}

// settle notes that an entry is finished: accepted or given up.
func (p *Poller) settle(h *handed, out *delivery) {
	p.Pipe.done(h)
	out.keys = append(out.keys, h.key)
	if h.foundBy != "" { // as of the time of reading: it may have been held since
		p.Tel.CountLate(h.foundBy, h.age)
	}
}

// tellHeldAfter is how long a record is held before that is reported: most are given up or accepted before.
const tellHeldAfter = time.Minute

// noteRefusal reports a refusal after which nothing can be retried at once.
func (p *Poller) noteRefusal(err error, sent time.Time) {
	now := time.Now()
	try, at := p.Pipe.queue.Next(now)
	if try != nil || p.Pipe.empty() {
		return // split, or over
	}
	wait, safe := at.Sub(now), safeRefusal(err)
	if !isPermanent(err) {
		p.Health.NoteFailure(cause.Pipeline, safe, sent, wait)
		return
	}
	n, _ := p.Pipe.queue.Open()
	if since := p.Pipe.queue.RefusedSince(); p.Pipe.queue.Holding() || now.Sub(since) >= tellHeldAfter {
		p.Health.NoteHeld(n, safe, sent, wait)
	}
}

// giveUpRecords reports records that are not retried any more: each in its own log line, because sampling drops
// equal lines, and in the list in the storage.
func (p *Poller) giveUpRecords(gone []handover.GivenUp[*handed], err error, sent time.Time, out *delivery) {
	safe := safeRefusal(err)
	for _, g := range gone {
		it := g.Value.entry
		second, readable := it.EventTime()
		lost := checkpoint.GivenUp{
			ID: it.UID(), At: time.Now().Unix(), Why: string(g.Why), Error: safe.Error(), Tries: g.Tries,
		}
		fields := []zap.Field{
			zap.String("cause", string(cause.Pipeline)), zap.Error(safe), zap.String("why", string(g.Why)),
			zap.String("log.record.uid", it.UID()), zap.Int("refused_alone", g.Tries),
		}
		if readable {
			lost.EventTime = second
			fields = append(fields, zap.Time("event_time", time.Unix(second, 0).UTC()))
		}
		p.Store.GiveUp(lost)
		p.Logger.Error("Dropped record "+it.UID()+": the pipeline rejects it", fields...)
		p.settle(g.Value, out)
	}
	out.lost += len(gone)
	p.Tel.CountDelivered(0, len(gone))
	p.Health.NoteDropped(len(gone), safe, sent)
}

// retryHeld retries held records that are due.
func (p *Poller) retryHeld(ctx context.Context) error {
	if at := p.Pipe.dueAt(); at.IsZero() || at.After(time.Now()) {
		return nil
	}
	out, err := p.handOver(ctx, nil)
	if err != nil || out.taken+out.lost == 0 {
		return err
	}
	p.remember(out.keys)
	if err := p.commit(ctx, out.keys); err != nil {
		return err
	}
	if out.taken > 0 && out.lost == 0 {
		p.Health.NoteSuccess(true, false)
	}
	p.tellComplete()
	return nil
}

// position is the position to store: it does not pass anything that is held, and forgets nothing that would be
// read again from there.
func (p *Poller) position() (now plan.Snapshot, forgettable int64) {
	now, forgettable = p.sched.Snapshot(), p.sched.Forgettable()
	second, any := p.Pipe.oldest()
	if !any {
		return now, forgettable
	}
	for i, mark := range now.Marks {
		now.Marks[i] = max(min(mark, second), min(mark, now.Begin))
	}
	return now, min(forgettable, (second-plan.Overlap-1)/60-1)
}
