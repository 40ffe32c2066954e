// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// TestReadmeRecord: the record in both READMEs is what the receiver makes of this entry.
func TestReadmeRecord(t *testing.T) {
	const entry = `{"id":"7561890231476527132","api_key":"POST/open-apis/drive/v1/permissions/:token/public/password","event_time":1764378420,` +
		`"app_id":"cli_a1b2c3d4e5f6","ip":"203.0.113.7","log_detail":{"path":"/open-apis/drive/v1/permissions/doxcnB2K8xYv1RzQ/public/password",` +
		`"method":"POST","query_param":"{\"type\":\"docx\"}","payload":"","status_code":200,` +
		`"response":"{\"code\":0,\"data\":{\"password\":\"rTQVU8aG\"},\"msg\":\"Success\"}"}}`
	logs, _ := buildAnswer(t, someSettings(), answerOf(entry))
	var marshal plog.JSONMarshaler
	text, err := marshal.MarshalLogs(logs)
	require.NoError(t, err)
	var made struct {
		ResourceLogs []struct {
			ScopeLogs []struct{ LogRecords []map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(text, &made))
	record := made.ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	delete(record, "observedTimeUnixNano")
	for _, readme := range []string{"README.md", "README.zh.md"} {
		page, err := os.ReadFile(filepath.Join("..", "..", readme))
		require.NoError(t, err)
		block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
		require.NotNil(t, block, readme)
		var shown map[string]any
		require.NoError(t, json.Unmarshal(block[1], &shown), readme)
		require.Contains(t, shown, "observedTimeUnixNano", readme)
		delete(shown, "observedTimeUnixNano")
		require.Equal(t, record, shown, readme)
	}
}
