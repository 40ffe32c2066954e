// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const alertsFile = "../examples/prometheus/alerts.yaml"

// tool is a program of Debian's package prometheus.
func tool(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	require.NoError(t, err, "install Debian's package prometheus, or run `make e2e`, which does")
	return path
}

// series are the receiver's metrics without their prefix, and with promtool's values
// of every half minute for an hour. <s> and <t> stand for the unit and the suffix
// that a reader may add.
type series map[string]string

// well are the metrics of a receiver that has no trouble.
func well() series {
	s := series{
		`walk_age<s>{}`: "30x120", `clock_skew<s>{}`: "1x120", `leader{}`: "1x120", `skipped_time<s><t>{}`: "0x120",
		`entries<t>{result="delivered"}`: "0+600x120", `entries<t>{result="lost"}`: "0x120",
		`late_entries<t>{found_by="recheck"}`: "0+1x120", `late_entries<t>{found_by="last_recheck"}`: "0x120", `late_entries<t>{found_by="chance"}`: "0x120",
		`lag<s>{pass="0"}`: "30x120", `lag<s>{pass="1"}`: "3630x120",
	}
	for cause := range alertOf {
		s[fmt.Sprintf(`trouble<s>{cause=%q}`, cause)] = "0x120"
	}
	return s
}

// alertOf is the alert about each cause, and after how many minutes of trouble it
// fires at the latest.
var alertOf = map[string]struct {
	name    string
	minutes int
}{
	"credential": {"Credential", 2}, "app": {"Credential", 2}, "token": {"Credential", 2},
	"scope": {"Scope", 2}, "address": {"Address", 2}, "quota": {"Quota", 2},
	"endpoint": {"Request", 6}, "filter": {"Request", 6}, "answer_size": {"Request", 6},
	"network": {"API", 6}, "api": {"API", 6}, "rate_limit": {"API", 6}, "paging": {"API", 6},
	"pipeline": {"Pipeline", 6}, "storage": {"Storage", 6}, "checkpoint": {"Storage", 6},
}

// grows is zero for ten minutes and then grows by a second each second.
const grows = "0x20 0+30x100"

// TestAlertRules is the unit test of the alert rules: which fire when, and that no
// other does, by promtool, for both ways in which a collector may name its metrics.
func TestAlertRules(t *testing.T) {
	type firing map[int]string // by minute, without the prefix
	cases := map[string]struct {
		change series
		gone   []string
		fires  firing
	}{
		"all is well":                  {fires: firing{1: "", 30: "", 60: ""}},
		"trouble that is over":         {change: series{`trouble<s>{cause="network"}`: "0x20 0+30x20 0x80"}, fires: firing{14: "", 18: "API", 25: ""}},
		"hangs without trouble":        {change: series{`walk_age<s>{}`: "30x20 30+30x100", `lag<s>{pass="0"}`: "30x20 30+30x100"}, fires: firing{24: "", 26: "NoSuccess", 55: "NoSuccess"}},
		"too slow":                     {change: series{`lag<s>{pass="0"}`: "30x20 30+20x100"}, fires: firing{40: "", 57: "Lag"}},
		"catching up":                  {change: series{`lag<s>{pass="0"}`: "36000-300x100"}, fires: firing{20: "", 45: ""}},
		"always an hour late":          {change: series{`lag<s>{pass="0"}`: "3600x120"}, fires: firing{9: "", 20: "Lag"}},
		"records lost":                 {change: series{`entries<t>{result="lost"}`: "0x20 100x100"}, fires: firing{10: "", 11: "RecordsLost", 30: ""}},
		"time skipped":                 {change: series{`skipped_time<s><t>{}`: "0x20 86410x100"}, fires: firing{10: "", 11: "TimeSkipped", 55: "TimeSkipped"}},
		"too late":                     {change: series{`late_entries<t>{found_by="chance"}`: "0x20 3x100"}, fires: firing{10: "", 11: "EntriesTooLate", 55: "EntriesTooLate"}},
		"found by the last recheck":    {change: series{`late_entries<t>{found_by="last_recheck"}`: "0x20 3x100"}, fires: firing{10: "", 11: "LastRecheckFinds"}},
		"clock behind":                 {change: series{`clock_skew<s>{}`: "1x20 300x100"}, fires: firing{15: "", 21: "ClockSkew"}},
		"clock ahead":                  {change: series{`clock_skew<s>{}`: "1x20 -300x100"}, fires: firing{15: "", 21: "ClockSkew"}},
		"nobody is elected":            {change: series{`leader{}`: "1x20 0x100"}, gone: []string{"lag", "walk_age"}, fires: firing{11: "", 13: "NobodyReads"}},
		"the collector is gone":        {change: series{`leader{}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads"}},
		"lost before the first scrape": {change: series{`entries<t>{result="lost"}`: "_x20 100x100"}, fires: firing{9: "", 11: "RecordsLost", 24: "RecordsLost", 26: "", 55: ""}},
		"lost after a restart":         {change: series{`entries<t>{result="lost"}`: "500x60 0x3 100x56"}, fires: firing{20: "", 33: "RecordsLost", 55: ""}},
		"skipped before the scrape":    {change: series{`skipped_time<s><t>{}`: "_x20 86410x100"}, fires: firing{9: "", 11: "TimeSkipped", 58: "TimeSkipped"}},
		"one of two receivers is gone": {change: series{`leader{receiver="feishu_audit/b"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two jobs is gone":      {change: series{`leader{job="b"}`: "1x20 stale"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"one of two jobs is a standby": {change: series{`leader{job="b"}`: "1x20 0x100"}, fires: firing{10: "", 13: "NobodyReads", 58: "NobodyReads"}},
		"a replica that led is gone":   {change: series{`leader{instance="b:8888"}`: "1x20 stale"}, fires: firing{10: "", 13: "", 58: ""}},
		// Reading fails for two minutes and works for one, again and again: no trouble lasts.
		"too slow, with blips": {
			change: series{`lag<s>{pass="0"}`: "30x20 30+20x100", `trouble<s>{cause="api"}`: strings.Repeat("30 60 90 120 0 0 ", 20)},
			fires:  firing{40: "", 57: "Lag"},
		},
		"finishes nothing, with blips": {
			change: series{`walk_age<s>{}`: "30x20 30+30x100", `lag<s>{pass="0"}`: "30x20 30+30x100", `trouble<s>{cause="api"}`: strings.Repeat("30 60 90 120 0 0 ", 20)},
			fires:  firing{24: "", 26: "NoSuccess", 55: "NoSuccess"},
		},
		"a queue drops": {
			change: series{`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`: "0x20 7x100", `otelcol_exporter_queue_capacity{exporter="otlp"}`: "100x120"},
			fires:  firing{10: "", 11: "Exporter", 24: "Exporter", 27: "", 55: ""},
		},
		"failures without a queue": {
			change: series{`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`: "0x20 7x100"},
			fires:  firing{11: "", 55: ""},
		},
		"a standby beside the one that": {change: series{`leader{instance="b:8888"}`: "0x120"}, fires: firing{30: ""}},
	}
	for cause, alert := range alertOf {
		c := cases["trouble, "+cause]
		// Nothing is read meanwhile, so lag and ages grow, too, and need no alert of their own.
		c.change = series{fmt.Sprintf(`trouble<s>{cause=%q}`, cause): grows, `lag<s>{pass="0"}`: "30x20 30+30x100", `walk_age<s>{}`: "30x20 30+30x100"}
		c.fires = firing{10: "", 10 + alert.minutes - 1: "", 10 + alert.minutes: alert.name, 55: alert.name}
		cases["trouble, "+cause] = c
	}

	rules, err := filepath.Abs(alertsFile)
	require.NoError(t, err)
	var file strings.Builder
	fmt.Fprintf(&file, "rule_files: [%s]\nevaluation_interval: 30s\ntests:\n", rules)
	fired := map[string]bool{}
	for _, suffixes := range []*strings.Replacer{strings.NewReplacer("<s>", "", "<t>", ""), strings.NewReplacer("<s>", "_seconds", "<t>", "_total")} {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			c := cases[name]
			metrics := well()
			maps.Copy(metrics, c.change)
			maps.DeleteFunc(metrics, func(metric, _ string) bool {
				return slices.ContainsFunc(c.gone, func(gone string) bool { return strings.HasPrefix(metric, gone) })
			})
			fmt.Fprintf(&file, "  - name: %s\n    interval: 30s\n    input_series:\n", name)
			for metric, values := range metrics {
				metric, labels, _ := strings.Cut(suffixes.Replace(metric), "{")
				labels = strings.TrimSuffix(labels, "}")
				for _, label := range []string{`job="otelcol"`, `instance="a:8888"`, `receiver="feishu_audit"`} {
					if key, _, _ := strings.Cut(label, "="); !strings.Contains(labels, key+"=") {
						labels = strings.TrimPrefix(labels+","+label, ",")
					}
				}
				if !strings.HasPrefix(metric, "otelcol_") { // the receiver's own
					metric = "otelcol_receiver_feishu_audit_" + metric
				}
				fmt.Fprintf(&file, "      - {series: '%s{%s}', values: '%s'}\n", metric, labels, values)
			}
			fmt.Fprintln(&file, "    promql_expr_test:")
			for minute, alert := range c.fires {
				samples := ""
				if alert != "" {
					fired["FeishuAudit"+alert] = true
					samples = fmt.Sprintf(`{labels: '{alertname="FeishuAudit%s"}', value: 1}`, alert)
				}
				fmt.Fprintf(&file, "      - {expr: 'count by (alertname) (ALERTS{alertstate=\"firing\"})', eval_time: %dm, exp_samples: [%s]}\n", minute, samples)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "alerts_test.yaml")
	require.NoError(t, os.WriteFile(path, []byte(file.String()), 0o600))
	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "test", "rules", path).CombinedOutput()
	require.NoError(t, err, "%s", out)

	out, err = exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "config", "../examples/prometheus/prometheus.yaml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, rule := range readRules(t).Groups[0].Rules {
		require.True(t, fired[rule.Alert], "%s fires in no case", rule.Alert)
	}
}
