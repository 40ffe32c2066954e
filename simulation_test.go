// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

var (
	simSeed = flag.Uint64("sim.seed", 0, "run the simulation with this seed only")
	simRuns = flag.Int("sim.runs", 1, "how many seeds to run")
	simFrom = flag.Uint64("sim.from", 1, "the first seed")
	simFor  = flag.Duration("sim.for", 0, "run seeds, one after another, for this long (TestSoak)")
)

// TestSimulation lets the receiver live for hours or days of virtual time in worlds
// drawn from a seed: what the API leaves undocumented, a tenant, a configuration
// that changes with restarts, and faults of API, network, clock, pipeline, disk and
// process. Then the promises of design 1.5 are checked entry by entry: nothing lost,
// nothing invented or altered, nothing twice but what was not written down at a crash,
// never above the pace nor within the server's wait, no id remembered for too long, no
// goroutine left behind, nothing secret in the log.
//
//	go test -run TestSimulation -sim.seed N -cpu 1 .   replays one seed
//
// Covers F1 to F7, F9 to F18, F20, F21, F23, F24, F26, F28 to F30, F32, F33.
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
			fmt.Fprintf(os.Stderr, "failed: go test -run TestSimulation -sim.seed %d -cpu 1 .\n", seed) // why is said at the end only
		}
		runtime.GC()
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Println("soak: " + all.String())
		}
	}
	fmt.Println("soak: " + all.String())
}

// collectBetween leaves the garbage of a world until it is over: the collector's own
// goroutines are scheduled among the world's, and a seed would not replay exactly. A
// world that takes more than most is collected all the same.
func collectBetween() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
}

// TestSimulationReplays: the same seed is the same run, call by call and record by
// record, or nobody could find the cause of a failure. That holds on one processor, for
// one receiver and walks one after another.
func TestSimulationReplays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed, ran := uint64(1), 0; ran < 4; seed++ {
		var digests []string
		for range 2 {
			synctest.Test(t, func(t *testing.T) {
				s := newSimulation(seed)
				if s.length = min(s.length, 3*time.Hour); s.tenant.PerSecond > 0.1 || len(s.worlds) > 1 || s.worlds[0].replicas > 0 {
					return // as good as others, and slow
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

// tally sums up what simulations went through.
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

// kinds are what is counted, in the order of the tally.
var kinds = []string{
	"outages of the API", "waits asked for by the API", "failures of the storage", "slow accesses of the storage",
	"refusals of the pipeline", "stalls of the pipeline", "jumps of a clock", "changes of the configuration", "elections",
	"times passed over", "crashes", "entries again after crashes",
}

// simulation is one world, with one or two receivers in one process, or replicas.
type simulation struct {
	seed     uint64
	rng      *rand.Rand
	opts     simulator.Options
	tenant   simulator.Tenant
	length   time.Duration
	begin    int64         // where the receivers begin to read
	ahead    time.Duration // the most by which the server's clock has been ahead
	end      int64         // where they stop, exclusive; 0: never
	horizon  time.Duration // the last recheck that every configuration has at least
	slowest  time.Duration // poll interval
	limits   []int         // of calls a minute
	clock    string        // which one jumps
	worlds   []*testbed    // one for each receiver
	faults   []simulator.Fault
	outages  []simulator.Fault
	watch    *watch
	oneWalk  bool // never several walks side by side
	wide     bool // there were several walks side by side
	born     time.Time
	samples  [2][]memory // by receiver
	baseline int         // goroutines while no process runs

	pipelineDown, diskDown, diskSlow, troubled atomic.Bool
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

// run lives through it and checks the promises.
func (s *simulation) run(t *testing.T, all *tally) {
	began := time.Now()
	s.addFuture()
	s.baseline, _ = goroutines()
	for time.Since(began) < s.length {
		s.live(t, time.Duration(s.rng.Int64N(int64(s.length/2))))
		if chance(s.rng, 0.3) {
			time.Sleep(time.Duration(s.rng.Int64N(int64(20 * time.Minute)))) // nobody is there
		}
	}
	// The last part of the log, with all well again.
	cutoff := time.Now().Add(s.opts.ClockSkew).Unix()
	s.calm()
	s.limits = []int{100}
	stop := s.start(t)
	time.Sleep(2*2*s.horizon + 2*s.slowest + 2*time.Hour)
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
	s.counts["waits asked for by the API"], s.counts["times passed over"] = s.watch.hints, len(s.watch.skipped)
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

// addFuture adds, in some worlds, entries that say they are from the year 2099 to
// what queries of today return.
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

// start begins a process with all receivers.
func (s *simulation) start(t *testing.T) (stop func()) {
	limit, walks := math.MaxInt, 0
	for _, w := range s.worlds {
		s.drawConfig(w.cfg)
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

// ends shuts a receiver down, or makes it no longer the leader, and holds it to the time
// that this may take: what the pipeline has accepted may be written down for CommitGrace,
// and the pipeline may take stopGrace. One that does not heed its context is waited for.
func (s *simulation) ends(w *testbed, stop func()) {
	began := time.Now()
	stop()
	w.sink.Mu.Lock()
	defer w.sink.Mu.Unlock()
	if w.sink.Dead {
		return
	}
	if took := time.Since(laterOf(began, w.sink.Freed)); took > checkpoint.CommitGrace+audit.StopGrace {
		w.sink.Book.Fault("the end takes %s", took)
	}
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	w.sink.Book.Ended(w.cfg.PageSize, w.disk.Unwritten)
}

// begin notes where a term begins to read that finds no position, and how far behind it
// is that finds one.
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

// promisedFrom is from when on a receiver has promised to read.
func (s *simulation) promisedFrom(w *testbed) int64 {
	if !w.cfg.StartTime.IsZero() {
		return s.begin
	}
	// By the server's clock, to the second, where that is ahead.
	return w.begins + int64((s.ahead+openapi.ClockSlack)/time.Second) + 2
}

// elect ends the leader's term and begins another one's, or the same one's, or none.
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

// alone checks that nothing of a process is left.
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
		// Shut down while the pipeline has records in hand, sooner or later.
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

// memory is what a receiver remembers at a time.
type memory struct {
	from, lag, most int64 // the oldest second, how far the last pass is behind, and may be
	ids             int
	bytes           int64
}

// sample looks at a receiver's memory, once a walk was finished since its start: what it
// has loaded is forgotten then, as far as it can be.
func (s *simulation) sample(w *testbed) {
	if w.leads < 0 || w.receivers == nil {
		return
	}
	at, walked := w.receivers[w.leads].Progress()
	if len(at.Marks) == 0 || time.Since(s.born) < time.Minute || !walked.After(s.born.Add(10*time.Millisecond)) || w.replicas > 0 {
		return
	}
	last := len(at.Marks) - 1
	// What the design allows where rechecks are behind, and the windows that were begun
	// before that was so, with this configuration or the one before.
	most := 2*int64(max(2*s.horizon, 5*time.Minute)/time.Second) + plan.MemoryAllowance + plan.MaxPending*int64(w.cfg.MaxConcurrentWalks)*int64(w.cfg.MaxWindow/time.Second)
	s.samples[w.n] = append(s.samples[w.n], memory{
		from: (at.Marks[last] - plan.Overlap - 1) / 60 * 60, lag: at.Marks[0] - at.Marks[last], most: max(most, w.lag),
		ids: at.IDs, bytes: at.IDBytes,
	})
}

// caughtUp checks that nothing is behind after hours in which all was well: what is
// remembered is the last recheck's time, what it waits for its window to be worth a call,
// and how long that is read, at the pace that is left to each of the receivers.
func (s *simulation) caughtUp(t *testing.T, w *testbed) {
	at, _ := w.receivers[w.leads].Progress()
	if at.Done() || s.load() > manageable*float64(s.limits[0]) {
		return
	}
	now := time.Now().Add(s.opts.ClockSkew).Unix()
	tick := int64(w.cfg.PollInterval/time.Second) + 1
	walk := int64(60 * plan.PagesPerWalk * len(s.worlds) / s.limits[0])
	for pass, mark := range at.Marks {
		behind := now - at.Recheck[pass] - mark
		allowed := tick + 120
		if pass > 0 {
			allowed += walk + max(tick, at.Recheck[pass]/2)
		}
		assert.LessOrEqual(t, behind, allowed, "pass %d: %s", pass, s)
	}
}

// manageable is which part of the pace may be needed for what is new where rechecks are
// to be in time: failures and retries take some of it, too.
const manageable = 0.6

// load is how many calls a minute the receivers need where nothing is behind. Small pages,
// many rechecks and a log that each of these calls adds to may be more than anybody has.
func (s *simulation) load() float64 {
	calls, entry := 0.0, 0.0 // what ticks take, and one entry
	for _, w := range s.worlds {
		passes := float64(1 + len(w.cfg.RecheckAfter))
		calls += passes * time.Minute.Seconds() / w.cfg.PollInterval.Seconds()
		entry += passes / float64(w.cfg.PageSize-s.opts.PageOverlap)
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

// check holds what one receiver delivered against what the API showed.
func (s *simulation) check(t *testing.T, n int, cutoff int64, all *tally) {
	w := s.worlds[n]
	now := time.Now().Add(s.opts.ClockSkew).Unix()
	// Some begin earlier, by the server's clock.
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
	var lost, wrong []string
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
		uid := it.UID()
		known[uid] = true
		times = append(times, e.EventTime)
		if second, ok := it.EventTime(); !ok || second != e.EventTime {
			odd++
		}
		got, refused := w.sink.Accepted[uid], w.sink.Lost[uid]
		if promised(e) {
			wanted++
			if got == 0 && refused == 0 {
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
		// What is passed over is forgotten at the end of the next walk only.
		if most := since(m.from) + odd; m.ids > most && len(s.watch.skipped) == 0 {
			kept = append(kept, fmt.Sprintf("%d ids from %d on, where there are %d entries", m.ids, m.from, most))
		}
		if m.lag > m.most {
			kept = append(kept, fmt.Sprintf("the last pass is %d s behind, more than %d", m.lag, m.most))
		}
		if m.bytes > 64*int64(m.ids) {
			kept = append(kept, fmt.Sprintf("%d bytes for %d ids", m.bytes, m.ids))
		}
	}
	var skips []string
	for _, gap := range s.watch.skipped {
		oldest := gap.at.Add(s.opts.ClockSkew - s.opts.Retention).Unix()
		if !s.opts.RefuseExpired || gap.to > oldest+poll.RefusalMargin+240 {
			skips = append(skips, fmt.Sprintf("%d to %d was passed over, and the API shows what is from %d on", gap.from, gap.to, oldest))
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
	assert.Empty(t, first(skips), "time was passed over: %s", s)
	if m := s.samples[n]; len(m) > 0 {
		// Pages are deleted from the front, whole: one of a window that was read before
		// its time, or with an odd entry, keeps those behind it for as long. So does one
		// with fresh entries those that a recheck found then.
		last := m[len(m)-1]
		from := last.from - last.lag - int64(w.widest/time.Second) - 60*plan.OddHorizon - 2*plan.MemoryAllowance
		assert.LessOrEqual(t, stored, last.ids+2*w.cfg.PageSize+odd+since(from)-since(last.from), "stored ids: %s", s)
	}
}

func first(list []string) []string { return list[:min(5, len(list))] }

func (s *simulation) String() string {
	opts := s.opts
	opts.Observe, opts.Faults = nil, nil
	return fmt.Sprintf("to replay: go test -run TestSimulation -sim.seed %d -cpu 1 . (%v, options %+v, faults %+v, outages %+v, receivers %d, replicas %d, clock %s, end %d, %v)",
		s.seed, s.counts, opts, s.faults, s.outages, len(s.worlds), s.worlds[0].replicas, s.clock, s.end, s.log)
}

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

// chance draws by probability.
func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }
