// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A fault that is limited to a part of the log applies only to the calls for that part, and counts only those.
func TestBoundFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		range2 := func(from, to int64) m { return m{"start_time": from, "end_time": to, "page_size": 2} }
		for name, tc := range map[string]struct {
			bounds      Bounds
			fails, does []m
		}{
			"one second":   {Bounds{From: now - 100}, []m{range2(now-100, now-99), range2(now-101, now-100), {}}, []m{range2(now-102, now-101), range2(now-99, now)}},
			"seconds":      {Bounds{From: now - 100, To: now - 90}, []m{range2(now-95, now-94), range2(now-200, now)}, []m{range2(now-102, now-101), range2(now-89, now)}},
			"long":         {Bounds{Longer: time.Minute}, []m{range2(now-61, now), {}}, []m{range2(now-60, now)}},
			"old":          {Bounds{Older: time.Hour}, []m{range2(now-3601, now), {}}, []m{range2(now-3600, now)}},
			"old and long": {Bounds{Older: time.Hour, Longer: time.Minute}, []m{range2(now-7200, now)}, []m{range2(now-7200, now-7190), range2(now-600, now)}},
		} {
			s := New(Options{Faults: []Fault{{Kind: FaultInternal, Bounds: tc.bounds}}})
			c := inProcess(t, s)
			for _, q := range tc.fails {
				require.Equal(t, 1780001, c.list(q).Code, "%s: %v", name, q)
			}
			for _, q := range tc.does {
				require.Equal(t, 0, c.list(q).Code, "%s: %v", name, q)
			}
		}
		s := New(Options{Faults: []Fault{{Kind: FaultHTML, Bounds: Bounds{From: now - 100}, Count: 1}}})
		c := inProcess(t, s)
		for _, want := range []struct {
			q      m
			status int
		}{{range2(now-50, now), 200}, {range2(now-100, now), 502}, {range2(now-100, now), 200}} {
			require.Equal(t, want.status, c.list(want.q).status)
		}
	})
}

// A walk that is read again gets the same page, with any token, and an empty page counts as one.
func TestFaultOfDeepPages(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultInternal, Bounds: Bounds{Deeper: 3}}}})
	s.Add(numbered(20, 1)...)
	c := inProcess(t, s)
	for range 2 {
		query := m{"start_time": 0, "page_size": 2}
		for page := 1; page <= 4; page++ {
			r := c.list(query)
			if page == 4 {
				require.Equal(t, 1780001, r.Code)
				break
			}
			require.Equal(t, 0, r.Code, page)
			query["page_token"] = r.Data.PageToken
		}
	}
	s.Update(func(o *Options) { o.Faults = append(o.Faults, Fault{Kind: FaultEmptyPage, Count: 1}) })
	query := m{"start_time": 0, "page_size": 2}
	for range 3 {
		query["page_token"] = c.list(query).Data.PageToken
	}
	require.Equal(t, 1780001, c.list(query).Code)
}
