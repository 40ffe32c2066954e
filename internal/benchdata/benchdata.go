// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package benchdata makes the pages for the benchmarks of this repository.
package benchdata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
)

// Page is an answer of list_data, made when it is requested.
type Page struct {
	Name    string
	Entries int
	payload func(*rand.Rand) string
	tokens  bool // something to mask in each entry
}

// Body is the answer, the same one each time.
func (p Page) Body() []byte {
	r := rand.New(rand.NewPCG(7, 11)) // varied, but the same each time
	entries := make([]string, p.Entries)
	for i := range entries {
		c := calls[r.IntN(len(calls))]
		if p.tokens {
			c = tokenCalls[r.IntN(len(tokenCalls))]
		}
		entries[i] = varied(r, i, c, p.payload(r))
	}
	return Answer(entries...)
}

// Pages are realistic pages of 100 entries, by what is special about their payloads. All entries differ: a
// processor would adapt to a repeated page.
func Pages() []Page {
	return []Page{
		{Name: "small", Entries: 100, payload: few},
		{Name: "typical", Entries: 100, payload: message},
		{Name: "large", Entries: 100, payload: rows(16 << 10)},
		{Name: "chinese", Entries: 100, payload: chinese},
		{Name: "escapes", Entries: 100, payload: escapes},
		{Name: "tokens", Entries: 100, payload: credentials, tokens: true},
	}
}

// Sizes are pages of other sizes: fewer entries, and typical entries whose
// payload is that many bytes.
func Sizes() []Page {
	var pages []Page
	for _, n := range []int{1, 10, 50, 100} {
		pages = append(pages, Page{Name: fmt.Sprintf("entries=%d", n), Entries: n, payload: message})
	}
	for _, size := range []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
		pages = append(pages, Page{Name: fmt.Sprintf("payload=%d", size), Entries: 100, payload: rows(size)})
	}
	return pages
}

// call is an API that entries are about.
type call struct{ method, template, query string }

var calls = []call{
	{"POST", "/open-apis/im/v1/chats/:chat_id/members", `{"member_id_type":"open_id"}`},
	{"POST", "/open-apis/im/v1/messages", `{"receive_id_type":"open_id"}`},
	{"GET", "/open-apis/contact/v3/users/:user_id", `{"user_id_type":"union_id","department_id_type":"open_department_id"}`},
	{"GET", "/open-apis/calendar/v4/calendars/:calendar_id/events", `{"page_size":50}`},
	{"PATCH", "/open-apis/calendar/v4/calendars/:calendar_id/events/:event_id", ``},
	{"DELETE", "/open-apis/task/v2/tasks/:task_guid", `{}`},
}

// tokenCalls have names in them that end like those of credentials.
var tokenCalls = []call{
	{"GET", "/open-apis/drive/v1/files/:file_token/comments", `{"file_type":"docx","page_token":"eVQrYzJBNDNONlk4"}`},
	{"POST", "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records", `{"user_id_type":"open_id"}`},
	{"POST", "/open-apis/auth/v3/app_access_token/internal", ``},
}

// varied is an entry about a call; one call of 25 has failed.
func varied(r *rand.Rand, n int, c call, payload string) string {
	status, response := 200, `{"code":0,"msg":"success"}`
	switch r.IntN(25) {
	case 0:
		status, response = 400, fmt.Sprintf(`{"code":%d,"msg":"%s"}`, 230001+r.IntN(30), words(r, 6))
	case 1, 2:
		response = `{"code":0,"msg":"success","data":{"message_id":"om_` + letters(r, 32) + `"}}`
	case 3:
		status = 0 // like in the official samples
	}
	path := c.template
	for part := range strings.SplitSeq(c.template, "/") {
		if strings.HasPrefix(part, ":") {
			path = strings.Replace(path, part, letters(r, 20+r.IntN(12)), 1)
		}
	}
	return fmt.Sprintf(`{"id":"%d","api_key":"%s","event_time":%d,"app_id":"cli_%s","ip":"203.0.113.%d",`+
		`"log_detail":{"path":"%s","method":"%s","query_param":%s,"payload":%s,"status_code":%d,"response":%s}}`,
		7e15+r.Int64N(1e15), c.method+c.template, EventTime+int64(n), letters(r, 16), r.IntN(256), path, c.method, quote(c.query), quote(payload), status, quote(response))
}

// few are payloads of calls that send hardly anything.
func few(r *rand.Rand) string {
	return [...]string{`{}`, ``, fmt.Sprintf(`{"page_size":%d}`, 10*(1+r.IntN(10)))}[r.IntN(3)]
}

func message(r *rand.Rand) string {
	return `{"receive_id":"ou_` + letters(r, 35) + `","msg_type":"text","content":` + quote(`{"text":"`+words(r, 3+r.IntN(5))+`"}`) + `,"uuid":"` + letters(r, 36) + `"}`
}

// rows makes payloads of about that many bytes: the rows of a table.
func rows(size int) func(r *rand.Rand) string {
	return func(r *rand.Rand) string {
		var b strings.Builder
		b.WriteString(`{"records":[`)
		for b.Len() < size-90 || b.Len() < 20 {
			fmt.Fprintf(&b, `{"record_id":"rec%s","fields":{"name":"%s","score":%d,"city":"%s"}},`, letters(r, 7), words(r, 2), r.IntN(1000), words(r, 1))
		}
		return strings.TrimSuffix(b.String(), ",") + `]}`
	}
}

func chinese(r *rand.Rand) string {
	const text = "请各位同事在本周五之前完成季度安全培训谢谢关于新版本发布会议改到下午三点"
	runes := []rune(text)
	var b strings.Builder
	for range 18 + r.IntN(12) {
		for range 4 + r.IntN(12) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		b.WriteString([...]string{"，", "。", "、", " OK "}[r.IntN(4)])
	}
	return `{"msg_type":"text","content":"{\"text\":\"` + b.String() + `\"}"}`
}

func escapes(r *rand.Rand) string {
	var lines, units strings.Builder
	for range 30 + r.IntN(20) {
		lines.WriteString(letters(r, r.IntN(3)) + [...]string{"\t", "\n", "\"", "/"}[r.IntN(4)])
		fmt.Fprintf(&units, `\u%04x\u%04x`, 0x4e00+r.IntN(0x5000), 0x4e00+r.IntN(0x5000))
	}
	return `{"content":` + quote(quote(lines.String())) + `,"text":"` + units.String() + `"}`
}

// credentials are payloads with something to mask.
func credentials(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return `{"app_id":"cli_` + letters(r, 16) + `","app_secret":"` + letters(r, 32) + `"}`
	}
	return `{"page_size":100,"page_token":"` + letters(r, 24) + `","filter":` + quote(`{"name":"`+words(r, 3)+`"}`) + `}`
}

func letters(r *rand.Rand, n int) string {
	const from = "0123456789abcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = from[r.IntN(len(from))]
	}
	return string(b)
}

func words(r *rand.Rand, n int) string {
	from := [...]string{"hello", "the", "build", "is", "green", "meeting", "moved", "to", "Berlin", "please", "review", "quarterly", "A.", "report", "invalid", "parameter"}
	b := make([]string, n)
	for i := range b {
		b[i] = from[r.IntN(len(from))]
	}
	return strings.Join(b, " ")
}

// Answer is an answer of list_data with the given entries, and no more to come.
func Answer(entries ...string) []byte {
	return []byte(`{"code":0,"msg":"success","data":{"items":[` + strings.Join(entries, ",") + `],"page_token":"eVQrYzJBNDNONlk4","has_more":false}}`)
}

// Entry is the n-th entry, whose call sent the payload. Only the payload may contain a secret, as in most
// entries.
func Entry(n int, payload string) string {
	return fmt.Sprintf(`{"id":"74351872%08d","api_key":"POST/open-apis/im/v1/chats/:chat_id/members","event_time":%d,`+
		`"app_id":"cli_9f3ca975326b501b","ip":"203.0.113.%d","log_detail":{"path":"/open-apis/im/v1/chats/oc_5ad11d72b830411d72b836c20/members",`+
		`"method":"POST","query_param":"{\"member_id_type\":\"open_id\"}","payload":%s,"status_code":0,"response":"{\"code\":0,\"msg\":\"success\"}"}}`,
		n, EventTime+int64(n), n%256, quote(payload))
}

// EventTime is the time of the first entry of a page; each entry has a different second.
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

// garbage is how much a benchmark may allocate before it is collected.
const garbage = 32 << 20

// Run measures a way to decode a page, which returns the number of its entries. The way is prepared for the page
// before the clock starts.
//
// In addition to the usual figures it reports the CPU time of the whole process, as cpu-ns/op: on a shared
// machine, wall-clock time includes other processes. Garbage is collected after the same number of bytes for
// every program: by default a program that keeps more memory alive would collect less often. The clock starts
// when that much memory has been used and collected more than once, because using memory for the first time
// costs more than decoding pages into it.
func Run(b *testing.B, page Page, prepare func(body []byte) (decode func(body []byte) (entries int, err error))) {
	b.Run(page.Name, func(b *testing.B) {
		defer debug.SetGCPercent(debug.SetGCPercent(100))
		ballast := make([]byte, garbage) // never used, so it costs nothing
		defer runtime.KeepAlive(ballast)
		runtime.GC()
		body := page.Body()
		decode := prepare(body)
		once := func() {
			if n, err := decode(body); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}
		start := allocated()
		for n := 0; n < 2000 && (n < 100 || allocated()-start < 3*garbage); n++ {
			once()
		}
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		before := cpuTime(b)
		for b.Loop() {
			once()
		}
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	})
}

// allocated is the number of bytes that were allocated since the process began.
func allocated() uint64 {
	total := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(total)
	return total[0].Value.Uint64()
}
