// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestClockSetBackInMidWalk: the server's clock is set back while a window is read, and the server no longer
// shows entries in its future. These may have been on the next pages, or on pages already read, so that the
// remaining entries have moved there. The window is read again. Covers F9.
func TestClockSetBackInMidWalk(t *testing.T) {
	for _, order := range []simulator.Order{simulator.Ascending, simulator.Descending} {
		t.Run(string(order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Paging: simulator.Live, Order: order})
				time.Sleep(time.Hour)
				entries(w.server, "old", 150, time.Now().Unix()-200)
				entries(w.server, "new", 100, time.Now().Unix()-30)
				w.cfg.InitialLookback, w.cfg.RecheckAfter = 5*time.Minute, nil
				var calls atomic.Int64
				w.latency = func() time.Duration {
					if calls.Add(1) == 3 { // after the token and the first page
						w.server.Update(func(o *simulator.Options) { o.ClockSkew = -time.Minute })
					}
					return 50 * time.Millisecond
				}
				stop := w.start(t)
				defer stop()
				time.Sleep(3 * time.Minute)
				assert.Len(t, w.sink.Got(), 250)
			})
		})
	}
}

// TestClockSetBackHidesLateEntries: the server's clock is set back while a window of the past is read, and a
// late entry is hidden for a while. It is read when it is visible again. Covers F1, F9.
func TestClockSetBackHidesLateEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Paging: simulator.Live})
		time.Sleep(time.Hour)
		now := time.Now()
		entries(w.server, "e", 150, now.Unix()-400)
		w.server.Add(simulator.Entry{ID: "late", APIKey: "GET/open-apis/im/v1/messages", EventTime: now.Unix() - 390, AppID: "cli_a", VisibleAt: now.Add(-90 * time.Second)})
		w.cfg.InitialLookback, w.cfg.RecheckAfter = 10*time.Minute, []time.Duration{5 * time.Minute}
		var calls atomic.Int64
		w.latency = func() time.Duration {
			if calls.Add(1) == 3 { // after the token and the first page
				w.server.Update(func(o *simulator.Options) { o.ClockSkew = -4 * time.Minute })
			}
			return 50 * time.Millisecond
		}
		stop := w.start(t)
		defer stop()
		time.Sleep(time.Minute)
		assert.Len(t, w.sink.Got(), 150)
		time.Sleep(20 * time.Minute)
		assert.Len(t, w.sink.Got(), 151)
	})
}

// TestInitialLookbackByTheServersClock: if our clock is ahead by more than initial_lookback, the entries that
// the server shows now, and until its clock has caught up with ours, are still read, even if the server cannot
// be reached for a long time. Covers F9.
func TestInitialLookbackByTheServersClock(t *testing.T) {
	for name, outage := range map[string]time.Duration{"reached at once": 0, "reached after an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{ClockSkew: -10 * time.Minute, Faults: []simulator.Fault{{Kind: simulator.FaultReset}}})
				w.cfg.InitialLookback, w.cfg.MaxConcurrentWalks = 2*time.Minute, 3
				now := time.Now().Unix() - 600
				entries(w.server, "before", 5, now-130)
				entries(w.server, "there", 7, now-100)
				entries(w.server, "to come", 9, now+300)
				stop := w.start(t)
				defer stop()
				time.Sleep(outage)
				w.server.Update(func(o *simulator.Options) { o.Faults = nil })
				time.Sleep(10 * time.Minute)
				assert.Len(t, w.sink.Got(), 16)
			})
		})
	}
}

// TestClocksThatDisagree: answers come from servers whose clocks are up to a minute behind. This does not
// restart walks again and again. Covers F9.
func TestClocksThatDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		time.Sleep(time.Hour)
		entries(w.server, "e", 3000, time.Now().Unix()-100)
		w.cfg.InitialLookback, w.cfg.RecheckAfter = 5*time.Minute, nil
		rng := rand.New(rand.NewPCG(1, 1))
		var calls atomic.Int64
		w.latency = func() time.Duration {
			skew := -time.Duration(rng.IntN(60)) * time.Second
			calls.Add(1)
			w.server.Update(func(o *simulator.Options) { o.ClockSkew = skew })
			return 50 * time.Millisecond
		}
		stop := w.start(t)
		defer stop()
		time.Sleep(time.Minute)
		assert.Len(t, w.sink.Got(), 3000)
		assert.Less(t, calls.Load(), int64(60))
	})
}
