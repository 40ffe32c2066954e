// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// operatorMutants break what the operator sees.
var operatorMutants = []mutant{
	{
		"a problem is logged again with every failure (F38)", "internal/report/health.go",
		"	if c == h.reported {\n		h.lastMet = time.Now()\n	}\n",
		"",
	},
	{
		"recovery is not reported (F38)", "internal/report/health.go",
		"	if h.state != well {",
		"	if false {",
	},
	{
		"the collector ignores a cause that follows another (F38)", "internal/report/health.go",
		"	if h.reported != \"\" {\n		// The",
		"	if false {\n		// The",
	},
	{
		"alternating failures are logged with every change (F38)", "internal/report/health.go",
		"	return time.Since(h.lastMet) < h.calm\n",
		"	return c == h.reported\n",
	},
	{
		"a problem counts as over with the first success (F38)", "internal/report/health.go",
		"	if at := h.settlesAt(); at.IsZero() || time.Now().Before(at) {\n",
		"	if at := h.settlesAt(); at.IsZero() {\n",
	},
	{
		"a problem that returns counts as over as soon as the first one did (F38)", "internal/report/health.go",
		"		h.calm = min(3*h.calm, CalmAtMost*h.First)\n",
		"",
	},
	{
		"a problem with rare failures is logged only after three of them (F38)", "internal/report/health.go",
		" || elapsed >= longPatience",
		"",
	},
	{
		"a pipeline that refuses three times is not reported (F38)", "internal/report/health.go",
		"		patience = waitingPatience\n",
		"		_ = waitingPatience\n",
	},
	{
		"a failure that is sure to last is not reported (F38)", "internal/report/health.go",
		"		h.streak.ofCause >= 2 && lasts >= longPatience || h",
		"		h",
	},
	{
		"the metric trouble is not cleared (F37)", "internal/report/health.go",
		"	h.Gauges.problem(\"\", time.Time{})\n",
		"",
	},
	{
		"held_age is that of the newest entry (F37)", "internal/handover/queue.go",
		"r.batch.added.Before(oldest)",
		"r.batch.added.After(oldest)",
	},
	{
		"held_age leaves out what the pipeline has not answered (F37)", "internal/poll/handover.go",
		"	p.Tel.Gauges.SetOldest(p.Pipe.queue.OldestSince())\n	for ctx.Err() == nil {\n",
		"	for ctx.Err() == nil {\n",
	},
	{
		"held_age outlasts its term (F37)", "internal/report/gauges.go",
		"	g.at, g.cause, g.held, g.oldest = Progress{}, \"\", 0, time.Time{}\n",
		"	g.at, g.cause, g.held = Progress{}, \"\", 0\n",
	},
	{
		"lag counts only what could have been read (F37)", "internal/report/gauges.go",
		"return p.before(now, pass) }",
		"return p.before(now-p.Recheck[pass], pass) }",
	},
	{
		"lag does not grow while nothing is read (F37)", "internal/report/gauges.go",
		"			now := g.clock.Now().Unix()\n",
		"			now := g.walked.Unix()\n",
	},
	{
		"what is set aside is not shown (F40)", "internal/poll/poller.go",
		", Aside: p.sched.AsideSeconds()})",
		"})",
	},
	{
		"what the pipeline has refused and not taken is not shown (F53)", "internal/poll/handover.go",
		"	p.Tel.Gauges.SetHeld(p.Pipe.queue.Held())\n",
		"",
	},
}
