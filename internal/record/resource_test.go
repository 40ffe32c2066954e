// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vendorAPIs are the api_keys of the vendor's public APIs.
func vendorAPIs(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "testdata", "apis", "api_keys.txt"))
	require.NoError(t, err)
	defer file.Close()
	var keys []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			keys = append(keys, line)
		}
	}
	require.Greater(t, len(keys), 1600)
	return keys
}

// touched are the attributes of the resource that an entry touched.
func touched(t *testing.T, set Settings, entry string) map[string]string {
	t.Helper()
	record, _ := buildEntry(t, set, entry)
	of := map[string]string{}
	for name, value := range record.Attributes().All() {
		if short, ok := strings.CutPrefix(name, "feishu.resource."); ok {
			of[short] = value.Str()
		}
	}
	return of
}

func callOf(apiKey, path, query, payload string) string {
	return fmt.Sprintf(`{"id":"1","api_key":%q,"log_detail":{"path":%q,"query_param":%q,"payload":%q}}`, apiKey, path, query, payload)
}

// TestResourceOfEveryAPI: for all of the vendor's public APIs a call's resource is the last variable of its
// path, and the parent is the one before it, whatever else the path has.
func TestResourceOfEveryAPI(t *testing.T) {
	variable := regexp.MustCompile(`:(\w+)`)
	listed := map[string]bool{}
	for _, apiKey := range vendorAPIs(t) {
		_, template, _ := strings.Cut(apiKey, "/")
		n := 0
		path := "/" + variable.ReplaceAllStringFunc(template, func(string) string { n++; return fmt.Sprintf("value%d", n) })
		names := variable.FindAllStringSubmatch(template, -1)
		fields := resourceFields[apiKey]
		listed[apiKey] = len(fields) > 0
		want := map[string]string{}
		query, payload := "{}", "{}"
		switch {
		case n > 0:
			require.Empty(t, fields, "%s has a variable in its path", apiKey)
			want["type"] = regexp.MustCompile(`_(id|token)$|Token$`).ReplaceAllString(names[n-1][1], "")
			want["id"] = fmt.Sprintf("value%d", n)
			if n > 1 {
				want["parent_id"] = fmt.Sprintf("value%d", n-1)
			}
			if bare := names[n-1][1]; bare == "id" || bare == "token" {
				want["type"] = map[string]string{"permissions": "file", "attachments": "attachment", "files": "file", "categories": "category", "faqs": "faq", "records": "record"}[regexp.MustCompile(`(\w+)/:(id|token)(/|$)`).FindStringSubmatch(template)[1]]
			}
		case len(fields) > 0:
			f := fields[0]
			value := `"oc_value"`
			names := strings.Split(f.name, ".")
			for i, name := range slices.Backward(names) {
				value = fmt.Sprintf(`{%q:%s}`, name, value)
				if i > 0 {
					value = "[" + value + "]"
				}
			}
			if f == inQuery(f.name, f.kind) {
				query = value
			} else {
				payload = value
			}
			want["type"], want["id"] = f.kind, "oc_value"
			if f.kind == "" {
				want["type"] = "chat"
			}
		}
		got := touched(t, someSettings(), callOf(apiKey, path, query, payload))
		assert.Equal(t, want, got, apiKey)
		for _, value := range got {
			assert.NotEmpty(t, value, apiKey)
		}
	}
	for apiKey := range resourceFields {
		if !strings.Contains(apiKey, "/medias/upload_all") && !strings.Contains(apiKey, "/files/upload_all") {
			assert.True(t, listed[apiKey], "%s is none of the vendor's APIs", apiKey)
		}
	}
}

func TestResource(t *testing.T) {
	const (
		members  = "POST/open-apis/drive/v1/permissions/:token/members/:member_id"
		download = "GET/open-apis/drive/v1/files/:file_token/download"
		calendar = "GET/open-apis/calendar/v4/calendars/:calendar_id/events"
		send     = "POST/open-apis/im/v1/messages"
		list     = "GET/open-apis/drive/v1/files"
		metas    = "POST/open-apis/drive/v1/metas/batch_query"
	)
	pair := func(kind, id string) map[string]string { return map[string]string{"type": kind, "id": id} }
	nothing := map[string]string{}
	for _, tt := range []struct {
		name, apiKey, path, query, payload string
		want                               map[string]string
	}{
		{"a pair and its parent", members, "/open-apis/drive/v1/permissions/doccn1/members/ou_2", "", "", map[string]string{"type": "member", "id": "ou_2", "parent_id": "doccn1"}},
		{"a query in the path", download, "/open-apis/drive/v1/files/boxcn1/download?x=/a/b", "", "", pair("file", "boxcn1")},
		{"a slash at the end", download, "/open-apis/drive/v1/files/boxcn1/download/", "", "", pair("file", "boxcn1")},
		{"escapes", calendar, "/open-apis/calendar/v4/calendars/feishu.cn_x%40group.calendar.feishu.cn/events", "", "", pair("calendar", "feishu.cn_x@group.calendar.feishu.cn")},
		{"escapes that are none", calendar, "/open-apis/calendar/v4/calendars/a%zz/events", "", "", pair("calendar", "a%zz")},
		{"escapes that are not UTF-8", calendar, "/open-apis/calendar/v4/calendars/a%ff/events", "", "", pair("calendar", "a\uFFFD")},
		{"another path", download, "/open-apis/drive/v1/medias/boxcn1/download", "", "", nothing},
		{"a longer path", download, "/open-apis/drive/v1/files/boxcn1/download/x", "", "", nothing},
		{"a shorter path", download, "/open-apis/drive/v1/files/boxcn1", "", "", nothing},
		{"no path", download, "", "", "", nothing},
		{"nothing in the path", download, "/open-apis/drive/v1/files//download", "", "", nothing},
		{"the template for a path", download, "/open-apis/drive/v1/files/:file_token/download", "", "", nothing},
		{"no parent in the path", members, "/open-apis/drive/v1/permissions//members/ou_2", "", "", pair("member", "ou_2")},
		{"no template", "", "/open-apis/drive/v1/files/boxcn1/download", "", "", nothing},
		{"a variable without a name", "GET/open-apis/x/:", "/open-apis/x/1", "", "", nothing},

		{"a field of the payload", send, "/open-apis/im/v1/messages", "", `{"receive_id":"oc_1","msg_type":"text"}`, pair("chat", "oc_1")},
		{"a person", send, "/open-apis/im/v1/messages", "", `{"msg_type":"text","receive_id":"ou_1"}`, pair("user", "ou_1")},
		{"a thread", send, "/open-apis/im/v1/messages", "", `{"msg_type":"text","receive_id":"omt_1"}`, pair("thread", "omt_1")},
		{"white space", send, "/open-apis/im/v1/messages", "", `{ "receive_id" : "oc_1" }`, pair("chat", "oc_1")},
		{"an escape", send, "/open-apis/im/v1/messages", "", `{"receive_id":"oc_\u0031"}`, pair("chat", "oc_1")},
		{"cut off after it", send, "/open-apis/im/v1/messages", "", `{"receive_id":"oc_1","content":"{\"te`, pair("chat", "oc_1")},
		{"cut off in it", send, "/open-apis/im/v1/messages", "", `{"msg_type":"text","receive_id":"oc_1`, nothing},
		{"only inside", send, "/open-apis/im/v1/messages", "", `{"content":"{\"receive_id\":\"oc_1\"}","x":{"receive_id":"oc_2"}}`, nothing},
		{"a number", list, "/open-apis/drive/v1/files", `{"page_size":50,"folder_token":7}`, "", pair("folder", "7")},
		{"null", list, "/open-apis/drive/v1/files", `{"folder_token":null}`, "", nothing},
		{"empty", list, "/open-apis/drive/v1/files", `{"folder_token":""}`, "", nothing},
		{"an object", list, "/open-apis/drive/v1/files", `{"folder_token":{"x":"y"}}`, "", nothing},
		{"an array", list, "/open-apis/drive/v1/files", `{"folder_token":["fldcn1","fldcn2"]}`, "", pair("folder", "fldcn1")},
		{"an empty array", list, "/open-apis/drive/v1/files", `{"folder_token":[]}`, "", nothing},
		{"a query string", list, "/open-apis/drive/v1/files", `page_size=50&folder_token=fld%63n1`, "", pair("folder", "fldcn1")},
		{"objects in an array", metas, "/open-apis/drive/v1/metas/batch_query", "", `{"request_docs":[{"doc_type":"docx","doc_token":"doccn1"},{"doc_token":"doccn2"}]}`, pair("file", "doccn1")},
		{"no objects in it", metas, "/open-apis/drive/v1/metas/batch_query", "", `{"request_docs":["doc_token"]}`, nothing},
		{"no JSON", metas, "/open-apis/drive/v1/metas/batch_query", "", `request_docs`, nothing},
		{"another API", "POST/open-apis/x/v1/messages", "/open-apis/x/v1/messages", "", `{"receive_id":"oc_1"}`, nothing},
		{"as long as may be", download, "/open-apis/drive/v1/files/" + strings.Repeat("x", 200) + "/download", "", "", pair("file", strings.Repeat("x", 128))},
		{"whole characters", download, "/open-apis/drive/v1/files/x" + strings.Repeat("成", 99) + "/download", "", "", pair("file", "x"+strings.Repeat("成", 42))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, touched(t, someSettings(), callOf(tt.apiKey, tt.path, tt.query, tt.payload)))
		})
	}
	// JSON that is no string.
	entry := `{"id":"1","api_key":"` + send + `","log_detail":{"payload":{"receive_id":"oc_1"}}}`
	require.Equal(t, pair("chat", "oc_1"), touched(t, someSettings(), entry))
	// An attribute's maximum length does not limit what is read.
	long := "/open-apis/" + strings.Repeat("x", 2000) + "/"
	require.Equal(t, pair("file", "boxcn1"), touched(t, someSettings(), callOf("GET"+long+":file_token", long+"boxcn1", "", "")))
}

// TestResourceIsNotMasked: a value that is masked elsewhere in the entry is never in the attributes of its
// resource. Covers F39.
func TestResourceIsNotMasked(t *testing.T) {
	const (
		user  = "GET/open-apis/contact/v3/users/:user_id"
		tasks = "POST/open-apis/drive/v1/export_tasks"
	)
	userCall := callOf(user, "/open-apis/contact/v3/users/ou_1", "", "")
	export := callOf(tasks, "/open-apis/drive/v1/export_tasks", "", `{"token":"doccn1","type":"docx"}`)
	file := callOf("GET/open-apis/drive/v1/files/:file_token/comments/:comment_id", "/open-apis/drive/v1/files/boxcn1/comments/7", "", "")
	keys := func(keys ...string) Settings { return someSettings(func(set *Settings) { set.RedactKeys = keys }) }
	tokens := someSettings(func(set *Settings) { set.RedactResourceTokens = true })
	off := someSettings(func(set *Settings) { set.Redact, set.RedactKeys = false, []string{"user_id"} })

	require.Equal(t, map[string]string{"type": "user", "id": "ou_1"}, touched(t, someSettings(), userCall))
	require.Empty(t, touched(t, keys("user_id"), userCall))
	require.Empty(t, touched(t, keys("User-ID"), userCall))
	require.Equal(t, map[string]string{"type": "user", "id": "ou_1"}, touched(t, off, userCall))

	require.Equal(t, map[string]string{"type": "file", "id": "doccn1"}, touched(t, someSettings(), export))
	require.Empty(t, touched(t, tokens, export))
	require.Empty(t, touched(t, keys("token"), export))

	require.Equal(t, map[string]string{"type": "comment", "id": "7", "parent_id": "boxcn1"}, touched(t, someSettings(), file))
	require.Equal(t, map[string]string{"type": "comment", "id": "7"}, touched(t, tokens, file))

	// A credential instead of an id.
	require.Empty(t, touched(t, someSettings(), callOf(user, "/open-apis/contact/v3/users/Bearer t-g1044ghJRUIJJ5ELPZ3LL7SBQA", "", "")))
	require.Empty(t, touched(t, someSettings(), callOf("GET/open-apis/x/v1/y/:session_token", "/open-apis/x/v1/y/abc", "", "")))
}
