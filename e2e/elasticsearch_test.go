// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// TestElasticsearch: through examples/elasticsearch every entry becomes one document, whichever part stops while
// records arrive.
func TestElasticsearch(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	deliver(t, b, true)
	require.True(t, b.streams, "bulk requests ask for data streams only")
	for key, doc := range b.docs {
		require.Equal(t, "logs-feishu.openapi.otel-default", key.index)
		require.Equal(t, fromDocument(doc).uid, key.id)
		require.Equal(t, map[string]any{"type": "logs", "dataset": "feishu.openapi.otel", "namespace": "default"}, doc["data_stream"])
		require.Equal(t, "feishu.openapi.call", doc["event_name"])
		require.Contains(t, []any{9.0, 13.0}, doc["severity_number"])
		require.NotContains(t, doc["attributes"], "elasticsearch.document_id")
	}
}

// TestElasticsearchConflicts: a page that is delivered again leaves one document for each entry. Its conflicts
// are neither retried nor treated as a failure, and the collector logs a few lines about them, not one for each.
func TestElasticsearchConflicts(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	entries, out := repeat(t, b, &b.gate)
	checkPath(t, entries, b.held(t), 0)
	require.Equal(t, pageSize, b.conflicts, "one page was delivered again, once")
	lines := strings.Count(out, "failed to index document")
	require.Positive(t, lines)
	// Of equal lines the collector logs the first 10 in 10 s and each 100th. The exporter has no setting yet
	// that would silence conflicts.
	require.LessOrEqual(t, lines, 20, "the documentation says so")
	require.NotContains(t, out, "is tried again")
}

// TestElasticsearchRefusesDocuments: the request succeeds, and single documents of it are refused, because a
// shard, a right or an index is missing. They are sent again until they are accepted, and nothing else is.
func TestElasticsearchRefusesDocuments(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{
		"403": http.StatusForbidden, "404": http.StatusNotFound, "429": http.StatusTooManyRequests, "503": http.StatusServiceUnavailable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBulk(t)
			until := time.Now().Add(12 * time.Second)
			b.refuses = func(n int, _ string) int {
				if n%3 == 0 && time.Now().Before(until) {
					return status
				}
				return 0
			}
			a, entries := newBacklog(t, 52, 300)
			e := newExample(t, a, b)
			c := e.start(t)
			e.arrives(t, len(entries))
			c.term(t)
			checkPath(t, entries, e.held(t), 0)
			require.Positive(t, b.refused)
			require.Zero(t, b.conflicts, "documents that were taken were sent again")
		})
	}
}

// readFile is the text of a file below examples/.
func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	require.NoError(t, err)
	return string(text)
}

// patience is how long the exporter sends a refused document again: it doubles the wait, like
// createElasticsearchBackoffFunc of its v0.139.0 in 64 bits, and shortens it at random by up to a half. ok
// reports whether every wait is positive.
func patience(initial, longest time.Duration, retries int) (atLeast, onAverage time.Duration, ok bool) {
	for n := range retries {
		wait := min(longest, initial*(1<<n))
		if wait < min(initial, longest) {
			return 0, 0, false
		}
		atLeast += wait / 2
		onAverage += wait * 3 / 4
	}
	return atLeast, onAverage, true
}

// TestElasticsearchPatience: the exporter drops a document that is refused for too long, without the receiver's
// knowledge. It is as patient as the documentation says, and as possible: with one retry more, it would not wait
// at all.
func TestElasticsearchPatience(t *testing.T) {
	t.Parallel()
	documented := regexp.MustCompile(`for (\d+) hours at\s+least, (\d+) on average`).FindStringSubmatch(readFile(t, "elasticsearch/README.md"))
	require.Len(t, documented, 3, "the README's figures")
	for _, name := range []string{"elasticsearch/collector.yaml", "mapping/ecs.yaml"} {
		var config struct {
			Exporters struct {
				Elasticsearch struct {
					Retry struct {
						Initial time.Duration `yaml:"initial_interval"`
						Longest time.Duration `yaml:"max_interval"`
						Retries int           `yaml:"max_retries"`
					} `yaml:"retry"`
				} `yaml:"elasticsearch"`
			} `yaml:"exporters"`
		}
		require.NoError(t, yaml.Unmarshal([]byte(readFile(t, name)), &config))
		retry := config.Exporters.Elasticsearch.Retry
		atLeast, onAverage, ok := patience(retry.Initial, retry.Longest, retry.Retries)
		require.True(t, ok, "%s: the wait overflows", name)
		require.Equal(t, documented[1], strconv.Itoa(int(atLeast.Hours())), name)
		require.Equal(t, documented[2], strconv.Itoa(int(onAverage.Hours())), name)
		_, _, ok = patience(retry.Initial, retry.Longest, retry.Retries+1)
		require.False(t, ok, "%s: one retry more would be possible", name)
	}
}

// TestElasticsearchLosesDocuments: documents that are refused one by one, permanently or for longer than the
// exporter's patience, are lost, and the rest of their page is not. The receiver does not see it; the
// collector's log and the exporter's metrics do, and the alerts of the example fire.
func TestElasticsearchLosesDocuments(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	a, entries := newBacklog(t, 57, 300)
	bad, unlucky := entries[30].ID, entries[160].ID
	b.refuses = func(_ int, id string) int {
		return map[string]int{bad: http.StatusBadRequest, unlucky: http.StatusTooManyRequests}[id]
	}
	e := newExample(t, a, b)
	const retries = 5
	e.args = append(e.args, "--set=exporters.elasticsearch.retry.max_interval=10ms", "--set=exporters.elasticsearch.retry.max_retries="+strconv.Itoa(retries))
	addr := e.scraped(t)
	c := e.start(t)
	e.arrives(t, len(entries)-2)
	// Each of the two was logged, and counted once.
	c.says(t, "document_parsing_exception", recovers)
	c.says(t, "cluster_block_exception", recovers)
	var metrics map[string]float64
	counted := func(name string, labels ...string) (sum float64) {
		for metric, value := range metrics {
			if strings.HasPrefix(metric, name+"{") && !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(metric, l) }) {
				sum += value
			}
		}
		return sum
	}
	eventually(t, recovers, "all are counted", func() bool {
		metrics = scrape(t, addr)
		return counted("otelcol_receiver_feishu_audit_entries", `result="delivered"`) == float64(len(entries))
	})
	require.Zero(t, counted("otelcol_receiver_feishu_audit_entries", `result="lost"`), "the receiver does not see it")
	const processed = "otelcol_elasticsearch_docs_processed"
	require.InDelta(t, 1, counted(processed, `error_type="document_parsing_exception"`, `outcome="failed_client"`), 0)
	require.InDelta(t, 1, counted(processed, `error_type="cluster_block_exception"`, `outcome="too_many"`), 0)
	require.InDelta(t, len(entries)-2, counted(processed, `outcome="success"`), 0)
	require.InDelta(t, retries, counted("otelcol_elasticsearch_docs_retried"), 0)
	c.term(t)
	require.Equal(t, 1+1+retries, b.refused)
	checkPath(t, entries, e.held(t), 0, bad, unlucky)
	checkDocumentAlerts(t, metrics)
}

// checkDocumentAlerts evaluates the alert rules of examples/elasticsearch with promtool, with the series that a
// collector really had: its counters appear, pause, and grow again.
func checkDocumentAlerts(t *testing.T, metrics map[string]float64) {
	t.Helper()
	rules, err := filepath.Abs(filepath.Join(examples, "elasticsearch/alerts.yaml"))
	require.NoError(t, err)
	var losses, conflicts strings.Builder
	for metric, value := range metrics {
		if !strings.HasPrefix(metric, "otelcol_elasticsearch_docs_") {
			continue
		}
		for _, suffix := range []string{"", "_total"} { // two collectors, one of which uses this suffix for its counters
			name, labels, _ := strings.Cut(metric, "{")
			series := fmt.Sprintf(`%s%s{job="otelcol",instance="a%s:8888",%s`, name, suffix, suffix, labels)
			fmt.Fprintf(&losses, "      - {series: '%s', values: '_x10 %gx400 %gx400'}\n", series, value, value+1)
			if strings.Contains(metric, "error_type=") {
				series = regexp.MustCompile(`error_type="[^"]*"`).ReplaceAllString(series, `error_type="version_conflict_engine_exception"`)
			}
			if !strings.Contains(metric, "retried") && !strings.Contains(conflicts.String(), series) {
				fmt.Fprintf(&conflicts, "      - {series: '%s', values: '_x10 %gx400'}\n", series, value)
			}
		}
	}
	firing := func(minute, lost, refused int) string {
		var samples []string
		if lost > 0 {
			samples = append(samples, fmt.Sprintf(`{labels: '{alertname="FeishuAuditDocumentsLost"}', value: %d}`, lost))
		}
		if refused > 0 {
			samples = append(samples, fmt.Sprintf(`{labels: '{alertname="FeishuAuditDocumentsRefused"}', value: %d}`, refused))
		}
		return fmt.Sprintf("      - {expr: 'count by (alertname) (ALERTS{alertstate=\"firing\"})', eval_time: %dm, exp_samples: [%s]}\n", minute, strings.Join(samples, ", "))
	}
	// Two collectors, and two kinds of loss on each.
	test := fmt.Sprintf("rule_files: [%s]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n%s    promql_expr_test:\n%s  - interval: 1m\n    input_series:\n%s    promql_expr_test:\n%s",
		rules, &losses, firing(5, 0, 0)+firing(12, 4, 0)+firing(20, 4, 2)+firing(100, 4, 2)+firing(200, 4, 0)+firing(415, 4, 0)+firing(420, 4, 2)+firing(600, 4, 0),
		&conflicts, firing(5, 0, 0)+firing(12, 0, 0)+firing(100, 0, 0))
	path := filepath.Join(t.TempDir(), "alerts_test.yaml")
	require.NoError(t, os.WriteFile(path, []byte(test), 0o600))
	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "test", "rules", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
