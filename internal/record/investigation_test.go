// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// logged creates entries of an audit log.
type logged struct {
	entries []string
	rand    *rand.Rand
}

func (l *logged) call(at time.Time, app, ip, apiKey, path, query, payload string) {
	quote := func(text string) string {
		b, _ := json.Marshal(text)
		return string(b)
	}
	method, _, _ := strings.Cut(apiKey, "/")
	l.entries = append(l.entries, fmt.Sprintf(
		`{"id":"%d","api_key":%q,"event_time":%d,"app_id":%q,"ip":%q,"log_detail":{"path":%q,"method":%q,"query_param":%s,"payload":%s,"status_code":0,"response":"{\"code\":0,\"msg\":\"success\"}"}}`,
		7000+len(l.entries), apiKey, at.Unix(), app, ip, path, method, quote(query), quote(payload)))
}

// download logs one of the ways in which an app downloads a document.
func (l *logged) download(at time.Time, app, ip, token string) {
	switch l.rand.IntN(5) {
	case 0:
		l.call(at, app, ip, "GET/open-apis/drive/v1/files/:file_token/download", "/open-apis/drive/v1/files/"+token+"/download", "{}", "")
	case 1:
		l.call(at, app, ip, "POST/open-apis/drive/v1/export_tasks", "/open-apis/drive/v1/export_tasks", "{}", `{"file_extension":"pdf","token":"`+token+`","type":"docx"}`)
	case 2:
		l.call(at, app, ip, "GET/open-apis/docs/v1/content", "/open-apis/docs/v1/content", `{"doc_token":"`+token+`","doc_type":"docx","content_type":"markdown"}`, "")
	case 3:
		l.call(at, app, ip, "GET/open-apis/drive/v1/medias/batch_get_tmp_download_url", "/open-apis/drive/v1/medias/batch_get_tmp_download_url", `{"file_tokens":["`+token+`"]}`, "")
	case 4:
		l.call(at, app, ip, "GET/open-apis/docx/v1/documents/:document_id/raw_content", "/open-apis/docx/v1/documents/"+token+"/raw_content", "{}", "")
	}
}

// TestInvestigation: redacted records answer an investigator's questions: which documents did this app download
// last night, and from where? Which app made one of them accessible to anyone who has the link? Covers F74.
func TestInvestigation(t *testing.T) {
	const (
		suspect, other = "cli_9f3ca975326b501b", "cli_a1b2c3d4e5f60718"
		secret         = "Xk29dmQp30fmZZAb8sLq"
	)
	evening := time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)
	morning := evening.Add(11 * time.Hour)
	r := rand.New(rand.NewPCG(5, 9))
	l := &logged{rand: r}
	token := func() string { return fmt.Sprintf("doxcn%022x", r.Uint64()) }
	taken := map[string]string{} // where from, by document
	for range 300 {
		at := evening.Add(time.Duration(r.IntN(11*3600)) * time.Second)
		doc, ip := token(), fmt.Sprintf("203.0.113.%d", r.IntN(3))
		switch r.IntN(6) {
		case 0:
			l.download(at, suspect, ip, doc)
			taken[doc] = ip
		case 1:
			l.download(at, other, ip, doc)
		case 2:
			l.download(at.Add(-24*time.Hour), suspect, ip, doc)
		case 3: // the suspect does other things with documents, too
			l.call(at, suspect, ip, "GET/open-apis/drive/v1/files/:file_token/comments", "/open-apis/drive/v1/files/"+doc+"/comments", `{"page_token":"eVQrYzJB"}`, "")
		case 4:
			l.call(at, suspect, ip, "POST/open-apis/auth/v3/tenant_access_token/internal", "/open-apis/auth/v3/tenant_access_token/internal", "", `{"app_id":"`+suspect+`","app_secret":"`+secret+`"}`)
		case 5:
			l.call(at, other, ip, "POST/open-apis/im/v1/messages", "/open-apis/im/v1/messages", `{"receive_id_type":"chat_id"}`, `{"receive_id":"oc_1","content":"{\"text\":\"文档密码：`+secret+`\"}"}`)
		}
	}
	var opened string
	for doc := range taken {
		opened = max(opened, doc)
	}
	l.call(morning, other, "198.51.100.7", "PATCH/open-apis/drive/v2/permissions/:token/public", "/open-apis/drive/v2/permissions/"+opened+"/public", `{"type":"docx"}`,
		`{"external_access_entity":"open","link_share_entity":"anyone_readable","access_token":"`+secret+`"}`)
	l.call(morning, other, "198.51.100.7", "PATCH/open-apis/drive/v2/permissions/:token/public", "/open-apis/drive/v2/permissions/"+token()+"/public", `{"type":"docx"}`, `{"link_share_entity":"tenant_readable"}`)
	logs, stats := buildAnswer(t, someSettings(), answerOf(l.entries...))
	require.Positive(t, stats.Redacted)

	// The questions, in the form of a search.
	got, sharers := map[string]string{}, map[string]string{}
	for _, record := range recordsOf(logs).All() {
		of := func(name string) string {
			value, _ := record.Attributes().Get(name)
			return value.AsString()
		}
		require.NotContains(t, record.Body().Str(), secret)
		at := record.Timestamp().AsTime()
		apiKey := of("feishu.api_key")
		if isDownload(apiKey) && of("feishu.app.id") == suspect && !at.Before(evening) && at.Before(morning) {
			got[of("feishu.resource.id")] = of("client.address")
		}
		if strings.HasSuffix(apiKey, "/permissions/:token/public") && strings.Contains(payloadOf(t, record), `"link_share_entity":"anyone_`) {
			sharers[of("feishu.resource.id")] = of("feishu.app.id") + " from " + of("client.address")
		}
	}
	require.Greater(t, len(taken), 30)
	require.Equal(t, taken, got)
	require.Equal(t, map[string]string{opened: other + " from 198.51.100.7"}, sharers)
}

// isDownload has the list of downloads in docs/detections.md.
func isDownload(apiKey string) bool {
	switch apiKey {
	case "GET/open-apis/drive/v1/files/:file_token/download", "POST/open-apis/drive/v1/export_tasks", "GET/open-apis/docs/v1/content",
		"GET/open-apis/drive/v1/medias/batch_get_tmp_download_url", "GET/open-apis/docx/v1/documents/:document_id/raw_content":
		return true
	}
	return false
}

func payloadOf(t *testing.T, record plog.LogRecord) string {
	var body struct {
		Detail struct {
			Payload string `json:"payload"`
		} `json:"log_detail"`
	}
	require.NoError(t, json.Unmarshal([]byte(record.Body().Str()), &body))
	return body.Detail.Payload
}
