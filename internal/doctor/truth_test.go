// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// examine runs the doctor in virtual time against a simulated tenant.
func examine(t *testing.T, server *simulator.Server, change func(*Options)) *Report {
	opts := Options{
		Endpoint: FeishuEndpoint, AppID: simulator.DefaultAppID, AppSecret: simulator.DefaultAppSecret,
		SecretSource: "${env:FEISHU_APP_SECRET}", Duration: DefaultDuration,
		Transport: simulator.Transport(server, func() time.Duration { return 80 * time.Millisecond }),
	}
	if change != nil {
		change(&opts)
	}
	report, err := Run(t.Context(), opts)
	require.NoError(t, err)
	require.LessOrEqual(t, report.ListCalls, MaxCalls)
	require.LessOrEqual(t, server.MaxCallsInAnyMinute(), CallsPerMinute)
	return report
}

// history is how far a simulated log goes back. The bubble's time begins in 2000.
const history = 20 * day

func tenant(perSecond float64) simulator.Tenant {
	return simulator.Tenant{Seed: 3, PerSecond: perSecond, Start: time.Now().Add(-history).Unix()}
}

// never checks every answer against the simulator's switches: it may be missing,
// and must not be wrong.
func never(t *testing.T, o simulator.Options, r *Report) {
	o = withDefaults(o)
	oneOf := func(q Question, truth string) {
		assert.Contains(t, []string{"", truth}, r.Finding(q).Answer, q)
	}
	pick := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	between := func(q Question, truth time.Duration) {
		f := r.Finding(q)
		if f.AtLeast != nil && truth > 0 {
			assert.LessOrEqual(t, time.Duration(*f.AtLeast), truth, "%s: %s", q, f.Text)
		}
		if f.LessThan != nil && assert.Positive(t, truth, "%s: %s, but there is no limit", q, f.Text) {
			assert.GreaterOrEqual(t, time.Duration(*f.LessThan), truth, "%s: %s", q, f.Text)
		}
	}
	for _, q := range questions {
		f := r.Finding(q)
		assert.Equal(t, q, f.Question)
		assert.NotEmpty(t, f.Text, q)
		assert.NotEmpty(t, f.Evidence, q)
		if f.Answer == "" {
			assert.Equal(t, "could not tell", f.Text, q)
		}
	}
	oneOf(Order, map[simulator.Order]string{simulator.Ascending: "ascending", simulator.Descending: "descending", simulator.Shuffled: "unordered"}[o.Order])
	oneOf(StartBound, pick(o.StartExclusive, "exclusive", "inclusive"))
	oneOf(EndBound, pick(o.EndExclusive, "exclusive", "inclusive"))
	oneOf(FutureEnd, pick(o.RefuseFuture, "refused", "accepted"))
	oneOf(OwnCalls, pick(o.LogOwnCalls, "logged", "not logged"))
	oneOf(RateHeaders, pick(o.RateHeadersAlways && o.RateLimit > 0, "always", "not with successes"))
	oneOf(IDShape, pick(o.NumericIDs, "number", "string"))
	oneOf(ResponseShape, "a JSON object in a string")
	between(PageTokenLife, o.PageTokenLife)
	between(LongestWindow, o.MaxWindow)
	kept := o.Retention
	if kept == 0 || kept > history {
		kept = history + o.ClockSkew + time.Duration(r.Took) // the log began before the doctor did
	}
	if o.RefuseExpired {
		between(Retention, o.Retention)
	} else {
		f := r.Finding(Retention)
		assert.Nil(t, f.LessThan)
		if f.AtLeast != nil {
			assert.LessOrEqual(t, time.Duration(*f.AtLeast), kept, f.Text)
		}
	}
	// An entry becomes visible within a second after its delay.
	slowest := o.Tenant.Delay + o.Tenant.MaxLateness + time.Second
	if f := r.Finding(Lateness); f.Answer == "late" {
		assert.Greater(t, slowest, lateFrom, "no entry was late: %s", f.Text)
		assert.LessOrEqual(t, time.Duration(*f.AtLeast), slowest, f.Text)
		assert.Greater(t, *f.LessThan, *f.AtLeast, f.Text)
	}
	if r.AheadAtLeast != nil {
		assert.LessOrEqual(t, time.Duration(*r.AheadAtLeast), o.ClockSkew)
		assert.GreaterOrEqual(t, time.Duration(*r.AheadAtMost), o.ClockSkew)
	}
}

func withDefaults(o simulator.Options) simulator.Options {
	if o.Order == "" {
		o.Order = simulator.Ascending
	}
	return o
}

// TestSwitches: with a log that has enough in it, every setting of every switch is
// found out, and no other answer becomes wrong by it.
func TestSwitches(t *testing.T) {
	always := map[Question]string{
		Order: "ascending", StartBound: "inclusive", EndBound: "inclusive", FutureEnd: "accepted", Lateness: "none seen",
		PageTokenLife: "at least", LongestWindow: "at least", Retention: "at least", RateHeaders: "not with successes",
		OwnCalls: "not logged", IDShape: "string", StatusShape: "0", ResponseShape: "a JSON object in a string",
	}
	type answers = map[Question]string
	for name, tc := range map[string]struct {
		change func(*simulator.Options)
		want   answers // what differs
		unsure []Question
	}{
		"defaults":                 {func(*simulator.Options) {}, nil, nil},
		"descending":               {func(o *simulator.Options) { o.Order = simulator.Descending }, answers{Order: "descending"}, nil},
		"shuffled":                 {func(o *simulator.Options) { o.Order = simulator.Shuffled }, answers{Order: "unordered"}, nil},
		"start exclusive":          {func(o *simulator.Options) { o.StartExclusive = true }, answers{StartBound: "exclusive"}, nil},
		"end exclusive":            {func(o *simulator.Options) { o.EndExclusive = true }, answers{EndBound: "exclusive"}, nil},
		"both exclusive":           {func(o *simulator.Options) { o.StartExclusive, o.EndExclusive = true, true }, answers{StartBound: "exclusive", EndBound: "exclusive"}, nil},
		"live paging":              {func(o *simulator.Options) { o.Paging = simulator.Live }, nil, nil},
		"live, newest first":       {func(o *simulator.Options) { o.Paging, o.Order = simulator.Live, simulator.Descending }, answers{Order: "descending"}, nil},
		"page tokens of 20s":       {func(o *simulator.Options) { o.PageTokenLife = 20 * time.Second }, answers{PageTokenLife: "limited"}, nil},
		"page tokens of 1m":        {func(o *simulator.Options) { o.PageTokenLife = time.Minute }, answers{PageTokenLife: "limited"}, nil},
		"page tokens of 1h":        {func(o *simulator.Options) { o.PageTokenLife = time.Hour }, nil, nil},
		"lenient page tokens":      {func(o *simulator.Options) { o.LenientPageTokens = true }, nil, nil},
		"page overlap":             {func(o *simulator.Options) { o.PageOverlap = 10 }, nil, nil},
		"last page token":          {func(o *simulator.Options) { o.LastPageToken = true }, nil, nil},
		"empty as null":            {func(o *simulator.Options) { o.Empty = simulator.EmptyNull }, nil, nil},
		"empty left out":           {func(o *simulator.Options) { o.Empty = simulator.EmptyOmitted }, nil, nil},
		"windows of 7d":            {func(o *simulator.Options) { o.MaxWindow = 7 * day }, answers{LongestWindow: "limited"}, nil},
		"windows of 30m":           {func(o *simulator.Options) { o.MaxWindow = 30 * time.Minute }, answers{LongestWindow: "limited"}, nil},
		"kept 7d":                  {func(o *simulator.Options) { o.Retention = 7 * day }, nil, nil},
		"kept 7d, refused":         {func(o *simulator.Options) { o.Retention, o.RefuseExpired = 7*day, true }, answers{Retention: "limited"}, nil},
		"kept 7d, windows of 2h":   {func(o *simulator.Options) { o.Retention, o.RefuseExpired, o.MaxWindow = 7*day, true, 2*time.Hour }, answers{Retention: "limited", LongestWindow: "limited"}, nil},
		"no future":                {func(o *simulator.Options) { o.RefuseFuture = true }, answers{FutureEnd: "refused"}, nil},
		"clock ahead":              {func(o *simulator.Options) { o.ClockSkew = 5 * time.Minute }, nil, nil},
		"clock behind":             {func(o *simulator.Options) { o.ClockSkew, o.RefuseFuture = -5*time.Minute, true }, answers{FutureEnd: "refused"}, nil},
		"numeric ids":              {func(o *simulator.Options) { o.NumericIDs = true }, answers{IDShape: "number"}, nil},
		"gzip":                     {func(o *simulator.Options) { o.Gzip = true }, nil, nil},
		"own calls logged":         {func(o *simulator.Options) { o.LogOwnCalls = true }, answers{OwnCalls: "logged"}, nil},
		"access tokens of 1m":      {func(o *simulator.Options) { o.TokenLife = time.Minute }, nil, nil},
		"JWT":                      {func(o *simulator.Options) { o.JWTTokens = true }, nil, nil},
		"token errors as 200":      {func(o *simulator.Options) { o.TokenErrorStatus = 200 }, nil, nil},
		"rate headers always":      {func(o *simulator.Options) { o.RateHeadersAlways = true }, answers{RateHeaders: "always"}, nil},
		"no rate limit":            {func(o *simulator.Options) { o.RateLimit = 0 }, nil, nil},
		"fixed minute":             {func(o *simulator.Options) { o.RateWindow = simulator.FixedMinute }, nil, nil},
		"all late by 5m":           {func(o *simulator.Options) { o.Tenant.Delay = 5 * time.Minute }, answers{Lateness: "late"}, []Question{OwnCalls}},
		"half late by up to 10m":   {func(o *simulator.Options) { o.Tenant.LateFraction, o.Tenant.MaxLateness = 0.5, 10*time.Minute }, answers{Lateness: "late"}, nil},
		"half late by up to 2h":    {func(o *simulator.Options) { o.Tenant.LateFraction, o.Tenant.MaxLateness = 0.5, 2*time.Hour }, answers{Lateness: "late"}, nil},
		"odd entries":              {func(o *simulator.Options) { o.Tenant.OddFraction = 0.2 }, nil, nil},
		"no failures in the log":   {func(o *simulator.Options) { o.Tenant.FailureFraction = -1 }, nil, nil},
		"bursts":                   {func(o *simulator.Options) { o.Tenant.BurstEvery, o.Tenant.BurstSize = 5*time.Minute, 300 }, nil, nil},
		"tokens revoked sometimes": {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultRevoke, Every: 5}} }, nil, nil},
		"fails sometimes":          {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultInternal, Every: 7}} }, nil, nil},
		"limited now and then": {func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultRateLimited, After: 10, Count: 1}}
		}, nil, nil},
		"page tokens never work": {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultPageTokenRefused}} }, nil, []Question{PageTokenLife}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simulator.Options{Seed: 1, Tenant: tenant(2), RateLimit: simulator.DefaultRateLimit}
				tc.change(&o)
				r := examine(t, simulator.New(o), nil)
				never(t, o, r)
				for _, q := range questions {
					want := always[q]
					if answer, ok := tc.want[q]; ok {
						want = answer
					}
					for _, u := range tc.unsure {
						if u == q {
							want = ""
						}
					}
					assert.Equal(t, want, r.Finding(q).Answer, "%s: %s", q, r.Finding(q).Evidence)
				}
				assert.NotEmpty(t, r.Config)
			})
		})
	}
}

var worlds = flag.Uint64("worlds", 50, "how many worlds TestAnyWorld examines")

// TestAnyWorld: whatever is switched together, no answer is wrong. In worlds with
// little or too much to see, many are missing.
func TestAnyWorld(t *testing.T) {
	for seed := range *worlds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := anyWorld(rand.New(rand.NewPCG(seed, 1)))
				if err := o.Validate(); err != nil {
					t.Skip(err)
				}
				never(t, o, examine(t, simulator.New(o), nil))
				if t.Failed() {
					t.Logf("%+v", o)
				}
			})
		})
	}
}

func anyWorld(rng *rand.Rand) simulator.Options {
	coin := func() bool { return rng.IntN(2) == 0 }
	choose := func(times ...time.Duration) time.Duration { return times[rng.IntN(len(times))] }
	o := simulator.Options{
		Seed: rng.Uint64(), Tenant: tenant([]float64{0, 0.0005, 0.01, 0.3, 2, 30, 250}[rng.IntN(7)]),
		ClockSkew:   choose(0, 0, 3*time.Minute, -time.Hour, 700*time.Millisecond),
		LogOwnCalls: coin(), Order: []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled}[rng.IntN(3)],
		StartExclusive: coin(), EndExclusive: coin(), Paging: []simulator.Paging{simulator.Snapshot, simulator.Live}[rng.IntN(2)],
		PageTokenLife: choose(0, 0, 3*time.Second, 17*time.Second, 80*time.Second, 2*time.Hour), LenientPageTokens: coin(),
		PageOverlap: rng.IntN(2) * 7, LastPageToken: coin(), MaxWindow: choose(0, 0, 90*time.Second, 20*time.Minute, day, 30*day),
		Retention: choose(0, 0, 15*time.Minute, 36*time.Hour, 7*day, 180*day), RefuseFuture: coin(), NumericIDs: coin(),
		RateHeadersAlways: coin(), RateLimit: []int{0, 100, 100, 40}[rng.IntN(4)],
		RateHint: []simulator.RateHint{simulator.HintReset, simulator.HintRetryAfter, simulator.HintNone}[rng.IntN(3)],
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
