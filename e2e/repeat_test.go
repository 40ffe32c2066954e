// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"sync"
	"testing"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// gate delays the answer to what a backend has already accepted, so that the collector can be killed between the
// two.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // nil: open
	waits  bool
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.waits = make(chan struct{}), false
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.closed)
	g.closed = nil
}

// waiting reports whether an answer is being delayed.
func (g *gate) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waits
}

func (g *gate) pass() {
	g.mu.Lock()
	closed := g.closed
	g.waits = g.waits || closed != nil
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

// repeat kills the collector after the backend has accepted a page and before it answers: that page is delivered
// again. It returns the last collector's output.
func repeat(t *testing.T, d destination, g *gate) ([]simulator.Entry, string) {
	a, entries := newBacklog(t, 51, 1500)
	e := newExample(t, a, d)
	c := e.start(t)
	eventually(t, starts, "some pages arrive", func() bool { return e.found(t) >= 2*pageSize })
	g.shut()
	eventually(t, recovers, "a page waits for its answer", g.waiting)
	c.kill(t)
	g.open()
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	return entries, c.out.String()
}

// doubles are the ids that the backend has more than once, sorted.
func doubles(held []arrival) []string {
	var ids []string
	for id, rs := range byID(held) {
		if len(rs) > 1 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
