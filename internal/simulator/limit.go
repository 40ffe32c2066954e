// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// limiter counts one app's calls for the rate limit.
type limiter struct {
	sliding []time.Time // calls of the last minute
	minute  time.Time   // the current fixed minute
	count   int         // of calls in it
	used    float64     // calls taken from the bucket that were not refilled yet
	filled  time.Time   // when used was computed
}

// allow counts a call if it is within the limit. Otherwise it returns how long to wait. A refused call counts
// only if refusedCount is set.
func (l *limiter) allow(limit int, window RateWindow, refusedCount bool, now time.Time) (wait time.Duration, ok bool) {
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.count = minute, 0
	}
	l.sliding = lastMinute(l.sliding, now)
	perCall := time.Minute / time.Duration(limit)
	l.used = max(0, l.used-float64(now.Sub(l.filled))/float64(perCall))
	l.filled = now
	switch {
	case window == FixedMinute && l.count >= limit:
		wait = l.minute.Add(time.Minute).Sub(now)
	case window == SlidingMinute && len(l.sliding) >= limit:
		wait = l.sliding[len(l.sliding)-limit].Add(time.Minute).Sub(now)
	case window == TokenBucket && l.used > float64(limit-1):
		wait = max(1, time.Duration((l.used-float64(limit-1))*float64(perCall)))
	}
	if wait > 0 && !refusedCount {
		return wait, false
	}
	l.count++
	l.sliding = append(l.sliding, now)
	l.used = min(l.used+1, float64(limit)) // a bucket cannot have less than nothing
	return wait, wait == 0
}

// withinRate counts the call for its app or answers with the refusal.
func (s *Server) withinRate(a *answer) bool {
	if s.opts.RateLimit == 0 {
		return true
	}
	l := s.limits[a.call.AppID]
	if l == nil {
		l = &limiter{}
		s.limits[a.call.AppID] = l
	}
	wait, ok := l.allow(s.opts.RateLimit, s.opts.RateWindow, s.opts.RateCountsRefused, a.now)
	if !ok {
		s.refuseRate(a, s.opts.RateStatus, wait)
		return false
	}
	if s.opts.RateHeadersAlways {
		s.rateHeaders(a, 0)
	}
	return true
}

func (s *Server) rateHeaders(a *answer, wait time.Duration) {
	limit := s.opts.RateLimit
	setDefault(&limit, DefaultRateLimit)
	a.header.Set("X-Ogw-Ratelimit-Limit", strconv.Itoa(limit))
	a.header.Set("X-Ogw-Ratelimit-Reset", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
}

// refuseRate answers with 99991400 in the form of the options.
func (s *Server) refuseRate(a *answer, status int, wait time.Duration) {
	// A fault may apply when the headers of a success are set already.
	a.header.Del("X-Ogw-Ratelimit-Limit")
	a.header.Del("X-Ogw-Ratelimit-Reset")
	switch s.opts.RateHint {
	case HintReset:
		s.rateHeaders(a, wait)
		if s.opts.RateHintValue != "" {
			a.header.Set("X-Ogw-Ratelimit-Reset", s.opts.RateHintValue)
		}
	case HintRetryAfter:
		value := s.opts.RateHintValue
		setDefault(&value, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		a.header.Set("Retry-After", value)
	}
	a.fail(status, 99991400, "request trigger frequency limit")
}

// china is the time zone in which a month of the quota starts.
var china = time.FixedZone("UTC+8", 8*60*60)

// quota counts successful calls in a month.
type quota struct {
	month string
	used  int
}

func (q *quota) roll(now time.Time) {
	if month := now.In(china).Format("2006-01"); month != q.month {
		q.month, q.used = month, 0
	}
}

// withinQuota answers with the refusal if the month's quota is used up.
func (s *Server) withinQuota(a *answer) bool {
	s.quota.roll(a.now)
	if s.opts.MonthlyQuota == 0 || s.quota.used < s.opts.MonthlyQuota {
		return true
	}
	refuseQuota(a, http.StatusTooManyRequests)
	return false
}

func refuseQuota(a *answer, status int) {
	a.fail(status, 99991403, "This month's API call quota has been exceeded.")
}
