// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestShards: a tenant with twice as many entries as one app's calls can read, split
// over three apps by filter::api_keys as docs/sharding.md says. Every entry arrives
// once and in time, and each app stays within its own limit. A fourth receiver reads
// a sample without a filter, and finds what no shard names.
func TestShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, lasts = 320, 8 * time.Minute
		began := time.Now().Truncate(time.Second)
		tenant := simulator.Tenant{Seed: 3, PerSecond: perSecond, Start: began.Unix(), End: began.Add(lasts).Unix()}
		opts := simulator.Options{Tenant: tenant, RateLimit: 100, Apps: map[string]string{}}
		shards := splitKeys(tenant.Entries(began.Unix(), began.Unix()+480), 3)
		unnamed := shards[0][0] // an API that nobody has named
		shards[0] = shards[0][1:]
		for i := range 4 {
			opts.Apps["cli_"+strconv.Itoa(i)] = simulator.DefaultAppSecret
		}
		server := simulator.New(opts)

		m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
		start := func(app string, change func(*Config)) (stop func()) {
			w := quietWorld(simulator.Options{})
			w.server, w.latency = server, around(200*time.Millisecond)
			w.cfg.AppID, w.cfg.InitialLookback, w.cfg.RecheckAfter = app, 0, nil
			change(w.cfg)
			return w.measure(t, m)
		}
		for i, keys := range shards {
			defer start("cli_"+strconv.Itoa(i), func(cfg *Config) { cfg.Filter.APIKeys = keys })()
		}
		time.Sleep(lasts + 5*time.Minute)

		want, missing := 0, 0
		for _, entry := range tenant.Entries(tenant.Start, tenant.End+1) {
			if entry.APIKey == unnamed {
				missing++
			} else {
				want++
			}
		}
		require.Positive(t, missing)
		require.Greater(t, want, 8*100*100, "the log is too small for one app not to do")
		assert.Equal(t, want, m.count(), "every entry that is named, and no other")
		assert.Zero(t, m.twice)
		assert.Less(t, percentiles(m.waits, 99)[0], 64.0, "they keep up")
		times := map[string][]time.Time{}
		for _, call := range callsOf(server, simulator.EndpointList) {
			require.Zero(t, call.Code)
			times[call.AppID] = append(times[call.AppID], call.Time)
		}
		require.Len(t, times, len(shards))
		for app := range times {
			assert.LessOrEqual(t, mostInAMinute(times[app]), 100, app)
		}

		// The sample: a bounded export of a minute, without a filter.
		named, sampled := m, &meter{uids: map[uint64]struct{}{}}
		m = sampled
		stop := start("cli_3", func(cfg *Config) {
			cfg.StartTime, cfg.EndTime = began.Add(lasts/2), began.Add(lasts/2+time.Minute)
		})
		time.Sleep(10 * time.Minute)
		stop()
		found, again := 0, 0
		for _, entry := range tenant.Entries(began.Add(lasts/2).Unix(), began.Add(lasts/2+time.Minute).Unix()) {
			id, err := strconv.ParseUint(entry.ID, 10, 64)
			require.NoError(t, err)
			_, inSample := sampled.uids[id]
			_, inShard := named.uids[id]
			require.Equal(t, entry.APIKey != unnamed, inShard)
			switch {
			case inSample && inShard:
				again++
			case inSample:
				found++
			}
		}
		assert.Positive(t, again, "what two receivers read has one log.record.uid")
		assert.Positive(t, found, "the sample shows the API that no shard names")
	})
}

// splitKeys shares out the APIs that these entries call, the busiest first, each to
// the shard that has the fewest entries so far.
func splitKeys(entries []simulator.Entry, n int) [][]string {
	calls := map[string]int{}
	for _, entry := range entries {
		calls[entry.APIKey]++
	}
	keys := make([]string, 0, len(calls))
	for key := range calls {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return calls[b] - calls[a] })
	shards, sizes := make([][]string, n), make([]int, n)
	for _, key := range keys {
		least := slices.Index(sizes, slices.Min(sizes))
		shards[least] = append(shards[least], key)
		sizes[least] += calls[key]
	}
	return shards
}
