// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// status is the progress of reading, as the simulated API can see it.
type status struct {
	mu    sync.Mutex
	upTo  int64       // the end of the newest window that was read, Unix seconds
	calls []time.Time // of list_data, in the last minute
}

// observe notes a call.
func (s *status) observe(c simulator.Call) {
	if c.Endpoint != simulator.EndpointList {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c.Time)
	if c.Code == 0 && !c.HasMore && c.EndTime > s.upTo {
		s.upTo = c.EndTime
	}
}

// line describes the status.
func (s *status) line(now time.Time, received, again int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.calls) > 0 && now.Sub(s.calls[0]) >= time.Minute {
		s.calls = s.calls[1:]
	}
	if s.upTo == 0 {
		return "starting"
	}
	return fmt.Sprintf("-- %s, lag %ds, %d of %d calls a minute left, duplicates %d",
		cli.Count(received, "record", "records"), max(0, now.Unix()-s.upTo), max(0, simulator.DefaultRateLimit-len(s.calls)), simulator.DefaultRateLimit, again)
}

// keepShown shows the status until ctx ends: on a terminal every second, otherwise every ten.
func (s *status) keepShown(ctx context.Context, out *printer) {
	every := 10 * time.Second
	if out.live {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			received, again := out.counts()
			out.show(s.line(now, received, again))
		}
	}
}

// counts returns how many records have arrived in this run and earlier ones, and how many of them twice.
func (p *printer) counts() (received, again int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.history.ids), p.again
}

// lateness returns, by id, how late the tenant's log shows an entry.
func lateness(since time.Time) func(id string) (time.Duration, bool) {
	var (
		late = map[string]time.Duration{}
		upTo = since.Unix() - 60
	)
	return func(id string) (time.Duration, bool) {
		if now := time.Now().Unix() + 1; now > upTo {
			for _, e := range tenant.Entries(upTo, now) {
				if by := e.VisibleAt.Sub(time.Unix(e.EventTime, 0)); !e.VisibleAt.IsZero() && by >= time.Second && e.ID != "" {
					late[e.ID] = by
				}
			}
			upTo = now
		}
		by, ok := late[id]
		return by, ok
	}
}
