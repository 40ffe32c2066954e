// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// The documentation does not say for how long entries are kept, nor what a query
// of an earlier time is answered with. Where it is refused, a position from before
// that time would block the receiver for ever.

// RefusalPatience is for how long a second that the API refuses is asked for again
// before it is given up: what is passed over does not come back.
const RefusalPatience = 10 * time.Minute

// RefusalMargin is how much later than the oldest time that the API shows reading
// goes on, in seconds: that time moves on while we read.
const RefusalMargin = 10

// refusalProofs is how often the end of what is passed over has to be refused again.
const refusalProofs = 2

// giveUp finds out whether the API shows anything later than a walk of one second
// that it has refused for long, and if so goes on from there. It reports whether it
// did. Where even the present is refused, time is not the reason.
func (p *Poller) giveUp(ctx context.Context, w *plan.Walk) (bool, error) {
	refusedFor := p.refusedFor(w)
	if refusedFor < RefusalPatience || p.sched.InFlight() > 0 {
		return false, nil
	}
	shown := func(second int64) (bool, error) {
		_, _, err := p.Client.ListData(ctx, p.listRequest(plan.RequestFor(second, second+1)))
		var api *openapi.Error
		if errors.As(err, &api) && api.Class == cause.ClassParameter {
			return false, nil
		}
		return err == nil, err
	}
	_, first, _ := w.Span()
	from := first
	// Is it this second alone, or everything before it, too?
	alone := false
	if oldest := p.sched.Oldest(); oldest < from {
		ok, err := shown(oldest)
		if err != nil {
			return false, err
		}
		if alone = ok; !alone {
			from = oldest
		}
	}
	now := p.Clock.Now().Unix()
	to := now - plan.Overlap
	if ok, err := shown(to); err != nil || !ok || to <= first {
		return false, err
	}
	shownAt, refused := now, first
	for to-refused > 1 {
		middle := refused + (to-refused)/2
		now = p.Clock.Now().Unix()
		ok, err := shown(middle)
		switch {
		case err != nil:
			return false, err
		case ok:
			to, shownAt = middle, now
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
		if ok, err := shown(from); err != nil || ok {
			return false, err
		}
	}
	// And only where what lies behind is shown still. The search took time, in which the
	// oldest time that the API shows has moved on, and it does so until the next call.
	moved := func(since int64) int64 {
		if alone {
			return 0
		}
		return p.Clock.Now().Unix() - since + RefusalMargin + (60+int64(p.set.RequestsPerMinute)-1)/int64(p.set.RequestsPerMinute)
	}
	to += moved(shownAt)
	now = p.Clock.Now().Unix()
	if ok, err := shown(min(to, now-plan.Overlap)); err != nil || !ok {
		return false, err
	}
	to = p.sched.Skip(from, min(to+moved(now), p.Clock.Now().Unix()))
	// Refusals beside this one may have put off the next call for minutes. By then the oldest
	// time that the API shows would have moved past the place where reading goes on.
	p.notBefore = time.Time{}
	p.delays.reset()
	p.Tel.CountSkipped(to - from)
	p.Logger.Error("The API does not show a part of the log: it is passed over. If its entries matter, ask Feishu for them",
		zap.Time("from", time.Unix(from, 0).UTC()), zap.Time("to", time.Unix(to, 0).UTC()), zap.Duration("refused_for", p.refusedFor(w)))
	if p.sched.Done() {
		p.Health.NoteSuccess(false, true)
	}
	p.tellComplete()
	return true, p.commit(ctx, nil)
}

// refusedFor is for how long the API has refused a walk of one second.
func (p *Poller) refusedFor(w *plan.Walk) time.Duration {
	return time.Duration(w.RefusedFor(int64(time.Since(p.termStart)/time.Second))) * time.Second
}
