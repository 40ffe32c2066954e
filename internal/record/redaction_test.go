// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// TestRecordResourceTokens: the document that was read is kept, unless it is to be masked. Covers F74.
func TestRecordResourceTokens(t *testing.T) {
	const entry = `{"id":"1","api_key":"POST/open-apis/drive/v1/files/:file_token/copy","log_detail":{"path":"/open-apis/drive/v1/files/boxcn1/copy",` +
		`"payload":"{\"folder_token\":\"fldcn2\",\"token\":\"doccn3\"}","query_param":"{\"page_token\":\"next\"}"}}`
	record, stats := buildEntry(t, someSettings(), entry)
	require.Zero(t, stats.Redacted)
	require.JSONEq(t, entry, record.Body().Str())
	require.NotContains(t, record.Attributes().AsRaw(), "feishu.redacted")

	record, stats = buildEntry(t, someSettings(func(set *Settings) { set.RedactResourceTokens = true }), entry)
	require.Equal(t, 3, stats.Redacted)
	require.Equal(t, int64(3), record.Attributes().AsRaw()["feishu.redacted"])
	for _, token := range []string{"fldcn2", "doccn3", "next"} {
		require.NotContains(t, record.Body().Str(), token)
	}
}

func TestRecordRedaction(t *testing.T) {
	const entry = `{"id":"1","ip":"203.0.113.7","event_time":1610613336,"log_detail":{"path":"/x?access_token=hunter2","method":"POST","status_code":400,` +
		`"payload":"{\"app_secret\":\"hunter2\",\"note\":\"stays\"}","response":"{\"code\":5,\"msg\":\"refused: Bearer hunter2\"}"}}`
	for _, body := range bodies {
		record, stats := buildEntry(t, someSettings(body), entry)
		require.Equal(t, 3, stats.Redacted)
		require.Zero(t, stats.Malformed)
		require.NotContains(t, record.Body().AsString(), "hunter2")
		require.Contains(t, record.Body().AsString(), "stays")
		for name, value := range record.Attributes().All() {
			require.NotContains(t, value.AsString(), "hunter2", name)
		}
		require.Equal(t, "5", record.Attributes().AsRaw()["error.type"])
		require.Equal(t, int64(3), record.Attributes().AsRaw()["feishu.redacted"])

		record, stats = buildEntry(t, someSettings(body, func(set *Settings) { set.Redact = false }), entry)
		require.Zero(t, stats.Redacted)
		require.NotContains(t, record.Attributes().AsRaw(), "feishu.redacted")
		require.Equal(t, "/x?access_token=hunter2", record.Attributes().AsRaw()["url.path"])
		require.Contains(t, record.Body().AsString(), "hunter2")
	}

	// A masked entry is not malformed, and keeps its id and its time.
	record, stats := buildEntry(t, someSettings(func(set *Settings) {
		set.RedactKeys = []string{"id", "ip", "event_time", "status_code", "log_detail"}
	}), entry)
	require.Zero(t, stats.Malformed)
	attrs := record.Attributes().AsRaw()
	require.Equal(t, "1", attrs["log.record.uid"])
	require.Equal(t, pcommon.Timestamp(1610613336e9), record.Timestamp())
	require.NotContains(t, attrs, "feishu.status_code")
	require.NotEqual(t, "203.0.113.7", attrs["client.address"])
	require.NotContains(t, record.Body().Str(), "203.0.113.7")
}
