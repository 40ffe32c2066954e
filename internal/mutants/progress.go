// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// progressMutants break what keeps reading going after any kind of failure.
var progressMutants = []mutant{
	{
		"a window whose scroll cursor always ends early is never shortened (F43)", "internal/plan/walk.go",
		"	case w.restarts <= 1:\n",
		"	case true:\n",
	},
	{
		"windows of a second are left as late as longer ones (F40)", "internal/plan/length.go",
		"		s.trialAfter = firstTightTrial\n",
		"		s.trialAfter = firstTrial\n",
	},
	{
		"a page token that is refused after each last page stops the log (F44)", "internal/plan/paging.go",
		"	if s.elapsed-s.noEndSince < PatienceFailing || s.refusedEnds < minOpenEnds {\n",
		"	if true {\n",
	},
	{
		"a refused page token is the end of a window at once (F44)", "internal/plan/paging.go",
		"	if s.elapsed-s.noEndSince < PatienceFailing || s.refusedEnds < minOpenEnds {\n",
		"	if false {\n",
	},
	{
		"a refused page token is the end of a window though the page may be one of several (F44)", "internal/plan/paging.go",
		"min(w.pageSize, s.leastInner, ",
		"min(w.pageSize, ",
	},
	{
		"a refused page token is the end of a window though the page may hold no more (F44)", "internal/plan/paging.go",
		", max(s.mostShort, leastPage)) {\n",
		") {\n",
	},
	{
		"an API that never marks a page as the last is never read (F13)", "internal/plan/paging.go",
		" && s.elapsed-s.noEndSince >= PatienceRefused\n",
		" && false\n",
	},
	{
		"a page without a way to the next is the last at once (F44)", "internal/plan/paging.go",
		" && s.elapsed-s.noEndSince >= PatienceRefused\n",
		"\n",
	},
	{
		"pages that were the last of other windows prove nothing (F44)", "internal/plan/paging.go",
		"{ s.noEndSince, s.openEnds, s.refusedEnds = 0, 0, 0 }",
		"{}",
	},
	{
		"a window of a minute is tried although only shorter ones are accepted (F40)", "internal/plan/length.go",
		"s.tight >= tightWindows",
		"false",
	},
	{
		"what fails is not set aside (F40)", "internal/plan/failing.go",
		"\treturn s.setAside(w, elapsed)\n}\n",
		"\treturn Again\n}\n",
	},
	{
		"a page that fails is not divided unless the API refuses it by its code (F40)", "internal/plan/failing.go",
		"(f.Refused || f.BadPage || x.proven > 0) && s.isolates(w):\n",
		"f.Refused && s.isolates(w):\n",
	},
	{
		"a range is skipped as soon as it is set aside (F40)", "internal/plan/unreadable.go",
		"x.proven >= proofs && elapsed-x.asideAt >= wait\n",
		"x.proven >= proofs || wait == 0\n",
	},
	{
		"a range is skipped though nothing else is answered (F40)", "internal/plan/unreadable.go",
		"x.proven >= proofs && elapsed-x.asideAt >= wait\n",
		"proofs > 0 && elapsed-x.asideAt >= wait\n",
	},
	{
		"a lost answer of a scroll cursor is requested again (F43)", "internal/plan/paging.go",
		"\t\tif w.lost {\n",
		"\t\tif false {\n",
	},
	{
		"a scroll cursor is not noticed (F43)", "internal/plan/paging.go",
		"\t\tw.scroll = true\n",
		"",
	},
	{
		"a window at the edge of retention is read once only (F47)", "internal/plan/paging.go",
		"\t\tif s.mayHaveShifted(w) {\n",
		"\t\tif false {\n",
	},
	{
		"the next window does not fit into what the last got through (F51)", "internal/plan/length.go",
		"\ts.wanted = fitting(s.reach)\n}\n\n// fitting",
		"\t_ = s.wanted\n}\n\n// fitting",
	},
	{
		"longer windows are tried late after the first page token that was refused (F51)", "internal/plan/plan.go",
		"trialFits:  firstFits,",
		"trialFits:  mostFits,",
	},
	{
		"longer windows are tried as often where page tokens do expire (F51)", "internal/plan/length.go",
		"\t\ts.trialFits = min(2*s.trialFits, mostFits)\n",
		"",
	},
	{
		"windows are read concurrently however fast the answers are (F52)", "internal/poll/width.go",
		"\treturn min(1+int(used), p.set.MaxConcurrentWalks)\n",
		"\treturn max(int(used)*0, p.set.MaxConcurrentWalks)\n",
	},
	{
		"windows are never read concurrently (F52)", "internal/poll/width.go",
		"\treturn min(1+int(used), p.set.MaxConcurrentWalks)\n",
		"\treturn min(1+int(used)*0, p.set.MaxConcurrentWalks)\n",
	},
	{
		"a single failure waits as long as the first of many (F44)", "internal/poll/delays.go",
		"\tif d.quick > 0 {\n\t\twait :=",
		"\tif d.quick > 100 {\n\t\twait :=",
	},
	{
		"a scroll cursor whose first page was lost is read to its end (F43)", "internal/plan/paging.go",
		"\t\tif w.lost && !w.renews && w.token != \"\" {\n",
		"\t\tif false {\n",
	},
	{
		"repeated pages are never believed to be all (F45)", "internal/plan/walk.go",
		"w.repeats >= believeAfter\n",
		"false && w.repeats >= believeAfter\n",
	},
	{
		"how much longer ids are needed is forgotten in a restart (F46)", "internal/plan/plan.go",
		"\ts.early, s.earlyUntil = old.Early[0], old.Early[1]\n",
		"",
	},
	{
		"a range that failed for its length is taken for one that is not shown (F8)", "internal/poll/retention.go",
		"\tcase ok: // the range failed",
		"\tcase ok && false: // the range failed",
	},
	{
		"a recheck waits for half of its time, however long that is (F8)", "internal/plan/kept.go",
		"\tstep := min(k.lateness(recheck)/2, maxStep)\n",
		"\tstep := k.lateness(recheck) / 2\n",
	},
	{
		"rechecks continue to request time that the API has refused for its age (F8)", "internal/plan/kept.go",
		"\treturn min(recheck, k.seconds-k.spare())\n",
		"\treturn recheck\n",
	},
	{
		"answers that do not say whether more follow prove that a range fails which is answered so (F45)", "internal/plan/failing.go",
		"\tif s.said > x.said || s.answers > x.answers && !f.Unsaid {\n",
		"\tif s.answers > x.answers {\n",
	},
	{
		"a range is skipped though its end was refused in a long window only (F8)", "internal/plan/unreadable.go",
		"last.seconds() > 1 && !u.Open {\n",
		"last.seconds() > 1<<40 {\n",
	},
	{
		"a second is skipped for failing as everything else does (F40)", "internal/plan/unreadable.go",
		" && !s.byChance(list[n]) {\n",
		" {\n",
	},
	{
		"a code that lasts holds back everything, although it is about one range (F40)", "internal/poll/failure.go",
		"		verdict = plan.Doubtful // its time range",
		"		_ = plan.Doubtful // its time range",
	},
	{
		"an unreadable range is looked at second by second from its end (F8)", "internal/plan/unreadable.go",
		"			case n < len(list) && list[n].failing.endOfRange: // its outcome is needed first\n",
		"",
	},
	{
		"an unreadable range is skipped in the parts that have failed for long enough (F8)", "internal/plan/unreadable.go",
		"		if n < min(len(list), maxAside) && list[n].soonHopeless() {\n",
		"		if false {\n",
	},
	{
		"the end of an unreadable range has to fail for as long again (F8)", "internal/plan/unreadable.go",
		"	if follows && x.endOfRange {\n",
		"	if false {\n",
	},
	{
		"pages that do not arrive are never asked for in smaller ones (F40)", "internal/plan/failing.go",
		"n > 0 {\n		w.pageSize",
		"n > 9 {\n		w.pageSize",
	},
	{
		"a page token that was used shortens its window (F45)", "internal/plan/failing.go",
		"w.restarts < maxUnsaid {\n",
		"false {\n",
	},
	{
		"a second is read at the pace of other calls, however short its page tokens live (F47)", "internal/plan/walk.go",
		"	case w.seconds() == 1 && w.restarts > 0 && w.token == \"\":\n",
		"	case false:\n",
	},
	{
		"a begin by the server's clock is waited for by ours (F42)", "internal/poll/begin.go",
		"	p.Clock.StartAt(at.Add(p.set.InitialLookback + time.Since(p.begin.since))) // if our clock were behind, there would be nothing to request\n",
		"",
	},
	{
		"the position moves past a held entry of the seconds that windows share (F54)", "internal/poll/deliver.go",
		"readable && from-plan.Overlap <= at",
		"readable && from <= at",
	},
	{
		"what a rate limit refuses is skipped like what is refused (F50)", "internal/plan/unreadable.go",
		"\tcase x.deep || x.proven-x.limited < proofs:\n",
		"\tcase x.deep:\n",
	},
	{
		"parts of one range that fails are skipped one by one (F40)", "internal/plan/unreadable.go",
		"\t\twait /= 2\n",
		"",
	},
	{
		"what was concluded from refusals by chance stays (F50)", "internal/pace/learn.go",
		"\tl.limit, l.raised, l.probe = 0, false, firstProbe\n",
		"\tl.probe = firstProbe\n",
	},
	{
		"one refusal of a time range by chance shortens its window (F44)", "internal/plan/failing.go",
		"\tfailuresRefused       = 2\n",
		"\tfailuresRefused       = 1\n",
	},
	{
		"a single failure of a kind that lasts waits for long (F44)", "internal/poll/delays.go",
		"\tif d.quick > 0 {\n\t\treturn d.passing()",
		"\tif d.quick > 100 {\n\t\treturn d.passing()",
	},
	{
		"one page token that is repeated once makes a scroll cursor (F43)", "internal/plan/paging.go",
		"\tif p.Token == w.token && !w.renews {\n",
		"\tif p.Token == w.token {\n",
	},
	{
		"calls that get no answer do not count as slow (F52)", "internal/poll/poller.go",
		"\t\t\tp.noteLatency(api.Took)\n",
		"",
	},
	{
		"a refusal by the rate limit holds back nothing where its walk is set aside (F16)", "internal/poll/failure.go",
		"\tif api.Class == cause.ClassRateLimited {\n\t\tpaused",
		"\tif api.Class == cause.ClassRateLimited && verdict == plan.Again {\n\t\tpaused",
	},
}
