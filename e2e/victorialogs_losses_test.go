// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// uncut is the example without its processors, which cut texts.
type uncut struct{ *victoriaLogs }

func (uncut) config() []string {
	return []string{"victorialogs/collector.yaml", "../e2e/testdata/victorialogs-uncut.yaml"}
}

// TestVictoriaLogsDrops: VictoriaLogs drops some records although it answers with success, if the example's
// settings are not used, and the alerts of the example fire. With these settings it drops nothing, and no alert
// fires. Covers F62.
func TestVictoriaLogsDrops(t *testing.T) {
	t.Parallel()
	t.Run("without the settings of the example", func(t *testing.T) {
		t.Parallel()
		v := newVictoriaLogs(t, "-retentionPeriod=30d")
		sizes(t, uncut{v}, map[string]fate{kind3M: refused, kindOld: refused})
		require.Contains(t, v.out.String(), "ignoring too long log entry")
		fires(t, "victorialogs/alerts.yaml", nil, scrape(t, v.addr), "FeishuAuditRowsDropped", "FeishuAuditRowsIgnored")
	})
	t.Run("with the settings of the example", func(t *testing.T) {
		t.Parallel()
		v := newVictoriaLogs(t)
		sizes(t, v, map[string]fate{kind3M: cut})
		metrics := scrape(t, v.addr)
		require.Contains(t, metrics, `vl_rows_dropped_total{reason="too_small_timestamp"}`, "the metric that the alert watches")
		fires(t, "victorialogs/alerts.yaml", nil, metrics)
	})
}

// fires evaluates the alert rules of an example with promtool, with metrics as they were scraped: they appear
// after ten minutes, have the values before for five, if there are any, and then the values after. Exactly these
// alerts fire.
func fires(t *testing.T, rules string, before, after map[string]float64, alerts ...string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(examples, rules))
	require.NoError(t, err)
	var series, samples strings.Builder
	number := func(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
	for metric, value := range after {
		earlier := "_x5"
		if before != nil {
			earlier = number(before[metric]) + "+0x4"
		}
		name, labels, _ := strings.Cut(metric, "{")
		labels = `job="backend",instance="a:1",` + strings.TrimSuffix(labels, "}")
		fmt.Fprintf(&series, "      - series: %s\n        values: '_x10 %s %s+0x60'\n", strconv.Quote(name+"{"+strings.TrimSuffix(labels, ",")+"}"), earlier, number(value))
	}
	for _, alert := range alerts {
		fmt.Fprintf(&samples, "          - {labels: '{alertname=\"%s\"}', value: 1}\n", alert)
	}
	const expr = `'count by (alertname) (count by (alertname, instance) (ALERTS{alertstate="firing"}))'`
	test := fmt.Sprintf("rule_files: [%s]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n%s    promql_expr_test:\n      - expr: %s\n        eval_time: 14m\n      - expr: %s\n        eval_time: 20m\n        exp_samples:\n%s",
		file, &series, expr, expr, &samples)
	path := filepath.Join(t.TempDir(), "alerts_test.yaml")
	require.NoError(t, os.WriteFile(path, []byte(test), 0o600))
	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "test", "rules", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestVictoriaLogsFullDisk: without space on its disk VictoriaLogs refuses records. The receiver waits, reports
// it, and delivers all of them once there is space.
func TestVictoriaLogsFullDisk(t *testing.T) {
	t.Parallel()
	v := newVictoriaLogs(t, "-storage.minFreeDiskSpaceBytes=1000TB")
	a, entries := newBacklog(t, 54, 500)
	e := newExample(t, a, v)
	c := e.start(t)
	c.reportsInTime(t)
	require.Contains(t, c.out.String(), "429")
	require.Empty(t, e.held(t))
	v.down(t)
	v.flags = exampleFlags(t)
	v.up(t)
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, e.settled(t, entries), 0)
}

// TestVictoriaLogsKilled: VictoriaLogs answers before it has written to its disk. If it is killed, it loses what
// arrived within the last seconds, as documented; a bounded export that reads that time again completes the log,
// and no query counts an entry twice. Covers F62.
func TestVictoriaLogsKilled(t *testing.T) {
	t.Parallel()
	v := newVictoriaLogs(t)
	a, entries := newBacklog(t, 55, 3000)
	e := newExample(t, a, v)
	c := e.start(t)
	eventually(t, starts, "some pages arrive", func() bool { return len(e.held(t)) >= 5*pageSize })
	written := byID(e.held(t))
	// A second until the rows are a part in memory, one more until that is due, one until the next flush, and
	// the writing (lib/logstorage/datadb.go of VictoriaLogs). On a busy machine each of them takes longer.
	pause(t, 6*time.Second)
	eventually(t, recovers, "what has arrived is on the disk", func() bool {
		rows := scrape(t, v.addr)
		return rows[`vl_storage_rows{type="storage/small"}`]+rows[`vl_storage_rows{type="storage/big"}`] >= float64(len(written))
	})
	before := scrape(t, v.addr)
	v.kill(t)
	pause(t, time.Second)
	v.up(t)
	fires(t, "victorialogs/alerts.yaml", before, scrape(t, v.addr), "FeishuAuditVictoriaLogsRestarted")
	eventually(t, recovers, "the collector delivered the rest", func() bool {
		// Not by what is found: the last entries may be among the lost ones.
		return slices.ContainsFunc(a.Calls(), func(call simulator.Call) bool {
			return call.Endpoint == simulator.EndpointList && call.Code == 0 && !call.HasMore && call.EndTime > entries[len(entries)-1].EventTime
		})
	})
	c.term(t)
	v.post(t, "/internal/force_flush", nil) // the last records cannot be found for some seconds
	found := byID(e.held(t))
	kept := len(found)
	t.Logf("%d of %d were lost", len(entries)-kept, len(entries))
	for id := range written {
		require.Contains(t, found, id, "only what came in the last seconds is lost, as the README says")
	}

	again := newExample(t, a, v)
	first, last := entries[0].EventTime, entries[len(entries)-1].EventTime
	again.args = append(again.args, "--set=receivers.feishu_audit.recheck_after=[]",
		"--set=receivers.feishu_audit.start_time="+time.Unix(first, 0).UTC().Format(time.RFC3339),
		"--set=receivers.feishu_audit.end_time="+time.Unix(last+1, 0).UTC().Format(time.RFC3339))
	c = again.start(t)
	again.arrives(t, len(entries))
	c.says(t, "The export is complete", recovers)
	c.term(t)
	held := again.settled(t, entries)
	checkPath(t, entries, held, (kept+pageSize-1)/pageSize) // the remaining ones are duplicated
	counted := v.rows(t, `{service.name=~"feishu|lark"} feishu.credential.app_id:="`+simulator.DefaultAppID+`" | stats count_uniq(log.record.uid) n`)
	require.Equal(t, strconv.Itoa(len(entries)), counted[0]["n"])
}
