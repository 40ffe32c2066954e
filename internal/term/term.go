// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package term runs a component's terms, one at a time: from Start to Shutdown, or from each
// election that is won to its loss.
package term

import (
	"context"
	"sync"
)

// Terms begins and ends terms. Begin and End may be called in any order and at once, as a
// leader elector does: a Begin may come after the End that belongs to it, with a context
// that is over by then. After Close nothing begins.
type Terms struct {
	// Run is one term. It returns once its context has ended, and starts once before is
	// closed, which is when the term before has ended; nil where there was none.
	Run func(ctx context.Context, before <-chan struct{})

	mu     sync.Mutex
	last   *term // the running one, or the last one, which may still be ending
	closed bool
}

type term struct {
	cancel context.CancelFunc
	over   <-chan struct{} // closed when it has to end
	ended  chan struct{}
}

// ending reports whether it has to end.
func (t *term) ending() bool {
	select {
	case <-t.over:
		return true
	default:
		return false
	}
}

// Begin starts a term, which ends with leads at the latest, unless one runs. It returns at
// once.
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

// End stops the term and waits for it, for as long as ctx allows. The term stays known until
// it has ended: whoever calls End or Close meanwhile waits, too, and so does the next term.
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

// Close ends the last term, and lets none begin from now on.
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
