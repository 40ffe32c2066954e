// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// callKinds are the expressions of docs/record-model.md that show what a call does, in their order: the last one
// that matches counts.
var callKinds = sync.OnceValue(func() []callKind {
	page, err := os.ReadFile("../docs/record-model.md")
	if err != nil {
		panic(err)
	}
	_, block, _ := strings.Cut(string(page), "\n```text\ncreate ")
	block, _, _ = strings.Cut("create "+block, "\n```")
	var kinds []callKind
	for line := range strings.SplitSeq(block, "\n") {
		name, expression, _ := strings.Cut(line, " ")
		expression = strings.TrimSpace(expression)
		kinds = append(kinds, callKind{name, expression, regexp.MustCompile(expression)})
	}
	return kinds
})

type callKind struct {
	name, expression string
	re               *regexp.Regexp
}

// kindOf is what an API does: create, read, change, delete, or "" if that is not known.
func kindOf(apiKey string) string {
	kind := ""
	for _, k := range callKinds() {
		if k.re.MatchString(apiKey) {
			kind = k.name
		}
	}
	return kind
}

func kindOfCall(o outcome) string {
	if o.entry.APIKey == "" && o.entry.Method != "" {
		return kindOf(o.entry.Method + "/")
	}
	return kindOf(o.entry.APIKey)
}

// ofAccounts and ofTokens are the APIs of people and their rights, and those that issue tokens, as in
// docs/record-model.md.
const (
	ofAccounts = `^[A-Z]+/open-apis/(contact|directory|(admin|passport)/v1/password|corehr/v1/authorizations)/`
	ofTokens   = `^POST/open-apis/(auth|authen)/`
)

// ofRights and ofDownloads are the APIs that change who has access, and those that return files, for Splunk's data models.
const (
	ofRights    = `^(POST|PUT|PATCH|DELETE)/open-apis/(drive/v[12]/permissions/|(base/v2|bitable/v1)/apps/[^/]+/roles|wiki/v2/spaces/[^/]+/(members|setting)|calendar/v4/calendars/[^/]+/acls|vc/v1/meetings/[^/]+/recording/set_permission)`
	ofDownloads = `^(GET|POST)/.*/(batch_get_tmp_download_url|download|download_as_image|download_url|media)$|^GET/open-apis/im/v1/(files|images)/[^/]+$|^GET/open-apis/im/v1/messages/[^/]+/resources/`
)

var (
	accountsRE, tokensRE  = regexp.MustCompile(ofAccounts), regexp.MustCompile(ofTokens)
	rightsRE, downloadsRE = regexp.MustCompile(ofRights), regexp.MustCompile(ofDownloads)
)

func isIAM(o outcome) bool            { return accountsRE.MatchString(o.entry.APIKey) }
func isAuthentication(o outcome) bool { return tokensRE.MatchString(o.entry.APIKey) }

// vendorAPIs are the api_keys of the vendor's public APIs.
func vendorAPIs(t *testing.T) []string {
	t.Helper()
	file, err := os.Open("../testdata/apis/api_keys.txt")
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

// callsOfEveryAPI is one call of each of the vendor's APIs.
func callsOfEveryAPI(t *testing.T, at int64) []simulator.Entry {
	variable := regexp.MustCompile(`:\w+`)
	var calls []simulator.Entry
	for i, apiKey := range vendorAPIs(t) {
		method, path, _ := strings.Cut(apiKey, "/")
		calls = append(calls, simulator.Entry{
			ID: fmt.Sprintf("api-%d", i), APIKey: apiKey, EventTime: at, AppID: "cli_a", IP: "192.0.2.1", Method: method,
			Path: "/" + variable.ReplaceAllString(path, "ou_7d8a6e6df762"), QueryParam: `{"user_id_type":"open_id"}`, Response: `{"code":0,"msg":"success"}`,
		})
	}
	return calls
}

// TestKindsOfCalls: the expressions are the same in all places, and correct for APIs that people have checked.
func TestKindsOfCalls(t *testing.T) {
	t.Parallel()
	kinds := callKinds()
	require.Len(t, kinds, 4)
	for _, file := range []string{"mapping/ecs.yaml", "mapping/ocsf.yaml", "splunk/app/default/props.conf"} {
		text := readFile(t, file)
		for _, k := range kinds {
			require.Contains(t, text, `"`+k.expression+`"`, "%s: what %ss", file, k.name)
		}
		require.Equal(t, !strings.Contains(file, "ocsf"), strings.Contains(text, `"`+ofAccounts+`"`), file)
		require.Equal(t, !strings.Contains(file, "ocsf"), strings.Contains(text, `"`+ofTokens+`"`), file)
	}
	page, err := os.ReadFile("../docs/record-model.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "`"+ofAccounts+"`")
	require.Contains(t, string(page), "`"+ofTokens+"`")
	for _, expression := range []string{ofRights, ofDownloads} {
		require.Contains(t, string(page), "\n    "+expression+"\n")
		require.Contains(t, readFile(t, "splunk/app/default/props.conf"), `"`+expression+`"`)
	}

	vendors := map[string]bool{}
	for _, apiKey := range vendorAPIs(t) {
		vendors[apiKey] = true
		require.NotEmpty(t, kindOf(apiKey), apiKey)
	}
	for kind, apiKeys := range map[string]string{
		"create": `
			POST/open-apis/auth/v3/tenant_access_token/internal
			POST/open-apis/im/v1/messages
			POST/open-apis/im/v1/messages/:message_id/reply
			POST/open-apis/im/v1/messages/:message_id/forward
			POST/open-apis/im/v1/chats
			POST/open-apis/im/v1/chats/:chat_id/members
			POST/open-apis/contact/v3/users
			POST/open-apis/contact/v3/functional_roles/:role_id/members/batch_create
			POST/open-apis/drive/v1/permissions/:token/members
			POST/open-apis/drive/v1/files/upload_all
			POST/open-apis/drive/v1/files/:file_token/copy
			POST/open-apis/docx/v1/documents
			POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records
			POST/open-apis/sheets/v3/spreadsheets/:spreadsheet_token/sheets/:sheet_id/filter_views
			POST/open-apis/calendar/v4/calendars/:calendar_id/acls
			POST/open-apis/search/v2/data_sources`,
		"read": `
			GET/open-apis/drive/v1/files/:file_token/download
			POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/search
			POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_get
			POST/open-apis/contact/v3/users/batch_get_id
			POST/open-apis/contact/v3/users/basic_batch
			POST/open-apis/directory/v1/employees/filter
			POST/open-apis/directory/v1/employees/mget
			POST/open-apis/directory/v1/employees/search
			POST/open-apis/corehr/v2/employees/batch_get
			POST/open-apis/drive/v1/export_tasks
			POST/open-apis/drive/v1/metas/batch_query
			POST/open-apis/search/v2/message
			POST/open-apis/search/v2/doc_wiki/search
			POST/open-apis/suite/docs-api/search/object
			POST/open-apis/security_and_compliance/v1/openapi_logs/list_data
			POST/open-apis/vc/v1/exports/participant_list
			POST/open-apis/optical_char_recognition/v1/image/basic_recognize
			POST/open-apis/attendance/v1/user_tasks/query`,
		"change": `
			PATCH/open-apis/drive/v2/permissions/:token/public
			PUT/open-apis/application/v6/applications/:app_id/owner
			POST/open-apis/admin/v1/password/reset
			POST/open-apis/approval/v4/tasks/approve
			POST/open-apis/approval/v4/instances/cancel
			POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_update
			POST/open-apis/contact/v3/users/:user_id/resurrect
			POST/open-apis/drive/v1/files/:file_token/move
			POST/open-apis/drive/v1/permissions/:token/members/transfer_owner
			POST/open-apis/wiki/v2/spaces/:space_id/nodes/move_docs_to_wiki
			POST/open-apis/vc/v1/room_configs/set`,
		"delete": `
			DELETE/open-apis/contact/v3/users/:user_id
			POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/batch_delete
			POST/open-apis/im/v1/chats/:chat_id/managers/delete_managers
			POST/open-apis/attendance/v1/user_flows/batch_del
			POST/open-apis/corehr/v1/authorizations/remove_role_assign
			POST/open-apis/mail/v1/public_mailboxes/:public_mailbox_id/members/clear
			POST/open-apis/calendar/v4/calendars/:calendar_id/unsubscribe
			POST/open-apis/passport/v1/sessions/logout`,
	} {
		for apiKey := range strings.FieldsSeq(apiKeys) {
			require.True(t, vendors[apiKey], "%s is none of the vendor's APIs", apiKey)
			require.Equal(t, kind, kindOf(apiKey), apiKey)
		}
	}
	for _, apiKey := range []string{
		"PATCH/open-apis/drive/v2/permissions/:token/public", "POST/open-apis/drive/v1/permissions/:token/members/transfer_owner", "DELETE/open-apis/drive/v1/permissions/:token/members/:member_id",
		"POST/open-apis/bitable/v1/apps/:app_token/roles/:role_id/members", "POST/open-apis/wiki/v2/spaces/:space_id/members", "POST/open-apis/calendar/v4/calendars/:calendar_id/acls",
	} {
		require.True(t, vendors[apiKey] && rightsRE.MatchString(apiKey), apiKey)
	}
	for _, apiKey := range []string{
		"GET/open-apis/drive/v1/files/:file_token/download", "GET/open-apis/drive/v1/medias/batch_get_tmp_download_url", "GET/open-apis/im/v1/images/:image_key", "GET/open-apis/minutes/v1/minutes/:minute_token/media",
		"GET/open-apis/im/v1/messages/:message_id/resources/:file_key", "GET/open-apis/mail/v1/user_mailboxes/:user_mailbox_id/messages/:message_id/attachments/download_url",
	} {
		require.True(t, vendors[apiKey] && downloadsRE.MatchString(apiKey), apiKey)
	}
	for _, apiKey := range []string{"GET/open-apis/drive/v1/permissions/:token/members", "POST/open-apis/im/v1/images", "GET/open-apis/drive/v1/medias/upload_part"} {
		require.False(t, rightsRE.MatchString(apiKey) || downloadsRE.MatchString(apiKey), apiKey)
	}
	require.Empty(t, kindOf("HEADER/open-apis/x"))
	require.Empty(t, kindOf("POST/"))
}
