// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/component"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// Everything in a simulated world is drawn from its seed.

func newSimulation(seed uint64) *simulation {
	rng := rand.New(rand.NewPCG(seed, 42))
	now := time.Now().Unix()
	s := &simulation{seed: seed, rng: rng, watch: newWatch(), counts: map[string]int{}}
	hours := func(from, to int) time.Duration {
		return time.Duration(from)*time.Hour + time.Duration(rng.Int64N(int64(time.Duration(to-from)*time.Hour)))
	}
	s.tenant = simulator.Tenant{Seed: seed, FailureFraction: 0.1, Apps: 1 + rng.IntN(12), Canary: canary}
	s.slowest, s.limits = 10*time.Minute, []int{100, 100, 60, 20, 10}
	switch kind := rng.IntN(20); {
	case kind < 10: // a small tenant, for days
		s.tenant.PerSecond = []float64{0.0005, 0.003, 0.01}[rng.IntN(3)]
		s.length = hours(24, 144)
	case kind < 14: // mostly silence, with a few entries
		s.tenant.BurstEvery, s.tenant.BurstSize = time.Duration(1+rng.IntN(24))*time.Hour, 1+rng.IntN(300)
		s.length = hours(24, 144)
	case kind < 19:
		s.tenant.PerSecond = []float64{0.05, 0.2, 0.5}[rng.IntN(3)]
		s.length, s.slowest, s.limits = hours(2, 8), 2*time.Minute, []int{100, 60}
	default: // busy, with bursts
		s.tenant.PerSecond = 1 + rng.Float64()
		s.tenant.BurstEvery, s.tenant.BurstSize = time.Hour, 200+rng.IntN(3000)
		s.length, s.slowest, s.limits = hours(1, 3), time.Minute, []int{100}
	}
	history := time.Duration(rng.Int64N(int64(s.length / 4)))
	s.begin = now - int64(history/time.Second)
	s.tenant.Start = s.begin - 7200
	s.horizon = []time.Duration{0, time.Minute, 30 * time.Minute, time.Hour}[rng.IntN(4)]
	if s.horizon > 0 {
		s.tenant.LateFraction, s.tenant.MaxLateness = rng.Float64()*0.5, s.horizon
		if chance(rng, 0.2) { // every entry is late, some of them more
			s.tenant.Delay = time.Duration(rng.Int64N(int64(s.horizon - 2*time.Second)))
			s.tenant.MaxLateness = s.horizon - s.tenant.Delay
		}
	}
	if chance(rng, 0.15) {
		s.tenant.OddFraction = 0.05
	} else {
		s.tenant.SharedIDs = chance(rng, 0.2)
	}
	s.opts = s.drawAPI()
	s.ahead = max(0, s.opts.ClockSkew)
	// The clock that jumps. Not both: without any clock it is not known what was read (README, guarantee 4). The
	// server's clock does not jump if its time decides what there is to read.
	s.clock = []string{"none", "server's", "ours"}[rng.IntN(3)]
	if s.clock == "server's" && (s.opts.LogOwnCalls || s.opts.Retention > 0 || len(s.bounds) > 0) {
		s.clock = "none"
	}
	if chance(rng, 0.15) {
		s.end = s.begin + 600 + rng.Int64N(int64(s.length/time.Second))
	}

	w := newWorld(rng, s.opts)
	s.worlds = []*testbed{w}
	switch many := rng.Float64(); {
	case many < 0.2:
		// A second receiver with the same credential, for the calls of one app.
		if apps := s.tenant.Entries(s.begin, s.begin+int64(s.length/time.Second)); len(apps) > 0 {
			second := newWorld(rng, s.opts)
			second.server, second.handler, second.paces = w.server, w.server, w.paces
			second.cfg.Filter.AppID = apps[rng.IntN(len(apps))].AppID
			s.worlds = append(s.worlds, second)
		}
	case many < 0.36:
		w.replicas = 1 + rng.IntN(2)
		w.cfg.K8sLeaderElector = &electorID
	}
	s.armCalls()
	for i, w := range s.worlds {
		w.n, w.watch, w.core = i, s.watch, newLines(s.watch)
		if chance(rng, 0.5) {
			w.cfg.StartTime = time.Unix(s.begin, 0)
		} else {
			w.cfg.InitialLookback = time.Duration(now-s.begin) * time.Second
		}
		if s.end != 0 {
			w.cfg.EndTime = time.Unix(s.end, 0)
		}
		w.cfg.RetryOnFailure.RandomizationFactor = 0
		w.cfg.Redaction.Enabled = chance(rng, 0.5)
		if chance(rng, 0.3) {
			w.cfg.MaxResponseSize = 1 << 20
		}
		w.sink.Mutates = chance(rng, 0.3)
		w.disk.Torn = chance(rng, 0.5)
		w.sink.Book, w.sink.ByIdentity = world.NewBook(), s.tenant.SharedIDs
		w.disk.OnCommit = func() {
			w.sink.Mu.Lock()
			defer w.sink.Mu.Unlock()
			w.sink.Book.Committed()
		}
		s.arm(w)
	}
	s.drawFaults()
	return s
}

// hashed is a source of randomness for one event. Concurrent events, and the order in which goroutines run, do
// not change it, so that a seed replays.
func (s *simulation) hashed(parts ...[]byte) *rand.Rand {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write(part)
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(s.seed, h.Sum64()^uint64(time.Now().UnixNano())))
}

// armCalls gives each call a different duration, to the nanosecond: no two events happen at the same instant.
func (s *simulation) armCalls() {
	latency := time.Duration(s.rng.IntN(2000)) * time.Millisecond
	if life := s.opts.PageTokenLife; life > 0 {
		// A token that expires in transit cannot be used, and then nobody could read a second of the log with
		// more than a page.
		latency = min(latency, life/3)
	}
	for _, w := range s.worlds {
		w.travels = func(body []byte) time.Duration {
			return latency + time.Duration(s.hashed(body, []byte{byte(w.n)}).Int64N(int64(100*time.Millisecond)))
		}
	}
}

// drawAPI draws what the documentation leaves open.
func (s *simulation) drawAPI() simulator.Options {
	rng := s.rng
	opts := simulator.Options{
		Seed:              s.seed,
		Tenant:            s.tenant,
		Order:             []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled}[rng.IntN(3)],
		Paging:            []simulator.Paging{simulator.Snapshot, simulator.Live}[rng.IntN(2)],
		Empty:             []simulator.Empty{simulator.EmptyArray, simulator.EmptyNull, simulator.EmptyOmitted, simulator.EmptyNoData}[rng.IntN(4)],
		SilentEnd:         chance(rng, 0.1),
		StartExclusive:    chance(rng, 0.5),
		EndExclusive:      chance(rng, 0.5),
		LastPageToken:     chance(rng, 0.5),
		LenientPageTokens: chance(rng, 0.5),
		RefuseFuture:      chance(rng, 0.2),
		JWTTokens:         chance(rng, 0.1),
		Gzip:              chance(rng, 0.05),
		NumericIDs:        chance(rng, 0.2),
		LogOwnCalls:       chance(rng, 0.1),
		RateLimit:         100,
		RateWindow:        []simulator.RateWindow{simulator.SlidingMinute, simulator.FixedMinute}[rng.IntN(2)],
		RateHint:          []simulator.RateHint{simulator.HintReset, simulator.HintRetryAfter, simulator.HintNone}[rng.IntN(3)],
		RateStatus:        []int{429, 400}[rng.IntN(2)],
		RateHeadersAlways: chance(rng, 0.5),
		TokenForm:         []simulator.TokenForm{simulator.TokenPlain, simulator.TokenText, simulator.TokenFraction, simulator.TokenWrapped, simulator.TokenNoLife}[rng.IntN(5)],
		TokenRefusal:      []simulator.TokenRefusal{simulator.RefusalCode, simulator.RefusalCode, simulator.RefusalUnknownCode, simulator.RefusalHTML, simulator.RefusalEmpty}[rng.IntN(5)],
		TokenErrorStatus:  []int{400, 401, 403}[rng.IntN(3)],
		ClockSkew:         []time.Duration{0, 0, 5 * time.Minute, -5 * time.Minute, 1500 * time.Millisecond}[rng.IntN(5)],
		Observe:           s.watch.observe,
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
	if chance(rng, 0.3) {
		opts.RateHintValue = []string{"-1", "0", "0.5", "1.5", "soon", "99999999", "1e3", "NaN"}[rng.IntN(8)]
	}
	if chance(rng, 0.08) {
		opts.MonthlyQuota = 50 + rng.IntN(2000)
	}
	if s.length > 24*time.Hour && chance(rng, 0.15) {
		if opts.RefuseExpired = chance(rng, 0.6); opts.RefuseExpired {
			// An entry later than the last recheck is late, even if the recheck is late as well.
			opts.Retention = 5*time.Hour + time.Duration(rng.Int64N(int64(s.length/4)))
		} else {
			// Pages must not shift because an entry expires: then it would be unknown what was promised.
			opts.Retention, opts.Paging = s.length/2, simulator.Snapshot
			if opts.Order == simulator.Shuffled {
				opts.Order = simulator.Ascending
			}
		}
	}
	s.drawMore(&opts)
	s.drawBounds(&opts)
	return opts
}

// drawMore draws what the second model of the API (internal/altapi) has and the first one did not have. It uses
// a random source of its own, so that the worlds of older seeds do not change.
func (s *simulation) drawMore(opts *simulator.Options) {
	rng := rand.New(rand.NewPCG(s.seed, 0xa17a91))
	opts.FullPageHasMore = chance(rng, 0.3)
	opts.RateCountsRefused = chance(rng, 0.3)
	if chance(rng, 0.2) {
		opts.RateWindow = simulator.TokenBucket
	}
	if s.tenant.PerSecond < 1 && s.tenant.BurstSize == 0 { // pages enough for all passes
		opts.MostPerPage = []int{0, 0, 0, 20, 50, 99}[rng.IntN(6)]
	}
	// A second with more than a page can be read only if no call of its walk fails.
	if opts.PageTokenLife == 0 && s.tenant.BurstSize == 0 {
		opts.OncePageTokens = chance(rng, 0.15)
	}
}

// neverDrawn are switches of the simulator that no world uses, and why.
var neverDrawn = map[string]string{
	"Apps":        "a receiver has one credential; another app's calls are none of its own",
	"StatusCodes": "a record's content, which does not decide what is read",
	"Responses":   "a record's content, which does not decide what is read",
	"Faults":      "the weather sets them",
	"Tenant.End":  "a log does not end",
}

// drawn is what many seeds draw.
var drawn = sync.OnceValue(func() (all []simulation) {
	for seed := range uint64(400) {
		s := newSimulation(seed)
		all = append(all, simulation{opts: s.opts, faults: s.faults, outages: s.outages})
	}
	return all
})

// TestSimulationDrawsEverySwitch: every switch of the simulator is drawn by the simulation, or is listed with
// the reason why not.
func TestSimulationDrawsEverySwitch(t *testing.T) {
	t.Parallel()
	switches := map[string]bool{}
	note := func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			if name := prefix + v.Type().Field(i).Name; !v.Field(i).IsZero() {
				switches[name] = true
			}
		}
	}
	for i := range drawn() {
		opts := drawn()[i].opts
		note("", reflect.ValueOf(opts))
		note("Tenant.", reflect.ValueOf(opts.Tenant))
	}
	all := map[string]bool{}
	for prefix, typ := range map[string]reflect.Type{"": reflect.TypeFor[simulator.Options](), "Tenant.": reflect.TypeFor[simulator.Tenant]()} {
		for i := range typ.NumField() {
			name := prefix + typ.Field(i).Name
			all[name] = true
			_, excused := neverDrawn[name]
			assert.NotEqual(t, excused, switches[name], "%s: drawn or excused, one of the two", name)
		}
	}
	for name := range neverDrawn {
		assert.True(t, all[name], "%s is no switch", name)
	}
}

// drawConfig draws what a restart may change without breaking a guarantee: the last recheck does not become
// shorter than what was promised.
func (s *simulation) drawConfig(cfg *audit.Config) {
	rng, h := s.rng, s.horizon
	cfg.MaxConcurrentWalks = 1 + rng.IntN(4)*rng.IntN(2)
	if s.oneWalk {
		cfg.MaxConcurrentWalks = 1
	}
	cfg.MaxWindow = []time.Duration{time.Hour, 24 * time.Hour, 10 * time.Minute}[rng.IntN(3)]
	cfg.PageSize = 100
	if s.smallestPage() < cfg.PageSize {
		cfg.PageSize = []int{100, 100, 50, 7}[rng.IntN(4)]
	}
	cfg.RecheckAfter = [][]time.Duration{{h}, {h / 10, h}, {h / 30, h / 4, h}, {h / 2, h, 2 * h}}[rng.IntN(4)]
	if h == 0 {
		cfg.RecheckAfter = [][]time.Duration{nil, {5 * time.Minute}}[rng.IntN(2)]
	}
	cfg.PollInterval = 10*time.Second + time.Duration(rng.Int64N(int64(s.slowest)))
	cfg.RequestsPerMinute = s.limits[rng.IntN(len(s.limits))]
	cfg.Body = []audit.BodyFormat{audit.BodyOriginal, audit.BodyOriginal, audit.BodyStructured}[rng.IntN(3)]
	cfg.RetryOnFailure.InitialInterval = []time.Duration{5 * time.Second, time.Second, 30 * time.Second}[rng.IntN(3)]
	cfg.RetryOnFailure.MaxInterval = []time.Duration{30 * time.Second, 2 * time.Minute}[rng.IntN(2)]
	spelled := []string{"http://127.0.0.1:1", "HTTP://127.0.0.1:1/", "http://127.0.0.1:01//", "http://[::ffff:127.0.0.1]:1"}
	cfg.ClientConfig.Endpoint = spelled[s.hashed([]byte("endpoint")).IntN(len(spelled))]
}

// keepPagesTogether lets the pages of a burst follow each other while a page token lives. All receivers share the
// pace of the slowest.
func (s *simulation) keepPagesTogether() {
	if s.opts.PageTokenLife == 0 {
		return
	}
	page, pace := math.MaxInt, math.MaxInt
	for _, w := range s.worlds {
		page, pace = min(page, w.cfg.PageSize), min(pace, w.cfg.RequestsPerMinute)
	}
	if 2*s.tenant.BurstSize > page*pace {
		for _, w := range s.worlds {
			w.cfg.PageSize, w.cfg.RequestsPerMinute = 100, 100
		}
	}
}

// smallestPage is the least page size that a configuration of this world may have.
func (s *simulation) smallestPage() int {
	if s.tenant.PerSecond < 1 && s.tenant.BurstSize < 500 {
		return 7
	}
	return 100
}

var electorID = component.MustNewID("k8s_leader_elector")
