// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// probe is a call for the present, made while walks keep failing. It shows whether their time ranges fail or the
// API itself. One is in flight at a time.
//
//	idle ── want ──▶ wanted ── launch ──▶ flying ── answer ──▶ idle
type probe struct {
	wanted, flying bool
	// subject is a walk whose failure alone does not show which of the two it is. Its second is reported if the
	// probe fails, too.
	subject *plan.Walk
	// repeated reports that this one follows one that the rate limit refused.
	repeated bool
}

// want requests a probe because of one walk, or of several: nil.
func (p *probe) want(subject *plan.Walk) {
	p.wanted = true
	if subject != nil {
		p.subject = subject
	}
}

// due reports whether to send one. One in flight also serves later requests.
func (p *probe) due() bool {
	if p.flying {
		p.wanted = false
	}
	return p.wanted
}

// answered notes that the API answers.
func (p *probe) answered() { p.subject, p.repeated = nil, false }

// failed notes that the probe was not answered, and returns the walk that it was made for. If the rate limit
// refused it, another one is made before any walk: where next to no calls are allowed, the walk would always be
// first after the wait, and nothing would show that other time can be read.
func (p *probe) failed(throttled bool) (subject *plan.Walk) {
	subject, p.subject = p.subject, nil
	if p.repeated = throttled && !p.repeated; p.repeated {
		p.want(subject)
	}
	return subject
}

// launchProbe requests the present.
func (p *Poller) launchProbe(ctx context.Context) {
	p.probe.wanted, p.probe.flying = false, true
	asked := time.Now()
	to := p.Clock.Now().Unix() - plan.Overlap
	req := p.listRequest(plan.RequestFor(to, to+1))
	within, done := p.spans.probe(ctx)
	go func() {
		page, res, err := p.Client.ListData(within, req)
		done()
		p.results <- result{asked: asked, page: page, res: res, err: err}
	}()
}
