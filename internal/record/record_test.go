// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

var updateGolden = flag.Bool("update", false, "write the golden files of testdata/records again")

// goldens is where the golden files lie.
var goldens = filepath.Join("..", "..", "testdata", "records")

var observedAt = time.Unix(1610613400, 123456789)

// someSettings are the settings of a builder in these tests.
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

// attributesOf returns an entry's attributes except its id.
func attributesOf(t *testing.T, entry string) map[string]any {
	t.Helper()
	record, _ := buildEntry(t, someSettings(), entry)
	attrs := record.Attributes().AsRaw()
	delete(attrs, "log.record.uid")
	return attrs
}

// The golden files are the results for the answers next to them: the official sample, regular entries, and odd
// ones.
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

// TestRecordModel: docs/record-model.md has every attribute of records, and is right about which of them are
// OpenTelemetry's semantic conventions.
func TestRecordModel(t *testing.T) {
	const odd = `{"id":"1","api_key":"X/open-apis/x/:x_id/y/:y_id","app_id":"cli_a","ip":"192.0.2.1","event_time":"soon",` +
		`"log_detail":{"method":"X","path":"/open-apis/x/1/y/2","payload":"token=x","status_code":500,"response":"{\"code\":1,\"msg\":\"m\"}"}}`
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
	text, _, _ := strings.Cut(string(page), "These fields have the same value in each")
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

// TestRecordAttributesAreShort: an entry's caller cannot make the attributes of its record larger than backends
// accept. The body has everything, and the id stays unique. Covers F26.
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

// float64 would change integers beyond 2^53. Covers F28.
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

func TestBuildNothing(t *testing.T) {
	logs, stats := NewBuilder(someSettings()).Build(nil, observedAt)
	require.Zero(t, logs.LogRecordCount())
	require.Equal(t, Stats{}, stats)
}
