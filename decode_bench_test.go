// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answerOf is an answer of list_data with the given entries.
func answerOf(entries ...string) []byte {
	return []byte(`{"code":0,"msg":"success","data":{"items":[` + strings.Join(entries, ",") + `],"page_token":"eVQrYzJBNDNONlk4","has_more":true}}`)
}

// jsonString writes text as a JSON string, with < and > as they are.
func jsonString(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// entryOf is an entry whose payload was sent as given.
func entryOf(n int, payload string) string {
	return fmt.Sprintf(`{"id":"74351872%08d","api_key":"POST/open-apis/im/v1/chats/:chat_id/members","event_time":%d,`+
		`"app_id":"cli_9f3ca975326b501b","ip":"203.0.113.%d","log_detail":{"path":"/open-apis/im/v1/chats/oc_5ad11d72b830411d72b836c20/members",`+
		`"method":"POST","query_param":"{\"member_id_type\":\"open_id\"}","payload":%s,"status_code":0,"response":"{\"code\":0,\"msg\":\"success\"}"}}`,
		n, 1610613336+n, n%256, jsonString(payload))
}

// benchmarkPages are realistic pages of 100 entries, by what makes their
// payloads special.
func benchmarkPages() []struct {
	name string
	body []byte
} {
	message := `{"receive_id":"ou_7d8a6e6df7621556ce0d21922b676706ccs","msg_type":"text","content":"{\"text\":\"hello, the build is green\"}","uuid":"a0d69e20-1dd1-458b-k525-dfeca4015204"}`
	row := `{"record_id":"recqwIwhc6","fields":{"name":"A. Person","score":93,"city":"Berlin"}},`
	chinese := strings.Repeat("请各位同事在本周五之前完成季度安全培训，谢谢。", 12)
	pages := []struct {
		name string
		body []byte
	}{
		{"small", []byte(`{}`)},
		{"typical", []byte(message)},
		{"large", []byte(`{"records":[` + strings.TrimSuffix(strings.Repeat(row, 16<<10/len(row)), ",") + `]}`)},
		{"chinese", []byte(`{"msg_type":"text","content":"{\"text\":\"` + chinese + `\"}"}`)},
		{"escapes", []byte(`{"content":` + jsonString(jsonString(strings.Repeat("a\tb\n", 40))) + `,"text":"` + strings.Repeat(`\u4f60\u597d`, 40) + `"}`)},
	}
	for i, p := range pages {
		entries := make([]string, 100)
		for n := range entries {
			entries[n] = entryOf(n, string(p.body))
		}
		pages[i].body = answerOf(entries...)
	}
	return pages
}

func decode(b *recordBuilder, body []byte, observed time.Time) (records int, err error) {
	p, err := parsePage(body)
	if err != nil {
		return 0, err
	}
	items := make([]*item, len(p.items))
	for i := range p.items {
		items[i] = &p.items[i]
	}
	logs, _ := b.build(items, observed)
	return logs.LogRecordCount(), nil
}

// BenchmarkDecodePage takes a page of 100 entries from the bytes of the answer to
// finished records, with redaction on and nothing to mask.
func BenchmarkDecodePage(b *testing.B) {
	builder := newRecordBuilder(createDefaultConfig().(*Config), "1.2.3")
	observed := time.Unix(1610613400, 0)
	for _, page := range benchmarkPages() {
		b.Run(page.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(page.body)))
			for b.Loop() {
				n, err := decode(builder, page.body, observed)
				require.NoError(b, err)
				require.Equal(b, 100, n)
			}
		})
	}
}

// pdata itself needs one object for a record, one for its attributes and one for
// each value; beyond that an entry costs the msg of its response, and what is
// unescaped to find it.
func TestDecodeAllocations(t *testing.T) {
	builder := newRecordBuilder(createDefaultConfig().(*Config), "1.2.3")
	for _, page := range benchmarkPages() {
		t.Run(page.name, func(t *testing.T) {
			perEntry := testing.AllocsPerRun(10, func() {
				n, err := decode(builder, page.body, time.Unix(1610613400, 0))
				require.NoError(t, err)
				require.Equal(t, 100, n)
			}) / 100
			require.LessOrEqual(t, perEntry, 15.0)
		})
	}
}
