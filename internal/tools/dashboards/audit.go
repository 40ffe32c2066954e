// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// backend is where the audit log is stored, with the Grafana datasource that queries it.
type backend struct {
	name, datasource, file, uid string
	refresh                     string // how often the panels ask again
	past                        string // how far back it looks for what is new
	// query returns a panel's query in the backend's language, and its kind.
	query func(p panel) target
}

var backends = []backend{
	{"Loki", "loki", "loki/dashboards/feishu-audit.json", "feishu-audit-log", "1m", "seven days", func(p panel) target {
		kind := "instant"
		if p.kind == overTime || p.kind == entries {
			kind = "range"
		}
		return target{Expr: strings.NewReplacer("LOG", `{service_name=~"feishu|lark"} | feishu_app_id =~ "$app"`, "SENSITIVE", `feishu_api_key =~ "`+sensitive+`"`).Replace(p.logQL), QueryType: kind, LegendFormat: underscored(p.legend)}
	}},
	{"VictoriaLogs", victoriaLogs, "victorialogs/dashboards/feishu-audit.json", "feishu-audit-victorialogs", "5m", "33 days", func(p panel) target {
		kinds := map[kind]string{number: "stats", overTime: "statsRange", list: "stats", entries: "instant"}
		return target{Expr: strings.NewReplacer("LOG", `{service.name=~"feishu|lark"} feishu.app.id:~"^($app)$"`, "SENSITIVE", `feishu.api_key:~"^(`+sensitive+`)$"`).Replace(p.logsQL), QueryType: kinds[p.kind], LegendFormat: p.legend}
	}},
}

// underscored is a legend with the names that Loki gives to fields.
func underscored(legend string) string { return strings.ReplaceAll(legend, ".", "_") }

// kind is what a panel shows.
type kind string

const (
	number   kind = "stat"
	overTime kind = "timeseries"
	list     kind = "table"
	entries  kind = "logs"
)

// panel is one panel of the audit log's dashboard. In its queries, LOG stands for the log of the chosen apps and
// SENSITIVE for the filter of sensitive APIs.
type panel struct {
	title, description string
	kind               kind
	at                 place
	logQL, logsQL      string
	legend             string
}

type place struct {
	W int `json:"w"`
	H int `json:"h"`
	X int `json:"x"`
	Y int `json:"y"`
}

// sensitive are the APIs of the directory, messages, downloads, permissions, members and administration.
const sensitive = `GET/open-apis/contact/v3/(users(/[!-.0-~]+)?|departments/[!-.0-~]+/children)|` +
	`POST/open-apis/(contact/v3/users/batch_get_id|directory/v1/employees/(filter|mget|search))|` +
	`GET/open-apis/im/v1/messages(/[!-.0-~]+(/resources/[!-.0-~]+)?)?|` +
	`GET/open-apis/(drive/v1/((files|medias|export_tasks/file)/[!-.0-~]+/download|medias/batch_get_tmp_download_url)|docx/v1/documents/[!-.0-~]+/(raw_content|blocks)|docs/v1/content|sheets/v2/spreadsheets/[!-.0-~]+/values(/[!-.0-~]+|_batch_get))|` +
	`POST/open-apis/(drive/v1/export_tasks|bitable/v1/apps/[!-.0-~]+/tables/[!-.0-~]+/records/search)|` +
	`PATCH/open-apis/drive/v[12]/permissions/[!-.0-~]+/public|` +
	`POST/open-apis/(drive/v1/permissions/[!-.0-~]+/members(/batch_create|/transfer_owner)?|wiki/v2/spaces/[!-.0-~]+/members)|` +
	`PUT/open-apis/drive/v1/permissions/[!-.0-~]+/members/[!-.0-~]+|` +
	`POST/open-apis/((contact/v3/users|directory/v1/employees)(/[!-.0-~]+/resurrect)?|contact/v3/functional_roles/[!-.0-~]+/members/batch_create)|` +
	`PATCH/open-apis/(contact/v3/users/[!-.0-~]+(/update_user_id)?|directory/v1/employees/[!-.0-~]+)|` +
	`PUT/open-apis/contact/v3/users/[!-.0-~]+|DELETE/open-apis/(contact/v3/users|directory/v1/employees)/[!-.0-~]+|` +
	`POST/open-apis/im/v1/chats/[!-.0-~]+/(members|managers/add_managers)|PATCH/open-apis/im/v1/chats/[!-.0-~]+/members/me_join|` +
	`(POST|PUT|PATCH|DELETE)/open-apis/((admin|directory)/.*|security_and_compliance/v[12]/(device_.*|openapi_logs/list_data|user_migrations(/cancel)?))`

// panels are those of the audit log. VictoriaLogs stores an entry twice if it was sent twice, so ids are
// counted. Its datasource adds the dashboard's time range to a query that has none. The queries for new things
// have their own, and Grafana fills in where the time range begins.
var panels = []panel{
	{
		"Calls", "Calls of the Open API in the time shown.", number,
		place{6, 4, 0, 0},
		"sum(count_over_time(LOG [$__range]))", "LOG | stats count_uniq(log.record.uid) as calls", "",
	},
	{
		"Failed calls", "Calls whose response has a code other than 0.", number,
		place{6, 4, 6, 0},
		`sum(count_over_time(LOG | error_type != "" [$__range])) or vector(0)`, "LOG error.type:* | stats count_uniq(log.record.uid) as calls", "",
	},
	{
		"Apps", "Apps that called.", number,
		place{6, 4, 12, 0},
		"count(sum by (feishu_app_id) (count_over_time(LOG [$__range])))", "LOG | stats count_uniq(feishu.app.id) as apps", "",
	},
	{
		"Calls with a secret in them", "The receiver has masked a credential in payload or response.", number,
		place{6, 4, 18, 0},
		`sum(count_over_time(LOG |= "[REDACTED]" [$__range])) or vector(0)`, "LOG feishu.redacted:* | stats count_uniq(log.record.uid) as calls", "",
	},
	{
		"Calls by app", "The ten busiest apps.", overTime,
		place{12, 8, 0, 4},
		"topk(10, sum by (feishu_app_id) (count_over_time(LOG [$__auto])))", "LOG | stats by (feishu.app.id) count_uniq(log.record.uid) as calls | sort by (calls) desc limit 10", "{{feishu.app.id}}",
	},
	{
		"Calls by API", "The ten busiest APIs.", overTime,
		place{12, 8, 12, 4},
		"topk(10, sum by (feishu_api_key) (count_over_time(LOG [$__auto])))", "LOG | stats by (feishu.api_key) count_uniq(log.record.uid) as calls | sort by (calls) desc limit 10", "{{feishu.api_key}}",
	},
	{
		"Failures by code", "The code of the response, or the HTTP status.", overTime,
		place{12, 8, 0, 12},
		`topk(10, sum by (error_type) (count_over_time(LOG | error_type != "" [$__auto])))`, "LOG error.type:* | stats by (error.type) count_uniq(log.record.uid) as calls | sort by (calls) desc limit 10", "{{error.type}}",
	},
	{
		"Sensitive APIs", "Directory, messages, downloads, permissions, members, administration.", overTime,
		place{12, 8, 12, 12},
		"topk(10, sum by (feishu_api_key) (count_over_time(LOG | SENSITIVE [$__auto])))", "LOG SENSITIVE | stats by (feishu.api_key) count_uniq(log.record.uid) as calls | sort by (calls) desc limit 10", "{{feishu.api_key}}",
	},
	{
		"New apps", "Apps that called in the time shown and not in the PAST before it.", list,
		place{8, 8, 0, 20},
		"sum by (feishu_app_id) (count_over_time(LOG [$__range])) unless sum by (feishu_app_id) (count_over_time(LOG [7d] offset $__range))",
		"_time:34d LOG | stats by (feishu.app.id) count_uniq(log.record.uid) if (_time:>=${__from:date}) as calls, count() if (_time:<${__from:date}) as before" +
			" | filter calls:>0 before:0 | delete before | sort by (calls) desc limit 50", "",
	},
	{
		"New addresses", "Addresses from which an app called in the time shown and not in the PAST before it.", list,
		place{8, 8, 8, 20},
		"sum by (feishu_app_id, client_address) (count_over_time(LOG [$__range])) unless sum by (feishu_app_id, client_address) (count_over_time(LOG [7d] offset $__range))",
		"_time:34d LOG | stats by (feishu.app.id, client.address) count_uniq(log.record.uid) if (_time:>=${__from:date}) as calls, count() if (_time:<${__from:date}) as before" +
			" | filter calls:>0 before:0 | delete before | sort by (calls) desc limit 50", "",
	},
	{
		"Who uses sensitive APIs", "By app and address.", list,
		place{8, 8, 16, 20},
		"topk(50, sum by (feishu_app_id, client_address, feishu_api_key) (count_over_time(LOG | SENSITIVE [$__range])))",
		"LOG SENSITIVE | stats by (feishu.app.id, client.address, feishu.api_key) count_uniq(log.record.uid) as calls | sort by (calls) desc limit 50", "",
	},
	{
		"Entries", "The log itself. Open a line for its fields; what the call sent and got is in the body.", entries,
		place{24, 12, 0, 28},
		"LOG", "LOG", "",
	},
}

// options of each kind of panel.
var options = map[kind]any{
	number: map[string]any{
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}}, "graphMode": "none", "colorMode": "value", "justifyMode": "auto", "textMode": "value",
		"wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard", "orientation": "auto",
	},
	overTime: map[string]any{
		"legend": map[string]any{"displayMode": "table", "placement": "right", "calcs": []string{"sum"}, "showLegend": true}, "tooltip": map[string]any{"mode": "single", "sort": "none"},
	},
	list: map[string]any{"frameIndex": 0, "showHeader": true},
	entries: map[string]any{
		"showTime": true, "wrapLogMessage": true, "enableLogDetails": true, "sortOrder": "Descending", "showLabels": false, "showCommonLabels": false,
		"showLogContextToggle": false, "prettifyLogMessage": false, "dedupStrategy": "none",
	},
}

type target struct {
	RefID        string `json:"refId"`
	Datasource   source `json:"datasource"`
	Expr         string `json:"expr"`
	QueryType    string `json:"queryType"`
	LegendFormat string `json:"legendFormat"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type transformation struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}

// dashboardPanel is a panel in Grafana's format.
type dashboardPanel struct {
	ID              int              `json:"id"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	Type            kind             `json:"type"`
	Datasource      source           `json:"datasource"`
	GridPos         place            `json:"gridPos"`
	Targets         []target         `json:"targets"`
	FieldConfig     any              `json:"fieldConfig"`
	Options         any              `json:"options"`
	Transformations []transformation `json:"transformations,omitempty"`
}

// auditLog returns the dashboard of the audit log for a backend.
func auditLog(b backend) ([]byte, error) {
	from := source{b.datasource, "${datasource}"}
	var all []dashboardPanel
	for i, p := range panels {
		query := b.query(p)
		query.RefID, query.Datasource = "A", from
		defaults := map[string]any{"unit": "short"}
		if p.kind == overTime {
			defaults["custom"] = map[string]any{"drawStyle": "bars", "stacking": map[string]any{"mode": "normal"}, "fillOpacity": 60}
		}
		shown := dashboardPanel{
			ID: i + 1, Title: p.title, Description: strings.Replace(p.description, "PAST", b.past, 1), Type: p.kind, Datasource: from, GridPos: p.at, Targets: []target{query},
			FieldConfig: map[string]any{"defaults": defaults, "overrides": []any{}}, Options: options[p.kind],
		}
		if p.kind == list { // a row for each series
			shown.Transformations = []transformation{
				{"labelsToFields", map[string]any{"mode": "columns"}},
				{"merge", map[string]any{}},
				{"organize", map[string]any{"excludeByName": map[string]any{"Time": true}}},
			}
		}
		all = append(all, shown)
	}
	return indented(struct {
		Title         string           `json:"title"`
		UID           string           `json:"uid"`
		Tags          []string         `json:"tags"`
		SchemaVersion int              `json:"schemaVersion"`
		Editable      bool             `json:"editable"`
		Time          any              `json:"time"`
		Refresh       string           `json:"refresh"`
		Templating    any              `json:"templating"`
		Annotations   any              `json:"annotations"`
		Panels        []dashboardPanel `json:"panels"`
	}{
		"Feishu / Lark audit log", b.uid,
		[]string{"feishu", "audit"},
		41, true,
		map[string]string{"from": "now-24h", "to": "now"},
		b.refresh,
		map[string]any{"list": []any{
			map[string]any{"name": "datasource", "label": b.name, "type": "datasource", "query": b.datasource},
			map[string]any{"name": "app", "label": "App id (pattern)", "type": "textbox", "query": ".*", "current": map[string]string{"text": ".*", "value": ".*"}},
		}},
		map[string]any{"list": []any{}},
		all,
	})
}

// indented returns JSON in the layout of the files.
func indented(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return b.Bytes(), err
}
