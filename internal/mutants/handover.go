// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

// handoverMutants break the handling of records that the pipeline refuses.
var handoverMutants = []mutant{
	{
		"a permanent refusal is not divided (F53)", "internal/handover/answered.go",
		"	case len(permanent) > 0:\n		if q.limit",
		"	case false:\n		if q.limit",
	},
	{
		"the size that is taken is not remembered (F53)", "internal/handover/limit.go",
		"			l.most, l.every = d.largest, raiseFirst\n",
		"",
	},
	{
		"a limit of size is never raised (F53)", "internal/handover/limit.go",
		"		return 2 * l.most\n",
		"		return l.most\n",
	},
	{
		"a retryable refusal of size repeats without end (F53)", "internal/handover/answered.go",
		"	case several:\n		q.divide(p)\n	default:\n",
		"	case several:\n	default:\n",
	},
	{
		"a record that is refused alone with a retryable error blocks all others (F53)", "internal/handover/answered.go",
		"		p.records[0].alone, p.records[0].turn, p.records[0].stuck = now, q.turn, true\n",
		"",
	},
	{
		"one bad page holds up what comes after it (F53)", "internal/handover/queue.go",
		"	return !all && (!q.paused() || q.retryable || !alone)\n",
		"	return true\n",
	},
	{
		"a record is given up though nothing else was taken (F54)", "internal/handover/next.go",
		"q.took > r.turn && ",
		"",
	},
	{
		"a record is given up when it is refused alone first (F54)", "internal/handover/answered.go",
		"	if r.strikes >= Strikes || r.stuck && strikes {\n",
		"	if true {\n",
	},
	{
		"a record is given up in the instant in which it is refused (F54)", "internal/handover/next.go",
		"	return r.looked.Add(q.set.SecondLook)\n",
		"	return r.looked\n",
	},
	{
		"a pipeline that takes nothing is divided into without end (F54)", "internal/handover/queue.go",
		"func (q *Queue[T]) paused() bool { return q.refusals >= q.quickTries() }\n",
		"func (q *Queue[T]) paused() bool { return q.refusals >= 1000*QuickTries }\n",
	},
	{
		"quick tries lengthen the waits that follow (F54)", "internal/handover/answered.go",
		"	q.probeAt, q.probeAfter = time.Time{}, now\n	if q.Holding() ||",
		"	q.probeAt = now.Add(q.set.Backoff.NextBackOff())\n	if q.Holding() ||",
	},
	{
		"where many records are bad, dividing pauses as in an outage (F53)", "internal/handover/answered.go",
		"q.spare = min(q.spare+QuickTriesEach, MostQuickTries)",
		"q.spare = 0",
	},
	{
		"quick tries that dividing allowed are kept for the next outage (F54)", "internal/handover/answered.go",
		"	if p.depth == 0 && !try.probe {\n",
		"	if false {\n",
	},
	{
		"refusals of an outage count against records (F54)", "internal/handover/answered.go",
		"					r.alone, r.strikes = time.Time{}, 0\n",
		"",
	},
	{
		"more is read than may be held (F54)", "internal/handover/queue.go",
		"	if n >= MaxHeld || size >= MaxHeldBytes {\n",
		"	if size < 0 {\n",
	},
	{
		"max_elapsed_time is ignored (F24)", "internal/handover/answered.go",
		"after > 0 && now.Sub(refused) >= after",
		"after < 0",
	},
	{
		"retryable refusals are retried at once (F24)", "internal/handover/answered.go",
		"	if len(retry) > 0 || q.Holding() {\n",
		"	if q.Holding() {\n",
	},
	{
		"the position moves past what is held (F54)", "internal/poll/handover.go",
		"		now.Marks[i] = max(min(mark, second), min(mark, now.Begin))\n",
		"		_, _ = i, mark\n",
	},
	{
		"ids of what is read again after a restart are forgotten (F54)", "internal/poll/handover.go",
		"	return now, min(forgettable, (second-plan.Overlap-1)/60-1)\n",
		"	return now, forgettable\n",
	},
	{
		"a held record is delivered again when it is read again (F54)", "internal/poll/deliver.go",
		"		case twice, p.Pipe.holds(it):\n",
		"		case twice:\n",
	},
	{
		"what is held is tried only with the next page (F54)", "internal/poll/poller.go",
		"		if err := p.retryHeld(ctx); err != nil {\n			return err\n		}\n",
		"",
	},
	{
		"what is held is not reported (F54)", "internal/poll/handover.go",
		"		p.Health.NoteHeld(n, safe, sent, wait)\n",
		"		_ = n\n",
	},
	{
		"the end of another problem ends that of the pipeline (F54)", "internal/report/health.go",
		"	case h.owes == nil || accepted:\n",
		"	case true:\n",
	},
	{
		"lost records are not reported as a problem (F38)", "internal/poll/handover.go",
		"	p.Health.NoteDropped(len(gone), safe, sent)\n",
		"",
	},
	{
		"the lines of all records given up say the same (F56)", "internal/poll/handover.go",
		"\"Dropped record \"+it.UID()+\": the pipeline rejects it\"",
		"\"Dropped record \"+\": the pipeline rejects it\"",
	},
	{
		"what was given up is not stored (F56)", "internal/checkpoint/store.go",
		"	if s.gaveUp {\n",
		"	if false {\n",
	},
	{
		"the list of what was given up begins at zero with each start (F56)", "internal/checkpoint/givenup.go",
		"	if s.givenUp, err = DecodeGivenUp(data); err != nil {\n",
		"	data = nil\n	if s.givenUp, err = DecodeGivenUp(data); err != nil {\n",
	},
	{
		"after a partial refusal the whole page is sent again (F57)", "internal/poll/refusal.go",
		"	if part != nil && !p.pools {\n",
		"	if false {\n",
	},
	{
		"the reasons of a partial refusal count as branches (F57)", "internal/poll/refusal.go",
		"		case consumererror.Logs:\n			return &e, nil\n",
		"",
	},
	{
		"nothing is left where a partial refusal names nothing of ours (F57)", "internal/poll/refusal.go",
		"	if matched == 0 || nameless > 0 {\n",
		"	if false {\n",
	},
	{
		"one branch that refuses permanently decides for all (F24)", "internal/poll/refusal.go",
		"max(classes[i], class)",
		"class",
	},
	{
		"a record that is too large is waited for (F53)", "internal/poll/refusal.go",
		"		class = handover.TooLarge\n",
		"		class = handover.Retry\n",
	},
	{
		"records that are too large are tried one after another, though nothing else is taken (F53)", "internal/handover/answered.go",
		"	if q.Holding() || q.retryable",
		"	if q.retryable",
	},
	{
		"what the pipeline has freed is looked at (F58)", "internal/poll/refusal.go",
		"			pools = gate.IsEnabled()\n",
		"			pools = false\n",
	},
}
