// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/altapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

var (
	altRuns = flag.Int("alt.runs", 40, "how many worlds of the second model TestSecondModelWorlds runs")
	altSeed = flag.Uint64("alt.seed", 100, "the seed of the first world of the second model")
)

// TestSecondModel: the guarantees hold in some worlds of the second model of the API, whose authors knew neither
// the receiver nor the simulator.
func TestSecondModel(t *testing.T) { altWorlds(t, 1, 4) }

// TestSecondModelWorlds runs more of them.
func TestSecondModelWorlds(t *testing.T) { altWorlds(t, *altSeed, *altRuns) }

// TestSecondModelFound runs worlds in which something was once lost: because the pages of a window were counted
// while its newest entries appeared, or because a scroll cursor always ended before its window (701). Covers F43.
func TestSecondModelFound(t *testing.T) {
	altWorlds(t, 701, 1)
	altWorlds(t, 50042, 1)
	altWorlds(t, 51159, 1)
}

func altWorlds(t *testing.T, first uint64, n int) {
	for i := range n {
		seed := first + uint64(i)
		if !world.InSample(i) {
			continue
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newAltWorld(seed)
				w.run(t)
				w.check(t)
				if t.Failed() {
					t.Log(w)
				}
			})
		})
	}
}

// String describes what was drawn, and how to run the same world again.
func (w *altWorld) String() string {
	c, s := w.cfg, w.sink
	return fmt.Sprintf("replay: go test -run '^TestSecondModelWorlds$' . -alt.seed %d -alt.runs 1\ntraits: %s\nweather: %+v\n"+
		"poll_interval %s initial_lookback %s max_window %s recheck_after %v page_size %d requests_per_minute %d max_concurrent_walks %d\n"+
		"kills %d restarts %d; the pipeline takes %s, refuses %v of the pages from %s to %s, and %v permanently",
		w.seed, w.traits, w.api.Weather(), c.PollInterval, c.InitialLookback, c.MaxWindow, c.RecheckAfter, c.PageSize, c.RequestsPerMinute, c.MaxConcurrentWalks,
		w.kills, w.restarts, s.takes, s.share, s.from.Format(time.TimeOnly), s.until.Format(time.TimeOnly), s.never)
}

// run simulates the bad weather, with restarts and kills at random steps, and then continues until everything
// promised has arrived, or until the patience ends.
func (w *altWorld) run(t *testing.T) {
	w.start(t)
	for range w.rng.IntN(5) {
		left := time.Until(w.calm)
		if left <= 0 {
			break
		}
		w.until(t, time.Now().Add(time.Duration(w.rng.Int64N(int64(left)+1))))
		switch w.rng.IntN(4) {
		case 0:
			w.stop(t)
			w.restarts++
			w.after(t)
		case 1:
			w.kill()
			w.again(t)
		case 2:
			w.disk.Mu.Lock()
			w.disk.Fuse = 1 + w.rng.IntN(20)
			w.disk.Mu.Unlock()
		case 3:
			w.sink.mu.Lock()
			w.sink.fuse = 1 + w.rng.IntN(5)
			w.sink.mu.Unlock()
		}
	}
	w.until(t, w.calm)
	deadline := w.to.Add(-w.traits.Skew + w.traits.Longest() + w.patience())
	for time.Now().Before(deadline) && (time.Now().Add(w.traits.Skew).Before(w.to) || len(w.missing()) > 0) {
		w.until(t, time.Now().Add(5*time.Minute))
	}
	w.until(t, time.Now().Add(w.cfg.RecheckAfter[len(w.cfg.RecheckAfter)-1]+10*time.Minute))
	w.stop(t)
}

// patience is how long it may take until everything has arrived: the longest pause between retries, plus several
// times the pages of the log at the server's pace.
func (w *altWorld) patience() time.Duration {
	page := w.cfg.PageSize
	if w.traits.PageCap > 0 {
		page = min(page, w.traits.PageCap)
	}
	pages := float64(len(w.shown)) / (1 - w.traits.Hidden) / float64(page)
	rate := min(float64(w.traits.Limit.PerMinute)*(1-w.traits.Limit.Neighbour), float64(w.cfg.RequestsPerMinute))
	return 3*time.Hour + time.Duration(5*pages/rate*float64(time.Minute))
}

// until lets time pass, and starts a process if one was killed meanwhile.
func (w *altWorld) until(t *testing.T, then time.Time) {
	for {
		timer := time.NewTimer(time.Until(then))
		select {
		case <-timer.C:
			return
		case <-w.died:
			timer.Stop()
			w.again(t)
		}
	}
}

// again ends a process that was killed, and starts another one.
func (w *altWorld) again(t *testing.T) {
	w.kills++
	w.stop(t)
	w.after(t)
}

// after starts a process some time after the end of another one.
func (w *altWorld) after(t *testing.T) {
	time.Sleep(time.Duration(w.rng.Int64N(int64([]time.Duration{time.Second, time.Minute, 20 * time.Minute}[w.rng.IntN(3)]))))
	w.reboot()
	w.start(t)
}

// promised reports whether an entry has to arrive: it happened after the start of reading, and was shown early
// enough for the last recheck.
func (w *altWorld) promised(e *altapi.Entry) bool {
	const edge = 2 * time.Second
	begin := w.began.Add(w.traits.Skew - w.cfg.InitialLookback)
	if w.traits.Skew < 0 { // the server's clock may not be known at once
		begin = w.began.Add(-w.cfg.InitialLookback)
	}
	shown := e.Stored
	if len(w.traits.Replicas) > 0 {
		shown = shown.Add(slices.Max(w.traits.Replicas))
	}
	last := w.cfg.RecheckAfter[len(w.cfg.RecheckAfter)-1]
	return e.At.After(begin.Add(edge)) && shown.Sub(e.At) < last-edge && !w.sink.never[e.Mark]
}

// missing returns the promised entries that have not arrived although the API has shown them for long enough.
func (w *altWorld) missing() (missing []*altapi.Entry) {
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	tooLate := w.calm.Add(w.traits.Skew + w.patience())
	for _, e := range w.shown {
		if len(w.sink.seen[e.Mark]) > 0 || !w.promised(e) {
			continue
		}
		// Expired while nothing worked, or soon after: there was no time to read it.
		if w.api.Expired(e, tooLate) {
			continue
		}
		missing = append(missing, e)
	}
	return missing
}

// check compares the guarantees with what happened.
func (w *altWorld) check(t *testing.T) {
	missing := w.missing()
	for i, e := range missing {
		if i == 5 {
			break
		}
		t.Logf("missing: %s at %s, stored after %s", e.Mark, e.At.Format(time.StampMilli), e.Stored.Sub(e.At))
	}
	if len(missing) > 0 {
		t.Errorf("%d entries of %d are lost", len(missing), len(w.shown))
	}
	w.checkRecords(t)
	w.checkPace(t)
	for _, line := range w.logs.All() {
		text := fmt.Sprint(line.Message, line.ContextMap())
		assert.NotContains(t, text, altapi.AppSecret)
		assert.NotRegexp(t, altapi.MarkPattern, text)
		assert.NotContains(t, text, "hush")
	}
}

// checkRecords: nothing is invented or changed, and all duplicates are explained by kills.
func (w *altWorld) checkRecords(t *testing.T) {
	assert.Empty(t, w.sink.odd, "records of no entry")
	byMark, byUID := map[string]*altapi.Entry{}, map[string]string{}
	for _, e := range w.shown {
		byMark[e.Mark] = e
	}
	// If ids are not unique, the uid of a record may also be another entry's.
	unique := w.traits.IDs != altapi.IDRepeated && w.traits.IDs != altapi.IDPerSecond
	again, wrong := 0, 0
	for mark, records := range w.sink.seen {
		e := byMark[mark]
		if !assert.NotNil(t, e, "a record of an entry that was never shown") {
			continue
		}
		again += len(records) - 1
		for _, r := range records {
			if other, ok := byUID[r.uid]; ok && unique && other != mark || r.uid != records[0].uid || r.uid == "" || r.time.Unix() != e.Second() ||
				e.Secret != "" && strings.Contains(r.text, e.Secret) {
				if wrong++; wrong > 5 {
					continue
				}
				t.Logf("wrong: uid %q (also of %q, first %q), time %s, should be %s", r.uid, byUID[r.uid], records[0].uid, r.time, e.At)
			}
			byUID[r.uid] = mark
		}
	}
	assert.Zero(t, wrong, "records with another uid, another time or a secret")
	assert.LessOrEqual(t, again, w.kills*w.cfg.MaxConcurrentWalks*w.cfg.PageSize, "duplicated records, after %d kills", w.kills)
}

// checkPace: no minute has more calls than allowed, and the server's hints to wait were obeyed.
func (w *altWorld) checkPace(t *testing.T) {
	calls := w.api.Calls()
	times := make([]time.Time, len(calls))
	for i, c := range calls {
		times[i] = c.At
	}
	assert.LessOrEqual(t, world.MostInAMinute(times), w.cfg.RequestsPerMinute, "calls in a minute")
	early := 0
	for i, c := range calls {
		for _, next := range calls[i+1:] {
			if next.At.After(c.Answered) && c.Hint > 0 {
				if next.At.Sub(c.Answered) < c.Hint {
					early++
				}
				break
			}
		}
	}
	assert.Zero(t, early, "calls before the wait was over that the server asked for")
	require.NotEmpty(t, calls)
}
