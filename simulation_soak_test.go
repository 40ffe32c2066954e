// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestSoak runs seeds until -sim.for is over. make soak calls it.
func TestSoak(t *testing.T) {
	if *simFor == 0 {
		t.Skip("needs -sim.for; make soak runs it")
	}
	var all tally
	collectBetween()
	began, told := time.Now(), time.Now()
	for seed := *simFrom; time.Since(began) < *simFor; seed++ {
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSimulation(seed).run(t, &all) })
		}) {
			all.failures++
			fmt.Fprintf(os.Stderr, "failed: go test -run TestSimulation -sim.seed %d -cpu 1 .\n", seed) // the reason is printed only at the end
		}
		runtime.GC()
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Println("soak: " + all.String())
		}
	}
	fmt.Println("soak: " + all.String())
}

// collectBetween delays garbage collection until a world is over: the collector's own goroutines are scheduled
// among the world's, and a seed would not replay exactly. A world that needs very much memory is collected
// anyway.
func collectBetween() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
}

// TestSimulationReplays: the same seed gives the same run, call by call and record by record; otherwise nobody
// could find the cause of a failure. That holds on one processor, for one receiver and walks one after the
// other.
func TestSimulationReplays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed, ran := uint64(1), 0; ran < 4; seed++ {
		var digests []string
		for range 2 {
			synctest.Test(t, func(t *testing.T) {
				s := newSimulation(seed)
				if s.length = min(s.length, 3*time.Hour); s.tenant.PerSecond > 0.1 || len(s.worlds) > 1 || s.worlds[0].replicas > 0 {
					return // no better than others, and slow
				}
				s.oneWalk = true
				s.run(t, &tally{})
				digests = append(digests, s.digest())
			})
		}
		if len(digests) == 2 {
			assert.Equal(t, digests[0], digests[1], "seed %d", seed)
			ran++
		}
	}
}
