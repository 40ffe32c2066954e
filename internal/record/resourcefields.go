// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// resourceField is a field outside of the path in which a call names what it touches.
type resourceField struct {
	in   int    // entry.FieldQuery or entry.FieldPayload
	name string // of the member; dots lead into objects
	kind string // feishu.resource.type, "" if the id shows it
}

// kindOf is the type of a resource. A message's receiver is a chat, a thread or a person; the prefix of Feishu's
// ids shows which.
func (f resourceField) kindOf(id string) string {
	switch {
	case f.kind != "":
		return f.kind
	case strings.HasPrefix(id, "oc_"):
		return "chat"
	case strings.HasPrefix(id, "omt_"):
		return "thread"
	}
	return "user"
}

func inQuery(name, kind string) resourceField {
	return resourceField{entry.FieldQuery, name, kind}
}

func inPayload(name, kind string) resourceField {
	return resourceField{entry.FieldPayload, name, kind}
}

// resourceFields lists, for APIs without a variable in their path, the fields that name what is touched; the
// first one that has a value counts. The list is closed: it has the APIs that read, move, share and administrate
// things, with the names of their parameters in the vendor's API pages. Personal data (emails, telephone
// numbers, names) is not used, and neither are search terms of the caller.
var resourceFields = map[string][]resourceField{
	// Documents.
	"GET/open-apis/docs/v1/content":                            {inQuery("doc_token", "doc")},
	"GET/open-apis/drive/v1/files":                             {inQuery("folder_token", "folder")},
	"GET/open-apis/drive/v1/medias/batch_get_tmp_download_url": {inQuery("file_tokens", "file")},
	"GET/open-apis/vc/v1/exports/download":                     {inQuery("file_token", "file")},
	"GET/open-apis/wiki/v2/spaces/get_node":                    {inQuery("token", "node")},
	"POST/open-apis/bitable/v1/apps":                           {inPayload("folder_token", "folder")},
	"POST/open-apis/docx/v1/documents":                         {inPayload("folder_token", "folder")},
	"POST/open-apis/drive/v1/export_tasks":                     {inPayload("token", "file")},
	"POST/open-apis/drive/v1/files/create_folder":              {inPayload("folder_token", "folder")},
	"POST/open-apis/drive/v1/files/create_shortcut":            {inPayload("refer_entity.refer_token", "file")},
	"POST/open-apis/drive/v1/files/upload_all":                 {inPayload("parent_node", "folder")},
	"POST/open-apis/drive/v1/files/upload_prepare":             {inPayload("parent_node", "folder")},
	"POST/open-apis/drive/v1/import_tasks":                     {inPayload("file_token", "file")},
	"POST/open-apis/drive/v1/medias/upload_all":                {inPayload("parent_node", "file")},
	"POST/open-apis/drive/v1/medias/upload_prepare":            {inPayload("parent_node", "file")},
	"POST/open-apis/drive/v1/metas/batch_query":                {inPayload("request_docs.doc_token", "file")},
	"POST/open-apis/sheets/v3/spreadsheets":                    {inPayload("folder_token", "folder")},
	"POST/open-apis/suite/docs-api/meta":                       {inPayload("request_docs.docs_token", "file")},

	// Messages and chats.
	"GET/open-apis/im/v1/messages":                {inQuery("container_id", "")},
	"GET/open-apis/im/v1/pins":                    {inQuery("chat_id", "chat")},
	"POST/open-apis/im/v1/messages":               {inPayload("receive_id", "")},
	"POST/open-apis/im/v1/messages/merge_forward": {inPayload("receive_id", "")},
	"POST/open-apis/im/v1/pins":                   {inPayload("message_id", "message")},
	"POST/open-apis/message/v4/send":              {inPayload("chat_id", "chat"), inPayload("open_id", "user"), inPayload("user_id", "user")},

	// People and departments.
	"GET/open-apis/contact/v3/departments":                         {inQuery("parent_department_id", "department")},
	"GET/open-apis/contact/v3/departments/batch":                   {inQuery("department_ids", "department")},
	"GET/open-apis/contact/v3/departments/parent":                  {inQuery("department_id", "department")},
	"GET/open-apis/contact/v3/group/member_belong":                 {inQuery("member_id", "user")},
	"GET/open-apis/contact/v3/users":                               {inQuery("department_id", "department")},
	"GET/open-apis/contact/v3/users/batch":                         {inQuery("user_ids", "user")},
	"GET/open-apis/contact/v3/users/find_by_department":            {inQuery("department_id", "department")},
	"POST/open-apis/admin/v1/password/reset":                       {inPayload("user_id", "user")},
	"POST/open-apis/contact/v3/departments":                        {inPayload("department_id", "department"), inPayload("parent_department_id", "department")},
	"POST/open-apis/contact/v3/departments/unbind_department_chat": {inPayload("department_id", "department")},
	"POST/open-apis/contact/v3/unit/bind_department":               {inPayload("unit_id", "unit")},
	"POST/open-apis/contact/v3/unit/unbind_department":             {inPayload("unit_id", "unit")},
	"POST/open-apis/contact/v3/users":                              {inPayload("user_id", "user")},
	"POST/open-apis/corehr/v1/authorizations/add_role_assign":      {inQuery("employment_id", "employment")},
	"POST/open-apis/corehr/v1/authorizations/remove_role_assign":   {inQuery("employment_id", "employment")},
	"POST/open-apis/corehr/v1/authorizations/update_role_assign":   {inQuery("employment_id", "employment")},
	"POST/open-apis/directory/v1/employees/mget":                   {inPayload("employee_ids", "employee")},
	"POST/open-apis/directory/v1/departments/mget":                 {inPayload("department_ids", "department")},
	"GET/open-apis/directory/v1/share_entities":                    {inQuery("target_tenant_key", "tenant")},
	"POST/open-apis/directory/v1/collaboration_rules":              {inQuery("target_tenant_key", "tenant")},

	// Approvals.
	"GET/open-apis/approval/v4/instances":                     {inQuery("approval_code", "approval")},
	"POST/open-apis/approval/v4/instances":                    {inPayload("approval_code", "approval")},
	"POST/open-apis/approval/v4/instances/add_sign":           {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/instances/cancel":             {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/instances/cc":                 {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/instances/specified_rollback": {inPayload("task_id", "task")},
	"POST/open-apis/approval/v4/tasks/approve":                {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/tasks/reject":                 {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/tasks/resubmit":               {inPayload("instance_code", "instance")},
	"POST/open-apis/approval/v4/tasks/transfer":               {inPayload("instance_code", "instance")},

	// Meeting rooms.
	"POST/open-apis/vc/v1/room_levels/del": {inPayload("room_level_id", "room_level")},
}
