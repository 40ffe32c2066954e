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

// resume loads the position, and retries until it can: a storage that fails is not an empty one.
func (p *Poller) resume(ctx context.Context) error {
	p.begin, p.clocks = undecided{}, clocks{} // of an earlier Run
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
	from := p.beginFrom(stored, set.End)
	set.Begin = from.at
	p.sched = plan.New(set, known)
	p.sched.PassOver(from.read)
	switch {
	case from.restores:
		p.sched.Restore(stored.Position())
		now := p.sched.Snapshot()
		p.Logger.Info("Resuming from the checkpoint",
			zap.Time("read_up_to", time.Unix(now.Marks[0], 0).UTC()),
			zap.Time("rechecked_up_to", time.Unix(p.sched.Oldest(), 0).UTC()),
			zap.Int("remembered_ids", known.Len()))
	case stored == nil:
		p.Logger.Info("No checkpoint found; starting at the configured time", zap.Time("from", time.Unix(set.Begin, 0).UTC()))
	case stored.Position().Read():
		p.Logger.Info("start_time and end_time have changed; reading the new range", zap.Time("from", p.set.StartTime.UTC()), zap.Time("to", p.set.EndTime.UTC()))
	default:
		p.sched.RestoreLength(stored.Position())
		p.Logger.Info("Nothing has been read yet; starting at the configured time again", zap.Time("from", time.Unix(set.Begin, 0).UTC()))
	}
	if from.mismatch {
		begin, _ := p.sched.Bounds()
		p.Logger.Warn("start_time is ignored, the stored position is used. To read from start_time, run feishu-audit state rewind, or give the receiver another name or storage",
			zap.Time("start_time", p.set.StartTime.UTC()), zap.Time("began", time.Unix(begin, 0).UTC()), zap.Time("read_up_to", time.Unix(p.sched.Snapshot().Marks[0], 0).UTC()))
	}
	if now := p.sched.Snapshot(); now.Read() {
		p.Clock.StartAt(time.Unix(now.Marks[0]+1, 0))
	}
	p.showProgress()
	switch begin, end := p.sched.Bounds(); {
	case end != 0 && begin >= end:
		p.Logger.Warn("end_time is not after the start of the export: nothing to read. Set start_time")
		p.told.complete = true // nothing is complete, so nothing is reported
	case p.sched.Snapshot().Marks[0] > time.Now().Add(openapi.DisputedFrom).Unix() && from.restores:
		p.Logger.Warn("The stored position is later than this host's clock; nothing is read until then, unless the server's clock is later, too. To read from an earlier time, run feishu-audit state rewind",
			zap.Time("read_up_to", time.Unix(p.sched.Snapshot().Marks[0], 0).UTC()))
	case begin > time.Now().Unix():
		p.Logger.Warn("start_time is in the future; nothing to read until then", zap.Time("start_time", time.Unix(begin, 0).UTC()))
	}
	p.tellComplete()
	// Written before anything is read, so that a restart in the first minutes does not start later than this
	// one.
	return p.commit(ctx, nil)
}

// ceilSeconds rounds up, so that an end_time between two seconds does not cut off the second that it is in.
func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
