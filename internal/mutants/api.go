// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// apiMutants break the client of the Open API and the pace of its calls.
var apiMutants = []mutant{
	{
		"the clock is our own, not the server's (F9)", "internal/openapi/clock.go",
		"		return c.compare(c.server(now), now)\n",
		"		return now\n",
	},
	{
		"one Date sets the clock (F42)", "internal/openapi/clock.go",
		"	case !c.agreed(now, date.After(expected)):\n",
		"	case false:\n",
	},
	{
		"the server's clock counts, however far it is ahead of ours (F42)", "internal/openapi/dispute.go",
		"	return d.Earlier\n",
		"	return server\n",
	},
	{
		"entries from before a clock was set back show that ours is right (F9)", "internal/openapi/dispute.go",
		"		d.After = d.since\n",
		"",
	},
	{
		"one entry settles which of two clocks is right (F42)", "internal/openapi/dispute.go",
		"const disputeProofs = 3\n",
		"const disputeProofs = 1\n",
	},
	{
		"two Dates in a row set the clock ahead (F42)", "internal/openapi/clock.go",
		"	datesAhead  = 5\n",
		"	datesAhead  = 2\n",
	},
	{
		"any Dates in a row set the clock (F42)", "internal/openapi/clock.go",
		"		c.far = nil\n	}\n	if len",
		"	}\n	if len",
	},
	{
		"while no Date was believed, one between them makes others start over (F42)", "internal/openapi/clock.go",
		"	} else if !c.known.isZero() {\n",
		"	} else {\n",
	},
	{
		"the Dates of answers that are requested again are not seen (F42)", "internal/openapi/client.go",
		"(failed.Code != 0 || failed.doubtful)",
		"failed.Code != 0",
	},
	{
		"a page that is doubted is another one when its window is read again (F45)", "internal/openapi/doubt.go",
		"	if r.Page == 0 {\n",
		"	if true {\n",
	},
	{
		"a page token that was used ends the doubt of its page (F45)", "internal/openapi/client.go",
		" else if !refusesToken(err, req) {\n",
		" else {\n",
	},
	{
		"a clock that was set back is a dead end (F42)", "internal/openapi/clock.go",
		"now.Sub(c.known.at) > setBackPatience",
		"false",
	},
	{
		"a Date a little ahead sets the clock at once (F42)", "internal/openapi/clock.go",
		"date.Sub(expected) <= ClockSlack && agree(date, expected)",
		"agree(date, expected)",
	},
	{
		"a failure in between does not matter (F45)", "internal/openapi/doubt.go",
		"	defer d.mu.Unlock()\n	delete(d.times, request)\n}",
		"	defer d.mu.Unlock()\n}",
	},
	{
		"a token whose life is zero is never used (F49)", "internal/openapi/token.go",
		"!usableToken(token.value):",
		"!usableToken(token.value) || token.life == lifeNotSaid:",
	},
	{
		"success with an empty list for its data is no answer of the API (F45)", "internal/entry/page.go",
		"	if len(text) < 2 ||",
		"	if true ||",
	},
	{
		"a byte order mark breaks every answer (F45)", "internal/openapi/answer.go",
		"	out.body = bytes.TrimPrefix(out.body, byteOrderMark)\n",
		"",
	},
	{
		"success without data ends a walk (F45)", "internal/openapi/doubt.go",
		"		if !now.believed() {\n",
		"		if false {\n",
	},
	{
		"success without data is never believed (F45)", "internal/openapi/doubt.go",
		"		if !now.believed() {\n",
		"		if true {\n",
	},
	{
		"any answers without has_more in a row are believed (F45)", "internal/openapi/doubt.go",
		"	if now != d.last {\n",
		"	if false {\n",
	},
	{
		"a page that never says whether it is the last is believed after three answers in a row only (F45)", "internal/openapi/doubt.go",
		" || d.last.entries > 0 && d.last == d.most && d.timesMost >= believedAfter\n",
		"\n",
	},
	{
		"fewer entries than a page has had are believed as often (F45)", "internal/openapi/doubt.go",
		"d.last == d.most && d.timesMost >=",
		"d.times+d.timesMost >",
	},
	{
		"an API that never says has_more has one page (F45)", "internal/openapi/doubt.go",
		"	p.HasMore = p.PageToken != \"\" && len(p.Entries) > 0 && !d.heard\n",
		"",
	},
	{
		"a call has no time limit (F20)", "internal/openapi/http.go",
		"	traced := *client\n",
		"	traced := *client\n	traced.Timeout = 0\n",
	},
	{
		"the client follows redirects", "internal/openapi/http.go",
		"	traced.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }\n",
		"",
	},
	{
		"the reset header is ignored (F16)", "internal/openapi/answer.go",
		"r.hint(\"X-Ogw-Ratelimit-Reset\", \"Retry-After\")",
		"r.hint(\"Retry-After\")",
	},
	{
		"the server may ask for a wait of any length (F16)", "internal/openapi/answer.go",
		"	return min(max(wait, MinWaitHint), maxWaitHint)\n",
		"	return wait\n",
	},
	{
		"the answer is read without a limit (F25)", "internal/openapi/answer.go",
		"buf.ReadFrom(io.LimitReader(r, max(limit, limit+1)))",
		"buf.ReadFrom(r)",
	},
	{
		"the headers of an answer that cannot be read say nothing (F16)", "internal/openapi/errors.go",
		"	if res == nil || res.Status == http.StatusOK {\n",
		"	if res == nil || res.Status > 0 {\n",
	},
	{
		"the token is kept after it was refused (F21)", "internal/openapi/token.go",
		"	if s.value == value {\n		s.value = \"\"\n	}\n",
		"",
	},
	{
		"the token is used up to its last second (F21)", "internal/openapi/token.go",
		"asked.Add(life-renewMargin(life))",
		"asked.Add(life+time.Minute)",
	},
	{
		"a refused token is replaced again and again without a pause (F19)", "internal/openapi/client.go",
		"			if !refused {\n",
		"			if !refused || true {\n",
	},
	{
		"an error in the body of a 200 is no data (F23)", "internal/openapi/client.go",
		"	case p.Code != 0:\n		return nil, answerError(OpList, res, p.Code, true)\n",
		"",
	},
	{
		"a problem starts when the call has failed, not when it was sent (F38)", "internal/openapi/client.go",
		"		failed.Took = took\n",
		"",
	},
	{
		"the server's text reaches the log as it is (F39)", "internal/openapi/clean.go",
		"			if bytes.HasSuffix(out, h) {\n",
		"			if bytes.HasSuffix(out, h) && false {\n",
	},
	{
		"a quoted secret is only known as it is written (F39)", "internal/openapi/clean.go",
		"[]string{s, url.QueryEscape(s), base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))}",
		"[]string{s, url.QueryEscape(s), \"x\" + base64.RawStdEncoding.EncodeToString([]byte(s))}",
	},
	{
		"a server's text reaches the log at any length", "internal/openapi/clean.go",
		"	return cut(string(printable(s, limit, hidden)), MaxReason)\n",
		"	return string(printable(s, limit, hidden))\n",
	},
	{
		"nothing bounds what stands before the advice (F69)", "internal/openapi/errors.go",
		"	reason := cut(e.Reason, maxBeforeAdvice-len(e.Operation)-len(\": ...\")-len(about))\n",
		"	reason := e.Reason\n",
	},
	{
		"a missing scope counts as a temporary error", "internal/openapi/codes.go",
		"	99991672: cause.Scope, ",
		"	99991672: cause.API, ",
	},
	{
		"an HTTP 401 with a code that nobody knows keeps the access token (F48)", "internal/openapi/codes.go",
		"(status == http.StatusUnauthorized || firstTokenCode",
		"(status == http.StatusUnauthorized && false || firstTokenCode",
	},
	{
		"an HTTP 401 without a code keeps the access token (F48)", "internal/openapi/errors.go",
		"	case res.Status == http.StatusUnauthorized && e.Operation == OpList:\n",
		"	case false:\n",
	},
	{
		"an HTTP 401 whose body cannot be read keeps the access token (F48)", "internal/openapi/errors.go",
		"	if operation == OpList && res.Status == http.StatusUnauthorized {\n",
		"	if false {\n",
	},
	{
		"a token whose life is written as text is thought to live for five minutes (F49)", "internal/openapi/token.go",
		"strconv.ParseFloat(strings.TrimSpace(text), 64)",
		"strconv.ParseFloat(text+\"s\", 64)",
	},
	{
		"a token inside of data is not found (F49)", "internal/openapi/token.go",
		"firstRaw(top.Token, inner.Token)",
		"firstRaw(top.Token)",
	},
	{
		"a code in quotes is none (F49)", "internal/entry/lenient.go",
		"	if text, ok = ParseText(text); !ok {\n",
		"	if ok = IsNumber(text); !ok {\n",
	},
	{
		"spans repeat what a server quotes (F39)", "internal/openapi/hush.go",
		"	return &hushedError{err, cleanText(err.Error(), secrets...)}\n",
		"	_ = secrets\n	return &hushedError{err, err.Error()}\n",
	},
	{
		"a credential may cross the network in the clear (F39)", "internal/openapi/endpoint.go",
		"	case u.Scheme == \"http\" && !IsLoopback(u.Hostname()):\n",
		"	case false:\n",
	},
	{
		"a walk that has to hurry waits until bursts are allowed again (F14)", "internal/pace/pace.go",
		"n >= 0 && inARow == 0 {\n",
		"n >= 0 {\n",
	},
	{
		"calls are made before every receiver has reported those it remembers (F17)", "internal/pace/pace.go",
		"	if p.beginning > 0 {\n",
		"	if false {\n",
	},
	{
		"one call in a minute too many (F17)", "internal/pace/pace.go",
		"p.limit) - 1; n >= 0 {\n",
		"p.limit) - 2; n >= 0 {\n",
	},
	{
		"the first of several urgent calls waits for itself only (F47)", "internal/pace/pace.go",
		"min(max(1, inARow), p.limit) - 1;",
		"0;",
	},
	{
		"the wait that the server asks for is ignored (F16)", "internal/pace/pace.go",
		"	p.paused = latest(p.paused, time.Now().Add(d))\n",
		"",
	},
	{
		"the wait for the server counts as one for our pace (F37)", "internal/pace/pace.go",
		"time.Since(latest(then, p.paused))",
		"time.Since(then)",
	},
	{
		"receivers with one credential do not share a pace (F17)", "internal/pace/registry.go",
		"	p, ok := s.by[key]\n",
		"	p, ok := s.by[key]\n	ok = false\n",
	},
}
