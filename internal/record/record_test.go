// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

var updateGolden = flag.Bool("update", false, "write the golden files of testdata/records anew")

// goldens is where the golden files lie.
var goldens = filepath.Join("..", "..", "testdata", "records")

var observedAt = time.Unix(1610613400, 123456789)

// someSettings are those of a builder in these tests.
func someSettings(change ...func(*Settings)) Settings {
	set := Settings{Endpoint: "https://open.feishu.cn", AppID: "cli_reader", Version: "1.2.3", Redact: true}
	for _, c := range change {
		c(&set)
	}
	return set
}

func structured(set *Settings) { set.Structured = true }

// bodies are the two forms of a body, by the value of the configuration's key.
var bodies = map[string]func(*Settings){"original": func(*Settings) {}, "structured": structured}

func buildAnswer(t *testing.T, set Settings, body []byte) (plog.Logs, Stats) {
	t.Helper()
	p, err := entry.ParsePage(body)
	require.NoError(t, err)
	require.True(t, p.HasCode)
	items := make([]*entry.Entry, len(p.Entries))
	for i := range p.Entries {
		items[i] = &p.Entries[i]
	}
	return NewBuilder(set).Build(items, observedAt)
}

func recordsOf(logs plog.Logs) plog.LogRecordSlice {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
}

// buildEntry makes the one record of an entry.
func buildEntry(t *testing.T, set Settings, entry string) (plog.LogRecord, Stats) {
	t.Helper()
	logs, stats := buildAnswer(t, set, answerOf(entry))
	require.Equal(t, 1, logs.LogRecordCount())
	return recordsOf(logs).At(0), stats
}

// attributesOf is an entry's attributes but for its id.
func attributesOf(t *testing.T, entry string) map[string]any {
	t.Helper()
	record, _ := buildEntry(t, someSettings(), entry)
	attrs := record.Attributes().AsRaw()
	delete(attrs, "log.record.uid")
	return attrs
}

// The golden files are what the answers beside them become: the sample of the
// official page as it stands there, entries as they should be, and odd ones.
func TestRecordsGolden(t *testing.T) {
	for _, name := range []string{"official_sample", "good", "odd"} {
		for form, body := range bodies {
			t.Run(name+"/"+form, func(t *testing.T) {
				answer, err := os.ReadFile(filepath.Join(goldens, name+".json"))
				require.NoError(t, err)
				got, _ := buildAnswer(t, someSettings(body), answer)

				path := filepath.Join(goldens, name+"."+form+".yaml")
				if *updateGolden {
					require.NoError(t, golden.WriteLogsToFile(path, got))
				}
				want, err := golden.ReadLogs(path)
				require.NoError(t, err)
				require.NoError(t, plogtest.CompareLogs(want, got))
				// plogtest leaves out the event name and the scope's attributes.
				var marshal plog.JSONMarshaler
				wantJSON, err := marshal.MarshalLogs(want)
				require.NoError(t, err)
				gotJSON, err := marshal.MarshalLogs(got)
				require.NoError(t, err)
				require.JSONEq(t, string(wantJSON), string(gotJSON))
			})
		}
	}
}

// TestRecordModel: docs/record-model.md has every attribute that records have, and
// says rightly which of them are OpenTelemetry's semantic conventions.
func TestRecordModel(t *testing.T) {
	const odd = `{"id":"1","api_key":"X/open-apis/x","app_id":"cli_a","ip":"192.0.2.1","event_time":"soon",` +
		`"log_detail":{"method":"X","path":"/x","status_code":500,"response":"{\"code\":1,\"msg\":\"m\"}"}}`
	logs, _ := buildAnswer(t, someSettings(), answerOf(odd))
	var names []string
	for _, attributes := range []pcommon.Map{recordsOf(logs).At(0).Attributes(), logs.ResourceLogs().At(0).Resource().Attributes()} {
		for name := range attributes.All() {
			names = append(names, name)
		}
	}
	conventions := []string{"-"}
	for _, key := range []attribute.Key{
		semconv.LogRecordUIDKey, semconv.ClientAddressKey, semconv.HTTPRequestMethodKey, semconv.HTTPRequestMethodOriginalKey, semconv.URLPathKey,
		semconv.URLTemplateKey, semconv.HTTPResponseStatusCodeKey, semconv.ErrorTypeKey, semconv.ServiceNameKey, semconv.ServerAddressKey,
	} {
		conventions = append(conventions, string(key))
	}
	page, err := os.ReadFile("../../docs/record-model.md")
	require.NoError(t, err)
	text, _, _ := strings.Cut(string(page), "What is the same in each")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| (?:Resource )?`([\\w.]+)` \\|[^|]*\\| `?([\\w.-]+)`? \\|").FindAllStringSubmatch(text, -1) {
		documented = append(documented, row[1])
		require.Contains(t, conventions, row[2])
		require.Equal(t, strings.HasPrefix(row[1], "feishu."), row[2] == "-", row[1])
		if row[2] != "-" {
			require.Equal(t, row[1], row[2])
		}
	}
	require.ElementsMatch(t, names, documented)
}

func TestRecordResource(t *testing.T) {
	for endpoint, want := range map[string][2]string{
		"https://open.feishu.cn":          {"feishu", "open.feishu.cn"},
		"https://open.larksuite.com":      {"lark", "open.larksuite.com"},
		"https://Open.LarkSuite.com:8443": {"lark", "Open.LarkSuite.com"},
		"https://open.larksuite.com.cn":   {"feishu", "open.larksuite.com.cn"},
		"https://notlarksuite.com":        {"feishu", "notlarksuite.com"},
		"https://feishu.corp.example/api": {"feishu", "feishu.corp.example"},
		"http://[::1]:8080":               {"feishu", "::1"},
	} {
		set := someSettings(func(set *Settings) { set.Endpoint = endpoint })
		logs, _ := buildAnswer(t, set, answerOf(`{"id":"1"}`))
		require.Equal(t, 1, logs.ResourceLogs().Len())
		rl := logs.ResourceLogs().At(0)
		require.Equal(t, map[string]any{
			"service.name": want[0], "server.address": want[1], "feishu.credential.app_id": "cli_reader",
		}, rl.Resource().Attributes().AsRaw())
		require.Equal(t, 1, rl.ScopeLogs().Len())
		require.Equal(t, "github.com/feishuaudit/feishuauditreceiver", rl.ScopeLogs().At(0).Scope().Name())
		require.Equal(t, "1.2.3", rl.ScopeLogs().At(0).Scope().Version())
	}
}

// TestRecordTime: the timestamp is the time of the event. Covers F27.
func TestRecordTime(t *testing.T) {
	for eventTime, want := range map[string]pcommon.Timestamp{
		`1610613336`: 1610613336e9, `"1610613336"`: 1610613336e9, `1610613336.0`: 1610613336e9, `16106133360e-1`: 1610613336e9, `1.610613336e9`: 1610613336e9,
		`0`: 0, `1`: 1e9,
		`18446744073`:   18446744073e9, // the last one of a timestamp, in 2554
		`18446744073.0`: 18446744073e9,
	} {
		record, stats := buildEntry(t, someSettings(), `{"id":"1","event_time":`+eventTime+`}`)
		require.Equal(t, want, record.Timestamp(), eventTime)
		require.Equal(t, pcommon.NewTimestampFromTime(observedAt), record.ObservedTimestamp())
		require.Zero(t, stats.Malformed, eventTime)
	}
	for _, eventTime := range []string{
		`18446744074`, `1610613336000`, `9223372036854775807`, `-9223372036854775808`, `9223372036854775808`, `-1`, `"-1"`,
		`1610613336.5`, `"soon"`, `" 1610613336"`, `"2021-01-14T08:35:36Z"`, `true`, `{}`, `[]`, `[1610613336]`,
	} {
		record, stats := buildEntry(t, someSettings(), `{"id":"1","event_time":`+eventTime+`}`)
		require.Zero(t, record.Timestamp(), eventTime)
		require.Equal(t, 1, stats.Malformed, eventTime)
	}
	for _, entry := range []string{`{"id":"1"}`, `{"id":"1","event_time":null}`, `{"id":"1","event_time":""}`} {
		record, stats := buildEntry(t, someSettings(), entry)
		require.Zero(t, record.Timestamp(), entry)
		require.Zero(t, stats.Malformed, entry)
	}
}

func TestRecordMalformed(t *testing.T) {
	for entry, want := range map[string]bool{
		`{}`: false, `{"id":null,"api_key":"","ip":null,"app_id":"","log_detail":null}`: false, `{"id":"1","log_detail":""}`: false,
		`{"id":"1","log_detail":{}}`: false, `{"id":1,"app_id":2}`: false, `{"id":"1","unknown":[{}]}`: false, `{"id":"1","log_detail":{"payload":{},"query_param":7}}`: false,
		`{"id":"1","log_detail":{"status_code":"200","response":{"code":"x"}}}`: false, `{"id":"1","log_detail":{"response":"broken"}}`: false,
		`{"id":"1","log_detail":"x","log_detail":{}}`: false, `{"id":"1","ip":{},"ip":"203.0.113.7"}`: false,

		`""`: true, `"x"`: true, `7`: true, `null`: true, `[]`: true, `[{}]`: true, `false`: true,
		`{"id":true}`: true, `{"id":{}}`: true, `{"api_key":[]}`: true, `{"app_id":false}`: true, `{"ip":{}}`: true,
		`{"log_detail":"{}"}`: true, `{"log_detail":[]}`: true, `{"log_detail":0}`: true, `{"log_detail":{},"log_detail":[]}`: true,
		`{"log_detail":{"path":{}}}`: true, `{"log_detail":{"method":[]}}`: true, `{"log_detail":{"response":0}}`: true, `{"log_detail":{"response":[]}}`: true,
		`{"log_detail":{"status_code":"OK"}}`: true, `{"log_detail":{"status_code":200.5}}`: true, `{"log_detail":{"status_code":false}}`: true,
	} {
		record, stats := buildEntry(t, someSettings(), entry)
		_, marked := record.Attributes().Get("feishu.entry.malformed")
		require.Equal(t, want, marked, entry)
		require.Equal(t, want, stats.Malformed == 1, entry)
		require.Equal(t, entry, record.Body().Str())
		uid, ok := record.Attributes().Get("log.record.uid")
		require.True(t, ok && uid.Str() != "", entry)
	}
}

func TestRecordMethod(t *testing.T) {
	for _, method := range []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"} {
		for _, sent := range []string{method, strings.ToLower(method), method[:1] + strings.ToLower(method[1:])} {
			require.Equal(t, map[string]any{"http.request.method": method}, attributesOf(t, `{"log_detail":{"method":"`+sent+`"}}`))
		}
	}
	for _, sent := range []string{"QUERY", "purge", "GET ", "PO\u017fT", "7"} { // U+017F is an s to Unicode's case folding
		require.Equal(t, map[string]any{"http.request.method": "_OTHER", "http.request.method_original": sent},
			attributesOf(t, `{"log_detail":{"method":"`+sent+`"}}`))
	}
}

// api_key and path may name different endpoints, as in the sample for Lark.
func TestRecordURL(t *testing.T) {
	require.Equal(t, map[string]any{"feishu.api_key": "GET/open-apis/a/:id", "url.template": "/open-apis/a/:id"}, attributesOf(t, `{"api_key":"GET/open-apis/a/:id"}`))
	require.Equal(t, map[string]any{"feishu.api_key": "GET"}, attributesOf(t, `{"api_key":"GET"}`))
	require.Equal(t, map[string]any{"url.path": "/open-apis/a/7"}, attributesOf(t, `{"log_detail":{"path":"/open-apis/a/7"}}`))
}

func TestRecordResult(t *testing.T) {
	for detail, want := range map[string]map[string]any{
		`"status_code":0`:      {"feishu.status_code": int64(0)},
		`"status_code":99`:     {"feishu.status_code": int64(99)},
		`"status_code":100`:    {"feishu.status_code": int64(100), "http.response.status_code": int64(100)},
		`"status_code":"200"`:  {"feishu.status_code": int64(200), "http.response.status_code": int64(200)},
		`"status_code":399`:    {"feishu.status_code": int64(399), "http.response.status_code": int64(399)},
		`"status_code":400`:    {"feishu.status_code": int64(400), "http.response.status_code": int64(400), "error.type": "400"},
		`"status_code":5.99e2`: {"feishu.status_code": int64(599), "http.response.status_code": int64(599), "error.type": "599"},
		`"status_code":600`:    {"feishu.status_code": int64(600)},
		`"status_code":-404`:   {"feishu.status_code": int64(-404)},
		`"status_code":""`:     {},

		`"response":"{\"code\": 0, \"msg\": \"ok\"}"`:                                                       {"feishu.response.code": int64(0), "feishu.response.msg": "ok"},
		`"response":"{\"msg\":\"\",\"code\":\"0\"}"`:                                                        {"feishu.response.code": int64(0)},
		`"response":"\n{\"code\":-7}"`:                                                                      {"feishu.response.code": int64(-7), "error.type": "-7"},
		`"response":"{\"code\":9007199254740993}"`:                                                          {"feishu.response.code": int64(9007199254740993), "error.type": "9007199254740993"},
		`"response":"{\"code\":9223372036854775808,\"msg\":12}"`:                                            {"feishu.response.msg": "12"},
		`"response":"{\"code\":null,\"msg\":[]}"`:                                                           {},
		`"response":"{\"CODE\":7,\"Msg\":\"x\"}"`:                                                           {"feishu.response.code": int64(7), "feishu.response.msg": "x", "error.type": "7"},
		`"response":"{\"code\":1,\"code\":0,\"CODE\":2}"`:                                                   {"feishu.response.code": int64(0)},
		`"response":"{\"data\":{\"code\":5,\"msg\":\"inner\"},\"error\":1}"`:                                {},
		`"response":"{\"msg\":\"\\u6210\\\"\\ud83d\\ude00\"}"`:                                              {"feishu.response.msg": `成"😀`},
		`"response":{"code":5,"msg":"x"}`:                                                                   {"feishu.response.code": int64(5), "feishu.response.msg": "x", "error.type": "5"},
		`"response":"{\"msg\":\"x\",\"data\":\"` + strings.Repeat("y", 2*smallResponse) + `\",\"code\":5}"`: {"feishu.response.code": int64(5), "feishu.response.msg": "x", "error.type": "5"},

		// The call failed for the API, whatever the status says.
		`"status_code":200,"response":"{\"code\":5}"`: {"feishu.status_code": int64(200), "http.response.status_code": int64(200), "feishu.response.code": int64(5), "error.type": "5"},
		`"status_code":400,"response":"{\"code\":5}"`: {"feishu.status_code": int64(400), "http.response.status_code": int64(400), "feishu.response.code": int64(5), "error.type": "5"},
		`"status_code":502,"response":"{\"code\":0}"`: {"feishu.status_code": int64(502), "http.response.status_code": int64(502), "feishu.response.code": int64(0), "error.type": "502"},

		// Broken: what stands before the break counts, but a number at the end
		// may have been longer.
		`"response":"{\"code\":7,\"msg\":\"cut of"`:            {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{\"msg\":\"whole\""`:                      {"feishu.response.msg": "whole"},
		`"response":"{\"msg\":\"whole\",\"code\":999"`:         {"feishu.response.msg": "whole"},
		`"response":"{\"msg\":\"whole\",\"code\":999 "`:        {"feishu.response.msg": "whole", "feishu.response.code": int64(999), "error.type": "999"},
		`"response":"{\"code\":7 \"msg\":\"no comma\"}"`:       {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{\"code\":7,\"data\":{\"a\":},\"msg\":1"`: {"feishu.response.code": int64(7), "error.type": "7"},
		`"response":"{'code': 7}"`:                             {},
		`"response":"{"`:                                       {},
		`"response":"[{\"code\":7}]"`:                          {},
		`"response":"<html>502</html>"`:                        {},
		`"response":" "`:                                       {},
	} {
		entry := `{"id":"1","log_detail":{` + detail + `}}`
		require.Equal(t, want, attributesOf(t, entry), entry)
		record, stats := buildEntry(t, someSettings(), entry)
		require.Zero(t, stats.Malformed, entry)
		if _, failed := want["error.type"]; failed {
			require.Equal(t, plog.SeverityNumberWarn, record.SeverityNumber(), entry)
		} else {
			require.Equal(t, plog.SeverityNumberInfo, record.SeverityNumber(), entry)
		}
		require.Empty(t, record.SeverityText())
		require.Equal(t, "feishu.openapi.call", record.EventName())
	}
}

// TestRecordAttributesAreShort: what an entry's caller has sent cannot make the
// attributes of its record larger than what backends take. The body has all of it,
// and the id stays unique. Covers F26.
func TestRecordAttributesAreShort(t *testing.T) {
	long := strings.Repeat("x", entry.MaxAttribute-1) + strings.Repeat("成", 30_000)
	number := strings.Repeat("9", 5000)
	raw := func(id string) string {
		return `{"id":` + id + `,"api_key":"POST/` + long + `","app_id":"` + long + `","ip":` + number + `,` +
			`"log_detail":{"path":"` + long + `","method":"` + long + `","status_code":` + number + `,"response":"{\"code\":7,\"msg\":\"` + long + `\"}"}}`
	}
	for _, redaction := range []bool{true, false} {
		set := someSettings(func(set *Settings) { set.Redact = redaction })
		record, stats := buildEntry(t, set, raw(`"`+long+`1"`))
		require.Equal(t, 1, stats.Malformed, "its status is no status")
		require.Equal(t, raw(`"`+long+`1"`), record.Body().Str())
		size := 0
		for name, value := range record.Attributes().All() {
			text := value.AsString()
			require.LessOrEqual(t, len(text), entry.MaxAttribute, name)
			require.True(t, utf8.ValidString(text), name)
			size += len(name) + len(text)
		}
		require.Less(t, size, 16<<10)
		path, _ := record.Attributes().Get("url.path")
		require.Equal(t, strings.Repeat("x", entry.MaxAttribute-1), path.Str(), "half a character is none")
		msg, _ := record.Attributes().Get("feishu.response.msg")
		require.Equal(t, path.Str(), msg.Str())

		uid := func(id string) string {
			record, _ := buildEntry(t, set, raw(id))
			value, _ := record.Attributes().Get("log.record.uid")
			return value.Str()
		}
		require.Regexp(t, "^sha256:[0-9a-f]{32}$", uid(`"`+long+`1"`))
		require.NotEqual(t, uid(`"`+long+`1"`), uid(`"`+long+`2"`))
		require.Equal(t, uid(number), uid(`"`+number+`"`))
		whole := strings.Repeat("成", entry.MaxAttribute/3)
		require.Equal(t, whole, uid(`"`+whole+`"`))
	}
}

// Integers beyond 2^53 are the ones that float64 would change. Covers F28.
func TestRecordIntegersStayExact(t *testing.T) {
	const entry = `{"id":9007199254740993,"app_id":9007199254740993,"n":[9007199254740993,-9007199254740993,18446744073709551615],` +
		`"log_detail":{"status_code":9007199254740993,"response":"{\"code\":9007199254740993}"}}`
	record, stats := buildEntry(t, someSettings(structured), entry)
	require.Equal(t, Stats{}, stats)
	require.Equal(t, map[string]any{
		"log.record.uid": "9007199254740993", "feishu.app.id": "9007199254740993", "feishu.status_code": int64(9007199254740993),
		"feishu.response.code": int64(9007199254740993), "error.type": "9007199254740993",
	}, record.Attributes().AsRaw())
	require.Equal(t, map[string]any{
		"id": int64(9007199254740993), "app_id": int64(9007199254740993),
		"n":          []any{int64(9007199254740993), int64(-9007199254740993), "18446744073709551615"},
		"log_detail": map[string]any{"status_code": int64(9007199254740993), "response": `{"code":9007199254740993}`},
	}, record.Body().Map().AsRaw())
}

func TestRecordInvalidUTF8(t *testing.T) {
	entry := "{\"id\":\"1\xff\xfe\",\"ip\":\"a\xc3(\",\"log_detail\":{\"path\":\"/\xed\xa0\x80\",\"payload\":\"\x80\",\"response\":\"{\\\"msg\\\":\\\"\xe4\xbd\\\"}\"}}"
	for _, body := range bodies {
		record, stats := buildEntry(t, someSettings(body), entry)
		require.Equal(t, 1, stats.Malformed)
		require.Equal(t, map[string]any{
			"log.record.uid": "1\uFFFD\uFFFD", "client.address": "a\uFFFD(", "url.path": "/\uFFFD\uFFFD\uFFFD", "feishu.response.msg": "\uFFFD\uFFFD", "feishu.entry.malformed": true,
		}, record.Attributes().AsRaw())
		requireUTF8(t, record.Body())
	}
	record, _ := buildEntry(t, someSettings(), entry)
	require.Equal(t, string([]rune(entry)), record.Body().Str())
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

		record, stats = buildEntry(t, someSettings(body, func(set *Settings) { set.Redact = false }), entry)
		require.Zero(t, stats.Redacted)
		require.Equal(t, "/x?access_token=hunter2", record.Attributes().AsRaw()["url.path"])
		require.Contains(t, record.Body().AsString(), "hunter2")
	}

	// What is masked is not malformed, and an entry keeps its id and its time.
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

// TestRecordBodyIsOriginal: the body is the bytes of the entry. Covers F28.
func TestRecordBodyIsOriginal(t *testing.T) {
	const entry = "{ \"id\" :\t\"\\u0031\", \"a\\/b\": 1.50e+1, \"id\": \"<&>\u2028\",\r\n\"x\": [ ] }"
	record, _ := buildEntry(t, someSettings(), entry)
	require.True(t, entry == record.Body().Str(), record.Body().Str()) //nolint:testifylint // byte for byte, not as JSON
}

func TestRecordBodyStructured(t *testing.T) {
	record, _ := buildEntry(t, someSettings(structured), `{"id":"\u0031","payload":"{\"a\":1}","a":1,"a":{"b":[true,false,null,1.5,-1e3,1e400,-0,""]},"":{}}`)
	require.Equal(t, map[string]any{
		"id": "1", "payload": `{"a":1}`, "": map[string]any{},
		"a": map[string]any{"b": []any{true, false, nil, 1.5, -1000.0, "1e400", int64(0), ""}},
	}, record.Body().Map().AsRaw())

	// Never empty, and a map or the text.
	for _, entry := range []string{`{}`, `{ }`, `""`, `"x"`, `null`, `[]`, `[1]`, `0`, `false`} {
		record, _ := buildEntry(t, someSettings(structured), entry)
		require.Equal(t, entry, record.Body().Str())
	}
}

func TestRecordBodyStructuredBounds(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels) + `"end"` + strings.Repeat(`}`, levels)
	}
	record, stats := buildEntry(t, someSettings(structured), nested(maxBodyDepth+2))
	require.Zero(t, stats.Malformed)
	value := record.Body()
	for range maxBodyDepth {
		value, _ = value.Map().Get("a")
	}
	require.Equal(t, nested(2), value.Str())

	record, _ = buildEntry(t, someSettings(structured), nested(maxBodyDepth))
	value = record.Body()
	for range maxBodyDepth {
		value, _ = value.Map().Get("a")
	}
	require.Equal(t, "end", value.Str())

	members := strings.Repeat(`"a":0,`, maxBodyMembers-1) + `"b":0`
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","x":{`+members+`},"y":[{`+members+`,"c":0}]}`)
	require.Equal(t, map[string]any{
		"id": "1", "x": map[string]any{"a": int64(0), "b": int64(0)}, "y": []any{`{` + members + `,"c":0}`},
	}, record.Body().Map().AsRaw())

	deep := strings.Repeat(`[`, 1<<20) + strings.Repeat(`]`, 1<<20)
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","x":`+deep+`}`)
	require.Equal(t, pcommon.ValueTypeMap, record.Body().Type())
}

// A few entries of a page must not keep all of it in memory.
func TestRecordsOfAFewEntriesLetGoOfThePage(t *testing.T) {
	entries := []string{entryOf(1, `{"app_secret":"hunter2"}`), entryOf(2, "{}"), entryOf(3, strings.Repeat("x", 4000)), "\"\xff\"", entryOf(5, `{}`)}
	for _, body := range bodies {
		b := NewBuilder(someSettings(body))
		p, err := entry.ParsePage(answerOf(entries...))
		require.NoError(t, err)
		first, last := &p.Entries[0], &p.Entries[len(p.Entries)-1]
		begin := uintptr(unsafe.Pointer(unsafe.StringData(first.Raw())))
		end := uintptr(unsafe.Pointer(unsafe.StringData(last.Raw()))) + uintptr(len(last.Raw()))
		shared := func(items ...*entry.Entry) (n int) {
			logs, _ := b.Build(items, observedAt)
			for _, record := range recordsOf(logs).All() {
				eachString(record, func(s string) {
					if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at >= begin && at < end {
						n++
					}
				})
			}
			return n
		}
		require.Zero(t, shared(first, &p.Entries[1], &p.Entries[3], last))
		require.NotZero(t, shared(first, &p.Entries[1], &p.Entries[2]))

		want, _ := b.Build([]*entry.Entry{first, &p.Entries[1], &p.Entries[2], &p.Entries[3], last}, observedAt)
		for i := range p.Entries {
			got, _ := b.Build([]*entry.Entry{&p.Entries[i]}, observedAt)
			require.NoError(t, plogtest.CompareLogRecord(recordsOf(want).At(i), recordsOf(got).At(0)))
		}
	}
}

func eachString(record plog.LogRecord, visit func(string)) {
	var walk func(pcommon.Value)
	walk = func(v pcommon.Value) {
		switch v.Type() {
		case pcommon.ValueTypeStr:
			visit(v.Str())
		case pcommon.ValueTypeMap:
			for name, value := range v.Map().All() {
				visit(name)
				walk(value)
			}
		}
	}
	walk(record.Body())
	for _, value := range record.Attributes().All() {
		walk(value)
	}
}

func TestBuildNothing(t *testing.T) {
	logs, stats := NewBuilder(someSettings()).Build(nil, observedAt)
	require.Zero(t, logs.LogRecordCount())
	require.Equal(t, Stats{}, stats)
}

// TestReadPlainResponse holds the short way to read a response against the long one,
// which the space in front leads to.
func TestReadPlainResponse(t *testing.T) {
	plain := 0
	for _, text := range []string{
		`{"code":0,"msg":"success"}`, `{"code":99991663,"msg":"Invalid access token"}`, `{"code":0,"msg":""}`, `{"code":1,"msg":"没有权限"}`,
		`{"code":123456789012345678,"msg":"x"}`, "{\"code\":1,\"msg\":\"\xff\"}", `{"code":1,"msg":"` + strings.Repeat("长", entry.MaxAttribute) + `"}`,
		`{"code":1234567890123456789,"msg":"x"}`, `{"code":12345678901234567890,"msg":"x"}`, `{"code":-1,"msg":"x"}`, `{"code":01,"msg":"x"}`,
		`{"code":1.0,"msg":"x"}`, `{"code":,"msg":"x"}`, `{"code":"1","msg":"x"}`, `{"code":1,"msg":"x","code":2}`, `{"code":1,"msg":"x"} `,
		`{"code":1,"msg":"x"}}`, `{"code":1,"msg":"a\"b"}`, `{"code":1,"msg":"a\\"}`, `{"code":1,"msg":"\u4f60"}`, `{"code":1,"msg":5}`, `{"code":1,"msg":"x`,
		`{"code":1}`, `{"code":1,"msg"`, `{"code":12`, `{"code":1,"msg":"` + "\n" + `"}`, `{"code":1,"msg":"` + "\t", `{`, ``, `"`,
	} {
		field, err := json.Marshal(text)
		require.NoError(t, err)
		for _, field := range []string{string(field), `"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`} {
			if !json.Valid([]byte(field)) {
				continue // a Scanner lets none pass
			}
			got, ok := readPlainResponse(field)
			if !ok {
				require.Zero(t, got, "%s", field)
				continue
			}
			plain++
			want, _ := readResponse(`" `+field[1:], nil)
			require.Equal(t, want, got, "%s", field)
			require.True(t, want.hasCode)
		}
	}
	require.Equal(t, 13, plain)
}
