// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"flag"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// examine runs the doctor in virtual time against a simulated tenant.
func examine(t *testing.T, server *simulator.Server, change func(*Options)) *Report {
	opts := Options{
		Endpoint: openapi.FeishuEndpoint, AppID: simulator.DefaultAppID, AppSecret: simulator.DefaultAppSecret,
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

// history is how far back a simulated log goes. The bubble's time starts in 2000.
const history = 20 * day

func tenant(perSecond float64) simulator.Tenant {
	return simulator.Tenant{Seed: 3, PerSecond: perSecond, Start: time.Now().Add(-history).Unix()}
}

// never checks every answer against the simulator's switches: it may be missing, but must not be wrong.
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
			assert.LessOrEqual(t, time.Duration(*f.AtLeast), truth, "%s: %s", q, f.Text.String())
		}
		if f.LessThan != nil && assert.Positive(t, truth, "%s: %s, but there is no limit", q, f.Text.String()) {
			assert.GreaterOrEqual(t, time.Duration(*f.LessThan), truth, "%s: %s", q, f.Text.String())
		}
	}
	for _, q := range questions {
		f := r.Finding(q)
		assert.Equal(t, q, f.Question)
		assert.NotEmpty(t, f.Text.String(), q)
		assert.NotEmpty(t, f.Evidence.String(), q)
		if f.Answer == "" {
			assert.Equal(t, "could not tell", f.Text.String(), q)
		}
	}
	oneOf(Order, map[simulator.Order]string{simulator.Ascending: "ascending", simulator.Descending: "descending", simulator.Shuffled: "unordered"}[o.Order])
	oneOf(StartBound, pick(o.StartExclusive, "exclusive", "inclusive"))
	oneOf(EndBound, pick(o.EndExclusive, "exclusive", "inclusive"))
	oneOf(FutureEnd, pick(o.RefuseFuture, "refused", "accepted"))
	oneOf(OwnCalls, pick(o.LogOwnCalls, "logged", "not logged"))
	endsAre(t, o, r)
	oneOf(RateHeaders, pick(o.RateHeadersAlways && o.RateLimit > 0, "always", "not with successes"))
	oneOf(IDShape, pick(o.NumericIDs, "number", "string"))
	if o.Tenant.OddFraction == 0 {
		shapesAre(t, o, r)
	}
	refusalsAre(t, o, r)
	between(PageTokenLife, o.PageTokenLife)
	between(LongestWindow, o.MaxWindow)
	kept := o.Retention
	if kept == 0 || kept > history {
		kept = history + o.ClockSkew + time.Duration(r.Took) // the log started before the doctor
	}
	if o.RefuseExpired {
		between(Retention, o.Retention)
	} else {
		f := r.Finding(Retention)
		assert.Nil(t, f.LessThan)
		if f.AtLeast != nil {
			assert.LessOrEqual(t, time.Duration(*f.AtLeast), kept, f.Text.String())
		}
	}
	// An entry becomes visible within a second after its delay.
	slowest := o.Tenant.Delay + o.Tenant.MaxLateness + time.Second
	if f := r.Finding(Lateness); f.Answer == "late" {
		assert.Greater(t, slowest, lateFrom, "no entry was late: %s", f.Text.String())
		assert.LessOrEqual(t, time.Duration(*f.AtLeast), slowest, f.Text.String())
		assert.Greater(t, *f.LessThan, *f.AtLeast, f.Text.String())
	}
	if r.AheadAtLeast != nil {
		assert.LessOrEqual(t, time.Duration(*r.AheadAtLeast), o.ClockSkew)
		assert.GreaterOrEqual(t, time.Duration(*r.AheadAtMost), o.ClockSkew)
	}
}

// responseForms are the answers about the form of a response.
var responseForms = map[simulator.Responses]string{
	"":                       "a JSON object in a string",
	simulator.ResponseText:   "a JSON object in a string",
	simulator.ResponseObject: "an object",
	simulator.ResponseCut:    "a JSON object in a string, cut off",
	simulator.ResponsePlain:  "a string without JSON",
}

// shapesAre checks that status_code and response are reported correctly, with every form of them in the
// evidence.
func shapesAre(t *testing.T, o simulator.Options, r *Report) {
	tallied := func(f Finding) []string {
		list, _, _ := strings.Cut(f.Evidence.String(), ";")
		var forms []string
		for _, form := range regexp.MustCompile(`(?:: |, )([a-zA-Z0-9 ,]+?) \(\d+\)`).FindAllStringSubmatch(list, -1) {
			forms = append(forms, form[1])
		}
		return forms
	}
	allowed := map[simulator.StatusCodes][]string{
		"": {"0", "200", "400"}, simulator.StatusMostlyZero: {"0", "200", "400"}, simulator.StatusZero: {"0"},
		simulator.StatusHTTP: {"200", "400"}, simulator.StatusAbsent: {"absent"},
	}[o.StatusCodes]
	if f := r.Finding(StatusShape); f.Answer != "" {
		assert.NotEmpty(t, tallied(f), f.Evidence.String())
		assert.Subset(t, allowed, tallied(f), f.Evidence.String())
		assert.Contains(t, tallied(f), f.Answer)
		zeros := o.StatusCodes == "" || o.StatusCodes == simulator.StatusMostlyZero || o.StatusCodes == simulator.StatusZero
		if strings.Contains(f.Text.String(), "it is 0 in failed calls") {
			assert.True(t, zeros, f.Text.String())
		}
	}
	if f := r.Finding(ResponseShape); f.Answer != "" {
		assert.Equal(t, []string{responseForms[o.Responses]}, tallied(f), f.Evidence.String())
		assert.Equal(t, responseForms[o.Responses], f.Answer)
	}
}

// refusalsAre checks what is reported about a refusal by the rate limit, if one happened.
func refusalsAre(t *testing.T, o simulator.Options, r *Report) {
	f := r.Finding(RateHeaders)
	_, told, refused := strings.Cut(f.Text.String(), "a refusal is HTTP ")
	if !refused {
		return
	}
	status := o.RateStatus
	if status == 0 {
		status = 429
	}
	header := map[simulator.RateHint]string{"": headerReset, simulator.HintReset: headerReset, simulator.HintRetryAfter: "Retry-After"}[o.RateHint]
	want := strconv.Itoa(status) + " and does not say how long to wait"
	if header != "" {
		want = strconv.Itoa(status) + " and says how long to wait in " + strings.ToLower(header)
		if n, err := strconv.Atoi(o.RateHintValue); o.RateHintValue != "" && (err != nil || n < 0) {
			want = strconv.Itoa(status) + " with " + strings.ToLower(header) + ", which is not a whole number of seconds"
		}
	}
	assert.Equal(t, want, told)
}

// TestSwitches: with enough entries in the log, every setting of every switch is found out, and it makes no
// other answer wrong.
func TestSwitches(t *testing.T) {
	always := map[Question]string{
		Order: "ascending", StartBound: "inclusive", EndBound: "inclusive", FutureEnd: "accepted", Lateness: "none seen",
		PageTokenLife: "at least", LongestWindow: "at least", Retention: "at least", RateHeaders: "not with successes",
		OwnCalls: "not logged", RefusedCalls: "logged", TokenCalls: "logged", IDShape: "string", StatusShape: "0", ResponseShape: "a JSON object in a string",
	}
	type answers = map[Question]string
	limited := func(change func(*simulator.Options)) func(*simulator.Options) {
		return func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultRateLimited, After: 10, Count: 1}}
			change(o)
		}
	}
	says := func(q Question, text string) func(*testing.T, *Report) {
		return func(t *testing.T, r *Report) { assert.Contains(t, r.Finding(q).Text.String(), text) }
	}
	changed := map[string]bool{}
	for name, tc := range map[string]struct {
		change func(*simulator.Options)
		want   answers // the differences
		unsure []Question
		also   func(*testing.T, *Report)
	}{
		"defaults":               {func(*simulator.Options) {}, nil, nil, nil},
		"descending":             {func(o *simulator.Options) { o.Order = simulator.Descending }, answers{Order: "descending"}, nil, nil},
		"shuffled":               {func(o *simulator.Options) { o.Order = simulator.Shuffled }, answers{Order: "unordered"}, nil, nil},
		"start exclusive":        {func(o *simulator.Options) { o.StartExclusive = true }, answers{StartBound: "exclusive"}, nil, nil},
		"end exclusive":          {func(o *simulator.Options) { o.EndExclusive = true }, answers{EndBound: "exclusive"}, nil, nil},
		"both exclusive":         {func(o *simulator.Options) { o.StartExclusive, o.EndExclusive = true, true }, answers{StartBound: "exclusive", EndBound: "exclusive"}, nil, nil},
		"live paging":            {func(o *simulator.Options) { o.Paging = simulator.Live }, nil, nil, nil},
		"live, newest first":     {func(o *simulator.Options) { o.Paging, o.Order = simulator.Live, simulator.Descending }, answers{Order: "descending"}, nil, nil},
		"page tokens of 20s":     {func(o *simulator.Options) { o.PageTokenLife = 20 * time.Second }, answers{PageTokenLife: "limited"}, nil, nil},
		"page tokens of 1m":      {func(o *simulator.Options) { o.PageTokenLife = time.Minute }, answers{PageTokenLife: "limited"}, nil, nil},
		"page tokens of 1h":      {func(o *simulator.Options) { o.PageTokenLife = time.Hour }, nil, nil, nil},
		"lenient page tokens":    {func(o *simulator.Options) { o.LenientPageTokens = true }, nil, nil, nil},
		"page overlap":           {func(o *simulator.Options) { o.PageOverlap = 10 }, nil, nil, nil},
		"pages of 30 at most":    {func(o *simulator.Options) { o.MostPerPage = 30 }, nil, nil, nil},
		"full pages have more":   {func(o *simulator.Options) { o.FullPageHasMore = true }, nil, nil, nil},
		"page tokens once":       {func(o *simulator.Options) { o.OncePageTokens = true }, nil, nil, nil},
		"last page token":        {func(o *simulator.Options) { o.LastPageToken = true }, nil, nil, nil},
		"empty as null":          {func(o *simulator.Options) { o.Empty = simulator.EmptyNull }, nil, nil, nil},
		"empty left out":         {func(o *simulator.Options) { o.Empty = simulator.EmptyOmitted }, nil, nil, nil},
		"empty without data":     {func(o *simulator.Options) { o.Empty = simulator.EmptyNoData }, nil, nil, nil},
		"has_more left out":      {func(o *simulator.Options) { o.SilentEnd = true }, nil, nil, nil},
		"windows of 7d":          {func(o *simulator.Options) { o.MaxWindow = 7 * day }, answers{LongestWindow: "limited"}, nil, nil},
		"windows of 30m":         {func(o *simulator.Options) { o.MaxWindow = 30 * time.Minute }, answers{LongestWindow: "limited"}, nil, nil},
		"kept 7d":                {func(o *simulator.Options) { o.Retention = 7 * day }, nil, nil, nil},
		"kept 7d, refused":       {func(o *simulator.Options) { o.Retention, o.RefuseExpired = 7*day, true }, answers{Retention: "limited"}, nil, nil},
		"kept 7d, windows of 2h": {func(o *simulator.Options) { o.Retention, o.RefuseExpired, o.MaxWindow = 7*day, true, 2*time.Hour }, answers{Retention: "limited", LongestWindow: "limited"}, nil, nil},
		"no future":              {func(o *simulator.Options) { o.RefuseFuture = true }, answers{FutureEnd: "refused"}, nil, nil},
		"clock ahead":            {func(o *simulator.Options) { o.ClockSkew = 5 * time.Minute }, nil, nil, nil},
		"clock behind":           {func(o *simulator.Options) { o.ClockSkew, o.RefuseFuture = -5*time.Minute, true }, answers{FutureEnd: "refused"}, nil, nil},
		"numeric ids":            {func(o *simulator.Options) { o.NumericIDs = true }, answers{IDShape: "number"}, nil, nil},
		"gzip":                   {func(o *simulator.Options) { o.Gzip = true }, nil, nil, nil},
		"own calls logged":       {func(o *simulator.Options) { o.LogOwnCalls = true }, answers{OwnCalls: "logged"}, nil, nil},
		"access tokens of 1m":    {func(o *simulator.Options) { o.TokenLife = time.Minute }, nil, nil, nil},
		"JWT":                    {func(o *simulator.Options) { o.JWTTokens = true }, nil, nil, nil},
		"token errors as 200": {func(o *simulator.Options) {
			o.TokenErrorStatus, o.Faults = 200, []simulator.Fault{{Kind: simulator.FaultRevoke, Every: 5}}
		}, nil, nil, nil},
		"token answers of other types": {func(o *simulator.Options) { o.TokenForm = simulator.TokenText }, nil, nil, nil},
		"tokens refused with HTML": {func(o *simulator.Options) {
			o.TokenRefusal, o.Faults = simulator.RefusalHTML, []simulator.Fault{{Kind: simulator.FaultRevoke, Every: 5}}
		}, nil, nil, nil},
		"status_code zero":         {func(o *simulator.Options) { o.StatusCodes = simulator.StatusZero }, nil, nil, says(StatusShape, "always 0; no sign of success: it is also 0 in failed calls")},
		"status_code of HTTP":      {func(o *simulator.Options) { o.StatusCodes = simulator.StatusHTTP }, answers{StatusShape: "200"}, nil, says(StatusShape, "mostly 200")},
		"status_code mostly zero":  {func(o *simulator.Options) { o.StatusCodes = simulator.StatusMostlyZero }, nil, nil, says(StatusShape, "mostly 0; no sign of success: it is also 0 in failed calls")},
		"no status_code":           {func(o *simulator.Options) { o.StatusCodes = simulator.StatusAbsent }, answers{StatusShape: "absent"}, nil, says(StatusShape, "always absent")},
		"response an object":       {func(o *simulator.Options) { o.Responses = simulator.ResponseObject }, answers{ResponseShape: "an object"}, nil, nil},
		"response in a string":     {func(o *simulator.Options) { o.Responses = simulator.ResponseText }, nil, nil, nil},
		"response cut off":         {func(o *simulator.Options) { o.Responses = simulator.ResponseCut }, answers{ResponseShape: "a JSON object in a string, cut off"}, nil, nil},
		"response without JSON":    {func(o *simulator.Options) { o.Responses = simulator.ResponsePlain }, answers{ResponseShape: "a string without JSON", RefusedCalls: "no codes"}, nil, nil},
		"refused as 429":           {limited(func(*simulator.Options) {}), nil, nil, says(RateHeaders, "a refusal is HTTP 429 and says how long to wait in x-ogw-ratelimit-reset")},
		"refused as 400":           {limited(func(o *simulator.Options) { o.RateStatus = 400 }), nil, nil, says(RateHeaders, "a refusal is HTTP 400 and says how long to wait in x-ogw-ratelimit-reset")},
		"refused with Retry-After": {limited(func(o *simulator.Options) { o.RateHint = simulator.HintRetryAfter }), nil, nil, says(RateHeaders, "a refusal is HTTP 429 and says how long to wait in retry-after")},
		"refused without a hint":   {limited(func(o *simulator.Options) { o.RateHint = simulator.HintNone }), nil, nil, says(RateHeaders, "a refusal is HTTP 429 and does not say how long to wait")},
		"refused until soon":       {limited(func(o *simulator.Options) { o.RateHintValue = "soon" }), nil, nil, says(RateHeaders, "a refusal is HTTP 429 with x-ogw-ratelimit-reset, which is not a whole number of seconds")},
		"refused for a minute": {limited(func(o *simulator.Options) {
			o.RateHint, o.RateHintValue = simulator.HintRetryAfter, "60"
		}), nil, nil, says(RateHeaders, "says how long to wait in retry-after")},
		"used up in the middle": {func(o *simulator.Options) { o.MonthlyQuota = 25 }, nil, []Question{Lateness, OwnCalls}, func(t *testing.T, r *Report) {
			assert.Contains(t, r.Config.String(), "poll_interval: 6m")
			assert.Contains(t, r.Checks, Check{checkQuota, Warning, msg("the tenant's calls of this month were used up during the examination: it has the free (Basic) plan"), msg("an admin can buy more; the recommended configuration polls rarely")})
		}},
		"a quota that lasts":       {func(o *simulator.Options) { o.MonthlyQuota = 10_000 }, nil, nil, func(t *testing.T, r *Report) { assert.NotContains(t, r.Config.String(), "poll_interval: 6m") }},
		"rate headers always":      {func(o *simulator.Options) { o.RateHeadersAlways = true }, answers{RateHeaders: "always"}, nil, nil},
		"no rate limit":            {func(o *simulator.Options) { o.RateLimit = 0 }, nil, nil, nil},
		"bucket of calls":          {func(o *simulator.Options) { o.RateWindow = simulator.TokenBucket }, nil, nil, nil},
		"refused calls count":      {func(o *simulator.Options) { o.RateCountsRefused = true }, nil, nil, nil},
		"fixed minute":             {func(o *simulator.Options) { o.RateWindow = simulator.FixedMinute }, nil, nil, nil},
		"all late by 5m":           {func(o *simulator.Options) { o.Tenant.Delay = 5 * time.Minute }, answers{Lateness: "late"}, []Question{OwnCalls}, nil},
		"half late by up to 10m":   {func(o *simulator.Options) { o.Tenant.LateFraction, o.Tenant.MaxLateness = 0.5, 10*time.Minute }, answers{Lateness: "late"}, nil, nil},
		"half late by up to 2h":    {func(o *simulator.Options) { o.Tenant.LateFraction, o.Tenant.MaxLateness = 0.5, 2*time.Hour }, answers{Lateness: "late"}, nil, nil},
		"odd entries":              {func(o *simulator.Options) { o.Tenant.OddFraction = 0.2 }, nil, nil, nil},
		"no failures in the log":   {func(o *simulator.Options) { o.Tenant.FailureFraction = -1 }, answers{RefusedCalls: "none seen"}, nil, says(TokenCalls, "whether refused ones are logged is unknown")},
		"bursts":                   {func(o *simulator.Options) { o.Tenant.BurstEvery, o.Tenant.BurstSize = 5*time.Minute, 300 }, nil, nil, nil},
		"tokens revoked sometimes": {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultRevoke, Every: 5}} }, nil, nil, nil},
		"fails sometimes":          {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultInternal, Every: 7}} }, nil, nil, nil},
		"limited now and then": {func(o *simulator.Options) {
			o.Faults = []simulator.Fault{{Kind: simulator.FaultRateLimited, After: 10, Count: 1}}
		}, nil, nil, nil},
		"page tokens never work": {func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultPageTokenRefused}} }, nil, []Question{PageTokenLife}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := simulator.Options{Seed: 1, Tenant: tenant(2), RateLimit: simulator.DefaultRateLimit}
				plain := o
				tc.change(&o)
				differing(changed, plain, o)
				r := examine(t, simulator.New(o), nil)
				never(t, o, r)
				if tc.also != nil {
					tc.also(t, r)
				}
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
					assert.Equal(t, want, r.Finding(q).Answer, "%s: %s", q, r.Finding(q).Evidence.String())
				}
				assert.NotEmpty(t, r.Config.String())
			})
		})
	}
	allSwitches(t, changed, map[string]string{
		"Seed": "TestAnyWorld", "Tenant.Seed": "TestAnyWorld", "Tenant.PerSecond": "TestAnyWorld and TestQuietTenants",
		"Tenant.Start": "the log's length, which TestAnyWorld's retentions limit", "Tenant.End": "no log of this time ends",
		"Tenant.Apps": "how many apps call makes no difference to one that reads", "Tenant.Canary": "a word in payloads, which the doctor does not look at",
		"Tenant.SharedIDs": "TestAnyWorld",
		"Apps":             "credentials: TestProblems and TestWrongCloud", "Observe": "for programs that watch",
	})
}

var worlds = flag.Uint64("worlds", 50, "how many worlds TestAnyWorld examines")
