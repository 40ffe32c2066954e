// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// tokenProbe keeps page tokens and uses each at a different age. Each token is used only once: a second use
// might be refused for that reason alone.
type tokenProbe struct {
	session *session
	query   openapi.ListRequest
	tokens  []heldToken
	lived   time.Duration // a token of this age was accepted
	refused time.Duration // a token of this age was refused, 0: none
	uses    int
	failed  Message // why there is no answer
}

type heldToken struct {
	value          string
	first          string // id of the entry on its first page
	sent, received time.Time
}

// hold requests n page tokens.
func (p *tokenProbe) hold(ctx context.Context, from *sample, n int) {
	if from == nil || len(from.entries) < 2 {
		p.failed = msg("no time range with two entries was found, so there was no second page")
		return
	}
	p.query = openapi.ListRequest{StartTime: from.from, EndTime: from.to, PageSize: 1}
	for range n {
		t, err := p.get(ctx)
		if err != nil {
			p.failed = why(err)
			return
		}
		if t.value == "" {
			p.failed = msg("a page with one of several entries had no page_token")
			return
		}
		p.tokens = append(p.tokens, t)
	}
}

func (p *tokenProbe) get(ctx context.Context) (heldToken, error) {
	a, err := p.session.list(ctx, p.query)
	if err != nil {
		return heldToken{}, err
	}
	t := heldToken{sent: a.Sent, received: a.Received}
	if a.Page.HasMore {
		t.value = a.Page.PageToken
	}
	if len(a.Page.Facts()) > 0 {
		t.first = a.Page.Facts()[0].ID
	}
	return t, nil
}

// use takes the next token, unless the answer is already known.
func (p *tokenProbe) use(ctx context.Context) {
	if p.failed != none || p.refused > 0 || len(p.tokens) == 0 {
		return
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	youngest, oldest, ok, err := p.try(ctx, t)
	switch {
	case err != nil:
		p.failed = why(err)
	case ok:
		p.lived = max(p.lived, youngest)
	default:
		p.confirm(ctx, oldest)
	}
}

// confirm makes sure that a refused token was refused because of its age.
func (p *tokenProbe) confirm(ctx context.Context, age time.Duration) {
	t, err := p.get(ctx)
	if err == nil && t.value != "" {
		var ok bool
		if _, _, ok, err = p.try(ctx, t); err == nil && ok {
			p.refused = age
			return
		}
	}
	p.failed = msg("a fresh page token was refused, too")
	if err != nil {
		p.failed = why(err)
	}
}

// try uses a token. Its age is between youngest and oldest.
func (p *tokenProbe) try(ctx context.Context, t heldToken) (youngest, oldest time.Duration, ok bool, err error) {
	q := p.query
	q.PageToken = t.value
	a, err := p.session.list(ctx, q)
	p.uses++
	if refused(err) {
		// If there was an answer with the refusal, its time is known.
		return 0, a.Received.Sub(t.sent), false, nil
	}
	if err != nil {
		return 0, 0, false, err
	}
	if len(a.Page.Facts()) > 0 && a.Page.Facts()[0].ID == t.first {
		// The token was ignored, or an entry appeared before it.
		return 0, 0, true, nil
	}
	return a.Sent.Sub(t.received), a.Received.Sub(t.sent), true, nil
}

func (p *tokenProbe) finding() Finding {
	switch {
	case p.failed != none && p.lived == 0:
		return unknown(PageTokenLife, p.failed)
	case p.lived == 0 && p.refused == 0:
		return unknown(PageTokenLife, msg("no page token led to another page"))
	}
	f := Finding{Question: PageTokenLife, Answer: "at least", Evidence: msg("%s, each used once", count(p.uses, "page token", "page tokens"))}
	f.AtLeast = bound(p.lived)
	f.Text = msg("at least %s", short(p.lived))
	if p.refused > 0 {
		f.Answer, f.LessThan = "limited", bound(p.refused)
		f.Text = msg("between %s and %s", short(p.lived), short(p.refused))
		f.Evidence = f.Evidence.and(msg("a fresh one was taken right after the refusal"))
	} else {
		f.Text = f.Text.and(msg("a longer --duration finds out more"))
	}
	if p.failed != none {
		f.Evidence = f.Evidence.and(msg("then: %s", p.failed))
	}
	return f
}
