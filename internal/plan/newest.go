// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// An API may refuse what is too new. Then no window can be read that ends at the present, however short it is.

const (
	// newestTime is how old, in seconds, the end of a window may be that is refused for how new it is.
	newestTime = 5 * 60
	// presentTime is up to which age the end of an answered window shows that nothing is refused for that.
	presentTime = 15
	// newestSlack is how exactly ages are known: calls take time, and Dates are whole seconds.
	newestSlack = 5
	// newestRefusals is how many polls in a row have to show that the newest time is refused before windows end
	// earlier.
	newestRefusals = 4
	// newestTrial is after how many seconds a window that ends at the present is tried again.
	newestTrial = 60 * 60
)

// newest is what is known of the newest time that the API answers for. Times are of the server's clock, ages are how
// long before the call a window has ended, in seconds.
type newest struct {
	lately, before int64 // the least age that was answered: in the last minutes, and in those before
	since          int64 // of lately; 0: nothing was answered
	refusals       int   // polls since presentTime was answered in which a window may have been too new
	refusedAt      int64 // the latest of them
	ends           int64 // the age at which new windows end after newestRefusals
	trialAt        int64
}

// answered notes that a window was read to its end.
func (n *newest) answered(age, now int64) {
	switch {
	case n.since == 0:
		n.lately, n.before, n.since = age, age, now
	case now-n.since >= 2*newestTime:
		n.lately, n.before, n.since = age, n.lately, now
	}
	if n.lately = min(n.lately, age); age <= presentTime {
		n.refusals, n.ends = 0, 0
	}
}

// mayBeRefused reports whether a window may be refused for the age of its end: lately, none was answered that ends
// later. Its length need not be the reason then.
func (n *newest) mayBeRefused(age int64) bool {
	return age <= newestTime && (n.since == 0 || age < min(n.lately, n.before)+newestSlack)
}

// refused notes that such a window was refused.
func (n *newest) refused(age, now, tick int64) {
	if n.refusals > 0 && now-n.refusedAt < tick {
		return
	}
	n.refusals, n.refusedAt = n.refusals+1, now
	if n.refusals == newestRefusals || n.refusals > newestRefusals && age >= n.ends-newestSlack {
		n.ends, n.trialAt = max(n.ends, min(n.lately, n.before))+newestSlack, now+newestTrial
	}
}

// age is the age at which new windows end. Once in a while one ends at the present, to see whether it is answered.
func (n *newest) age(now int64) int64 {
	switch {
	case n.refusals < newestRefusals || n.ends > newestTime:
		return 0
	case now >= n.trialAt:
		n.trialAt = now + newestTrial
		return 0
	}
	return n.ends
}
