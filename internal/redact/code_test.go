// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestResultCodeStays: in a call to authen, code is an authorization code; in its response it is the result.
func TestResultCodeStays(t *testing.T) {
	const entry = `{"id":"1","api_key":"POST/open-apis/authen/v1/access_token","log_detail":{` +
		`"payload":"{\"app_access_token\":\"a-S3CRET\",\"code\":\"xMSldislSkdK\"}","response":"{\"code\":99991663,\"msg\":\"m\"}"}}`
	got, n := redact.New(nil).Redact(entry)
	require.Equal(t, 2, n)
	require.NotContains(t, got, "xMSldislSkdK")
	require.Contains(t, got, `{\"code\":99991663,\"msg\":\"m\"}`)
	got, n = redact.New(nil).Redact(`{"api_key":"POST/open-apis/authen/v1/access_token","log_detail":{"response":{"code":20003,"msg":"m"}}}`)
	require.Zero(t, n)
	require.Contains(t, got, `{"code":20003,"msg":"m"}`)
}

// TestMasksKey: a name is masked in a path if a member with that name is masked.
func TestMasksKey(t *testing.T) {
	for _, set := range []struct {
		keys   []string
		tokens bool
	}{{}, {keys: []string{"user_id", "chat"}}, {tokens: true}} {
		r := redact.New(set.keys, redact.ResourceTokens(set.tokens))
		for _, apiKey := range []string{"GET/open-apis/x/v1/y", "GET/open-apis/drive/v1/files", "POST/open-apis/authen/v1/access_token"} {
			for _, name := range []string{
				"user_id", "file_token", "app_token", "token", "ticket", "code", "id", "session_id", "sess_id", "sessionId", "aily_session_id", "position_id", "process_id",
				"access_id", "chat", "chat_id", "verification_token", "app_secret", "approval_code", "task_guid", "spreadsheetToken", "image_key", "password", "tokens",
			} {
				_, n := r.Redact(`{"api_key":"` + apiKey + `","log_detail":{"` + name + `":"x1y2z3"}}`)
				require.Equal(t, n == 1, r.MasksKey(apiKey, name), "%s in %s with %v", name, apiKey, set)
			}
		}
	}
}
