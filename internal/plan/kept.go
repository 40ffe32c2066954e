// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// kept is for how long the API shows entries, as far as it has shown that. It is not
// documented, and known only once the API has refused an older time.
type kept struct {
	seconds int64 // after their event; 0: not known
	until   int64 // when that is forgotten, by the server's clock: the reason may have been another
	hint    int64 // what one refusal of a recheck's time suggested,
	hintAt  int64 // and when that was
}

// keptLasts is for how long a refusal tells what the API keeps, in seconds.
const keptLasts = 24 * 60 * 60

// learn notes that the API has refused what is older than so many seconds, and shows what
// is younger.
func (k *kept) learn(seconds, now int64) {
	if seconds >= leastRetention {
		k.seconds, k.until, k.hint = seconds, now+keptLasts, 0
	}
}

// apartBy is how many seconds lie between two refusals that are not of one range.
const apartBy = 5 * 60

// suggest notes that a recheck could not read a range, which is older than so many seconds. One
// such range proves nothing: it may be damaged. Two at different times, of about the same age, do.
func (k *kept) suggest(seconds, now int64) {
	apart := now-k.hintAt >= apartBy
	k.hintAt = now
	if apart && k.hint > 0 && 8*max(seconds, k.hint) <= 9*min(seconds, k.hint) {
		k.learn(min(seconds, k.hint), now)
		return
	}
	k.hint = seconds
}

// shown notes the age of an entry that the API has returned, 0 where there is none.
func (k *kept) shown(age, now int64) {
	if k.seconds > 0 && (8*age > 9*k.seconds || now >= k.until) {
		k.seconds = 0
	}
}

// spare is for how long before the API stops showing a time rechecks are to have read it.
func (k *kept) spare() int64 { return k.seconds / 16 }

// lateness is how old a pass lets a time get that it is to read after so many seconds: that
// old, or less where the API would not show it any more.
func (k *kept) lateness(recheck int64) int64 {
	if k.seconds == 0 {
		return recheck
	}
	return min(recheck, k.seconds-k.spare())
}

// maxStep is for how long a recheck waits at the most for its window to grow, in seconds. The API
// has to keep entries for that much longer than the last recheck_after.
const maxStep = 30 * 60

// step is how many seconds are worth a call of a recheck that is so many seconds late: half of
// that, and no more than half of what is left until the API stops showing them.
func (k *kept) step(recheck int64) int64 {
	step := min(k.lateness(recheck)/2, maxStep)
	if k.seconds > 0 {
		step = min(step, (k.seconds-k.lateness(recheck))/2)
	}
	return step
}
