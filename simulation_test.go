// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var (
	simSeed = flag.Uint64("sim.seed", 0, "run the simulation with this seed only")
	simRuns = flag.Int("sim.runs", 1, "how many seeds to run")
	simFrom = flag.Uint64("sim.from", 1, "the first seed")
	simFor  = flag.Duration("sim.for", 0, "run seeds, one after another, for this long (TestSoak)")
)

// TestSimulation runs the receiver for hours or days of virtual time in worlds drawn from a seed: undocumented
// behaviour of the API, a tenant, a configuration that changes with restarts, and faults of API, network, clock,
// pipeline, disk and process. Then it checks the guarantees entry by entry: nothing lost, nothing invented or
// changed, no duplicates except what was not stored at a crash, never above the pace or within the server's
// wait, no id remembered for too long, no goroutine left over, nothing secret in the log.
//
//	go test -run TestSimulation -sim.seed N -cpu 1 .   replays one seed
//
// Covers F1 to F7, F9 to F18, F20, F21, F23, F24, F26, F28 to F30, F32, F33, F42, F45, F46, F48, F49, F50, F59, F65, F67.
func TestSimulation(t *testing.T) {
	t.Parallel()
	first, n := *simFrom, *simRuns
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	var all tally
	if *simSeed != 0 {
		collectBetween()
	}
	t.Run("worlds", func(t *testing.T) {
		for seed := first; seed < first+uint64(n); seed++ {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { newSimulation(seed).run(t, &all) })
			})
		}
	})
	t.Log(all.String())
}

// tally sums up the events of simulations.
type tally struct {
	mu                              sync.Mutex
	time                            time.Duration
	worlds, entries, calls, spoiled int
	lives, failures                 int
	counts                          map[string]int
}

func (a *tally) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	parts := []string{fmt.Sprintf("%d worlds, %.1f simulated days, %d entries, %d calls, %d calls spoiled, %d lives", a.worlds, a.time.Hours()/24, a.entries, a.calls, a.spoiled, a.lives)}
	for _, kind := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s", a.counts[kind], kind))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d failures", a.failures)), ", ")
}

// kinds are the counted events, in the order of the tally.
var kinds = []string{
	"outages of the API", "waits asked for by the API", "failures of the storage", "slow accesses of the storage",
	"refusals of the pipeline", "refusals of everything", "refusals of one record", "refusals of size", "records given up", "stalls of the pipeline", "jumps of a clock", "changes of the configuration", "elections",
	"times skipped", "crashes", "entries again after crashes",
}

// simulation is one world, with one or two receivers in one process, or replicas.
type simulation struct {
	seed     uint64
	rng      *rand.Rand
	opts     simulator.Options
	tenant   simulator.Tenant
	length   time.Duration
	begin    int64         // where the receivers start to read
	ahead    time.Duration // the largest lead of the server's clock so far
	end      int64         // where they stop, exclusive; 0: never
	horizon  time.Duration // the last recheck of every configuration is at least this long
	slowest  time.Duration // poll interval
	limits   []int         // of calls a minute
	clock    string        // which clock jumps
	worlds   []*testbed    // one for each receiver
	faults   []simulator.Fault
	outages  []simulator.Fault
	bounds   []simulator.Fault // what is never answered
	watch    *watch
	oneWalk  bool // never several concurrent walks
	wide     bool // there were several concurrent walks
	born     time.Time
	samples  [2][]memory // by receiver
	baseline int         // goroutines while no process runs

	pipelineDown, pipelineRefuses, diskDown, diskSlow, troubled atomic.Bool
	bad                                                         float64 // fraction of the records that no backend accepts
	slowSizes                                                   bool    // batches that are too large are refused temporarily
	// catch is called by the pipeline when it gets the next records.
	catch atomic.Pointer[func()]

	lives int
	log   []string

	mu     sync.Mutex
	counts map[string]int
}

func (s *simulation) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[kind]++
}

// run simulates the world and checks the guarantees.
func (s *simulation) run(t *testing.T, all *tally) {
	began := time.Now()
	s.addFuture()
	s.baseline, _ = goroutines()
	for time.Since(began) < s.length {
		s.live(t, time.Duration(s.rng.Int64N(int64(s.length/2))))
		if chance(s.rng, 0.3) {
			time.Sleep(time.Duration(s.rng.Int64N(int64(20 * time.Minute)))) // no process runs
		}
	}
	// The last part of the log, without faults.
	cutoff := time.Now().Add(s.opts.ClockSkew).Unix()
	s.calm()
	s.limits = []int{100}
	for _, w := range s.worlds {
		w.taken = len(w.sink.Got())
	}
	stop := s.start(t)
	time.Sleep(2*2*s.horizon + 2*s.slowest + 2*time.Hour + s.patience())
	for _, w := range s.worlds {
		s.sample(w)
		s.caughtUp(t, w)
	}
	stop()
	s.alone(t)
	for i := range s.worlds {
		s.check(t, i, cutoff, all)
	}
	assert.Empty(t, s.watch.wrong, "calls and lines: %s", s)
	if *simSeed != 0 || t.Failed() {
		t.Log("digest of all calls and records: " + s.digest())
	}
	server := s.worlds[0].server
	all.mu.Lock()
	defer all.mu.Unlock()
	all.worlds++
	all.time += time.Since(began)
	all.lives += s.lives
	if all.counts == nil {
		all.counts = map[string]int{}
	}
	s.counts["waits asked for by the API"], s.counts["times skipped"] = s.watch.hints, len(s.watch.skipped)
	for kind, n := range s.counts {
		all.counts[kind] += n
	}
	for _, call := range server.Calls() {
		all.calls++
		if len(call.Faults) > 0 {
			all.spoiled++
		}
	}
}

// addFuture adds, in some worlds, entries with times in the year 2099, which queries of today return.
func (s *simulation) addFuture() {
	if !chance(s.rng, 0.2) {
		return
	}
	for i := range 3 {
		at := s.begin + s.rng.Int64N(int64(s.length/time.Second))
		s.worlds[0].server.Add(simulator.Entry{
			ID: fmt.Sprintf("future-%d", i), EventTime: at, APIKey: "GET/open-apis/im/v1/messages", AppID: "cli_future",
			Raw: fmt.Sprintf(`{"id":"future-%d","event_time":4070908800,"api_key":"GET/open-apis/im/v1/messages","app_id":"cli_future"}`, i),
		})
		s.log = append(s.log, fmt.Sprintf("future-%d at %d", i, at))
	}
}

// start starts a process with all receivers.
func (s *simulation) start(t *testing.T) (stop func()) {
	limit, walks := math.MaxInt, 0
	for _, w := range s.worlds {
		s.drawConfig(w.cfg)
	}
	s.keepPagesTogether()
	for _, w := range s.worlds {
		limit = min(limit, w.cfg.RequestsPerMinute)
		walks += w.cfg.MaxConcurrentWalks
		s.wide = s.wide || w.cfg.MaxConcurrentWalks > 1
		w.sink.Book.Structured = w.cfg.Body == audit.BodyStructured
	}
	s.count("changes of the configuration")
	s.watch.process(limit, walks)
	s.born = time.Now()
	var stops []func()
	for _, w := range s.worlds {
		w.begin()
		stops = append(stops, w.start(t))
		time.Sleep(time.Millisecond + 1) // no two in the same instant
	}
	s.lives++
	return func() {
		for i, w := range s.worlds {
			s.ends(w, stops[i])
		}
	}
}

// ends shuts a receiver down, or ends its leadership, and checks how long that takes: storing what the pipeline
// has accepted may take CommitGrace, and the pipeline may take stopGrace. If the pipeline ignores its context,
// it is waited for.
func (s *simulation) ends(w *testbed, stop func()) {
	began := time.Now()
	stop()
	w.sink.Mu.Lock()
	defer w.sink.Mu.Unlock()
	if w.sink.Dead {
		return
	}
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	if took := time.Since(laterOf(laterOf(began, w.sink.Freed), w.disk.Freed)); took > checkpoint.CommitGrace+audit.StopGrace {
		w.sink.Book.Fault("the end takes %s", took)
	}
	w.sink.Book.Ended(w.cfg.PageSize, w.disk.Unwritten)
}

// elect ends the leader's term and starts a term of another replica, of the same one, or none.
func (s *simulation) elect(w *testbed) {
	s.count("elections")
	if w.leads >= 0 {
		s.ends(w, w.electors[w.leads].OnStop)
	}
	if w.leads = s.rng.IntN(w.replicas+1) - 1; w.leads >= 0 {
		s.watch.process(w.cfg.RequestsPerMinute, w.cfg.MaxConcurrentWalks)
		w.begin()
		w.electors[w.leads].OnStart(context.Background())
	}
}

// alone checks that nothing is left of a process.
func (s *simulation) alone(t *testing.T) {
	synctest.Wait()
	if n, stacks := goroutines(); n > s.baseline {
		t.Errorf("%d goroutines are left: %s\n%s", n-s.baseline, s, stacks)
	}
}

// live is one life of the process, ended by a shutdown or a crash.
func (s *simulation) live(t *testing.T, life time.Duration) {
	died := make(chan struct{})
	var once sync.Once
	die := func() { once.Do(func() { close(died) }) }
	for _, w := range s.worlds {
		w.disk.OnDie = die
	}
	stop := s.start(t)
	crash := chance(s.rng, 0.5)
	if crash && chance(s.rng, 0.7) {
		// In the middle of writing a checkpoint, or just before; often one of the first.
		d := s.worlds[s.rng.IntN(len(s.worlds))].disk
		d.Mu.Lock()
		d.Fuse = 1 + int(200*math.Pow(s.rng.Float64(), 3))
		d.Mu.Unlock()
	}
	if !crash && chance(s.rng, 0.5) {
		// Shut down while the pipeline has records, at some point.
		caught := die
		timer := time.AfterFunc(time.Duration(s.rng.Int64N(int64(life)+1)), func() { s.catch.Store(&caught) })
		defer timer.Stop()
	}
	end := time.Now().Add(life)
	for alive := true; alive && time.Now().Before(end); {
		s.weather()
		select {
		case <-time.After(min(time.Until(end), time.Minute+time.Duration(s.rng.Int64N(int64(s.length/8))))):
		case <-died:
			alive = false
		}
	}
	if crash {
		s.count("crashes")
		for _, w := range s.worlds {
			w.kill()
			w.sink.Mu.Lock()
			w.sink.Book.Died(w.cfg.PageSize)
			w.sink.Mu.Unlock()
		}
	}
	stop()
	s.catch.Store(nil)
	s.alone(t)
	shared := &pace.Registry{}
	for _, w := range s.worlds {
		w.disk.Mu.Lock()
		w.disk.Fuse = 0
		w.disk.Mu.Unlock()
		w.reboot()
		w.paces = shared
	}
	s.setOurClock()
}

func (s *simulation) String() string {
	opts := s.opts
	opts.Observe, opts.Faults = nil, nil
	return fmt.Sprintf("to replay: go test -run TestSimulation -sim.seed %d -cpu 1 . (%v, options %+v, faults %+v, outages %+v, receivers %d, replicas %d, clock %s, end %d, %v)",
		s.seed, s.counts, opts, s.faults, s.outages, len(s.worlds), s.worlds[0].replicas, s.clock, s.end, s.log)
}

// chance returns true with this probability.
func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }
