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

// shorten makes a walk that cannot be finished as it is begin again, for half of its window.
func (p *Poller) shorten(w *plan.Walk, err error) {
	p.sched.Shorten(w, err)
	wait := p.delays.config() // each try costs pages
	p.notBefore = time.Now().Add(wait)
	p.Health.NoteFailure(cause.Paging, fmt.Errorf("%s: %w", openapi.OpList, err), time.Now(), wait)
}

// noteFailure decides what to do after a failed call. The walk stays as it is, so the
// same page is asked for again, unless its page token is refused. An error means
// that the term is over.
func (p *Poller) noteFailure(ctx context.Context, r result) error {
	w, err := r.walk, r.err
	var unwritten *checkpoint.UnwrittenError
	if errors.As(err, &unwritten) {
		return p.waitAfter(ctx, cause.Storage, unwritten.Err, time.Now())
	}
	var api *openapi.Error
	if !errors.As(err, &api) {
		api = &openapi.Error{Class: cause.ClassRetry, Cause: cause.API, Operation: openapi.OpList, Reason: err.Error()}
	}
	if api.Class != cause.ClassParameter && r.asked.Before(p.failedAt) {
		// Asked for beside the one that failed, and so spoiled by the same trouble.
		p.notBefore = later(p.notBefore, time.Now().Add(api.Wait))
		return nil
	}
	if api.Class != cause.ClassParameter {
		p.failedAt = time.Now()
	}
	var wait time.Duration
	switch api.Class {
	case cause.ClassRateLimited:
		// With a hint all calls are held back already, since the answer came.
		wait = api.Wait
		if wait == 0 {
			wait = max(openapi.MinWaitHint, p.delays.passing())
			p.Tel.CountWait("server", p.Pace.Pause(wait))
		}
	case cause.ClassParameter:
		if w.Request().Token != "" {
			if p.sched.DropToken(w, err) {
				p.Logger.Debug("The page token is no longer taken: the walk begins again", zap.Error(err))
				return nil
			}
			api.Cause = cause.Paging
			wait = p.delays.passing()
			break
		}
		if p.sched.ShortenRefused(w) {
			p.Logger.Debug("The API refuses the window: trying a shorter one", zap.Error(err))
			return nil
		}
		if gaveUp, err := p.giveUp(ctx, w); gaveUp || ctx.Err() != nil {
			return err
		}
		_, second, _ := w.Span()
		api.Advice = fmt.Sprintf("the API refuses even one second (%s): check filter::api_keys and filter::app_id; if it is only that this time lies before what the API keeps, the receiver passes it over by itself after %s",
			time.Unix(second, 0).UTC().Format(time.RFC3339), RefusalPatience)
		wait = p.delays.config()
	case cause.ClassConfig:
		wait = p.delays.config()
	case cause.ClassQuota:
		wait = p.delays.quota()
	default:
		wait = max(p.delays.passing(), api.Wait)
	}
	p.notBefore = later(p.notBefore, time.Now().Add(wait))
	p.Health.NoteFailure(api.Cause, api, time.Now().Add(-api.Took), wait)
	return nil
}

// waitAfter notes a failure that passes by itself, of what was begun at a time, and
// waits for the next try; for the end of the term, where there can be none.
func (p *Poller) waitAfter(ctx context.Context, c cause.Cause, err error, began time.Time) error {
	var panicked *checkpoint.PanicError
	if errors.As(err, &panicked) {
		p.Health.Stop(c, err)
		<-ctx.Done()
		return ctx.Err()
	}
	wait := p.delays.passing()
	p.Health.NoteFailure(c, err, began, wait)
	return Sleep(ctx, wait)
}

// retryStorage calls f until it succeeds or fails for good.
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
