// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package benchdata makes the pages that benchmarks of this repository read.
package benchdata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// Page is an answer of list_data.
type Page struct {
	Name string
	Body []byte
}

const (
	message = `{"receive_id":"ou_7d8a6e6df7621556ce0d21922b676706ccs","msg_type":"text","content":"{\"text\":\"hello, the build is green\"}","uuid":"a0d69e20-1dd1-458b-k525-dfeca4015204"}`
	row     = `{"record_id":"recqwIwhc6","fields":{"name":"A. Person","score":93,"city":"Berlin"}},`
	chinese = "请各位同事在本周五之前完成季度安全培训，谢谢。"
)

// Pages are realistic pages of 100 entries, by what makes their payloads special.
func Pages() []Page {
	return []Page{
		PageOf("small", 100, `{}`),
		PageOf("typical", 100, message),
		PageOf("large", 100, Rows(16<<10)),
		PageOf("chinese", 100, `{"msg_type":"text","content":"{\"text\":\"`+strings.Repeat(chinese, 12)+`\"}"}`),
		PageOf("escapes", 100, `{"content":`+quote(quote(strings.Repeat("a\tb\n", 40)))+`,"text":"`+strings.Repeat(`\u4f60\u597d`, 40)+`"}`),
	}
}

// Sizes are pages of other sizes: fewer entries, and typical entries whose
// payload is that many bytes.
func Sizes() []Page {
	var pages []Page
	for _, n := range []int{1, 10, 50, 100} {
		pages = append(pages, PageOf(fmt.Sprintf("entries=%d", n), n, message))
	}
	for _, size := range []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		pages = append(pages, PageOf(fmt.Sprintf("payload=%d", size), 100, Rows(size)))
	}
	return pages
}

// Rows is a payload of about that many bytes: the rows of a table.
func Rows(size int) string {
	return `{"records":[` + strings.TrimSuffix(strings.Repeat(row, max(1, size/len(row))), ",") + `]}`
}

// PageOf is a page of n entries whose calls sent the payload.
func PageOf(name string, n int, payload string) Page {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = Entry(i, payload)
	}
	return Page{name, Answer(entries...)}
}

// Answer is an answer of list_data with the given entries, and no more to come.
func Answer(entries ...string) []byte {
	return []byte(`{"code":0,"msg":"success","data":{"items":[` + strings.Join(entries, ",") + `],"page_token":"eVQrYzJBNDNONlk4","has_more":false}}`)
}

// Entry is the n-th entry, whose call sent the payload. There is no secret in it
// but what the payload brings along, as in most entries.
func Entry(n int, payload string) string {
	return fmt.Sprintf(`{"id":"74351872%08d","api_key":"POST/open-apis/im/v1/chats/:chat_id/members","event_time":%d,`+
		`"app_id":"cli_9f3ca975326b501b","ip":"203.0.113.%d","log_detail":{"path":"/open-apis/im/v1/chats/oc_5ad11d72b830411d72b836c20/members",`+
		`"method":"POST","query_param":"{\"member_id_type\":\"open_id\"}","payload":%s,"status_code":0,"response":"{\"code\":0,\"msg\":\"success\"}"}}`,
		n, EventTime+int64(n), n%256, quote(payload))
}

// EventTime is that of the first entry of a page; each has a second of its own.
const EventTime = int64(1610613336)

// quote writes text as a JSON string, with < and > as they are.
func quote(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // strings always marshal
	}
	return strings.TrimSpace(b.String())
}

// Run measures a way to take a page apart, which returns the number of its entries.
// Beside the usual figures it reports the CPU time of the whole process, as
// cpu-ns/op: on a shared machine the time of a clock is also that of others.
func Run(b *testing.B, page Page, decode func(body []byte) (entries int, err error)) {
	b.Run(page.Name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page.Body)))
		before := cpuTime(b)
		for b.Loop() {
			if n, err := decode(page.Body); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	})
}

func cpuTime(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
