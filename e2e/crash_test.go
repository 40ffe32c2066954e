// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestKills: the collector is killed with SIGKILL, again and again, at random moments: before it is ready, and
// right when the backend accepts a page, before the checkpoint is written. Nothing is lost; a kill repeats at
// most the one page that was in this state, and a SIGTERM nothing. Covers F1, F2, F3, F6, F24, F30, F32, F33.
func TestKills(t *testing.T) {
	t.Parallel()
	const kills, terms = 40, 8
	arriving := func(now int64) simulator.Tenant {
		return simulator.Tenant{
			Seed: 17, PerSecond: 20, BurstEvery: 7 * time.Second, BurstSize: 400,
			Start: now - 120, LateFraction: 1.0 / 3, MaxLateness: lastRecheck,
		}
	}
	for name, tc := range map[string]struct {
		log     func(now int64) simulator.Tenant
		order   simulator.Order
		answers time.Duration // of the backend, after so long
		faults  []simulator.Fault
		extra   []string
	}{
		"arriving, late": {log: arriving, extra: []string{"recheck_after: [2s, 6s]"}},
		"arriving, late, concurrent walks": {
			log:    arriving,
			faults: []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond}}, // fast answers need only one walk
			extra:  []string{"recheck_after: [2s, 6s]", "max_concurrent_walks: 3"},
		},
		// Nothing is read again here, and the end of a walk is not in the overlap of another one: nothing would
		// recover what a watermark that moved too early has lost.
		"history, no rechecks": {
			log: func(now int64) simulator.Tenant {
				return simulator.Tenant{Seed: 18, PerSecond: 100, Start: now - 500, End: now - 10}
			},
			order:   simulator.Shuffled,
			answers: 50 * time.Millisecond,
			extra:   []string{"recheck_after: []", "max_window: 5s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := tc.log(time.Now().Unix()) // not before t.Parallel, which may wait for minutes
			rng := rand.New(rand.NewPCG(log.Seed, 40))
			a, b := newAPI(t, simulator.Options{Tenant: log, Order: tc.order, Faults: tc.faults}), newBackend(t)
			b.answering(func(int) (time.Duration, int) { return tc.answers, http.StatusOK })
			s := newSetup(t, "http://"+a.addr, append(tc.extra, "initial_lookback: 10m")...)
			killed := map[string]bool{}
			for i := range kills + terms {
				c := s.start(t, b)
				term := i%(kills/terms+1) == kills/terms
				if term {
					// SIGTERM is handled a moment after the collector has logged this.
					c.says(t, ready, starts)
					pause(t, 300*time.Millisecond)
				}
				if term || rng.IntN(2) == 0 {
					pause(t, time.Duration(rng.IntN(2000))*time.Millisecond)
				} else {
					b.waitFor(t, b.requests()+1+rng.IntN(4), 3*time.Second)
					pause(t, time.Duration(rng.IntN(2000))*time.Microsecond)
				}
				if term {
					c.term(t)
				} else {
					c.kill(t)
					killed[s.life()] = true
				}
			}
			b.answering(always(http.StatusOK))
			entries := a.ends(log)
			c := s.start(t, b)
			b.arrivals(t, entries)
			pause(t, 2*lastRecheck) // records that arrive now would be duplicates
			c.term(t)

			t.Logf("%d kills", kills)
			b.check(t, entries, kills)
			b.checkDoubles(t, killed)
		})
	}
}

// waitFor waits until the backend has accepted this many requests, or until the time is over.
func (b *backend) waitFor(t *testing.T, requests int, atMost time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(atMost); b.requests() < requests && time.Now().Before(deadline); {
		pause(t, time.Millisecond)
	}
}
