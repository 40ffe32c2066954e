// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestTokenAnswersOfOtherTypes: an access token is read from an answer in any form, with the lifetime in that
// answer. Covers F49.
func TestTokenAnswersOfOtherTypes(t *testing.T) {
	for body, life := range map[string]time.Duration{
		`{"code":0,"tenant_access_token":"t-x","expire":7200}`:                                  2 * time.Hour,
		`{"code":0,"msg":"ok","tenant_access_token":"t-x","expire":"7200"}`:                     2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":7200.0}`:                                2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":"7200.0"}`:                              2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":7199.5}`:                                7199 * time.Second,
		`{"code":0,"tenant_access_token":"t-x","expire":7.2e3}`:                                 2 * time.Hour,
		`{"code":"0","tenant_access_token":"t-x","expire":7200}`:                                2 * time.Hour,
		`{"code":0.0,"tenant_access_token":"t-x","expire":7200}`:                                2 * time.Hour,
		`{"Code":0,"Tenant_Access_Token":"t-x","EXPIRE":7200}`:                                  2 * time.Hour,
		`{"code":0,"msg":"success","data":{"tenant_access_token":"t-x","expire":7200}}`:         2 * time.Hour,
		`{"data":{"code":"0","tenant_access_token":"t-x","expire":"7200"}}`:                     2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":7200,"data":[1]}`:                       2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":99999999999999999999999}`:               maxLife,
		`{"code":0,"tenant_access_token":"t-x"}`:                                                lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":null}`:                                  lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":"soon"}`:                                lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":"NaN"}`:                                 lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":0}`:                                     lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":"-5"}`:                                  lifeNotSaid,
		`{"code":0,"tenant_access_token":"t-x","expire":0.5}`:                                   lifeNotSaid,
		"\ufeff" + `{"code":0,"tenant_access_token":"t-x","expire":7200}`:                       2 * time.Hour,
		`{"code":0,"tenant_access_token":"t-x","expire":{"seconds":7200}}`:                      lifeNotSaid,
		`{"code":0,"tenant_access_token":null,"data":{"tenant_access_token":"t-x","expire":9}}`: 9 * time.Second,
	} {
		token, lives, err := respond(OpToken, http.StatusOK, nil, body).fetchToken(t.Context())
		require.NoError(t, err, body)
		assert.Equal(t, "t-x", token, body)
		assert.Equal(t, life, lives, body)
	}
}

// TestTokenAnswersWithoutToken: an answer without a token is a failure, in any form. Covers F49.
func TestTokenAnswersWithoutToken(t *testing.T) {
	for body, kind := range map[string]string{
		`{}`: "bad_answer none api",
		`[]`: "bad_answer none api",
		`{"tenant_access_token":"t-x","expire":7200}`:                "bad_answer none api",
		`{"code":null,"tenant_access_token":"t-x","expire":7200}`:    "bad_answer none api",
		`{"code":"ok","tenant_access_token":"t-x","expire":7200}`:    "bad_answer none api",
		`{"code":0,"expire":7200}`:                                   "bad_answer none api",
		`{"code":0,"tenant_access_token":"","expire":7200}`:          "bad_answer none api",
		`{"code":0,"tenant_access_token":{"t":"t-x"},"expire":7200}`: "bad_answer none api",
		`{"code":"10014","msg":7}`:                                   "config 10014 credential",
		`{"code":"10014"}`:                                           "config 10014 credential",
		`{"data":{"code":10014}}`:                                    "config 10014 credential",
	} {
		_, _, err := respond(OpToken, http.StatusOK, nil, body).fetchToken(t.Context())
		var failed *Error
		require.ErrorAs(t, err, &failed, body)
		assert.Equal(t, kind, failed.Outcome()+" "+failed.CodeLabel()+" "+string(failed.Cause), body)
	}
}

// unauthorized refuses every call of list_data that does not have the newest token.
type unauthorized struct {
	status  int
	body    string
	every   bool // with any token
	tokens  atomic.Int64
	refused atomic.Int64
	asked   atomic.Int64
}

func (u *unauthorized) RoundTrip(r *http.Request) (*http.Response, error) {
	a := &answering{operation: OpToken, status: http.StatusOK}
	switch {
	case strings.HasSuffix(r.URL.Path, TokenPath):
		u.tokens.Add(1)
		a.body = []byte(`{"code":0,"tenant_access_token":"t-` + strings.Repeat("x", int(u.tokens.Load())) + `","expire":7200}`)
	case u.every || u.asked.Load() == 0:
		u.asked.Add(1)
		u.refused.Add(1)
		a.status, a.body = u.status, []byte(u.body)
	default:
		u.asked.Add(1)
		a.body = []byte(`{"code":0,"data":{"items":[],"has_more":false}}`)
	}
	return a.RoundTrip(r)
}

// TestUnauthorized: after an HTTP 401, whatever else the answer has, the access token is replaced and the call
// repeated once, and only once. Covers F48.
func TestUnauthorized(t *testing.T) {
	const retried, not = true, false
	for name, tc := range map[string]struct {
		status int
		body   string
		again  bool
		kind   string // if it lasts
	}{
		"unknown code":            {401, `{"code":4242,"msg":"unauthorized"}`, retried, "failed other token"},
		"no code":                 {401, `{"msg":"unauthorized"}`, retried, "bad_answer none token"},
		"code 0":                  {401, `{"code":0,"data":{"items":[]}}`, retried, "bad_answer none token"},
		"HTML":                    {401, `<html>401</html>`, retried, "bad_answer none token"},
		"empty":                   {401, ``, retried, "bad_answer none token"},
		"too large to be read":    {401, strings.Repeat(" ", 2<<20), retried, "bad_answer none answer_size"},
		"the code of the docs":    {401, `{"code":99991663,"msg":"invalid"}`, retried, "failed 99991663 token"},
		"its neighbour, HTTP 400": {400, `{"code":99991664,"msg":"invalid"}`, retried, "failed 99991664 token"},
		"an unknown neighbour":    {400, `{"code":99991670,"msg":"token revoked"}`, retried, "failed other token"},
		"the scope is missing":    {401, `{"code":99991672,"msg":"scope"}`, not, "config 99991672 scope"},
		"rate limit":              {401, `{"code":99991400,"msg":"limit"}`, not, "rate_limited 99991400 rate_limit"},
		"unknown code, HTTP 400":  {400, `{"code":4242,"msg":"unknown"}`, not, "failed other api"},
		"HTML, HTTP 403":          {403, `<html>403</html>`, not, "bad_answer none api"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wire := &unauthorized{status: tc.status, body: tc.body}
				c := newTestClient(simulator.New(simulator.Options{}))
				c.set.HTTP.Transport = wire
				_, _, err := c.ListData(t.Context(), lastHour())
				if tc.again {
					require.NoError(t, err)
					assert.EqualValues(t, 2, wire.tokens.Load())
					assert.EqualValues(t, 2, wire.asked.Load())
				} else {
					require.Error(t, err)
					assert.EqualValues(t, 1, wire.tokens.Load())
				}

				wire = &unauthorized{status: tc.status, body: tc.body, every: true}
				c = newTestClient(simulator.New(simulator.Options{}))
				c.set.HTTP.Transport = wire
				_, _, err = c.ListData(t.Context(), lastHour())
				var failed *Error
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, tc.kind, failed.Outcome()+" "+failed.CodeLabel()+" "+string(failed.Cause))
				assert.NotEqual(t, cause.ClassToken, failed.Class, "the caller learns what to do")
				assert.LessOrEqual(t, wire.asked.Load(), int64(2))
				assert.LessOrEqual(t, wire.tokens.Load(), int64(2))
			})
		})
	}
}
