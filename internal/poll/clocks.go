// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// clocks finds out which clock is right if the server's and ours are far apart (openapi.Dispute): with each poll,
// it requests what has happened in the time between them. What is found is not delivered; walks will read it.
//
// Before anything was read the begin depends on it. Then nothing is read until entries were found, and the time
// before the earlier clock is requested, too: a log that has entries there, and none later, is written by the
// earlier clock.
//
//	idle ── open, or a tick ──▶ due ── launch ──▶ flying ── answer ──▶ due for the second time, or idle
type clocks struct {
	due    bool
	flying bool
	before bool    // the time before the earlier clock is next
	after  []int64 // different seconds of entries that the first of the two requests has found
	failed int     // answers in a row that were none
	halved int     // how often a range was refused, and halved: the API may limit its length
	told   bool
}

// open starts over.
func (c *clocks) open() { *c = clocks{due: true, flying: c.flying} }

// tickClocks asks with each poll while the clocks are far apart.
func (p *Poller) tickClocks() {
	if p.begin.ahead == 0 {
		d, open := p.Clock.Disputed()
		if !open {
			p.clocks.told = false
			return
		}
		if !p.clocks.told {
			p.clocks.told = true
			p.Logger.Warn("This host's clock and the server's are far apart; reading up to the earlier one until entries show that it is behind. Set the clock of this host", zap.Duration("apart", d.Later.Sub(d.Earlier)))
		}
		if now := p.sched.Snapshot(); now.Read() {
			p.Clock.StartAt(time.Unix(now.Marks[0], 0))
		}
	}
	if !p.clocks.flying {
		p.clocks.due, p.clocks.before, p.clocks.failed = true, false, 0
	}
}

// maxFailed is how often a request is repeated before it counts as one that finds nothing: the API may refuse its
// time range.
const maxFailed = 3

// leastAsked is the shortest range that is requested, in seconds, whatever the API refuses.
const leastAsked = 60

// dispute returns the one between the clocks, if there is one.
func (p *Poller) dispute() (d openapi.Dispute, open bool) {
	if p.begin.ahead == 0 {
		return p.Clock.Disputed()
	}
	host := time.Now().Round(0)
	d.Earlier, d.Later = host, host.Add(p.begin.ahead)
	if p.begin.ahead < 0 {
		d.Earlier, d.Later = d.Later, d.Earlier
	}
	d.After = d.Earlier.Add(openapi.DateTolerance)
	return d, true
}

// askClocks requests the time between the two clocks, or, before anything was read, the time before the earlier
// one.
func (p *Poller) askClocks(ctx context.Context) {
	p.clocks.due = false
	d, open := p.dispute()
	if !open {
		return
	}
	from, to := d.After.Unix()+1, d.Later.Unix()
	if p.clocks.before {
		from, to = 0, d.Earlier.Unix()
	}
	from = max(from, to-max(leastAsked, int64(p.set.MaxWindow/time.Second)>>p.clocks.halved), 0)
	p.clocks.flying = true
	req := p.listRequest(plan.Request{From: from, To: max(from+1, to)})
	within, done := p.spans.probe(ctx)
	r := result{aboutClocks: true, asked: time.Now()}
	go func() {
		r.page, r.res, r.err = p.Client.ListData(within, req)
		done()
		p.results <- r
	}()
}

// noteClocks handles the answer.
func (p *Poller) noteClocks(ctx context.Context, r result) error {
	c := &p.clocks
	d, open := p.dispute()
	if !open {
		return nil
	}
	var seconds []int64
	if r.err == nil {
		p.delays.reset()
		if p.begin.ahead != 0 && p.agrees(r.res) {
			p.begin = undecided{}
			return nil
		}
		seconds = secondsOf(r.page, d, c.before)
	} else {
		var api *openapi.Error
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.failed++
		refused := errors.As(r.err, &api) && api.Class == cause.ClassParameter
		if refused {
			c.halved = min(c.halved+1, 24)
		}
		if p.begin.ahead != 0 && c.failed < maxFailed && !refused {
			c.due = true
			return p.noteFailure(ctx, r)
		}
	}
	c.failed = 0
	if p.begin.ahead == 0 {
		for _, second := range seconds {
			if p.Clock.Show(second) {
				p.tellClock(d, d.HostLater)
				p.sched.Tick()
			}
		}
		return nil
	}
	if !c.before {
		c.after, c.before, c.due = seconds, true, true
		return nil
	}
	// One entry may have a wrong time.
	switch later := len(c.after) > 2 || len(c.after) > 0 && len(seconds) == 0; {
	case later == (p.begin.ahead > 0) && len(c.after)+len(seconds) > 0:
		p.tellClock(d, false)
		return p.moveBegin(ctx, p.begin.server)
	case len(c.after)+len(seconds) > 0:
		p.tellClock(d, true)
		if later {
			p.Clock.HostIsRight()
		}
		p.begin = undecided{}
	case !c.told:
		c.told = true
		p.Logger.Warn("This host's clock and the server's are far apart; reading starts when entries show which one is right. Set the clock of this host", zap.Duration("apart", d.Later.Sub(d.Earlier)))
	}
	return nil
}

// secondsOf are the different seconds of a page's entries after the earlier clock, or before it.
func secondsOf(page *entry.Page, d openapi.Dispute, before bool) (seconds []int64) {
	for i := range page.Entries {
		second, ok := page.Entries[i].EventTime()
		at := time.Unix(second, 0)
		wanted := at.After(d.After) && !at.After(d.Later.Add(openapi.DateTolerance))
		if before {
			wanted = !at.After(d.After)
		}
		if ok && wanted && !slices.Contains(seconds, second) {
			seconds = append(seconds, second)
		}
	}
	return seconds
}

// tellClock reports which clock was found to be right.
func (p *Poller) tellClock(d openapi.Dispute, host bool) {
	apart := zap.Duration("apart", d.Later.Sub(d.Earlier))
	if host {
		p.Logger.Warn("This host's clock and the server's are far apart; entries show that this host's is right, so the Date of the server's answers is ignored", apart)
		return
	}
	p.Logger.Warn("This host's clock and the server's are far apart; entries show that the server's is right. Set the clock of this host", apart)
}
