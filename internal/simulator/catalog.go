// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import "strings"

// api is one of the APIs that the generated tenant's apps call.
type api struct {
	// Key is the api_key, as Feishu's API list names it.
	Key string
	// weight is how often it is called, relative to the others.
	weight int
	// query and payload are templates, see generator.expand.
	query, payload string
	// failures are the codes of this API's failures, besides the common ones.
	failures []failure

	method, path string // of Key
}

// failure is an error code with its message.
type failure struct {
	code int
	msg  string
}

// Errors that any API can return. These and those of the catalog are from the official error code tables; the
// messages are shortened.
var commonFailures = []failure{
	{99991400, "request trigger frequency limit"},
	{99991663, "Invalid access token for authorization. Please make a request with token attached."},
	{99991672, "Access denied. One of the following scopes is required: [{scope}]."},
	{99991668, "Invalid access token for authorization. Please make a request with token attached."},
}

var (
	imFailures = []failure{
		{230001, "Your request contains an invalid request parameter."},
		{230002, "Bot/User can NOT be out of the chat."},
		{230013, "Bot has NO availability to this user."},
	}
	contactFailures = []failure{{41050, "no user authority error"}, {40004, "no dept authority error"}}
	bitableFailures = []failure{{1254043, "RecordIdNotFound"}, {1254041, "TableIdNotFound"}, {1254302, "Permission denied."}}
	driveFailures   = []failure{{1061004, "forbidden."}, {1061045, "resource contention occurred, please retry."}}
	calFailures     = []failure{{191001, "invalid calendar_id"}, {191002, "no calendar access_role"}}
	approvFailures  = []failure{{1390001, "param is invalid"}, {1390002, "approval code not found"}}
	wikiFailures    = []failure{{131006, "permission denied: wiki space permission denied"}, {131005, "not found: node"}}
	docxFailures    = []failure{{1770002, "not found"}, {1770032, "forbidden"}}
	authFailures    = []failure{{10014, "app secret invalid"}, {10003, "invalid param"}}
	authenFailures  = []failure{{20003, "invalid code"}, {20026, "refresh token is invalid"}}
)

// catalog has APIs of the official API list. Payloads contain made-up secrets if the real APIs take some, so
// that there is something to redact.
var catalog = []*api{
	{Key: "POST/open-apis/auth/v3/tenant_access_token/internal", weight: 12, payload: `{"app_id":"{app}","app_secret":"{secret}"}`, failures: authFailures},
	{Key: "POST/open-apis/auth/v3/app_access_token/internal", weight: 3, payload: `{"app_id":"{app}","app_secret":"{secret}"}`, failures: authFailures},
	{Key: "POST/open-apis/auth/v3/app_access_token", weight: 2, payload: `{"app_id":"{app}","app_secret":"{secret}","app_ticket":"{ticket}"}`, failures: authFailures},
	{Key: "POST/open-apis/auth/v3/app_ticket/resend", weight: 1, payload: `{"app_id":"{app}","app_secret":"{secret}"}`, failures: authFailures},
	{Key: "POST/open-apis/authen/v1/access_token", weight: 3, payload: `{"grant_type":"authorization_code","code":"{hex24}"}`, failures: authenFailures},
	{Key: "POST/open-apis/authen/v1/oidc/access_token", weight: 3, payload: `{"grant_type":"authorization_code","code":"{hex24}"}`, failures: authenFailures},
	{Key: "POST/open-apis/authen/v1/refresh_access_token", weight: 2, payload: `{"grant_type":"refresh_token","refresh_token":"ur-{token}"}`, failures: authenFailures},
	{Key: "GET/open-apis/authen/v1/user_info", weight: 4, query: `{"user_access_token":"u-{token}"}`},
	{Key: "POST/open-apis/jssdk/ticket/get", weight: 2},

	{Key: "GET/open-apis/contact/v3/users/:user_id", weight: 10, query: `{"user_id_type":"open_id","department_id_type":"open_department_id"}`, failures: contactFailures},
	{Key: "GET/open-apis/contact/v3/users/find_by_department", weight: 4, query: `{"department_id":"{department}","page_size":"50"}`, failures: contactFailures},
	{Key: "POST/open-apis/contact/v3/users/batch_get_id", weight: 5, query: `{"user_id_type":"open_id"}`, payload: `{"emails":["{mail}"],"mobiles":["+86138{digits8}"]}`, failures: contactFailures},
	{Key: "POST/open-apis/contact/v3/users", weight: 1, query: `{"user_id_type":"open_id"}`, payload: `{"name":"{name}","mobile":"+86139{digits8}","department_ids":["{department}"],"employee_type":1}`, failures: contactFailures},
	{Key: "PATCH/open-apis/contact/v3/users/:user_id", weight: 3, query: `{"user_id_type":"open_id"}`, payload: `{"name":"{name}","job_title":"{title}","city":"上海"}`, failures: contactFailures},
	{Key: "DELETE/open-apis/contact/v3/users/:user_id", weight: 1, query: `{"user_id_type":"open_id"}`, payload: `{"resignation_type":1}`, failures: contactFailures},
	{Key: "GET/open-apis/contact/v3/departments/:department_id/children", weight: 3, query: `{"fetch_child":"true","page_size":"50"}`, failures: contactFailures},
	{Key: "GET/open-apis/contact/v3/scopes", weight: 1, query: `{"page_size":"100"}`},

	{Key: "POST/open-apis/im/v1/messages", weight: 20, query: `{"receive_id_type":"chat_id"}`, payload: `{"receive_id":"{chat}","msg_type":"text","content":"{\"text\":\"{text}\"}"}`, failures: imFailures},
	{Key: "POST/open-apis/im/v1/messages/:message_id/reply", weight: 6, payload: `{"msg_type":"interactive","content":"{\"header\":{\"title\":{\"tag\":\"plain_text\",\"content\":\"{title}\"}},\"elements\":[{\"tag\":\"markdown\",\"content\":\"{text}\"}]}"}`, failures: imFailures},
	{Key: "GET/open-apis/im/v1/messages", weight: 5, query: `{"container_id_type":"chat","container_id":"{chat}","page_size":"50"}`, failures: imFailures},
	{Key: "GET/open-apis/im/v1/messages/:message_id/resources/:file_key", weight: 2, query: `{"type":"file"}`, failures: imFailures},
	{Key: "DELETE/open-apis/im/v1/messages/:message_id", weight: 1, failures: imFailures},
	{Key: "POST/open-apis/im/v1/chats", weight: 1, query: `{"user_id_type":"open_id"}`, payload: `{"name":"{title}","owner_id":"{user}","user_id_list":["{user}","{user}"]}`, failures: imFailures},
	{Key: "GET/open-apis/im/v1/chats/:chat_id/members", weight: 3, query: `{"member_id_type":"open_id"}`, failures: imFailures},
	{Key: "POST/open-apis/im/v1/chats/:chat_id/members", weight: 1, query: `{"member_id_type":"open_id"}`, payload: `{"id_list":["{user}"]}`, failures: imFailures},

	{Key: "GET/open-apis/drive/v1/files", weight: 5, query: `{"folder_token":"{folder}","page_size":"50"}`, failures: driveFailures},
	{Key: "POST/open-apis/drive/v1/files/upload_all", weight: 2, payload: `{"file_name":"{title}.xlsx","parent_type":"explorer","parent_node":"{folder}","size":"{digits5}"}`, failures: driveFailures},
	{Key: "GET/open-apis/drive/v1/files/:file_token/download", weight: 4, failures: driveFailures},
	{Key: "POST/open-apis/drive/v1/permissions/:token/members", weight: 2, query: `{"type":"docx"}`, payload: `{"member_type":"openid","member_id":"{user}","perm":"full_access"}`, failures: driveFailures},
	{Key: "PATCH/open-apis/drive/v1/permissions/:token/public", weight: 1, query: `{"type":"sheet"}`, payload: `{"external_access":true,"link_share_entity":"anyone_readable"}`, failures: driveFailures},
	{Key: "GET/open-apis/docx/v1/documents/:document_id/raw_content", weight: 3, failures: docxFailures},
	{Key: "POST/open-apis/docx/v1/documents", weight: 1, payload: `{"folder_token":"{folder}","title":"{title}"}`, failures: docxFailures},
	{Key: "GET/open-apis/sheets/v3/spreadsheets/:spreadsheet_token/sheets/query", weight: 2, failures: driveFailures},

	{Key: "POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/search", weight: 10, query: `{"page_size":"500"}`, payload: `{"filter":{"conjunction":"and","conditions":[{"field_name":"状态","operator":"is","value":["进行中"]}]}}`, failures: bitableFailures},
	{Key: "POST/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records", weight: 5, payload: `{"fields":{"负责人":[{"id":"{user}"}],"标题":"{title}","数量":{digits3}}}`, failures: bitableFailures},
	{Key: "PUT/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/:record_id", weight: 4, payload: `{"fields":{"备注":"{text}"}}`, failures: bitableFailures},
	{Key: "DELETE/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/:record_id", weight: 1, failures: bitableFailures},

	{Key: "GET/open-apis/calendar/v4/calendars/:calendar_id/events", weight: 4, query: `{"page_size":"50"}`, failures: calFailures},
	{Key: "POST/open-apis/calendar/v4/calendars/:calendar_id/events", weight: 2, payload: `{"summary":"{title}","start_time":{"timestamp":"17{digits8}","timezone":"Asia/Shanghai"},"end_time":{"timestamp":"17{digits8}"}}`, failures: calFailures},
	{Key: "POST/open-apis/calendar/v4/freebusy/list", weight: 2, payload: `{"time_min":"2026-01-05T08:00:00+08:00","time_max":"2026-01-05T20:00:00+08:00","user_id":"{user}"}`, failures: calFailures},

	{Key: "POST/open-apis/approval/v4/instances", weight: 2, payload: `{"approval_code":"{uuid}","open_id":"{user}","form":"[{\"id\":\"amount\",\"type\":\"amount\",\"value\":{digits5}}]"}`, failures: approvFailures},
	{Key: "GET/open-apis/approval/v4/instances/:instance_id", weight: 3, failures: approvFailures},
	{Key: "POST/open-apis/approval/v4/tasks/approve", weight: 2, payload: `{"approval_code":"{uuid}","instance_code":"{uuid}","user_id":"{user}","task_id":"69{digits8}","comment":"同意"}`, failures: approvFailures},

	{Key: "GET/open-apis/wiki/v2/spaces", weight: 2, query: `{"page_size":"20"}`, failures: wikiFailures},
	{Key: "GET/open-apis/wiki/v2/spaces/:space_id/nodes", weight: 3, query: `{"page_size":"50"}`, failures: wikiFailures},
	{Key: "POST/open-apis/wiki/v2/spaces/:space_id/nodes", weight: 1, payload: `{"obj_type":"docx","node_type":"origin","title":"{title}"}`, failures: wikiFailures},

	{Key: "POST/open-apis/admin/v1/password/reset", weight: 1, query: `{"user_id_type":"open_id"}`, payload: `{"password":{"ent_email_password":"{password}"},"user_id":"{user}"}`},
	{Key: "GET/open-apis/admin/v1/audit_infos", weight: 1, query: `{"latest":"17{digits8}","oldest":"17{digits8}"}`},
	{Key: "GET/open-apis/application/v6/applications/:app_id", weight: 2, query: `{"lang":"zh_cn"}`},
	{Key: "POST/open-apis/task/v2/tasks", weight: 2, payload: `{"summary":"{title}","members":[{"id":"{user}","role":"assignee"}]}`},
	{Key: "POST/open-apis/vc/v1/reserves/apply", weight: 1, payload: `{"end_time":"17{digits8}","meeting_settings":{"topic":"{title}","password":"{digits5}"}}`},
	{Key: "POST/open-apis/mail/v1/user_mailboxes/:user_mailbox_id/messages/send", weight: 1, payload: `{"subject":"{title}","to":[{"mail_address":"{mail}"}],"body_plain_text":"{text}"}`},
	{Key: "GET/open-apis/ehr/v1/employees", weight: 1, query: `{"view":"full","status":"2"}`},
	{Key: "POST/open-apis/translation/v1/text/translate", weight: 1, payload: `{"source_language":"zh","text":"{text}","target_language":"en"}`},
	{Key: "POST/open-apis/security_and_compliance/v1/openapi_logs/list_data", weight: 2, payload: `{"start_time":17{digits8},"end_time":17{digits8},"page_size":100}`},
}

// byWeight has each API as often as its weight.
var byWeight = func() (apis []*api) {
	for _, a := range catalog {
		slash := strings.IndexByte(a.Key, '/')
		a.method, a.path = a.Key[:slash], a.Key[slash:]
		for range a.weight {
			apis = append(apis, a)
		}
	}
	return apis
}()

func pickAPI(hash uint64) *api { return byWeight[hash%uint64(len(byWeight))] }
