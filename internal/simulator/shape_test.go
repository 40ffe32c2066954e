// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The forms of status_code and response, in generated and in added entries; entries with a Raw text are sent
// verbatim.
func TestShapes(t *testing.T) {
	type detail struct {
		StatusCode *int            `json:"status_code"`
		Response   json.RawMessage `json:"response"`
	}
	good := Entry{ID: "1", StatusCode: 0, Response: `{"code":0,"msg":"成功"}`}
	bad := Entry{ID: "2", StatusCode: 0, Response: `{"code":99991663,"msg":"invalid"}`}
	const verbatim = `{"id":"3","log_detail":{"response":"x"}}`
	for name, tc := range map[string]struct {
		opts   Options
		status []any
		first  string // response of good
	}{
		"defaults": {Options{}, []any{0, 0}, `"{\"code\":0,\"msg\":\"成功\"}"`},
		"zero":     {Options{StatusCodes: StatusZero}, []any{0, 0}, `"{\"code\":0,\"msg\":\"成功\"}"`},
		"http":     {Options{StatusCodes: StatusHTTP}, []any{200, 400}, `"{\"code\":0,\"msg\":\"成功\"}"`},
		"absent":   {Options{StatusCodes: StatusAbsent}, []any{nil, nil}, `"{\"code\":0,\"msg\":\"成功\"}"`},
		"object":   {Options{Responses: ResponseObject, StatusCodes: StatusHTTP}, []any{200, 400}, `{"code":0,"msg":"成功"}`},
		"cut":      {Options{Responses: ResponseCut, StatusCodes: StatusAbsent}, []any{nil, nil}, `"{\"code\":0,\"msg\":\"成"`},
		"plain":    {Options{Responses: ResponsePlain}, []any{0, 0}, `"upstream connect error or disconnect/reset before headers"`},
	} {
		t.Run(name, func(t *testing.T) {
			for i, e := range []Entry{good, bad} {
				tc.opts.shape(&e)
				var got struct {
					Detail detail `json:"log_detail"`
				}
				require.NoError(t, json.Unmarshal(e.appendJSON(nil, false), &got), string(e.appendJSON(nil, false)))
				if tc.status[i] == nil {
					require.Nil(t, got.Detail.StatusCode)
				} else {
					require.Equal(t, tc.status[i], *got.Detail.StatusCode)
				}
				e := Entry{ID: "7", Response: "{}"}
				numbers := tc.opts
				numbers.NumericIDs = true
				numbers.shape(&e)
				require.Contains(t, string(e.appendJSON(nil, true)), `"id":7,`)
				if i == 0 {
					require.Equal(t, tc.first, string(got.Detail.Response))
				}
			}
			given := Entry{ID: "3", Raw: verbatim}
			tc.opts.shape(&given)
			require.Equal(t, given.Raw, string(given.appendJSON(nil, false)), "verbatim")
			empty := Entry{ID: "4"}
			tc.opts.shape(&empty)
			require.True(t, json.Valid(empty.appendJSON(nil, false)))
		})
	}
}
