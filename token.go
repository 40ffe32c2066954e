// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"sync"
	"time"
)

// tokenSource keeps the access token and lets one caller at a time ask for a new
// one, while the others wait for its result, be that a token or a failure.
type tokenSource struct {
	mu      sync.Mutex
	value   string
	renewAt time.Time
	asking  *tokenCall // nil where nobody is asking
}

// tokenCall is a call of the token endpoint.
type tokenCall struct {
	ended chan struct{} // closed when the rest is known
	value string
	err   error
	// given up: whoever asked was told to stop, which says nothing to the others.
	givenUp bool
}

// get returns a token that is good for a while, asking for one where necessary.
func (s *tokenSource) get(ctx context.Context, fetch func(context.Context) (string, time.Duration, error)) (string, error) {
	for {
		s.mu.Lock()
		if s.value != "" && time.Now().Before(s.renewAt) {
			defer s.mu.Unlock()
			return s.value, nil
		}
		call := s.asking
		if call == nil {
			call = &tokenCall{ended: make(chan struct{})}
			s.asking = call
			s.mu.Unlock()
			s.ask(ctx, call, fetch)
			return call.value, call.err
		}
		s.mu.Unlock()
		select {
		case <-call.ended:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if !call.givenUp {
			return call.value, call.err
		}
	}
}

// ask makes the call.
func (s *tokenSource) ask(ctx context.Context, call *tokenCall, fetch func(context.Context) (string, time.Duration, error)) {
	call.givenUp = true // if it panics
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking = nil
		close(call.ended)
	}()
	asked := time.Now()
	value, life, err := fetch(ctx)
	call.value, call.err, call.givenUp = value, err, err != nil && ctx.Err() != nil
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.renewAt = value, asked.Add(life-renewMargin(life))
	}
}

// drop forgets the token if it is still the one in use, so that a new one is
// asked for. A newer one stays.
func (s *tokenSource) drop(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == value {
		s.value = ""
	}
}

// renewMargin is how long before its end a token is renewed. Feishu hands out
// the same token until 30 minutes before its end, so earlier would be in vain;
// a tenth of its life keeps short-lived tokens usable at all.
func renewMargin(life time.Duration) time.Duration {
	return min(5*time.Minute, life/10)
}
