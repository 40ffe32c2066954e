// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import "time"

// limiter counts the calls of list_data.
type limiter struct {
	Limit
	calls  []time.Time // that count, the last minute's
	bucket float64     // calls that may be made
	filled time.Time
}

// admit reports whether a call may be made, or after what time the next one may.
func (l *limiter) admit(now time.Time) (wait time.Duration, ok bool) {
	most := max(1, int(float64(l.PerMinute)*(1-l.Neighbour)))
	if l.Kind == TokenBucket {
		return l.take(now, float64(most))
	}
	first := now.Add(-time.Minute) // what is counted is later
	if l.Kind == FixedWindow {
		first = now.Truncate(time.Minute).Add(-1)
	}
	for len(l.calls) > 0 && !l.calls[0].After(first) {
		l.calls = l.calls[1:]
	}
	ok = len(l.calls) < most
	if !ok {
		wait = l.calls[len(l.calls)-most].Sub(first)
		if l.Kind == FixedWindow {
			wait = first.Add(time.Minute + 1).Sub(now)
		}
	}
	if ok || l.Counts {
		l.calls = append(l.calls, now)
	}
	return wait, ok
}

// take takes a call out of a bucket that holds a minute's and fills evenly.
func (l *limiter) take(now time.Time, most float64) (wait time.Duration, ok bool) {
	perSecond := most / 60
	if l.filled.IsZero() {
		l.bucket = most
	} else {
		l.bucket = min(most, l.bucket+now.Sub(l.filled).Seconds()*perSecond)
	}
	l.filled = now
	if l.bucket < 1 {
		return time.Duration((1-l.bucket)/perSecond*float64(time.Second)) + time.Millisecond, false
	}
	l.bucket--
	return 0, true
}
