// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// mutant is one way to break the receiver: a text of a source file, which occurs
// there once, and what stands there instead.
type mutant struct {
	what, file, from, to string
}

func (m mutant) apply(source string) (string, error) {
	if n := strings.Count(source, m.from); n != 1 {
		return "", fmt.Errorf("%s: the text to be replaced occurs %d times: bring the list of mutants up to date", m.file, n)
	}
	return strings.Replace(source, m.from, m.to, 1), nil
}

var mutants = []mutant{
	// Accept and commit.
	{
		"the watermark moves before the pipeline has accepted the page (F24)", "poller.go",
		"	keys, delivered, lost, err := p.deliver(ctx, w, r)\n",
		"	if !r.page.hasMore {\n		p.sched.finished(w)\n		_ = p.commit(ctx, nil)\n	}\n	keys, delivered, lost, err := p.deliver(ctx, w, r)\n",
	},
	{
		"the checkpoint is not written (F30)", "poller.go",
		"		err := p.store.save(writing, c, keys, forgettable)\n",
		"		var err error\n		_, _, _ = writing, c, forgettable\n",
	},
	{
		"the first position is not written before the first page", "poller.go",
		"	return p.commit(ctx, nil)\n}\n\n// beginByServer moves",
		"	return nil\n}\n\n// beginByServer moves",
	},
	{
		"a page that was accepted while the receiver ends is not committed (F35)", "poller.go",
		"	lasting, done := outlive(ctx, commitGrace)\n",
		"	lasting, done := context.WithCancel(ctx)\n",
	},
	{
		"what a page added is not remembered (F33)", "poller.go",
		"		p.sched.seen.add(k)\n",
		"		_ = k\n",
	},
	{
		"the part of a page that was taken before the end is forgotten", "poller.go",
		"			accepted := taken(batch, fresh[start:end], left)\n",
		"			accepted := taken(nil, nil, left)\n",
	},
	{
		"an entry that comes twice in one page is delivered twice", "poller.go",
		"		_, twice := inPage[k]\n",
		"		twice := false\n",
	},
	{
		"a refused page is given up at once (F24)", "pipe.go",
		"if forGood(err) || !p.retry.Enabled || gaveUp {",
		"if true || gaveUp {",
	},
	{
		"a permanent refusal is retried for ever (F24)", "pipe.go",
		"if forGood(err) || !p.retry.Enabled || gaveUp {",
		"if gaveUp {",
	},
	{
		"what was refused for good at the end comes again (F24)", "pipe.go",
		"		if ctx.Err() != nil && (cut || !forGood(err)) {\n",
		"		if ctx.Err() != nil && (cut || true) {\n",
	},
	{
		"an exporter that was cut off is believed to refuse for good (F24)", "pipe.go",
		"		if ctx.Err() != nil && (cut || !forGood(err)) {\n",
		"		if ctx.Err() != nil && (cut && false || !forGood(err)) {\n",
	},
	{
		"after a partial refusal the whole page is sent again", "pipe.go",
		"			logs = part.Data()\n",
		"",
	},
	{
		"a processor's changes are sent again with the retry (F28)", "pipe.go",
		"		attempt = plog.NewLogs()\n		logs.CopyTo(attempt)\n",
		"",
	},

	// Windows and passes.
	{
		"no overlap of windows (F2)", "position.go",
		"const overlap = 2\n",
		"const overlap = 0\n",
	},
	{
		"one second of overlap too much is taken for the window's own", "position.go",
		"	before := eventTime < p.begin && eventTime >= p.begin-overlap\n",
		"	before := false\n",
	},
	{
		"every pass follows the first one's watermark (F1)", "position.go",
		"max(p.marks[pass], min(w.to, began-p.recheck[pass]))",
		"max(p.marks[pass], w.to)",
	},
	{
		"watermarks do not move: > for >= (F10)", "position.go",
		"		if w.from <= p.marks[pass] {\n",
		"		if w.from < p.marks[pass] {\n",
	},
	{
		"a window moves watermarks that have not come to it", "position.go",
		"		if w.from <= p.marks[pass] {\n",
		"		if true {\n",
	},
	{
		"rechecks do not run (F1)", "schedule.go",
		"	if pass := s.mostOverdue(now); pass > 0 {\n",
		"	if pass := s.mostOverdue(now); pass < 0 {\n",
	},
	{
		"a changed recheck_after inherits from passes that read earlier (F31)", "position.go",
		"return old >= r })",
		"return old <= r })",
	},
	{
		"the end of a window follows the clock while paging (F4)", "poller.go",
		"		w.flying, w.asked = true, time.Now()\n",
		"		if w.pass == 0 {\n			w.to = max(w.to, now)\n		}\n		w.flying, w.asked = true, time.Now()\n",
	},
	{
		"the time of a walk is that of its last page (F1)", "poller.go",
		"		if w.pages == 0 {\n			w.began = now\n		}\n",
		"		w.began = now\n",
	},
	{
		"a half of a window that was cut in two is dropped (F6)", "schedule.go",
		"		s.walks[w.pass] = slices.Insert(list, i+1, &walk{window: rest, pass: w.pass})\n",
		"		_ = i\n",
	},
	{
		"windows are not shortened when the API refuses them", "schedule.go",
		"	if !s.halve(w) {\n		return false\n	}\n	switch {\n	case s.trial:",
		"	if true {\n		return false\n	}\n	switch {\n	case s.trial:",
	},
	{
		"time beyond the API's retention blocks for ever (F8)", "retention.go",
		"	if time.Since(w.refusedSince) < refusalPatience || p.flying > 0 {\n",
		"	if true {\n",
	},
	{
		"time is passed over though the API refuses everything (F8)", "retention.go",
		"	if ok, err := shown(gap.to); err != nil || !ok || gap.to <= w.from {\n",
		"	if ok, err := shown(gap.to); err == nil && !ok {\n		p.sched.skip(gap)\n		p.logger.Error(\"The API does not show a part of the log\")\n		return true, p.commit(ctx, nil)\n	} else if err != nil || gap.to <= w.from {\n",
	},
	{
		"the clock is our own, not the server's (F9)", "clock.go",
		"	if c.date.IsZero() {\n		return time.Now()\n	}\n",
		"	if true {\n		return time.Now()\n	}\n",
	},

	// Paging.
	{
		"the watermark follows the clock of a walk's first answer only (F9)", "poller.go",
		"		w.began = min(w.began, date)\n",
		"		if w.pages == 0 {\n			w.began = min(w.began, date)\n		}\n",
	},
	{
		"initial_lookback begins by our own clock (F9)", "poller.go",
		"	p.sched.beginAt(max(0, begin.Unix()))\n",
		"",
	},
	{
		"a walk goes on though the server's clock was set back (F9)", "poller.go",
		"	if setBack {\n",
		"	if setBack && w.pages == 0 {\n",
	},
	{
		"every answer makes a walk begin again (F9)", "poller.go",
		" && date < min(w.began, w.to)-int64(clockSlack/time.Second)",
		"",
	},
	{
		"the page's length decides instead of has_more (F12)", "poller.go",
		"	if !r.page.hasMore {\n		for _, overtaken := range p.sched.finished(w) {\n",
		"	if len(r.page.items) < p.cfg.PageSize {\n		for _, overtaken := range p.sched.finished(w) {\n",
	},
	{
		"an empty page is the end (F11)", "poller.go",
		"	if !r.page.hasMore {\n		for _, overtaken := range p.sched.finished(w) {\n",
		"	if !r.page.hasMore || len(r.page.items) == 0 {\n		for _, overtaken := range p.sched.finished(w) {\n",
	},
	{
		"pages without a new entry are not noticed (F13)", "poller.go",
		"	case w.empty >= maxEmptyPages:\n",
		"	case false:\n",
	},
	{
		"more pages than any window has are not noticed (F13)", "poller.go",
		"	case w.pages > most:\n",
		"	case false:\n",
	},
	{
		"after a hundred pages a walk is taken for finished (F7)", "poller.go",
		"	if !r.page.hasMore {\n		for _, overtaken := range p.sched.finished(w) {\n",
		"	if !r.page.hasMore || w.pages >= 100 {\n		for _, overtaken := range p.sched.finished(w) {\n",
	},
	{
		"the watermark follows the newest entry of a page (F5)", "poller.go",
		"	fault := pagingFault(",
		"	for i := range r.page.items {\n		if at, ok := r.page.items[i].eventTime(); ok && at < w.to {\n			p.sched.pos.marks[0] = max(p.sched.pos.marks[0], at)\n		}\n	}\n	fault := pagingFault(",
	},
	{
		"all pages of a walk are held back until its last (F25)", "poller.go",
		"func (p *poller) handle(ctx context.Context, r result) error {\n	w := r.walk\n",
		"var held []item\n\nfunc (p *poller) handle(ctx context.Context, r result) error {\n	w := r.walk\n	if r.err == nil {\n		held = append(held, r.page.items...)\n		r.page.items = nil\n		if !r.page.hasMore {\n			r.page.items, held = held, nil\n		}\n	}\n",
	},
	{
		"a failed call finishes its walk (F18)", "poller.go",
		"	default:\n		wait = max(p.delays.passing(), api.wait)\n",
		"	default:\n		p.sched.finished(w)\n		wait = max(p.delays.passing(), api.wait)\n",
	},
	{
		"an error ends the poller (F20)", "poller.go",
		"		return p.failed(ctx, w, r.err)\n",
		"		return r.err\n",
	},
	{
		"a call has no time limit (F20)", "receiver.go",
		"	traced := *client\n",
		"	traced := *client\n	traced.Timeout = 0\n",
	},
	{
		"the client follows redirects", "receiver.go",
		"	traced.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }\n",
		"",
	},
	{
		"Start fetches a token (F22)", "receiver.go",
		"	if leader == nil {\n		r.begin(context.Background())",
		"	if req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, r.cfg.ClientConfig.Endpoint+tokenPath, http.NoBody); err == nil {\n		if res, err := r.http.Do(req); err == nil {\n			_ = res.Body.Close()\n		}\n	}\n	if leader == nil {\n		r.begin(context.Background())",
	},
	{
		"one walk more than configured goes on side by side (F29)", "poller.go",
		"	wide := p.cfg.MaxConcurrentWalks\n",
		"	wide := p.cfg.MaxConcurrentWalks + 1\n",
	},
	{
		"the same page token again is not noticed (F13)", "poller.go",
		"	case page.pageToken == w.token:\n",
		"	case false:\n",
	},
	{
		"a refused page token is used for ever (F14)", "poller.go",
		"			w.restart()\n			w.hurry = true\n			if w.reset == 1 {",
		"			w.hurry = true\n			if w.reset == 1 {",
	},
	{
		"getting beyond the first page again counts as progress (F14)", "poller.go",
		"	if w.pages > max(1, w.furthest) {\n",
		"	if w.pages > 1 {\n",
	},
	{
		"a walk that has to hurry waits until bursts are allowed again (F14)", "pace.go",
		"n >= 0 && !urgent {\n",
		"n >= 0 {\n",
	},
	{
		"a walk that has to hurry does not go alone (F14)", "schedule.go",
		"			if w.hurry && !w.done && w.reset <= maxAlone {\n",
		"			if w.hurry && false {\n",
	},
	{
		"a failed call makes the walk begin again (F15)", "poller.go",
		"	default:\n		wait = max(p.delays.passing(), api.wait)\n",
		"	default:\n		w.restart()\n		wait = max(p.delays.passing(), api.wait)\n",
	},

	// Seen ids.
	{
		"no entry is known from before (F3)", "seen.go",
		"func (s *seen) has(k seenKey) bool {\n",
		"func (s *seen) has(k seenKey) bool {\n	if true {\n		return false\n	}\n",
	},
	{
		"ids are forgotten when the first pass has left them behind (F33)", "schedule.go",
		"	from := s.pos.marks[s.pos.last()]\n",
		"	from := s.pos.marks[0]\n",
	},
	{
		"ids are forgotten that a walk in flight may still return (F33)", "schedule.go",
		"			from = min(from, w.from)\n",
		"			_ = w\n",
	},
	{
		"ids are forgotten a minute too early: <= for < (F33)", "seen.go",
		"	for m, set := range s.minutes {\n		if m < minute {\n",
		"	for m, set := range s.minutes {\n		if m <= minute {\n",
	},
	{
		"ids are never forgotten (F33)", "schedule.go",
		"	s.seen.forgetBefore(s.forgettable())\n",
		"",
	},
	{
		"walks wait on though others have read everything of them (F33)", "schedule.go",
		"(list[0].done || !list[0].flying && list[0].to <= s.pos.marks[pass])",
		"list[0].done",
	},
	{
		"the span of a walk that is dropped stays open", "poller.go",
		"			p.spans.end(overtaken, errWalkOvertaken)\n",
		"			_ = overtaken\n",
	},
	{
		"a result waits for its turn behind the tick", "poller.go",
		"	select {\n	case r := <-p.results:\n		return &r, nil\n	default:\n	}\n",
		"",
	},
	{
		"others go on behind a recheck without an answer (F33)", "schedule.go",
		"w != nil || len(s.walks[last]) > 0 {",
		"w != nil {",
	},
	{
		"behind a recheck without an answer every few seconds cost a call", "schedule.go",
		"	if len(s.walks[last]) > 0 && s.overdue(last, now) < s.step(last) {\n",
		"	if false {\n",
	},
	{
		"a walk is dropped while its call is out", "schedule.go",
		"(list[0].done || !list[0].flying && list[0].to <= s.pos.marks[pass])",
		"(list[0].done || list[0].to <= s.pos.marks[pass])",
	},
	{
		"a walk is dropped of which a part was read only (F6)", "schedule.go",
		"(list[0].done || !list[0].flying && list[0].to <= s.pos.marks[pass])",
		"(list[0].done || !list[0].flying && list[0].from < s.pos.marks[pass])",
	},
	{
		"an entry without a readable time is not found again (F9)", "seen.go",
		"	_, ok := s.odd[k.hash]\n	return ok\n",
		"	return false\n",
	},

	// Checkpoint and storage.
	{
		"a page's ids are written down with the last page of its walk only (F6)", "poller.go",
		"	if len(keys) > 0 || !r.page.hasMore {\n",
		"	if !r.page.hasMore {\n",
	},
	{
		"a window without a new entry is not written down (F10)", "poller.go",
		"	if len(keys) > 0 || !r.page.hasMore {\n",
		"	if len(keys) > 0 {\n",
	},
	{
		"a storage that cannot be read is an empty one (F32)", "store.go",
		"		return nil, nil, fmt.Errorf(\"cannot read the checkpoint: %w\", err)\n	}\n	known := newSeen()\n",
		"		return nil, newSeen(), nil\n	}\n	known := newSeen()\n",
	},
	{
		"stored ids are not loaded (F30)", "store.go",
		"				known.add(k)\n",
		"				_ = k\n",
	},
	{
		"all stored ids are deleted (F33)", "store.go",
		"	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {\n",
		"	for drop < min(len(pages), maxDeletes) {\n",
	},
	{
		"no stored id is ever deleted (F33)", "store.go",
		"	for drop < min(len(pages), maxDeletes) && pages[drop] < forgettable {\n",
		"	for false {\n",
	},
	{
		"the position of another query is taken over (F31)", "store.go",
		"	if !c.Query.equal(s.query) && !c.untouched() {\n",
		"	if false {\n",
	},
	{
		"a damaged checkpoint is taken as it is (F32)", "checkpoint.go",
		"	if crc32.Checksum(body, castagnoli) != sum {\n		return nil, fmt.Errorf(\"%w: its checksum does not match\", errDamaged)\n	}\n	if body[0]",
		"	_ = sum\n	if body[0]",
	},
	{
		"a checkpoint of a newer version is read (F31)", "checkpoint.go",
		"	if version.Version > checkpointVersion {\n",
		"	if false {\n",
	},

	// Pace, token, errors.
	{
		"the calls of the last process are forgotten (F17)", "poller.go",
		"	p.remembers(calls)\n",
		"	_ = calls\n	p.remembers(rememberedCalls{})\n",
	},
	{
		"calls are made before every receiver has said which it remembers (F17)", "pace.go",
		"	if p.beginning > 0 {\n",
		"	if false {\n",
	},
	{
		"receivers with one credential do not share a pace (F17)", "pace.go",
		"	p, ok := s.by[key]\n",
		"	p, ok := s.by[key]\n	ok = false\n",
	},
	{
		"one call in a minute too many (F17)", "pace.go",
		"	if n := len(calls) - p.limit; n >= 0 {\n",
		"	if n := len(calls) - p.limit - 1; n >= 0 {\n",
	},
	{
		"the server's wait is not heeded (F16)", "pace.go",
		"	p.paused = latest(p.paused, time.Now().Add(d))\n",
		"",
	},
	{
		"the reset header is ignored (F16)", "apierror.go",
		"r.hint(\"X-Ogw-Ratelimit-Reset\", \"Retry-After\")",
		"r.hint(\"Retry-After\")",
	},
	{
		"the call after a gap is put off by refusals of other walks (F8)", "retention.go",
		"	p.notBefore = time.Time{}\n	p.delays.reset()\n",
		"",
	},
	{
		"the headers of an answer that cannot be read say nothing (F16)", "apierror.go",
		"	if res == nil || res.status == http.StatusOK {\n",
		"	if res == nil || res.status > 0 {\n",
	},
	{
		"a wait of the server's of any length is believed (F16)", "apierror.go",
		"	return min(max(wait, minWaitHint), maxWaitHint)\n",
		"	return wait\n",
	},
	{
		"the token is kept after it was refused (F21)", "token.go",
		"	if s.value == value {\n		s.value = \"\"\n	}\n",
		"",
	},
	{
		"the token is used up to its last second (F21)", "token.go",
		"asked.Add(life-renewMargin(life))",
		"asked.Add(life+time.Minute)",
	},
	{
		"a refused token is replaced again and again without a pause (F19)", "client.go",
		"			if attempt == 0 {\n",
		"			if attempt < 1000 {\n",
	},
	{
		"no wait after a failed call (F19)", "poller.go",
		"	p.notBefore = latest(p.notBefore, time.Now().Add(wait))\n	p.health.failed(api.cause",
		"	p.health.failed(api.cause",
	},
	{
		"an error in the body of a 200 is no data (F23)", "client.go",
		"	case p.code != 0:\n		return nil, answerError(opList, res, p.code, true)\n",
		"",
	},
	{
		"the answer is read without a limit (F25)", "client.go",
		"buf.ReadFrom(io.LimitReader(r, max(limit, limit+1)))",
		"buf.ReadFrom(r)",
	},
	{
		"the server's text reaches the log as it is (F39)", "apierror.go",
		"			if bytes.HasSuffix(out, h) {\n",
		"			if bytes.HasSuffix(out, h) && false {\n",
	},

	{
		"a missing scope is an error that passes", "apierror.go",
		"	99991672: {classConfig, causeScope},\n",
		"",
	},
	{
		"a quoted secret is only known as it is written (F39)", "apierror.go",
		"[]string{s, url.QueryEscape(s), base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))}",
		"[]string{s, url.QueryEscape(s), \"x\" + base64.RawStdEncoding.EncodeToString([]byte(s))}",
	},
	{
		"a server's text reaches the log at any length", "apierror.go",
		"	if len(out) > maxReason {\n",
		"	if false {\n",
	},
	{
		"a credential may cross the network in the clear (F39)", "config.go",
		"	case u.Scheme == \"http\" && !isLoopback(u.Hostname()):\n",
		"	case false:\n",
	},
	{
		"a call without a time limit can be configured (F20)", "config.go",
		"	if c.ClientConfig.Timeout <= 0 {\n",
		"	if c.ClientConfig.Timeout < 0 {\n",
	},
	{
		"more filters than the API takes are accepted", "config.go",
		"n > maxFilterAPIKeys {",
		"n > 2*maxFilterAPIKeys {",
	},

	// Records and life cycle.
	{
		"an entry's uid is its place in the page (F27)", "record.go",
		"	for _, it := range items {\n		w.write(",
		"	for i, it := range items {\n		it.id = strconv.Itoa(i)\n		w.write(",
	},
	{
		"a number goes through a float64 (F28)", "lenient.go",
		"	if n, err := strconv.ParseInt(text, 10, 64); err == nil {\n		return n, true\n",
		"	if n, err := strconv.ParseFloat(text, 64); err == nil {\n		return int64(n), true\n",
	},
	{
		"nothing is redacted (F39)", "record.go",
		"	if w.redactor != nil {\n",
		"	if false {\n",
	},
	{
		"attributes are taken from the entry before redaction (F39)", "record.go",
		"	if w.detach || text != it.text {\n",
		"	if w.detach {\n",
	},
	{
		"a failed call is a record like any other", "record.go",
		"		record.SetSeverityNumber(plog.SeverityNumberWarn)\n",
		"",
	},
	{
		"the API's code does not make an error.type", "record.go",
		"		if r.code != 0 {\n",
		"		if false {\n",
	},
	{
		"an attribute may be of any length", "record.go",
		"	if len(text) <= maxAttribute {\n",
		"	if true {\n",
	},
	{
		"text is read for credentials only once (F39)", "internal/redact/redact.go",
		"		if !guessed {\n",
		"		if !guessed || masked > 0 {\n",
	},
	{
		"a built-in credential key is missing (F39)", "internal/redact/names.go",
		"	{suffix: \"signingkey\", kind: secret},\n",
		"",
	},
	{
		"configured keys are not masked (F39)", "internal/redact/keys.go",
		"			k.extra[name] = struct{}{}\n",
		"",
	},
	{
		"keys are compared with their case (F39)", "internal/redact/keys.go",
		"	if 'A' <= c && c <= 'Z' {\n",
		"	if false {\n",
	},
	{
		"resource tokens are masked (F74)", "internal/redact/keys.go",
		"	case k.keep && isKept(stem):\n",
		"	case false:\n",
	},
	{
		"a token of any name is kept (F74)", "internal/redact/keys.go",
		"	return isOneOf(stem, cursors) || isResource(stem, false)\n",
		"	return len(stem) > 0\n",
	},
	{
		"booleans are masked (F74)", "internal/redact/words.go",
		"\"none\", \"true\", \"false\", \"undefined\"",
		"\"none\", \"undefined\"",
	},
	{
		"counts are masked (F74)", "internal/redact/words.go",
		"	return k == plural && len(value) <= maxCount && isCount(value)\n",
		"	return false\n",
	},
	{
		"token is a credential in every API (F74)", "internal/redact/api.go",
		"	if found, ok := byAPI[string(w.api())][string(name)]; ok {\n",
		"	if found, ok := byAPI[\"\"][string(name)]; ok {\n",
	},
	{
		"the caller names the API (F74)", "internal/redact/api.go",
		"			case depth != 1:\n",
		"			case depth < 1:\n",
	},
	{
		"text is searched as it is written (F70)", "internal/redact/walk.go",
		"	if nextFoldable(text, 0) == len(text) {\n",
		"	if true {\n",
	},
	{
		"prose about a password is masked (F70)", "internal/redact/words.go",
		"	_, ok := proseWords[string(buf[:n])]\n	return ok\n",
		"	return false\n",
	},
	{
		"a marked key is no key (F70)", "internal/redact/cursor.go",
		"		case ']', ')', '*', '`', '~':\n			next = i + 1\n",
		"		case ']', ')', '*', '`', '~':\n			next = i\n",
	},
	{
		"of a passphrase the first word is masked (F71)", "internal/redact/prose.go",
		"	case k.password:\n		return c.end\n",
		"	case k.password:\n		return end\n",
	},
	{
		"of a block in YAML nothing is masked (F71)", "internal/redact/value.go",
		"		if end := w.yamlBlock(text, k, v); end > 0 {\n",
		"		if end := 0; end > 0 {\n",
	},
	{
		"a private key is masked up to its first line (F71)", "internal/redact/forms.go",
		"	if end := bytes.Index(rest[i:], []byte(\"-----END \")); end >= 0 {\n",
		"	if end := bytes.IndexByte(rest[i:], '\\n'); end >= 0 {\n",
	},
	{
		"a name and its value apart are no pair (F72)", "internal/redact/pairs.go",
		"	if pair.kind == plain || v.end <= 0 {\n",
		"	if true {\n",
	},
	{
		"an element of XML is no key (F72)", "internal/redact/apart.go",
		"	if k.start > 0 && text[k.start-1] == '<' {\n",
		"	if false {\n",
	},
	{
		"a password in a URL stays (F73)", "internal/redact/links.go",
		"		return w.userinfo(text, hit)\n",
		"		return hit\n",
	},
	{
		"a credential under a kept name stays (F74)", "internal/redact/forms.go",
		"		return w.mask(text, start, tokenEnd(text, start), \"\")\n",
		"		return hit\n",
	},
	{
		"keys are compared with their case beyond ASCII (F70)", "internal/redact/normal.go",
		"func foldCase(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }\n",
		"func foldCase(r rune) rune { _ = unicode.MaxRune; return r }\n",
	},
	{
		"the record does not say how much was masked (F74)", "record.go",
		"	if masked > 0 {\n",
		"	if false {\n",
	},
	{
		"time that is passed over is not counted (F37)", "retention.go",
		"	p.tel.skipped(gap)\n",
		"",
	},
	{
		"one odd entry drops its page (F26)", "poller.go",
		"		at, readable := it.eventTime()\n		if readable && p.sched.pos.outside(at) {\n",
		"		if it.malformed() {\n			return nil, 0, 0, nil\n		}\n		at, readable := it.eventTime()\n		if readable && p.sched.pos.outside(at) {\n",
	},
	{
		"a trouble is told again with every failure (F38)", "health.go",
		"	if c == h.told {\n		h.struck = time.Now()\n	}\n",
		"",
	},
	{
		"recovery is not told (F38)", "health.go",
		"	if !h.well {\n",
		"	if false {\n",
	},
	{
		"a cause that follows another is passed over by the collector (F38)", "health.go",
		"	if h.told != \"\" {\n		// The",
		"	if false {\n		// The",
	},
	{
		"failures that take turns are told with every change (F38)", "health.go",
		"	return time.Since(h.struck) < h.calm\n",
		"	return c == h.told\n",
	},
	{
		"trouble is over with the first success (F38)", "health.go",
		"	if at := h.settles(); at.IsZero() || time.Now().Before(at) {\n",
		"	if at := h.settles(); at.IsZero() {\n",
	},
	{
		"trouble that comes back is over as soon as the first (F38)", "health.go",
		"		h.calm = min(3*h.calm, calmAtMost*h.first)\n",
		"",
	},
	{
		"records that are lost are nobody's trouble (F38)", "pipe.go",
		"			h.lost(refused, safeRefusal(err), sent)\n",
		"",
	},
	{
		"a page that was lost counts as taken (F38)", "poller.go",
		"		if lost == 0 {\n",
		"		if lost >= 0 {\n",
	},
	{
		"trouble begins when the call has failed, not when it was sent (F38)", "client.go",
		"		failed.took = took\n",
		"",
	},
	{
		"trouble whose failures are far between is told after three (F38)", "health.go",
		" || time.Since(h.began) >= longPatience",
		"",
	},
	{
		"the metric of trouble is not cleared (F37)", "health.go",
		"	h.gauges.trouble(\"\", time.Time{})\n",
		"",
	},
	{
		"lag is what could have been read (F37)", "position.go",
		"	return max(0, p.target(0, now)-p.marks[pass])\n",
		"	return max(0, p.target(pass, now)-p.marks[pass])\n",
	},
	{
		"lag stands still while nothing is read (F37)", "gauges.go",
		"			now := g.clock.now().Unix()\n",
		"			now := g.walked.Unix()\n",
	},
	{
		"each page counts as a walk that was finished (F37)", "poller.go",
		"	if !r.page.hasMore {\n		p.spans.end(w, nil)\n",
		"	if true {\n		p.spans.end(w, nil)\n",
	},
	{
		"late entries that a fresh window finds are not counted (F37)", "telemetry.go",
		"		if !ok || at >= pos.marks[0] || at < pos.begin {\n",
		"		if !ok || at >= pos.marks[pos.last()] || at < pos.begin {\n",
	},
	{
		"the wait for the server counts as one for our pace (F37)", "pace.go",
		"time.Since(latest(then, p.paused))",
		"time.Since(then)",
	},
	{
		"a leader that was overtaken writes its position (F34)", "store.go",
		"c.Term > s.term",
		"c.Term > s.term+1000",
	},
	{
		"spans repeat what a server quotes (F39)", "hush.go",
		"	return &hushedError{err, cleanText(err.Error(), secrets...)}\n",
		"	_ = secrets\n	return &hushedError{err, err.Error()}\n",
	},
	{
		"a replica that is no longer elected keeps its trouble (F38)", "receiver.go",
		"		if r.lost(ctx) {\n",
		"		if false {\n",
	},
	{
		"the search for the oldest time takes no time (F8)", "retention.go",
		"		return p.clock.now().Unix() - since + refusalMargin",
		"		return refusalMargin",
	},
	{
		"the first look is one interval late (F36)", "poller.go",
		"		due:       true,\n",
		"		due:       false,\n",
	},
	{
		"one branch that refuses for good decides for all (F24)", "pipe.go",
		"	return permanent == 0 || permanent == len(branches)\n",
		"	return true\n",
	},
	{
		"the rest of one branch is what all get again (F24)", "pipe.go",
		"!forGood(err) && len(joined(err)) == 0 && errors.As",
		"!forGood(err) && errors.As",
	},
	{
		"what is passed over is not refused once more (F8)", "retention.go",
		"	for range refusalProofs {\n",
		"	for range 0 {\n",
	},
	{
		"walks run ahead of one that fails for ever (F33)", "schedule.go",
		"if !s.due || len(s.walks[0]) >= maxPending*s.wide {",
		"if !s.due {",
	},
	{
		"windows do not grow back (F6)", "schedule.go",
		"	} else if s.trial || now >= s.trialAt {\n",
		"	} else if false {\n",
	},
	{
		"an odd entry is not looked for among those of its minute (F3)", "seen.go",
		"	if set := s.minutes[k.at]; set != nil",
		"	if set := s.minutes[k.at]; !k.odd && set != nil",
	},
	{
		"an export asks for each second at its end", "schedule.go",
		"step = max(1, min(step, s.pos.end-s.tail(pass)))",
		"step = 1",
	},
	{
		"a position at which nothing was read blocks another query", "checkpoint.go",
		"	return c.Next == 0 && ",
		"	return false && ",
	},
	{
		"every call that one trouble spoils counts", "poller.go",
		"	if api.class != classParameter && w.asked.Before(p.failedAt) {\n",
		"	if false {\n",
	},
	{
		"a gateway's wait is not heeded (F16)", "poller.go",
		"wait = max(p.delays.passing(), api.wait)",
		"wait = p.delays.passing()",
	},
}
