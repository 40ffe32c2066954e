// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// planMutants break the decision which page to request next.
var planMutants = []mutant{
	{
		"an API that refuses the newest time is taken for one that limits the length of windows (F19)", "internal/plan/length.go",
		"	if s.newest.mayBeRefused(age) {\n",
		"	if false {\n",
	},
	{
		"the newest time is requested with each poll, however often it is refused (F19)", "internal/plan/newest.go",
		"	return n.ends\n",
		"	return 0\n",
	},
	{
		"a newest time that is answered again stays unread for minutes (F19)", "internal/plan/newest.go",
		"		n.refusals, n.ends = 0, 0\n",
		"",
	},
	{
		"what a page added is not remembered (F33)", "internal/plan/plan.go",
		"		s.seen.Add(k)\n",
		"		_ = k\n",
	},
	{
		"the end of a window follows the clock while paging (F4)", "internal/plan/plan.go",
		"	w.inFlight = true\n",
		"	if w.pass == 0 {\n		w.to = max(w.to, now)\n	}\n	w.inFlight = true\n",
	},
	{
		"the time of a walk is that of its last page (F1)", "internal/plan/plan.go",
		"	if w.pages == 0 {\n		w.asOf, w.once = ",
		"	if w.asOf = now; w.pages == 0 {\n		w.asOf, w.once = ",
	},
	{
		"late entries that a fresh window finds are not counted (F37)", "internal/plan/plan.go",
		"	if second >= s.pos.marks[0] || second < s.pos.begin {\n",
		"	if second >= s.pos.marks[s.pos.last()] || second < s.pos.begin {\n",
	},
	{
		"the first poll is one interval late (F36)", "internal/plan/plan.go",
		"		due:        true,\n",
		"		due:        false,\n",
	},
	{
		"no overlap of windows (F2)", "internal/plan/position.go",
		"const Overlap = 2\n",
		"const Overlap = 0\n",
	},
	{
		"one second of overlap too much is taken for the window's own", "internal/plan/position.go",
		"	before := eventTime < p.begin && eventTime >= p.begin-Overlap\n",
		"	before := false\n",
	},
	{
		"every pass follows the first one's watermark (F1)", "internal/plan/position.go",
		"max(p.marks[pass], min(w.to, asOf-p.lateness(pass)))",
		"max(p.marks[pass], w.to)",
	},
	{
		"the last recheck relies on several pages that were cut while entries appeared (F47)", "internal/plan/position.go",
		"	mixed := paged && last > 0 && w.from < edge && edge < w.to\n",
		"	mixed := false && w.from < edge\n",
	},
	{
		"what is read once and the newest time are read in one window (F47)", "internal/plan/schedule.go",
		"		return edge\n",
		"		return to\n",
	},
	{
		"watermarks do not move: > for >= (F10)", "internal/plan/position.go",
		"		if w.from <= p.marks[pass] {\n",
		"		if w.from < p.marks[pass] {\n",
	},
	{
		"a window moves watermarks that have not come to it", "internal/plan/position.go",
		"		if w.from <= p.marks[pass] {\n",
		"		if true {\n",
	},
	{
		"a changed recheck_after inherits from passes that read earlier (F31)", "internal/plan/position.go",
		"return old >= r })",
		"return old <= r })",
	},
	{
		"rechecks do not run (F1)", "internal/plan/schedule.go",
		"	if pass := s.mostOverdue(now); pass > 0 {\n",
		"	if pass := s.mostOverdue(now); pass < 0 {\n",
	},
	{
		"a walk that has to hurry does not go alone (F14)", "internal/plan/schedule.go",
		"\t\t\tif w.urgent && !w.finished && w.restarts <= maxAlone && !w.failing.aside {\n",
		"\t\t\tif w.urgent && false {\n",
	},
	{
		"a walk whose page tokens expire waits between its pages as long as others (F51)", "internal/plan/walk.go",
		"w.shortWaits < maxShortWaits {\n",
		"w.shortWaits < 0 {\n",
	},
	{
		"a walk whose page tokens expire waits for the storage as long as others (F51)", "internal/poll/failure.go",
		"	wait := p.passing(c)\n	p.Health.NoteFailure(c, err, began, wait)\n",
		"	wait := p.delays.passing()\n	p.Health.NoteFailure(c, err, began, wait)\n",
	},
	{
		"ids are forgotten once the first pass is past them (F33)", "internal/plan/finish.go",
		"	from := s.pos.marks[s.pos.last()]\n",
		"	from := s.pos.marks[0]\n",
	},
	{
		"ids are forgotten that a walk in flight may still return (F33)", "internal/plan/finish.go",
		"			from = min(from, w.from)\n",
		"			_ = w\n",
	},
	{
		"ids are never forgotten (F33)", "internal/plan/finish.go",
		"	s.seen.forgetBefore(s.Forgettable())\n",
		"",
	},
	{
		"walks wait on though others have read everything of them (F33)", "internal/plan/finish.go",
		"(list[0].finished || !list[0].inFlight && list[0].to <= s.pos.marks[pass])",
		"list[0].finished",
	},
	{
		"the span of a walk that is dropped stays open", "internal/plan/finish.go",
		"					s.end(first, ErrCovered)\n",
		"",
	},
	{
		"other walks continue while the last recheck waits for an answer (F33)", "internal/plan/schedule.go",
		"w != nil || s.isRead(last) {",
		"w != nil {",
	},
	{
		"while the last recheck waits for an answer, every few seconds cost a call", "internal/plan/schedule.go",
		"	if len(s.walks[last]) > 0 && s.overdue(last, now) < s.step(last) {\n",
		"	if false {\n",
	},
	{
		"a walk is dropped while its call is out", "internal/plan/finish.go",
		"(list[0].finished || !list[0].inFlight && list[0].to <= s.pos.marks[pass])",
		"(list[0].finished || list[0].to <= s.pos.marks[pass])",
	},
	{
		"a walk is dropped of which a part was read only (F6)", "internal/plan/finish.go",
		"(list[0].finished || !list[0].inFlight && list[0].to <= s.pos.marks[pass])",
		"(list[0].finished || !list[0].inFlight && list[0].from < s.pos.marks[pass])",
	},
	{
		"walks run ahead of one that keeps failing (F33)", "internal/plan/schedule.go",
		"if !s.due || s.pending() >= MaxPending*s.wide {",
		"if !s.due {",
	},
	{
		"an export makes one call for each of its last seconds", "internal/plan/schedule.go",
		"step = max(1, min(step, end-s.tail(pass)))",
		"step = 1",
	},
	{
		"a half of a window that was cut in two is dropped (F6)", "internal/plan/length.go",
		"		s.walks[w.pass] = slices.Insert(list, i+1, &Walk{window: rest, pass: w.pass})\n",
		"		_ = i\n",
	},
	{
		"windows are not shortened when the API refuses them", "internal/plan/length.go",
		"	if !s.halve(w) {\n		return false\n	}\n	if s.newest",
		"	if true {\n		return false\n	}\n	if s.newest",
	},
	{
		"windows do not grow again after a refusal (F6)", "internal/plan/length.go",
		"	} else if s.trial || now >= s.trialAt {\n",
		"	} else if false {\n",
	},
	{
		"the watermark follows the clock of a walk's first answer only (F9)", "internal/plan/walk.go",
		"		w.asOf = min(w.asOf, date)\n",
		"		if w.pages == 0 {\n			w.asOf = min(w.asOf, date)\n		}\n",
	},
	{
		"only a clock that is set back to before the end of the window restarts its walk (F9)", "internal/plan/walk.go",
		" && date < w.asOf-s.clockSlack",
		" && date < min(w.asOf, w.to)-s.clockSlack",
	},
	{
		"every answer restarts its walk (F9)", "internal/plan/walk.go",
		" && date < w.asOf-s.clockSlack",
		"",
	},
	{
		"pages without a new entry are not noticed (F13)", "internal/plan/paging.go",
		"\tcase !fresh && w.empty+1 >= maxEmptyPages:\n",
		"\tcase false:\n",
	},
	{
		"more pages than any window has are not noticed (F13)", "internal/plan/paging.go",
		"\tcase w.pages > s.maxPages:\n",
		"\tcase false:\n",
	},
	{
		"after a hundred pages a walk is taken for finished (F7)", "internal/plan/paging.go",
		"\tif !p.More {\n\t\tif w.lost",
		"\tif !p.More || w.pages >= 100 {\n\t\tif w.lost",
	},
	{
		"the same page token again is not noticed (F13)", "internal/plan/paging.go",
		"\tcase p.Token == w.token && !fresh:\n",
		"\tcase false:\n",
	},
	{
		"a refused page token stays in use (F14)", "internal/plan/walk.go",
		"	s.Restart(w, why)\n	w.urgent = true\n",
		"	_ = why\n	w.urgent = true\n",
	},
	{
		"getting beyond the first page again counts as progress (F14)", "internal/plan/paging.go",
		"w.further = fresh && w.pages > 1 && w.reach() > w.furthest; w.further {\n",
		"w.further = fresh && w.pages > 1; w.further {\n",
	},
	{
		"what a recheck was to read again is not, once that is taken out of the configuration (F45)", "internal/plan/position.go",
		"j >= 0 && i < p.last() {",
		"j >= 0 {",
	},
	{
		"a range that was read before is read again (F41)", "internal/plan/position.go",
		"			p.marks[pass] = p.covered.to\n",
		"			_ = pass\n",
	},
	{
		"a window reaches over a range that was read before (F41)", "internal/plan/position.go",
		"	if second < p.covered.from && (p.end == 0 || p.covered.from < p.end) {\n",
		"	if false {\n",
	},
	{
		"the first second of a range that was read before is delivered again (F41)", "internal/plan/position.go",
		"	return before || behind || covered\n",
		"	_ = covered\n	return before || behind\n",
	},
	{
		"no window counts as read for the last time (F45)", "internal/plan/position.go",
		"return w.from < p.readOnce(asOf) }",
		"return false }",
	},
	{
		"what an older build has remembered is not known (F46)", "internal/plan/seen.go",
		"s.has(k, k.hash) || s.byID >= noMinute && s.has(k, k.id)",
		"s.has(k, k.hash)",
	},
	{
		"an entry that comes before its window is forgotten as others are (F46)", "internal/plan/plan.go",
		"	s.early = min(max(",
		"	s.early = 0 * min(max(",
	},
	{
		"an entry is always known by its id alone (F46)", "internal/plan/seen.go",
		"s.has(k, k.hash) || s.byID >= noMinute && s.has(k, k.id)",
		"s.has(k, k.hash) || s.has(k, k.id)",
	},
	{
		"the same entry again counts as another one with its id (F46)", "internal/plan/sharedids.go",
		"place.identity != k.hash && ",
		"",
	},
	{
		"no entry is known from before (F3)", "internal/plan/seen.go",
		"func (s *Seen) Has(k Key) bool {\n",
		"func (s *Seen) Has(k Key) bool {\n	if true {\n		return false\n	}\n",
	},
	{
		"ids are forgotten a minute too early: <= for < (F33)", "internal/plan/seen.go",
		"	for m, set := range s.minutes {\n		if m < minute {\n",
		"	for m, set := range s.minutes {\n		if m <= minute {\n",
	},
	{
		"an entry without a readable time is not found again (F9)", "internal/plan/seen.go",
		"	_, ok := s.odd[hash]\n	return ok\n",
		"	return false\n",
	},
	{
		"an odd entry is not looked for among those of its minute (F3)", "internal/plan/seen.go",
		"	if set := s.minutes[k.at]; set != nil",
		"	if set := s.minutes[k.at]; !k.odd && set != nil",
	},
}
