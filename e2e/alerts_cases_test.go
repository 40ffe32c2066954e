// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	recordedName = regexp.MustCompile(`feishu_audit:\w+`)
	grouping     = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// grows is zero for ten minutes and then grows by a second each second.
const grows = "0x20 0+30x100"

// ageGrows is half a minute for ten minutes and then grows by a second each second.
const ageGrows = "30x20 30+30x100"

// alertCases are an hour long each, in steps of half a minute; fires is by the minute.
func alertCases() map[string]alertCase {
	cases := map[string]alertCase{
		"all is well":                   {fires: firing{1: "", 30: "", 60: ""}},
		"a problem that is over":        {change: series{`trouble<s>{cause="network"}`: "0x20 0+30x20 0x80"}, fires: firing{14: "", 18: "API", 25: ""}},
		"a token that is soon replaced": {change: series{`trouble<s>{cause="token"}`: "0x20 0+30x3 0x100"}, fires: firing{11: "", 12: "", 13: ""}},
		"a window that takes long": {
			change: series{`walk_age<s>{}`: ageGrows, `lag<s>{pass="0"}`: ageGrows}, fires: firing{24: "", 26: "NoSuccess", 55: "NoSuccess"},
		},
		"waits without a problem": {
			change: series{`checkpoint_age<s>{}`: ageGrows, `walk_age<s>{}`: ageGrows, `lag<s>{pass="0"}`: ageGrows},
			fires:  firing{24: "", 26: "CheckpointAge", 55: "CheckpointAge"},
		},
		"waits, without a storage": {
			change: series{`walk_age<s>{}`: ageGrows, `lag<s>{pass="0"}`: ageGrows}, gone: []string{"checkpoint_age"},
			fires: firing{24: "", 26: "NoSuccess", 55: "NoSuccess"},
		},
		"the position is not written": {change: series{`checkpoint_age<s>{}`: ageGrows}, fires: firing{24: "", 26: "CheckpointAge", 55: "CheckpointAge"}},
		"too slow":                    {change: series{`lag<s>{pass="0"}`: "30x20 30+20x100"}, fires: firing{40: "", 57: "Lag"}},
		"catching up":                 {change: series{`lag<s>{pass="0"}`: "36000-300x100"}, fires: firing{20: "", 45: ""}},
		"always an hour late":         {change: series{`lag<s>{pass="0"}`: "3600x120"}, fires: firing{9: "", 20: "Lag"}},
		"records lost":                {change: series{`entries<t>{result="lost"}`: "0x20 100x100"}, fires: firing{10: "", 11: "RecordsLost", 58: "RecordsLost"}},
		"time skipped":                {change: series{`skipped_time<s><t>{}`: "0x20 86410x100"}, fires: firing{10: "", 11: "TimeSkipped", 55: "TimeSkipped"}},
		"too late":                    {change: series{`late_entries<t>{found_by="chance"}`: "0x20 3x100"}, fires: firing{10: "", 11: "EntriesTooLate", 55: "EntriesTooLate"}},
		"found by the last recheck":   {change: series{`late_entries<t>{found_by="last_recheck"}`: "0x20 3x100"}, fires: firing{10: "", 11: "LastRecheckFinds"}},
		"clock is slow":               {change: series{`clock_skew<s>{}`: "1x20 300x100"}, fires: firing{15: "", 21: "ClockSkew"}},
		"clock is fast":               {change: series{`clock_skew<s>{}`: "1x20 -300x100"}, fires: firing{15: "", 21: "ClockSkew"}},
		"set aside":                   {change: series{`set_aside_time<s>{}`: "0x20 3x40 0x60"}, fires: firing{14: "", 16: "SetAside", 29: "SetAside", 32: ""}},
		"set aside and soon read":     {change: series{`set_aside_time<s>{}`: "0x20 3x8 0x60"}, fires: firing{13: "", 16: ""}},
		"set aside, for long": {
			change: series{`set_aside_time<s>{}`: "0x20 3x100", `lag<s>{pass="0"}`: ageGrows}, fires: firing{14: "", 16: "SetAside", 45: "SetAside", 58: "SetAside"},
		},
		"one record is refused, for long": {
			change: series{`held_entries{}`: "0x20 1x100", `held_age<s>{}`: grows, `lag<s>{pass="0"}`: ageGrows}, fires: firing{24: "", 26: "Held", 45: "Held", 58: "Held"},
		},
		"one record is refused": {change: series{`held_entries{}`: "0x20 1x100", `held_age<s>{}`: grows}, fires: firing{24: "", 26: "Held", 58: "Held"}},
		// Some record is always held, but none for long.
		"now one record is refused, now another": {
			change: series{`held_entries{}`: "0x20 1x100", `held_age<s>{}`: "0x20 " + strings.Repeat("0+30x17 ", 6)}, fires: firing{26: "", 45: "", 58: ""},
		},
		"what was held for long is taken": {
			change: series{`held_entries{}`: "0x20 41x60 0x40", `held_age<s>{}`: "0x20 0+30x60 0x40", `entries<t>{result="delivered"}`: "0+600x20 12000x60 12041+600x40", `trouble<s>{cause="pipeline"}`: "0x20 0+30x60 0x40"},
			fires:  firing{14: "", 16: "Pipeline", 38: "Pipeline", 42: "", 45: "", 58: ""},
		},
		"nothing is taken": {
			change: series{`held_entries{}`: "0x20 41x100", `held_age<s>{}`: grows, `entries<t>{result="delivered"}`: "0+600x20 12000x100", `trouble<s>{cause="pipeline"}`: grows},
			fires:  firing{14: "", 16: "Pipeline", 26: "Pipeline", 58: "Pipeline"},
		},
		"the pipeline hangs": {
			change: series{`held_age<s>{}`: grows, `entries<t>{result="delivered"}`: "0+600x20 12000x100", `checkpoint_age<s>{}`: ageGrows, `walk_age<s>{}`: ageGrows},
			fires:  firing{24: "", 26: "CheckpointAge", 58: "CheckpointAge"},
		},
		"malformed":                    {change: series{`malformed_entries<t>{}`: "0x20 0+60x100"}, fires: firing{20: "", 40: "Malformed"}},
		"lost before the first scrape": {change: series{`entries<t>{result="lost"}`: "_x20 100x100"}, fires: firing{9: "", 11: "RecordsLost", 58: "RecordsLost"}},
		"lost after a restart":         {change: series{`entries<t>{result="lost"}`: "500x60 0x3 100x56"}, fires: firing{33: "RecordsLost", 55: "RecordsLost"}},
		"skipped before the scrape":    {change: series{`skipped_time<s><t>{}`: "_x20 86410x100"}, fires: firing{9: "", 11: "TimeSkipped", 58: "TimeSkipped"}},
		"lost, and the process is gone": {
			change: series{`entries<t>{result="lost"}`: "0x20 100x20 stale", `leader{}`: "1x40 stale", `leader{instance="b:8888"}`: "_x40 1x80"},
			fires:  firing{15: "RecordsLost", 25: "RecordsLost", 58: "RecordsLost"},
		},
		// Reading fails for two minutes and works for one, again and again: no problem lasts.
		"too slow, with blips": {
			change: series{`lag<s>{pass="0"}`: "30x20 30+20x100", `trouble<s>{cause="api"}`: strings.Repeat("30 60 90 120 0 0 ", 20)},
			fires:  firing{40: "", 57: "Lag"},
		},
		"finishes nothing, with blips": {
			change: series{`walk_age<s>{}`: ageGrows, `lag<s>{pass="0"}`: ageGrows, `trouble<s>{cause="api"}`: strings.Repeat("30 60 90 120 0 0 ", 20)},
			fires:  firing{24: "", 26: "NoSuccess", 55: "NoSuccess"},
		},

		"nobody is elected":               {change: series{`leader{}`: "1x20 0x100"}, gone: []string{"lag", "walk_age", "checkpoint_age"}, fires: firing{11: "", 13: "NobodyReads"}},
		"the collector is gone":           {change: series{`leader{}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads"}},
		"one of two receivers is gone":    {change: series{`leader{receiver="feishu_audit/b"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two jobs is gone":         {change: series{`leader{job="b"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two jobs is a standby":    {change: series{`leader{job="b"}`: "1x20 0x100"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two namespaces is gone":   {change: series{`leader{namespace="b",instance="b:8888"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two clusters is gone":     {change: series{`leader{cluster="b"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"a replica that led is gone":      {change: series{`leader{instance="b:8888"}`: "1x20 stale _x100", `leader{}`: "0x21 1x100"}, fires: firing{10: "", 13: "", 58: ""}},
		"a standby beside the one that":   {change: series{`leader{instance="b:8888"}`: "0x120"}, fires: firing{30: ""}},
		"two read":                        {change: series{`leader{instance="b:8888"}`: "0x20 1x100"}, fires: firing{11: "", 13: "ManyReaders", 58: "ManyReaders"}},
		"two read while one takes over":   {change: series{`leader{instance="b:8888"}`: "0x20 1x2 0x100"}, fires: firing{11: "", 13: ""}},
		"a tenant in each of two":         {change: series{`leader{namespace="b",instance="b:8888"}`: "1x120", `leader{cluster="c",instance="c:8888"}`: "1x120"}, fires: firing{13: "", 58: ""}},
		"a crash loop":                    {change: series{`otelcol_process_uptime<s><t>{}`: strings.Repeat("5+30x9 ", 12)}, fires: firing{14: "", 30: "Restarts", 58: "Restarts"}},
		"a crash loop with waits between": {change: series{`otelcol_process_uptime<s><t>{}`: strings.Repeat("20 50 stale _x7 ", 12)}, fires: firing{14: "", 30: "Restarts", 58: "Restarts"}},
		"one restart":                     {change: series{`otelcol_process_uptime<s><t>{}`: "5+30x40 5+30x80"}, fires: firing{25: "", 58: ""}},
		"uptime that is seen now and then": {
			change: series{`otelcol_process_uptime<s><t>{}`: strings.Repeat("5+31x1 67+29x1 ", 1) + "125+30x#"}, fires: firing{25: "", 58: ""},
		},

		"a queue drops": {
			change: series{`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`: "0x20 7x100", `otelcol_exporter_queue_capacity{exporter="otlp",data_type="logs"}`: "100x120"},
			fires:  firing{10: "", 11: "Exporter", 27: "Exporter", 58: "Exporter"},
		},
		"failures without a queue": {
			change: series{`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`: "0x20 7x100"},
			fires:  firing{11: "", 55: ""},
		},
		"a queue of another collector drops": {
			change: series{
				`otelcol_exporter_send_failed_log_records<t>{exporter="otlp",instance="c:8888"}`:      "0x20 7x100",
				`otelcol_exporter_queue_capacity{exporter="otlp",data_type="logs",instance="c:8888"}`: "100x120",
			},
			fires: firing{11: "", 55: ""},
		},
		"a queue is nearly full": {
			change: queue("0x20 90x100", "0+30x120", ""), fires: firing{14: "", 16: "Queue", 55: "Queue"},
		},
		"a queue that is used":        {change: queue("20x120", "0+30x120", ""), fires: firing{16: "", 55: ""}},
		"a queue sends nothing":       {change: queue("0x20 20x100", "0+30x20 600x100", ""), fires: firing{24: "", 32: "Queue", 55: "Queue"}},
		"a queue has never sent":      {change: queue("20x120", "", ""), fires: firing{4: "", 22: "Queue", 55: "Queue"}},
		"a queue that is empty":       {change: queue("0x120", "600x120", ""), fires: firing{4: "", 22: "", 55: ""}},
		"a queue refuses":             {change: queue("0x120", "0+30x120", "0x20 0+5x100"), fires: firing{14: "", 17: "Queue", 55: "Queue"}},
		"rules fail":                  {change: series{`prometheus_rule_evaluation_failures_total{rule_group="alerts.yaml;feishu_audit"}`: "0x20 0+1x100"}, fires: firing{10: "", 12: "RuleFailures", 58: "RuleFailures"}},
		"rules of somebody else fail": {change: series{`prometheus_rule_evaluation_failures_total{rule_group="node.yaml;node"}`: "0x20 0+1x100"}, fires: firing{12: "", 58: ""}},
		"Loki's rules fail":           {change: series{`loki_prometheus_rule_evaluation_failures_total{rule_group="/rules/fake/feishu-audit.yaml;feishu-audit-hourly"}`: "0x20 0+1x100"}, fires: firing{12: "RuleFailures", 58: "RuleFailures"}},
		"vmalert's rules fail":        {change: series{`vmalert_alerting_rules_errors_total{group="feishu-audit",alertname="x"}`: "0x20 0+1x100"}, fires: firing{12: "RuleFailures", 58: "RuleFailures"}},
	}
	for cause, alert := range alertOf {
		// Nothing is read meanwhile, so lag and ages grow, too, and need no separate alert.
		cases["problem, "+cause] = alertCase{
			change: series{fmt.Sprintf(`trouble<s>{cause=%q}`, cause): grows, `lag<s>{pass="0"}`: ageGrows, `walk_age<s>{}`: ageGrows, `checkpoint_age<s>{}`: ageGrows},
			fires:  firing{10: "", 10 + alert.minutes - 1: "", 10 + alert.minutes: alert.name, 55: alert.name},
		}
	}
	return cases
}

// queue is a queue of 100 batches: its size, and how many records it has sent and refused; empty for a counter
// that has not counted yet.
func queue(size, sent, refused string) series {
	s := series{`otelcol_exporter_queue_capacity{exporter="otlp",data_type="logs"}`: "100x120", `otelcol_exporter_queue_size{exporter="otlp",data_type="logs"}`: size}
	if sent != "" {
		s[`otelcol_exporter_sent_log_records<t>{exporter="otlp"}`] = sent
	}
	if refused != "" {
		s[`otelcol_exporter_enqueue_failed_log_records<t>{exporter="otlp"}`] = refused
	}
	return s
}

// longAlertCases are in steps of half an hour; fires is by the hour.
var longAlertCases = map[string]alertCase{
	"records lost, for days":   {change: series{`entries<t>{result="lost"}`: "0x2 100x#"}, fires: firing{1: "", 2: "RecordsLost", 72: "RecordsLost", 75: ""}},
	"lost twice":               {change: series{`entries<t>{result="lost"}`: "0x2 100x100 107x#"}, fires: firing{2: "RecordsLost", 75: "RecordsLost", 122: "RecordsLost", 125: ""}},
	"time skipped, for days":   {change: series{`skipped_time<s><t>{}`: "0x2 86410x#"}, fires: firing{1: "", 2: "TimeSkipped", 72: "TimeSkipped", 75: ""}},
	"skipped before, for days": {change: series{`skipped_time<s><t>{}`: "86410x#"}, fires: firing{1: "TimeSkipped", 70: "TimeSkipped", 75: ""}},
	"too late, for days":       {change: series{`late_entries<t>{found_by="chance"}`: "0x2 3x#"}, fires: firing{1: "", 2: "EntriesTooLate", 72: "EntriesTooLate", 75: ""}},
	"a queue drops, for days": {
		change: series{`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`: "0x2 7x#", `otelcol_exporter_queue_capacity{exporter="otlp",data_type="logs"}`: "100x#"},
		fires:  firing{1: "", 2: "Exporter", 72: "Exporter", 75: ""},
	},
	// Its first week is over after 168 hours.
	"silence": {change: series{`entries<t>{result="delivered"}`: "0+60x384 23040x100"}, fires: firing{100: "", 191: "", 197: "", 200: "Silence", 215: "Silence"}},
	"silence in the first week": {
		change: series{`entries<t>{result="delivered"}`: "0+60x96 5760x100"}, fires: firing{47: "", 53: "", 55: "Silence"},
	},
	"silence, with another alert": {
		change: series{`entries<t>{result="delivered"}`: "0+60x96 5760x100", `trouble<s>{cause="pipeline"}`: "0x96 0+1800x100"}, fires: firing{47: "", 53: "Pipeline", 55: "Pipeline"},
	},
	"silence, and nobody reads": {
		change: series{`entries<t>{result="delivered"}`: "0+60x96 5760x100", `leader{}`: "1x96 0x100"}, gone: []string{"lag", "walk_age", "checkpoint_age"},
		fires: firing{47: "", 55: "NobodyReads"},
	},
	"nothing yet":        {change: series{`entries<t>{result="delivered"}`: "0x#"}, fires: firing{10: "", 30: "", 200: ""}},
	"a weekend is quiet": {change: series{`entries<t>{result="delivered"}`: "0+60x240 14400x95 14400+60x240 28800x95"}, fires: firing{119: "", 167: "", 287: "", 300: "", 330: ""}},
	// The other replica resumes where the first one stopped.
	"a failover": {
		change: series{
			`entries<t>{result="delivered"}`: "0+60x120 stale", `entries<t>{result="delivered",instance="b:8888"}`: "0x120 0+60x120",
			`leader{}`: "1x120 stale", `leader{instance="b:8888"}`: "0x120 1x120",
		},
		fires: firing{59: "", 61: "", 70: "", 110: ""},
	},
	// 694 in half an hour are a million in 30 days.
	"calls that last, as shipped":     {change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+690x#"}, fires: firing{30: "", 100: ""}},
	"calls that are over, as shipped": {change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+700x#"}, fires: firing{3: "", 30: "QuotaForecast", 100: "QuotaForecast"}},
	// As after an outage, at the API's limit.
	"two hours at full speed": {change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+30x100 3000+3000x4 15000+30x#"}, fires: firing{50: "", 53: "", 60: "", 100: ""}},
}

// quotaCases have 10,000 calls a month, 7 in half an hour.
var quotaCases = map[string]alertCase{
	"calls that last":     {change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+6x#"}, fires: firing{30: "", 100: ""}},
	"calls that are over": {change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+36x#"}, fires: firing{3: "", 30: "QuotaForecast", 100: "QuotaForecast"}},
	"calls of two outcomes": {
		change: series{`calls<t>{operation="list_data",outcome="ok",code="0"}`: "0+6x#", `calls<t>{operation="list_data",outcome="failed",code="other"}`: "0+6x#"},
		fires:  firing{3: "", 30: "QuotaForecast"},
	},
	"access tokens are free": {change: series{`calls<t>{operation="tenant_access_token",outcome="ok",code="0"}`: "0+60x#"}, fires: firing{30: "", 100: ""}},
}
