// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

func TestParsePage(t *testing.T) {
	type want struct {
		code      int64
		hasCode   bool
		hasMore   bool
		pageToken string
		ids       []string
	}
	for _, tt := range []struct {
		body string
		want want
	}{
		// Not an answer of the Open API:
		{body: `{}`},
		{body: `[]`},
		{body: ` "code" `},
		{body: `null`},
		{body: `{"msg":"success"}`},
		{body: `{"code":null}`},
		{body: `{"code":"ok"}`},
		{body: `{"code":""}`},
		{body: `{"code":true}`},
		{body: `{"code":1.5}`},
		{body: `{"code":9223372036854775808}`},
		{body: `{"code":0,"code":null}`},

		// Failures.
		{body: `{"code":99991663,"msg":"Invalid access token","error":{"log_id":"x"}}`, want: want{code: 99991663, hasCode: true}},
		{body: `{"code":10003,"data":{},"msg":"invalid param"}`, want: want{code: 10003, hasCode: true}},
		{body: `{"code":1780001,"data":""}`, want: want{code: 1780001, hasCode: true}},
		{body: `{"code":"99991663"}`, want: want{code: 99991663, hasCode: true}},
		{body: `{"code":-1,"data":{"items":{}}}`, want: want{code: -1, hasCode: true}},

		// Empty pages.
		{body: `{"code":0}`, want: want{hasCode: true}},
		{body: `{"code":0.0}`, want: want{hasCode: true}},
		{body: `{"code":"0"}`, want: want{hasCode: true}},
		{body: `{"code":" 0.0 "}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":null}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":{}}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":{"items":null,"has_more":null,"page_token":null}}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":{"items":[],"has_more":false,"page_token":""}}`, want: want{hasCode: true}},

		{body: `{"code":0,"data":[ ]}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":""}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":{"items":{},"has_more":false}}`, want: want{hasCode: true}},
		{body: `{"code":0,"data":{"items":"","has_more":false}}`, want: want{hasCode: true}},

		// Successes in a form that may hide entries:
		{body: `{"code":0,"data":[{"items":[{"id":"1"}]}]}`},
		{body: `{"code":0,"data":{"items":"[]"}}`},
		{body: `{"code":0,"data":"{}"}`},
		{body: `{"data":{"items":{"0":{"id":"1"}}},"code":0}`},
		{body: `{"code":0,"data":{"has_more":"perhaps"}}`},
		{body: `{"code":0,"data":{"has_more":[true]}}`},
		{body: `{"code":0,"data":{"page_token":{}}}`},

		// It is not known which of the members counts:
		{body: `{"code":0,"data":{"items":[{"id":"1"}],"items":[]}}`, want: want{ids: []string{"1"}}},
		{body: `{"code":0,"data":{"items":[{"id":"1"}],"Items":[{"id":"2"}]}}`, want: want{ids: []string{"1"}}},
		{body: `{"code":0,"data":{"Items":null,"items":[]}}`},
		{body: `{"code":0,"data":{"has_more":true,"has_more":false}}`},
		{body: `{"code":0,"data":{"page_token":"a","has_more":true,"page_token":"b"}}`, want: want{hasMore: true, pageToken: "b"}},
		{body: `{"code":0,"data":{"items":[{"id":"1"}],"has_more":true,"page_token":"t"},"data":{}}`, want: want{hasMore: true, pageToken: "t", ids: []string{"1"}}},
		{body: `{"code":0,"code":0}`},
		{body: `{"code":5,"CODE":0,"code":0}`},

		// Entries.
		{
			body: ` { "data" : { "has_more" : true , "page_token" : "a\/b\u003d" , "items" : [ { "id" : "1" } , { "id" : 2 } ] } , "code" : 0 } `,
			want: want{hasCode: true, hasMore: true, pageToken: "a/b=", ids: []string{"1", "2"}},
		},
		{body: `{"code":0,"data":{"has_more":"true","page_token":17}}`, want: want{hasCode: true, hasMore: true, pageToken: "17"}},
		{body: `{"code":0,"data":{"has_more":1}}`, want: want{hasCode: true, hasMore: true}},
		{body: `{"code":0,"data":{"has_more":"","items":[{"id":9007199254740993}]}}`, want: want{hasCode: true, ids: []string{"9007199254740993"}}},

		// Names.
		{body: `{"Code":0,"DATA":{"Items":[{"ID":"1"}],"Has_More":true,"pAGE_tOKEN":"t"}}`, want: want{hasCode: true, hasMore: true, pageToken: "t", ids: []string{"1"}}},
		{body: `{"code":7,"CODE":5,"Code":6}`, want: want{code: 7, hasCode: true}},
		{body: `{"CODE":5,"code":7,"Code":6}`, want: want{code: 7, hasCode: true}},
		{body: `{"CODE":5,"Code":6}`, want: want{code: 6, hasCode: true}},
		{body: `{"code":5,"code":6}`, want: want{code: 6, hasCode: true}},
		{body: `{"\u0063ode":0,"dat\u0061":{"items":[{"id":"1"},{"id":"2"}]}}`, want: want{hasCode: true, ids: []string{"1", "2"}}},
	} {
		p, err := ParsePage([]byte(tt.body))
		require.NoError(t, err, tt.body)
		got := want{hasCode: p.HasCode, hasMore: p.HasMore, pageToken: p.PageToken}
		if p.HasCode {
			got.code = p.Code
		}
		for i := range p.Entries {
			got.ids = append(got.ids, p.Entries[i].UID())
		}
		require.Equal(t, tt.want, got, tt.body)
	}
}

// The body may contain secrets, and the error is logged.
func TestParsePageErrors(t *testing.T) {
	for _, body := range []string{
		``, `{"code":0,"data":{"items":[{"payload":"hunter2`, `{"code":0,"data":{"items":[{"id":hunter2}]}}`, `{"code":0} hunter2`,
		`{"hunter2":}`, `<html>hunter2</html>`, "{\"code\":0,\"msg\":\"hunter2\n\"}", `[hunter2]`,
	} {
		p, err := ParsePage([]byte(body))
		require.Nil(t, p, body)
		var syntax *jsontext.SyntaxError
		require.ErrorAs(t, err, &syntax, body)
		require.LessOrEqual(t, syntax.Offset, len(body))
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestParsePageDeepNesting(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 1<<19) + strings.Repeat(`]}`, 1<<19)
	p, err := ParsePage([]byte(`{"x":` + deep + `,"code":0,"data":{"y":` + deep + `,"items":[{"id":"1","log_detail":` + deep + `},` + deep + `]}}`))
	require.NoError(t, err)
	require.True(t, p.HasCode)
	require.Len(t, p.Entries, 2)
	require.Equal(t, "1", p.Entries[0].UID())
}

// TestParsePageTooManyEntries: an answer with tiny entries must not take a hundred times its size in memory.
// Covers F25.
func TestParsePageTooManyEntries(t *testing.T) {
	p, err := ParsePage(benchdata.Answer(strings.Split(strings.Repeat("1,", maxPageEntries-1)+"1", ",")...))
	require.NoError(t, err)
	require.Len(t, p.Entries, maxPageEntries)
	body := benchdata.Answer(strings.Split(strings.Repeat("1,", 16*maxPageEntries)+"1", ",")...)
	allocated := allocatedBy(func() { _, err = ParsePage(body) })
	require.EqualError(t, err, "a page of more than 131072 entries")
	require.Less(t, allocated, uint64(200<<20))
}

// The body belongs to the caller, who may reuse it for the next answer.
func TestParsePageCopiesBody(t *testing.T) {
	body := benchdata.Answer(benchdata.Entry(1, "{}"))
	p, err := ParsePage(body)
	require.NoError(t, err)
	want := p.Entries[0].Raw()
	want = strings.Clone(want)
	clear(body)
	require.Equal(t, want, p.Entries[0].Raw())
	require.Equal(t, "eVQrYzJBNDNONlk4", p.PageToken)
}

// TestItemUID: every entry has an id, the same each time it is read. Covers F27.
func TestItemUID(t *testing.T) {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "sha256:" + hex.EncodeToString(sum[:])[:32]
	}
	for text, want := range map[string]string{
		`{"id":"10000"}`:                         "10000",
		`{"id":10000}`:                           "10000",
		`{"id":9007199254740993}`:                "9007199254740993",
		`{"id":-123456789012345678901234567890}`: "-123456789012345678901234567890",
		`{"id":"\u4f60 \"x\""}`:                  `你 "x"`,
		"{\"id\":\"\xff\xfe\"}":                  "\uFFFD\uFFFD",
		`{"id":"1","id":"2"}`:                    "2",
		`{"ID":"1","id":"2","Id":"3"}`:           "2",
		`{"ID":"1","Id":"3"}`:                    "3",
		`{"id":""}`:                              hash(`{"id":""}`),
		`{"id":null, "x":1}`:                     hash(`{"id":null,"x":1}`),
		`{"id":true}`:                            hash(`{"id":true}`),
		`{"id":{}}`:                              hash(`{"id":{}}`),
		`{"id":["1"]}`:                           hash(`{"id":["1"]}`),
		`{"id":"00"}`:                            hash(`{"id":"00"}`),
		`{"id":"100"}`:                           "100",
		`{"id":"-1x"}`:                           "-1x",
		`{"id":"nullable"}`:                      "nullable",
		`{"id":"cafe-0"}`:                        "cafe-0",
		`{"log_detail":{"id":"inside"}}`:         hash(`{"log_detail":{"id":"inside"}}`),
		`{}`:                                     hash(`{}`),
		`null`:                                   hash(`null`),
		`"id"`:                                   hash(`"id"`),
		`{"x":"` + strings.Repeat("y", 100) + `"}`: hash(`{"x":"` + strings.Repeat("y", 100) + `"}`),
	} {
		// White space around an entry is not part of it.
		p, err := ParsePage([]byte(`{"code":0,"data":{"items":[ ` + text + "\n]}}"))
		require.NoError(t, err, text)
		require.Len(t, p.Entries, 1)
		require.Equal(t, text, p.Entries[0].Raw())
		require.Equal(t, want, p.Entries[0].UID(), text)
	}
}

// TestPlaceholderIDs: a placeholder for a missing id is not an id. Covers F46.
func TestPlaceholderIDs(t *testing.T) {
	for _, id := range []string{
		`0`, `0.0`, `-1`, `-0`, `"0"`, `"0.0"`, `"000"`, `""`, `" "`, `"\t"`, `"　"`, `"-"`, `"--"`, `"—"`, `"_"`, `"?"`, `"."`, `"null"`, `"NULL"`, `"<nil>"`, `"(none)"`, `" undefined "`, `"N/A"`,
		`"-1"`, `"NaN"`, `"{}"`, `"[]"`, `"00000000-0000-0000-0000-000000000000"`, `null`, `true`, `{}`,
	} {
		uids := map[string]bool{}
		for _, rest := range []string{`"app_id":"cli_a"`, `"app_id":"cli_b"`} {
			p, err := ParsePage([]byte(`{"code":0,"data":{"items":[{"id":` + id + `,` + rest + `}]}}`))
			require.NoError(t, err)
			require.Regexp(t, "^sha256:[0-9a-f]{32}$", p.Entries[0].UID(), id)
			uids[p.Entries[0].UID()] = true
		}
		require.Len(t, uids, 2, id)
	}
}

// TestOrderOfMembers: an entry without an id is the same one with any order of its members, and a different one
// if anything else differs. Covers F46.
func TestOrderOfMembers(t *testing.T) {
	uid := func(text string) string {
		p, err := ParsePage([]byte(`{"code":0,"data":{"items":[` + text + `]}}`))
		require.NoError(t, err, text)
		return p.Entries[0].UID()
	}
	one := uid(`{"app_id":"a","tags":[1,{"x":1,"y":2}],"log_detail":{"path":"/p","method":"GET"}}`)
	for _, same := range []string{
		`{"log_detail":{"method":"GET","path":"/p"},"tags":[1,{"y":2,"x":1}],"app_id":"a"}`,
		`{"tags": [1, {"x": 1, "y": 2}], "log_detail": {"path": "/p", "method": "GET"}, "app_id": "a"}`,
	} {
		require.Equal(t, one, uid(same), same)
	}
	for _, other := range []string{
		`{"app_id":"a","tags":[{"x":1,"y":2},1],"log_detail":{"path":"/p","method":"GET"}}`,
		`{"app_id":"a","tags":[1,{"x":2,"y":1}],"log_detail":{"path":"/p","method":"GET"}}`,
		`{"app_id":"a","tags":[1,{"x":1,"y":2}],"log_detail":{"path":"GET","method":"/p"}}`,
		`{"app_id":"a","tags":[1,{"x":1,"y":2}],"path":"/p","method":"GET"}`,
	} {
		require.NotEqual(t, one, uid(other), other)
	}
	require.NotEqual(t, uid(`{"a":1,"a":2}`), uid(`{"a":2,"a":1}`), "the last one counts")
}

// TestIdentity: which entries are the same. Covers F46.
func TestIdentity(t *testing.T) {
	identity := func(text string) string {
		p, err := ParsePage([]byte(`{"code":0,"data":{"items":[` + text + `]}}`))
		require.NoError(t, err, text)
		return p.Entries[0].Identity()
	}
	one := identity(`{"id":"1","event_time":1700000000,"app_id":"cli_a","api_key":"GET/a"}`)
	for _, same := range []string{
		`{"api_key":"GET/a","app_id":"cli_a","event_time":1700000000,"id":"1"}`,
		`{"id":1,"event_time":1700000000,"app_id":"cli_a","api_key":"GET/a"}`,
		`{"id":"1","event_time":"1700000000","app_id":"cli_\u0061","api_key":"GET\/a"}`,
		`{"id":"1","event_time":1.7e9,"app_id":"cli_a","api_key":"GET/a","ip":"10.0.0.1"}`,
		`{"ID":"1","Event_Time":1700000000,"app_id":"cli_a","api_key":"GET/a","log_detail":{"status_code":200,"response":"{}"}}`,
	} {
		require.Equal(t, one, identity(same), same)
	}
	for _, other := range []string{
		`{"id":"2","event_time":1700000000,"app_id":"cli_a","api_key":"GET/a"}`,
		`{"id":"1","event_time":1700000001,"app_id":"cli_a","api_key":"GET/a"}`,
		`{"id":"1","event_time":"soon","app_id":"cli_a","api_key":"GET/a"}`,
		`{"id":"1","event_time":1700000000,"app_id":"cli_b","api_key":"GET/a"}`,
		`{"id":"1","event_time":1700000000,"app_id":"cli_a","api_key":"GET/b"}`,
		`{"id":"1","event_time":1700000000,"api_key":"GET/a"}`,
		`{"id":"1","event_time":1700000000,"app_id":"GET/a","api_key":"cli_a"}`,
	} {
		require.NotEqual(t, one, identity(other), other)
	}
	require.NotEqual(t, identity(`{"id":"1","event_time":"soon"}`), identity(`{"id":"1","event_time":"later"}`))
	require.Equal(t, identity(`{"id":"1","ip":"10.0.0.1"}`), identity(`{ "ip":"10.0.0.1", "id":"1"}`), "without a time")
	require.NotEqual(t, identity(`{"id":"1","ip":"10.0.0.1"}`), identity(`{"id":"1","ip":"10.0.0.2"}`), "without a time")
}

func TestParseInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "0e5": 0, "-0.0e-5": 0, "1": 1, "-1": -1, "007": 7,
		"9007199254740993": 9007199254740993, "9007199254740993.0": 9007199254740993, "900719925474099.3e1": 9007199254740993, "90071992547409930e-1": 9007199254740993,
		"9223372036854775807": 9223372036854775807, "-9223372036854775808": -9223372036854775808, "9223372036854775807.000": 9223372036854775807,
		"1e3": 1000, "1E+3": 1000, "1.5e1": 15, "1.50e1": 15, "1000e-3": 1, "1e18": 1e18, "-12.34e2": -1234,
	} {
		got, ok := ParseInteger(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "-", "+1", " 1", "1 ", "1.5", "1e-1", "1.05e1", "9223372036854775808", "-9223372036854775809", "9223372036854775807.5", "9223372036854775808.0",
		"1e19", "1e400", "1e999999999", "1e99999999999999999999", "1e-99999999999999999999", "1e", "e1", "1e1.5", "1e1e1", "0x10", "1_000", "1,5", "١", "NaN", "Inf", "true", "\x00",
	} {
		_, ok := ParseInteger(text)
		require.False(t, ok, text)
	}
}

// allocatedBy returns how many bytes f allocates, including garbage.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
