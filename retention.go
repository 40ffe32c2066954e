// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// The documentation does not say for how long entries are kept, nor what a query
// of an earlier time is answered with. Where it is refused, a position from before
// that time would block the receiver for ever.

// refusalPatience is for how long a second that the API refuses is asked for again
// before it is given up: what is passed over does not come back.
const refusalPatience = 10 * time.Minute

// refusalMargin is how much later than the oldest time that the API shows reading
// goes on, in seconds: that time moves on while we read.
const refusalMargin = 10

// refusalProofs is how often the end of what is passed over has to be refused again.
const refusalProofs = 2

// giveUp finds out whether the API shows anything later than a walk of one second
// that it has refused for long, and if so goes on from there. It tells whether it
// did. Where even the present is refused, time is not the reason.
func (p *poller) giveUp(ctx context.Context, w *walk) (bool, error) {
	if w.refusedSince.IsZero() {
		w.refusedSince = time.Now()
	}
	if time.Since(w.refusedSince) < refusalPatience || p.flying > 0 {
		return false, nil
	}
	shown := func(second int64) (bool, error) {
		_, _, err := p.client.listData(ctx, p.request(&walk{window: window{second, second + 1}}))
		var api *apiError
		if errors.As(err, &api) && api.class == classParameter {
			return false, nil
		}
		return err == nil, err
	}
	gap := w.window
	// Is it this second alone, or everything before it, too?
	if oldest := p.sched.pos.marks[p.sched.pos.last()]; oldest < gap.from {
		ok, err := shown(oldest)
		if err != nil {
			return false, err
		}
		if !ok {
			gap.from = oldest
		}
	}
	now := p.clock.now().Unix()
	gap.to = now - overlap
	if ok, err := shown(gap.to); err != nil || !ok || gap.to <= w.from {
		return false, err
	}
	refused := w.from
	for gap.to-refused > 1 {
		middle := refused + (gap.to-refused)/2
		ok, err := shown(middle)
		switch {
		case err != nil:
			return false, err
		case ok:
			gap.to = middle
		default:
			refused = middle
		}
	}
	// Time alone is the reason only where what lies before is refused still: the API may
	// have failed in other ways during the search, or have begun to work again.
	for range refusalProofs {
		if ok, err := shown(refused); err != nil || ok {
			return false, err
		}
		if ok, err := shown(gap.from); err != nil || ok {
			return false, err
		}
	}
	// The search took time, too, in which that time has moved on.
	for step := int64(refusalMargin); ; step *= 2 {
		now = p.clock.now().Unix()
		ok, err := shown(gap.to)
		if err != nil {
			return false, err
		}
		if ok {
			break
		}
		gap.to = min(gap.to+step, now-overlap)
	}
	gap.to = min(gap.to+refusalMargin+60/int64(p.cfg.RequestsPerMinute), now) // until the next call
	p.sched.skip(gap)
	p.spans.endAll("the API does not show this time")
	p.tel.skipped(gap)
	p.logger.Error("The API does not show a part of the log: it is passed over. If its entries matter, ask Feishu for them",
		zap.Time("from", time.Unix(gap.from, 0).UTC()), zap.Time("to", time.Unix(gap.to, 0).UTC()), zap.Duration("refused_for", time.Since(w.refusedSince).Round(time.Second)))
	return true, p.commit(ctx, nil)
}
