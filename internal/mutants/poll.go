// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// pollMutants break the loop of a term: delivery, failures, retention.
var pollMutants = []mutant{
	{
		"the rate limit hides time from the search for the oldest time (F8)", "internal/poll/retention.go",
		"			if api.Class == cause.ClassRateLimited {\n",
		"			if false {\n",
	},
	{
		"where next to no calls are allowed, a walk is always before the call for the present (F50)", "internal/poll/probe.go",
		"	if p.repeated = throttled && !p.repeated; p.repeated {\n",
		"	if false {\n",
	},
	{
		"the watermark moves before the pipeline has accepted the page (F24)", "internal/poll/poller.go",
		"	out, err := p.deliver(ctx, w, r)\n",
		"	if !r.page.HasMore {\n		_, _ = p.sched.Turn(w, plan.Page{IDs: r.page.IDs()})\n		_ = p.commit(ctx, nil)\n	}\n	out, err := p.deliver(ctx, w, r)\n",
	},
	{
		"a walk continues although the server's clock was set back (F9)", "internal/poll/poller.go",
		"	if setBack {\n",
		"	if setBack && false {\n",
	},
	{
		"the page's length decides instead of has_more (F12)", "internal/poll/poller.go",
		"\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})\n",
		"\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: len(r.page.Entries) >= p.set.PageSize, Token: r.page.PageToken})\n",
	},
	{
		"an empty page is the end (F11)", "internal/poll/poller.go",
		"\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})\n",
		"\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore && len(r.page.Entries) > 0, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})\n",
	},
	{
		"the watermark follows the newest entry of a page (F5)", "internal/poll/poller.go",
		"\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})\n",
		"\tfor i := range r.page.Entries {\n\t\t_, _, to := w.Span()\n\t\tif at, ok := r.page.Entries[i].EventTime(); ok && at < to {\n\t\t\tnow := p.sched.Snapshot()\n\t\t\tnow.Marks[0], now.Length = max(now.Marks[0], at), 2*now.Length\n\t\t\tp.sched.Restore(now)\n\t\t}\n\t}\n\tstep, fault := p.sched.Turn(w, plan.Page{IDs: r.page.IDs(), New: out.taken, Oldest: oldest(r.page), More: r.page.HasMore, Unsaid: !r.page.SaysMore, Token: r.page.PageToken})\n",
	},
	{
		"all pages of a walk are held back until its last (F25)", "internal/poll/poller.go",
		"func (p *Poller) handle(ctx context.Context, r result) error {\n	w := r.walk\n",
		"var held []entry.Entry\n\nfunc (p *Poller) handle(ctx context.Context, r result) error {\n	w := r.walk\n	if r.err == nil {\n		held = append(held, r.page.Entries...)\n		r.page.Entries = nil\n		if !r.page.HasMore {\n			r.page.Entries, held = held, nil\n		}\n	}\n",
	},
	{
		"an error ends the poller (F20)", "internal/poll/poller.go",
		"		return p.noteFailure(ctx, r)\n",
		"		return r.err\n",
	},
	{
		"one concurrent walk more than configured is read (F29)", "internal/poll/poller.go",
		"min(wide+p.sched.AsideInFlight(), p.set.MaxConcurrentWalks) {\n",
		"min(wide+p.sched.AsideInFlight(), p.set.MaxConcurrentWalks) + 1 {\n",
	},
	{
		"a result waits though it has arrived before the tick", "internal/poll/poller.go",
		"	select {\n	case r := <-p.results:\n		return &r, nil\n	default:\n	}\n",
		"",
	},
	{
		"a page's ids are written down with the last page of its walk only (F6)", "internal/poll/poller.go",
		"\tif len(keys) > 0 || step == plan.Finished {\n",
		"\tif step == plan.Finished {\n",
	},
	{
		"a window without a new entry is not written down (F10)", "internal/poll/poller.go",
		"\tif len(keys) > 0 || step == plan.Finished {\n",
		"\tif len(keys) > 0 {\n",
	},
	{
		"a lost page counts as a success (F38)", "internal/poll/poller.go",
		"step == plan.Finished) && out.lost == 0 {\n",
		"step == plan.Finished) && out.lost >= 0 {\n",
	},
	{
		"each page counts as a walk that was finished (F37)", "internal/poll/poller.go",
		"\tcase plan.Finished:\n\t\tp.Tel.Gauges.NoteWalk()\n\t}\n",
		"\t}\n\tp.Tel.Gauges.NoteWalk()\n",
	},
	{
		"the checkpoint is not written (F30)", "internal/poll/deliver.go",
		"		err := p.Store.Save(writing, now, keys, forgettable)\n",
		"		var err error\n		_, _, _ = writing, now, forgettable\n",
	},
	{
		"a page that was accepted while the receiver ends is not committed (F35)", "internal/poll/deliver.go",
		"	lasting, done := outlive(ctx, checkpoint.CommitGrace)\n",
		"	lasting, done := context.WithCancel(ctx)\n",
	},
	{
		"the part of a page that was taken before the end is forgotten", "internal/poll/deliver.go",
		"	p.remember(out.keys)\n	return out, err\n",
		"	if err != nil {\n		out.keys = nil\n	}\n	p.remember(out.keys)\n	return out, err\n",
	},
	{
		"an entry that is twice in one page is delivered twice", "internal/poll/deliver.go",
		"		_, twice := inPage[k]\n",
		"		twice := false\n",
	},
	{
		"one odd entry drops its page (F26)", "internal/poll/deliver.go",
		"		at, readable := it.EventTime()\n		if readable && p.sched.Outside(at) {\n",
		"		if it.Malformed() {\n			return delivery{}, nil\n		}\n		at, readable := it.EventTime()\n		if readable && p.sched.Outside(at) {\n",
	},
	{
		"the first position is not written before the first page", "internal/poll/resume.go",
		"	return p.commit(ctx, nil)\n}\n\n// ceilSeconds rounds",
		"	return nil\n}\n\n// ceilSeconds rounds",
	},
	{
		"initial_lookback starts by our own clock (F9)", "internal/poll/begin.go",
		"	p.sched.BeginAt(max(0, at.Unix()))\n",
		"",
	},
	{
		"one Date moves the begin (F42)", "internal/poll/begin.go",
		"	case !before.IsZero() && before.Sub(at).Abs() <= openapi.DateTolerance:\n",
		"	case before.IsZero():\n		before = at\n",
	},
	{
		"two Dates move the begin, whatever entries show (F42)", "internal/poll/begin.go",
		"	case ahead.Abs() > openapi.DisputedFrom:\n",
		"	case false:\n",
	},
	{
		"the begin is decided without the entries before the earlier clock (F42)", "internal/poll/clocks.go",
		"	case len(c.after)+len(seconds) > 0:\n",
		"	case len(c.after) > 0:\n",
	},
	{
		"nobody asks what entries show about two clocks (F42)", "internal/poll/clocks.go",
		"		p.clocks.due, p.clocks.before, p.clocks.failed = true, false, 0\n",
		"",
	},
	{
		"wrong Dates hold back the watermarks (F42)", "internal/poll/poller.go",
		" && !p.Clock.FollowsHost() {",
		" {",
	},
	{
		"any two Dates move the begin (F42)", "internal/poll/begin.go",
		"!before.IsZero() && before.Sub(at).Abs() <= openapi.DateTolerance",
		"!before.IsZero()",
	},
	{
		"a begin from which nothing was read is a position (F41)", "internal/poll/begin.go",
		"stored == nil || !stored.Position().Read()",
		"stored == nil",
	},
	{
		"the first start is forgotten where nothing was read (F41)", "internal/poll/begin.go",
		"		first = stored.Origin\n",
		"		_ = stored.Origin\n		return now.Add(-p.set.InitialLookback).Unix()\n",
	},
	{
		"a first start years ago is believed by our clock alone (F41)", "internal/poll/begin.go",
		"(ago < 0 || ago > maxUnproven)",
		"ago < 0",
	},
	{
		"an export is not given another range (F41)", "internal/poll/begin.go",
		"	case end == 0, at > stored.Begin && at <= first:\n",
		"	case at > 0:\n",
	},
	{
		"a start_time that is ignored is not logged (F41)", "internal/poll/resume.go",
		"	if from.mismatch {\n",
		"	if false {\n",
	},
	{
		"an export without a second is complete (F41)", "internal/poll/resume.go",
		"		p.told.complete = true // nothing is complete, so nothing is reported\n",
		"",
	},
	{
		"nothing is asked for while our clock is behind what was read (F41)", "internal/poll/resume.go",
		"		p.Clock.StartAt(time.Unix(now.Marks[0]+1, 0))\n",
		"",
	},
	{
		"the calls of the last process are forgotten (F17)", "internal/poll/resume.go",
		"	p.Remembers(calls)\n",
		"	_ = calls\n	p.Remembers(pace.Remembered{})\n",
	},
	{
		"time beyond the API's retention blocks the receiver (F8)", "internal/poll/retention.go",
		"\tu, ok := p.sched.Unreadable(p.elapsed())\n\tif !ok {\n",
		"\tu, ok := p.sched.Unreadable(p.elapsed())\n\tif ok = false; !ok {\n",
	},
	{
		"time is skipped though the API refuses everything (F8)", "internal/poll/retention.go",
		"	if ok, err := shown(to); err != nil || !ok || to <= refused {\n",
		"	if ok, err := shown(to); err == nil && !ok {\n		p.sched.Skip(from, to)\n		p.Logger.Error(\"Skipping a time range that the API does not return\")\n		return true, p.commit(ctx, nil)\n	} else if err != nil || to <= refused {\n",
	},
	{
		"the call after a skipped range is delayed by refusals of other walks (F8)", "internal/poll/retention.go",
		"	p.notBefore = time.Time{}\n	p.delays.reset()\n",
		"",
	},
	{
		"skipped time is not counted (F37)", "internal/poll/retention.go",
		"\tp.Tel.CountSkipped(u.To - u.From)\n",
		"",
	},
	{
		"the search for the oldest time takes no time (F8)", "internal/poll/retention.go",
		"			return now - age + 2*(p.Clock.Now().Unix()-now), nil",
		"			return first + RefusalMargin, nil",
	},
	{
		"how old the oldest time that the API shows is is not searched for (F8)", "internal/poll/retention.go",
		"hidden-seen <= edgeAccuracy",
		"true",
	},
	{
		"the time that is resumed at is as old as what is refused (F8)", "internal/poll/retention.go",
		"			seen = age\n",
		"			hidden = age\n",
	},
	{
		"what lies between two clocks is asked for at once, however long it is (F42)", "internal/poll/clocks.go",
		"			c.halved = min(c.halved+1, 24)\n",
		"",
	},
	{
		"what was read by a clock that no Date confirms counts (F42)", "internal/poll/poller.go",
		"w.Request().Token == \"\" && p.Clock.Unconfirmed()",
		"false",
	},
	{
		"a range that is refused whatever its age costs as much time as its search takes (F8)", "internal/poll/retention.go",
		"	case ok:\n	case alone:\n",
		"	case ok && alone:\n	case alone:\n",
	},
	{
		"a range is skipped without checking that it is still refused (F8)", "internal/poll/retention.go",
		"\tfor range refusalProofs {\n\t\tif ok, err := shown(refused)",
		"\tfor range 0 {\n\t\tif ok, err := shown(refused)",
	},
	{
		"a failed call finishes its walk (F18)", "internal/poll/failure.go",
		"	default:\n		wait = max(p.passing(api.Cause), api.Wait)\n",
		"	default:\n		if r.walk != nil {\n			_, _ = p.sched.Turn(r.walk, plan.Page{IDs: func(func(string) bool) {}})\n		}\n		wait = max(p.passing(api.Cause), api.Wait)\n",
	},
	{
		"a failed call restarts the walk (F15)", "internal/poll/failure.go",
		"	default:\n		wait = max(p.passing(api.Cause), api.Wait)\n",
		"	default:\n		if r.walk != nil {\n			p.sched.Restart(r.walk, r.err)\n		}\n		wait = max(p.passing(api.Cause), api.Wait)\n",
	},
	{
		"no wait after a failed call (F19)", "internal/poll/failure.go",
		"	p.notBefore = later(p.notBefore, time.Now().Add(wait))\n	p.Health.NoteFailure(api.Cause",
		"	p.Health.NoteFailure(api.Cause",
	},
	{
		"every concurrent call counts as a failure of its own", "internal/poll/failure.go",
		"	if api.Class != cause.ClassParameter && r.asked.Before(p.failedAt) {\n",
		"	if false {\n",
	},
	{
		"the wait that a gateway asks for is ignored (F16)", "internal/poll/failure.go",
		"wait = max(p.passing(api.Cause), api.Wait)",
		"wait = p.delays.passing()",
	},
}
