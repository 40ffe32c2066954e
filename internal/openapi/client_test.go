// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// newTestClient talks to a simulator in process.
func newTestClient(server *simulator.Server) *Client {
	return New(Settings{
		HTTP: &http.Client{
			Transport:     simulator.Transport(server, nil),
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Endpoint:    "https://open.feishu.cn",
		AppID:       simulator.DefaultAppID,
		AppSecret:   simulator.DefaultAppSecret,
		MaxResponse: 1 << 20,
		Gate:        &openGate{},
	})
}

// openGate admits every call, and records their errors.
type openGate struct {
	mu     sync.Mutex
	errors []error
}

func (*openGate) Admit(context.Context, int) (func(), error) { return func() {}, nil }

func (*openGate) Answered(time.Time, time.Time, time.Time) {}

func (g *openGate) Ended(_ string, _ time.Duration, _ int, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.errors = append(g.errors, err)
}

func lastHour() ListRequest {
	now := time.Now().Unix()
	return ListRequest{StartTime: now - 3600, EndTime: now, PageSize: 100}
}

// TestCallErrors: every known way in which a call fails is classified by what to do about it, and the error has
// in one line what happened, what to do, and the log id. Covers F16, F20, F22, F23.
func TestCallErrors(t *testing.T) {
	list := func(f simulator.Fault) simulator.Options { return simulator.Options{Faults: []simulator.Fault{f}} }
	token := func(f simulator.Fault) simulator.Options {
		f.Endpoint = simulator.EndpointToken
		return list(f)
	}
	for name, tc := range map[string]struct {
		opts   simulator.Options
		change func(*Client)
		Class  cause.Class
		kind   string // outcome, code and cause
		says   []string
		wait   time.Duration
		noID   bool
	}{
		"token: wrong secret": {
			change: func(c *Client) { c.set.AppSecret = "wrong" },
			Class:  cause.ClassConfig, kind: "config 10014 credential", says: []string{"tenant_access_token: app secret invalid (code 10014, HTTP 200, log id ", "app_secret"},
		},
		"token: unknown app": {
			opts:  token(simulator.Fault{Kind: simulator.FaultUnknownApp}),
			Class: cause.ClassConfig, kind: "config 10014 credential", says: []string{"app id not exists", "Feishu or Lark"},
		},
		"token: invalid parameter": {
			opts:  token(simulator.Fault{Kind: simulator.FaultInvalidParam}),
			Class: cause.ClassConfig, kind: "config 10003 credential", says: []string{"check that app_id and app_secret"},
		},
		"token: internal error":    {opts: token(simulator.Fault{Kind: simulator.FaultInternal}), Class: cause.ClassRetry, kind: "failed 2200 api"},
		"token: proxy":             {opts: token(simulator.Fault{Kind: simulator.FaultProxy}), Class: cause.ClassRetry, kind: "bad_answer none api", says: []string{"proxy"}, noID: true},
		"token: HTML":              {opts: token(simulator.Fault{Kind: simulator.FaultHTML}), Class: cause.ClassRetry, kind: "bad_answer none api", says: []string{"HTML"}, noID: true},
		"token: success, no token": {opts: token(simulator.Fault{Kind: simulator.FaultBareJSON}), Class: cause.ClassRetry, kind: "bad_answer none api", noID: true},
		"token: wrong path": {
			change: func(c *Client) { c.set.Endpoint += "/somewhere" },
			Class:  cause.ClassConfig, kind: "config none endpoint", says: []string{"the server does not know this path", "check endpoint"}, noID: true,
		},

		"rate limit, HTTP 429 with reset":  {opts: simulator.Options{RateHint: simulator.HintReset, RateHintValue: "17", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit", wait: 17 * time.Second},
		"rate limit, HTTP 400 with reset":  {opts: simulator.Options{RateStatus: 400, RateHint: simulator.HintReset, RateHintValue: "3", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit", wait: 3 * time.Second},
		"rate limit with Retry-After only": {opts: simulator.Options{RateHint: simulator.HintRetryAfter, RateHintValue: "9", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit", wait: 9 * time.Second},
		"rate limit without a hint":        {opts: simulator.Options{RateHint: simulator.HintNone, Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit"},
		"rate limit, absurd date":          {opts: simulator.Options{RateHint: simulator.HintRetryAfter, RateHintValue: "Fri, 31 Dec 2100 23:59:59 GMT", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit", wait: maxWaitHint},
		"rate limit, absurd hint":          {opts: simulator.Options{RateHintValue: "99999999999999999999", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit", wait: maxWaitHint},
		"rate limit, negative hint":        {opts: simulator.Options{RateHintValue: "-5", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit"},
		"rate limit, NaN":                  {opts: simulator.Options{RateHintValue: "NaN", Faults: []simulator.Fault{{Kind: simulator.FaultRateLimited}}}, Class: cause.ClassRateLimited, kind: "rate_limited 99991400 rate_limit"},

		"quota of the month": {opts: list(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), Class: cause.ClassQuota, kind: "quota 99991403 quota", says: []string{"HTTP 429", "used up", "poll_interval"}},
		"IP refused":         {opts: list(simulator.Fault{Kind: simulator.FaultIPRefused}), Class: cause.ClassConfig, kind: "config 99991401 address", says: []string{"IP whitelist"}},
		"missing scope, as observed": {
			opts:  list(simulator.Fault{Kind: simulator.FaultMissingScope}),
			Class: cause.ClassConfig, kind: "config 99991672 scope", says: []string{
				"grant the app one of the scopes security_and_compliance:audit_log.openapi_log:readonly", "publish a new version",
				"https://open.feishu.cn/app/" + simulator.DefaultAppID + "/auth?q=security_and_compliance:audit_log.openapi_log:readonly&op_from=openapi&token_type=tenant",
			},
		},
		"missing scope, as documented": {
			opts:  list(simulator.Fault{Kind: simulator.FaultMissingScopeOld}),
			Class: cause.ClassConfig, kind: "config 99991672 scope", says: []string{"grant the app one of the scopes security_and_compliance:audit_log.openapi_log:readonly", "https://"},
		},
		"access token always refused": {opts: list(simulator.Fault{Kind: simulator.FaultTokenInvalid}), Class: cause.ClassRetry, kind: "failed 99991663 token", says: []string{"refuses the token that it has just issued"}},
		"parameter":                   {opts: list(simulator.Fault{Kind: simulator.FaultInvalidParam}), Class: cause.ClassParameter, kind: "parameter 1780103 filter"},
		"internal":                    {opts: list(simulator.Fault{Kind: simulator.FaultInternal}), Class: cause.ClassRetry, kind: "failed 1780001 api"},
		"unknown code":                {opts: list(simulator.Fault{Kind: simulator.FaultError, Code: 4242, Msg: "surprise\r\n\x1b[31m" + strings.Repeat("x", 5000)}), Class: cause.ClassRetry, kind: "failed other api", says: []string{"surprise"}},
		"404 in plain text":           {opts: list(simulator.Fault{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointList}), Class: cause.ClassConfig, kind: "config none endpoint", says: []string{"check endpoint"}, noID: true},
		"redirect":                    {opts: list(simulator.Fault{Kind: simulator.FaultRedirect, Endpoint: simulator.EndpointList}), Class: cause.ClassConfig, kind: "config none endpoint", says: []string{"not followed"}, noID: true},
		"HTML":                        {opts: list(simulator.Fault{Kind: simulator.FaultHTML}), Class: cause.ClassRetry, kind: "bad_answer none api", says: []string{"HTML"}, noID: true},
		"HTML with HTTP 200":          {opts: list(simulator.Fault{Kind: simulator.FaultHTML, Status: 200}), Class: cause.ClassRetry, kind: "bad_answer none api", says: []string{"HTML", "proxy"}, noID: true},
		"empty":                       {opts: list(simulator.Fault{Kind: simulator.FaultEmpty}), Class: cause.ClassRetry, kind: "bad_answer none api", says: []string{"an empty answer"}, noID: true},
		"truncated":                   {opts: list(simulator.Fault{Kind: simulator.FaultTruncated}), Class: cause.ClassRetry, kind: "bad_answer none api", noID: true},
		"reset":                       {opts: list(simulator.Fault{Kind: simulator.FaultReset}), Class: cause.ClassRetry, kind: "no_answer none network", says: []string{"connection reset"}, noID: true},
		"reset in the body":           {opts: list(simulator.Fault{Kind: simulator.FaultResetBody}), Class: cause.ClassRetry, kind: "no_answer none network", noID: true},
		"no answer at all":            {opts: list(simulator.Fault{Kind: simulator.FaultHang}), Class: cause.ClassRetry, kind: "no_answer none network", says: []string{"within the time limit"}, noID: true},
		"too large":                   {opts: list(simulator.Fault{Kind: simulator.FaultHuge, Size: 2 << 20}), Class: cause.ClassRetry, kind: "no_answer none answer_size", says: []string{"larger than max_response_size", "page_size"}, noID: true},
		"too large, compressed":       {opts: simulator.Options{Gzip: true, Faults: []simulator.Fault{{Kind: simulator.FaultHuge, Size: 20 << 20}}}, Class: cause.ClassRetry, kind: "no_answer none answer_size", says: []string{"larger than max_response_size"}, noID: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(simulator.New(tc.opts))
				if tc.change != nil {
					tc.change(c)
				}
				_, _, err := c.ListData(t.Context(), lastHour())
				var failed *Error
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, tc.Class, failed.Class, "class of %v", err)
				assert.Equal(t, tc.kind, failed.Outcome()+" "+failed.CodeLabel()+" "+string(failed.Cause))
				assert.Equal(t, tc.wait, failed.Wait)
				line := err.Error()
				for _, part := range tc.says {
					assert.Contains(t, line, part)
				}
				if !tc.noID {
					assert.Regexp(t, `log id \d{14}[0-9A-Fa-f]{20}`, line)
				}
				assert.NotContains(t, line, "\n")
				assert.NotContains(t, line, "\x1b")
				assert.NotContains(t, line, simulator.DefaultAppSecret)
				assert.Less(t, len(line), 1000)
				if failed.Class == cause.ClassConfig || failed.Class == cause.ClassQuota {
					assert.NotEmpty(t, failed.Advice, "an error that a person must fix says how")
				}
			})
		})
	}
}

// TestRedirectKeepsToken: the access token is not sent to the target of a redirect.
func TestRedirectKeepsToken(t *testing.T) {
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	server := simulator.New(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultRedirect, Endpoint: simulator.EndpointList, Location: other.URL}}})
	front := httptest.NewServer(server)
	defer front.Close()
	c := newTestClient(server)
	c.set.Endpoint, c.set.HTTP.Transport = front.URL, nil
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	_, _, err := c.ListData(t.Context(), lastHour())
	require.ErrorContains(t, err, "not followed")
	assert.Zero(t, elsewhere.Load())
}

// TestUnreadableRefusal: the hint in the headers of a refusal is obeyed even if its body cannot be read. Covers
// F16.
func TestUnreadableRefusal(t *testing.T) {
	reset, after := http.Header{"X-Ogw-Ratelimit-Reset": {"30"}}, http.Header{"Retry-After": {"30"}}
	for name, tc := range map[string]struct {
		status int
		header http.Header
		Class  cause.Class
		wait   time.Duration
	}{
		"429 with the API's hint": {429, reset, cause.ClassRateLimited, 30 * time.Second},
		"429 with a standard one": {429, after, cause.ClassRateLimited, 30 * time.Second},
		"429 without one":         {429, nil, cause.ClassRateLimited, 0},
		"400 with the API's hint": {400, reset, cause.ClassRateLimited, 30 * time.Second},
		"400 with a standard one": {400, after, cause.ClassRateLimited, 30 * time.Second},
		"400 without one":         {400, nil, cause.ClassRetry, 0},
		"503":                     {503, after, cause.ClassRetry, 30 * time.Second},
		"a success":               {200, reset, cause.ClassRetry, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := respond(OpList, tc.status, tc.header, strings.Repeat(" ", 1000))
			c.set.MaxResponse = 999
			_, _, err := c.ListData(t.Context(), lastHour())
			var failed *Error
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, cause.AnswerSize, failed.Cause)
			assert.Equal(t, tc.Class, failed.Class)
			assert.Equal(t, tc.wait, failed.Wait)
		})
	}
}

// TestCallEndsWithContext: Shutdown does not wait for an API that hangs.
func TestCallEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(simulator.New(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultHang}}}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := c.ListData(ctx, lastHour())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var failed *Error
		require.NotErrorAs(t, err, &failed, "the end of the term is no failure of the API")
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// TestErrorNeverShowsSecrets: secrets that a server echoes are not logged.
func TestErrorNeverShowsSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(simulator.New(simulator.Options{Faults: []simulator.Fault{
			{Kind: simulator.FaultError, Code: 77, Msg: "bad secret " + simulator.DefaultAppSecret + " for you"},
		}}))
		_, _, err := c.ListData(t.Context(), lastHour())
		require.ErrorContains(t, err, "bad secret [REDACTED] for you")
	})
}

// respond makes a client whose calls of one operation all get the same answer.
func respond(operation string, status int, header http.Header, body string) *Client {
	c := newTestClient(nil)
	c.set.HTTP.Transport = &answering{operation: operation, status: status, header: header, body: []byte(body)}
	return c
}

// TestSuccessNeedsItsStatus: a gateway's own JSON may have the code 0, too. It is not an empty last page, which
// would move the position past entries that were never read.
func TestSuccessNeedsItsStatus(t *testing.T) {
	for _, body := range []string{`{"code":0,"msg":"bad gateway"}`, `{"code":0,"data":{"items":[],"has_more":false}}`} {
		for _, status := range []int{201, 204, 302, 400, 404, 429, 500, 502, 503} {
			p, _, err := respond(OpList, status, nil, body).ListData(t.Context(), lastHour())
			var failed *Error
			require.ErrorAs(t, err, &failed, "HTTP %d %s", status, body)
			assert.Nil(t, p)
			assert.Equal(t, status, failed.HTTPStatus)
			assert.Equal(t, status == 429, failed.Class == cause.ClassRateLimited)
		}
		p, _, err := respond(OpList, http.StatusOK, nil, body).ListData(t.Context(), lastHour())
		require.NoError(t, err)
		assert.False(t, p.HasMore)
	}
}

// TestByteOrderMark: a page is read although a byte order mark precedes it. Covers F45.
func TestByteOrderMark(t *testing.T) {
	p, _, err := respond(OpList, http.StatusOK, nil, "\ufeff"+`{"code":0,"data":{"items":[{"id":"1"}],"has_more":false}}`).ListData(t.Context(), lastHour())
	require.NoError(t, err)
	assert.Len(t, p.Entries, 1)
}

// TestRetryAfter: a hint to wait counts with any failure. The header that resets the rate limit's count is a
// hint only if that limit is reached.
func TestRetryAfter(t *testing.T) {
	const page, internal = "<html>503</html>", `{"code":1780001,"msg":"internal"}`
	for name, tc := range map[string]struct {
		operation string
		status    int
		header    http.Header
		body      string
		wait      time.Duration
	}{
		"gateway":               {OpList, 503, http.Header{"Retry-After": {"120"}}, page, 2 * time.Minute},
		"gateway, date":         {OpList, 503, http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:59 GMT"}, "Date": {"Fri, 31 Dec 1999 23:59:29 GMT"}}, page, 30 * time.Second},
		"gateway, success":      {OpList, 503, http.Header{"Retry-After": {"9"}}, `{"code":0}`, 9 * time.Second},
		"gateway, absurd":       {OpList, 503, http.Header{"Retry-After": {"999999"}}, page, maxWaitHint},
		"the API's own failure": {OpList, 500, http.Header{"Retry-After": {"7"}}, internal, 7 * time.Second},
		"no hint":               {OpList, 500, nil, internal, 0},
		"another hint":          {OpList, 500, http.Header{"X-Ogw-Ratelimit-Reset": {"60"}}, internal, 0},
		"token: gateway":        {OpToken, 503, http.Header{"Retry-After": {"120"}}, page, 2 * time.Minute},
		"token: success":        {OpToken, 503, http.Header{"Retry-After": {"120"}}, `{"code":0}`, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := respond(tc.operation, tc.status, tc.header, tc.body).ListData(t.Context(), lastHour())
			var failed *Error
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, cause.ClassRetry, failed.Class)
			assert.Equal(t, tc.wait, failed.Wait)
		})
	}
}

// TestPageIsHeldOnce: the answer's bytes are not kept in addition to the page's copy of them.
func TestPageIsHeldOnce(t *testing.T) {
	p, res, err := respond(OpList, http.StatusOK, nil, `{"code":0,"data":{"items":[{"id":"1"}]}}`).ListData(t.Context(), lastHour())
	require.NoError(t, err)
	assert.Equal(t, "1", p.Entries[0].UID())
	assert.Nil(t, res.body)
}

// TestHeadersAreSecrets: configured headers may have a credential, and a gateway may echo what it received.
func TestHeadersAreSecrets(t *testing.T) {
	var headers configopaque.MapList
	headers.Set("X-Key", "k-Zx81Kq27")
	headers.Set("Proxy-Authorization", "Basic bWU6aGlkZGVu")
	headers.Set("X-Env", "e")
	c := respond(OpList, 400, nil, `{"code":7,"msg":"here: k-Zx81Kq27, bWU6aGlkZGVu, Basic bWU6aGlkZGVu, and e"}`)
	c.set.Headers = headers
	_, _, err := c.ListData(t.Context(), lastHour())
	require.ErrorContains(t, err, "here: [REDACTED], [REDACTED], [REDACTED], and e (code 7")
}
