// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// TestRetryTimes: the runbook has the waits between two tries: the shortest and the longest ones with their
// random spread.
func TestRetryTimes(t *testing.T) {
	text, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		said[row[1]] = row[2]
	}
	require.Len(t, said, len(cause.All))
	limits := func(which func(d *delays) (*backoff.ExponentialBackOff, time.Duration)) string {
		var shortest, longest time.Duration
		for range 200 {
			d := newDelays(configretry.NewDefaultBackOffConfig())
			d.quick = 0 // TestFirstRetriesAreShort
			for range 12 {
				b, wait := which(&d)
				shortest, longest = time.Duration(float64(b.InitialInterval)*(1-b.RandomizationFactor)), b.MaxInterval
				require.GreaterOrEqual(t, wait, shortest)
				require.LessOrEqual(t, wait, longest)
			}
		}
		return plain(shortest) + " to " + plain(longest)
	}
	config := limits(func(d *delays) (*backoff.ExponentialBackOff, time.Duration) { return d.configB, d.config() })
	quota := limits(func(d *delays) (*backoff.ExponentialBackOff, time.Duration) { return d.quotaB, d.quota() })
	for _, info := range cause.All {
		switch info.Cause {
		case cause.Credential, cause.App, cause.Scope, cause.Address, cause.Endpoint, cause.Filter, cause.Paging:
			assert.Equal(t, config, said[string(info.Cause)], info.Cause)
		case cause.Quota:
			assert.Equal(t, quota, said[string(info.Cause)], info.Cause)
		case cause.RateLimit:
			assert.Equal(t, "after the server's hint to wait", said[string(info.Cause)])
		case cause.Checkpoint:
			assert.Equal(t, "no: needs a restart", said[string(info.Cause)])
		default:
			assert.Equal(t, "`retry_on_failure`", said[string(info.Cause)], info.Cause)
		}
	}
}

// TestFirstRetriesAreShort: a single failure after a success costs only a part of initial_interval; only
// failures in a row wait for all of it. Covers F44.
func TestFirstRetriesAreShort(t *testing.T) {
	cfg := configretry.NewDefaultBackOffConfig()
	cfg.RandomizationFactor = 0
	d := newDelays(cfg)
	i := cfg.InitialInterval
	for range 2 {
		for name, kind := range map[string]struct {
			next func() time.Duration
			want []time.Duration
		}{
			"passing": {d.passing, []time.Duration{i, i * 3 / 2}},
			"config":  {d.config, []time.Duration{10 * time.Second, 20 * time.Second}},
			"quota":   {d.quota, []time.Duration{10 * time.Second, 30 * time.Second}},
		} {
			var waits []time.Duration
			for range 5 {
				waits = append(waits, kind.next())
			}
			assert.Equal(t, append([]time.Duration{i / 8, i / 4, i / 2}, kind.want...), waits, name)
			d.reset()
		}
	}
}

// plain writes a duration in the form of the runbook.
func plain(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d.Minutes())) + " min"
	}
	return strconv.Itoa(int(d.Seconds())) + " s"
}
