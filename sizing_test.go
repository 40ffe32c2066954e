// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestCallsADay: what docs/operating.md says for sizing. A tenant's entries, evenly
// spread over the day, cost at most what the page's formula gives, and what the
// Basic plan's setting is said to fit fits into 10,000 calls in 31 days.
func TestCallsADay(t *testing.T) {
	defaults := func(*Config) {}
	basic := func(c *Config) { c.PollInterval, c.RecheckAfter = 6*time.Minute, []time.Duration{time.Hour} }
	for name, tc := range map[string]struct {
		change  func(*Config)
		entries float64 // a day
		lasts   time.Duration
		most    float64 // calls a day
	}{
		"defaults, 10,000":    {defaults, 10_000, 24 * time.Hour, 1.3 * 1440},
		"defaults, 100,000":   {defaults, 100_000, 8 * time.Hour, 3.5 * 1440},
		"defaults, 1 million": {defaults, 1_000_000, time.Hour, 30 * 1440},
		"Basic plan, 5,000":   {basic, 5_000, 24 * time.Hour, 10_000.0 / 31},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := quietWorld(simulator.Options{
					Tenant:    simulator.Tenant{Seed: 1, PerSecond: tc.entries / 86400, Start: began.Unix()},
					RateLimit: 100,
				})
				w.latency, w.cfg.InitialLookback = around(200*time.Millisecond), 0
				tc.change(w.cfg)
				m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
				stop := w.measure(t, m)
				defer stop()
				time.Sleep(tc.lasts)

				days := tc.lasts.Hours() / 24
				require.InEpsilon(t, tc.entries*days, m.count(), 0.05, "the log is read")
				calls := float64(len(callsOf(w.server, simulator.EndpointList))) / days
				formula := tc.entries/100*float64(1+len(w.cfg.RecheckAfter)) + (24*time.Hour).Seconds()/w.cfg.PollInterval.Seconds()
				t.Logf("%.0f calls a day, %.2f a minute; by the formula %.0f", calls, calls/1440, formula)
				assert.LessOrEqual(t, calls, tc.most)
				assert.LessOrEqual(t, calls, 1.05*formula)
			})
		})
	}
}
