// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// session is one run: the client, and what is learned from every answer, whichever question it was for.
type session struct {
	client   *client
	appID    string
	began    time.Time
	duration time.Duration
	progress func(Progress)

	clock   serverClock
	latency []time.Duration // of answers with a page
	rate    rateEvidence
	shape   shapeEvidence
	ends    endEvidence
	order   orderEvidence
	// oldest is the greatest and newest the smallest age of an entry that was seen: bounds that are certain
	// despite the uncertainty of the server's clock.
	oldest, newest time.Duration
	anyEntry       bool

	failures int   // calls in a row that failed and were given up
	broken   error // the last of these errors, once continuing is useless
}

// pageSize is the largest number of entries in one answer of the API.
const pageSize = 100

func (s *session) say(text Message) {
	_, list := s.client.calls()
	s.progress(Progress{Elapsed: time.Since(s.began), Calls: list, Text: text})
}

// Retries of one call, so that a temporary fault does not spoil an answer.
const (
	maxRetries  = 2
	retryWait   = 2 * time.Second
	limitedWait = 20 * time.Second // without a hint
	maxWait     = time.Minute
)

// list requests a page and learns from the answer.
func (s *session) list(ctx context.Context, q openapi.ListRequest) (*listing, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	for attempt := 0; ; attempt++ {
		a, err := s.client.list(ctx, q)
		s.learn(a, err)
		wait, again := retryAfter(err, attempt)
		if !again {
			s.judge(err)
			return a, err
		}
		s.say(msg("the API asks to wait, or fails; retrying in %s", short(wait)))
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

func retryAfter(err error, attempt int) (time.Duration, bool) {
	var failed *openapi.Error
	if !errors.As(err, &failed) || attempt == maxRetries {
		return 0, false
	}
	switch failed.Class {
	case cause.ClassRetry:
		return retryWait << attempt, true
	case cause.ClassRateLimited:
		wait := cmp.Or(failed.Wait, limitedWait)
		return wait, wait <= maxWait
	}
	return 0, false
}

// window requests the first page of a time range.
func (s *session) window(ctx context.Context, from, to int64, size int) (*listing, error) {
	return s.list(ctx, openapi.ListRequest{StartTime: from, EndTime: to, PageSize: size})
}

// judge ends the run early when nothing works any more, so that it does not wait for the time limit of every
// further call.
func (s *session) judge(err error) {
	var failed *openapi.Error
	switch {
	case err == nil || refused(err):
		s.failures = 0
	case errors.As(err, &failed):
		s.failures++
		if s.failures > 1 || failed.Class == cause.ClassConfig || failed.Class == cause.ClassQuota {
			s.broken = err
		}
	}
}

func (s *session) learn(a *listing, err error) {
	if a == nil {
		return
	}
	s.clock.observe(a.Date, a.Sent, a.Received)
	s.rate.observe(a, err)
	if a.Page == nil {
		return
	}
	s.latency = append(s.latency, a.Received.Sub(a.Sent))
	s.order.observe(a.Page.Facts())
	for i := range a.Page.Facts() {
		e := &a.Page.Facts()[i]
		if s.shape.observe(e) {
			s.ends.observe(e)
		}
		if !e.HasTime || !s.clock.known {
			continue
		}
		second := time.Unix(e.Second, 0)
		least, most := s.clock.earliest(a.Sent).Sub(second), s.clock.latest(a.Received).Sub(second)
		if !s.anyEntry {
			s.oldest, s.newest = least, most
		}
		s.oldest, s.newest, s.anyEntry = max(s.oldest, least), min(s.newest, most), true
	}
}

// refused reports whether the API refused a parameter.
func refused(err error) bool {
	var failed *openapi.Error
	return errors.As(err, &failed) && failed.Class == cause.ClassParameter
}

// why is an error in the wording of a finding.
func why(err error) Message {
	var failed *openapi.Error
	switch {
	case errors.Is(err, errMaxCalls):
		return msg("the doctor's limit of calls was reached before")
	case errors.As(err, &failed):
		return each(func(l Language) string {
			if l == English {
				return failed.Error()
			}
			text := join(": ", verbatim(failed.Operation), reason(failed))
			if failed.Advice != "" {
				text = text.and(known(failed.Advice))
			}
			return text.In(l)
		})
	}
	return verbatim(err.Error())
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
