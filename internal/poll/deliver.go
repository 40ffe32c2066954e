// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// deliver delivers the new entries of a page to the pipeline and returns the keys to remember, of the page and
// of records that were held. With an error, these are the ones that the pipeline accepted before the term ended.
func (p *Poller) deliver(ctx context.Context, w *plan.Walk, r result) (out delivery, err error) {
	var (
		fresh []*handed
		again []plan.Key // to be remembered once more, because this window returned them, too
		known int
	)
	ctx = p.spans.within(ctx, w)
	_, from, to := w.Span()
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
		case twice, p.Pipe.holds(it):
			known++
		case p.sched.Known(k):
			known++
			if k.IsOdd() {
				again = append(again, k)
			}
		default:
			p.noteShared(k, it)
			h := &handed{entry: it, key: k, from: from, received: r.res.Received}
			if readable && from-plan.Overlap <= at && at <= to {
				h.from = at
			}
			if foundBy, late := p.sched.Late(at); readable && late {
				h.foundBy, h.age = foundBy, max(0, p.Clock.Now().Unix()-at)
			}
			fresh = append(fresh, h)
		}
	}
	p.Tel.CountRead(len(r.page.Entries))
	p.Tel.CountKnown(known)
	// If an API ignores page_size, batches must still not be larger than pipelines and backends accept.
	for start := 0; start < len(fresh) && err == nil; start += entry.MaxPageSize {
		var part delivery
		part, err = p.handOver(ctx, p.Pipe.add(fresh[start:min(start+entry.MaxPageSize, len(fresh))]))
		out.keys, out.taken, out.lost = append(out.keys, part.keys...), out.taken+part.taken, out.lost+part.lost
	}
	if err == nil {
		out.keys = append(out.keys, again...)
	}
	p.remember(out.keys)
	return out, err
}

func (p *Poller) remember(keys []plan.Key) { p.sched.Remember(keys) }

// commit writes the checkpoint. No further page is requested until it is written: otherwise a crash would repeat
// more than the last page.
func (p *Poller) commit(ctx context.Context, keys []plan.Key) error {
	now, forgettable := p.position()
	// Not ctx: what the pipeline has accepted is stored even if the term ends at this moment.
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
			p.Logger.Warn("Another replica has taken over: the last records of this one may be delivered again")
			return err
		case ctx.Err() == nil:
			_ = p.waitAfter(ctx, cause.Storage, err, began)
		case Sleep(lasting, checkpoint.CommitGrace/20) != nil:
			p.Logger.Warn("Could not write the position before shutdown: what was delivered since the last write will be delivered again", zap.Error(err))
			return ctx.Err()
		}
	}
}
