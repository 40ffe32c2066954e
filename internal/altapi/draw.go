// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"math/rand/v2"
	"time"
)

func one[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// seldom returns one of the rare values in one of n draws, or else the usual one.
func seldom[T any](rng *rand.Rand, n int, usual T, rare ...T) T {
	if rng.IntN(n) == 0 {
		return one(rng, rare...)
	}
	return usual
}

// Draw draws an API. Each combination is one that a patient client can read to the end: limits of
// a query leave room for BusiestSecond.
func Draw(rng *rand.Rand) Traits {
	t := Traits{
		Paging:        one(rng, Offset, Snapshot, Scroll, Keyset),
		Order:         one(rng, Ascending, Descending, Shuffled, ByID),
		Match:         seldom(rng, 2, MatchSecond, MatchMilli, MatchIngested),
		StartExcluded: rng.IntN(4) == 0,
		EndExcluded:   rng.IntN(3) == 0,

		TokenLife:  seldom(rng, 2, 0, 20*time.Second, time.Minute, 5*time.Minute, 2*time.Hour),
		TokenOnce:  rng.IntN(5) == 0,
		TokenBound: rng.IntN(2) == 0,
		DeadToken:  one(rng, DeadParam, DeadParam, DeadGateway, DeadInternal, DeadRestart),
		PageCap:    seldom(rng, 3, 0, 20, 50, 99),
		Hidden:     seldom(rng, 3, 0, 0.3, 0.9),
		Unsure:     rng.IntN(3) == 0,
		LastToken:  rng.IntN(2) == 0,
		Empty:      one(rng, EmptyList, EmptyNull, EmptyAbsent, EmptyData),

		MaxSpan: seldom(rng, 2, 0, 10*time.Minute, 2*time.Hour, 24*time.Hour),
		Future:  seldom(rng, 4, FutureFine, FutureRefused),
		Heavy:   seldom(rng, 4, 0, 4*BusiestSecond, 20*BusiestSecond),
		Deepest: seldom(rng, 4, 0, 100),

		Skew:           seldom(rng, 2, 0, -10*time.Minute, -90*time.Second, -1500*time.Millisecond, 2*time.Second, 90*time.Second, 10*time.Minute),
		Retention:      seldom(rng, 2, 0, 6*time.Hour, 12*time.Hour, 24*time.Hour, 180*24*time.Hour),
		ExpiredRefused: rng.IntN(2) == 0,
		Latency:        one(rng, 10*time.Millisecond, 80*time.Millisecond, 400*time.Millisecond, 2*time.Second),
		IDs:            one(rng, IDDecimal, IDDecimal, IDNumber, IDHex, IDOdd, IDRepeated, IDPerSecond, IDMissing),
	}
	if rng.IntN(3) == 0 {
		for range 2 + rng.IntN(2) {
			t.Replicas = append(t.Replicas, one(rng, 0, time.Second, 20*time.Second, 3*time.Minute))
		}
	}
	t.Delay = drawDelay(rng)
	t.Limit = Limit{
		Kind:      one(rng, FixedWindow, SlidingWindow, TokenBucket),
		PerMinute: seldom(rng, 3, 100, 50, 80, 1000),
		Status:    seldom(rng, 3, 429, 400),
		Hint:      one(rng, HintNone, HintReset, HintRetry, HintBoth, HintWrong),
		Counts:    rng.IntN(2) == 0,
		Neighbour: seldom(rng, 4, 0, 0.3, 0.6),
	}
	t.Auth = Auth{
		Life:    seldom[int64](rng, 2, 7200, 1900, 4567),
		Revoked: seldom(rng, 4, 0, 25*time.Minute, 3*time.Hour),
		Stale:   seldom(rng, 3, 0, time.Minute, 10*time.Minute),
		Code:    seldom[int64](rng, 3, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677),
		Status:  seldom(rng, 3, 400, 200, 401),
		Long:    rng.IntN(4) == 0,
	}
	t.Shape = Shape{
		TextNumbers: rng.IntN(4) == 0,
		AnyOrder:    rng.IntN(4) == 0,
		NoDetail:    rng.IntN(4) == 0,
		Extra:       rng.IntN(2) == 0,
	}
	t.possible()
	return t
}

func drawDelay(rng *rand.Rand) Delay {
	d := Delay{
		Usual:  one(rng, 0, time.Second, 10*time.Second, time.Minute),
		Jitter: one(rng, 0, 5*time.Second, 2*time.Minute),
		Batch:  seldom(rng, 4, 0, time.Minute, 5*time.Minute),
	}
	if rng.IntN(2) == 0 {
		d.Late, d.LateOneIn = one(rng, 10*time.Minute, time.Hour, 3*time.Hour), one(rng, 20, 200)
	}
	return d
}

// possible takes back what no client could read: a second whose entries cannot be paged to the
// end because its pages are too many for the limit of calls and the life of a token.
func (t *Traits) possible() {
	shown := 1 - t.Hidden
	page := t.PageCap
	if page == 0 {
		page = maxPageSize
	}
	// A query of the smallest sensible range covers three seconds, whatever is at a bound,
	// and with hidden entries among them.
	pages := int(float64(3*BusiestSecond)/shown)/page + 2
	if t.Deepest != 0 {
		t.Deepest = max(t.Deepest, 2*pages)
	}
	if t.Heavy != 0 {
		t.Heavy = max(t.Heavy, int(float64(4*BusiestSecond)/shown))
	}
	calls := float64(t.Limit.PerMinute) * (1 - t.Limit.Neighbour) // in a minute
	need := time.Duration(float64(pages)/calls*float64(time.Minute)) + time.Duration(pages)*t.Latency + 10*time.Second
	if t.TokenLife != 0 && t.TokenLife < 2*need {
		// A snapshot or a scroll has to live for all of its pages, other tokens for one.
		if t.Paging == Snapshot || t.Paging == Scroll {
			t.TokenLife = 2 * need
		}
	}
	if t.Hidden > 0.5 && t.PageCap == 20 {
		t.PageCap = 50
	}
}
