// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"slices"
	"time"
)

// keptCalls is how many calls the log of calls has.
const keptCalls = 100_000

// Call is a request and its answer. It has no credential.
type Call struct {
	// Time is when the call arrived, by time.Now (without the server's skew).
	Time     time.Time
	Endpoint Endpoint
	// Path and Method are those of the request.
	Path, Method string
	// AppID is the calling app: the one that requests a token, or the one that the access token belongs to.
	// Empty if the server could not find out.
	AppID string
	// StartTime and EndTime are the requested bounds, 0 if omitted.
	StartTime, EndTime int64
	// PageSize and PageToken are the requested ones, 0 and "" if omitted.
	PageSize  int
	PageToken string
	// FilterAPIKeys and FilterAppID are the requested filters.
	FilterAPIKeys []string
	FilterAppID   string

	// Status is the HTTP status, 0 if the caller got none (reset, hang).
	Status int
	// Code is the code of the answer's body, -1 if the body has none. A fault in transit, such as truncated,
	// does not change it.
	Code int
	// Items, HasMore and NextPageToken describe the page of a success.
	Items         int
	HasMore       bool
	NextPageToken string
	// Faults are the faults that occurred, in the order of their stages.
	Faults []FaultKind
	// LogID is the answer's X-Tt-Logid.
	LogID string
}

// callLog keeps the newest calls.
type callLog struct {
	calls []Call
}

func (l *callLog) add(c Call) {
	if len(l.calls) >= 2*keptCalls {
		l.calls = append(l.calls[:0], l.calls[keptCalls:]...)
	}
	l.calls = append(l.calls, c)
}

func (l *callLog) all() []Call {
	return slices.Clone(l.calls[max(0, len(l.calls)-keptCalls):])
}

// meter measures the largest number of arrivals in any 60 s. Two arrivals exactly 60 s apart are not in the same
// minute.
type meter struct {
	recent []time.Time // of the last 60 s
	most   int
}

func (m *meter) arrive(now time.Time) {
	m.recent = append(lastMinute(m.recent, now), now)
	m.most = max(m.most, len(m.recent))
}

// lastMinute drops the times that are 60 s or more before now.
func lastMinute(times []time.Time, now time.Time) []time.Time {
	keep := slices.IndexFunc(times, func(t time.Time) bool { return now.Sub(t) < time.Minute })
	if keep < 0 {
		keep = len(times)
	}
	return times[keep:]
}
