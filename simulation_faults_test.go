// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// undrawnFaults are kinds of faults that no world has, and why.
var undrawnFaults = map[simulator.FaultKind]string{}

// faultsOf are the kinds of faults that an endpoint can have, with parameters.
func (s *simulation) faultsOf(endpoint simulator.Endpoint) []simulator.Fault {
	rng := s.rng
	var faults []simulator.Fault
	for _, info := range simulator.FaultKinds() {
		f := simulator.Fault{Kind: info.Kind, Endpoint: endpoint}
		switch info.Kind {
		case simulator.FaultError:
			f.Code = []int{99991400, 99991403, 99991661, 99991401, 99991672, 10014, 1780103, 1780001, 2200, 1000004, 9499, 123456789, -1}[rng.IntN(13)]
			f.Status = []int{200, 400, 403, 429, 500, 503}[rng.IntN(6)]
			f.Msg = "quoting " + simulator.DefaultAppSecret
		case simulator.FaultDelay:
			f.Delay = time.Duration(1 + rng.Int64N(int64(40*time.Second)))
			if s.opts.PageTokenLife > 0 && s.tenant.BurstSize > 0 { // no second page of a burst would ever be answered in time
				f.Delay = min(f.Delay, s.opts.PageTokenLife/2)
			}
		case simulator.FaultWrongDate:
			f.By = []time.Duration{8 * time.Hour, -8 * time.Hour, 90 * time.Second, -90 * time.Second, 9000 * time.Hour, -90_000 * time.Hour}[rng.IntN(6)]
		case simulator.FaultSlowBody:
			f.Delay = 20 * time.Millisecond
		case simulator.FaultHuge:
			f.Size = 2 << 20
		}
		probe := simulator.Options{Faults: []simulator.Fault{f}}
		if _, undrawn := undrawnFaults[f.Kind]; !undrawn && probe.Validate() == nil {
			faults = append(faults, f)
		}
	}
	return faults
}

// drawFaults draws which faults a storm of this world has, and which its outages.
func (s *simulation) drawFaults() {
	for _, f := range s.faultsOf(simulator.EndpointList) {
		likely := 0.12
		if f.Kind == simulator.FaultRateLimited {
			likely = 0.4 // nothing else makes the API send a hint to wait
		}
		if chance(s.rng, likely) {
			f.Probability = 0.001 + 0.05*s.rng.Float64()
			s.faults = append(s.faults, f)
		}
	}
	for _, f := range s.faultsOf(simulator.EndpointToken) {
		if chance(s.rng, 0.05) {
			f.Probability = 0.05 + 0.2*s.rng.Float64()
			s.faults = append(s.faults, f)
		}
	}
	for _, f := range append(s.faultsOf(simulator.EndpointList), s.faultsOf(simulator.EndpointToken)...) {
		// An outage in which no two pages of a burst arrive while a page token lives may last until the burst is
		// skipped.
		endless := f.Kind == simulator.FaultSlowBody && s.opts.PageTokenLife > 0 && s.tenant.BurstSize > 0
		if chance(s.rng, 0.3) && !endless {
			s.outages = append(s.outages, f)
		}
	}
}

// TestSimulationDrawsEveryFault: every kind of fault of the simulator is drawn, at each endpoint that can have
// it.
func TestSimulationDrawsEveryFault(t *testing.T) {
	t.Parallel()
	type at struct {
		kind     simulator.FaultKind
		endpoint simulator.Endpoint
	}
	storms, outages := map[at]bool{}, map[at]bool{}
	for i := range drawn() {
		s := &drawn()[i]
		for _, f := range s.faults {
			storms[at{f.Kind, f.Endpoint}] = true
		}
		for _, f := range s.outages {
			outages[at{f.Kind, f.Endpoint}] = true
		}
	}
	for _, info := range simulator.FaultKinds() {
		_, excused := undrawnFaults[info.Kind]
		for _, kinds := range []map[at]bool{storms, outages} {
			found := kinds[at{info.Kind, simulator.EndpointList}] || kinds[at{info.Kind, simulator.EndpointToken}]
			assert.NotEqual(t, excused, found, "%s: drawn or excused, one of the two", info.Kind)
		}
	}
	for _, kind := range []simulator.FaultKind{simulator.FaultHTML, simulator.FaultHang, simulator.FaultRedirect, simulator.FaultError, simulator.FaultTruncated} {
		assert.True(t, storms[at{kind, simulator.EndpointToken}], "%s at the token endpoint", kind)
	}
}

// arm makes a receiver's pipeline and disk fail, hang and report wrong results. The pipeline has its own random
// source, because it is called from another goroutine.
func (s *simulation) arm(w *testbed) {
	n := uint64(w.n)
	pipeline, storing := rand.New(rand.NewPCG(s.seed, 100+n)), rand.New(rand.NewPCG(s.seed, 200+n))
	flaky, partial, stalls := chance(s.rng, 0.4), chance(s.rng, 0.3), chance(s.rng, 0.2)
	if s.bad = []float64{0, 0, 0, 0.001, 0.03}[s.rng.IntN(5)]; s.tenant.SharedIDs && (s.never("1") || s.never("2")) {
		s.bad = 0 // half of all entries, or more, have such an id: the pipeline would accept next to nothing
	}
	most, tooMany := []int{0, 0, 0, 60, 9}[s.rng.IntN(5)], []bool{true, false}[s.rng.IntN(2)]
	s.slowSizes = s.slowSizes || most > 0 && !tooMany
	foreign := chance(s.rng, 0.5)
	w.sink.Frees = chance(s.rng, 0.3)
	// The backend quotes what it refuses.
	quoting := func(logs plog.Logs, text string) error {
		record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		return errors.New(text + ": " + record.Body().AsString())
	}
	w.sink.Refuse = func(logs plog.Logs) error {
		switch {
		case s.pipelineDown.Load():
			s.count("refusals of the pipeline")
			return quoting(logs, "the backend is down")
		case s.pipelineRefuses.Load():
			s.count("refusals of everything")
			return consumererror.NewPermanent(quoting(logs, "HTTP status code 401"))
		case slices.ContainsFunc(world.UidsIn(logs), s.never):
			s.count("refusals of one record")
			return consumererror.NewPermanent(quoting(logs, "HTTP status code 400"))
		case most > 0 && logs.LogRecordCount() > most:
			s.count("refusals of size")
			if tooMany {
				return consumererror.NewPermanent(quoting(logs, "HTTP status code 413"))
			}
			return quoting(logs, "message too long")
		case !s.troubled.Load():
			return nil
		case flaky && chance(pipeline, 0.1):
			s.count("refusals of the pipeline")
			return quoting(logs, "no room")
		case partial && logs.LogRecordCount() > 1 && chance(pipeline, 0.1):
			s.count("refusals of the pipeline")
			rest := plog.NewLogs()
			logs.CopyTo(rest)
			n := 0
			rest.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n++; return n%2 == 0 })
			if foreign {
				other := rest.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
				other.Attributes().PutStr("log.record.uid", "somebody else's")
			}
			return consumererror.NewLogs(quoting(logs, "no room for some"), rest)
		}
		return nil
	}
	w.sink.Blocks = func() (time.Duration, bool) {
		if catch := s.catch.Swap(nil); catch != nil {
			// A moment later: a call may be about to leave at this instant, and the order of the two would be
			// random.
			time.AfterFunc(time.Millisecond, *catch)
			takes := []time.Duration{audit.StopGrace - time.Second, time.Minute}[pipeline.IntN(2)]
			return 2*time.Millisecond + time.Duration(pipeline.Int64N(int64(takes))), chance(pipeline, 0.5)
		}
		if !stalls || !s.troubled.Load() || !chance(pipeline, 0.02) {
			return 0, false
		}
		s.count("stalls of the pipeline")
		return time.Duration(1 + pipeline.Int64N(int64(10*time.Minute))), chance(pipeline, 0.5)
	}
	failing, slow, lying := chance(s.rng, 0.3), chance(s.rng, 0.25), chance(s.rng, 0.25)
	var mu sync.Mutex
	w.disk.Fail = func() error {
		mu.Lock()
		defer mu.Unlock()
		if s.diskDown.Load() || failing && s.troubled.Load() && chance(storing, 0.05) {
			s.count("failures of the storage")
			return errors.New("disk full")
		}
		return nil
	}
	hangs := chance(s.hashed([]byte("hangs"), []byte{byte(w.n)}), 0.25)
	w.disk.Hangs = func(call string) time.Duration {
		draw := s.hashed([]byte("hangs"), []byte(call), []byte{byte(w.n)})
		if !hangs || !s.troubled.Load() || !chance(draw, 0.002) {
			return 0
		}
		s.count("calls of the storage that hang")
		return time.Duration(1 + draw.Int64N(int64(3*time.Minute)))
	}
	w.disk.Fault = func(ops []*storage.Operation) world.DiskFault {
		draw := s.hashed([]byte(ops[0].Key), []byte{byte(len(ops)), byte(w.n)})
		happens := world.DiskFault{Takes: time.Duration(1 + draw.Int64N(int64(time.Millisecond))), Applies: draw.IntN(len(ops) + 1)}
		if slow && s.diskSlow.Load() {
			s.count("slow accesses of the storage")
			happens.Takes = time.Duration(1 + draw.Int64N(int64(10*time.Second)))
		}
		if lying && s.troubled.Load() && chance(draw, 0.05) {
			s.count("failures of the storage")
			happens.Err = errors.New("connection lost, nobody knows what was written")
		}
		return happens
	}
}

// never reports which records no backend of this world accepts.
func (s *simulation) never(uid string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(uid))
	return rand.New(rand.NewPCG(s.seed, h.Sum64())).Float64() < s.bad
}

// weather draws the faults from now on.
func (s *simulation) weather() {
	rng := s.rng
	s.pipelineDown.Store(chance(rng, 0.08))
	s.pipelineRefuses.Store(chance(rng, 0.08))
	s.diskDown.Store(chance(rng, 0.05))
	s.diskSlow.Store(chance(rng, 0.3))
	s.troubled.Store(chance(rng, 0.7))
	var faults []simulator.Fault
	switch {
	case chance(rng, 0.1) && len(s.outages) > 0:
		faults = []simulator.Fault{s.outages[rng.IntN(len(s.outages))]}
		s.count("outages of the API")
	case chance(rng, 0.6):
		faults = s.faults
	}
	skew := s.opts.ClockSkew
	if chance(rng, 0.08) && s.clock == "server's" {
		skew += []time.Duration{5 * time.Minute, -5 * time.Minute}[rng.IntN(2)]
		s.count("jumps of a clock")
	}
	bought := 0
	if chance(rng, 0.2) && s.opts.MonthlyQuota > 0 {
		bought = 1000
	}
	s.opts.MonthlyQuota += bought
	limit := s.opts.RateLimit
	if draw := s.hashed([]byte("limit")); chance(draw, 0.15) {
		limit = 1 + draw.IntN(limit)
		if s.opts.PageTokenLife > 0 { // the pages of a burst have to follow each other, whatever the configuration becomes
			limit = min(s.opts.RateLimit, max(limit, 2*s.tenant.BurstSize/s.smallestPage()))
		}
		s.count("lower limits of the API")
	}
	s.worlds[0].server.Update(func(o *simulator.Options) {
		o.Faults, o.ClockSkew, o.MonthlyQuota, o.RateLimit = slices.Concat(s.bounds, faults), skew, s.opts.MonthlyQuota, limit
	})
	s.opts.ClockSkew, s.ahead = skew, max(s.ahead, skew)
	for _, w := range s.worlds {
		s.sample(w)
		if w.replicas > 0 && chance(rng, 0.4) {
			s.elect(w)
		}
	}
}

func (s *simulation) calm() {
	s.pipelineDown.Store(false)
	s.pipelineRefuses.Store(false)
	s.diskDown.Store(false)
	s.diskSlow.Store(false)
	s.troubled.Store(false)
	s.worlds[0].server.Update(func(o *simulator.Options) { o.Faults, o.MonthlyQuota, o.RateLimit = s.bounds, 0, s.opts.RateLimit })
}

// setOurClock simulates that our clock is set between two processes: all stored times are shifted relative to
// it.
func (s *simulation) setOurClock() {
	if s.clock != "ours" || !chance(s.rng, 0.5) {
		return
	}
	ahead := s.rng.Int64N(600) - 300
	s.count("jumps of a clock")
	for _, w := range s.worlds {
		data, ok := w.disk.Data[checkpoint.KeyCalls]
		if !ok {
			continue
		}
		calls := checkpoint.DecodeCalls(data)
		moved := pace.Remembered{Seconds: map[int64]int{}}
		for second, n := range calls.Seconds {
			moved.Seconds[second-ahead] = n
		}
		if calls.Ahead != nil {
			servers := *calls.Ahead + ahead
			moved.Ahead = &servers
		}
		w.disk.Data[checkpoint.KeyCalls] = checkpoint.EncodeCalls(moved)
	}
}
