// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// lokiTakes is how much older than the newest line of its stream a line may be: half of ingester.max_chunk_age,
// which is two hours by default.
const lokiTakes = time.Hour

// lokiStream is a stream of Loki, which permanently refuses lines that are too old.
type lokiStream struct {
	mu      sync.Mutex
	newest  time.Time
	oldest  time.Duration // the largest distance of a record from the newest one
	taken   map[string]bool
	refused int
}

func (*lokiStream) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *lokiStream) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		at := record.Timestamp().AsTime()
		behind := s.newest.Sub(at)
		s.oldest = max(s.oldest, behind)
		if behind > lokiTakes {
			s.refused++
			continue
		}
		uid, _ := record.Attributes().Get("log.record.uid")
		s.taken[uid.Str()] = true
		if at.After(s.newest) {
			s.newest = at
		}
	}
	return nil
}

// TestLokiTakesWhatRechecksFind: with recheck_after of examples/loki, every entry that a recheck finds is recent
// enough for a Loki with its defaults, although a recheck waits until half of its delay has accumulated, and for
// its turn at the API's pace. Covers F5.
func TestLokiTakesWhatRechecksFind(t *testing.T) {
	file, err := confmaptest.LoadConf(filepath.Join("examples", "loki", "collector.yaml"))
	require.NoError(t, err)
	example, err := file.Sub("receivers::feishu_audit")
	require.NoError(t, err)
	set := audit.CreateDefaultConfig().(*audit.Config)
	require.NoError(t, example.Unmarshal(set))
	require.NotEmpty(t, set.RecheckAfter)
	last := set.RecheckAfter[len(set.RecheckAfter)-1]
	// With small pages and a third of the pace, few entries keep it busy.
	const pageSize, pace = 4, 33
	for name, tc := range map[string]struct {
		perSecond float64
		order     simulator.Order
	}{
		"quiet":                   {0.02, simulator.Ascending},
		"usual":                   {0.05, simulator.Descending},
		"half of the pace":        {0.27, simulator.Shuffled},
		"four fifths of the pace": {0.47, simulator.Descending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				const lasts = 2 * time.Hour
				tenant := simulator.Tenant{
					Seed: 61, PerSecond: tc.perSecond, Start: began.Unix(), End: began.Add(lasts).Unix(),
					// Some appear as late as the last recheck covers.
					LateFraction: 0.05, MaxLateness: last,
				}
				w := quietWorld(simulator.Options{Tenant: tenant, Order: tc.order, RateLimit: pace})
				w.latency, w.cfg.PageSize, w.cfg.RequestsPerMinute = around(200*time.Millisecond), pageSize, pace
				w.cfg.RecheckAfter, w.cfg.MaxWindow, w.cfg.InitialLookback = set.RecheckAfter, set.MaxWindow, 0
				s := &lokiStream{taken: map[string]bool{}}
				stop := w.measure(t, s)
				time.Sleep(lasts + 2*last)
				stop()
				t.Logf("the oldest was %s behind the newest", s.oldest)
				assert.Zero(t, s.refused, "refused, and so lost")
				assert.Greater(t, s.oldest, last, "the last recheck found something")
				assert.Zero(t, len(tenant.Entries(tenant.Start, tenant.End+1))-len(s.taken), "entries that were not taken")
			})
		})
	}
}
