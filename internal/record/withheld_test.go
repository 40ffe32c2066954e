// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// faulty is a redactor that panics at entries that hold a word.
type faulty struct{ *redact.Redactor }

func (f faulty) RedactEntry(text, apiKey string) (string, int) {
	if strings.Contains(text, "panic") {
		var none []int
		return text, none[len(text)]
	}
	return f.Redactor.RedactEntry(text, apiKey)
}

// TestWithheld: an entry at which redaction panics is delivered with its details masked, and those beside it are as
// always. What is masked by configuration is not shown, either. Covers F20, F39.
func TestWithheld(t *testing.T) {
	page, err := entry.ParsePage(answerOf(
		`{"id":"1","app_id":"cli_a","log_detail":{"path":"/a","payload":"{\"password\":\"hunter2\",\"note\":\"stays\"}"}}`,
		`{"id":"2","api_key":"POST/open-apis/im/v1/messages","event_time":1610613336,"app_id":"cli_b","ip":"203.0.113.7",`+
			`"log_detail":{"path":"/b?x=panic","status_code":200,"payload":"{\"password\":\"hunter2\"}"},"more":"hunter2"}`,
		`"panic"`,
	))
	require.NoError(t, err)
	items := make([]*entry.Entry, len(page.Entries))
	for i := range items {
		items[i] = &page.Entries[i]
	}
	for _, structured := range []bool{false, true} {
		b := NewBuilder(Settings{Redact: true, Structured: structured, RedactKeys: []string{"ip"}})
		b.redactor = faulty{b.redactor.(*redact.Redactor)}
		logs, stats := b.Build(items, time.Unix(1, 0))
		require.Equal(t, []string{"2", items[2].UID()}, stats.Withheld)
		require.Equal(t, 2, stats.Malformed)
		records := recordsOf(logs)
		require.Equal(t, 3, records.Len())
		for i := range 3 {
			require.NotContains(t, records.At(i).Body().AsString(), "hunter2")
			require.NotContains(t, records.At(i).Body().AsString(), "panic")
		}
		require.Contains(t, records.At(0).Body().AsString(), "stays")
		require.JSONEq(t, `{"id":"2","api_key":"POST/open-apis/im/v1/messages","event_time":1610613336,"app_id":"cli_b","log_detail":"[REDACTED]"}`,
			records.At(1).Body().AsString())
		require.Equal(t, map[string]any{
			"log.record.uid": "2", "feishu.api_key": "POST/open-apis/im/v1/messages", "url.template": "/open-apis/im/v1/messages",
			"feishu.app.id": "cli_b", "feishu.entry.malformed": true, "feishu.redacted": int64(1),
		}, records.At(1).Attributes().AsRaw())
		require.JSONEq(t, `{"log_detail":"[REDACTED]"}`, records.At(2).Body().AsString())
	}
}
