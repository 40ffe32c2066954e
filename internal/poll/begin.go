// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// Where reading starts. Until something was read, the configuration and the server's clock decide; all that is
// stored until then is when the receiver was first started, so that entries since then are not missed. After
// something was read, the stored position counts. A bounded export reads its configured range, without what it
// has read before.

// begin is where a term starts to read.
type begin struct {
	restores bool     // from the stored position
	at       int64    // otherwise from there, Unix seconds
	read     [2]int64 // what was read before and is skipped, from and to
	mismatch bool     // start_time has another value
}

// beginFrom decides where to start, from what is stored, if anything, and the end of a bounded export, or 0.
func (p *Poller) beginFrom(stored *checkpoint.Checkpoint, end int64) begin {
	start := p.set.StartTime
	if stored == nil || !stored.Position().Read() {
		var read [2]int64 // of another range, configured before the one of which nothing was read yet
		if stored != nil {
			read = stored.Position().Covered
		}
		if start.IsZero() {
			return begin{at: p.lookBack(stored), read: read}
		}
		if p.Store.Origin.At == 0 {
			p.Store.Origin.At = p.termStart.Unix() // in case start_time is removed again
		}
		return begin{at: max(0, start.Unix()), read: read}
	}
	if start.IsZero() || start.Unix() == stored.Begin {
		return begin{restores: true}
	}
	first, last := stored.Marks[0], stored.Marks[len(stored.Marks)-1]
	switch at := start.Unix(); {
	case end == 0, at > stored.Begin && at <= first:
		return begin{restores: true, mismatch: true}
	case at > first:
		return begin{at: at}
	default:
		return begin{at: max(0, at), read: [2]int64{stored.Begin, last}}
	}
}

// undecided is a start derived from initial_lookback that the server's clock has not confirmed yet.
type undecided struct {
	since  time.Time // when the receiver was first started, by our clock; zero once it is decided
	server time.Time // the start according to the last answer; zero if there was none
	tries  int       // answers that agreed with no other
	// ahead is how far the server's clock is ahead of ours, or, negative, behind it, if entries have to show
	// which one is right: see clocks.
	ahead time.Duration
}

// maxUnproven is how long the stored time of the first start is believed if only our clock confirmed it: that
// clock may have been wrong by years, like the clock of a machine without a battery, and corrected since.
const maxUnproven = 7 * 24 * time.Hour

// maxTries is the number of answers after which our clock counts, if their Dates agree neither with our clock
// nor with each other.
const maxTries = 10

// lookBack returns where reading starts by initial_lookback: that long before the first start, which a stored
// position has if nothing was read yet.
func (p *Poller) lookBack(stored *checkpoint.Checkpoint) int64 {
	now := p.termStart // not the present time: the storage may have delayed us
	first := checkpoint.Origin{At: now.Unix()}
	if stored != nil {
		first = stored.Origin
		if first.At == 0 { // stored by an older build, or start_time was configured
			first.At = stored.Begin + int64(p.set.InitialLookback/time.Second)
		}
		if ago := now.Sub(time.Unix(first.At, 0)); !first.ByServer && (ago < 0 || ago > maxUnproven) {
			first.At = now.Unix()
		}
	}
	p.Store.Origin = first
	if first.ByServer {
		p.Clock.StartAt(time.Unix(first.At, 0))
	}
	if !first.ByServer {
		p.begin.since = now.Add(-max(0, now.Sub(time.Unix(first.At, 0))).Truncate(time.Second))
	}
	return max(0, time.Unix(first.At, 0).Add(-p.set.InitialLookback).Unix())
}

// settleBegin moves the begin of the timeline to the one that follows from initial_lookback and the server's
// clock, if the server's answers show that our clock is wrong. If ours is ahead, entries before our begin would
// be missed; if it is behind, like the clock of a machine without a battery, years might be read. One Date may
// be wrong: two have to agree, or one with our clock. Until then again is true, and the answered request has to
// be repeated. moved is true if the begin was moved.
func (p *Poller) settleBegin(ctx context.Context, res *openapi.Answer) (again, moved bool, err error) {
	if p.begin.since.IsZero() || p.begin.ahead != 0 {
		return false, false, nil
	}
	if res.Date.IsZero() {
		p.begin = undecided{} // the server does not send its time
		return false, false, nil
	}
	old, _ := p.sched.Bounds()
	at := p.beginBy(res)
	before := p.begin.server
	switch {
	case p.agrees(res):
		p.begin = undecided{}
		p.Store.Origin = checkpoint.Origin{At: old + int64(p.set.InitialLookback/time.Second), ByServer: true}
		return false, false, nil
	case !before.IsZero() && before.Sub(at).Abs() <= openapi.DateTolerance:
		at = earlier(at, before)
	case p.begin.tries < maxTries:
		p.begin.server = at
		p.begin.tries++
		return true, false, nil
	default:
		p.begin = undecided{}
		return false, false, nil
	}
	switch ahead := at.Sub(time.Unix(old, 0)); {
	case ahead.Abs() > openapi.DisputedFrom:
		p.begin.server, p.begin.ahead = at, ahead
		p.clocks.open()
		return true, false, nil
	case ahead > 0: // reading a little more is safe, whichever clock is right
		p.begin = undecided{}
		return false, false, nil
	}
	return true, true, p.moveBegin(ctx, at)
}

// beginBy is the begin of the timeline by the server's clock.
func (p *Poller) beginBy(res *openapi.Answer) time.Time {
	return res.Date.Add(-res.Received.Sub(p.begin.since)).Add(-p.set.InitialLookback)
}

// agrees reports whether that is the present begin.
func (p *Poller) agrees(res *openapi.Answer) bool {
	old, _ := p.sched.Bounds()
	return !res.Date.IsZero() && time.Unix(old, 0).Sub(p.beginBy(res)).Abs() <= openapi.ClockSlack
}

// moveBegin moves the begin of the timeline to the one by the server's clock.
func (p *Poller) moveBegin(ctx context.Context, at time.Time) error {
	p.Clock.StartAt(at.Add(p.set.InitialLookback + time.Since(p.begin.since))) // if our clock were behind, there would be nothing to request
	p.begin = undecided{}
	p.sched.BeginAt(max(0, at.Unix()))
	begins, _ := p.sched.Bounds()
	p.Store.Origin = checkpoint.Origin{At: begins + int64(p.set.InitialLookback/time.Second), ByServer: true}
	p.Logger.Info("This host's clock differs from the server's; starting by the server's clock", zap.Time("from", time.Unix(begins, 0).UTC()))
	return p.commit(ctx, nil)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
