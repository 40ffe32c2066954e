// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// FuzzRecord: every item of a page becomes exactly one record, in any form; the record has its id and a body,
// and OTLP can encode it.
func FuzzRecord(f *testing.F) {
	for _, entry := range []string{
		benchdata.Entry(1, `{"app_secret":"hunter2"}`),
		`{"id":9007199254740993,"event_time":"1610613336","log_detail":{"response":{"code":"5","msg":"x"}}}`,
		"{\"id\":\"\xff\",\"api_key\":\"\\ud800\",\"log_detail\":{\"method\":\"\xed\xa0\x80\",\"response\":\"{\\\"code\\\":1\"}}",
		`{"a":{"b":[[[1e400,-0,18446744073709551616]]]},"password":{"x":[1,true,null]}}`,
		"{\"id\":1,\"\xff\":1}", `{"ID":1,"id":2,"Id":3,"id":4,"a b" :5,"\u0069d":6}`, `{"id":1,"log_detail":{"Path":"a","path":"b","PATH":"c"},"log_detail":{"method":"x"}}`,
		`""`, `null`, `[[]]`, `-0`,
	} {
		f.Add([]byte(entry))
	}
	var builders []*Builder
	for _, structured := range []bool{false, true} {
		for _, redact := range []bool{true, false} {
			builders = append(builders, NewBuilder(Settings{Endpoint: "https://open.feishu.cn", AppID: "cli_x", Version: "1.2.3", Structured: structured, Redact: redact}))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := entry.ParsePage(benchdata.Answer(string(raw), `{"id":"other","x":1}`, string(raw), string(raw)))
		if err != nil {
			return
		}
		if len(p.Entries) == 4 {
			// The keys of the first entry were not known; those of the last one are.
			require.Equal(t, p.Entries[0], p.Entries[2])
			require.Equal(t, p.Entries[0], p.Entries[3])
		}
		items := make([]*entry.Entry, len(p.Entries))
		for i := range p.Entries {
			items[i] = &p.Entries[i]
		}
		for _, b := range builders {
			for _, some := range [][]*entry.Entry{items, items[:min(1, len(items))]} {
				logs, stats := b.Build(some, time.Unix(1610613400, 0))
				require.Equal(t, len(some), logs.LogRecordCount())
				require.LessOrEqual(t, stats.Malformed, len(some))
				for i, it := range some {
					record := recordsOf(logs).At(i)
					uid, _ := record.Attributes().Get("log.record.uid")
					require.Equal(t, it.UID(), uid.Str())
					require.NotEmpty(t, uid.Str())
					require.NotEmpty(t, record.Body().AsString())
					require.NotEqual(t, pcommon.ValueTypeEmpty, record.Body().Type())
					requireUTF8(t, record.Body())
					for name, value := range record.Attributes().All() {
						require.NotEmpty(t, value.AsString(), name)
						require.LessOrEqual(t, len(value.AsString()), entry.MaxAttribute, name)
						requireUTF8(t, value)
					}
					if _, ok := it.EventTime(); !ok {
						require.Zero(t, record.Timestamp())
					}
					_, failed := record.Attributes().Get("error.type")
					require.Equal(t, failed, record.SeverityNumber() == plog.SeverityNumberWarn)
					if !b.structured && b.redactor == nil {
						require.Equal(t, entry.ValidUTF8(it.Raw()), record.Body().Str())
					}
				}
			}
		}
	})
}

func requireUTF8(t *testing.T, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		require.True(t, utf8.ValidString(v.Str()), "%q", v.Str())
	case pcommon.ValueTypeMap:
		for name, value := range v.Map().All() {
			require.True(t, utf8.ValidString(name), "%q", name)
			requireUTF8(t, value)
		}
	case pcommon.ValueTypeSlice:
		for _, value := range v.Slice().All() {
			requireUTF8(t, value)
		}
	}
}
