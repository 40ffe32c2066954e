// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTenantIsAFunctionOfSeedAndSecond(t *testing.T) {
	tenant := Tenant{Seed: 7, PerSecond: 2.5, LateFraction: 0.3, MaxLateness: time.Hour, OddFraction: 0.1}
	whole := tenant.Entries(base, base+100)
	require.InDelta(t, 250, len(whole), 30)

	again := Tenant{Seed: 7, PerSecond: 2.5, LateFraction: 0.3, MaxLateness: time.Hour, OddFraction: 0.1}
	var parts []Entry
	for from := base; from < base+100; from += 20 {
		parts = append(parts, again.Entries(from, from+20)...)
	}
	require.Equal(t, whole, parts)
	require.Empty(t, tenant.Entries(base, base))

	other := Tenant{Seed: 8, PerSecond: 2.5}
	require.NotEqual(t, whole[0].AppID, other.Entries(base, base+1)[0].AppID)
}

func TestTenantIDs(t *testing.T) {
	tenant := Tenant{Seed: 1, PerSecond: 300}
	seen := map[string]bool{}
	for _, e := range tenant.Entries(1_700_000_000, 1_700_000_100) {
		require.False(t, seen[e.ID])
		seen[e.ID] = true
		n, err := strconv.ParseInt(e.ID, 10, 64)
		require.NoError(t, err)
		require.Greater(t, n, int64(1)<<53, "too large for a float64")
	}
	require.Len(t, seen, 30_000)
}

func TestTenantCountsAndBounds(t *testing.T) {
	tenant := Tenant{PerSecond: 0.1, Start: base, End: base + 9999}
	require.InDelta(t, 1000, len(tenant.Entries(base-5000, base+20_000)), 120)
	require.Empty(t, tenant.Entries(base-5000, base))
	require.Empty(t, tenant.Entries(base+10_000, base+20_000))

	bursts := Tenant{BurstSize: 1500, BurstEvery: time.Minute, Start: base, End: base + 599}
	counts := map[int64]int{}
	for _, e := range bursts.Entries(base, base+600) {
		counts[e.EventTime]++
	}
	require.Len(t, counts, 10)
	for second, n := range counts {
		require.Zero(t, second%60)
		require.Equal(t, 1500, n)
	}
	require.Empty(t, new(Tenant).Entries(base, base+1000))
}

func TestTenantLateness(t *testing.T) {
	tenant := Tenant{PerSecond: 10, Delay: 5 * time.Second, LateFraction: 1. / 3, MaxLateness: time.Hour}
	entries := tenant.Entries(base, base+1000)
	late, most := 0, time.Duration(0)
	for _, e := range entries {
		after := e.VisibleAt.Sub(time.Unix(e.EventTime, 0))
		require.GreaterOrEqual(t, after, 5*time.Second)
		require.LessOrEqual(t, after, time.Hour+5*time.Second)
		if after >= 6*time.Second {
			late++
		}
		most = max(most, after)
	}
	require.InDelta(t, 1./3, float64(late)/float64(len(entries)), 0.03)
	require.Greater(t, most, 59*time.Minute)
}

// The API shows what Entries returns, at the times in VisibleAt.
func TestTenantArrivesLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now().Unix()
		tenant := Tenant{Seed: 5, PerSecond: 3, LateFraction: 0.4, MaxLateness: 10 * time.Minute, Start: start - 60}
		c := inProcess(t, New(Options{Tenant: tenant}))
		for range 20 {
			var want []string
			for _, e := range tenant.Entries(start-60, time.Now().Unix()+1) {
				if !e.VisibleAt.After(time.Now()) {
					want = append(want, e.ID)
				}
			}
			require.Equal(t, want, flatten(c.walk(m{"page_size": 100})))
			time.Sleep(37*time.Second + 300*time.Millisecond)
		}
	})
}

// Generated and explicit entries share one order.
func TestTenantAndExplicitEntries(t *testing.T) {
	tenant := Tenant{PerSecond: 2, Start: base, End: base + 50}
	s := New(Options{Tenant: tenant})
	s.Add(Entry{ID: "before", EventTime: base - 10}, Entry{ID: "after", EventTime: base + 100}, Entry{ID: "within", EventTime: base + 20})
	want := slices.Concat([]string{"before"}, idsOf(tenant.Entries(base, base+21)), []string{"within"}, idsOf(tenant.Entries(base+21, base+51)), []string{"after"})
	c := inProcess(t, s)
	require.Equal(t, want, flatten(c.walk(m{"page_size": 7, "start_time": 0})))
	s.Update(func(o *Options) { o.Order = Descending })
	slices.Reverse(want)
	require.Equal(t, want, flatten(c.walk(m{"page_size": 7, "start_time": 0})))
}

func TestEndlessHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := Tenant{PerSecond: 1}
		s := New(Options{Tenant: tenant, MaxWindow: 48 * time.Hour})
		c := inProcess(t, s)
		now := time.Now().Unix()
		require.Equal(t, idsOf(tenant.Entries(now-86400, now-86400+100)), c.list(m{"page_size": 100}).ids()[:100], "the last 24 hours")
		require.NotEmpty(t, c.list(m{"start_time": 0, "end_time": 60}).ids(), "back to 1970")
	})
}

// Contents are similar to those of the real log.
func TestTenantContents(t *testing.T) {
	tenant := Tenant{Seed: 2, PerSecond: 20}
	keys, apps, methods := map[string]int{}, map[string]int{}, map[string]int{}
	var v4, v6, failed, zero, secrets, chinese int
	entries := tenant.Entries(base, base+500)
	for _, e := range entries {
		keys[e.APIKey]++
		apps[e.AppID]++
		methods[e.Method]++
		require.Equal(t, e.Method, e.APIKey[:len(e.Method)])
		require.Equal(t, strings.Count(e.APIKey, "/"), strings.Count(e.Path, "/"), e.Path)
		require.NotContains(t, e.Path, ":")
		require.Regexp(t, `^cli_[0-9a-f]{16}$`, e.AppID)
		if netip.MustParseAddr(e.IP).Is4() {
			v4++
		} else {
			v6++
		}
		var answer struct{ Code int }
		require.NoError(t, json.Unmarshal([]byte(e.Response), &answer))
		if answer.Code != 0 {
			failed++
		}
		if e.StatusCode == 0 {
			zero++
		}
		for _, text := range []string{e.QueryParam, e.Payload} {
			require.True(t, json.Valid([]byte(text)), text)
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &fields))
			if content, ok := fields["content"].(string); ok {
				require.True(t, json.Valid([]byte(content)), content)
			}
			for _, secret := range []string{"app_secret", "app_ticket", "refresh_token", "user_access_token", "password"} {
				if strings.Contains(text, `"`+secret+`":`) {
					secrets++
				}
			}
			if len(text) > utf8.RuneCountInString(text) {
				chinese++
			}
		}
		var raw any
		require.NoError(t, json.Unmarshal(e.appendJSON(nil, false), &raw))
	}
	require.Len(t, keys, len(catalog))
	require.GreaterOrEqual(t, len(keys), 50)
	require.Len(t, apps, 8)
	require.Len(t, methods, 5)
	n := float64(len(entries))
	require.InDelta(t, 0.8, float64(v4)/n, 0.03)
	require.Positive(t, v6)
	require.InDelta(t, 0.08, float64(failed)/n, 0.02)
	require.Greater(t, float64(zero)/n, 0.85)
	require.Greater(t, float64(secrets)/n, 0.05)
	require.Greater(t, float64(chinese)/n, 0.1)

	tenant.FailureFraction = -1
	for _, e := range tenant.Entries(base, base+20) {
		require.JSONEq(t, `{"code":0,"msg":"success"}`, e.Response)
	}
}

// Every odd form occurs, and none of them breaks the page.
func TestTenantOddities(t *testing.T) {
	tenant := Tenant{Seed: 2, PerSecond: 20, OddFraction: 1, Start: base, End: base + 99}
	found := map[string]bool{}
	for _, e := range tenant.Entries(base, base+100) {
		text := string(e.appendJSON(nil, false))
		require.True(t, json.Valid([]byte(strings.ToValidUTF8(text, ""))), text)
		for name, sign := range map[string]bool{
			"numeric id":      strings.Contains(text, `"id":1`) || strings.Contains(text, `"id":9`),
			"string time":     strings.Contains(text, `"event_time":"`),
			"no details":      !strings.Contains(strings.ToLower(text), `"log_detail":`),
			"null details":    strings.Contains(text, `"log_detail":null`),
			"other case":      strings.Contains(text, `"Log_Detail":`),
			"form payload":    strings.Contains(text, `"payload":"grant_type=`),
			"cut payload":     strings.Contains(text, `季度报"`),
			"unknown fields":  strings.Contains(text, `"tenant_key":`),
			"no id":           e.ID == "",
			"invalid UTF-8":   !utf8.ValidString(text),
			"string for code": strings.Contains(text, `"status_code":"n/a"`),
		} {
			if sign {
				found[name] = true
			}
		}
	}
	require.Len(t, found, len(oddities), "%v", found)

	regular := Tenant{Seed: 2, PerSecond: 20}
	for i, e := range tenant.Entries(base, base+10) {
		if e.ID != "" {
			require.Equal(t, regular.Entries(base, base+10)[i].ID, e.ID, "an odd shape keeps its id")
		}
	}
}

func BenchmarkTenantEntry(b *testing.B) {
	tenant := Tenant{Seed: 1, PerSecond: 100}
	for i := 0; b.Loop(); i++ {
		e := tenant.entry(base+int64(i/100), int64(i%100))
		_ = e.appendJSON(nil, false)
	}
}

// A full page of a walk over an hour with 360,000 entries, at its end.
func BenchmarkDeepPage(b *testing.B) {
	for _, paging := range []Paging{Snapshot, Live} {
		for _, order := range []Order{Ascending, Descending, Shuffled} {
			b.Run(string(paging)+" "+string(order), func(b *testing.B) {
				s := New(Options{Order: order, Paging: paging, Tenant: Tenant{PerSecond: 100, LateFraction: 0.3, MaxLateness: time.Hour}})
				q := query{from: base, to: base + 3599}
				now := time.Unix(base+10_000, 0)
				c := cursor{AsOf: now.UnixNano(), Next: &ref{Second: base + 3500}, Offset: 350_000}
				if order == Descending {
					c.Next.Second = base + 100
				}
				for b.Loop() {
					p, err := s.page(q, c, 100, now)
					if err != nil || len(p.refs) != 100 {
						b.Fatal(len(p.refs), err)
					}
				}
			})
		}
	}
}
