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

func TestSlidingRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{RateLimit: 3})
		c := inProcess(t, s)
		codes := func(n int) (codes []int) {
			for range n {
				codes = append(codes, c.list(m{}).Code)
			}
			return codes
		}
		require.Equal(t, []int{0, 0}, codes(2))
		time.Sleep(20 * time.Second)
		require.Equal(t, []int{0, 99991400}, codes(2))
		r := c.list(m{})
		require.Equal(t, http.StatusTooManyRequests, r.status)
		require.Equal(t, "3", r.header.Get("x-ogw-ratelimit-limit"))
		require.Equal(t, "40", r.header.Get("x-ogw-ratelimit-reset"))
		require.Empty(t, r.header.Get("Retry-After"))

		time.Sleep(40*time.Second - time.Millisecond)
		require.Equal(t, "1", c.list(m{}).header.Get("x-ogw-ratelimit-reset"))
		time.Sleep(time.Millisecond)
		require.Equal(t, []int{0, 0, 99991400}, codes(3), "refused calls did not count")
	})
}

func TestFixedRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, New(Options{RateLimit: 2, RateWindow: FixedMinute, ClockSkew: 15 * time.Second}))
		time.Sleep(44 * time.Second) // 59 s on the server's clock
		require.Equal(t, 0, c.list(m{}).Code)
		require.Equal(t, 0, c.list(m{}).Code)
		r := c.list(m{})
		require.Equal(t, 99991400, r.Code)
		require.Equal(t, "1", r.header.Get("x-ogw-ratelimit-reset"))
		time.Sleep(time.Second)
		require.Equal(t, 0, c.list(m{}).Code)
		require.Equal(t, 0, c.list(m{}).Code)
		require.Equal(t, "60", c.list(m{}).header.Get("x-ogw-ratelimit-reset"))
	})
}

func TestBucketRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, New(Options{RateLimit: 6, RateWindow: TokenBucket}))
		for range 6 {
			require.Equal(t, 0, c.list(m{}).Code)
		}
		require.Equal(t, "10", c.list(m{}).header.Get("x-ogw-ratelimit-reset"))
		time.Sleep(10 * time.Second)
		require.Equal(t, 0, c.list(m{}).Code)
		require.Equal(t, 99991400, c.list(m{}).Code)
		time.Sleep(time.Hour)
		for range 6 {
			require.Equal(t, 0, c.list(m{}).Code)
		}
		require.Equal(t, 99991400, c.list(m{}).Code, "an hour fills the bucket, and no more")
	})
}

// Two calls, one that is refused after 20 s, and one after the first two have become old.
func TestRefusedCallsThatCount(t *testing.T) {
	for window, later := range map[RateWindow]time.Duration{SlidingMinute: 60 * time.Second, FixedMinute: 60 * time.Second, TokenBucket: 31 * time.Second} {
		for _, counts := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c := inProcess(t, New(Options{RateLimit: 2, RateWindow: window, RateCountsRefused: counts}))
				require.Equal(t, 0, c.list(m{}).Code)
				require.Equal(t, 0, c.list(m{}).Code)
				time.Sleep(20 * time.Second)
				require.Equal(t, 99991400, c.list(m{}).Code)
				require.Equal(t, 99991400, c.list(m{}).Code)
				time.Sleep(later - 20*time.Second)
				want := 0
				if counts && window != FixedMinute { // which begins again
					want = 99991400
				}
				require.Equal(t, want, c.list(m{}).Code, "%s %v", window, counts)
				time.Sleep(time.Minute)
				require.Equal(t, 0, c.list(m{}).Code, "%s %v: a minute without calls", window, counts)
			})
		}
	}
}

func TestRateLimitIsOfTheApp(t *testing.T) {
	s := New(Options{RateLimit: 1, Apps: map[string]string{"cli_one": "1", "cli_two": "2"}})
	one, two := inProcess(t, s), inProcess(t, s)
	one.app, one.secret = "cli_one", "1"
	two.app, two.secret = "cli_two", "2"
	require.Equal(t, 0, one.list(m{}).Code)
	require.Equal(t, 99991400, one.list(m{}).Code)
	require.Equal(t, 0, two.list(m{}).Code)
}

func TestRateHints(t *testing.T) {
	for _, tt := range []struct {
		opts              Options
		status            int
		reset, retryAfter string
	}{
		{Options{}, 429, "60", ""},
		{Options{RateStatus: 400}, 400, "60", ""},
		{Options{RateHint: HintReset, RateHintValue: "99999999"}, 429, "99999999", ""},
		{Options{RateHint: HintRetryAfter}, 429, "", "60"},
		{Options{RateHint: HintRetryAfter, RateHintValue: "soon", RateStatus: 400}, 400, "", "soon"},
		{Options{RateHint: HintNone}, 429, "", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			tt.opts.RateLimit = 1
			c := inProcess(t, New(tt.opts))
			require.Empty(t, c.list(m{}).header.Get("x-ogw-ratelimit-limit"))
			r := c.list(m{})
			require.Equal(t, 99991400, r.Code)
			require.Equal(t, tt.status, r.status)
			require.Equal(t, tt.reset, r.header.Get("x-ogw-ratelimit-reset"))
			require.Equal(t, tt.retryAfter, r.header.Get("Retry-After"))
		})
	}
	c := inProcess(t, New(Options{RateLimit: 5, RateHeadersAlways: true}))
	require.Equal(t, "5", c.list(m{}).header.Get("x-ogw-ratelimit-limit"))
}

func TestMonthlyQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{MonthlyQuota: 2, Faults: []Fault{{Kind: FaultInternal, Count: 1}}})
		c := inProcess(t, s)
		for _, code := range []int{1780001, 0, 0, 99991403, 99991403} { // a failed call does not count
			r := c.list(m{})
			require.Equal(t, code, r.Code)
			if code == 99991403 {
				require.Equal(t, 429, r.status)
			}
		}
		// The month ends in China, eight hours before it does in UTC.
		time.Sleep(time.Until(time.Date(2000, 1, 31, 16, 0, 0, 0, time.UTC)) - time.Second)
		c.token = ""
		require.Equal(t, 99991403, c.list(m{}).Code)
		time.Sleep(time.Second)
		require.Equal(t, 0, c.list(m{}).Code)
	})
}

func TestMaxCallsInAnyMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Faults: []Fault{{Kind: FaultInternal, Every: 2}}})
		c := inProcess(t, s)
		require.Equal(t, 0, s.MaxCallsInAnyMinute())
		c.authorize()
		require.Equal(t, 0, s.MaxCallsInAnyMinute(), "calls for a token are no list_data calls")
		for range 4 { // every 20 s: three in a minute, since a fourth is 60 s after the first
			c.list(m{})
			time.Sleep(20 * time.Second)
		}
		require.Equal(t, 3, s.MaxCallsInAnyMinute())
		time.Sleep(time.Hour)
		for range 5 {
			c.list(m{})
		}
		time.Sleep(59*time.Second + 999*time.Millisecond)
		c.list(m{})
		require.Equal(t, 6, s.MaxCallsInAnyMinute())
		time.Sleep(time.Hour)
		c.list(m{})
		require.Equal(t, 6, s.MaxCallsInAnyMinute())
	})
}
