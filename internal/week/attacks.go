// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package week

import (
	"fmt"
	"strings"
	"time"
)

// When is how an attack's entries arrive.
type When string

// The three ways to arrive: at once, with the last recheck an hour later, or with the backlog of the outage.
const (
	InTime  When = "in time"
	Late    When = "late"
	Backlog When = "backlog"
)

// At is when an attack happens.
func (when When) At() time.Time {
	switch when {
	case InTime:
		return Start.AddDate(0, 0, 1).Add(15*time.Hour + 8*time.Minute)
	case Late:
		return Start.AddDate(0, 0, 2).Add(15*time.Hour + 8*time.Minute)
	default:
		return OutageFrom.Add(68 * time.Minute)
	}
}

// Attack is an attack that a detection is about.
type Attack struct {
	Alert string
	When  When
	// Subject is what the alert must name: an app, the address for alerts without one, or the tenant.
	Subject string
	// App makes the attack. Near is an app whose behaviour is similar, but not an attack.
	App, Near string
	// Also has further alerts for the same attack, with the app.
	Also []string
}

// deed is the behaviour of an attack: a number of calls, and what its app has always done, so that the app
// itself is not new.
type deed struct {
	alert  string
	calls  []habit
	near   []habit // similar behaviour
	before []habit
	spread time.Duration // zero: twenty minutes
	also   []string
	// do is for behaviour that cannot be described by calls alone.
	do func(w *Week, at time.Time, app, ip string, late, near bool)
}

func calls(key string, n int) []habit { return []habit{{key: key, n: n}} }

func with(key, payload string) []habit {
	return []habit{{key: key, n: 1, payload: payload}}
}

func failed(key string, n, code int) []habit { return []habit{{key: key, n: n, code: code}} }

// each makes one call of each of n APIs below a path.
func each(prefix string, n, code int) []habit {
	var all []habit
	for i := range n {
		all = append(all, habit{key: fmt.Sprintf("%s_%d", prefix, i), n: 1, code: code})
	}
	return all
}

const (
	roleKey   = "POST/open-apis/contact/v3/functional_roles/:role_id/members/batch_create"
	configKey = "PATCH/open-apis/application/v7/applications/:app_id/config"
	ownerKey  = "POST/open-apis/drive/v1/permissions/:token/members/transfer_owner"
	resetKey  = "POST/open-apis/admin/v1/password/reset"
	chatKey   = "DELETE/open-apis/im/v1/chats/:chat_id"
	ruleKey   = "POST/open-apis/mail/v1/user_mailboxes/:user_mailbox_id/rules"
	inboxKey  = "GET/open-apis/mail/v1/user_mailboxes/:user_mailbox_id/messages"
	staffKey  = "POST/open-apis/corehr/v2/employees/search"
	deviceKey = "POST/open-apis/security_and_compliance/v2/device_records"
	blastKey  = "POST/open-apis/message/v4/batch_send/"
	infoKey   = "GET/open-apis/authen/v1/user_info"
)

var deeds = []deed{
	{alert: "FeishuNewApp", calls: calls(sendKey, 1), near: calls(sendKey, 1), before: nil, do: func(w *Week, at time.Time, app, ip string, _, near bool) {
		if near { // thirty days ago it was there
			w.one(at.AddDate(0, 0, -30), 0, call{app: app, ip: ip, key: sendKey})
		}
	}},
	{alert: "FeishuAppFromNewAddress", before: calls(sendKey, 1), do: func(w *Week, at time.Time, app, ip string, late, near bool) {
		if !near {
			ip = ip[:strings.LastIndexByte(ip, '.')] + ".250"
		}
		w.spread(at, call{app: app, ip: ip, key: sendKey}, 3, 0, late)
	}},
	{alert: "FeishuAppFromTwoNetworks", before: calls(sendKey, 1), do: func(w *Week, at time.Time, app, ip string, late, near bool) {
		other := "203.0.113." + ip[strings.LastIndexByte(ip, '.')+1:]
		if near { // another address of the same network
			other = ip[:strings.LastIndexByte(ip, '.')] + ".251"
		}
		for day := at.AddDate(0, 0, -20); day.Before(at.AddDate(0, 0, -1)); day = day.AddDate(0, 0, 3) {
			w.one(day.Add(-8*time.Hour), 0, call{app: app, ip: other, key: sendKey})
		}
		w.spread(at, call{app: app, ip: ip, key: sendKey}, 2, 0, late)
		w.spread(at, call{app: app, ip: other, key: sendKey}, 2, 0, late)
	}},
	{alert: "FeishuCredentialGuessing", calls: failed(tokenKey, 10, 10015), near: failed(tokenKey, 9, 10015), before: []habit{tokens}},
	{alert: "FeishuTokenRefused", calls: failed(userKey, 100, 99991663), near: failed(userKey, 99, 99991663), before: calls(userKey, 1)},
	{alert: "FeishuScopeProbing", calls: each("GET/open-apis/im/v1/probe", 5, 99991672), near: each("GET/open-apis/im/v1/probe", 4, 99991672), before: calls(sendKey, 1)},
	{alert: "FeishuScopeProbingSlow", calls: each("GET/open-apis/im/v1/slow", 8, 99991679), near: each("GET/open-apis/im/v1/slow", 7, 99991679), before: calls(sendKey, 1), spread: -23 * time.Hour},
	{alert: "FeishuIPAllowlistRefused", calls: failed(sendKey, 1, 99991401), near: failed(sendKey, 3, 99991400), before: calls(sendKey, 1)},
	{alert: "FeishuDisabledCredentialUsed", calls: failed(infoKey, 1, 20021), near: failed(sendKey, 1, 20021), before: []habit{{key: infoKey, n: 1}, {key: sendKey, n: 1}}},
	{alert: "FeishuContactExport", calls: calls(membersKey, 20), near: calls(membersKey, 19), before: calls(membersKey, 1)},
	{alert: "FeishuContactsOneByOne", calls: calls(userKey, 200), near: calls(userKey, 199), before: calls(userKey, 1)},
	{alert: "FeishuMessagesReadByUnusualApp", calls: calls(readKey, 1), near: failed(readKey, 1, 230002), before: calls(sendKey, 1)},
	{alert: "FeishuMessagesReadInBulk", calls: calls(readKey, 500), near: calls(readKey, 499), before: calls(readKey, 1)},
	{alert: "FeishuDriveReadByUnusualApp", calls: calls(downloadKey, 1), near: failed(downloadKey, 1, 1061004), before: calls(sendKey, 1)},
	{alert: "FeishuMassDownload", calls: calls(downloadKey, 300), near: calls(downloadKey, 299), before: calls(downloadKey, 1)},
	{alert: "FeishuContentEnumeration", calls: calls(foldersKey, 200), near: calls(foldersKey, 199), before: calls(foldersKey, 1)},
	{alert: "FeishuSharedOutside", calls: with(publicKey, `{"external_access":true,"link_share_entity":"anyone_readable"}`), near: with(publicKey, `{"link_share_entity":"closed"}`), before: calls(sendKey, 1)},
	{alert: "FeishuExternalMemberAdded", calls: with(grantKey, `{"member_type": "email", "member_id": "x@example.com"}`), near: with(grantKey, `{"member_type":"openid"}`), before: calls(sendKey, 1)},
	{alert: "FeishuOwnerTransferred", calls: calls(ownerKey, 1), near: failed(ownerKey, 1, 1063002), before: calls(sendKey, 1)},
	{alert: "FeishuPermissionsGranted", calls: calls(grantKey, 20), near: calls(grantKey, 19), before: calls(sendKey, 1)},
	{alert: "FeishuAdminRoleGranted", calls: calls(roleKey, 1), near: failed(roleKey, 1, 40004), before: calls(mailKey, 1)},
	{alert: "FeishuAppConfigChanged", calls: calls(configKey, 1), near: failed(configKey, 1, 210500), before: calls(mailKey, 1)},
	{alert: "FeishuUsersChanged", calls: calls(changeKey, 20), near: calls(changeKey, 19), before: calls(changeKey, 1)},
	{alert: "FeishuUsersDeleted", calls: calls(dismissKey, 5), near: calls(dismissKey, 4), before: calls(changeKey, 1)},
	{alert: "FeishuDirectoryWrittenByUnusualApp", calls: calls(createKey, 1), near: failed(createKey, 1, 40014), before: calls(sendKey, 1)},
	{alert: "FeishuChatMembersAdded", calls: calls(joinKey, 20), near: calls(joinKey, 19), before: calls(sendKey, 1)},
	{alert: "FeishuAdminAPIFirstUsed", calls: calls(mailKey, 1), near: failed(mailKey, 1, 1234004), before: calls(sendKey, 1)},
	{alert: "FeishuPasswordReset", calls: calls(resetKey, 1), near: failed(resetKey, 1, 1110001), before: calls(mailKey, 1)},
	{alert: "FeishuAuditLogReadByOther", calls: calls(listKey, 1), near: calls(sendKey, 1), before: calls(sendKey, 1)},
	{alert: "FeishuTokenByUnknownApp", calls: with(tokenKey, secretPayload), near: calls(sendKey, 1), before: calls(sendKey, 1)},
	{alert: "FeishuMassDeletion", calls: calls(recallKey, 100), near: append(calls(recallKey, 99), calls(unreactKey, 50)...), before: calls(sendKey, 1)},
	{alert: "FeishuContainersDeleted", calls: calls(chatKey, 10), near: calls(chatKey, 9), before: calls(sendKey, 1)},
	{alert: "FeishuMailboxRuleChanged", calls: calls(ruleKey, 1), near: failed(ruleKey, 1, 1234008), before: calls(sendKey, 1)},
	{alert: "FeishuMailReadByUnusualApp", calls: calls(inboxKey, 1), near: failed(inboxKey, 1, 1234008), before: calls(sendKey, 1)},
	{alert: "FeishuMessageBlast", calls: calls(blastKey, 1), near: failed(blastKey, 1, 230002), before: calls(sendKey, 1)},
	{alert: "FeishuHRDataRead", calls: calls(staffKey, 50), near: calls(staffKey, 49), before: calls(sendKey, 1)},
	{alert: "FeishuDefenceChanged", calls: calls(deviceKey, 1), near: failed(deviceKey, 1, 1780001), before: calls(mailKey, 1)},
	{alert: "FeishuManyNewAPIs", calls: each("GET/open-apis/okr/v1/look", 8, 0), near: each("GET/open-apis/okr/v1/look", 7, 0), before: calls(sendKey, 1)},
	{alert: "FeishuSecretInCall", calls: with(sendKey, `{"content":"the password=correct-horse-battery"}`), near: with(sendKey, `{"content":"a password is wanted"}`), before: calls(sendKey, 1)},
	{alert: "FeishuCredentialSpray", before: []habit{tokens}, do: func(w *Week, at time.Time, app, ip string, late, near bool) {
		for i := range 3 {
			one := fmt.Sprintf("%s_%d", app, i)
			w.daily(one, ip, []habit{tokens})
			if i < 2 || !near {
				w.spread(at, call{app: one, ip: ip, key: tokenKey, payload: secretPayload, code: 10015}, 1, 0, late)
			}
		}
	}},
	{alert: "FeishuGuessedThenAccepted", before: []habit{tokens}, also: []string{"FeishuCredentialGuessing"}, do: func(w *Week, at time.Time, app, ip string, late, near bool) {
		n := 12
		if near {
			n = 9
		}
		w.spread(at, call{app: app, ip: ip, key: tokenKey, payload: secretPayload, code: 10015}, n, 0, late)
		w.spread(at.Add(22*time.Minute), call{app: app, ip: ip, key: tokenKey, payload: secretPayload}, 1, 0, late)
	}},
}

// byAddress are the alerts that name an address and no app.
var byAddress = map[string]bool{"FeishuCredentialSpray": true, "FeishuGuessedThenAccepted": true}

// attack puts each deed into the week once in time, once late and once in the backlog, each by a different app,
// together with an app that behaves similarly. Without attacks, only the latter are there, and what all of them
// have always done.
func (w *Week) attack(really bool) {
	for i, d := range deeds {
		for j, when := range []When{InTime, Late, Backlog} {
			slug := strings.ToLower(strings.TrimPrefix(d.alert, "Feishu")) + "_" + strings.ReplaceAll(string(when), " ", "_")
			a := Attack{Alert: d.alert, When: when, Subject: "cli_" + slug, App: "cli_" + slug, Near: "cli_near_" + slug, Also: d.also}
			ip, nearIP := fmt.Sprintf("10.%d.%d.10", i, j), fmt.Sprintf("10.%d.%d.20", i, j+100)
			w.daily(a.Near, nearIP, d.before)
			w.do(d, when, a.Near, nearIP, true)
			if d.alert != "FeishuNewApp" || really {
				w.daily(a.App, ip, d.before)
			}
			if really {
				w.do(d, when, a.App, ip, false)
				if byAddress[d.alert] {
					a.Subject = ip
				}
				w.Attacks = append(w.Attacks, a)
			}
		}
	}
	// The log becomes silent once, and the alert about silence is only in time. It is in both weeks.
	w.Attacks = append(w.Attacks, Attack{Alert: "FeishuLogSilent", When: InTime, Subject: SilentReader})
}

func (w *Week) do(d deed, when When, app, ip string, near bool) {
	habits := d.calls
	if near {
		habits = d.near
	}
	for _, h := range habits {
		w.spread(when.At(), call{app: app, ip: ip, key: h.key, payload: h.payload, code: h.code}, h.n, w.shift(d, h, habits), when == Late)
	}
	if d.do != nil {
		d.do(w, when.At(), app, ip, when == Late, near)
	}
}

// shift spreads the calls of a slow deed over the time before its end.
func (*Week) shift(d deed, h habit, all []habit) time.Duration {
	for i, other := range all {
		if other.key == h.key && d.spread != 0 {
			return d.spread * time.Duration(len(all)-1-i) / time.Duration(len(all))
		}
	}
	return 0
}

// spread puts n calls into the twenty minutes after at.
func (w *Week) spread(at time.Time, c call, n int, shift time.Duration, late bool) {
	at = at.Add(shift)
	for i := range n {
		moment := at.Add(time.Duration(i) * 20 * time.Minute / time.Duration(n))
		if e := w.one(moment, i, c); late && e.AppID != "" {
			e.late(moment)
		} else if e.AppID != "" && (!moment.After(OutageFrom) || !moment.Before(OutageTo)) {
			e.Arrives, e.VisibleAt = moment.Add(time.Minute), moment
		}
	}
}

// daily is what an app has always done, once each day at nine.
func (w *Week) daily(app, ip string, habits []habit) {
	for day := Start.Add(-History); day.Before(Start.AddDate(0, 0, 7)); day = day.AddDate(0, 0, 2) {
		for _, h := range habits {
			w.one(day.Add(9*time.Hour), 0, call{app: app, ip: ip, key: h.key, payload: h.payload, code: h.code})
		}
	}
}
