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
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shippedBudget is the default of feishu_audit:monthly_call_budget.
const shippedBudget = "vector(1000000)\n"

const alertsFile = "../examples/prometheus/alerts.yaml"

// tool is a program of Debian's package prometheus.
func tool(t *testing.T, name string) string {
	path, err := exec.LookPath(name)
	require.NoError(t, err, "install Debian's package prometheus, or run `make e2e`, which does")
	return path
}

// series are metrics with promtool's values of every step, where # is the number of steps of a case. <s> and <t>
// stand for the unit and the suffix that a reader may add. A name that belongs neither to the collector nor to a
// rule engine is one of the receiver's.
type series map[string]string

// well are the metrics of a receiver without a problem.
func well() series {
	s := series{
		`walk_age<s>{}`: "30x#", `checkpoint_age<s>{}`: "30x#", `clock_skew<s>{}`: "1x#", `leader{}`: "1x#",
		`skipped_time<s><t>{}`: "0x#", `set_aside_time<s>{}`: "0x#", `held_entries{}`: "0x#", `held_age<s>{}`: "0x#", `malformed_entries<t>{}`: "0x#",
		`entries<t>{result="delivered"}`: "0+600x#", `entries<t>{result="lost"}`: "0x#",
		`late_entries<t>{found_by="recheck"}`: "0+1x#", `late_entries<t>{found_by="last_recheck"}`: "0x#", `late_entries<t>{found_by="chance"}`: "0x#",
		`lag<s>{pass="0"}`: "30x#", `lag<s>{pass="1"}`: "3630x#",
		`calls<t>{operation="list_data",outcome="ok",code="0"}`:                            "0+1x#",
		`otelcol_process_uptime<s><t>{}`:                                                   "5+<step>x#",
		`prometheus_rule_evaluation_failures_total{rule_group="alerts.yaml;feishu_audit"}`: "0x#",
	}
	for cause := range alertOf {
		s[fmt.Sprintf(`trouble<s>{cause=%q}`, cause)] = "0x#"
	}
	return s
}

// alertOf is the alert about each cause, and the latest minute of a problem at which it fires.
var alertOf = map[string]struct {
	name    string
	minutes int
}{
	"credential": {"Credential", 3}, "app": {"Credential", 3}, "token": {"Credential", 3},
	"scope": {"Scope", 2}, "address": {"Address", 2}, "quota": {"Quota", 2},
	"endpoint": {"Request", 6}, "filter": {"Request", 6}, "answer_size": {"Request", 6},
	"network": {"API", 6}, "api": {"API", 6}, "rate_limit": {"API", 6}, "paging": {"API", 6},
	"pipeline": {"Pipeline", 6}, "storage": {"Storage", 6}, "checkpoint": {"Storage", 6},
}

// firing are the alerts that fire, without their prefix, by the minute, or the hour.
type firing map[int]string

// alertCase is what happens to a healthy receiver, and what fires then.
type alertCase struct {
	change series
	gone   []string // metrics that are not there
	fires  firing
}

// ruleTest writes tests for promtool.
type ruleTest struct {
	step  int    // seconds
	unit  string // of the times at which something fires
	file  strings.Builder
	fired map[string]bool
}

// newRuleTest starts a file of tests of rules that are evaluated every step.
func newRuleTest(rules string, step int, unit string) *ruleTest {
	x := &ruleTest{step: step, unit: unit, fired: map[string]bool{}}
	fmt.Fprintf(&x.file, "rule_files: [%s]\nevaluation_interval: %ds\ntests:\n", rules, step)
	return x
}

// spellings are how readers name metrics: the collector's default, and with units, suffixes and the scope.
var spellings = []*strings.Replacer{
	strings.NewReplacer("<s>", "", "<t>", ""),
	strings.NewReplacer("<s>", "_seconds", "<t>", "_total", "}", `,otel_scope_name="x",service_instance_id="y"}`),
}

// named returns the complete name of a series, with the labels of a scrape.
func named(metric string, spelling *strings.Replacer) string {
	metric, labels, _ := strings.Cut(spelling.Replace(metric), "{")
	labels = strings.Trim(strings.TrimSuffix(labels, "}"), ",")
	scraped := []string{`job="otelcol"`, `instance="a:8888"`}
	if !strings.HasPrefix(metric, "otelcol_") && !strings.Contains(metric, "_rule") {
		metric = "otelcol_receiver_feishu_audit_" + metric
		scraped = append(scraped, `receiver="feishu_audit"`)
	}
	for _, label := range scraped {
		if key, _, _ := strings.Cut(label, "="); !strings.Contains(","+labels, ","+key+"=") {
			labels = strings.TrimPrefix(labels+","+label, ",")
		}
	}
	return metric + "{" + labels + "}"
}

// add writes a case: its series, by name, and what fires when.
func (x *ruleTest) add(name string, input map[string]string, fires firing) {
	fmt.Fprintf(&x.file, "  - name: %s\n    interval: %ds\n    input_series:\n", name, x.step)
	unit := map[string]int{"m": 60, "h": 3600}[x.unit]
	steps := slices.Max(slices.Collect(maps.Keys(fires))) * unit / x.step
	counts := strings.NewReplacer("#", strconv.Itoa(steps+1), "<step>", strconv.Itoa(x.step))
	for series, values := range input {
		fmt.Fprintf(&x.file, "      - {series: '%s', values: '%s'}\n", series, counts.Replace(values))
	}
	fmt.Fprintln(&x.file, "    promql_expr_test:")
	for at, alerts := range fires {
		var samples []string
		for alert := range strings.FieldsSeq(alerts) {
			x.fired["FeishuAudit"+alert] = true
			samples = append(samples, fmt.Sprintf(`{labels: '{alertname="FeishuAudit%s"}', value: 1}`, alert))
		}
		fmt.Fprintf(&x.file, "      - {expr: 'count by (alertname) (count by (alertname, instance, receiver, namespace, cluster) (ALERTS{alertstate=\"firing\"}) > 0)', eval_time: %d%s, exp_samples: [%s]}\n",
			at, x.unit, strings.Join(samples, ", "))
	}
}

// cases adds each case in one of the spellings: recorded checks that this makes no difference.
func (x *ruleTest) cases(cases map[string]alertCase) {
	for i, name := range slices.Sorted(maps.Keys(cases)) {
		x.add(name, cases[name].input(spellings[i%len(spellings)]), cases[name].fires)
	}
}

// input are the series of a case.
func (c alertCase) input(spelling *strings.Replacer) map[string]string {
	metrics, input := well(), map[string]string{}
	maps.Copy(metrics, c.change)
	for metric, values := range metrics {
		if !slices.ContainsFunc(c.gone, func(gone string) bool { return strings.HasPrefix(metric, gone) }) {
			input[named(metric, spelling)] = values
		}
	}
	return input
}

// recorded adds for each spelling a test that every name is recorded, with one series for each of the metric's,
// and without the scope.
func (x *ruleTest) recorded(t *testing.T) {
	change := queue("0x#", "0x#", "0x#")
	change[`otelcol_exporter_send_failed_log_records<t>{exporter="otlp"}`] = "0x#"
	c := alertCase{change: change}
	for _, spelling := range spellings {
		x.add("every name is recorded", c.input(spelling), firing{5: ""})
		for _, r := range readRules(t).Groups[0].Rules {
			if r.Record != "" {
				fmt.Fprintf(&x.file, "      - {expr: 'count(%s{otel_scope_name=\"\",service_instance_id=\"\"}) > bool 0', eval_time: 5m, exp_samples: [{labels: '{}', value: 1}]}\n", r.Record)
			}
		}
	}
}

// run runs promtool.
func (x *ruleTest) run(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alerts_test.yaml")
	require.NoError(t, os.WriteFile(path, []byte(x.file.String()), 0o600))
	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "test", "rules", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestAlertRules is the unit test of the alert rules with promtool: exactly the expected alerts fire, for both
// ways in which a collector may name its metrics.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	rules, err := filepath.Abs(alertsFile)
	require.NoError(t, err)
	short := newRuleTest(rules, 30, "m")
	short.cases(alertCases())
	short.recorded(t)
	short.changesSpelling()
	short.run(t)
	long := newRuleTest(rules, 1800, "h")
	long.cases(longAlertCases)
	long.run(t)

	text, err := os.ReadFile(alertsFile)
	require.NoError(t, err)
	budget := filepath.Join(t.TempDir(), "alerts.yaml")
	require.Equal(t, 1, strings.Count(string(text), shippedBudget))
	require.NoError(t, os.WriteFile(budget, []byte(strings.Replace(string(text), shippedBudget, "vector(10000)\n", 1)), 0o600))
	bounded := newRuleTest(budget, 1800, "h")
	bounded.cases(quotaCases)
	bounded.run(t)

	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "config", "../examples/prometheus/prometheus.yaml").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, rule := range readRules(t).alerts() {
		require.True(t, short.fired[rule.Alert] || long.fired[rule.Alert] || bounded.fired[rule.Alert], "%s fires in no case", rule.Alert)
	}
}

// changesSpelling adds a receiver whose metrics get other names after half an hour, because its reader is
// changed: nothing fires for that, and alerts that fire continue.
func (x *ruleTest) changesSpelling() {
	for lost, fires := range map[int]string{0: "", 100: "RecordsLost"} {
		metrics, input := well(), map[string]string{}
		metrics[`entries<t>{result="lost"}`] = fmt.Sprintf("0x20 %dx100", lost)
		for metric, values := range metrics {
			if before := named(metric, spellings[0]); before != named(metric, spellings[1]) {
				// The same values before and after: the process has restarted, and counts from 0.
				input[before] = strings.Replace(strings.Replace(values, "x#", "x60 stale", 1), "x100", "x40 stale", 1)
				input[named(metric, spellings[1])] = "_x61 " + strings.Replace(values, "x#", "x58", 1)
			}
		}
		x.add(fmt.Sprintf("the reader is changed, %d lost", lost), input, firing{5: "", 25: fires, 35: fires, 45: fires, 59: fires})
	}
}

// TestRulesAreRobust: in every file of rules, alerts use recorded names if a metric of the collector has two,
// keep the labels that distinguish receivers, and have what a person needs.
func TestRulesAreRobust(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/*/alerts.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 2)
	for _, file := range files {
		recorded := map[string]bool{}
		for _, r := range readRulesOf(t, file).Groups[0].Rules {
			require.NotRegexp(t, twoSpellings, r.Expr)
			if r.Record != "" {
				recorded[r.Record] = true
				require.NotContains(t, r.Expr, " by ", "%s drops labels", r.Record)
				continue
			}
			require.NotContains(t, r.Expr, "otelcol_", "%s", r.Alert)
			for _, name := range recordedName.FindAllString(r.Expr, -1) {
				require.True(t, recorded[name], "%s asks for %s, which no rule records before it", r.Alert, name)
			}
			for _, labels := range grouping.FindAllStringSubmatch(r.Expr, -1) {
				for _, label := range []string{"cluster", "namespace", "job"} {
					require.Contains(t, strings.Split(labels[1], ", "), label, "%s: %s", r.Alert, labels[0])
				}
			}
			require.Equal(t, "feishu_audit", r.Labels["component"], r.Alert)
			require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
			for _, key := range []string{"summary", "description", "runbook_url"} {
				require.NotEmpty(t, r.Annotations[key], "%s: %s", r.Alert, key)
			}
			require.True(t, strings.HasPrefix(r.Annotations["runbook_url"], "https://"), r.Alert)
		}
	}
}
