// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
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

// A day in a tenant, read by the receiver and sent to the Loki at LOKI_URL: for
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
	dismissKey  = "PATCH/open-apis/directory/v1/employees/:employee_id/to_be_resigned"
	listKey     = "POST/open-apis/directory/v1/employees/filter"
	logKey      = "POST/open-apis/security_and_compliance/v1/openapi_logs/list_data"
	deleteKey   = "DELETE/open-apis/im/v1/messages/:message_id"
)

const usualAddress = "192.0.2.1"

// day collects entries.
type day struct{ entries []simulator.Entry }

type call struct {
	app, key, address, payload string
	code                       int    // of the response
	answer                     string // the rest of the response
}

func (d *day) add(at time.Time, n int, c call) {
	method, path, _ := strings.Cut(c.key, "/")
	if c.address == "" {
		c.address = usualAddress
	}
	for i := range n {
		d.entries = append(d.entries, simulator.Entry{
			ID: "d-" + strconv.Itoa(len(d.entries)), APIKey: c.key, EventTime: at.Unix() + int64(i%60), AppID: c.app, IP: c.address,
			Method: method, Path: "/" + path, Payload: c.payload, StatusCode: 200, Response: `{"code":` + strconv.Itoa(c.code) + `,"msg":"m"` + c.answer + `}`,
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

// many is more than a query of Loki's may have series by itself.
const many = 600

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
		"cli_night", "cli_looksup", "cli_day", "cli_resets", "cli_fails", "cli_other", "cli_yyy", "cli_echoes", simulator.DefaultAppID, "cli_tokens", "cli_token", "cli_deletes", "cli_delete",
	}
	for _, app := range apps {
		d.add(before, 1, call{app: app, key: sendKey})
	}
	// More apps, addresses and APIs than Loki allows a query by itself.
	for i := range many {
		one := call{
			app: fmt.Sprintf("cli_many_%03d", i), address: fmt.Sprintf("198.51.100.%d", i%250),
			key: fmt.Sprintf("POST/open-apis/admin/v1/things_%03d", i), code: 99991672,
		}
		d.add(before, 1, one)
		d.add(lately, 1, one)
	}
	d.add(before, 1, call{app: "cli_chats", key: readKey})
	for _, app := range []string{"cli_loads", "cli_some"} {
		d.add(before, 1, call{app: app, key: downloadKey})
	}
	d.add(before, 1, call{app: "cli_token", key: tokenKey})

	d.add(night.Add(-20*time.Minute), 1, call{app: "cli_night", key: dismissKey})
	d.add(night.Add(-20*time.Minute), 5, call{app: "cli_looksup", key: adminKey})
	d.add(night.Add(-20*time.Minute), 5, call{app: "cli_looksup", key: listKey})
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
	d.add(lately, 1, call{app: "cli_echoes", key: publicKey, payload: `{"link_share_entity":"closed"}`, answer: `,"data":{"link_share_entity":"anyone_readable"}`})
	d.add(lately, 20, call{app: "cli_grants", key: grantKey})
	d.add(lately, 19, call{app: "cli_grant", key: grantKey})
	d.add(lately, 20, call{app: "cli_users", key: createKey})
	d.add(lately, 19, call{app: "cli_user", key: createKey})
	d.add(lately, 20, call{app: "cli_joins", key: joinKey})
	d.add(lately, 19, call{app: "cli_join", key: joinKey})
	d.add(lately, 5, call{app: "cli_day", key: dismissKey})
	d.add(lately, 1, call{app: "cli_resets", key: resetKey})
	d.add(lately, 1, call{app: "cli_fails", key: resetKey, code: 99991400})
	d.add(lately, 1, call{app: "cli_other", key: logKey})
	d.add(lately, 60, call{app: "cli_yyy", key: logKey}) // in the rule's list
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

// named are the apps that a rule names at a time, each once.
func (l *loki) named(t *testing.T, expr string, at time.Time) []string {
	t.Helper()
	var apps []string
	for _, s := range l.query(t, "/loki/api/v1/query", url.Values{"query": {expr}, "time": {nanos(at)}}) {
		apps = append(apps, s.Metric["feishu_app_id"])
	}
	slices.Sort(apps)
	return slices.Compact(apps)
}

// TestDetectionRules: every rule has a summary and a severity, and an app that it is
// about in TestDetections.
func TestDetectionRules(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range detections(t) {
		names = append(names, r.Alert)
		assert.NotEmpty(t, r.Annotations["summary"], r.Alert)
		assert.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
	}
	var wanted []string
	for name := range suspects {
		wanted = append(wanted, name)
	}
	require.ElementsMatch(t, wanted, names)
}

// TestDetections: on a real Loki, each rule names the app that it is about and no
// other, and every query of the dashboard finds something, also in a tenant with more
// apps and APIs than Loki allows a query by default. The rules and queries are those of
// the example, limited to the stream of this test.
func TestDetections(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	rules := detections(t)
	zone := time.FixedZone("", 8*3600)
	yesterday := time.Now().In(zone).AddDate(0, 0, -1)
	noon := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 12, 0, 0, 0, zone)
	night := noon.Add(-9 * time.Hour)
	d := newDay(noon, night)
	a := newAPI(t, simulator.Options{})
	a.Add(d.entries...)
	e := newExample(t, a, l)
	e.args = append(e.args, "--set=receivers.feishu_audit.start_time="+noon.AddDate(0, 0, -3).UTC().Format(time.RFC3339))
	c := e.start(t)
	eventually(t, 3*time.Minute, "the day arrives", func() bool { return len(byID(l.held(t))) >= len(d.entries) })
	c.term(t)
	checkPath(t, d.entries, l.held(t), 0)

	for _, r := range rules {
		for at, expected := range map[time.Time]bool{noon: r.Alert != "FeishuAdminAPIAtNight", night: r.Alert == "FeishuAdminAPIAtNight"} {
			apps := l.named(t, l.own(t, r.Expr), at)
			switch {
			case expected:
				assert.Equal(t, suspects[r.Alert], apps, "%s at %s", r.Alert, at)
			case r.Alert == "FeishuAdminAPIAtNight":
				assert.Empty(t, apps, "%s by day", r.Alert)
			}
		}
	}

	for title, query := range panels(t) {
		query.expr = l.own(t, strings.NewReplacer("$__range", "24h", "$__auto", "1h", "$app", ".*").Replace(query.expr))
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

// threshold ends a rule that counts.
var threshold = regexp.MustCompile(`(>=|>) \d+\s*$`)

// TestDetectionKeys: every API and every code that docs/detections.md names for a rule
// makes it name the app, with a path variable as its name and as an id; others do not.
func TestDetectionKeys(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	zone := time.FixedZone("", 8*3600)
	yesterday := time.Now().In(zone).AddDate(0, 0, -1)
	night := time.Date(yesterday.Year(), yesterday.Month(), yesterday.Day(), 3, 0, 0, 0, zone)
	d := &day{}
	watched := map[string][]string{}
	app := func(c call) string {
		c.app = "cli_" + strconv.Itoa(len(d.entries))
		c.payload = `{"link_share_entity":"anyone_readable"}`
		d.add(night.Add(-5*time.Minute), 1, c)
		return c.app
	}
	byRule := documentedRules(t)
	apps := map[string][]string{} // by key
	var all []string
	for _, rule := range byRule {
		for _, key := range rule.keys {
			if len(apps[key]) == 0 {
				apps[key] = []string{app(call{key: key}), app(call{key: variable.ReplaceAllString(key, "ou_7d8a6e6df7621556")})}
				all = append(all, key)
				app(call{key: key + "/zz/zz/zz"})
				app(call{key: "X" + key})
			}
		}
	}
	for rule, documented := range byRule {
		for _, key := range documented.keys {
			watched[rule] = append(watched[rule], apps[key]...)
		}
	}
	require.Greater(t, len(all), 40)
	for _, key := range []string{
		"GET/open-apis/im/v1/messages/:message_id/read_users", "GET/open-apis/im/v1/messages/:message_id/reactions",
		"GET/open-apis/contact/v3/group/simplelist", "GET/open-apis/docx/v1/documents/:document_id", sendKey, adminKey,
	} {
		app(call{key: key})
	}
	for code, rule := range map[int]string{
		10003: "", 10014: "", 10015: "", 20002: "", 20003: "", 20004: "", 20005: "", 20006: "", 20024: "", 20026: "",
		99991661: "FeishuCredentialFailures", 99991663: "FeishuCredentialFailures", 99991664: "FeishuCredentialFailures",
		99991668: "FeishuCredentialFailures", 99991671: "FeishuCredentialFailures", 99991677: "FeishuCredentialFailures",
		99991672: "FeishuScopeProbing", 99991676: "FeishuScopeProbing", 99991679: "FeishuScopeProbing", 99991400: "-",
	} {
		one := app(call{key: sendKey, code: code})
		if rule == "" { // another thing, but for the APIs of tokens
			rule, one = "FeishuCredentialFailures", app(call{key: "GET/open-apis/authen/v1/user_info", code: code})
		}
		watched[rule] = append(watched[rule], one)
	}
	// Rules about whatever begins in a way, and what is not watched of that.
	reads := []string{listKey, "POST/open-apis/directory/v1/employees/mget", "POST/open-apis/directory/v1/employees/search", logKey}
	for _, entry := range d.entries {
		method, path, _ := strings.Cut(entry.APIKey, "/open-apis/")
		area, _, _ := strings.Cut(path, "/")
		// Loki looks for a pattern that ends in .* anywhere: XDELETE counts, too.
		if strings.HasSuffix(method, "DELETE") {
			watched["FeishuMassDeletion"] = append(watched["FeishuMassDeletion"], entry.AppID)
		}
		if slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, method) && slices.Contains([]string{"admin", "directory", "security_and_compliance"}, area) &&
			!slices.Contains(reads, entry.APIKey) {
			watched["FeishuAdminAPIAtNight"] = append(watched["FeishuAdminAPIAtNight"], entry.AppID)
		}
		watched["FeishuNewApp"] = append(watched["FeishuNewApp"], entry.AppID)
	}

	l.load(t, d.entries)
	for _, r := range detections(t) {
		slices.Sort(watched[r.Alert])
		assert.Equal(t, watched[r.Alert], l.named(t, l.own(t, threshold.ReplaceAllString(r.Expr, "> 0")), night), r.Alert)
	}
}

// TestSensitiveAPIs: the dashboard calls sensitive what the rules watch.
func TestSensitiveAPIs(t *testing.T) {
	t.Parallel()
	sensitive := regexp.MustCompile(`feishu_api_key =~ "([^"]*)"`).FindStringSubmatch(panels(t)["Sensitive APIs"].expr)
	require.NotNil(t, sensitive)
	keys := 0
	for _, rule := range documentedRules(t) {
		for _, key := range rule.keys {
			if key != logKey && !strings.Contains(key, "/open-apis/auth") {
				keys++
				assert.Regexp(t, "^("+sensitive[1]+")$", key)
			}
		}
	}
	require.Greater(t, keys, 40)
}

// TestRuler: Loki's ruler evaluates every rule without a fault, fires those that have
// a reason, and says so where the README says. The ruler of the Loki at LOKI_URL must have
// examples/loki/rules as they are, for the tenant that receives the entries, as
// examples/loki/compose.yaml mounts them. Rules read all streams: the apps of this day
// have names of their own, so that they are as new as the rules want them.
func TestRuler(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	now := time.Now()
	// The ruler evaluates the group every five minutes: what a rule looks for within the last ten
	// minutes must be there for that long.
	d := newDay(now.Add(4*time.Minute), now)
	for i, entry := range d.entries {
		if entry.AppID != simulator.DefaultAppID && entry.AppID != "cli_yyy" { // which a rule names
			d.entries[i].AppID += "_" + l.namespace
		}
	}
	l.load(t, d.entries)
	// What happened twenty minutes ago happened at night, or not.
	hour := now.Add(-20 * time.Minute).UTC().Add(8 * time.Hour).Hour()
	isNight := hour < 7 || hour >= 22

	type state struct{ Name, State, Health, LastError string }
	states := func() []state {
		status, body := l.get(t, "/prometheus/api/v1/rules", nil)
		require.Equal(t, http.StatusOK, status, "/prometheus/api/v1/rules: %s", body)
		var answer struct {
			Data struct {
				Groups []struct {
					Name  string
					Rules []state
				}
			}
		}
		require.NoError(t, json.Unmarshal(body, &answer))
		for _, group := range answer.Data.Groups {
			if group.Name == "feishu-audit" {
				return group.Rules
			}
		}
		return nil
	}
	eventually(t, time.Minute, "the ruler has the group feishu-audit of examples/loki/rules", func() bool { return len(states()) > 0 })
	require.Len(t, states(), len(suspects), "the rules of the ruler are not those of examples/loki/rules")
	var last []state
	eventually(t, 7*time.Minute, "every rule was asked, and fires as it should", func() bool {
		last = states()
		return !slices.ContainsFunc(last, func(s state) bool {
			require.Empty(t, s.LastError, s.Name)
			return s.Health != "ok" || s.State != "firing" && (s.Name != "FeishuAdminAPIAtNight" || isNight)
		})
	})
	status, body := l.get(t, "/prometheus/api/v1/alerts", nil)
	require.Equal(t, http.StatusOK, status)
	for _, s := range last {
		assert.Equal(t, s.State == "firing", strings.Contains(string(body), `"alertname":"`+s.Name+`"`), "%s is %s", s.Name, s.State)
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
