// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// promisedFrom is the time from which the receiver has promised to read.
func (s *simulation) promisedFrom(w *testbed) int64 {
	if !w.cfg.StartTime.IsZero() {
		return s.begin
	}
	// By the server's clock, to the second, if that is ahead.
	return w.begins + int64((s.ahead+openapi.ClockSlack)/time.Second) + 2
}

// memory is the memory of a receiver at a time.
type memory struct {
	from, lag, most int64 // the oldest second, how far the last pass is behind, and how far it may be
	last            int64 // where the last pass is
	walked          time.Time
	ids             int
	bytes           int64
}

// sample looks at a receiver's memory, once a walk was finished since its start: only then everything loaded
// that can be forgotten is forgotten.
func (s *simulation) sample(w *testbed) {
	if w.leads < 0 || w.receivers == nil {
		return
	}
	at, walked := w.receivers[w.leads].Progress()
	if len(at.Marks) == 0 || time.Since(s.born) < time.Minute || !walked.After(s.born.Add(10*time.Millisecond)) || w.replicas > 0 {
		return
	}
	last := len(at.Marks) - 1
	if list := s.samples[w.n]; len(list) > 0 && list[len(list)-1].walked.Equal(walked) && list[len(list)-1].last != at.Marks[last] {
		return // a walk is being stored: the walks in flight that it has overtaken end only afterwards
	}
	// What the design allows if rechecks are late, and the windows that were started before that, with this
	// configuration or the previous one.
	most := 2*int64(max(2*s.horizon, 5*time.Minute)/time.Second) + plan.MemoryAllowance + plan.MaxPending*int64(w.cfg.MaxConcurrentWalks)*int64(w.cfg.MaxWindow/time.Second)
	most += int64(s.patience() / time.Second)
	s.samples[w.n] = append(s.samples[w.n], memory{
		from: (at.Marks[last] - plan.Overlap - 1) / 60 * 60, lag: at.Marks[0] - at.Marks[last], most: max(most, w.lag), last: at.Marks[last], walked: walked,
		ids: at.IDs, bytes: at.IDBytes,
	})
}

// begin notes where a term starts to read if it finds no position, and how far behind it is if it finds one.
func (w *testbed) begin() {
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	data := w.disk.Data[checkpoint.KeyPosition]
	w.lag = 0
	if data == nil {
		w.begins, w.widest = time.Now().Add(-w.cfg.InitialLookback).Unix(), w.cfg.MaxWindow
	} else if c, err := checkpoint.Decode(data); err == nil {
		last := slices.Min(c.Marks)
		w.lag = c.Marks[0] - last
		if w.cfg.EndTime.IsZero() || last < w.cfg.EndTime.Unix()-120 {
			w.widest = w.cfg.MaxWindow
		}
	}
}

// caughtUp checks that nothing is late after hours without faults: the remembered time is the last recheck's
// delay, plus what it waits for its window to be worth a call, plus the time to read that at the pace left to
// each receiver.
func (s *simulation) caughtUp(t *testing.T, w *testbed) {
	late := s.late(w)
	// A record that no backend accepts holds the position at its own time until another one is accepted.
	for range int(10 + s.othersAfter()/time.Minute) {
		if s.bad == 0 || len(late) == 0 {
			break
		}
		time.Sleep(time.Minute)
		late = s.late(w)
	}
	assert.Empty(t, late, "behind: %s", s)
}

// othersAfter is how long to wait for another entry, with next to no exception.
func (s *simulation) othersAfter() time.Duration {
	if s.tenant.PerSecond == 0 {
		return 0 // see endsHeld
	}
	return time.Duration(10 / s.tenant.PerSecond * float64(time.Second))
}

// late is how far which pass is behind, if it is further than it may be.
func (s *simulation) late(w *testbed) (late []string) {
	at, _ := w.receivers[w.leads].Progress()
	if at.Done() || s.endsHeld(w) || s.load() > manageable*float64(s.limits[0]) {
		return nil
	}
	now := time.Now().Add(s.opts.ClockSkew).Unix()
	tick := int64(w.cfg.PollInterval/time.Second) + 1
	walk := int64(60 * plan.PagesPerWalk * len(s.worlds) / s.limits[0])
	for pass, mark := range at.Marks {
		behind := now - at.Recheck[pass] - mark
		allowed := tick + 120
		if s.slowSizes { // a page is refused five times before it is divided
			allowed += 5 * int64(w.cfg.RetryOnFailure.MaxInterval/time.Second)
		}
		// If our clock is that far behind, it counts until entries show that: see openapi.Dispute.
		if quiet := s.tenant.PerSecond < 0.05; quiet && s.opts.ClockSkew > openapi.DisputedFrom {
			allowed += int64(s.opts.ClockSkew / time.Second)
		}
		if pass > 0 {
			allowed += walk + max(tick, at.Recheck[pass]/2)
		}
		// What no backend accepts holds every pass at its own time. If all entries are late, that is long ago by then.
		if s.bad > 0 && s.tenant.Delay > 0 {
			allowed += int64((s.tenant.Delay+s.tenant.MaxLateness)/time.Second) + slices.Max(at.Recheck)
		}
		if behind > allowed {
			late = append(late, fmt.Sprintf("pass %d by %d s, %d s are allowed", pass, behind, allowed))
		}
	}
	return late
}

// endsHeld reports whether the last records of an export or of a burst may wait: no backend accepts them, and
// because nothing else was accepted since, nothing has shown that the pipeline works.
func (s *simulation) endsHeld(w *testbed) bool {
	return s.bad > 0 && (s.tenant.PerSecond == 0 || s.end != 0 && len(w.sink.Got()) == w.taken)
}

// manageable is the part of the pace that new entries may need if rechecks are to be in time: failures and
// retries take some of it, too.
const manageable = 0.6

// load is how many calls a minute the receivers need if nothing is late. With small pages, many rechecks and a
// log that each of these calls adds to, it may exceed any limit.
func (s *simulation) load() float64 {
	calls, entry := 0.0, 0.0 // the calls of ticks, and of one entry
	for _, w := range s.worlds {
		passes := float64(1 + len(w.cfg.RecheckAfter))
		calls += passes * time.Minute.Seconds() / w.cfg.PollInterval.Seconds()
		entry += passes / float64(w.cfg.PageSize-s.opts.PageOverlap)
	}
	if s.opts.SilentEnd && s.opts.OncePageTokens { // windows are read again until their end is believed
		entry *= 6
	}
	if s.opts.SilentEnd && s.opts.PageTokenLife > 0 && s.opts.PageTokenLife < 15*time.Second {
		entry *= 12 // page tokens expire meanwhile, and windows become as short as a page
	}
	for _, f := range s.bounds {
		if f.Deeper > 0 { // windows have few pages, and the walk that finds that out reads more
			entry *= 2
		}
	}
	calls += entry * 60 * s.tenant.PerSecond
	switch {
	case !s.opts.LogOwnCalls:
		return calls
	case entry >= 1:
		return math.Inf(1)
	}
	return calls / (1 - entry)
}

// check compares what one receiver delivered with what the API showed.
func (s *simulation) check(t *testing.T, n int, cutoff int64, all *tally) {
	w := s.worlds[n]
	now := time.Now().Add(s.opts.ClockSkew).Unix()
	// Some start earlier, by the server's clock.
	entries := append(s.tenant.Entries(s.begin-int64(time.Hour/time.Second), now+1000), w.server.Added()...)
	if s.end != 0 {
		cutoff = min(cutoff, s.end)
	}
	from := s.promisedFrom(w)
	promised := func(e *simulator.Entry) bool {
		if e.EventTime < from || e.EventTime >= cutoff || s.opts.Retention > 0 && !s.opts.RefuseExpired && e.EventTime < now-int64(s.opts.Retention/time.Second) {
			return false
		}
		for _, gap := range s.watch.skipped {
			if gap.from <= e.EventTime && e.EventTime < gap.to {
				return false
			}
		}
		return true
	}
	fresh := world.Expect(audit.Records(w.cfg, receivertest.NewNopSettings(metadata.Type).BuildInfo.Version))
	book := w.sink.Book
	list, err := checkpoint.DecodeGivenUp(w.disk.Snapshot()[checkpoint.KeyGivenUp])
	require.NoError(t, err)
	gaveUp := map[string]bool{}
	for _, r := range list.Records {
		gaveUp[r.ID] = true
	}
	for uid := range s.watch.gaveUp { // the list has only the newest
		gaveUp[uid] = true
	}
	s.counts["records given up"] += len(gaveUp)
	var lost, wrong []string
	for uid := range gaveUp {
		if !s.never(uid) {
			wrong = append(wrong, uid+" was given up, and the pipeline takes it")
		}
	}
	wanted, odd := 0, 0
	known := map[string]bool{}
	var times []int64
	for i := range entries {
		e := &entries[i]
		if w.cfg.Filter.AppID != "" && w.cfg.Filter.AppID != e.AppID {
			continue
		}
		it, err := fresh.Item(e, s.opts.NumericIDs)
		require.NoError(t, err)
		uid, id := it.UID(), it.UID()
		if w.sink.ByIdentity {
			uid = world.IdentityOf(it)
		}
		known[uid] = true
		times = append(times, e.EventTime)
		if second, ok := it.EventTime(); !ok || second != e.EventTime {
			odd++
		}
		got := w.sink.Accepted[uid]
		if promised(e) {
			wanted++
			if got == 0 && !gaveUp[id] && (!s.never(id) || !s.endsHeld(w)) {
				lost = append(lost, fmt.Sprintf("%s at %d", uid, e.EventTime))
			}
		}
		if got == 0 {
			continue
		}
		if s.end != 0 && e.EventTime >= s.end {
			wrong = append(wrong, fmt.Sprintf("%s is from after the end, %d", uid, e.EventTime))
		}
		if record := book.ReceivedAt[uid]; record.Hash != fresh.Hash(it, record.Structured) {
			wrong = append(wrong, uid+" is another record than its entry makes")
		}
	}
	var invented []string
	for uid := range w.sink.Accepted {
		if !known[uid] {
			invented = append(invented, uid)
		}
	}
	slices.Sort(times)
	since := func(second int64) int {
		i, _ := slices.BinarySearch(times, second)
		return len(times) - i
	}
	var kept []string
	for _, m := range s.samples[n] {
		// Skipped time is forgotten only at the end of the next walk.
		if most := since(m.from) + odd; m.ids > most && len(s.watch.skipped) == 0 {
			kept = append(kept, fmt.Sprintf("%d ids from %d on, where there are %d entries", m.ids, m.from, most))
		}
		// Until a range that is not shown is skipped, the last pass waits for it.
		waits := slices.ContainsFunc(s.watch.skipped, func(gap skipped) bool { return gap.from <= m.last && m.last <= gap.to })
		if m.lag > m.most && !waits {
			kept = append(kept, fmt.Sprintf("the last pass is %d s behind, more than %d", m.lag, m.most))
		}
		if m.bytes > 64*int64(m.ids) {
			kept = append(kept, fmt.Sprintf("%d bytes for %d ids", m.bytes, m.ids))
		}
	}
	var skips []string
	for _, gap := range s.watch.skipped {
		oldest := gap.at.Add(s.opts.ClockSkew - s.opts.Retention).Unix()
		if s.unanswered(gap) {
			continue
		}
		if !s.opts.RefuseExpired || gap.to > oldest+poll.RefusalMargin+240+s.slowCalls() {
			skips = append(skips, fmt.Sprintf("%d to %d was skipped, and the API shows what is from %d on", gap.from, gap.to, oldest))
		}
	}
	stored, err := idsOn(w.disk)
	require.NoError(t, err)
	s.counts["entries again after crashes"] += book.Again
	all.mu.Lock()
	all.entries += wanted
	all.mu.Unlock()
	assert.Empty(t, first(lost), "%d of %d entries were lost: %s", len(lost), wanted, s)
	assert.Empty(t, first(wrong), "%d entries were altered: %s", len(wrong), s)
	assert.Empty(t, first(invented), "%d entries were invented: %s", len(invented), s)
	assert.Empty(t, first(book.Wrong), "%d times something was wrong: %s", len(book.Wrong), s)
	assert.Empty(t, first(kept), "%d times too much was remembered: %s", len(kept), s)
	assert.Empty(t, first(skips), "time was skipped: %s", s)
	if m := s.samples[n]; len(m) > 0 {
		// Pages are deleted from the front, and only whole: a page of a window that was read early, or with an
		// odd entry, keeps those after it for as long. So does a page of new entries with those that a recheck
		// found then; and between its pages are those that a recheck found, of late entries.
		last := m[len(m)-1]
		from := last.from - last.lag - int64(w.widest/time.Second) - 60*plan.OddHorizon - 2*plan.MemoryAllowance
		late := s.tenant.LateFraction * float64(since(from-int64(s.tenant.MaxLateness/time.Second))-since(from))
		newer := since(last.from)
		if s.endsHeld(w) { // with one of its records, a burst after the last sample waits
			newer = 0
		}
		assert.LessOrEqual(t, stored, last.ids+2*w.cfg.PageSize+odd+int(late)+since(from)-newer, "stored ids: %s", s)
	}
}

// slowCalls is how much less exactly, in seconds, the oldest time that the API shows is found if the API has allowed
// next to no calls.
func (s *simulation) slowCalls() int64 {
	if s.counts["lower limits of the API"] == 0 {
		return 0
	}
	return 300
}

func first(list []string) []string { return list[:min(5, len(list))] }

// digest is a summary of every call and of every accepted record.
func (s *simulation) digest() string {
	h := fnv.New64a()
	for _, call := range s.worlds[0].server.Calls() {
		fmt.Fprintln(h, call.Time.UnixNano(), call.Endpoint, call.StartTime, call.EndTime, call.PageToken, call.Status, call.Code, call.Items, call.Faults)
	}
	for _, w := range s.worlds {
		fmt.Fprintln(h, w.sink.Accepted, w.sink.Lost, w.sink.Arrived)
	}
	return fmt.Sprintf("%d calls, %x", len(s.worlds[0].server.Calls()), h.Sum64())
}
