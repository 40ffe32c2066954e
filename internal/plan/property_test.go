// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// attempt is a walk from its first page on, as seen by the API.
type attempt struct {
	asOf  int64 // the earliest possible server time of an answer
	pages int   // that it takes
	read  int   // that were returned, in order
}

// model simulates everything else: a server with its clock, a pipeline that accepts every page, and a process
// that dies. It notes the server time as of which each second was read.
type model struct {
	t       *testing.T
	name    string
	rng     *rand.Rand
	set     plan.Settings
	plan    *plan.Plan
	now     int64        // the server's clock
	elapsed int64        // milliseconds of the term
	poison  int64        // a second that the API cannot show; 0: there is none
	calls   []*plan.Walk // without an answer yet
	tries   map[*plan.Walk]*attempt
	read    map[int64]int64 // second: the latest server time as of which it was read whole
	skipped map[int64]bool
	late    map[int64]int64 // recheck: the least delay with which it has read, if less is kept
	ended   map[error]int
}

// TestNothingIsLeftUnread: for any order of answers, failures and restarts, no second before a watermark is left
// unread: each was read to its last page by one walk, at least as late as the watermark's pass reads, unless it
// was skipped on purpose. Covers F1, F4, F5, F6, F7, F9, F14, F40.
func TestNothingIsLeftUnread(t *testing.T) {
	t.Parallel()
	reached := map[string]int{}
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := &model{
			t: t, name: fmt.Sprintf("seed %d", seed), rng: rng, now: 1_000_000 + rng.Int64N(20_000),
			tries: map[*plan.Walk]*attempt{}, read: map[int64]int64{}, skipped: map[int64]bool{}, late: map[int64]int64{}, ended: map[error]int{},
		}
		m.set = plan.Settings{
			Begin: 1_000_000, Tick: 1 + rng.Int64N(120), MaxWindow: 1 + rng.Int64N(7200),
			Walks: 1 + rng.IntN(4), PageSize: 100, MaxPages: 20, ClockSlack: 2,
		}
		for after := rng.Int64N(200); rng.IntN(4) > 0 && after > 0; after += 1 + rng.Int64N(4000) {
			m.set.Recheck = append(m.set.Recheck, after)
		}
		if rng.IntN(3) == 0 {
			m.set.End = m.now + rng.Int64N(5000)
		}
		if seed%3 == 0 {
			m.poison = m.set.Begin + rng.Int64N(m.now-m.set.Begin)
		}
		m.plan = plan.New(m.set, plan.NewSeen())
		for range 2000 {
			reached[m.step()]++
			m.check()
		}
		m.poison = 0
		m.calm()
		for err := range m.ended {
			if err != nil {
				reached[err.Error()]++
			}
		}
	}
	// A path that the model never reaches proves nothing.
	for _, want := range []string{
		"asked", "page", "last page", "restart", "refused", "token dropped", "died", "skipped", "clock set back",
		"failed", "doubtful", "started again", "started once more", "yields", "set aside", "still aside", "abandoned", "read once more",
	} {
		assert.Greater(t, reached[want], 5, want)
	}
}

// step makes one event happen, and names it.
func (m *model) step() string {
	if len(m.calls) > 0 && m.rng.IntN(3) > 0 {
		i := m.rng.IntN(len(m.calls))
		w := m.calls[i]
		m.calls = slices.Delete(m.calls, i, i+1)
		m.plan.Land(w)
		return m.answer(w)
	}
	switch m.rng.IntN(80) {
	case 0:
		return m.die()
	case 1:
		return m.skip()
	case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17:
		seconds := m.rng.Int64N(60)
		m.now += seconds
		m.elapsed += 1000*seconds + m.rng.Int64N(1000)
		m.plan.Tick()
		return "tick"
	case 18, 19, 20, 21:
		return m.abandon()
	}
	if m.plan.InFlight() >= m.set.Walks {
		return "busy"
	}
	w := m.plan.Next(m.now, m.elapsed)
	if w == nil {
		m.now++
		m.elapsed += 1000
		return "nothing to ask for"
	}
	m.ask(w)
	return "asked"
}

// ask notes a request.
func (m *model) ask(w *plan.Walk) {
	_, from, to := w.Span()
	req := w.Request()
	require.False(m.t, slices.Contains(m.calls, w), "%s: one call a walk", m.name)
	require.Less(m.t, from, to, m.name)
	require.LessOrEqual(m.t, to-from, m.set.MaxWindow, m.name)
	require.LessOrEqual(m.t, req.From, from-plan.Overlap, m.name)
	require.GreaterOrEqual(m.t, req.To, to, m.name)
	if req.Token == "" {
		m.tries[w] = &attempt{asOf: m.now, pages: 1 + m.rng.IntN(4)}
	} else {
		require.Equal(m.t, m.token(w), req.Token, "%s: the page that comes next", m.name)
	}
	m.calls = append(m.calls, w)
}

func (m *model) token(w *plan.Walk) string {
	_, from, to := w.Span()
	return fmt.Sprintf("%d-%d, %d of %d", from, to, m.tries[w].read, m.tries[w].pages)
}

// calm makes everything succeed from now on: pass 0 gets to the present, or the end.
func (m *model) calm() {
	m.plan.Tick()
	for range 100_000 {
		if len(m.calls) == 0 {
			w := m.plan.Next(m.now, m.elapsed)
			if at := m.plan.RetryAt(); w == nil && at > m.elapsed {
				m.elapsed = at
				continue
			}
			if w == nil {
				break
			}
			m.ask(w)
		}
		w := m.calls[0]
		m.calls = m.calls[1:]
		m.plan.Land(w)
		m.succeed(w, m.now)
	}
	m.check()
	target := m.now
	if m.set.End != 0 {
		target = min(target, m.set.End)
	}
	require.Equal(m.t, target, m.plan.Snapshot().Marks[0], "%s: it gets to the present", m.name)
}

// answer decides the outcome of a call.
func (m *model) answer(w *plan.Walk) string {
	if _, from, to := w.Span(); from <= m.poison && m.poison < to {
		m.plan.NoteProbe(true)
		return m.fail(w)
	}
	switch m.rng.IntN(20) {
	case 0:
		m.plan.Restart(w, assert.AnError)
		return "restart"
	case 1:
		if w.Request().Token == "" {
			m.plan.ShortenRefused(w)
			return "refused"
		}
		m.plan.DropToken(w, assert.AnError)
		return "token dropped"
	case 2, 3:
		return m.fail(w)
	case 4:
		m.plan.Shorten(w, assert.AnError)
		return "shortened"
	}
	date := m.now
	if m.rng.IntN(20) == 0 {
		date -= m.rng.Int64N(600) // its clock was set back, or one of several servers has another time
	}
	if m.rng.IntN(4) == 0 {
		date = 0 // it has no date
	}
	return m.succeed(w, date)
}

// fail lets the call for a page of a walk fail in some way.
func (m *model) fail(w *plan.Walk) string {
	f := plan.Failure{Refused: m.rng.IntN(4) == 0, Definite: m.rng.IntN(2) == 0, Throttled: m.rng.IntN(8) == 0, BadPage: m.rng.IntN(8) == 0}
	verdict := plan.Again
	for range 1 + m.rng.IntN(3) { // repeated, with nothing in between
		if verdict = m.plan.NoteFailure(w, f, m.elapsed, assert.AnError); verdict != plan.Again {
			break
		}
	}
	return []string{"failed", "doubtful", "started again", "started once more", "yields", "set aside", "still aside"}[verdict]
}

// succeed returns the next page of a walk, with the server's date, or none.
func (m *model) succeed(w *plan.Walk, date int64) string {
	try := m.tries[w]
	if date != 0 {
		try.asOf = min(try.asOf, date)
	}
	if m.plan.NoteAnswer(w, date) {
		m.plan.Restart(w, plan.ErrClockSet)
		return "clock set back"
	}
	_, from, to := w.Span()
	try.read++
	ids := slices.Values([]string{fmt.Sprintf("%d, page %d, %d", from, try.read, m.rng.Int())})
	if try.read < try.pages {
		_, err := m.plan.Turn(w, plan.Page{IDs: ids, New: 1, Oldest: from, More: true, Token: m.token(w)})
		require.NoError(m.t, err, m.name)
		return "page"
	}
	// It is finished at once, and perhaps others with it.
	before := m.read
	m.read = maps.Clone(m.read)
	for second := from; second < to; second++ {
		m.read[second] = max(m.read[second], try.asOf)
	}
	step, err := m.plan.Turn(w, plan.Page{IDs: ids, New: m.rng.IntN(2), Oldest: from})
	require.NoError(m.t, err, m.name)
	if step != plan.Finished {
		m.read = before
		return "read once more"
	}
	return "last page"
}

// die ends the process and starts the next one, perhaps with other rechecks.
func (m *model) die() string {
	stored := m.plan.Snapshot()
	if m.rng.IntN(2) == 0 && len(m.set.Recheck) > 1 {
		m.set.Recheck = m.set.Recheck[:len(m.set.Recheck)-1]
	}
	m.calls, m.tries = nil, map[*plan.Walk]*attempt{}
	m.plan = plan.New(m.set, plan.NewSeen())
	m.plan.Restore(stored)
	return "died"
}

// skip skips a time that the API does not show, as the receiver does: nothing is in flight, and the time begins
// at the last watermark.
func (m *model) skip() string {
	from := m.plan.Oldest()
	if len(m.calls) > 0 || from >= m.now-10 || m.rng.IntN(3) > 0 {
		return "nothing to skip"
	}
	end := m.plan.Skip(from, from+1+m.rng.Int64N(min(500, m.now-from-5)))
	for second := from; second < end; second++ {
		m.skipped[second] = true
	}
	m.tries = map[*plan.Walk]*attempt{}
	return "skipped"
}

// abandon skips what has failed for long enough.
func (m *model) abandon() string {
	u, ok := m.plan.Unreadable(m.elapsed + m.rng.Int64N(2*plan.PatienceFailing))
	if !ok {
		return "nothing to abandon"
	}
	require.Less(m.t, u.From, u.To, m.name)
	before := m.plan.Snapshot().Marks
	m.plan.Abandon(u)
	after := m.plan.Snapshot().Marks
	require.GreaterOrEqual(m.t, after[u.Pass], u.To, m.name)
	require.Equal(m.t, before[u.Pass], u.From, "%s: what is skipped begins at the watermark", m.name)
	for second := u.From; second < u.To; second++ {
		m.skipped[second] = true
	}
	return "abandoned"
}

// check checks the guarantee.
func (m *model) check() {
	now := m.plan.Snapshot()
	require.True(m.t, slices.IsSortedFunc(now.Marks, func(a, b int64) int { return int(b - a) }), "%s: %v", m.name, now.Marks)
	for _, ended := range m.plan.DrainEnded() {
		m.ended[ended.Err]++
		if ended.Err == nil {
			delete(m.tries, ended.Walk)
		}
	}
	for pass, recheck := range now.Recheck {
		late := m.plan.Lateness(pass)
		if before, ok := m.late[recheck]; !ok || late < before {
			m.late[recheck] = late
		}
	}
	if m.rng.IntN(20) > 0 {
		return // assertions take time
	}
	for pass, mark := range now.Marks {
		for second := m.set.Begin; second < mark; second++ {
			if !m.skipped[second] && m.read[second] < second+m.late[now.Recheck[pass]] {
				require.Failf(m.t, "left unread", "%s: second %d lies before the watermark %d of pass %d (%d s later), and was read as of %d", m.name, second, mark, pass, now.Recheck[pass], m.read[second])
			}
		}
	}
	if m.set.End != 0 {
		require.LessOrEqual(m.t, now.Marks[0], m.set.End, m.name)
		if m.plan.Done() {
			require.Equal(m.t, m.set.End, now.Marks[len(now.Marks)-1], m.name)
		}
	}
}
