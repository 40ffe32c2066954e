// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var (
	perfEntries = flag.Int("perf.entries", 20_000, "entries in TestCatchUp and TestFreshness; published figures are those of 1000000")
	perfOut     = flag.String("perf.out", "", "directory to which TestCatchUp and TestFreshness write their figures, in JSON")
)

// publish writes the figures of a test for internal/bench.
func publish(t *testing.T, name string, figures any) {
	text, err := json.MarshalIndent(figures, "", "  ")
	require.NoError(t, err)
	t.Logf("%s: %s", name, text)
	if *perfOut != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*perfOut, name+".json"), text, 0o600))
	}
}

// meter is a pipeline that accepts everything and notes when.
type meter struct {
	mu    sync.Mutex
	uids  map[uint64]struct{}
	twice int
	pages int // deliveries
	// waits are the seconds between event time and arrival of each entry since then.
	since int64
	waits []float64
}

func (*meter) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (m *meter) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.pages++
	for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		value, _ := record.Attributes().Get("log.record.uid")
		uid, err := strconv.ParseUint(value.Str(), 10, 64)
		if err != nil {
			return err
		}
		if _, ok := m.uids[uid]; ok {
			m.twice++
		}
		m.uids[uid] = struct{}{}
		if at := record.Timestamp().AsTime(); at.Unix() >= m.since {
			m.waits = append(m.waits, now.Sub(at).Seconds())
		}
	}
	return nil
}

func (m *meter) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.uids)
}

// percentiles of the waits, to the tenth of a second. It sorts them.
func percentiles(waits []float64, ps ...float64) []float64 {
	slices.Sort(waits)
	var out []float64
	for _, p := range ps {
		out = append(out, math.Round(10*waits[int(p/100*float64(len(waits)-1))])/10)
	}
	return out
}

// around draws latencies up to a tenth longer or shorter, so that calls are not synchronised with the server's
// clock.
func around(latency time.Duration) func() time.Duration {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return latency*9/10 + time.Duration(rng.Int64N(int64(latency/5)))
	}
}

// measure starts a receiver that delivers to a meter. The returned function stops it.
func (w *testbed) measure(t *testing.T, m consumer.Logs) (stop func()) {
	r, err := audit.NewReceiver(receivertest.NewNopSettings(metadata.Type), w.cfg, m, w.paces)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), w.host()))
	return func() { require.NoError(t, r.Shutdown(context.Background())) }
}

// catchUpFigures are the measurements of one run of TestCatchUp.
type catchUpFigures struct {
	LatencyMillis int64 `json:"latency_ms"`
	Walks         int   `json:"max_concurrent_walks"`
	Backlog       int   `json:"backlog"`
	// Until no more was left than arrives in one poll_interval:
	Entries   int     `json:"entries"`
	Calls     int     `json:"calls"`
	Minutes   float64 `json:"minutes"`
	OfMinimum float64 `json:"calls_of_minimum"` // calls / calls for each entry once
	OfCeiling float64 `json:"of_ceiling"`       // calls for each entry once / calls that the API allows in this time
	// FreshWait is for the entries that arrived meanwhile, in seconds.
	FreshWaitP50    float64 `json:"fresh_wait_p50_s"`
	FreshWaitMax    float64 `json:"fresh_wait_max_s"`
	BytesPerPage    float64 `json:"checkpoint_bytes_per_page"`
	BacklogByMinute []int   `json:"backlog_by_minute"`
	// Until the last pass had read all of this, too:
	SettledEntries int     `json:"settled_entries"`
	SettledCalls   int     `json:"settled_calls"`
	OfSinglePasses float64 `json:"settled_calls_of_single_passes"` // settled calls / calls for each entry n+1 times
	Rejected       int     `json:"rejected"`
	MostInAMinute  int     `json:"most_calls_in_a_minute"`
}

// catchUpRate is how many entries a second the tenant of TestCatchUp has: a
// million a day.
const catchUpRate = 1e6 / 86400

// TestCatchUp: with the defaults a backlog is read at the API's limit, at any latency, while entries keep
// arriving. In virtual time, so that its figures are exact. Covers F10, F17, F52.
func TestCatchUp(t *testing.T) {
	for _, tc := range []struct {
		latency time.Duration
		short   float64
	}{
		{50 * time.Millisecond, 0.93},
		{500 * time.Millisecond, 0.93},
		{2 * time.Second, 0.85},
	} {
		t.Run(tc.latency.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := catchUp(t, tc.latency, max(40_000, *perfEntries))
				publish(t, "catchup-"+tc.latency.String(), f)
				bound := 0.97
				if *perfEntries < 300_000 {
					bound = tc.short // start and end have more weight
				}
				assert.GreaterOrEqual(t, f.OfCeiling, bound)
				assert.LessOrEqual(t, f.OfMinimum, 1+1-bound)
				assert.Zero(t, f.Rejected)
				assert.LessOrEqual(t, f.MostInAMinute, 100)
				assert.LessOrEqual(t, f.BytesPerPage, 2500.0)
			})
		})
	}
}

func catchUp(t *testing.T, latency time.Duration, backlog int) catchUpFigures {
	began := time.Now()
	seconds := int64(math.Ceil(float64(backlog) / catchUpRate))
	tenant := simulator.Tenant{Seed: 1, PerSecond: catchUpRate, Start: began.Unix() - seconds}
	w := quietWorld(simulator.Options{Tenant: tenant, RateLimit: 100})
	w.latency = around(latency)
	w.cfg.StartTime = time.Unix(tenant.Start, 0)
	m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
	stop := w.measure(t, m)
	defer stop()

	f := catchUpFigures{LatencyMillis: latency.Milliseconds(), Walks: w.cfg.MaxConcurrentWalks, Backlog: backlog}
	left := func() int {
		return int(catchUpRate*float64(time.Now().Unix()-tenant.Start)) - m.count()
	}
	for waiting := int(catchUpRate * w.cfg.PollInterval.Seconds()); left() > waiting; {
		if len(f.BacklogByMinute) <= int(time.Since(began).Minutes()) {
			f.BacklogByMinute = append(f.BacklogByMinute, left())
		}
		time.Sleep(time.Second)
	}
	f.Minutes = time.Since(began).Minutes()
	f.Entries, f.Calls = m.count(), len(w.server.CallsOf(simulator.EndpointList))
	const page = 100
	f.OfMinimum = float64(f.Calls) / (float64(f.Entries) / page)
	f.OfCeiling = float64(f.Entries) / page / (float64(w.cfg.RequestsPerMinute) * f.Minutes)
	m.mu.Lock()
	waits := percentiles(m.waits, 50, 100)
	m.mu.Unlock()
	f.FreshWaitP50, f.FreshWaitMax = waits[0], waits[1]
	w.disk.Mu.Lock()
	f.BytesPerPage = float64(w.disk.Bytes) / float64(f.Calls)
	w.disk.Mu.Unlock()

	if backlog >= 300_000 {
		// The last pass is due after its delay, and then reads half of that time at once.
		time.Sleep(w.cfg.RecheckAfter[len(w.cfg.RecheckAfter)-1] * 3 / 2)
	}
	calls := w.server.CallsOf(simulator.EndpointList)
	f.SettledEntries, f.SettledCalls = m.count(), len(calls)
	f.OfSinglePasses = float64(f.SettledCalls) / (float64(1+len(w.cfg.RecheckAfter)) * float64(f.SettledEntries) / page)
	for _, call := range calls {
		if call.Code != 0 {
			f.Rejected++
		}
	}
	f.MostInAMinute = w.server.MaxCallsInAnyMinute()
	require.Zero(t, m.twice)
	return f
}
