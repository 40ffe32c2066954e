// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package poll reads the log for one term: it asks the plan for the next page, makes the call, delivers records
// until the pipeline accepts them, and commits.
package poll

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// Poller reads the log for one term: from Start, or from winning an election, to Shutdown, or to losing it. Only
// the calls of the API run concurrently with its goroutine; their results are handled one after the other.
type Poller struct {
	Parts
	set Settings

	termStart   time.Time
	spans       spans
	sched       *plan.Plan
	delays      delays
	notBefore   time.Time // no call before: the last one failed
	failedAt    time.Time // when that was
	results     chan result
	told        struct{ complete, sharedID, refusedEnds bool } // reported in this term
	unconfirmed int                                            // answers that were not used, see openapi.Clock.Unconfirmed
	begin       undecided
	probe       probe
	clocks      clocks
	latency     time.Duration // of recent answers
	answeredAt  time.Time     // when the last page came
}

// New returns a poller for a term that started then.
func New(set Settings, with Parts, termStart time.Time) *Poller {
	return &Poller{
		Parts: with, set: set, termStart: termStart,
		spans:   newSpans(with.Tracer, with.Receiver),
		delays:  newDelays(set.Retry),
		results: make(chan result, set.MaxConcurrentWalks+2),
	}
}

// result is the outcome of a call.
type result struct {
	walk *plan.Walk // nil: of a probe
	// aboutClocks: the call was to find out which clock is right.
	aboutClocks bool
	asked       time.Time
	page        *entry.Page
	res         *openapi.Answer
	err         error
}

// Run reads until ctx ends, or until another replica has taken over. This cancels its calls; a page that the
// pipeline has accepted by then is still committed.
func (p *Poller) Run(ctx context.Context) error {
	p.delays.reset()
	p.Pipe.reset()
	if err := p.resume(ctx); err != nil {
		var unusable *checkpoint.UnusableError
		if errors.As(err, &unusable) {
			p.Health.Stop(cause.Checkpoint, err)
		}
		return err
	}
	calling, cancel := context.WithCancel(ctx)
	err := p.loop(calling)
	cancel() // if another replica has taken over, the term continues
	for p.inFlight() > 0 {
		p.land(<-p.results)
	}
	p.sched.Stop()
	p.spans.end(p.sched.DrainEnded())
	return err
}

// loop requests pages while there are any to request, and waits otherwise.
func (p *Poller) loop(ctx context.Context) error {
	nextTick := time.Now().Add(time.Duration((1 - p.set.Phase) * float64(p.set.PollInterval)))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if now := time.Now(); !now.Before(nextTick) {
			p.sched.Tick()
			p.tickClocks()
			for !now.Before(nextTick) {
				nextTick = nextTick.Add(p.set.PollInterval)
			}
		}
		p.launch(ctx)
		if err := p.retryHeld(ctx); err != nil {
			return err
		}
		p.showProgress()
		wake := nextTick
		if p.notBefore.After(time.Now()) && p.notBefore.Before(wake) {
			wake = p.notBefore
		}
		if at := p.termStart.Add(time.Duration(p.sched.RetryAt()) * time.Millisecond); at.After(time.Now()) && at.Before(wake) {
			wake = later(at, p.notBefore)
		}
		// A call in flight may be the next failure: its outcome decides whether the problem is over.
		if at := p.Health.SettlesAt(); p.inFlight() == 0 && !at.IsZero() && at.Before(wake) {
			wake = at
		}
		if at := p.Pipe.dueAt(); !at.IsZero() && at.Before(wake) {
			wake = at
		}
		timer.Reset(time.Until(wake))
		switch r, err := p.await(ctx, timer.C); {
		case err != nil:
			return err
		case r != nil:
			p.land(*r)
			err := p.handle(ctx, *r)
			p.spans.end(p.sched.DrainEnded())
			if err != nil {
				return err
			}
		case p.inFlight() == 0:
			p.Health.Settle()
		}
	}
}

// await returns the next result, or none at the time to wake. If several things have happened already, the end
// of the term goes first, and then a result: select would choose at random, and a seed of the simulation would
// not replay.
func (p *Poller) await(ctx context.Context, wake <-chan time.Time) (*result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case r := <-p.results:
		return &r, nil
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-p.results:
		return &r, nil
	case <-wake:
		return nil, nil
	}
}

// launch starts as many calls as may run concurrently.
func (p *Poller) launch(ctx context.Context) {
	if time.Now().Before(p.notBefore) {
		return
	}
	wide := p.width()
	p.sched.Widen(wide)
	for p.inFlight() < min(wide+p.sched.AsideInFlight(), p.set.MaxConcurrentWalks) {
		if p.clocks.due && !p.clocks.flying {
			p.askClocks(ctx)
			continue
		}
		if p.begin.ahead != 0 {
			return // which clock is right decides where to read
		}
		if p.probe.due() {
			p.launchProbe(ctx)
			continue
		}
		w := p.sched.Next(p.Clock.Now().Unix(), p.elapsed())
		if w == nil {
			return
		}
		asked := time.Now()
		req, within := p.listRequest(w.Request()), p.spans.within(ctx, w)
		go func() {
			page, res, err := p.Client.ListData(within, req)
			p.results <- result{walk: w, asked: asked, page: page, res: res, err: err}
		}()
	}
}

// inFlight is how many calls wait for an answer.
func (p *Poller) inFlight() int {
	n := p.sched.InFlight()
	if p.probe.flying {
		n++
	}
	if p.clocks.flying {
		n++
	}
	return n
}

// land notes that a call has ended.
func (p *Poller) land(r result) {
	if r.aboutClocks {
		p.clocks.flying = false
		return
	}
	if r.walk == nil {
		p.probe.flying = false
		return
	}
	p.sched.Land(r.walk)
}

// listRequest adds the configured values to a request for a page.
func (p *Poller) listRequest(r plan.Request) openapi.ListRequest {
	if r.PageSize == 0 {
		r.PageSize = p.set.PageSize
	}
	return openapi.ListRequest{
		APIKeys:   p.set.APIKeys,
		AppID:     p.set.CallingApp,
		StartTime: r.From,
		EndTime:   r.To,
		PageSize:  r.PageSize,
		PageToken: r.Token,
		Page:      r.Page,
		InARow:    r.InARow,
		Once:      r.Once,
		Believe:   r.Believe,
	}
}

// MaxPages is two million entries in one window. A window with more is halved, down to one second.
const MaxPages = 20_000

// handle handles the outcome of a call. An error means that the term is over.
func (p *Poller) handle(ctx context.Context, r result) error {
	w := r.walk
	if r.aboutClocks {
		return p.noteClocks(ctx, r)
	}
	if r.err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var api *openapi.Error
		if errors.As(r.err, &api) {
			p.noteLatency(api.Took)
		}
		if api != nil && api.Code != 0 && r.res != nil {
			// Only for answers of the API itself: a window may be refused because it ends in the server's
			// future.
			if _, moved, err := p.settleBegin(ctx, r.res); moved {
				return err
			}
		}
		return p.noteFailure(ctx, r)
	}
	p.answeredAt = r.res.Received
	p.noteLatency(r.res.Received.Sub(r.res.Sent))
	if w == nil {
		p.sched.NoteProbe(r.page.SaysMore)
		if r.page.SaysMore && !r.page.HasMore {
			p.sched.NoteLast()
		}
		p.probe.answered()
		p.delays.reset()
		return nil
	}
	if again, _, err := p.settleBegin(ctx, r.res); again {
		return err
	}
	if w.Request().Token == "" && p.Clock.Unconfirmed() && p.unconfirmed < maxTries {
		p.unconfirmed++
		return nil
	}
	var date int64
	if !r.res.Date.IsZero() && !p.Clock.FollowsHost() {
		date = r.res.Date.Unix()
	}
	setBack := p.sched.NoteAnswer(w, date)
	out, err := p.deliver(ctx, w, r)
	keys := out.keys
	if err != nil {
		if len(keys) > 0 {
			err = errors.Join(err, p.commit(ctx, keys))
		}
		return err
	}
	if setBack {
		p.Logger.Debug("The server's clock was set back; restarting the walk")
		p.sched.Restart(w, plan.ErrClockSet)
		return p.commit(ctx, keys)
	}
	step, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})
	if len(keys) > 0 || step == plan.Finished {
		if err := p.commit(ctx, keys); err != nil {
			return err
		}
	}
	switch step {
	case plan.AskAgain:
		return p.noteFailure(ctx, badPage(r, fault))
	case plan.TooLong:
		p.shorten(w, fault)
		return nil
	case plan.Finished:
		p.Tel.Gauges.NoteWalk()
	}
	// Only progress counts as a success: pages that lead to nothing new do not.
	if out.taken > 0 || step == plan.Finished || w.Further() {
		p.delays.reset()
	}
	if (out.taken > 0 || step == plan.Finished) && out.lost == 0 {
		p.Health.NoteSuccess(out.taken > 0, step == plan.Finished)
	}
	p.tellComplete()
	return nil
}

// oldest is the earliest event time on a page, 0 if none can be read.
func oldest(page *entry.Page) (first int64) {
	for i := range page.Entries {
		if at, ok := page.Entries[i].EventTime(); ok && at > 0 && (first == 0 || at < first) {
			first = at
		}
	}
	return first
}

// tellComplete reports once that a bounded export has nothing left to read.
func (p *Poller) tellComplete() {
	if p.sched.Done() && p.Pipe.empty() && !p.told.complete {
		p.told.complete = true
		begin, end := p.sched.Bounds()
		p.Logger.Info("The export is complete", zap.Time("from", time.Unix(begin, 0).UTC()), zap.Time("to", time.Unix(end, 0).UTC()))
	}
}

// showProgress updates the gauges of the term's progress.
func (p *Poller) showProgress() {
	now, _ := p.position()
	_, end := p.sched.Bounds()
	ids, bytes := p.sched.Remembered()
	p.Tel.Gauges.SetProgress(report.Progress{End: end, Recheck: now.Recheck, Marks: now.Marks, IDs: ids, IDBytes: bytes, Aside: p.sched.AsideSeconds()})
}
