# Copyright The feishuauditreceiver Authors
# SPDX-License-Identifier: Apache-2.0
"""Lists the vendor's API keys by class: detections/keys.tsv.

    python keys.py SDK_FOLDER >../../../detections/keys.tsv

The keys are those of testdata/apis/api_keys.txt, which names its sources. Their Feishu names come from larksuite/oapi-sdk-go
(`go list -m -f '{{.Dir}}' github.com/larksuite/oapi-sdk-go/v3` in internal/conformance). keys-more.tsv has what both lack: keys in
another spelling, and Lark's English names. The first class below whose pattern matches a key is its class; a key of no class
is left to `-`.
"""
import csv
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
RESERVED = r"(?!.*(subscri|reactions|/pins|menu_tree|chat_tabs|top_notice|spreadsheets/.*(filter|float_image|condition)))"
CLASSES = [
    ("token", r"POST/(auth/v3/|authen/v1/(oidc/)?(refresh_)?access_token$|authen/v2/oauth/token)|GET/authen/v1/(authorize|index)"),
    ("audit_log", r"POST/security_and_compliance/v1/openapi_logs|GET/admin/v1/audit_infos|GET/apaas/v1/applications/:namespace/audit_log"),
    ("password", r"POST/admin/v1/password/reset|PUT/passport/v1/password$"),
    ("app_config", r"(PATCH|PUT|POST|DELETE)/application/v[67]/(?!.*(app_usage|app_badge|feedbacks|check_white_black_list|app_avatar))"),
    ("defence", r"(POST|PUT|DELETE|PATCH)/(security_and_compliance/v2/device|directory/v1/collaboration_rules|trust_party)"),
    ("admin_role", r"(POST|PATCH)/contact/v3/functional_roles/:role_id/members/(batch_create|scopes)|POST/corehr/v1/authorizations/(add|update)_role_assign|POST/apaas/.*(roles|record_permissions)/.*batch_create_authorization"),
    ("mail_rule", r"(POST|PUT)/mail/v1/user_mailboxes/:user_mailbox_id/(rules|aliases)"),
    ("mail_read", r"GET/mail/v1/user_mailboxes/:user_mailbox_id/(messages|threads|drafts)(?!.*(recall|send_status)$)|POST/mail/v1/user_mailboxes/.*(batch_get|/search)$"),
    ("blast", r"POST/message/v4/batch_send|POST/ephemeral|POST/mail/v1/user_mailboxes/:user_mailbox_id/(messages|drafts)(/:draft_id)?/send$|PATCH/im/v1/messages/:message_id/urgent_"),
    ("owner", r"POST/drive/v1/permissions/:token/members/transfer_owner"),
    ("share", r"PATCH/drive/v[12]/permissions/:token/public$|DELETE/drive/v1/permissions/:token/public/password|PATCH/bitable/.*forms/:form_id$|PATCH/vc/.*set_permission|PUT/wiki/v2/spaces/:space_id/setting|POST/wiki/v2/spaces$|POST/calendar/v4/calendars/:calendar_id/acls$|POST/im/v1/chats/:chat_id/link"),
    ("grant", r"PUT/spark/v1/apps/:app_id/access-scope|(POST|PUT)/drive/v1/permissions/:token/members(?!/auth)|POST/wiki/v2/spaces/:space_id/(members|nodes/move_docs_to_wiki)|(POST|PUT)/(bitable/v1|base/v2)/apps/:app_token/roles(?!.*delete)|POST/mail/v1/(mailgroups|public_mailboxes)/.*(members|managers)(/batch_create)?$"),
    ("chat_members", r"POST/im/v1/chats(/:chat_id/(members|managers/(add|delete)_managers))?$|PATCH/im/v1/chats/:chat_id/members/me_join|PUT/im/v1/chats/:chat_id$"),
    ("user_delete", r"DELETE/(contact/v3/users|directory/v1/employees)/|PATCH/directory/v1/employees/:employee_id/to_be_resigned"),
    ("container_delete", r"DELETE/(im/v1/chats/:chat_id$|contact/v3/(departments|group|functional_roles)|directory/v1/departments|bitable/v1/apps/:app_token/tables/:table_id$|drive/v1/files/:file_token$|mail/v1/(mailgroups|public_mailboxes|user_mailboxes)/[^/]+(/remove_to_recycle_bin)?$|calendar/v4/calendars/:calendar_id$)|POST/bitable/v1/apps/:app_token/tables/(batch_delete|:table_id/records/batch_delete)|POST/apaas/.*delete"),
    ("directory_write", r"(POST|PATCH|PUT)/(contact/v[23]/(users?|departments|group|functional_roles|unit)|directory/v1/(employees|departments)|corehr/v2/employees$|corehr/v[12]/persons?$|corehr/v1/employments$)(?!.*(search|filter|mget|batch_get_id|basic_batch))|POST/corehr/v1/(persons|employments)$"),
    ("directory_list", r"GET/(contact/v3/(users(/batch|/find_by_department)?$|departments(/batch|/:department_id/children|$)|group/(:group_id/member/)?simplelist|functional_roles/:role_id/members$)|ehr/v1/employees|acs/v1/users$|mail/v1/mailgroups/:mailgroup_id/members$|im/v1/chats/:chat_id/members$|search/v1/user|trust_party/v1/collaboration_tenants(/:target_tenant_key/visible_organization)?$|user/v4/app_admin_user/list|directory/v1/(share_entities|collaboration_tenants))|POST/(contact/v3/(users/batch_get_id|users/basic_batch|departments/search)|directory/v1/(employees|departments)/(filter|mget|search)|mail/v1/users/query)"),
    ("directory_user", r"GET/(contact/v3/users/:user_id|trust_party/.*/collaboration_users/:target_user_id)$"),
    ("hr", r"GET/(corehr/v1/(persons|employments|job_datas|contracts|files)(/:[a-z_]+)?$|payroll/v1/|hire/v1/(talents|offers|attachments|resumes?|applications)(/:[a-z_]+)?(/preview)?$|ehr/v1/attachments|attendance/v1/(files|user_settings/query)|acs/v1/(users/:user_id/face|access_records))|POST/(corehr/v2/(employees/(search|batch_get|job_datas|bps)|contracts/search|basic_info/bank)|payroll/v1/.*query|compensation/v1/archives/query|performance/v[12]/review_datas/query)"),
    ("message_read", r"GET/im/v1/(messages(/:message_id(/resources/:file_key)?)?|files/:file_key|images/:image_key|pins)$|POST/search/v2/message|POST/im/v1/messages/search$|POST/im/v1/(messages/merge_forward|messages/:message_id/forward|threads/:thread_id/forward)"),
    ("content_list", r"GET/(im/v1/chats(/search)?$|drive/v1/files$|drive/explorer/v2/folder|wiki/v2/spaces(/:space_id/nodes|/get_node|$))|POST/(drive/v1/metas/batch_query|search/v2/doc_wiki/search|suite/docs-api/search/object|wiki/v1/nodes/search|im/v2/chats/search|(minutes/v1/minutes|vc/v1/meetings)/search$|suite/docs-api/meta)"),
    ("content_read", r"GET/(drive/v1/((files|medias|export_tasks/file)/:file_token/download|medias/batch_get_tmp_download_url|files/:file_token/comments$)|docx/v1/documents/:document_id/(raw_content|blocks)|doc/v2/:docToken/(content|raw_content)|docs/v1/content|sheets/v[23]/spreadsheets/:[a-zA-Z_]+/(values|metainfo)|bitable/v1/apps/:app_token/tables/:table_id/records|minutes/v1/minutes/:minute_token/(media|transcript|artifacts)|spark/v1/apps/:app_id/(tables|views)/.*/records|vc/v1/(meetings/:meeting_id/(recording|pull_subtitle)$|notes/:note_id|exports/download)|board/v1/whiteboards/:whiteboard_id/(nodes|download_as_image))|POST/(spark/v1/apps/:app_id/sql_commands|drive/v1/(export_tasks|files/:file_token/(copy|move))$|bitable/v1/apps/:app_token/(copy$|tables/:table_id/records/(search|batch_get))|wiki/v2/spaces/:space_id/nodes/:node_token/copy|sheets/v3/.*query)"),
    ("delete", rf"{RESERVED}(DELETE/|(POST|PATCH|PUT)/.*(batch_delete|batch_del|batch_trash|batch_remove|/clear|/remove_[a-z_]+|/remove|/trash|/del|/del_[a-z_]+|/delete_[a-z_]+)$)"),
    ("admin", r"(POST|PUT|PATCH)/(admin/v1/(?!badge)|tenant/|passport/v1/sessions/logout|mail/v1/(mailgroups|public_mailboxes)|acs/v1/(rule_external|users|visitors)|security_and_compliance/v1/user_migrations(/cancel)?$)"),
]


def sdk(folder):
    """The keys of the SDK, with the first line of each method's comment, which is the API's Feishu name."""
    pattern = re.compile(
        r"// (\w+) ?([^\n]*)\n//[^\n]*\n(?://[^\n]*\n)*func \(\w+ \*\w+\) \1\([^\n]*\n(?:(?!\nfunc )[\s\S])*?"
        r'ApiPath = "([^"]+)"\s*\n\s*apiReq\.HttpMethod = http\.Method(\w+)'
    )
    keys = {}
    for path in sorted(pathlib.Path(folder, "service").rglob("*.go")):
        for m in pattern.finditer(path.read_text()):
            keys.setdefault(m[4].upper() + m[3], m[2].strip() or "—")
    return keys


def classify(key):
    short = key.replace("/open-apis/", "/", 1)
    return next((name for name, pattern in CLASSES if re.match(pattern, short)), "-")


def main():
    keys = {k: ["—", name] for k, name in sdk(sys.argv[1]).items()}
    for key in (HERE.parents[2] / "testdata/apis/api_keys.txt").read_text().splitlines():
        if not key.startswith("#"):
            keys.setdefault(key, ["—", "—"])
    with open(HERE / "keys-more.tsv") as f:
        for key, lark, feishu in csv.reader(f, delimiter="\t"):
            keys[key] = [lark, feishu if feishu != "—" else keys.get(key, ["", "—"])[1]]
    out = csv.writer(sys.stdout, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    out.writerow(["class", "api_key", "Lark", "Feishu"])
    for key in sorted(keys, key=lambda k: (classify(k), k.split("/", 1)[1], k)):
        out.writerow([classify(key), key, *keys[key]])


main()
