// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// callTimeout is the time limit of one call in the scenarios below.
const callTimeout = time.Second

// TestBrokenAPI: the API fails during a walk and keeps failing for a while, or fails every third call. The
// collector keeps running, reports what is wrong, does not call more often than its backoff allows, and resumes
// in the same place: every entry arrives once. Covers F12, F18, F19, F20, F23, F25.
func TestBrokenAPI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   simulator.Fault
		says    string
		timeout time.Duration // of a call, if not callTimeout
	}{
		"hangs":                        {fault: simulator.Fault{Kind: simulator.FaultHang}, says: "no answer within the time limit"},
		"token endpoint hangs":         {fault: simulator.Fault{Kind: simulator.FaultHang, Endpoint: simulator.EndpointToken}, says: "no answer within the time limit"},
		"resets the connection":        {fault: simulator.Fault{Kind: simulator.FaultReset}, says: "connection reset by peer"},
		"resets within a body":         {fault: simulator.Fault{Kind: simulator.FaultResetBody}, says: "connection reset by peer"},
		"drips byte by byte":           {fault: simulator.Fault{Kind: simulator.FaultSlowBody, Delay: 10 * time.Millisecond}, says: "no answer within the time limit"},
		"answers after the time limit": {fault: simulator.Fault{Kind: simulator.FaultDelay, Delay: 2 * callTimeout}, says: "no answer within the time limit"},
		"sends 100 MiB":                {fault: simulator.Fault{Kind: simulator.FaultHuge, Size: 100 << 20}, says: "the answer is larger than max_response_size", timeout: 20 * time.Second},
		"HTML with HTTP 200":           {fault: simulator.Fault{Kind: simulator.FaultHTML, Status: http.StatusOK}, says: "got an HTML or XML page"},
		"empty answer with HTTP 200":   {fault: simulator.Fault{Kind: simulator.FaultEmpty}, says: "got an empty answer"},
		"truncated JSON":               {fault: simulator.Fault{Kind: simulator.FaultTruncated}, says: "the answer is broken: not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now().Unix()
			log := simulator.Tenant{Seed: 5, PerSecond: 10, Start: now - 120}
			a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s]", "timeout: "+cmp.Or(tc.timeout, callTimeout).String())
			c := s.start(t, b)
			eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 3*pageSize })

			if tc.fault.Endpoint == simulator.EndpointToken {
				a.RevokeTokens() // a new one is needed then
			}
			a.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{tc.fault} })
			began, calls := time.Now(), len(a.Calls())
			c.says(t, tc.says, recovers)
			c.says(t, "retrying. Nothing is lost", recovers)
			before := b.count()
			pause(t, 3*time.Second)
			require.Equal(t, before, b.count())
			// Four windows are tried each time. A random backoff of 1 s is at least 0.5 s, and starts at 0.1 s;
			// a try may need a token first.
			require.Less(t, float64(len(a.Calls())-calls), 4*(6+2*time.Since(began).Seconds()), "calls while the API is broken")

			tc.fault.Every = 3
			a.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{tc.fault} })
			eventually(t, recovers, "it continues between the failures", func() bool { return b.count() > before })
			pause(t, 5*time.Second)
			a.heal()
			entries := a.ends(log)
			b.arrivals(t, entries)
			c.says(t, "works again", recovers)
			t.Logf("largest resident size: %d MiB", c.peak(t)>>20)
			require.Less(t, c.peak(t), int64(256<<20), "resident bytes")
			c.term(t)
			b.check(t, entries, 0)
		})
	}
}

// TestSlowAPI: an API so slow that a page takes 70 % of the time limit and twice the poll interval delays
// entries and loses none, and there are never two concurrent calls. Covers F20, F29.
func TestSlowAPI(t *testing.T) {
	t.Parallel()
	const (
		timeout = 3 * time.Second
		takes   = timeout * 7 / 10
	)
	now := time.Now().Unix()
	log := simulator.Tenant{Seed: 6, PerSecond: 2, Start: now - 60}
	a := newAPI(t, simulator.Options{Tenant: log, Faults: []simulator.Fault{{Kind: simulator.FaultDelay, Delay: takes}}})
	b := newBackend(t)
	s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s]", "page_size: 20", "max_concurrent_walks: 1", "timeout: "+timeout.String())
	c := s.start(t, b)
	pause(t, 10*time.Second)
	entries := a.ends(log)
	b.arrivals(t, entries)
	c.term(t)
	b.check(t, entries, 0)
	var last time.Time
	for _, call := range a.Calls() {
		if call.Endpoint != simulator.EndpointList {
			continue
		}
		require.GreaterOrEqual(t, call.Time.Sub(last), takes, "a call began while another was on its way")
		last = call.Time
	}
}
