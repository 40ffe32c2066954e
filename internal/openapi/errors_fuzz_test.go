// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsonoracle"
)

// The secrets of a call in FuzzAnswer. S, T and P in its input, each after 0x01, are the places where the server
// writes them.
const (
	fuzzSecret    = "app+secret/Zx81Kq27=="
	fuzzToken     = "t-g104Zx81Kq27ABCDEFGH"
	fuzzPageToken = "cursor/Kq27+9=="
)

// answering is a server that gives the same answer to every call, except calls for a token if they are not
// tested.
type answering struct {
	operation string
	status    int
	header    http.Header
	body      []byte
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: -1, Request: req}
	if a.operation != OpToken && req.URL.Path == TokenPath {
		res.StatusCode, res.Header = http.StatusOK, http.Header{}
		res.Body = io.NopCloser(strings.NewReader(`{"code":0,"expire":7200,"tenant_access_token":"` + fuzzToken + `"}`))
	}
	return res, nil
}

// FuzzAnswer: every answer, with any status, headers and body, is either a success that can be relied upon, or a
// classified error that is safe for a log line: one line, limited, printable, without the secrets of the call in
// any of the forms that servers use.
func FuzzAnswer(f *testing.F) {
	f.Add(true, 200, "20261123", "", "", `{"code":10014,"msg":"app secret \x01S invalid"}`)
	f.Add(false, 400, "\x01T", "17", "x", `{"code":99991672,"msg":"\x01t","error":{"log_id":"\x01P","message":"m","permission_violations":[{"subject":"\x01S","url":"https://x/\x01p"},{"scope":7}]}}`)
	f.Add(false, 400, "\x01S", "-1", "Mon, 02 Jan 2006 15:04:05 GMT", `{"code":1780103,"msg":"","error":{"field_violations":[{"field":"page_token","description":"\x01P expired"}],"details":[{"key":"a","value":"\x01s"}]}}`)
	f.Add(false, 429, "", "1e300", "NaN", `{"code":99991400,"msg":"limit`)
	f.Add(false, 502, "a\x00b", "0.001", "99999999999", `<html>\x01T</html>`)
	f.Add(false, 307, "", "", "", ``)
	f.Add(false, 200, "", "", "", `{"code":0,"data":{"items":[{"id":"1"}],"has_more":false}}`)
	f.Add(true, 200, "", "", "", `{"code":0,"expire":7200,"tenant_access_token":"t-x\x7f"}`)
	f.Add(false, 200, "", "", "", "{\"code\":7,\"msg\":\"t-g104Zx81\u200bKq27AB\\u0000CDEFGH\"}")
	f.Add(false, 400, strings.Repeat("t-g104Zx81Kq27ABCDEFGH", 20), "", "", `{"code":-9223372036854775808,"msg":"`+strings.Repeat("x", 295)+`\x01T"}`)
	f.Fuzz(func(t *testing.T, ofToken bool, status int, logID, reset, date, body string) {
		if status < 200 || status > 999 {
			return // net/http passes on no other one
		}
		plant := strings.NewReplacer(
			"\x01S", fuzzSecret, "\x01T", fuzzToken, "\x01P", fuzzPageToken,
			"\x01s", base64.StdEncoding.EncodeToString([]byte(fuzzSecret)), "\x01t", base64.URLEncoding.EncodeToString([]byte(fuzzToken)), "\x01p", url.QueryEscape(fuzzPageToken))
		body, logID = plant.Replace(body), plant.Replace(logID)
		server := &answering{operation: OpList, status: status, body: []byte(body), header: http.Header{
			"X-Tt-Logid": {logID}, "X-Ogw-Ratelimit-Reset": {reset}, "Retry-After": {date}, "Date": {date}, "Location": {logID},
		}}
		if ofToken {
			server.operation = OpToken
		}
		gate := &openGate{}
		c := New(Settings{
			HTTP: &http.Client{
				Transport:     server,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			Endpoint: "https://open.feishu.cn", AppID: "cli_x", AppSecret: fuzzSecret, MaxResponse: 1 << 20,
			Gate: gate,
		})
		var err error
		if ofToken {
			var token string
			var life time.Duration
			token, life, err = c.fetchToken(context.Background())
			if err == nil {
				require.Equal(t, http.StatusOK, status)
				require.Positive(t, life)
				require.NotEmpty(t, token)
				require.Contains(t, body, `"`)
			}
		} else {
			var p *entry.Page
			p, _, err = c.ListData(context.Background(), ListRequest{PageSize: 100, PageToken: fuzzPageToken})
			if err == nil {
				require.Equal(t, http.StatusOK, status)
				require.Zero(t, p.Code)
				require.True(t, p.HasCode)
				code, ok := jsonoracle.OracleNumber(jsonoracle.OracleMember(jsonoracle.OracleObject([]byte(body)), "code"))
				require.True(t, !json.Valid([]byte(body)) || ok && code.Sign() == 0, body) // not valid: nested too deep for encoding/json
			}
		}
		require.NotEmpty(t, gate.errors)
		if err == nil {
			return
		}
		var failed *Error
		require.ErrorAs(t, err, &failed)
		line := err.Error()
		require.Less(t, len(line), 8000, "four texts of at most 300 characters, and our own words")
		require.True(t, utf8.ValidString(line))
		require.Equal(t, -1, strings.IndexFunc(line, unicode.IsControl), "%q", line)
		sent := []string{fuzzSecret}
		if !ofToken {
			sent = append(sent, fuzzToken, fuzzPageToken)
		}
		for _, secret := range spellings(sent) {
			require.NotContains(t, line, secret)
		}
		require.Contains(t, []string{"rate_limited", "quota", "parameter", "config", "failed", "bad_answer", "no_answer"}, failed.Outcome())
		require.Regexp(t, `^(\d+|none|other)$`, failed.CodeLabel())
		require.NotEqual(t, failed.Cause.Info().Title, string(failed.Cause), "a cause that nobody knows")
		require.GreaterOrEqual(t, failed.Wait, time.Duration(0))
		require.LessOrEqual(t, failed.Wait, maxWaitHint)
		require.True(t, failed.Wait == 0 || failed.Class == cause.ClassRateLimited || date != "", line) // that is Retry-After, too
		require.NotEqual(t, cause.ClassToken, failed.Class, "the client deals with it")
		if failed.Class == cause.ClassConfig || failed.Class == cause.ClassQuota {
			require.NotEmpty(t, failed.Advice, line)
		}
	})
}
