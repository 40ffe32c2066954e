// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestResultCodeStays: code is an authorization code in what a call to authen sends, and the
// result in what it is answered with.
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
