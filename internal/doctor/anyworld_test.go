// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

func withDefaults(o simulator.Options) simulator.Options {
	if o.Order == "" {
		o.Order = simulator.Ascending
	}
	return o
}

// differing notes the switches that two settings differ in.
func differing(found map[string]bool, a, b simulator.Options) {
	var compare func(prefix string, a, b reflect.Value)
	compare = func(prefix string, a, b reflect.Value) {
		for i := range a.NumField() {
			name := prefix + a.Type().Field(i).Name
			switch x, y := a.Field(i), b.Field(i); {
			case name == "Tenant":
				compare("Tenant.", x, y)
			case x.Kind() == reflect.Func:
				found[name] = found[name] || x.IsNil() != y.IsNil()
			default:
				found[name] = found[name] || !reflect.DeepEqual(x.Interface(), y.Interface())
			}
		}
	}
	compare("", reflect.ValueOf(a), reflect.ValueOf(b))
}

// allSwitches: every switch of the simulator was used, or there is a reason.
func allSwitches(t *testing.T, thrown map[string]bool, excused map[string]string) {
	t.Helper()
	assert.Greater(t, len(thrown), 30)
	for name, done := range thrown {
		if reason := excused[name]; reason != "" {
			assert.False(t, done, "%s is thrown, and excused: %s", name, reason)
		} else {
			assert.True(t, done, "no case throws the simulator's switch %s", name)
		}
	}
}

// TestAnyWorld: with any combination of switches, no answer is wrong. In worlds with too few or too many
// entries, many answers are missing.
func TestAnyWorld(t *testing.T) {
	thrown := map[string]bool{}
	for seed := range *worlds {
		if !world.InSample(int(seed)) {
			continue
		}
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := anyWorld(newRand(seed))
				if err := o.Validate(); err != nil {
					t.Skip(err)
				}
				differing(thrown, simulator.Options{}, o)
				never(t, o, examine(t, simulator.New(o), nil))
				if t.Failed() {
					t.Logf("%+v", o)
				}
			})
		})
	}
	if *worlds < 50 || testing.Short() {
		return // too few for every switch
	}
	allSwitches(t, thrown, map[string]string{
		"Tenant.End": "no log of this time ends", "Tenant.Apps": "see TestSwitches", "Tenant.Canary": "see TestSwitches",
		"Apps": "see TestSwitches", "Observe": "see TestSwitches",
		"Tenant.OddFraction": "odd entries have any shape, so that shapes could not be checked",
	})
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func anyWorld(rng *rand.Rand) simulator.Options {
	coin := func() bool { return rng.IntN(2) == 0 }
	choose := func(times ...time.Duration) time.Duration { return times[rng.IntN(len(times))] }
	o := simulator.Options{
		Seed: rng.Uint64(), Tenant: tenant([]float64{0, 0.0005, 0.01, 0.3, 2, 30, 250}[rng.IntN(7)]),
		ClockSkew:   choose(0, 0, 3*time.Minute, -time.Hour, 700*time.Millisecond),
		LogOwnCalls: coin(), Order: []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled}[rng.IntN(3)],
		StartExclusive: coin(), EndExclusive: coin(), Paging: []simulator.Paging{simulator.Snapshot, simulator.Live}[rng.IntN(2)],
		PageTokenLife: choose(0, 0, 3*time.Second, 17*time.Second, 80*time.Second, 2*time.Hour), LenientPageTokens: coin(),
		PageOverlap: rng.IntN(2) * 7, LastPageToken: coin(), MostPerPage: []int{0, 0, 20, 60}[rng.IntN(4)], FullPageHasMore: coin(), SilentEnd: coin(), OncePageTokens: rng.IntN(4) == 0, MaxWindow: choose(0, 0, 90*time.Second, 20*time.Minute, day, 30*day),
		Retention: choose(0, 0, 15*time.Minute, 36*time.Hour, 7*day, 180*day), RefuseFuture: coin(), NumericIDs: coin(),
		RateHeadersAlways: coin(), RateLimit: []int{0, 100, 100, 40}[rng.IntN(4)], RateCountsRefused: coin(),
		RateHint: []simulator.RateHint{simulator.HintReset, simulator.HintRetryAfter, simulator.HintNone}[rng.IntN(3)],
	}
	o.TokenLife, o.JWTTokens, o.TokenErrorStatus = choose(0, 0, time.Minute, 35*time.Minute), coin(), []int{0, 200, 401}[rng.IntN(3)]
	o.Empty = []simulator.Empty{"", simulator.EmptyArray, simulator.EmptyNull, simulator.EmptyOmitted, simulator.EmptyNoData}[rng.IntN(5)]
	o.Gzip, o.RateWindow, o.RateStatus = coin(), []simulator.RateWindow{simulator.SlidingMinute, simulator.FixedMinute, simulator.TokenBucket}[rng.IntN(3)], []int{0, 400}[rng.IntN(2)]
	o.RateHintValue = []string{"", "", "-1", "0.5", "soon", "99999999", "0"}[rng.IntN(7)]
	o.StatusCodes = []simulator.StatusCodes{"", simulator.StatusZero, simulator.StatusHTTP, simulator.StatusAbsent}[rng.IntN(4)]
	o.Responses = []simulator.Responses{"", simulator.ResponseObject, simulator.ResponseCut, simulator.ResponsePlain}[rng.IntN(4)]
	o.TokenForm = []simulator.TokenForm{"", simulator.TokenText, simulator.TokenFraction, simulator.TokenWrapped}[rng.IntN(4)]
	o.TokenRefusal = []simulator.TokenRefusal{"", simulator.RefusalUnknownCode, simulator.RefusalHTML, simulator.RefusalEmpty}[rng.IntN(4)]
	o.Tenant.SharedIDs = rng.IntN(4) == 0
	if rng.IntN(5) == 0 {
		o.MonthlyQuota = 1 + rng.IntN(60)
	}
	if rng.IntN(5) == 0 {
		o.Tenant.BurstEvery, o.Tenant.BurstSize = time.Minute, 1+rng.IntN(300)
	}
	if coin() {
		o.Tenant.FailureFraction = []float64{-1, 0.5}[rng.IntN(2)]
	}
	o.RefuseExpired = o.Retention > 0 && coin()
	o.Tenant.Seed = rng.Uint64()
	o.Tenant.Delay = choose(0, 0, 0, 4*time.Second, 90*time.Second, 20*time.Minute)
	if coin() {
		o.Tenant.LateFraction, o.Tenant.MaxLateness = rng.Float64()/2, choose(5*time.Second, 3*time.Minute, 2*time.Hour)
	}
	for _, kind := range []simulator.FaultKind{simulator.FaultInternal, simulator.FaultEmptyPage, simulator.FaultRevoke, simulator.FaultReset, simulator.FaultHTML, simulator.FaultRateLimited} {
		if rng.IntN(6) == 0 {
			o.Faults = append(o.Faults, simulator.Fault{Kind: kind, Probability: rng.Float64() / 5})
		}
	}
	return o
}
