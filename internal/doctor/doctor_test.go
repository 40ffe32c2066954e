// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// clouds sends the calls of each public cloud to a separate server.
type clouds map[string]http.RoundTripper

func (c clouds) RoundTrip(req *http.Request) (*http.Response, error) {
	return c["https://"+req.URL.Host].RoundTrip(req)
}

// TestProblems: each problem that prevents reading the log is named, with what to do, and nothing is recommended
// before it is solved.
func TestProblems(t *testing.T) {
	fault := func(kind simulator.FaultKind, where simulator.Endpoint) simulator.Options {
		return simulator.Options{Faults: []simulator.Fault{{Kind: kind, Endpoint: where}}}
	}
	const link = "https://open.feishu.cn/app/" + simulator.DefaultAppID
	for name, tc := range map[string]struct {
		sim    simulator.Options
		change func(*Options)
		check  string
		says   []string // in the report
		not    []string
	}{
		"wrong secret": {
			change: func(o *Options) { o.AppSecret = "another-one" },
			check:  checkCredential, says: []string{"app secret invalid", "code 10014", "Credentials & Basic Info"}, not: []string{"another-one"},
		},
		"unknown app": {
			change: func(o *Options) { o.AppID = "cli_nobody" },
			check:  checkCredential, says: []string{"app id not exists", "Feishu or Lark"},
		},
		"malformed app id": {
			change: func(o *Options) { o.AppID = "123" },
			check:  checkCredential, says: []string{"code 10003"},
		},
		"missing scope": {
			sim: fault(simulator.FaultMissingScope, ""), check: checkScope,
			says: []string{"code 99991672", link + "/auth?q=" + cause.ScopeName + "&op_from=openapi&token_type=tenant", "Version Management & Release", "tenant admin"},
		},
		"missing scope, as documented": {
			sim: fault(simulator.FaultMissingScopeOld, ""), check: checkScope, says: []string{link + "/auth?q=" + cause.ScopeName},
		},
		"IP not allowed": {
			sim: fault(simulator.FaultIPRefused, ""), check: checkAddress, says: []string{"127.0.0.1", "code 99991401", "IP whitelist: " + link + ", Security Settings"},
		},
		"app disabled": {
			sim:   simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultError, Code: 99991662, Msg: "app disabled"}}},
			check: checkCredential, says: []string{"a tenant admin must enable and install the app"},
		},
		"quota of the month": {
			sim: fault(simulator.FaultQuotaExceeded, ""), check: checkQuota, says: []string{"code 99991403", "buy more"},
		},
		"always limited": {
			sim: fault(simulator.FaultRateLimited, ""), check: checkRead, says: []string{"code 99991400", "another program uses up the rate limit of this app"},
		},
		"wrong path": {
			change: func(o *Options) { o.Endpoint = "https://open.example.com/somewhere" },
			check:  checkDomain, says: []string{"does not know this path", "base URL only"},
		},
		"a page in between": {
			sim: fault(simulator.FaultHTML, simulator.EndpointToken), check: checkDomain, says: []string{"HTML", "HTTP 502"},
		},
		"a broken proxy": {
			sim: fault(simulator.FaultProxy, simulator.EndpointToken), check: checkDomain, says: []string{"HTTP 400", "proxy"},
		},
		"a redirect": {
			sim: fault(simulator.FaultRedirect, simulator.EndpointToken), check: checkDomain, says: []string{"redirects elsewhere", "check endpoint"},
		},
		"no answer": {
			sim: fault(simulator.FaultHang, simulator.EndpointToken), check: checkNetwork, says: []string{"within the time limit", "firewall"},
		},
		"no connection": {
			sim: fault(simulator.FaultReset, simulator.EndpointToken), check: checkNetwork, says: []string{"connection reset"},
		},
		"their failure": {
			sim: fault(simulator.FaultInternal, ""), check: checkRead, says: []string{"code 1780001", "if it lasts, ask the support"},
		},
		"their failure of the token": {
			sim: fault(simulator.FaultInternal, simulator.EndpointToken), check: checkCredential, says: []string{"code 2200", "if it lasts, ask the support"},
		},
		"access token never good": {
			sim: fault(simulator.FaultTokenInvalid, ""), check: checkRead, says: []string{"refuses the token that it has just issued", "the cloud of the app"},
		},
		"every query refused": {
			sim: fault(simulator.FaultInvalidParam, ""), check: checkRead, says: []string{"code 1780103"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := examine(t, simulator.New(tc.sim), tc.change)
				require.False(t, r.Healthy())
				require.Empty(t, r.Config.String())
				require.LessOrEqual(t, time.Duration(r.Took), 2*time.Minute)
				var found []string
				for _, c := range r.Checks {
					if c.Status == Problem {
						found = append(found, c.Name)
						assert.NotEmpty(t, c.Advice, "what to do")
					}
				}
				assert.Equal(t, []string{tc.check}, found)
				text := strings.Join(strings.Fields(printed(t, r)), " ")
				for _, s := range tc.says {
					assert.Contains(t, text, s)
				}
				for _, s := range append(tc.not, simulator.DefaultAppSecret) {
					assert.NotContains(t, text, s)
				}
			})
		})
	}
}

// TestAccessOnly: with few calls it reports the same about the access, even if calls fail temporarily, and
// recommends the defaults.
func TestAccessOnly(t *testing.T) {
	only := func(o *Options) { o.AccessOnly = true }
	for name, tc := range map[string]struct {
		sim   simulator.Options
		calls int
		check string // with a problem
	}{
		"well":          {simulator.Options{}, 1, ""},
		"missing scope": {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultMissingScope}}}, 1, checkScope},
		"IP refused":    {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultIPRefused}}}, 1, checkAddress},
		"passing":       {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultInternal, Count: 2}}}, 3, ""},
		"failing":       {simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultInternal}}}, 3, checkRead},
		// The answer's Date shows it, and the next try is right.
		"clock ahead": {simulator.Options{ClockSkew: -10 * time.Minute, RefuseFuture: true}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := examine(t, simulator.New(tc.sim), only)
				require.Empty(t, r.Findings)
				require.LessOrEqual(t, r.ListCalls, AccessCalls)
				require.Equal(t, tc.calls, r.ListCalls)
				require.Equal(t, tc.check == "", r.Healthy())
				for _, c := range r.Checks {
					require.Equal(t, c.Status == Problem, c.Name == tc.check, c)
				}
				if r.Healthy() {
					require.Equal(t, time.Minute, loaded(t, r).PollInterval)
				}
			})
		})
	}
}

func printed(t *testing.T, r *Report) string { return printedIn(t, r, English) }

func printedIn(t *testing.T, r *Report, l Language) string {
	var b bytes.Buffer
	require.NoError(t, r.Text(&b, DefaultColumns, l))
	return b.String()
}

// TestWrongCloud: an app of the other cloud is found there, and its secret is not sent there.
func TestWrongCloud(t *testing.T) {
	for here, there := range map[string]string{openapi.FeishuEndpoint: openapi.LarkEndpoint, openapi.LarkEndpoint: openapi.FeishuEndpoint} {
		synctest.Test(t, func(t *testing.T) {
			var sent bytes.Buffer
			server := simulator.New(simulator.Options{})
			watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := bytes.Buffer{}
				_, err := body.ReadFrom(r.Body)
				assert.NoError(t, err)
				sent.Write(body.Bytes())
				r.Body = http.NoBody
				r2 := r.Clone(r.Context())
				r2.Body = readCloser{&body}
				server.ServeHTTP(w, r2)
			})
			other := simulator.New(simulator.Options{Apps: map[string]string{"cli_other": "x"}})
			r := examine(t, other, func(o *Options) {
				o.Endpoint = here
				o.Transport = clouds{here: simulator.Transport(other, nil), there: simulator.Transport(watched, nil)}
			})
			require.False(t, r.Healthy())
			require.Contains(t, strings.Join(strings.Fields(printed(t, r)), " "), strings.TrimPrefix(here, "https://")+" does not know the app, but "+there+" does What to do: use --endpoint "+there)
			require.Contains(t, sent.String(), notTheSecret)
			require.NotContains(t, sent.String(), simulator.DefaultAppSecret)
		})
	}
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

// TestEmptyLog: a log without an entry is not reported as healthy.
func TestEmptyLog(t *testing.T) {
	for perSecond, want := range map[float64]int{0: 1, 2: 0} {
		synctest.Test(t, func(t *testing.T) {
			o := simulator.Options{Tenant: tenant(perSecond)}
			r := examine(t, simulator.New(o), nil)
			never(t, o, r)
			require.True(t, r.Healthy())
			said := 0
			for _, c := range r.Checks {
				if c.Name == checkEntries {
					require.Equal(t, Unknown, c.Status)
					require.NotEmpty(t, c.Advice)
					said++
				}
			}
			require.Equal(t, want, said)
		})
	}
}

// TestBreakDown: if the API stops answering during the run, it ends soon, with what was found before.
func TestBreakDown(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.FaultHang, simulator.FaultQuotaExceeded, simulator.FaultIPRefused, simulator.FaultInternal} {
		synctest.Test(t, func(t *testing.T) {
			o := simulator.Options{Tenant: tenant(2), Faults: []simulator.Fault{{Kind: kind, After: 12}}}
			r := examine(t, simulator.New(o), nil)
			never(t, o, r)
			require.Equal(t, "ascending", r.Finding(Order).Answer)
			require.Empty(t, r.Finding(OwnCalls).Answer)
			require.Less(t, time.Duration(r.Took), DefaultDuration+2*time.Minute)
			if kind == simulator.FaultQuotaExceeded {
				require.Contains(t, r.Config.String(), "poll_interval: 6m")
			}
		})
	}
}

// TestInterrupted: the context ends it at once.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		_, err := Run(ctx, Options{
			Endpoint: openapi.FeishuEndpoint, AppID: simulator.DefaultAppID, AppSecret: simulator.DefaultAppSecret, Duration: time.Hour,
			Transport: simulator.Transport(simulator.New(simulator.Options{Tenant: tenant(2)}), nil),
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(began))
	})
}

// TestBadOptions: options with which the receiver would not start are refused with its messages.
func TestBadOptions(t *testing.T) {
	_, err := Run(t.Context(), Options{Endpoint: "http://open.feishu.cn", AppSecret: " s "})
	require.ErrorContains(t, err, "endpoint: \"http://open.feishu.cn\" is not encrypted")
	require.ErrorContains(t, err, "app_id: missing")
	require.ErrorContains(t, err, "app_secret: has white space around it")
	_, err = Run(t.Context(), Options{Endpoint: openapi.FeishuEndpoint, AppID: "cli_x", AppSecret: "s", CAFile: "/nowhere/ca.pem"})
	require.ErrorContains(t, err, "/nowhere/ca.pem")
}

// TestLongWatch: with more time, longer lifetimes of page tokens and later entries are found, with no more
// calls.
func TestLongWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := simulator.Options{Tenant: tenant(2), PageTokenLife: 30 * time.Minute}
		o.Tenant.Delay = 40 * time.Minute
		r := examine(t, simulator.New(o), func(o *Options) { o.Duration = 2 * time.Hour })
		never(t, o, r)
		require.Equal(t, "limited", r.Finding(PageTokenLife).Answer)
		require.Equal(t, "late", r.Finding(Lateness).Answer)
		require.Contains(t, r.Config.String(), "recheck_after: [2m, 15m, 1h, 6h]")
	})
}

// TestNothingIsShown: the doctor's output has no word of the log and no secret.
func TestNothingIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const canary = "Canary8842"
		server := simulator.New(simulator.Options{LogOwnCalls: true})
		var entries []simulator.Entry
		for i := range 200 {
			entries = append(entries, simulator.Entry{
				ID: canary + "id" + string(rune('a'+i%26)) + string(rune('a'+i/26)), EventTime: time.Now().Unix() - 130 - int64(i), IP: canary,
				APIKey: "POST/" + canary, AppID: "cli_" + canary, Path: canary, Method: canary, QueryParam: canary, Payload: canary,
				StatusCode: 884200 + i, Response: `{"code":7,"msg":"` + canary + `","` + canary + `":1}`,
			})
		}
		server.Add(entries...)
		var said strings.Builder
		r := examine(t, server, func(o *Options) {
			o.Progress = func(p Progress) { said.WriteString(p.Text.String()) }
		})
		require.Equal(t, "another number", r.Finding(StatusShape).Answer)
		var asJSON bytes.Buffer
		require.NoError(t, r.JSON(&asJSON))
		for _, text := range []string{said.String(), printed(t, r), printedIn(t, r, Chinese), asJSON.String()} {
			require.NotEmpty(t, text)
			require.NotContains(t, text, canary)
			require.NotContains(t, text, "8842")
			require.NotContains(t, text, simulator.DefaultAppSecret)
			require.NotContains(t, text, "t-g104") // access tokens of the simulator
		}
		var back map[string]any
		require.NoError(t, json.Unmarshal(asJSON.Bytes(), &back))
	})
}

var update = flag.Bool("update", false, "write the sample reports into docs/doctor.md, docs/zh/doctor.md and testdata")
