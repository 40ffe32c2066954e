// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// endsAre checks that refused calls and requests for tokens are not reported as logged if the simulated log has
// none, and that codes are reported absent only if they are.
func endsAre(t *testing.T, o simulator.Options, r *Report) {
	f, allowed := r.Finding(RefusedCalls), []string{"", noneSeen}
	if o.Tenant.FailureFraction >= 0 && o.Tenant.PerSecond > 0 {
		allowed = append(allowed, inLog)
	}
	if o.Responses == simulator.ResponsePlain || o.Tenant.OddFraction > 0 {
		allowed = append(allowed, noCodes)
	}
	assert.Contains(t, allowed, f.Answer, f.Evidence.String())
	f, allowed = r.Finding(TokenCalls), []string{"", noneSeen}
	if o.Tenant.PerSecond > 0 {
		allowed = append(allowed, inLog)
	}
	assert.Contains(t, allowed, f.Answer, f.Evidence.String())
}

// TestRefusedCalls: refused calls and requests for tokens in the log are counted by code, with any form of the
// response, and the answer is "none seen" if there are none.
func TestRefusedCalls(t *testing.T) {
	const (
		ordinary = "GET/open-apis/contact/v3/users/:user_id"
		token    = "POST/open-apis/auth/v3/tenant_access_token/internal"
	)
	type call struct {
		key, response string
		status        int
	}
	code := func(n int) string { return fmt.Sprintf(`{"code":%d,"msg":"some"}`, n) }
	for name, tc := range map[string]struct {
		calls           []call
		refused, tokens string // answers
		ends, requests  string // evidence
	}{
		"all succeed": {
			[]call{{ordinary, code(0), 200}, {ordinary, code(0), 0}},
			noneSeen, noneSeen,
			"in 2 entries: the code 0 in all that have one (2)", "in 2 entries: none of an API below auth or authen",
		},
		"refused by the gateway": {
			[]call{{ordinary, code(99991672), 400}, {ordinary, code(99991672), 0}, {ordinary, code(99991663), 401}, {ordinary, code(0), 200}},
			inLog, noneSeen,
			"in 4 entries: a code of the gateway in 3: 99991672 (2), 99991663 (1); a status_code of 400 or more in 2", "in 4 entries: none of an API below auth or authen",
		},
		"refused by an API only": {
			[]call{{ordinary, code(230002), 400}, {ordinary, code(99999), 0}, {ordinary, code(100000000), 0}, {ordinary, code(-5), 0}},
			noneSeen, noneSeen,
			"in 4 entries: a code other than 0 in 4: another number (2), 230002 (1), 99999 (1); a status_code of 400 or more in 1", "in 4 entries: none of an API below auth or authen",
		},
		"tokens, none refused": {
			[]call{{token, code(0), 0}, {"POST/open-apis/authen/v1/access_token", code(0), 0}, {"GET/open-apis/authentic/v1/auth/", code(0), 0}},
			noneSeen, inLog,
			"in 3 entries: the code 0 in all that have one (3)", "in 3 entries: 2 of an API below auth or authen; no refused one among them",
		},
		"tokens, refused": {
			[]call{{token, code(10014), 0}, {token, code(10014), 0}, {token, code(0), 0}},
			noneSeen, inLog,
			"in 3 entries: a code other than 0 in 2: 10014 (2)", "in 3 entries: 3 of an API below auth or authen; refused ones among them: 10014 (2)",
		},
		"no codes": {
			[]call{{ordinary, "some", 404}, {token, "", 599}, {ordinary, `{"msg":"some"}`, 600}, {ordinary, `{"code":9999167`, 0}, {ordinary, `{"code":true}`, 0}},
			noCodes, inLog,
			"in 5 entries: a response code in none; a status_code of 400 or more in 2", "in 5 entries: 1 of an API below auth or authen",
		},
		"cut off, after the code": {
			[]call{{ordinary, `{"msg":"x","code":99991401,"error":{"log_`, 0}, {ordinary, `{"code":"99991662","da`, 0}},
			inLog, noneSeen,
			"in 2 entries: a code of the gateway in 2: 99991401 (1), 99991662 (1)", "in 2 entries: none of an API below auth or authen",
		},
	} {
		for _, responses := range []simulator.Responses{simulator.ResponseText, simulator.ResponseObject} {
			t.Run(name+" as "+string(responses), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := simulator.New(simulator.Options{Responses: responses})
					for i, c := range tc.calls {
						if responses == simulator.ResponseObject && (!strings.HasPrefix(c.response, "{") || !strings.HasSuffix(c.response, "}")) {
							t.Skip("not an object")
						}
						server.Add(simulator.Entry{
							ID: fmt.Sprint("id", i), APIKey: c.key, AppID: "cli_other", EventTime: time.Now().Unix() - 300 - int64(i),
							StatusCode: c.status, Response: c.response,
						})
					}
					r := examine(t, server, nil)
					assert.Equal(t, tc.refused, r.Finding(RefusedCalls).Answer)
					assert.Equal(t, tc.ends, r.Finding(RefusedCalls).Evidence.String())
					assert.Equal(t, tc.tokens, r.Finding(TokenCalls).Answer)
					assert.Equal(t, tc.requests, r.Finding(TokenCalls).Evidence.String())
				})
			})
		}
	}
}

// TestRefusedCallsInDetections: the page of the detections explains the answers.
func TestRefusedCallsInDetections(t *testing.T) {
	page, err := os.ReadFile("../../docs/detections.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## What is not verified\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	for _, q := range []Question{RefusedCalls, TokenCalls} {
		assert.Contains(t, section, "`"+string(q)+"`")
		assert.Contains(t, section, "*"+labels[q]+"*")
	}
	for _, answer := range []string{inLog, noneSeen, noCodes} {
		assert.Contains(t, section, "`"+answer+"`")
	}
}
