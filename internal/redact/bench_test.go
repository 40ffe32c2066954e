// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// entry is the text of an audit entry with this payload and this response, as they were sent.
func entry(payload, response string) string {
	return `{"id":"7435187231","api_key":"POST/open-apis/im/v1/messages","event_time":1610613336,` +
		`"app_id":"cli_9f3ca975326b501b","ip":"192.123.12.1","log_detail":{"path":"/open-apis/im/v1/messages",` +
		`"method":"POST","query_param":"{\"receive_id_type\":\"open_id\"}","payload":` + quote(payload) +
		`,"status_code":200,"response":` + quote(response) + `}}`
}

// quote returns text as a JSON string, in which only quotes, backslashes and control characters are escaped.
func quote(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const (
	sentMessage = `{"receive_id":"ou_7d8a6e6df7621556ce0d21922b676706ccs","msg_type":"text","content":"{\"text\":\"hello\"}"}`
	answered    = `{"code":0,"msg":"success","data":{"message_id":"om_dc13264520392913993dd051dba21dcf","create_time":"1615380573411",` +
		`"chat_id":"oc_5ad11d72b830411d72b836c20","sender":{"id":"cli_9f427eec54ae901b","id_type":"app_id","sender_type":"app"}}}`
)

// BenchmarkRedactPage is redaction's part of BenchmarkDecodePage of internal/record.
func BenchmarkRedactPage(b *testing.B) {
	for _, page := range benchdata.Pages() {
		b.Run(page.Name, func(b *testing.B) {
			var answer struct {
				Data struct{ Items []json.RawMessage }
			}
			if err := json.Unmarshal(page.Body(), &answer); err != nil {
				b.Fatal(err)
			}
			type item struct{ text, apiKey string }
			items := make([]item, len(answer.Data.Items))
			for i, text := range answer.Data.Items {
				var head struct {
					APIKey string `json:"api_key"`
				}
				if err := json.Unmarshal(text, &head); err != nil {
					b.Fatal(err)
				}
				items[i] = item{string(text), head.APIKey}
			}
			r := redact.New(nil)
			b.ReportAllocs()
			for b.Loop() {
				for _, it := range items {
					r.RedactEntry(it.text, it.apiKey)
				}
			}
		})
	}
}

func BenchmarkRedact(b *testing.B) {
	chinese := strings.Repeat("请各位同事在本周五之前完成季度安全培训，谢谢。", 8)
	rows := strings.Repeat(`{"record_id":"recqwIwhc6","fields":{"name":"A. Person","score":93,"city":"Berlin"}},`, 64<<10/84)
	rows = `{"records":[` + strings.TrimSuffix(rows, ",") + `]}`
	for _, bm := range []struct {
		name, text string
		masks      int
	}{
		{"clean", entry(sentMessage, answered), 0},
		{"page_token", entry(sentMessage, `{"code":0,"data":{"has_more":true,"page_token":"eVQrYzJBNDNONlk4","items":[`+sentMessage+`]}}`), 0},
		{"secret", entry(`{"app_id":"cli_9f427eec54ae901b","app_secret":"dskLLdkasdjlasdKK"}`, answered), 1},
		{"broken", entry(`{"app_id":"cli_9f427eec54ae901b","app_secret":"dskLLdkasdjlasdKK","text":"cut o`, answered), 1},
		{"chinese", entry(`{"text":"`+chinese+`"}`, answered), 0},
		{"payload 64 KiB", entry(rows, answered), 0},
		{"payload 64 KiB, secret", entry(rows, `{"tenant_access_token":"t-caecc734c2e3328a62489fe0648c4b98779515d3"}`), 1},
		{"payload 64 KiB, secret, broken", entry(rows+`,"app_secret":"dskLLdkasdjlasdKK`, answered), 1},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := redact.New(nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(bm.text)))
			for b.Loop() {
				if _, n := r.Redact(bm.text); n != bm.masks {
					b.Fatalf("%d masks", n)
				}
			}
		})
	}
}
