// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package term runs a component's terms, one at a time: from Start to Shutdown, or from each
// election that is won to its loss.
package term

import (
	"context"
	"sync"
)

// Terms starts and ends terms. Begin and End may be called in any order and at the same time, as a leader
// elector does: Begin may be called after the End that belongs to it, with a context that has already ended.
// After Close nothing starts.
type Terms struct {
	// Run runs one term. It returns once its context has ended. It does its work only after before is closed,
	// which is when the previous term has ended; nil if there was none.
	Run func(ctx context.Context, before <-chan struct{})

	mu     sync.Mutex
	last   *term // the running term, or the last one, which may still be ending
	closed bool
}

type term struct {
	cancel context.CancelFunc
	over   <-chan struct{} // closed when the term has to end
	ended  chan struct{}
}

// ending reports whether the term has to end.
func (t *term) ending() bool {
	select {
	case <-t.over:
		return true
	default:
		return false
	}
}

// Begin starts a term unless one is running. The term ends with leads at the latest. Begin returns at once.
func (s *Terms) Begin(leads context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.last != nil && !s.last.ending() {
		return
	}
	var before <-chan struct{}
	if s.last != nil {
		before = s.last.ended
	}
	ctx, cancel := context.WithCancel(leads)
	t := &term{cancel: cancel, over: ctx.Done(), ended: make(chan struct{})}
	s.last = t
	go func() {
		defer close(t.ended)
		defer cancel()
		s.Run(ctx, before)
	}()
}

// End stops the term and waits for it, as long as ctx allows. The term stays known until it has ended: other
// callers of End or Close wait as well, and so does the next term.
func (s *Terms) End(ctx context.Context) error {
	s.mu.Lock()
	t := s.last
	s.mu.Unlock()
	if t == nil {
		return nil
	}
	t.cancel()
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the last term. No term starts after that.
func (s *Terms) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	return s.End(ctx)
}

// Closed reports whether Close was called.
func (s *Terms) Closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
