// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// sizingPage is the page with the figures that this file checks.
func sizingPage(t *testing.T) string {
	text, err := os.ReadFile("docs/operating.md")
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\n  ", " ")
}

// published reads the numbers that a pattern finds in the page.
func published(t *testing.T, pattern string) []float64 {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(sizingPage(t))
	require.NotNil(t, found, "docs/operating.md does not say %s", pattern)
	var numbers []float64
	for _, text := range found[1:] {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		require.NoError(t, err)
		numbers = append(numbers, n)
	}
	return numbers
}

// TestSizingTable: the rows of the table follow from the number of entries, and the size of an id and of an
// entry's text.
func TestSizingTable(t *testing.T) {
	t.Parallel()
	perID := published(t, `about (\d+) bytes for each entry within the last`)[0] // held by TestBytesPerID
	text := published(t, `raw text a day, at (\d+) bytes an entry`)[0]
	number := func(text string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
		require.NoError(t, err)
		return n
	}
	units := map[string]float64{"": 1, "million": 1e6, "MB": 1e6, "GB": 1e9}
	// The largest number in the table is what one app with the defaults can read: TestFreshness, as in
	// docs/sharding.md.
	rows := regexp.MustCompile(`(?m)^\| ([\d,]+) ?(million)? \| ([\d.]+) \| (?:up to )?([\d.]+) \| (less than |)([\d.]+) MiB(?: each)? \| ([\d.]+) (MB|GB) \|$`).FindAllStringSubmatch(sizingPage(t), -1)
	require.Len(t, rows, 4)
	sharding, err := os.ReadFile("docs/sharding.md")
	require.NoError(t, err)
	measured := regexp.MustCompile(`(\d+) entries a second cost (\d+) calls a minute with the three rechecks of the defaults`).FindStringSubmatch(string(sharding))
	require.NotNil(t, measured)
	assert.LessOrEqual(t, number(rows[3][3]), number(measured[1]))
	for _, row := range rows {
		entries := number(row[1]) * units[row[2]]
		assert.InDelta(t, entries/86400, number(row[3]), max(0.05, 0.05*number(row[3])), "entries a second: %s", row[0])
		ids := entries / 24 * perID / (1 << 20) // the last recheck is an hour later
		if row[5] != "" {
			assert.Less(t, ids, number(row[6]), row[0])
		} else {
			assert.InEpsilon(t, ids, number(row[6]), 0.1, "memory in MiB: %s", row[0])
		}
		assert.InEpsilon(t, entries*text, number(row[7])*units[row[8]], 0.05, "raw text: %s", row[0])
		assert.LessOrEqual(t, number(row[4]), float64(audit.CreateDefaultConfig().(*audit.Config).RequestsPerMinute), "calls: %s", row[0])
	}
}

// TestCallsADay checks the sizing in docs/operating.md. A tenant's entries, evenly spread over the day, cost at
// most what the page's formula gives, and as many calls as the page has; the page's settings for the Basic plan
// stay within 10,000 calls in 31 days.
func TestCallsADay(t *testing.T) {
	const month = 31
	row := func(entries string) float64 {
		return published(t, `(?m)^\| `+entries+` \| [\d.]+ \| (?:up to )?([\d.]+) \|`)[0]
	}
	quiet := published(t, "`recheck_after: \\[1h\\]`, a quiet tenant needs ([\\d,]+) calls in 31 days .* up to ([\\d,]+) entries a day; ([\\d,]+) entries a day need ([\\d,]+) calls, and ([\\d,]+) need ([\\d,]+), which is too many")
	defaults := func(*audit.Config) {}
	basic := func(c *audit.Config) { c.PollInterval, c.RecheckAfter = 6*time.Minute, []time.Duration{time.Hour} }
	for name, tc := range map[string]struct {
		change  func(*audit.Config)
		entries float64 // a day
		lasts   time.Duration
		most    float64 // calls a day
		about   bool    // most is a measured figure of the page, not a bound
	}{
		"defaults, 10,000":    {defaults, 10_000, 24 * time.Hour, row("10,000") * 1440, true},
		"defaults, 100,000":   {defaults, 100_000, 6 * time.Hour, row("100,000") * 1440, true},
		"defaults, 1 million": {defaults, 1_000_000, 30 * time.Minute, row("1 million") * 1440, false},
		"Basic plan, quiet":   {basic, 100, 24 * time.Hour, quiet[0] / month, true},
		"Basic plan, 4,000":   {basic, quiet[1], 24 * time.Hour, quiet[0] / month, true},
		"Basic plan, 5,000":   {basic, quiet[2], 24 * time.Hour, min(quiet[3], 10_000) / month, true},
		"Basic plan, 10,000":  {basic, quiet[4], 24 * time.Hour, quiet[5] / month, true},
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
				_ = w.paces.Phase() // a first tick in the second of the start costs some more calls
				m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
				stop := w.measure(t, m)
				defer stop()
				time.Sleep(tc.lasts)

				days := tc.lasts.Hours() / 24
				require.InDelta(t, tc.entries*days, m.count(), max(30, 0.05*tc.entries*days), "the log is read")
				calls := float64(len(w.server.CallsOf(simulator.EndpointList))) / days
				formula := tc.entries/100*float64(1+len(w.cfg.RecheckAfter)) + (24*time.Hour).Seconds()/w.cfg.PollInterval.Seconds()
				t.Logf("%.0f calls a day, %.2f a minute; by the formula %.0f", calls, calls/1440, formula)
				if tc.about {
					assert.InEpsilon(t, tc.most, calls, 0.03)
				} else {
					assert.LessOrEqual(t, calls, tc.most)
				}
				if tc.entries < 1000 {
					// As on the page: the formula is too low if there is little to read.
					quiet := published(t, `a quiet tenant needs (\d+) calls a day, not the (\d+) of the formula`)
					assert.InEpsilon(t, quiet[0], calls, 0.02)
					assert.InEpsilon(t, quiet[1], formula, 0.02)
					return
				}
				assert.LessOrEqual(t, calls, 1.05*formula)
			})
		})
	}
}
