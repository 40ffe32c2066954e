// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// TestExplain: where a value is masked, and why, without the value.
func TestExplain(t *testing.T) {
	r := redact.New([]string{"id_card"})
	for _, tt := range []struct {
		payload string
		want    []redact.Finding
	}{
		{`{"a":1}`, nil},
		{`{"app_secret":"x","items":[{"a":1},{"id_card":"y"}]}`, []redact.Finding{{Path: "log_detail.payload.app_secret"}, {Path: "log_detail.payload.items[1].id_card"}}},
		{`{"content":"{\"text\":\"App Secret：hunter2\"}"}`, []redact.Finding{{Path: "log_detail.payload.content.text", Key: "appsecret"}}},
		{`a=b&token=x`, []redact.Finding{{Path: "log_detail.payload", Key: "token"}}},
		{`{"t":"Bearer abc, https://u:p@h/, curl -u a:b x"}`, []redact.Finding{
			{Path: "log_detail.payload.t", Kind: redact.ByScheme}, {Path: "log_detail.payload.t", Kind: redact.ByLink}, {Path: "log_detail.payload.t", Kind: redact.ByOption},
		}},
		{`{"t":"t-g1044qeGEDXTB6NDJOGV4JQCYDGHRBARFTGT1234"}`, []redact.Finding{{Path: "log_detail.payload.t", Kind: redact.ByForm}}},
		{`[{"key":"app_secret","value":"x"}]`, []redact.Finding{{Path: "log_detail.payload[0].value"}}},
		{`{"app_secret":"x","cut":"o`, []redact.Finding{{Path: "log_detail.payload.app_secret", Key: "appsecret"}}},
	} {
		text := entry(tt.payload, answered)
		got := r.Explain(text)
		require.Equal(t, tt.want, got, tt.payload)
		_, n := r.Redact(text)
		require.Len(t, got, n)
	}
	require.Equal(t, "key scheme form link option", redact.ByKey.String()+" "+redact.ByScheme.String()+" "+redact.ByForm.String()+" "+redact.ByLink.String()+" "+redact.ByOption.String())
}

// TestResourceTokens: with the option, tokens that name a resource are masked, too. Covers F74.
func TestResourceTokens(t *testing.T) {
	keep, mask := redact.New(nil), redact.New(nil, redact.ResourceTokens(true))
	for _, key := range []string{
		"file_token", "folder_token", "node_token", "obj_token", "doc_token", "docx_token", "sheet_token", "spreadsheet_token", "spreadsheetToken",
		"slides_token", "mindnote_token", "wiki_token", "space_token", "app_token", "block_token", "page_token", "sync_token", "client_token",
		"File-Token", "parentNodeToken", "dst_folder_token", "file_token[]", "token",
	} {
		api := `{"api_key":"POST/open-apis/drive/v1/files/:file_token/copy","log_detail":{"payload":`
		for _, payload := range []string{`{"` + key + `":"boxcn1"}`, key + "=boxcn1&a=b"} {
			text := api + quote(payload) + `}}`
			requireRedacted(t, keep, text, 0, text)
			got, n := mask.Redact(text)
			require.Equal(t, 1, n, text)
			require.NotContains(t, got, "boxcn1")
			requireLaws(t, mask, text, got, n)
		}
	}
	for _, text := range []string{`{"max_tokens":"12","need_password":false,"use_page_token":true}`, `{"tokens":5}`} {
		requireRedacted(t, mask, text, 0, text)
	}
	// They are also kept next to a credential, whose name makes Redact read the whole entry.
	for _, key := range []string{"file_token", "parentNodeToken", "page_token", "sync_token"} {
		with := func(password string) string { return entry(`{"`+key+`":"boxcn1","password":"`+password+`"}`, answered) }
		requireRedacted(t, keep, with(redact.Mask), 1, with("x"))
	}
	// A credential is masked under any key, and the caller cannot name another API.
	for _, text := range []string{
		`{"api_key":"GET/open-apis/drive/v1/files","log_detail":{"payload":"{\"file_token\":\"u-6U1SbDiM6XIH2DcTCPyeub\"}"}}`,
		`{"log_detail":{"api_key":"GET/open-apis/drive/v1/files","payload":"{\"api_key\":\"GET/open-apis/drive/x\",\"token\":\"x\"}"},"api_key":"POST/open-apis/im/v1/messages"}`,
	} {
		_, n := keep.Redact(text)
		require.Equal(t, 1, n, text)
	}
}
