// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// deliver hands the new entries of a page to the pipeline and returns what to
// remember of the page, how many entries were handed over, and how many of them were
// lost. With an error, that is what the pipeline took before the term ended.
func (p *Poller) deliver(ctx context.Context, w *plan.Walk, r result) (keys []plan.Key, delivered, dropped int, err error) {
	var (
		items []*entry.Entry // the new entries,
		fresh []plan.Key     // and their keys
		again []plan.Key     // to be remembered anew: this window returned them, too
		known int
	)
	ctx = p.spans.within(ctx, w)
	inPage := make(map[plan.Key]struct{}, len(r.page.Entries))
	for i := range r.page.Entries {
		it := &r.page.Entries[i]
		at, readable := it.EventTime()
		if readable && p.sched.Outside(at) {
			continue
		}
		k := w.Key(it.Identity(), it.UID(), at, readable)
		_, twice := inPage[k]
		inPage[k] = struct{}{}
		switch {
		case twice:
			known++
		case p.sched.Known(k):
			known++
			if k.IsOdd() {
				again = append(again, k)
			}
		default:
			p.noteShared(k, it)
			items, fresh = append(items, it), append(fresh, k)
		}
	}
	p.Tel.CountRead(len(r.page.Entries))
	p.Tel.CountKnown(known)
	// An API that ignores page_size must not make a batch larger than pipelines and
	// backends take.
	for start := 0; start < len(items); start += entry.MaxPageSize {
		end := min(start+entry.MaxPageSize, len(items))
		if err := ctx.Err(); err != nil { // each batch may take the pipeline's whole grace
			return p.remember(fresh[:start:start]), start, dropped, err
		}
		batch := items[start:end]
		logs, stats := p.Records.Build(batch, r.res.Received)
		refused, left, err := p.Pipe.hand(ctx, logs, p.Health)
		if err != nil {
			accepted := acceptedKeys(batch, fresh[start:end], left)
			p.Tel.CountDelivered(len(accepted), 0)
			return p.remember(append(fresh[:start:start], accepted...)), start + len(accepted), dropped, err
		}
		dropped += refused
		p.Tel.CountDelivered(len(batch)-refused, refused)
		p.Tel.CountNoticed(stats.Malformed, stats.Redacted)
		p.countLate(batch)
	}
	return p.remember(append(fresh, again...)), len(items), dropped, nil
}

func (p *Poller) remember(keys []plan.Key) []plan.Key {
	p.sched.Remember(keys)
	return keys
}

// countLate counts the new entries of seconds that were read before.
func (p *Poller) countLate(items []*entry.Entry) {
	now := p.Clock.Now().Unix()
	for _, it := range items {
		at, ok := it.EventTime()
		if !ok {
			continue
		}
		if foundBy, late := p.sched.Late(at); late {
			p.Tel.CountLate(foundBy, max(0, now-at))
		}
	}
}

// acceptedKeys returns the keys of the items that are not among the records left; none
// where a processor changed or removed ids, so that it cannot be told.
func acceptedKeys(items []*entry.Entry, keys []plan.Key, left plog.Logs) []plan.Key {
	missing := make(map[string]struct{})
	for _, uid := range uidsOf(left) {
		missing[uid] = struct{}{}
	}
	var out []plan.Key
	for i, it := range items {
		if _, ok := missing[it.UID()]; !ok {
			out = append(out, keys[i])
		}
	}
	if len(items)-len(out) != left.LogRecordCount() {
		return nil // better twice than never
	}
	return out
}

// commit writes the checkpoint. Until it is written nothing more is asked for: a
// crash would otherwise repeat more than the last page.
func (p *Poller) commit(ctx context.Context, keys []plan.Key) error {
	now, forgettable := p.sched.Snapshot(), p.sched.Forgettable()
	// Not ctx: what the pipeline has accepted is written down even when the term
	// ends in this moment.
	lasting, done := outlive(ctx, checkpoint.CommitGrace)
	defer done()
	for {
		began := time.Now()
		writing, cancel := context.WithTimeout(lasting, checkpoint.CommitGrace)
		err := p.Store.Save(writing, now, keys, forgettable)
		cancel()
		switch {
		case err == nil:
			p.Tel.Gauges.NoteSave()
			return nil
		case errors.Is(err, checkpoint.ErrTakenOver):
			p.Logger.Warn("Another replica has taken over: what this one delivered last may come again")
			return err
		case ctx.Err() == nil:
			_ = p.waitAfter(ctx, cause.Storage, err, began)
		case Sleep(lasting, checkpoint.CommitGrace/20) != nil:
			p.Logger.Warn("The position could not be written before the end: what was delivered since the last time comes again", zap.Error(err))
			return ctx.Err()
		}
	}
}
