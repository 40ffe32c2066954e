// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestShards: a tenant with twice as many entries as one app can read, split over three apps by filter::api_keys
// as described in docs/sharding.md. Every entry arrives once and in time, and each app stays within its own
// limit. A fourth receiver reads a sample without a filter, and finds the APIs that no shard names.
func TestShards(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const perSecond, minutes = 320, 3
		const lasts = minutes * time.Minute
		began := time.Now().Truncate(time.Second)
		tenant := simulator.Tenant{Seed: 3, PerSecond: perSecond, Start: began.Unix(), End: began.Add(lasts).Unix()}
		opts := simulator.Options{Tenant: tenant, RateLimit: 100, Apps: map[string]string{}}
		shards := splitKeys(tenant.Entries(began.Unix(), began.Unix()+60*minutes), 3)
		unnamed := shards[0][0] // an API that no shard names
		shards[0] = shards[0][1:]
		for i := range 4 {
			opts.Apps["cli_"+strconv.Itoa(i)] = simulator.DefaultAppSecret
		}
		server := simulator.New(opts)

		m := &meter{uids: map[uint64]struct{}{}, since: began.Unix()}
		start := func(app string, change func(*audit.Config)) (stop func()) {
			w := quietWorld(simulator.Options{})
			w.server, w.handler, w.latency = server, server, around(200*time.Millisecond)
			w.cfg.AppID, w.cfg.InitialLookback, w.cfg.RecheckAfter = app, 0, nil
			change(w.cfg)
			return w.measure(t, m)
		}
		for i, keys := range shards {
			defer start("cli_"+strconv.Itoa(i), func(cfg *audit.Config) { cfg.Filter.APIKeys = keys })()
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
		require.Greater(t, want, minutes*100*100, "the log is too small for one app not to do")
		assert.Equal(t, want, m.count(), "every entry that is named, and no other")
		assert.Zero(t, m.twice)
		assert.Less(t, percentiles(m.waits, 99)[0], 64.0, "they keep up")
		times := map[string][]time.Time{}
		for _, call := range server.CallsOf(simulator.EndpointList) {
			require.Zero(t, call.Code)
			times[call.AppID] = append(times[call.AppID], call.Time)
		}
		require.Len(t, times, len(shards))
		for app := range times {
			assert.LessOrEqual(t, world.MostInAMinute(times[app]), 100, app)
		}

		// The sample: a bounded export of a minute, without a filter.
		named, sampled := m, &meter{uids: map[uint64]struct{}{}}
		m = sampled
		stop := start("cli_3", func(cfg *audit.Config) {
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

// TestShardsByTime: a backlog is split over two apps at a second that has entries, as described in
// docs/sharding.md. Together they read all of it and no entry twice, whether the API's own bounds are inclusive
// or not.
func TestShardsByTime(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]simulator.Options{
		"inclusive":       {},
		"start exclusive": {StartExclusive: true},
		"end exclusive":   {EndExclusive: true, Order: simulator.Descending},
		"both exclusive":  {StartExclusive: true, EndExclusive: true, Order: simulator.Shuffled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const hours = 2
				now := time.Now().Truncate(time.Second)
				begin, end := now.Add(-30*time.Hour), now.Add((hours-30)*time.Hour)
				split := begin.Add(hours / 2 * time.Hour)
				// Several entries in every second, those of all three bounds in particular.
				opts.Tenant = simulator.Tenant{Seed: 4, PerSecond: 2, Start: begin.Unix() - 600, End: end.Unix() + 600}
				opts.RateLimit = 100
				opts.Apps = map[string]string{"cli_first": simulator.DefaultAppSecret, "cli_second": simulator.DefaultAppSecret}
				server := simulator.New(opts)
				halves := map[string][2]time.Time{"cli_first": {begin, split}, "cli_second": {split, end}}
				meters := map[string]*meter{}
				for app, bounds := range halves {
					w := quietWorld(simulator.Options{})
					w.server, w.handler, w.latency = server, server, around(200*time.Millisecond)
					w.cfg.AppID, w.cfg.InitialLookback, w.cfg.StartTime, w.cfg.EndTime = app, 0, bounds[0], bounds[1]
					meters[app] = &meter{uids: map[uint64]struct{}{}}
					defer w.measure(t, meters[app])()
				}
				time.Sleep(24 * time.Hour)

				for app, bounds := range halves {
					assert.Zero(t, meters[app].twice, app)
					want := map[uint64]struct{}{}
					for _, entry := range opts.Tenant.Entries(bounds[0].Unix(), bounds[1].Unix()) { // without the end
						id, err := strconv.ParseUint(entry.ID, 10, 64)
						require.NoError(t, err)
						want[id] = struct{}{}
					}
					require.Len(t, want, hours/2*2*3600)
					// Adjacent halves neither overlap nor leave anything out: each half is exact.
					assert.True(t, maps.Equal(want, meters[app].uids), "%s: %d entries, not %d", app, len(meters[app].uids), len(want))
				}
			})
		})
	}
}

// TestShardsByApp: with filter::app_id a shard has exactly the calls of one calling app.
func TestShardsByApp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lasts = 20 * time.Minute
		began := time.Now().Truncate(time.Second)
		tenant := simulator.Tenant{Seed: 5, PerSecond: 20, Start: began.Unix(), End: began.Add(lasts).Unix(), Apps: 3}
		opts := simulator.Options{Tenant: tenant, RateLimit: 100, Apps: map[string]string{}}
		want := map[string]map[uint64]struct{}{}
		for _, entry := range tenant.Entries(tenant.Start, tenant.End+1) {
			id, err := strconv.ParseUint(entry.ID, 10, 64)
			require.NoError(t, err)
			if want[entry.AppID] == nil {
				want[entry.AppID] = map[uint64]struct{}{}
			}
			want[entry.AppID][id] = struct{}{}
		}
		require.Len(t, want, 3)
		for caller := range want {
			opts.Apps["reads_"+caller] = simulator.DefaultAppSecret
		}
		server := simulator.New(opts)
		meters := map[string]*meter{}
		for caller := range want {
			w := quietWorld(simulator.Options{})
			w.server, w.handler, w.latency = server, server, around(200*time.Millisecond)
			w.cfg.AppID, w.cfg.InitialLookback, w.cfg.Filter.AppID = "reads_"+caller, 0, caller
			meters[caller] = &meter{uids: map[uint64]struct{}{}}
			defer w.measure(t, meters[caller])()
		}
		time.Sleep(lasts + 5*time.Minute)
		for caller, ids := range want {
			assert.Zero(t, meters[caller].twice)
			assert.True(t, maps.Equal(ids, meters[caller].uids), "%s: %d entries, not %d", caller, len(meters[caller].uids), len(ids))
		}
	})
}

// splitKeys distributes the APIs of these entries, the busiest first, each to the shard with the fewest entries
// so far.
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
