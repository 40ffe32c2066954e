// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// listName is the end of the api_key of list_data.
const listName = "/openapi_logs/list_data"

const ownLogged = "logged"

// ownProbe looks for the doctor's own calls in the log.
type ownProbe struct {
	session *session
	found   int
	looked  bool
	failed  Message
}

// look requests the entries of the doctor's own app since it started.
func (p *ownProbe) look(ctx context.Context) {
	s := p.session
	if p.found > 0 || p.failed != none {
		return
	}
	from, to := s.clock.latest(s.began).Unix(), s.clock.now()
	if to <= from {
		return
	}
	a, err := s.list(ctx, openapi.ListRequest{StartTime: from, EndTime: to, AppID: s.appID, PageSize: pageSize})
	if err != nil {
		p.failed = why(err)
		return
	}
	p.looked = true
	for _, e := range a.Page.Facts() {
		if e.AppID == s.appID && strings.HasSuffix(e.APIKey, listName) {
			p.found++
		}
	}
}

// enoughTime is how long to wait for own calls before they count as not logged.
const enoughTime = time.Minute

// finding reports own calls as not logged only if calls by others at the same time were logged: the log may be
// late.
func (p *ownProbe) finding(ctx context.Context) Finding {
	s := p.session
	if p.found > 0 {
		return Finding{
			Question: OwnCalls, Answer: ownLogged, Text: msg("logged: reading the log adds to it; the configuration below says how to keep them from the backend"),
			Evidence: msg("%s of list_data by this app since the doctor began", count(p.found, "entry", "entries")),
		}
	}
	if p.failed != none {
		return unknown(OwnCalls, p.failed)
	}
	waited := time.Since(s.began)
	if !p.looked || waited < enoughTime {
		return unknown(OwnCalls, msg("none appeared in %s, which is not long enough to be sure", short(waited)))
	}
	others, filter, err := p.control(ctx)
	switch {
	case err != nil:
		return unknown(OwnCalls, why(err))
	case others < 3:
		return unknown(OwnCalls, msg("none appeared in %s, but hardly any other entry of that time did", short(waited)))
	case !filter:
		return unknown(OwnCalls, msg("none appeared, but the filter by app_id does not find calls of others either"))
	}
	_, calls := s.client.calls()
	return Finding{
		Question: OwnCalls, Answer: "not logged", Text: msg("not logged, or more than %s late", short(waited-enoughTime/2)),
		Evidence: msg("none of its calls (%d) appeared in %s, while calls of other apps at the same time did (%d or more)", calls, short(waited), others),
	}
}

// control counts calls of others that were made while the doctor made its first ones, and checks whether the
// filter by app works.
func (p *ownProbe) control(ctx context.Context) (others int, filter bool, err error) {
	s := p.session
	q := openapi.ListRequest{StartTime: s.clock.latest(s.began).Unix(), EndTime: s.clock.now() - seconds(enoughTime/2), PageSize: pageSize}
	if q.EndTime <= q.StartTime {
		return 0, false, nil
	}
	a, err := s.list(ctx, q)
	if err != nil {
		return 0, false, err
	}
	for _, e := range a.Page.Facts() {
		if e.AppID != "" && e.AppID != s.appID {
			others++
			q.AppID = e.AppID
		}
	}
	if q.AppID == "" {
		return others, false, nil
	}
	if a, err = s.list(ctx, q); err != nil {
		return others, false, err
	}
	for _, e := range a.Page.Facts() {
		filter = filter || e.AppID == q.AppID
	}
	return others, filter, nil
}
