// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// A day in a tenant, told to the receiver as a log and to Loki by the receiver: for
// each rule of examples/loki/rules an app that it is about, and one that comes close.

const (
	tokenKey    = "POST/open-apis/auth/v3/tenant_access_token/internal"
	userKey     = "GET/open-apis/contact/v3/users/:user_id"
	sendKey     = "POST/open-apis/im/v1/messages"
	readKey     = "GET/open-apis/im/v1/messages"
	downloadKey = "GET/open-apis/drive/v1/files/:file_token/download"
	grantKey    = "POST/open-apis/drive/v1/permissions/:token/members"
	publicKey   = "PATCH/open-apis/drive/v1/permissions/:token/public"
	createKey   = "POST/open-apis/contact/v3/users"
	joinKey     = "POST/open-apis/im/v1/chats/:chat_id/members"
	resetKey    = "POST/open-apis/admin/v1/password/reset"
	adminKey    = "GET/open-apis/admin/v1/audit_infos"
	logKey      = "POST/open-apis/security_and_compliance/v1/openapi_logs/list_data"
	deleteKey   = "DELETE/open-apis/im/v1/messages/:message_id"
)

const usualAddress = "192.0.2.1"

// day collects entries.
type day struct{ entries []simulator.Entry }

type call struct {
	app, key, address, payload string
	code                       int // of the response
}

func (d *day) add(at time.Time, n int, c call) {
	method, path, _ := strings.Cut(c.key, "/")
	if c.address == "" {
		c.address = usualAddress
	}
	for i := range n {
		d.entries = append(d.entries, simulator.Entry{
			ID: "d-" + strconv.Itoa(len(d.entries)), APIKey: c.key, EventTime: at.Unix() + int64(i%60), AppID: c.app, IP: c.address,
			Method: method, Path: "/" + path, Payload: c.payload, StatusCode: 200, Response: `{"code":` + strconv.Itoa(c.code) + `,"msg":"m"}`,
		})
	}
}

// suspects are, by rule, the apps that it must name. Each rule's other app must not be
// named by it.
var suspects = map[string][]string{
	"FeishuAppFromNewAddress":        {"cli_moved"},
	"FeishuNewApp":                   {"cli_new"},
	"FeishuCredentialFailures":       {"cli_guess"},
	"FeishuScopeProbing":             {"cli_probe"},
	"FeishuContactExport":            {"cli_contacts"},
	"FeishuMessagesReadByUnusualApp": {"cli_reads"},
	"FeishuDriveReadByUnusualApp":    {"cli_drives"},
	"FeishuMassDownload":             {"cli_loads"},
	"FeishuPublicLinkOpened":         {"cli_opens"},
	"FeishuPermissionsGranted":       {"cli_grants"},
	"FeishuUsersChanged":             {"cli_users"},
	"FeishuChatMembersAdded":         {"cli_joins"},
	"FeishuAdminAPIAtNight":          {"cli_night"},
	"FeishuPasswordReset":            {"cli_resets"},
	"FeishuAuditLogReadByOther":      {"cli_other"},
	"FeishuTokenByUnknownApp":        {"cli_tokens"},
	"FeishuMassDeletion":             {"cli_deletes"},
}

// newDay tells the day before noon, in UTC+8, at which the rules are asked. The rule
// about nights is asked at three in the morning.
func newDay(noon, night time.Time) *day {
	d := &day{}
	before := noon.Add(-50 * time.Hour)
	lately := noon.Add(-20 * time.Minute)
	// What has been usual for days: every app calls from one address; some read
	// messages and files, and ask for tokens.
	apps := []string{
		"cli_moved", "cli_same", "cli_guess", "cli_typo", "cli_probe", "cli_lacks", "cli_contacts", "cli_looks", "cli_reads", "cli_chats",
		"cli_drives", "cli_loads", "cli_some", "cli_opens", "cli_closes", "cli_grants", "cli_grant", "cli_users", "cli_user", "cli_joins", "cli_join",
		"cli_night", "cli_day", "cli_resets", "cli_fails", "cli_other", simulator.DefaultAppID, "cli_tokens", "cli_token", "cli_deletes", "cli_delete",
	}
	for _, app := range apps {
		d.add(before, 1, call{app: app, key: sendKey})
	}
	d.add(before, 1, call{app: "cli_chats", key: readKey})
	for _, app := range []string{"cli_loads", "cli_some"} {
		d.add(before, 1, call{app: app, key: downloadKey})
	}
	d.add(before, 1, call{app: "cli_token", key: tokenKey})

	d.add(night.Add(-20*time.Minute), 1, call{app: "cli_night", key: adminKey})
	d.add(night.Add(-20*time.Minute), 3, call{app: simulator.DefaultAppID, key: logKey})

	d.add(lately, 3, call{app: "cli_moved", key: sendKey, address: "203.0.113.9"})
	d.add(lately, 3, call{app: "cli_same", key: sendKey})
	d.add(lately, 1, call{app: "cli_new", key: sendKey})
	d.add(noon.Add(-5*time.Minute), 20, call{app: "cli_guess", key: userKey, code: 99991663})
	d.add(noon.Add(-5*time.Minute), 19, call{app: "cli_typo", key: userKey, code: 99991663})
	for i, key := range []string{userKey, readKey, grantKey, createKey, adminKey} {
		d.add(lately, 1, call{app: "cli_probe", key: key, code: 99991672})
		if i < 4 {
			d.add(lately, 5, call{app: "cli_lacks", key: sendKey + strings.Repeat("x", i), code: 99991672})
		}
	}
	d.add(lately, 200, call{app: "cli_contacts", key: userKey})
	d.add(lately, 199, call{app: "cli_looks", key: userKey})
	d.add(lately, 1, call{app: "cli_reads", key: readKey})
	d.add(lately, 9, call{app: "cli_chats", key: readKey})
	d.add(lately, 1, call{app: "cli_drives", key: downloadKey})
	d.add(lately, 300, call{app: "cli_loads", key: downloadKey})
	d.add(lately, 299, call{app: "cli_some", key: downloadKey})
	d.add(lately, 1, call{app: "cli_opens", key: publicKey, payload: `{"external_access":true,"link_share_entity":"anyone_readable"}`})
	d.add(lately, 1, call{app: "cli_closes", key: publicKey, payload: `{"external_access":false,"link_share_entity":"closed"}`})
	d.add(lately, 20, call{app: "cli_grants", key: grantKey})
	d.add(lately, 19, call{app: "cli_grant", key: grantKey})
	d.add(lately, 20, call{app: "cli_users", key: createKey})
	d.add(lately, 19, call{app: "cli_user", key: createKey})
	d.add(lately, 20, call{app: "cli_joins", key: joinKey})
	d.add(lately, 19, call{app: "cli_join", key: joinKey})
	d.add(lately, 5, call{app: "cli_day", key: adminKey})
	d.add(lately, 1, call{app: "cli_resets", key: resetKey})
	d.add(lately, 1, call{app: "cli_fails", key: resetKey, code: 99991400})
	d.add(lately, 1, call{app: "cli_other", key: logKey})
	d.add(lately, 60, call{app: simulator.DefaultAppID, key: logKey})
	d.add(lately, 1, call{app: "cli_tokens", key: tokenKey, payload: `{"app_id":"cli_tokens","app_secret":"hunter2hunter2"}`})
	d.add(lately, 1, call{app: "cli_token", key: tokenKey})
	d.add(lately, 100, call{app: "cli_deletes", key: deleteKey})
	d.add(lately, 99, call{app: "cli_delete", key: deleteKey})
	return d
}

// alertRule is one of examples/loki/rules.
type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func detections(t *testing.T) []alertRule {
	text, err := os.ReadFile("../examples/loki/rules/feishu-audit.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Rules []alertRule `yaml:"rules"`
		} `yaml:"groups"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	require.Len(t, file.Groups, 1)
	return file.Groups[0].Rules
}

// TestDetections: on a real Loki, each rule names the app that it is about and no
// other; the ruler loads them all; and every query of the dashboard finds something.
func TestDetections(t *testing.T) {
	t.Parallel()
	rules := detections(t)
	var names []string
	for _, r := range rules {
		names = append(names, r.Alert)
		assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
		assert.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
	}
	var wanted []string
	for name := range suspects {
		wanted = append(wanted, name)
	}
	require.ElementsMatch(t, wanted, names)

	zone := time.FixedZone("", 8*3600)
	yesterday := time.Now().In(zone).AddDate(0, 0, -1)
	noon := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 12, 0, 0, 0, zone)
	night := noon.Add(-9 * time.Hour)
	d := newDay(noon, night)
	l := newLoki(t)
	a := newAPI(t, simulator.Options{})
	a.Add(d.entries...)
	e := newExample(t, a, l)
	e.args = append(e.args, "--set=receivers.feishu_audit.start_time="+noon.AddDate(0, 0, -3).UTC().Format(time.RFC3339))
	c := e.start(t)
	eventually(t, 3*time.Minute, "the day arrives", func() bool { return len(l.held(t)) >= len(d.entries) })
	c.term(t)
	note(row{t.Name(), len(d.entries), len(byID(l.held(t))), 0, 0, len(l.held(t)) - len(d.entries), 0})

	for _, r := range rules {
		for at, expected := range map[time.Time]bool{noon: r.Alert != "FeishuAdminAPIAtNight", night: r.Alert == "FeishuAdminAPIAtNight"} {
			var apps []string
			for _, s := range l.query(t, "/loki/api/v1/query", url.Values{"query": {r.Expr}, "time": {nanos(at)}}) {
				apps = append(apps, s.Metric["feishu_app_id"])
			}
			slices.Sort(apps)
			switch {
			case expected:
				assert.Equal(t, suspects[r.Alert], slices.Compact(apps), "%s at %s", r.Alert, at)
			case r.Alert == "FeishuAdminAPIAtNight":
				assert.Empty(t, apps, "%s by day", r.Alert)
			}
		}
	}

	status, body := l.get(t, "/prometheus/api/v1/rules", nil)
	require.Equal(t, 200, status)
	for _, name := range names {
		assert.Contains(t, string(body), `"name":"`+name+`"`, "the ruler has loaded it")
	}

	for title, query := range panels(t) {
		query.expr = strings.NewReplacer("$__range", "24h", "$__auto", "1h", "$app", ".*").Replace(query.expr)
		var found []stream
		if query.instant {
			found = l.query(t, "/loki/api/v1/query", url.Values{"query": {query.expr}, "time": {nanos(noon)}})
		} else {
			found = l.query(t, "/loki/api/v1/query_range", url.Values{
				"query": {query.expr}, "start": {nanos(noon.Add(-24 * time.Hour))}, "end": {nanos(noon)}, "step": {"3600"}, "limit": {"100"},
			})
		}
		assert.NotEmpty(t, found, "panel %q: %s", title, query.expr)
		if strings.Contains(query.expr, "vector(0)") && len(found) > 0 {
			assert.NotEqual(t, "0", found[0].Value[1], "panel %q", title)
		}
	}
}

type panelQuery struct {
	expr    string
	instant bool
}

// panels are the queries of the dashboard, by title.
func panels(t *testing.T) map[string]panelQuery {
	text, err := os.ReadFile("../examples/loki/dashboards/feishu-audit.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct {
				Expr, QueryType string
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	all := map[string]panelQuery{}
	for _, p := range dashboard.Panels {
		require.Len(t, p.Targets, 1, p.Title)
		all[p.Title] = panelQuery{p.Targets[0].Expr, p.Targets[0].QueryType == "instant"}
	}
	require.GreaterOrEqual(t, len(all), 10)
	return all
}
