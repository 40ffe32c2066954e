// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// kept is how long the API keeps entries, as far as that has become visible. It is not documented, and known
// only after the API has refused an older time.
type kept struct {
	seconds int64 // after their event; 0: not known
	until   int64 // when that is forgotten, by the server's clock, because the refusal may have had another reason
	hint    int64 // what one refusal of a recheck's time suggested,
	hintAt  int64 // and when that was
}

// keptLasts is how long what a refusal shows about retention is used, in seconds.
const keptLasts = 24 * 60 * 60

// learn notes that the API refuses times older than this many seconds, and shows younger ones.
func (k *kept) learn(seconds, now int64) {
	if seconds >= leastRetention {
		k.seconds, k.until, k.hint = seconds, now+keptLasts, 0
	}
}

// apartBy is the least time in seconds between two refusals that count as refusals of different ranges.
const apartBy = 5 * 60

// suggest notes that a recheck could not read a range that is this many seconds old. One such range proves
// nothing, because it may be damaged. Two at different times and of about the same age do.
func (k *kept) suggest(seconds, now int64) {
	apart := now-k.hintAt >= apartBy
	k.hintAt = now
	if apart && k.hint > 0 && 8*max(seconds, k.hint) <= 9*min(seconds, k.hint) {
		k.learn(min(seconds, k.hint), now)
		return
	}
	k.hint = seconds
}

// shown notes the age of an entry that the API has returned, 0 if there is none.
func (k *kept) shown(age, now int64) {
	if k.seconds > 0 && (8*age > 9*k.seconds || now >= k.until) {
		k.seconds = 0
	}
}

// spare is how long before the API stops showing a time the rechecks must have read it.
func (k *kept) spare() int64 { return k.seconds / 16 }

// lateness is the age at which a pass with this recheck_after reads a time: that value, or less if the API would
// no longer show it.
func (k *kept) lateness(recheck int64) int64 {
	if k.seconds == 0 {
		return recheck
	}
	return min(recheck, k.seconds-k.spare())
}

// maxStep is the longest time in seconds that a recheck waits for its window to grow. The API has to keep
// entries for that much longer than the last recheck_after.
const maxStep = 30 * 60

// step is how many seconds are worth a call of a recheck with this delay: half of the delay, but no more than
// half of the time left until the API stops showing them.
func (k *kept) step(recheck int64) int64 {
	step := min(k.lateness(recheck)/2, maxStep)
	if k.seconds > 0 {
		step = min(step, (k.seconds-k.lateness(recheck))/2)
	}
	return step
}
