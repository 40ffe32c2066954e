// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// tenant makes a log that started some minutes ago and continues for a while: bursts of 1,500 entries in one
// second, and a third of all entries late, by at most the last recheck.
func tenant(seed uint64, end time.Time) simulator.Tenant {
	return simulator.Tenant{
		Seed: seed, PerSecond: 5, BurstEvery: time.Minute, BurstSize: 1500,
		Start: end.Unix() - 300, End: end.Unix(), LateFraction: 1.0 / 3, MaxLateness: lastRecheck,
	}
}

const lastRecheck = 6 * time.Second

// TestExactlyOnce: every entry of the log arrives once, with any order and any bounds of the API, with access
// tokens revoked every few calls, and with a SIGTERM during a walk; a kill -9 repeats at most the page that was
// being delivered, and a SIGTERM nothing. Covers F1 to F5, F14, F21, F24.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	for i, order := range []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled} {
		for j, exclusive := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, exclusive=%v", order, exclusive), func(t *testing.T) {
				t.Parallel()
				seed := uint64(1 + 2*i + j)
				rng := rand.New(rand.NewPCG(seed, 7))
				end := time.Now().Add(15 * time.Second)
				log := tenant(seed, end)
				a := newAPI(t, simulator.Options{
					Seed: seed, Tenant: log, Order: order, StartExclusive: exclusive, EndExclusive: exclusive,
					Paging: simulator.Live,
					Faults: []simulator.Fault{{Kind: simulator.FaultRevoke, Every: 7}},
				})
				b := newBackend(t)
				s := newSetup(t, "http://"+a.addr,
					"initial_lookback: 1h",
					"recheck_after: [2s, 6s]",
				)
				killed := map[string]bool{} // lives
				for time.Now().Before(end) {
					c := s.start(t, b)
					pause(t, time.Duration(1500+rng.IntN(2500))*time.Millisecond)
					if rng.IntN(2) == 0 {
						c.term(t)
					} else {
						c.kill(t)
						killed[s.life()] = true
					}
				}
				c := s.start(t, b)
				entries := log.Entries(log.Start, log.End+1)
				b.arrivals(t, entries)
				pause(t, 2*lastRecheck) // records that arrive now would be duplicates
				c.term(t)
				t.Logf("%d kills", len(killed))
				b.check(t, entries, len(killed))
				b.checkDoubles(t, killed)
			})
		}
	}
}
