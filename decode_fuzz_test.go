// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
)

// FuzzParsePage holds parsePage against encoding/json.
func FuzzParsePage(f *testing.F) {
	for _, page := range benchdata.Pages()[:1] {
		f.Add(page.Body()[:2000])
	}
	f.Add(benchdata.Answer(benchdata.Entry(1, `{"a":"b"}`), `{"ID":7}`, `{"id":1e3,"id":null}`, `"x"`))
	f.Add([]byte(`{"code":0,"Data":{"items":[{"id":"\ud83d\ude00"}]},"data":{"Items":[1],"PAGE_TOKEN":"\u0061","page_token":5}}`))
	f.Add([]byte(`{"CODE":-1,"code":12.0,"code":1e1,"data":{"items":[{"id":true},{"id":"a","Id":"b"}],"items":[{"Id":"c","ID":9007199254740993}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := parsePage(body)
		if !json.Valid(body) {
			if err == nil { // accepts what is nested deeper than encoding/json accepts
				require.Greater(t, strings.Count(string(body), "[")+strings.Count(string(body), "{"), 10000)
			}
			return
		}
		require.NoError(t, err)

		answer := oracleObject(body)
		rawCode := oracleMember(answer, "code")
		if i := bytes.IndexAny(rawCode, "eE"); i >= 0 && len(rawCode)-i > 5 {
			return // math/big would write out a number of that size
		}
		if code, ok := oracleNumber(rawCode); ok && p.hasCode {
			require.Equal(t, code.String(), big.NewInt(p.code).String())
		} else {
			require.False(t, ok && code.Sign() != 0)
			require.False(t, p.hasCode && !ok)
		}
		data := oracleObject(oracleMember(answer, "data"))
		if oracleRepeats(answer, "code", "data") || oracleRepeats(data, "items", "has_more", "page_token") {
			require.False(t, p.hasCode && p.code == 0, "it cannot be told which one counts")
			return
		}
		require.Equal(t, oracleText(oracleMember(data, "page_token")), p.pageToken)
		var items []json.RawMessage
		_ = json.Unmarshal(oracleMember(data, "items"), &items)
		require.Len(t, p.items, len(items))
		for i, item := range items {
			require.Equal(t, string(item), p.items[i].raw())
			if id := oracleText(oracleMember(oracleObject(item), "id")); id != "" && len(id) <= maxAttribute {
				require.Equal(t, id, p.items[i].uid())
			} else {
				require.Regexp(t, "^sha256:[0-9a-f]{32}$", p.items[i].uid())
			}
		}
	})
}

// oracleObject is the members of a JSON object, nil of anything else. Of several
// members with one name the last one counts.
func oracleObject(text []byte) (members []namedValue) {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil
		}
		members = append(members, namedValue{name.(string), value})
	}
	return members
}

type namedValue struct {
	name  string
	value json.RawMessage
}

// oracleMember is the last member of that name, or else the last one of that name in
// another case.
func oracleMember(members []namedValue, name string) json.RawMessage {
	var exact, other json.RawMessage
	for _, m := range members {
		switch {
		case m.name == name:
			exact = m.value
		case len(m.name) == len(name) && strings.EqualFold(m.name, name):
			other = m.value
		}
	}
	if exact != nil {
		return exact
	}
	return other
}

// oracleRepeats tells whether one of the names stands there twice, in whatever case.
func oracleRepeats(members []namedValue, names ...string) bool {
	for _, name := range names {
		n := 0
		for _, m := range members {
			if len(m.name) == len(name) && strings.EqualFold(m.name, name) {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

// oracleText is the content of a JSON string, the digits of a number, or empty.
func oracleText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(value, &n) == nil {
		return n.String()
	}
	return ""
}

// oracleNumber is a number, if it is whole and of int64's range.
func oracleNumber(value json.RawMessage) (*big.Int, bool) {
	var n json.Number
	if strings.HasPrefix(string(value), `"`) || json.Unmarshal(value, &n) != nil || n == "" {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return nil, false
	}
	return r.Num(), true
}

// FuzzRecord holds that every item of a page becomes exactly one record, whatever
// it looks like, that the record has its id and a body, and that OTLP can carry it.
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
	var builders []*recordBuilder
	for _, structured := range []bool{false, true} {
		for _, redact := range []bool{true, false} {
			builders = append(builders, newRecordBuilder(recordSettings{Endpoint: "https://open.feishu.cn", AppID: "cli_x", Version: "1.2.3", Structured: structured, Redact: redact}))
		}
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		p, err := parsePage(benchdata.Answer(string(entry), `{"id":"other","x":1}`, string(entry), string(entry)))
		if err != nil {
			return
		}
		if len(p.items) == 4 {
			// The keys of the first entry were not known; those of the last one are.
			require.Equal(t, p.items[0], p.items[2])
			require.Equal(t, p.items[0], p.items[3])
		}
		items := make([]*item, len(p.items))
		for i := range p.items {
			items[i] = &p.items[i]
		}
		for _, b := range builders {
			for _, some := range [][]*item{items, items[:min(1, len(items))]} {
				logs, stats := b.build(some, time.Unix(1610613400, 0))
				require.Equal(t, len(some), logs.LogRecordCount())
				require.LessOrEqual(t, stats.malformed, len(some))
				for i, it := range some {
					record := recordsOf(logs).At(i)
					uid, _ := record.Attributes().Get("log.record.uid")
					require.Equal(t, it.uid(), uid.Str())
					require.NotEmpty(t, uid.Str())
					require.NotEmpty(t, record.Body().AsString())
					require.NotEqual(t, pcommon.ValueTypeEmpty, record.Body().Type())
					requireUTF8(t, record.Body())
					for name, value := range record.Attributes().All() {
						require.NotEmpty(t, value.AsString(), name)
						require.LessOrEqual(t, len(value.AsString()), maxAttribute, name)
						requireUTF8(t, value)
					}
					if _, ok := it.eventTime(); !ok {
						require.Zero(t, record.Timestamp())
					}
					_, failed := record.Attributes().Get("error.type")
					require.Equal(t, failed, record.SeverityNumber() == plog.SeverityNumberWarn)
					if !b.structured && b.redactor == nil {
						require.Equal(t, validUTF8(it.raw()), record.Body().Str())
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
