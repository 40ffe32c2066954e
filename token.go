// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"time"
)

// tokenSource keeps the access token and lets one caller at a time ask for a new
// one, while the others wait for its result.
type tokenSource struct {
	turn    chan struct{} // capacity 1: whoever is in it may touch the rest
	value   string
	renewAt time.Time
}

func newTokenSource() tokenSource {
	return tokenSource{turn: make(chan struct{}, 1)}
}

// get returns a token that is good for a while, asking for one where necessary.
func (s *tokenSource) get(ctx context.Context, fetch func(context.Context) (string, time.Duration, error)) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.value != "" && time.Now().Before(s.renewAt) {
		return s.value, nil
	}
	asked := time.Now()
	value, life, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	s.value, s.renewAt = value, asked.Add(life-renewMargin(life))
	return value, nil
}

// drop forgets the token if it is still the one in use, so that a new one is
// asked for. A newer one stays.
func (s *tokenSource) drop(value string) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
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
