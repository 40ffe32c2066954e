// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

func TestRecordResult(t *testing.T) {
	for detail, want := range map[string]map[string]any{
		`"status_code":0`:      {"feishu.status_code": int64(0)},
		`"status_code":99`:     {"feishu.status_code": int64(99)},
		`"status_code":100`:    {"feishu.status_code": int64(100), "http.response.status_code": int64(100)},
		`"status_code":"200"`:  {"feishu.status_code": int64(200), "http.response.status_code": int64(200)},
		`"status_code":399`:    {"feishu.status_code": int64(399), "http.response.status_code": int64(399)},
		`"status_code":400`:    {"feishu.status_code": int64(400), "http.response.status_code": int64(400), "error.type": "400"},
		`"status_code":5.99e2`: {"feishu.status_code": int64(599), "http.response.status_code": int64(599), "error.type": "599"},
		`"status_code":600`:    {"feishu.status_code": int64(600)},
		`"status_code":-404`:   {"feishu.status_code": int64(-404)},
		`"status_code":""`:     {},

		`"response":"{\"code\": 0, \"msg\": \"ok\"}"`:                                                       {"feishu.response.code": int64(0), "feishu.response.msg": "ok"},
		`"response":"{\"msg\":\"\",\"code\":\"0\"}"`:                                                        {"feishu.response.code": int64(0)},
		`"response":"\n{\"code\":-7}"`:                                                                      {"feishu.response.code": int64(-7), "error.type": "-7"},
		`"response":"{\"code\":9007199254740993}"`:                                                          {"feishu.response.code": int64(9007199254740993), "error.type": "9007199254740993"},
		`"response":"{\"code\":9223372036854775808,\"msg\":12}"`:                                            {"feishu.response.msg": "12"},
		`"response":"{\"code\":null,\"msg\":[]}"`:                                                           {},
		`"response":"{\"CODE\":7,\"Msg\":\"x\"}"`:                                                           {"feishu.response.code": int64(7), "feishu.response.msg": "x", "error.type": "7"},
		`"response":"{\"code\":1,\"code\":0,\"CODE\":2}"`:                                                   {"feishu.response.code": int64(0)},
		`"response":"{\"data\":{\"code\":5,\"msg\":\"inner\"},\"error\":1}"`:                                {},
		`"response":"{\"msg\":\"\\u6210\\\"\\ud83d\\ude00\"}"`:                                              {"feishu.response.msg": `成"😀`},
		`"response":{"code":5,"msg":"x"}`:                                                                   {"feishu.response.code": int64(5), "feishu.response.msg": "x", "error.type": "5"},
		`"response":"{\"msg\":\"x\",\"data\":\"` + strings.Repeat("y", 2*smallResponse) + `\",\"code\":5}"`: {"feishu.response.code": int64(5), "feishu.response.msg": "x", "error.type": "5"},

		// The call failed according to the API, whatever the status is.
		`"status_code":200,"response":"{\"code\":5}"`: {"feishu.status_code": int64(200), "http.response.status_code": int64(200), "feishu.response.code": int64(5), "error.type": "5"},
		`"status_code":400,"response":"{\"code\":5}"`: {"feishu.status_code": int64(400), "http.response.status_code": int64(400), "feishu.response.code": int64(5), "error.type": "5"},
		`"status_code":502,"response":"{\"code\":0}"`: {"feishu.status_code": int64(502), "http.response.status_code": int64(502), "feishu.response.code": int64(0), "error.type": "502"},

		// Broken: what comes before the break counts, but a number at the end may have been longer.
		`"response":"{\"code\":7,\"msg\":\"cut of"`:            {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{\"msg\":\"whole\""`:                      {"feishu.response.msg": "whole"},
		`"response":"{\"msg\":\"whole\",\"code\":999"`:         {"feishu.response.msg": "whole"},
		`"response":"{\"msg\":\"whole\",\"code\":999 "`:        {"feishu.response.msg": "whole", "feishu.response.code": int64(999), "error.type": "999"},
		`"response":"{\"code\":7 \"msg\":\"no comma\"}"`:       {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{\"code\":7,\"data\":{\"a\":},\"msg\":1"`: {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{'code': 7}"`:                             {},
		`"response":"{"`:                                       {},
		`"response":"[{\"code\":7}]"`:                          {},
		`"response":"<html>502</html>"`:                        {},
		`"response":" "`:                                       {},
	} {
		entry := `{"id":"1","log_detail":{` + detail + `}}`
		require.Equal(t, want, attributesOf(t, entry), entry)
		record, stats := buildEntry(t, someSettings(), entry)
		require.Zero(t, stats.Malformed, entry)
		if _, failed := want["error.type"]; failed {
			require.Equal(t, plog.SeverityNumberWarn, record.SeverityNumber(), entry)
		} else {
			require.Equal(t, plog.SeverityNumberInfo, record.SeverityNumber(), entry)
		}
		require.Empty(t, record.SeverityText())
		require.Equal(t, "feishu.openapi.call", record.EventName())
	}
}

// TestReadPlainResponse compares the fast way to read a response with the slow one, which the leading space
// triggers.
func TestReadPlainResponse(t *testing.T) {
	plain := 0
	for _, text := range []string{
		`{"code":0,"msg":"success"}`, `{"code":99991663,"msg":"Invalid access token"}`, `{"code":0,"msg":""}`, `{"code":1,"msg":"没有权限"}`,
		`{"code":123456789012345678,"msg":"x"}`, "{\"code\":1,\"msg\":\"\xff\"}", `{"code":1,"msg":"` + strings.Repeat("长", entry.MaxAttribute) + `"}`,
		`{"code":1234567890123456789,"msg":"x"}`, `{"code":12345678901234567890,"msg":"x"}`, `{"code":-1,"msg":"x"}`, `{"code":01,"msg":"x"}`,
		`{"code":1.0,"msg":"x"}`, `{"code":,"msg":"x"}`, `{"code":"1","msg":"x"}`, `{"code":1,"msg":"x","code":2}`, `{"code":1,"msg":"x"} `,
		`{"code":1,"msg":"x"}}`, `{"code":1,"msg":"a\"b"}`, `{"code":1,"msg":"a\\"}`, `{"code":1,"msg":"\u4f60"}`, `{"code":1,"msg":5}`, `{"code":1,"msg":"x`,
		`{"code":1}`, `{"code":1,"msg"`, `{"code":12`, `{"code":1,"msg":"` + "\n" + `"}`, `{"code":1,"msg":"` + "\t", `{`, ``, `"`,
	} {
		field, err := json.Marshal(text)
		require.NoError(t, err)
		for _, field := range []string{string(field), `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`} {
			if !json.Valid([]byte(field)) {
				continue // a Scanner accepts none
			}
			got, ok := readPlainResponse(field)
			if !ok {
				require.Zero(t, got, "%s", field)
				continue
			}
			plain++
			want, _ := readResponse(`" `+field[1:], nil)
			require.Equal(t, want, got, "%s", field)
			require.True(t, want.hasCode)
		}
	}
	require.Equal(t, 13, plain)
}
