// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An answer without data, or without has_more, is correct the third time.
func TestSilentAnswersEnd(t *testing.T) {
	for _, kind := range []FaultKind{FaultNoData, FaultNullData, FaultEmptyData, FaultNoHasMore} {
		s := New(Options{Faults: []Fault{{Kind: kind}}})
		s.Add(numbered(25, 1)...)
		c := inProcess(t, s)
		for range 2 {
			first := c.list(m{"page_size": 10})
			require.NotContains(t, string(first.body), "has_more")
			require.NotContains(t, string(c.list(m{"page_size": 7}).body), "has_more", "another page")
			require.NotContains(t, string(c.list(m{"page_size": 10}).body), "has_more")
			right := c.list(m{"page_size": 10})
			require.True(t, right.Data.HasMore, "%s: %s", kind, right.body)
			require.Len(t, right.ids(), 10)
			if kind == FaultNoHasMore {
				require.Len(t, first.ids(), 10)
				require.NotEmpty(t, first.Data.PageToken)
			}
			_ = c.list(m{"page_size": 7})
			_ = c.list(m{"page_size": 7})
		}
	}
}

// Other pages that are never requested again do not make the server forget one that is.
func TestSilentAnswersEndAmongMany(t *testing.T) {
	s := New(Options{Faults: []Fault{{Kind: FaultNoData}}})
	s.Add(numbered(25, 1)...)
	c := inProcess(t, s)
	for end := range maxSilent {
		_ = c.list(m{"page_size": 5, "start_time": 0, "end_time": end + 1000})
		if end == maxSilent-2 { // the second is the last to fit
			require.NotContains(t, string(c.list(m{"page_size": 10}).body), "has_more")
		}
	}
	require.NotContains(t, string(c.list(m{"page_size": 10}).body), "has_more")
	require.True(t, c.list(m{"page_size": 10}).Data.HasMore)
}

func TestFormsOfTheEnd(t *testing.T) {
	for want, o := range map[string]Options{
		`{"code":0,"msg":"success","data":{}}`:                            {Empty: EmptyNoData},
		`{"code":0,"msg":"success","data":{"items":[]}}`:                  {SilentEnd: true},
		`{"code":0,"msg":"success","data":{"items":null}}`:                {SilentEnd: true, Empty: EmptyNull},
		`{"code":0,"msg":"success","data":{"has_more":false}}`:            {Empty: EmptyOmitted},
		`{"code":0,"msg":"success","data":{"items":[],"has_more":false}}`: {},
	} {
		require.Equal(t, want, string(inProcess(t, New(o)).list(m{}).body))
	}
	s := New(Options{SilentEnd: true, Empty: EmptyNoData})
	s.Add(numbered(25, 1)...)
	c := inProcess(t, s)
	first := c.list(m{"page_size": 20})
	require.True(t, first.Data.HasMore)
	last := c.list(m{"page_size": 20, "page_token": first.Data.PageToken})
	require.Len(t, last.ids(), 5)
	require.NotContains(t, string(last.body), "has_more")
}

func TestWrongDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, New(Options{Faults: []Fault{{Kind: FaultWrongDate}}}))
		for i := range 4 {
			at, err := http.ParseTime(c.list(m{}).header.Get("Date"))
			require.NoError(t, err)
			ahead := time.Duration(0)
			if i%2 == 0 {
				ahead = 8 * time.Hour
			}
			require.Equal(t, time.Now().Add(ahead).Unix(), at.Unix(), "every other one")
			c.authorize() // its Date is right, but proves nothing for list_data
		}
	})
}

func TestTenantWithSharedIDs(t *testing.T) {
	tenant := Tenant{Seed: 3, PerSecond: 2.5, SharedIDs: true}
	ids := map[string]int{}
	for _, e := range tenant.Entries(1000, 1100) {
		ids[e.ID]++
	}
	require.Len(t, ids, 3)
	require.Equal(t, 100, ids["1"])
	require.Equal(t, 100, ids["2"])
	require.Equal(t, len(tenant.Entries(1000, 1100))-200, ids["3"])
}
