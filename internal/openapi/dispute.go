// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"slices"
	"time"
)

// DisputedFrom is how far the server's clock and ours may be apart without any doubt in the server's. Up to that,
// a server's clock that is wrong costs time and no entry.
const DisputedFrom = 15 * time.Minute

// disputeProofs is how many different seconds entries have to be of to show that the later of two clocks is
// right: one entry may have a wrong time.
const disputeProofs = 3

// Dispute is a difference between the server's clock and ours of more than DisputedFrom. Either may be wrong: a
// machine without a battery starts years ago; a gateway may write its local time into Date, or
// always the same time.
//
// By a clock that is behind, entries are read too late; by one that is ahead, never: their time is read before
// they exist. So the earlier clock counts until entries that are later than it show that it is behind.
type Dispute struct {
	Earlier, Later time.Time // the present by the two clocks
	// After is the time after which an entry shows that the later clock is right: it cannot have been written
	// before the clocks were apart.
	After time.Time

	// HostLater reports that the later one is ours.
	HostLater bool

	since   time.Time // by our clock
	shown   []int64   // different seconds of such entries
	settled bool      // the later clock is right
}

// compare returns the present by the server's clock or by ours. The lock is held.
func (c *Clock) compare(server, now time.Time) time.Time {
	host := now.Round(0)
	d := &c.dispute
	if server.Sub(host).Abs() <= DisputedFrom {
		*d = Dispute{}
		return server
	}
	if hostLater := host.After(server); d.since.IsZero() || d.HostLater != hostLater {
		*d = Dispute{HostLater: hostLater, since: host}
	}
	d.Earlier, d.Later = host, server
	if d.HostLater {
		d.Earlier, d.Later = server, host
	}
	d.After = d.Earlier.Add(DateTolerance)
	switch {
	case d.HostLater && d.since.After(d.After):
		// A server's clock that was set back has left entries that are later than it is now.
		d.After = d.since
	case !d.HostLater && !c.floor.isZero() && c.floor.when(now).Sub(host) > DisputedFrom:
		d.settled = true // something was read up to there
	}
	if d.settled {
		return d.Later
	}
	return d.Earlier
}

// Disputed returns the dispute between the server's clock and ours that entries have not settled.
func (c *Clock) Disputed() (d Dispute, open bool) {
	c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dispute, !c.dispute.since.IsZero() && !c.dispute.settled
}

// FollowsHost reports whether our clock counts, because the server's is wrong: Dates mean nothing then.
func (c *Clock) FollowsHost() bool {
	c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.dispute.since.IsZero() && c.dispute.HostLater == c.dispute.settled
}

// Show notes the second of an entry. It reports whether that has settled the dispute.
func (c *Clock) Show(second int64) (settled bool) {
	c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	d, at := &c.dispute, time.Unix(second, 0)
	if d.since.IsZero() || d.settled || !at.After(d.After) || at.After(d.Later.Add(DateTolerance)) || slices.Contains(d.shown, second) {
		return false
	}
	d.shown = append(d.shown, second)
	d.settled = len(d.shown) >= disputeProofs
	return d.settled
}

// HostIsRight notes that the later of both clocks, ours, was found to be right.
func (c *Clock) HostIsRight() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dispute = Dispute{HostLater: true, since: time.Now().Round(0), settled: true}
}
