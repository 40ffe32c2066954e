// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// TestRecordBodyIsOriginal: the body is the bytes of the entry. Covers F28.
func TestRecordBodyIsOriginal(t *testing.T) {
	const entry = "{ \"id\" :\t\"\\u0031\", \"a\\/b\": 1.50e+1, \"id\": \"<&>\u2028\",\r\n\"x\": [ ] }"
	record, _ := buildEntry(t, someSettings(), entry)
	require.True(t, entry == record.Body().Str(), record.Body().Str()) //nolint:testifylint // byte for byte, not as JSON
}

func TestRecordBodyStructured(t *testing.T) {
	record, _ := buildEntry(t, someSettings(structured), `{"id":"\u0031","payload":"{\"a\":1}","a":{"b":[true,false,null,1.5,-1e3,1e400,0,""]},"":{}}`)
	require.Equal(t, map[string]any{
		"id": "1", "payload": `{"a":1}`, "": map[string]any{},
		"a": map[string]any{"b": []any{true, false, nil, 1.5, -1000.0, "1e400", int64(0), ""}},
	}, record.Body().Map().AsRaw())

	// Nothing is lost: of two equal keys a map would keep one, and float64 rounds.
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","x":[{"a":1,"b":{},"a":2}],"y":[9007199254740993.0,12345678901234567890,0.1,1.10,0.30000000000000004,12e2,0.0,1e-400]}`)
	require.Equal(t, map[string]any{
		"id": "1", "x": []any{`{"a":1,"b":{},"a":2}`},
		"y": []any{"9007199254740993.0", "12345678901234567890", 0.1, 1.1, 0.30000000000000004, 1200.0, 0.0, "1e-400"},
	}, record.Body().Map().AsRaw())
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","a":1,"a":2}`)
	require.Equal(t, map[string]any{"text": `{"id":"1","a":1,"a":2}`}, map[string]any{"text": record.Body().Str()}) // not JSONEq: both

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

	all, want := []string{}, map[string]any{}
	for i := range maxBodyMembers {
		all = append(all, fmt.Sprintf(`"a%d":0`, i))
		want[fmt.Sprint("a", i)] = int64(0)
	}
	members := strings.Join(all, ",")
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","x":{`+members+`},"y":[{`+members+`,"c":0}]}`)
	require.Equal(t, map[string]any{
		"id": "1", "x": want, "y": []any{`{` + members + `,"c":0}`},
	}, record.Body().Map().AsRaw())

	deep := strings.Repeat(`[`, 1<<20) + strings.Repeat(`]`, 1<<20)
	record, _ = buildEntry(t, someSettings(structured), `{"id":"1","x":`+deep+`}`)
	require.Equal(t, pcommon.ValueTypeMap, record.Body().Type())
}

// A few entries of a page must not keep the whole page in memory.
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
