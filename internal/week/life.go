// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package week

import (
	"slices"
	"strconv"
	"time"
)

// Keys of ordinary life.
const (
	tokenKey    = "POST/open-apis/auth/v3/tenant_access_token/internal"
	listKey     = "POST/open-apis/security_and_compliance/v1/openapi_logs/list_data"
	sendKey     = "POST/open-apis/im/v1/messages"
	readKey     = "GET/open-apis/im/v1/messages/:message_id"
	recallKey   = "DELETE/open-apis/im/v1/messages/:message_id"
	unreactKey  = "DELETE/open-apis/im/v1/messages/:message_id/reactions/:reaction_id"
	userKey     = "GET/open-apis/contact/v3/users/:user_id"
	membersKey  = "GET/open-apis/contact/v3/users/find_by_department"
	changeKey   = "PATCH/open-apis/contact/v3/users/:user_id"
	createKey   = "POST/open-apis/contact/v3/users"
	dismissKey  = "DELETE/open-apis/contact/v3/users/:user_id"
	downloadKey = "GET/open-apis/drive/v1/files/:file_token/download"
	foldersKey  = "GET/open-apis/drive/v1/files"
	exportKey   = "POST/open-apis/drive/v1/export_tasks"
	grantKey    = "POST/open-apis/drive/v1/permissions/:token/members"
	publicKey   = "PATCH/open-apis/drive/v1/permissions/:token/public"
	joinKey     = "POST/open-apis/im/v1/chats/:chat_id/members"
	mailKey     = "PATCH/open-apis/mail/v1/mailgroups/:mailgroup_id"
	payrollKey  = "GET/open-apis/payroll/v1/payment_activity_details"
	removeKey   = "DELETE/open-apis/drive/v1/files/:file_token"
)

// secretPayload is the payload of a request for a token.
const secretPayload = `{"app_id":"cli_a","app_secret":"hunter2hunter2hunter2"}`

// app is an app of the tenant: what it does in each hour of a working day.
type app struct {
	id, ip string
	tenant string
	hours  []int // empty: all day
	calls  []habit
}

// habit is a call that an app makes this often in each of its hours.
type habit struct {
	key     string
	n       int
	payload string
	code    int
}

var office = []int{9, 10, 11, 12, 13, 14, 15, 16, 17, 18}

// tokens is the habit of each app that requests its tokens itself.
var tokens = habit{tokenKey, 1, secretPayload, 0}

var apps = []app{
	{id: Reader, ip: "192.0.2.10", calls: []habit{{listKey, 4, `{"page_size":100}`, 0}, tokens}},
	{id: "cli_bot", ip: "192.0.2.20", hours: office, calls: []habit{tokens, {sendKey, 12, `{"content":"{\"text\":\"standup\"}"}`, 0}, {readKey, 3, "", 0}, {recallKey, 2, "", 0}, {unreactKey, 4, "", 0}}},
	{id: "cli_sso", ip: "192.0.2.21", hours: office, calls: []habit{{userKey, 10, "", 0}}},
	{id: "cli_sync", ip: "192.0.2.22", hours: []int{2}, calls: []habit{tokens, {membersKey, 12, "", 0}, {changeKey, 8, `{"job_title":"engineer"}`, 0}, {createKey, 1, `{"name":"new"}`, 0}, {dismissKey, 1, "", 0}}},
	{id: "cli_backup", ip: "192.0.2.23", hours: []int{3}, calls: []habit{tokens, {foldersKey, 60, "", 0}, {downloadKey, 120, "", 0}}},
	{id: "cli_cleanup", ip: "192.0.2.24", hours: []int{4}, calls: []habit{{recallKey, 60, "", 0}, {removeKey, 5, "", 0}}},
	{id: "cli_docs", ip: "192.0.2.25", hours: office, calls: []habit{{grantKey, 2, `{"member_type":"openid","member_id":"ou_1","perm":"view"}`, 0}, {publicKey, 1, `{"link_share_entity":"tenant_readable"}`, 0}}},
	{id: "cli_helpdesk", ip: "192.0.2.26", hours: office, calls: []habit{{joinKey, 1, `{"id_list":["ou_1"]}`, 0}, {sendKey, 2, `{"content":"your password=hunter2hunter2 was reset"}`, 0}}},
	{id: "cli_isv", ip: "198.51.100.7", calls: []habit{{sendKey, 1, "{}", 0}, {userKey, 1, "", 99991663}}},
	{id: "cli_isv", ip: "198.51.100.8", calls: []habit{{sendKey, 1, "{}", 0}}},
	{id: "cli_loose", ip: "192.0.2.27", hours: office, calls: []habit{{userKey, 1, "", 99991672}, {readKey, 1, "", 99991672}, {tokenKey, 1, secretPayload, 10015}}},
	{id: "", ip: "192.0.2.28", calls: []habit{{tokenKey, 1, secretPayload, 10003}}}, // an unknown app has no id
	{id: "cli_two", ip: "192.0.2.30", tenant: SilentReader, calls: []habit{{sendKey, 6, "{}", 0}}},
}

// silentFrom is when the second tenant's log ends.
var silentFrom = Start.AddDate(0, 0, 4).Add(8 * time.Hour)

// live is ordinary life, with its history.
func (w *Week) live() {
	begin := Start.Add(-History)
	for day := begin; day.Before(Start.AddDate(0, 0, 7)); day = day.AddDate(0, 0, 1) {
		weekend := day.In(zone).Weekday() == time.Saturday || day.In(zone).Weekday() == time.Sunday
		for _, a := range apps {
			for hour := range 24 {
				if len(a.hours) > 0 && (!slices.Contains(a.hours, hour) || weekend && len(a.hours) > 1) {
					continue
				}
				at := day.Add(time.Duration(hour)*time.Hour + time.Duration(w.random.IntN(300))*time.Second)
				w.hour(a, at)
			}
		}
		w.rarely(day)
	}
}

func (w *Week) hour(a app, at time.Time) {
	for i, h := range a.calls {
		if a.tenant == SilentReader && !at.Before(silentFrom) {
			continue
		}
		w.add(at.Add(time.Duration(i)*time.Second), 50*time.Minute, h.n, call{app: a.id, key: h.key, ip: a.ip, payload: h.payload, code: h.code, tenant: a.tenant})
	}
}

// rarely are the jobs that run once a week or once a month: not a first time.
func (w *Week) rarely(day time.Time) {
	at := day.Add(5 * time.Hour)
	if day.In(zone).Weekday() == time.Sunday {
		w.add(at, 20*time.Minute, 20, call{app: "cli_weekly", ip: "192.0.2.40", key: downloadKey})
		w.add(at, 20*time.Minute, 5, call{app: "cli_weekly", ip: "192.0.2.40", key: exportKey, payload: `{"token":"doc_1","type":"docx"}`})
		w.add(at, time.Minute, 1, call{app: "cli_weekly", ip: "192.0.2.40", key: tokenKey, payload: secretPayload})
	}
	if day.In(zone).Day() == 1 {
		w.add(at, 20*time.Minute, 30, call{app: "cli_monthly", ip: "192.0.2.41", key: payrollKey})
		w.add(at, time.Minute, 1, call{app: "cli_monthly", ip: "192.0.2.41", key: mailKey})
		for i := range 9 { // the payroll run's calls for each department
			w.one(at.Add(time.Duration(i)*time.Minute), i, call{app: "cli_monthly", ip: "192.0.2.41", key: "GET/open-apis/payroll/v1/area_" + strconv.Itoa(i)})
		}
	}
}
