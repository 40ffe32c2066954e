// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import "time"

// noteLatency notes how long an answer took, or a call without an answer.
func (p *Poller) noteLatency(took time.Duration) {
	if p.latency == 0 {
		p.latency = took
	} else {
		p.latency += (took - p.latency) / 4
	}
}

// width is how many calls may run concurrently: more than one only if answers are too slow for one walk to use
// the pace.
func (p *Poller) width() int {
	if !p.begin.since.IsZero() {
		return 1 // the first answers may move the begin
	}
	// A quarter more than the pace needs, for the time between two calls.
	used := p.latency.Minutes() * float64(p.set.RequestsPerMinute) * 1.25
	return min(1+int(used), p.set.MaxConcurrentWalks)
}
