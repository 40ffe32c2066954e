// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// run lets the receiver run for a while, from start to shutdown, and returns its log lines.
func (w *testbed) run(t *testing.T, d time.Duration) (said []string) {
	t.Helper()
	w.logs.TakeAll()
	stop := w.start(t)
	time.Sleep(d)
	stop()
	for _, line := range w.logs.All() {
		said = append(said, line.Message)
	}
	return said
}

const (
	lineComplete = "The export is complete"
	lineNothing  = "end_time is not after the start of the export: nothing to read. Set start_time"
	lineMismatch = "start_time is ignored, the stored position is used. To read from start_time, run feishu-audit state rewind, or give the receiver another name or storage"
	lineAnother  = "start_time and end_time have changed; reading the new range"
)

// TestBeginIsNoPosition: while nothing was read, a corrected configuration is used. Covers F41.
func TestBeginIsNoPosition(t *testing.T) {
	t.Parallel()
	const early = 20 * time.Hour
	fails := func(w *testbed, _ time.Time) {
		w.cfg.AppSecret = "wrong"
	}
	for name, tc := range map[string]struct {
		first, second func(w *testbed, now time.Time)
		age           time.Duration // of the wanted start
	}{
		"an export without start_time gets one": {
			first:  func(w *testbed, now time.Time) { w.cfg.EndTime = now.Add(-12 * time.Hour) },
			second: func(w *testbed, now time.Time) { w.cfg.StartTime = now.Add(-24 * time.Hour) },
			age:    early,
		},
		"the year was wrong": {
			first:  func(w *testbed, now time.Time) { w.cfg.StartTime = now.AddDate(1, 0, 0) },
			second: func(w *testbed, now time.Time) { w.cfg.StartTime = now.Add(-time.Hour) },
			age:    20 * time.Minute,
		},
		"the year was wrong, and start_time goes": {
			first:  func(w *testbed, now time.Time) { w.cfg.StartTime = now.AddDate(1, 0, 0) },
			second: func(w *testbed, _ time.Time) { w.cfg.StartTime = time.Time{} },
			age:    20 * time.Minute,
		},
		"start_time is set before anything could be read": {
			first:  fails,
			second: func(w *testbed, now time.Time) { w.cfg.StartTime = now.Add(-24 * time.Hour) },
			age:    early,
		},
		"start_time is moved back": {
			first: func(w *testbed, now time.Time) {
				fails(w, now)
				w.cfg.StartTime = now.Add(-time.Hour)
			},
			second: func(w *testbed, now time.Time) { w.cfg.StartTime = now.Add(-24 * time.Hour) },
			age:    early,
		},
		"initial_lookback is made longer": {
			first:  fails,
			second: func(w *testbed, _ time.Time) { w.cfg.InitialLookback = 24 * time.Hour },
			age:    early,
		},
		"nothing is changed, a long outage": {
			first: fails, second: func(*testbed, time.Time) {}, age: 50 * time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				now := time.Now()
				entries(w.server, "wanted", 5, now.Add(-tc.age).Unix())
				tc.first(w, now)
				w.run(t, 3*time.Hour)
				assert.Empty(t, w.sink.Got())
				w.cfg.AppSecret = simulator.DefaultAppSecret
				tc.second(w, now)
				said := w.run(t, 5*time.Hour)
				assert.Len(t, w.sink.Got(), 5, "%q", said)
				assert.NotContains(t, said, lineMismatch)
				w.run(t, time.Hour)
				assert.Len(t, w.sink.Got(), 5)
			})
		})
	}
}

// TestShorterLookback: if initial_lookback is shortened before anything was read, it counts from the first
// start. Covers F41.
func TestShorterLookback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		now := time.Now()
		entries(w.server, "old", 5, now.Add(-20*time.Hour).Unix())
		entries(w.server, "wanted", 7, now.Add(-5*time.Minute).Unix())
		w.cfg.AppSecret, w.cfg.InitialLookback = "wrong", 24*time.Hour
		w.run(t, 3*time.Hour)
		w.cfg.AppSecret, w.cfg.InitialLookback = simulator.DefaultAppSecret, 10*time.Minute
		w.run(t, 3*time.Hour)
		assert.Len(t, w.sink.Got(), 7)
	})
}

// TestWrongClockThenRestart: our clock is wrong at the first start, the API does not answer,
// and the collector restarts, with the clock still wrong. Covers F9, F41.
func TestWrongClockThenRestart(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, -time.Hour, 24 * time.Hour, 40 * 24 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := simulator.Tenant{Seed: 3, PerSecond: 0.01, Start: time.Now().Add(skew).Unix() - 80*86400}
				w := quietWorld(simulator.Options{ClockSkew: skew, Tenant: tenant, RefuseFuture: true, Faults: []simulator.Fault{{Kind: simulator.FaultReset}}})
				began := time.Now().Add(skew) // by the server
				w.run(t, 10*time.Minute)
				w.server.Update(func(o *simulator.Options) { o.Faults = nil })
				w.run(t, 3*time.Hour)
				got := w.sink.Got()
				for _, e := range tenant.Entries(began.Add(-time.Hour+time.Second).Unix(), began.Add(3*time.Hour).Unix()) {
					assert.Equal(t, 1, got[e.ID], e.EventTime)
				}
				for _, e := range tenant.Entries(tenant.Start, began.Add(-time.Hour-10*time.Second).Unix()) {
					assert.Zero(t, got[e.ID], e.EventTime)
				}
			})
		})
	}
}

// TestClockOfAMachineWithoutABattery: a time that was stored by a clock that was wrong by years is not believed
// once the clock is right, and years are not read. Covers F9, F41.
func TestClockOfAMachineWithoutABattery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultReset}}})
		w.run(t, time.Minute)
		time.Sleep(5 * 365 * 24 * time.Hour) // our clock is set
		w.server.Update(func(o *simulator.Options) { o.Faults = nil })
		entries(w.server, "recent", 5, time.Now().Unix()-1800)
		w.run(t, time.Hour)
		assert.Len(t, w.sink.Got(), 5)
		assert.Less(t, len(w.server.CallsOf(simulator.EndpointList)), 500)
	})
}

// TestRestartWithAClockBehindWhatWasRead: our clock was set back by a year before a restart. By our clock there
// is nothing to read, but the server's time shows otherwise. Covers F9, F41.
func TestRestartWithAClockBehindWhatWasRead(t *testing.T) {
	const year = 365 * 24 * time.Hour
	var left map[string][]byte
	var read int64
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(year)
		w := quietWorld(simulator.Options{})
		w.run(t, 2*time.Hour)
		left, read = w.disk.Data, time.Now().Unix()
	})
	synctest.Test(t, func(t *testing.T) {
		skew := time.Until(time.Unix(read, 0))
		require.Greater(t, skew, year)
		w := quietWorld(simulator.Options{ClockSkew: skew})
		w.disk.Data = left
		entries(w.server, "later", 5, read+30)
		w.run(t, time.Hour)
		assert.Len(t, w.sink.Got(), 5)
	})
}

// TestStartTimeAfterReading: once something was read, start_time is ignored, and one log line reports it, with
// what to do. Covers F41.
func TestStartTimeAfterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		now := time.Now()
		w.cfg.StartTime = now.Add(-2 * time.Hour).Truncate(time.Second)
		entries(w.server, "early", 5, now.Add(-20*time.Hour).Unix())
		entries(w.server, "wanted", 7, now.Add(-90*time.Minute).Unix())
		assert.NotContains(t, w.run(t, 2*time.Hour), lineMismatch)
		assert.NotContains(t, w.run(t, 2*time.Hour), lineMismatch, "it is where reading began")
		w.cfg.StartTime = now.Add(-24 * time.Hour)
		w.run(t, 2*time.Hour)
		told := w.logs.FilterMessage(lineMismatch).All()
		require.Len(t, told, 1)
		assert.Equal(t, now.Add(-2*time.Hour).UTC(), told[0].ContextMap()["began"])
		assert.Len(t, w.sink.Got(), 7)
		w.cfg.StartTime = time.Time{}
		assert.NotContains(t, w.run(t, time.Hour), lineMismatch)
	})
}

// TestExportUsedAgain: a receiver for exports gets one range after the other with the same storage. Each is
// read, nothing is delivered twice, and only a range that was read is reported complete. Covers F41.
func TestExportUsedAgain(t *testing.T) {
	const h = time.Hour
	type export struct {
		from, to time.Duration // ago
		entries  int           // delivered in total by then
		line     string        // logged, besides the completion
	}
	for name, exports := range map[string][]export{
		"an earlier one":            {{2 * h, h, 60, ""}, {6 * h, 5 * h, 120, lineAnother}},
		"a later one":               {{6 * h, 5 * h, 60, ""}, {2 * h, h, 120, lineAnother}},
		"the hours before":          {{2 * h, h, 60, ""}, {3 * h, 2 * h, 120, lineAnother}},
		"the hours behind":          {{3 * h, 2 * h, 60, ""}, {2 * h, h, 120, lineMismatch}},
		"longer at the end":         {{3 * h, 2 * h, 60, ""}, {3 * h, h, 120, ""}},
		"longer at the begin":       {{3 * h, 2 * h, 60, ""}, {5 * h, 2 * h, 180, lineAnother}},
		"longer at both ends":       {{3 * h, 2 * h, 60, ""}, {5 * h, h, 240, lineAnother}},
		"shorter":                   {{5 * h, 2 * h, 180, ""}, {4 * h, 3 * h, 180, lineMismatch}},
		"the same":                  {{3 * h, 2 * h, 60, ""}, {3 * h, 2 * h, 60, ""}},
		"back and forth":            {{3 * h, 2 * h, 60, ""}, {5 * h, h, 240, lineAnother}, {5 * h, h, 240, ""}},
		"before, over what is read": {{3 * h, 2 * h, 60, ""}, {5 * h, 150 * time.Minute, 180, lineAnother}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				now := time.Now().Truncate(h)
				w.cfg.RecheckAfter = []time.Duration{2 * time.Minute, 15 * time.Minute}
				for minute := range 8 * 60 {
					entries(w.server, fmt.Sprintf("m%d", minute), 1, now.Add(-8*h).Unix()+int64(minute)*60)
				}
				for _, e := range exports {
					w.cfg.StartTime, w.cfg.EndTime = now.Add(-e.from), now.Add(-e.to)
					said := w.run(t, 40*time.Minute)
					assert.Contains(t, said, lineComplete)
					if e.line != "" {
						assert.Contains(t, said, e.line)
					}
					got := w.sink.Got()
					assert.Len(t, got, e.entries)
					for id, n := range got {
						assert.Equal(t, 1, n, id)
					}
				}
			})
		})
	}
}

// TestExportUsedAgainInTheMiddle: a range around one that was read before survives kills at any call. Covers F41.
func TestExportUsedAgainInTheMiddle(t *testing.T) {
	for calls := range 6 {
		synctest.Test(t, func(t *testing.T) {
			const h = time.Hour
			w := quietWorld(simulator.Options{})
			now := time.Now().Truncate(h)
			for minute := range 8 * 60 {
				entries(w.server, fmt.Sprintf("m%d", minute), 1, now.Add(-8*h).Unix()+int64(minute)*60)
			}
			w.cfg.StartTime, w.cfg.EndTime = now.Add(-3*h), now.Add(-2*h)
			w.run(t, 40*time.Minute)
			w.cfg.StartTime, w.cfg.EndTime = now.Add(-7*h), now.Add(-h)
			w.cfg.PageSize = 20
			w.latency = func() time.Duration { return time.Second }
			w.run(t, time.Duration(1+2*calls)*time.Second)
			w.run(t, 40*time.Minute)
			got := w.sink.Got()
			assert.Len(t, got, 6*60)
			for id, n := range got {
				assert.Equal(t, 1, n, id)
			}
		})
	}
}

// TestNothingIsComplete: a range without a second is never reported complete, whatever was read before. Covers
// F41.
func TestNothingIsComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		now := time.Now()
		entries(w.server, "e", 5, now.Unix()-1800)
		w.cfg.EndTime = now.Add(-24 * time.Hour)
		said := w.run(t, time.Hour)
		assert.Contains(t, said, lineNothing)
		assert.NotContains(t, said, lineComplete)
		w.cfg.EndTime = time.Time{}
		w.run(t, time.Hour)
		assert.Len(t, w.sink.Got(), 5)
		w.cfg.EndTime = now.Add(-24 * time.Hour)
		said = w.run(t, time.Hour)
		assert.Contains(t, said, lineNothing)
		assert.NotContains(t, said, lineComplete)
	})
}
