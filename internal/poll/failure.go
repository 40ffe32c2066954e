// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// shorten makes a walk that cannot be finished as it is start again with half of its window.
func (p *Poller) shorten(w *plan.Walk, err error) {
	p.sched.Shorten(w, err)
	wait := p.delays.pages()
	p.notBefore = time.Now().Add(wait)
	p.Health.NoteFailure(cause.Paging, fmt.Errorf("%s: %w", openapi.OpList, err), time.Now(), wait)
}

// elapsed is the time since the start of the term, in milliseconds.
func (p *Poller) elapsed() int64 { return int64(time.Since(p.termStart) / time.Millisecond) }

// noteFailure decides how long to wait after a failed call, and what to report. The plan decides how the walk
// continues, whatever the answer was. An error means that the term is over.
func (p *Poller) noteFailure(ctx context.Context, r result) error {
	var unwritten *checkpoint.UnwrittenError
	if errors.As(r.err, &unwritten) {
		return p.waitAfter(ctx, cause.Storage, unwritten.Err, time.Now())
	}
	var api *openapi.Error
	if !errors.As(r.err, &api) {
		api = &openapi.Error{Class: cause.ClassRetry, Cause: cause.API, Operation: openapi.OpList, Reason: r.err.Error()}
	}
	verdict := plan.Again
	var doubted *plan.Walk // the walk that the probe was made for; the probe has failed now
	if r.walk == nil {
		doubted = p.probe.failed(api.Class == cause.ClassRateLimited)
	}
	if r.walk != nil && api.Operation == openapi.OpList {
		verdict = p.sched.NoteFailure(r.walk, failureOf(api), p.elapsed(), api)
	}
	if r.walk != nil && api.Class.Lasts() && verdict.Retries() && p.sched.Suspects(r.walk) {
		verdict = plan.Doubtful // its time range, and not what the code says, may be the reason
	}
	if verdict == plan.AtEnd {
		return p.endRefused(ctx, r.walk, api)
	}
	var paused time.Duration // whatever happens to the walk
	if api.Class == cause.ClassRateLimited {
		paused = p.pause(api)
	}
	switch verdict {
	case plan.Doubtful:
		// How long to wait and what to report depends on whether the API answers anything.
		p.probe.want(r.walk)
		if api.Class != cause.ClassParameter {
			p.Health.NoteFailure(api.Cause, api, time.Now().Add(-api.Took), 0)
		}
		return nil
	case plan.Again:
		if api.Class == cause.ClassParameter && r.walk != nil { // it may have been chance
			p.notBefore = later(p.notBefore, time.Now().Add(p.set.Retry.InitialInterval>>quickTries))
			return nil
		}
	case plan.Restarted, plan.RestartedAgain:
		p.Logger.Debug("Cannot read this time range as it is; restarting the walk", zap.Error(api))
		if api.Class == cause.ClassParameter && verdict == plan.Restarted {
			return nil
		}
		if api.Class == cause.ClassParameter {
			api.Class, api.Cause = cause.ClassRetry, cause.Paging
		}
	case plan.SetAside, plan.Aside:
		p.noteAside(r.walk, verdict, api)
		// If nothing else is read, only a probe can show that the fault is in this range.
		if time.Since(p.answeredAt) > probeAfter+4*time.Minute/time.Duration(p.set.RequestsPerMinute) {
			p.probe.want(nil)
		}
		return p.skipUnreadable(ctx, api)
	}
	if api.Class != cause.ClassParameter && r.asked.Before(p.failedAt) {
		// Sent concurrently with the failed call, so the same fault affects it.
		p.notBefore = later(p.notBefore, time.Now().Add(api.Wait))
		return nil
	}
	if api.Class != cause.ClassParameter {
		p.failedAt = time.Now()
	}
	var wait time.Duration
	class := api.Class
	if verdict == plan.Yields {
		class = cause.ClassRetry // other ranges may be readable
	}
	switch class {
	case cause.ClassRateLimited:
		wait = paused
	case cause.ClassParameter:
		if doubted != nil {
			_, second, _ := doubted.Span()
			api.Advice = fmt.Sprintf("the API refuses even one second (%s): check filter::api_keys and filter::app_id; a time range that only lies before what the API keeps is skipped after %s",
				time.Unix(second, 0).UTC().Format(time.RFC3339), RefusalPatience)
		}
		wait = p.delays.config()
	case cause.ClassConfig:
		wait = p.delays.config()
	case cause.ClassQuota:
		wait = p.delays.quota()
	default:
		wait = max(p.passing(api.Cause), api.Wait)
	}
	p.notBefore = later(p.notBefore, time.Now().Add(wait))
	p.Health.NoteFailure(api.Cause, api, time.Now().Add(-api.Took), max(wait, p.Pace.Until()))
	return nil
}

// endRefused continues after a window whose last page has a page token that the API never accepts.
func (p *Poller) endRefused(ctx context.Context, w *plan.Walk, api *openapi.Error) error {
	if !p.told.refusedEnds {
		p.told.refusedEnds = true
		_, from, to := w.Span()
		p.Logger.Warn("The API marks no page as the last one, and refuses the token of each last page; such a refusal now ends a time range",
			zap.Time("from", time.Unix(from, 0).UTC()), zap.Time("to", time.Unix(to, 0).UTC()), zap.Error(api))
	}
	if err := p.commit(ctx, nil); err != nil {
		return err
	}
	p.Tel.Gauges.NoteWalk()
	p.delays.reset()
	p.Health.NoteSuccess(false, true)
	p.tellComplete()
	return nil
}

// pause delays all calls after a refusal by the rate limit, and returns for how long. If the server sent a hint,
// they have been delayed since its answer.
func (p *Poller) pause(refused *openapi.Error) time.Duration {
	if refused.Wait > 0 {
		return refused.Wait
	}
	wait := max(openapi.MinWaitHint, p.delays.passing())
	p.Tel.CountWait("server", p.Pace.Pause(wait))
	return wait
}

// probeAfter is how long no page may have arrived before a call for the present is made, besides the time of
// four calls.
const probeAfter = 15 * time.Second

// failureOf is what the plan needs to know about a failed call.
func failureOf(api *openapi.Error) plan.Failure {
	return plan.Failure{
		Refused:   api.Class == cause.ClassParameter,
		Definite:  api.Code != 0 && api.HTTPStatus < 500 && !api.OwnFault(),
		Throttled: api.Class == cause.ClassRateLimited,
		BadPage:   api.Cause == cause.Paging,
		Unsaid:    api.Unsaid(),
	}
}

// badPage turns a page that no other can follow into a failed call.
func badPage(r result, why error) result {
	r.err = &openapi.Error{Class: cause.ClassRetry, Cause: cause.Paging, Operation: openapi.OpList, Reason: why.Error(), HTTPStatus: r.res.Status}
	return r
}

// noteAside reports a time range that the API does not return while it returns others.
func (p *Poller) noteAside(w *plan.Walk, verdict plan.Verdict, api *openapi.Error) {
	_, from, to := w.Span()
	fields := []zap.Field{
		zap.String("cause", string(api.Cause)), zap.Time("from", time.Unix(from, 0).UTC()), zap.Time("to", time.Unix(to, 0).UTC()), zap.Error(api),
	}
	if verdict == plan.Aside {
		p.Logger.Debug("Cannot read a time range of the log, again", fields...)
		return
	}
	p.Logger.Warn("Cannot read a time range of the log; reading everything else. It is retried, and skipped if it keeps failing (docs/runbook.md, FeishuAuditTimeSkipped)", fields...)
}

// passing is the wait after a temporary failure. It is short if page tokens would expire during a longer one,
// except if pages were answered and lead nowhere.
func (p *Poller) passing(c cause.Cause) time.Duration {
	if c != cause.Paging && p.sched != nil && p.sched.TakeShortWait() {
		return p.delays.shortest()
	}
	return p.delays.passing()
}

// waitAfter notes a temporary failure of an operation that started at the given time, and waits for the next
// try, or, if there can be none, for the end of the term.
func (p *Poller) waitAfter(ctx context.Context, c cause.Cause, err error, began time.Time) error {
	var panicked *checkpoint.PanicError
	if errors.As(err, &panicked) {
		p.Health.Stop(c, err)
		<-ctx.Done()
		return ctx.Err()
	}
	wait := p.passing(c)
	p.Health.NoteFailure(c, err, began, wait)
	return Sleep(ctx, wait)
}

// retryStorage calls f until it succeeds or fails permanently.
func retryStorage[A, B any](ctx context.Context, p *Poller, f func() (A, B, error)) (A, B, error) {
	for {
		began := time.Now()
		a, b, err := f()
		var unusable *checkpoint.UnusableError
		if err == nil || errors.As(err, &unusable) {
			return a, b, err
		}
		if err := p.waitAfter(ctx, cause.Storage, err, began); err != nil {
			return a, b, err
		}
	}
}
