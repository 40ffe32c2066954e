// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// resume loads the position, for as long as it takes: a storage that fails is not
// an empty one.
func (p *Poller) resume(ctx context.Context) error {
	p.lookbackFrom = time.Time{} // of an earlier Run
	stored, known, err := retryStorage(ctx, p, func() (*checkpoint.Checkpoint, *plan.Seen, error) { return p.Store.Load(ctx) })
	if err != nil {
		return err
	}
	calls, _, err := retryStorage(ctx, p, func() (pace.Remembered, struct{}, error) {
		calls, err := p.Store.LoadCalls(ctx)
		return calls, struct{}{}, err
	})
	if err != nil {
		return err
	}
	p.Remembers(calls)

	set := plan.Settings{
		Tick:       max(1, int64(p.set.PollInterval/time.Second)),
		MaxWindow:  max(1, int64(p.set.MaxWindow/time.Second)),
		Walks:      p.set.MaxConcurrentWalks,
		PageSize:   p.set.PageSize,
		MaxPages:   MaxPages,
		ClockSlack: int64(openapi.ClockSlack / time.Second),
	}
	for _, after := range p.set.RecheckAfter {
		set.Recheck = append(set.Recheck, int64(after/time.Second))
	}
	if !p.set.EndTime.IsZero() {
		set.End = ceilSeconds(p.set.EndTime)
	}
	if stored == nil {
		begin := p.set.StartTime
		if begin.IsZero() {
			p.lookbackFrom = p.termStart // not now: the storage may have kept us waiting
			begin = p.lookbackFrom.Add(-p.set.InitialLookback)
		}
		set.Begin = max(0, begin.Unix())
	}
	p.sched = plan.New(set, known)
	if stored != nil {
		p.sched.Restore(stored.Position())
		now := p.sched.Snapshot()
		p.Logger.Info("Going on from the checkpoint",
			zap.Time("read_up_to", time.Unix(now.Marks[0], 0).UTC()),
			zap.Time("rechecked_up_to", time.Unix(p.sched.Oldest(), 0).UTC()),
			zap.Int("remembered_ids", known.Len()))
	} else {
		p.Logger.Info("No checkpoint yet: beginning anew", zap.Time("from", time.Unix(set.Begin, 0).UTC()))
	}
	p.showProgress()
	begin, _ := p.sched.Bounds()
	switch {
	case p.sched.Done() && stored == nil:
		p.Logger.Warn("end_time does not lie behind the begin: there is nothing to read; set start_time")
		p.complete = true
	case begin > time.Now().Unix():
		p.Logger.Warn("start_time lies ahead: there is nothing to read before", zap.Time("start_time", time.Unix(begin, 0).UTC()))
	}
	p.tellComplete()
	// Written before anything is read, so that a restart in the first minutes does
	// not begin later than this start did.
	return p.commit(ctx, nil)
}

// beginByServer moves the begin of the timeline to where initial_lookback is by the
// server's clock, if the first of its answers shows that ours is wrong: where ours is
// ahead, entries before our begin would be passed over; where it is behind, as that of a
// machine without a battery, years might be read.
func (p *Poller) beginByServer(first *openapi.Answer) bool {
	from := p.lookbackFrom
	p.lookbackFrom = time.Time{}
	if from.IsZero() || first.Date.IsZero() {
		return false
	}
	begin := first.Date.Add(-first.Received.Sub(from)).Add(-p.set.InitialLookback)
	if old, _ := p.sched.Bounds(); time.Unix(old, 0).Sub(begin).Abs() <= openapi.ClockSlack {
		return false
	}
	p.sched.BeginAt(max(0, begin.Unix()))
	moved, _ := p.sched.Bounds()
	p.Logger.Info("Our clock and the server's disagree: beginning by the server's", zap.Time("from", time.Unix(moved, 0).UTC()))
	return true
}

// ceilSeconds keeps an end_time between two seconds from cutting off the second
// that it lies in.
func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
