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

// Neither the retention period nor the response to a query before it is documented. If such a query fails, a
// position before that period must not block the receiver.

// RefusalPatience is how long a time range that the API refuses is retried before it is skipped, and
// FailingPatience is the same for one that fails in other ways: what is skipped is not read again.
const (
	RefusalPatience = plan.PatienceRefused * time.Millisecond
	FailingPatience = plan.PatienceFailing * time.Millisecond
)

// RefusalMargin is how many seconds after the oldest time that the API shows reading resumes: that time moves on
// while we read.
const RefusalMargin = 10

const (
	// refusalProofs is how often the end of the skipped range has to be refused again.
	refusalProofs = 2
	// failureProofs is how many failures in a row that are no refusals of the time range show that a time is not
	// shown: any of them may be chance.
	failureProofs = 4
	// throttleProofs is the same for refusals by the rate limit. Each is followed by a wait of more than a minute,
	// which is what the documented limit counts, without other calls of this receiver.
	throttleProofs = 5
)

// skipUnreadable skips a time range that has failed for long enough while others were answered.
func (p *Poller) skipUnreadable(ctx context.Context, why error) error {
	u, ok := p.sched.Unreadable(p.elapsed())
	if !ok {
		return nil
	}
	if u.Open {
		if p.inFlight() > 0 {
			return nil
		}
		var err error
		if ok, err = p.skipToShown(ctx, &u, why); err != nil || !ok {
			return err
		}
	} else {
		p.sched.Abandon(u)
	}
	p.tellSkipped(u, why)
	if p.sched.Done() {
		p.Health.NoteSuccess(false, true)
	}
	p.tellComplete()
	return p.commit(ctx, nil)
}

func (p *Poller) tellSkipped(u plan.Unreadable, why error) {
	fields := []zap.Field{
		zap.Time("from", time.Unix(u.From, 0).UTC()), zap.Time("to", time.Unix(u.To, 0).UTC()),
		zap.Duration("refused_for", time.Duration(u.For)*time.Millisecond), zap.Error(why),
	}
	if u.Again {
		p.Logger.Warn("Cannot read a time range of the log; continuing after it. A recheck retries it", fields...)
		return
	}
	p.Tel.CountSkipped(u.To - u.From)
	p.Logger.Error("Skipping a time range that the API does not return. If its entries matter, read it later with a second receiver (docs/runbook.md), or ask Feishu for them", fields...)
}

// skipToShown is used if nothing after a range is known to be readable. It searches for the first time after it
// that the API shows, and skips to that time. It reports whether it did. If even the present fails, age is not
// the reason.
func (p *Poller) skipToShown(ctx context.Context, u *plan.Unreadable, why error) (bool, error) {
	var outside error // a failure that shows nothing about the requested time
	shown := func(second int64) (bool, error) {
		for failed, throttled := 0, 0; failed < failureProofs; {
			_, _, err := p.Client.ListData(ctx, p.listRequest(plan.RequestFor(second, second+1)))
			var api *openapi.Error
			switch {
			case err == nil:
				return true, nil
			case !errors.As(err, &api) || api.Operation != openapi.OpList:
				outside = err
				return false, err
			case api.Class == cause.ClassParameter:
				return false, nil
			}
			wait := p.set.Retry.InitialInterval
			if api.Class == cause.ClassRateLimited {
				wait = max(p.pause(api), 65*time.Second)
				throttled++
			} else {
				failed++
			}
			switch {
			case throttled < throttleProofs:
			case throttles(why): // it is how this API refuses the range
				return false, nil
			default:
				outside = err
				return false, err
			}
			if Sleep(ctx, wait) != nil {
				return false, ctx.Err()
			}
		}
		return false, nil
	}
	ended := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if outside != nil {
			p.Logger.Debug("The search for the oldest time that the API returns was interrupted", zap.Error(outside))
			return nil
		}
		return err
	}
	refused, from := u.To-1, u.From
	// Is only this range unreadable, or everything before it, too?
	alone := false
	if oldest := p.sched.Oldest(); oldest < from {
		ok, err := shown(oldest)
		if err != nil {
			return false, ended(err)
		}
		if alone = ok; !alone {
			from = oldest
		}
	}
	now := p.Clock.Now().Unix()
	to := now - plan.Overlap
	if ok, err := shown(to); err != nil || !ok || to <= refused {
		return false, ended(err)
	}
	shownAt, refusedAt := now, p.Clock.Now().Unix()
	switch ok, err := shown(refused); {
	case err != nil:
		return false, ended(err)
	case ok: // the range failed for its length, and only a part of it is not shown
		to, shownAt, refused = refused, refusedAt, from
	}
	for to-refused > 1 {
		middle := refused + (to-refused)/2
		now = p.Clock.Now().Unix()
		ok, err := shown(middle)
		switch {
		case err != nil:
			return false, ended(err)
		case ok:
			to, shownAt = middle, now
		default:
			refused, refusedAt = middle, now
		}
	}
	// Age alone is the reason only if the time before is still refused: the API may have failed in other ways
	// during the search, or may work again by now.
	for range refusalProofs {
		if ok, err := shown(refused); err != nil || ok {
			return false, ended(err)
		}
		if ok, err := shown(from); err != nil || ok {
			return false, ended(err)
		}
	}
	// And only if the time after it is still shown. If it is shown at the very second, age is not the reason, or
	// the API hides whole hours or days at once: nothing more has to be skipped.
	if Sleep(ctx, edgeMovesWithin) != nil {
		return false, ctx.Err()
	}
	switch ok, err := shown(to); {
	case err != nil:
		return false, ended(err)
	case ok:
	case alone:
		return false, nil
	default:
		if to, err = p.movedEdge(to, refusedAt, shownAt, shown); err != nil || to == 0 {
			return false, ended(err)
		}
	}
	u.From, u.Again = from, false
	u.To = p.sched.Skip(from, min(to, p.Clock.Now().Unix()))
	// Other refusals may have delayed the next call by minutes. By then the oldest time that the API shows would
	// have moved past the place where reading resumes.
	p.notBefore = time.Time{}
	p.delays.reset()
	return true, nil
}

// throttles reports whether an error is a refusal by the rate limit.
func throttles(err error) bool {
	var api *openapi.Error
	return errors.As(err, &api) && api.Class == cause.ClassRateLimited
}

// edgeMovesWithin is longer than the oldest second that an API shows stays the same, if the API hides entries by
// their age to the second.
const edgeMovesWithin = 2 * time.Second

// edgeAccuracy is how many seconds of what the API shows may be skipped so as to find the oldest of it sooner.
const edgeAccuracy = 60

// movedEdge is where reading resumes after a range that is too old: the oldest time that the API shows has moved on
// since a second was found to be the first one that it shows, and moves on until the next call. What stays the same
// is its age, in whose terms slow calls do no harm: the first second was shown at one age, the second before it
// refused at another, and their middle is tried until they are close. 0: it isn't by age that the API hides entries.
func (p *Poller) movedEdge(first, refusedAt, shownAt int64, shown func(second int64) (bool, error)) (int64, error) {
	hidden := refusedAt - (first - 1)
	seen := min(shownAt-first, hidden)
	margin := RefusalMargin + (60+int64(p.set.RequestsPerMinute)-1)/int64(p.set.RequestsPerMinute)
	for {
		age, last := seen+(hidden-seen)/2, hidden-seen <= edgeAccuracy
		if last {
			age = seen - margin
		}
		now := p.Clock.Now().Unix()
		ok, err := shown(min(now-age, now-plan.Overlap))
		switch {
		case err != nil || last && !ok:
			return 0, err
		case last: // the next call may take as long as this one
			return now - age + 2*(p.Clock.Now().Unix()-now), nil
		case ok:
			seen = age
		default:
			hidden = age
		}
	}
}
