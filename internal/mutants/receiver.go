// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// receiverMutants break the component itself: its configuration and its terms.
var receiverMutants = []mutant{
	{
		"Start fetches a token (F22)", "receiver.go",
		"	if leader == nil {\n		r.terms.Begin(context.Background())",
		"	if req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, r.cfg.ClientConfig.Endpoint+openapi.TokenPath, http.NoBody); err == nil {\n		if res, err := r.http.Do(req); err == nil {\n			_ = res.Body.Close()\n		}\n	}\n	if leader == nil {\n		r.terms.Begin(context.Background())",
	},
	{
		"a replica that is no longer elected keeps reporting its problem (F38)", "receiver.go",
		"	if !r.terms.Closed() { // another replica was elected\n",
		"	if false {\n",
	},
	{
		"a call without a time limit can be configured (F20)", "internal/openapi/validate.go",
		"	case cfg.Timeout <= 0:\n",
		"	case cfg.Timeout < 0:\n",
	},
	{
		"more filters than the API takes are accepted", "config.go",
		"n > maxFilterAPIKeys {",
		"n > 2*maxFilterAPIKeys {",
	},
	{
		"an authenticator that replaces the access token is accepted (F66)", "internal/openapi/validate.go",
		"	if cfg.Auth.HasValue() {\n",
		"	if false {\n",
	},
	{
		"a header that leaves answers compressed is accepted (F66)", "internal/openapi/validate.go",
		"	case ok:\n		return reserved\n",
		"	case ok && reserved == \"\":\n		return reserved\n",
	},
	{
		"an invisible character in a credential is accepted (F66)", "internal/openapi/credential.go",
		"		case !unicode.IsPrint(r):\n",
		"		case unicode.IsControl(r):\n",
	},
	{
		"a placeholder is accepted as a credential (F66)", "internal/openapi/credential.go",
		"func IsPlaceholder(s string) bool { return placeholder.MatchString(s) }",
		"func IsPlaceholder(s string) bool { return s == \"\" && placeholder.MatchString(s) }",
	},
	{
		"a path may hold nothing but what a host may (F66)", "internal/openapi/credential.go",
		"		case r == ' ' && path:\n",
		"",
	},
	{
		"two spellings of an endpoint have a pace each (F67)", "internal/pace/registry.go",
		"	key := paceKey{CanonicalEndpoint(endpoint), appID}\n",
		"	key := paceKey{endpoint, appID}\n",
	},
	{
		"a checkpoint belongs to the spelling of its endpoint (F67)", "internal/checkpoint/checkpoint.go",
		"	return pace.CanonicalEndpoint(q.Endpoint) == pace.CanonicalEndpoint(other.Endpoint) &&",
		"	return q.Endpoint == other.Endpoint &&",
	},
	{
		"a pipeline that hangs is not watched (F59)", "receiver.go",
		"			Next:    watchedPipeline{r.next, watch},\n",
		"			Next:    r.next,\n",
	},
	{
		"a storage that hangs is not watched (F59)", "internal/checkpoint/guard.go",
		"	defer g.waits(what + \" \" + g.place)()\n",
		"",
	},
	{
		"a long wait whose status cannot be shown yet is never shown (F59)", "internal/report/watch.go",
		"	if !shown {\n",
		"	if !shown && false {\n",
	},
	{
		"the end of a long wait is not logged (F59)", "internal/report/watch.go",
		"	if x.logged {\n",
		"	if false {\n",
	},
	{
		"a try after slow failures is reported only when it has taken 30 s itself (F59)", "internal/report/watch.go",
		"	if h.continues(x) && h.streak.firstSent.Before(since) {\n		since = h",
		"	if false {\n		since = h",
	},
	{
		"a success does not end slow failures (F59)", "internal/report/watch.go",
		"	if left := time.Until(w.Health.tellAt(x)); left > 0 {",
		"	if left := time.Until(w.Health.tellAt(x)); false {",
	},
	{
		"a next try that is more than 30 s away is not reported (F59)", "internal/report/health.go",
		" || lasts > LongWait ||",
		" || lasts > time.Hour ||",
	},
	{
		"a slow backend is logged with every page (F59)", "internal/report/watch.go",
		"	if logged = !h.waits[c]; logged {\n",
		"	if logged = true; logged {\n",
	},
	{
		"Shutdown does not wait for a term that somebody else ends (F63)", "internal/term/term.go",
		"	t := s.last\n	s.mu.Unlock()\n",
		"	t := s.last\n	s.last = nil\n	s.mu.Unlock()\n",
	},
	{
		"a term does not wait for the one before (F63)", "receiver.go",
		"		<-before\n",
		"",
	},
	{
		"a page of many batches is delivered after the end of the term (F64)", "internal/poll/handover.go",
		"	for ctx.Err() == nil {\n",
		"	for range 1000 {\n",
	},
	{
		"a replica that may be elected again reports a permanent status (F65)", "receiver.go",
		"		GoesOn: r.cfg.K8sLeaderElector != nil,\n",
		"",
	},
	{
		"a storage that panicked is opened again in the next term (F32)", "receiver.go",
		"		err := r.panicked //",
		"		var err error //",
	},
	{
		"the limit that the server names is not learned (F50)", "internal/pace/learn.go",
		"	case limit > 0 && limit < p.limit && l.credible(limit):\n",
		"	case false:\n",
	},
	{
		"two refusals after as many calls teach nothing (F50)", "internal/pace/learn.go",
		"	case agrees && n < p.limit:\n",
		"	case false:\n",
	},
	{
		"a learned limit stays (F50)", "internal/pace/learn.go",
		"		l.limit = max(l.limit+1, l.limit*5/4)\n",
		"",
	},
	{
		"a step up that was refused is tried again as soon (F50)", "internal/pace/learn.go",
		"		l.probe = min(2*l.probe, lastProbe)\n",
		"		l.probe = firstProbe\n",
	},
	{
		"what was learned ends with the process (F50)", "internal/pace/remember.go",
		"	if calls.Limit > 0 && p.learned.limit == 0 {\n",
		"	if false {\n",
	},
	{
		"an urgent call waits for another receiver's ordinary one (F68)", "internal/pace/pace.go",
		"		turn = p.urgent\n",
		"",
	},
	{
		"ordinary calls wait for urgent ones without an end (F68)", "internal/pace/pace.go",
		"	case inARow > 0 && patient:\n",
		"	case false:\n",
	},
	{
		"the limit of a receiver that is gone stays (F68)", "internal/pace/pace.go",
		"		delete(p.joined, n)\n",
		"",
	},
	{
		"this process's own calls are loaded on top (F68)", "internal/pace/remember.go",
		"	if calls.By == p.id {\n",
		"	if false {\n",
	},
	{
		"two replicas that loaded one position both write (F34)", "internal/checkpoint/store.go",
		" || c.Term == s.term && c.Holder != s.holder {\n",
		" {\n",
	},
	{
		"refusals by chance are taken for a limit (F50)", "internal/pace/learn.go",
		"	case l.chances.are(now): // fewer calls would not help\n",
		"",
	},
}
