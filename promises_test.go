// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var (
	simSeed = flag.Uint64("sim.seed", 0, "run the simulation with this seed only")
	simRuns = flag.Int("sim.runs", 6, "how many seeds to run")
	simFrom = flag.Uint64("sim.from", 1, "the first seed")
	simFor  = flag.Duration("sim.for", 0, "run seeds, one after another, for this long (TestSoak)")
)

// TestSimulation lets the receiver live for hours or days of virtual time in worlds
// drawn from a seed: what the API leaves undocumented, a tenant, a configuration
// that changes with restarts, and faults of API, network, clock, pipeline, disk and
// process. Then the promises of design 1.5 are checked entry by entry: nothing lost,
// nothing invented or altered, nothing twice but for the pages in flight at a crash,
// never above the pace, no id remembered for too long, no goroutine left behind.
//
//	go test -run TestSimulation -sim.seed N -cpu 1 .   replays one seed
//
// Covers F1 to F7, F9 to F18, F20, F21, F23, F24, F26, F28 to F30, F32, F33.
func TestSimulation(t *testing.T) {
	first, n := *simFrom, *simRuns
	if *simSeed != 0 {
		first, n = *simSeed, 1
	}
	var all tally
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
	began, told := time.Now(), time.Now()
	for seed := *simFrom; time.Since(began) < *simFor; seed++ {
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSimulation(seed).run(t, &all) })
		}) {
			all.failures++
		}
		if time.Since(told) > time.Minute {
			told = time.Now()
			fmt.Println("soak: " + all.String())
		}
	}
	fmt.Println("soak: " + all.String())
}

// TestSimulationReplays: the same seed is the same run, call by call and record by
// record, or nobody could find the cause of a failure. That holds on one processor
// and for walks one after another; calls that several walks make in the same instant
// of virtual time come in the order in which Go runs their goroutines.
func TestSimulationReplays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed := uint64(5); seed <= 8; seed++ {
		var digests []string
		for range 2 {
			synctest.Test(t, func(t *testing.T) {
				s := newSimulation(seed)
				s.oneWalk = true
				s.run(t, &tally{})
				digests = append(digests, s.digest())
			})
		}
		assert.Equal(t, digests[0], digests[1], "seed %d", seed)
	}
}

// tally sums up what simulations went through.
type tally struct {
	mu                                                              sync.Mutex
	time                                                            time.Duration
	worlds, entries, calls, faults, lives, crashes, again, failures int
}

func (a *tally) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return fmt.Sprintf("%d worlds, %.1f simulated days, %d entries, %d calls, %d of them spoiled, %d lives, %d crashes, %d entries twice after crashes, %d failures",
		a.worlds, a.time.Hours()/24, a.entries, a.calls, a.faults, a.lives, a.crashes, a.again, a.failures)
}

// simulation is one world, with one or two receivers in one process.
type simulation struct {
	seed    uint64
	rng     *rand.Rand
	opts    simulator.Options
	tenant  simulator.Tenant
	length  time.Duration
	begin   int64         // where the receivers begin to read
	horizon time.Duration // the last recheck that every configuration has at least
	worlds  []*world      // one for each receiver
	faults  []simulator.Fault
	oneWalk bool // never several walks side by side

	pipelineDown, diskDown, troubled atomic.Bool

	lives, crashes int
	pages          []int // by receiver: how many pages crashes may have brought again
	log            []string
}

func newSimulation(seed uint64) *simulation {
	rng := rand.New(rand.NewPCG(seed, 42))
	now := time.Now().Unix()
	s := &simulation{seed: seed, rng: rng}
	hours := func(from, to int) time.Duration {
		return time.Duration(from)*time.Hour + time.Duration(rng.Int64N(int64(time.Duration(to-from)*time.Hour)))
	}
	s.tenant = simulator.Tenant{Seed: seed, FailureFraction: 0.1}
	var slowest time.Duration // poll interval
	switch kind := rng.IntN(20); {
	case kind < 10: // a small tenant, for days
		s.tenant.PerSecond = []float64{0.0005, 0.003, 0.01}[rng.IntN(3)]
		s.length, slowest = hours(24, 144), 10*time.Minute
	case kind < 14: // silence, and something now and then
		s.tenant.BurstEvery, s.tenant.BurstSize = time.Duration(1+rng.IntN(24))*time.Hour, 1+rng.IntN(300)
		s.length, slowest = hours(24, 144), 10*time.Minute
	case kind < 19:
		s.tenant.PerSecond = []float64{0.05, 0.2, 0.5}[rng.IntN(3)]
		s.length, slowest = hours(2, 8), 2*time.Minute
	default: // busy, with bursts
		s.tenant.PerSecond = 1 + rng.Float64()
		s.tenant.BurstEvery, s.tenant.BurstSize = time.Hour, 200+rng.IntN(3000)
		s.length, slowest = hours(1, 3), time.Minute
	}
	history := time.Duration(rng.Int64N(int64(s.length / 4)))
	s.begin = now - int64(history/time.Second)
	s.tenant.Start = s.begin - 7200
	s.horizon = []time.Duration{0, time.Minute, 30 * time.Minute, time.Hour}[rng.IntN(4)]
	if s.horizon > 0 {
		s.tenant.LateFraction, s.tenant.MaxLateness = rng.Float64()*0.5, s.horizon
	}
	if chance(rng, 0.15) {
		s.tenant.OddFraction = 0.05
	}
	s.opts = s.drawAPI()

	w := newWorld(rng, s.opts)
	s.worlds = []*world{w}
	if chance(rng, 0.2) {
		// A second receiver with the same credential, for the calls of one app.
		apps := s.tenant.Entries(s.begin, now+int64(s.length/time.Second))
		if len(apps) > 0 {
			second := newWorld(rng, s.opts)
			second.server, second.handler, second.paces = w.server, w.server, w.paces
			second.cfg.Filter.AppID = apps[rng.IntN(len(apps))].AppID
			s.worlds = append(s.worlds, second)
		}
	}
	s.pages = make([]int, len(s.worlds))
	latency, spread := time.Duration(rng.IntN(2000))*time.Millisecond, rand.New(rand.NewPCG(seed, 45))
	if life := s.opts.PageTokenLife; life > 0 {
		// A token that dies on its way cannot be used, and a second of the log that has
		// more than a page could not be read by anybody.
		latency = min(latency, life/3)
	}
	var mu sync.Mutex // spread is shared by the worlds
	for i, w := range s.worlds {
		if chance(rng, 0.5) {
			w.cfg.StartTime = time.Unix(s.begin, 0)
		} else {
			w.cfg.InitialLookback = time.Duration(now-s.begin) * time.Second
		}
		w.cfg.RetryOnFailure.RandomizationFactor = 0
		w.cfg.PollInterval = 10*time.Second + time.Duration(rng.Int64N(int64(slowest)))
		w.cfg.Redaction.Enabled = chance(rng, 0.5)
		if !w.cfg.Redaction.Enabled {
			w.sink.bodies = map[string]uint64{}
		}
		w.latency = func() time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return latency + time.Duration(spread.Int64N(int64(100*time.Millisecond)))
		}
		w.jitter = func(d time.Duration) time.Duration { return d*7/10 + time.Duration(i)*time.Microsecond }
		w.sink.mutates = chance(rng, 0.3)
		w.disk.torn = chance(rng, 0.5)
		s.arm(w, uint64(i))
	}
	s.drawFaults()
	return s
}

// drawAPI draws what the documentation leaves open.
func (s *simulation) drawAPI() simulator.Options {
	rng := s.rng
	opts := simulator.Options{
		Seed:              s.seed,
		Tenant:            s.tenant,
		Order:             []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled}[rng.IntN(3)],
		Paging:            []simulator.Paging{simulator.Snapshot, simulator.Live}[rng.IntN(2)],
		Empty:             []simulator.Empty{simulator.EmptyArray, simulator.EmptyNull, simulator.EmptyOmitted}[rng.IntN(3)],
		StartExclusive:    chance(rng, 0.5),
		EndExclusive:      chance(rng, 0.5),
		LastPageToken:     chance(rng, 0.5),
		LenientPageTokens: chance(rng, 0.5),
		RefuseFuture:      chance(rng, 0.2),
		JWTTokens:         chance(rng, 0.1),
		Gzip:              chance(rng, 0.05),
		NumericIDs:        chance(rng, 0.2),
		RateLimit:         100,
		RateWindow:        []simulator.RateWindow{simulator.SlidingMinute, simulator.FixedMinute}[rng.IntN(2)],
		RateHint:          []simulator.RateHint{simulator.HintReset, simulator.HintRetryAfter, simulator.HintNone}[rng.IntN(3)],
		RateStatus:        []int{429, 400}[rng.IntN(2)],
		RateHeadersAlways: chance(rng, 0.5),
		TokenErrorStatus:  []int{400, 401, 403}[rng.IntN(3)],
		ClockSkew:         []time.Duration{0, 0, 5 * time.Minute, -5 * time.Minute, 1500 * time.Millisecond}[rng.IntN(5)],
	}
	if chance(rng, 0.2) {
		opts.PageOverlap = 1 + rng.IntN(3)
	}
	if chance(rng, 0.3) {
		opts.PageTokenLife = time.Duration(1+rng.IntN(60)) * time.Second
	}
	if chance(rng, 0.3) {
		opts.MaxWindow = time.Duration(5+rng.IntN(60)) * time.Minute
	}
	if chance(rng, 0.3) {
		opts.TokenLife = time.Duration(31+rng.IntN(60)) * time.Minute
	}
	return opts
}

// drawConfig draws what a restart may change without breaking a promise: the last
// recheck does not become shorter than what it was promised for.
func (s *simulation) drawConfig(cfg *Config) {
	rng, h := s.rng, s.horizon
	cfg.MaxConcurrentWalks = 1 + rng.IntN(4)*rng.IntN(2)
	if s.oneWalk {
		cfg.MaxConcurrentWalks = 1
	}
	cfg.MaxWindow = []time.Duration{time.Hour, 24 * time.Hour, 10 * time.Minute}[rng.IntN(3)]
	cfg.PageSize = 100
	if s.tenant.PerSecond < 1 && s.tenant.BurstSize < 500 {
		cfg.PageSize = []int{100, 100, 50, 7}[rng.IntN(4)]
	}
	cfg.RecheckAfter = [][]time.Duration{{h}, {h / 10, h}, {h / 30, h / 4, h}, {h / 2, h, 2 * h}}[rng.IntN(4)]
	if h == 0 {
		cfg.RecheckAfter = [][]time.Duration{nil, {5 * time.Minute}}[rng.IntN(2)]
	}
}

// drawFaults draws which faults a storm of this world has.
func (s *simulation) drawFaults() {
	for _, kind := range []simulator.FaultKind{
		simulator.FaultHTML, simulator.FaultEmpty, simulator.FaultBareJSON, simulator.FaultProxy, simulator.FaultReset,
		simulator.FaultHang, simulator.FaultRevoke, simulator.FaultInternal, simulator.FaultRateLimited, simulator.FaultPageTokenRefused,
		simulator.FaultEmptyPage, simulator.FaultRepeatToken, simulator.FaultDelay, simulator.FaultResetBody, simulator.FaultTruncated,
	} {
		if chance(s.rng, 0.15) {
			s.faults = append(s.faults, simulator.Fault{Kind: kind, Probability: 0.001 + 0.05*s.rng.Float64()})
		}
	}
	if chance(s.rng, 0.2) {
		s.faults = append(s.faults, simulator.Fault{Kind: simulator.FaultInternal, Endpoint: simulator.EndpointToken, Probability: 0.2})
	}
}

var outages = []simulator.FaultKind{
	simulator.FaultReset, simulator.FaultHang, simulator.FaultHTML, simulator.FaultInternal, simulator.FaultMissingScope,
	simulator.FaultWrongSecret, simulator.FaultTokenInvalid, simulator.FaultRateLimited, simulator.FaultTruncated,
}

// arm makes a receiver's pipeline and disk fail. They draw on their own, as they
// are asked from other goroutines.
func (s *simulation) arm(w *world, n uint64) {
	pipeline, storing := rand.New(rand.NewPCG(s.seed, 100+n)), rand.New(rand.NewPCG(s.seed, 200+n))
	flaky, partial, permanent := chance(s.rng, 0.4), chance(s.rng, 0.3), chance(s.rng, 0.1)
	w.sink.refuse = func(logs plog.Logs) error {
		switch {
		case s.pipelineDown.Load():
			return errors.New("the backend is away")
		case !s.troubled.Load():
			return nil
		case permanent && chance(pipeline, 0.02):
			return consumererror.NewPermanent(errors.New("never"))
		case flaky && chance(pipeline, 0.1):
			return errors.New("no room")
		case partial && logs.LogRecordCount() > 1 && chance(pipeline, 0.1):
			rest := plog.NewLogs()
			logs.CopyTo(rest)
			n := 0
			rest.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n++; return n%2 == 0 })
			return consumererror.NewLogs(errors.New("no room for some"), rest)
		}
		return nil
	}
	failing := chance(s.rng, 0.3)
	w.disk.fail = func() error {
		if s.diskDown.Load() || failing && s.troubled.Load() && chance(storing, 0.05) {
			return errors.New("disk full")
		}
		return nil
	}
}

// weather draws what is wrong from now on.
func (s *simulation) weather() {
	rng := s.rng
	s.pipelineDown.Store(chance(rng, 0.08))
	s.diskDown.Store(chance(rng, 0.05))
	s.troubled.Store(chance(rng, 0.7))
	var faults []simulator.Fault
	switch {
	case chance(rng, 0.1):
		faults = []simulator.Fault{{Kind: outages[rng.IntN(len(outages))]}}
	case chance(rng, 0.6):
		faults = s.faults
	}
	skew := s.opts.ClockSkew
	if chance(rng, 0.05) { // the server's clock jumps, against ours
		skew += []time.Duration{5 * time.Minute, -5 * time.Minute}[rng.IntN(2)]
	}
	s.worlds[0].server.Update(func(o *simulator.Options) { o.Faults, o.ClockSkew = faults, skew })
	s.opts.ClockSkew = skew
}

func (s *simulation) calm() {
	s.pipelineDown.Store(false)
	s.diskDown.Store(false)
	s.troubled.Store(false)
	s.worlds[0].server.Update(func(o *simulator.Options) { o.Faults = nil })
}

// run lives through it and checks the promises.
func (s *simulation) run(t *testing.T, all *tally) {
	began := time.Now()
	s.addFuture()
	for time.Since(began) < s.length {
		s.live(t, time.Duration(s.rng.Int64N(int64(s.length/2))))
		if chance(s.rng, 0.3) {
			time.Sleep(time.Duration(s.rng.Int64N(int64(20 * time.Minute)))) // nobody is there
		}
	}
	// The last part of the log, with all well again.
	cutoff := time.Now().Add(s.opts.ClockSkew).Unix()
	s.calm()
	stop := s.start(t)
	time.Sleep(2*2*s.horizon + 2*s.worlds[0].cfg.PollInterval + 2*time.Hour)
	stop()
	for i := range s.worlds {
		s.check(t, i, cutoff, all)
	}
	server := s.worlds[0].server
	if most := server.MaxCallsInAnyMinute(); most > 100 {
		t.Errorf("%d calls in one minute: %s", most, s)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.worlds++
	all.time += time.Since(began)
	all.lives += s.lives
	all.crashes += s.crashes
	for _, call := range server.Calls() {
		all.calls++
		if len(call.Faults) > 0 {
			all.faults++
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
	var stops []func()
	for _, w := range s.worlds {
		s.drawConfig(w.cfg)
		stops = append(stops, w.start(t))
		time.Sleep(time.Millisecond) // no two in the same instant
	}
	s.lives++
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// live is one life of the process, ended by a shutdown or a crash.
func (s *simulation) live(t *testing.T, life time.Duration) {
	died := make(chan struct{})
	var once sync.Once
	die := func() { once.Do(func() { close(died) }) }
	for _, w := range s.worlds {
		w.disk.onDie = die
	}
	stop := s.start(t)
	crash := chance(s.rng, 0.5)
	if crash && chance(s.rng, 0.7) {
		// In the middle of writing a checkpoint, or just before; often one of the first.
		d := s.worlds[s.rng.IntN(len(s.worlds))].disk
		d.mu.Lock()
		d.fuse = 1 + int(200*math.Pow(s.rng.Float64(), 3))
		d.mu.Unlock()
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
	if crash || s.diskDown.Load() { // what was accepted last cannot be written down
		for i, w := range s.worlds {
			s.pages[i] += w.cfg.MaxConcurrentWalks * w.cfg.PageSize
		}
	}
	if crash {
		s.crashes++
		for _, w := range s.worlds {
			w.kill()
		}
	}
	stop()
	shared := &paces{}
	for _, w := range s.worlds {
		w.disk.mu.Lock()
		w.disk.fuse = 0
		w.disk.mu.Unlock()
		w.reboot()
		w.paces = shared
	}
}

// check holds what one receiver delivered against what the API showed.
func (s *simulation) check(t *testing.T, n int, cutoff int64, all *tally) {
	w := s.worlds[n]
	mine := func(e *simulator.Entry) bool {
		return e.ID != "" && (w.cfg.Filter.AppID == "" || w.cfg.Filter.AppID == e.AppID)
	}
	var lost, wrong []string
	wanted := 0
	// Some begin earlier, by the server's clock.
	entries := s.tenant.Entries(s.begin-int64(time.Hour/time.Second), time.Now().Add(s.opts.ClockSkew).Unix()+1000)
	known := map[string]bool{"future-0": true, "future-1": true, "future-2": true}
	for i := range entries {
		e := &entries[i]
		if !mine(e) {
			continue
		}
		known[e.ID] = true
		got := w.sink.accepted[e.ID]
		if e.EventTime >= s.begin && e.EventTime < cutoff {
			wanted++
			if got == 0 && w.sink.lost[e.ID] == 0 {
				lost = append(lost, fmt.Sprintf("%s at %d", e.ID, e.EventTime))
			}
		}
		if got == 0 {
			continue
		}
		if e.Raw == "" && w.sink.times[e.ID] != e.EventTime {
			wrong = append(wrong, fmt.Sprintf("%s has time %d instead of %d", e.ID, w.sink.times[e.ID], e.EventTime))
		}
		if w.sink.bodies != nil && e.Raw == "" && w.sink.bodies[e.ID] != bodyHash(e.JSON(s.opts.NumericIDs)) {
			wrong = append(wrong, e.ID+" has another body")
		}
	}
	var invented []string
	twice := 0
	for id, count := range w.sink.accepted {
		if !known[id] && s.tenant.OddFraction == 0 { // an entry without an id gets one
			invented = append(invented, id)
		}
		twice += count - 1
	}
	for id, count := range w.sink.lost {
		twice += count - 1
		if w.sink.accepted[id] > 0 {
			twice++
		}
	}
	ids, err := w.disk.ids()
	require.NoError(t, err)
	// What may be remembered in the end: the span of the last recheck, what its
	// windows may be behind, and a minute's granularity.
	span := int64(2*2*s.horizon/time.Second) + 2*memoryAllowance + int64(w.cfg.MaxWindow/time.Second)
	spanned := 0
	for i := range entries {
		if e := &entries[i]; e.EventTime >= time.Now().Add(s.opts.ClockSkew).Unix()-span {
			spanned++
		}
	}
	all.mu.Lock()
	all.entries += wanted
	all.again += twice
	all.mu.Unlock()
	assert.Empty(t, first(lost), "%d of %d entries were lost: %s", len(lost), wanted, s)
	assert.Empty(t, first(wrong), "%d entries were altered: %s", len(wrong), s)
	assert.Empty(t, first(invented), "%d entries were invented: %s", len(invented), s)
	assert.LessOrEqual(t, twice, s.pages[n], "entries that came twice: %s", s)
	assert.LessOrEqual(t, ids, spanned+100, "remembered ids: %s", s)
}

func first(list []string) []string { return list[:min(5, len(list))] }

func (s *simulation) String() string {
	return fmt.Sprintf("to replay: go test -run TestSimulation -sim.seed %d -cpu 1 . (crashes %d, options %+v, faults %+v, receivers %d, poll %s, %v)",
		s.seed, s.crashes, s.opts, s.faults, len(s.worlds), s.worlds[0].cfg.PollInterval, s.log)
}

// digest is a summary of every call and of every accepted record.
func (s *simulation) digest() string {
	h := fnv.New64a()
	for _, call := range s.worlds[0].server.Calls() {
		fmt.Fprintln(h, call.Time.UnixNano(), call.Endpoint, call.StartTime, call.EndTime, call.PageToken, call.Status, call.Code, call.Items, call.Faults)
	}
	for _, w := range s.worlds {
		fmt.Fprintln(h, w.sink.accepted, w.sink.lost, w.sink.arrived)
	}
	return fmt.Sprintf("%d calls, %x", len(s.worlds[0].server.Calls()), h.Sum64())
}

// chance draws by probability.
func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }
