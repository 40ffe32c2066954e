// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// prometheus is a real one that scrapes collectors, with our rules with shortened times.
type prometheus struct {
	addr  string
	rules string // the path of its rules
	cmd   *exec.Cmd
}

// prometheusOptions are what a Prometheus is started with.
type prometheusOptions struct {
	scrapes []string
	budget  string // feishu_audit:monthly_call_budget, if not the default
	broken  bool   // one of its rules about the audit log cannot be evaluated
	history string // OpenMetrics text of what it has recorded before
	sendsTo string // the address of an Alertmanager
}

func newPrometheus(t *testing.T, scrapes ...string) *prometheus {
	return startPrometheus(t, prometheusOptions{scrapes: scrapes})
}

func startPrometheus(t *testing.T, opts prometheusOptions) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules := readRules(t)
	for i := range rules.Groups[0].Rules {
		r := &rules.Groups[0].Rules[i]
		if r.Record == "feishu_audit:monthly_call_budget" && opts.budget != "" {
			r.Expr = "vector(" + opts.budget + ")"
		}
		r.hurry()
	}
	if opts.broken {
		rules.Groups = append(rules.Groups, ruleGroup{Name: "feishu_audit_broken", Rules: []rule{
			{Record: "many_to_many", Expr: brokenRule},
		}})
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	text, err := yaml.Marshal(rules)
	require.NoError(t, err)
	p := &prometheus{addr: freeAddress(t), rules: write("rules.yaml", string(text))}
	config := write("prometheus.yaml", fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\n"+
		"scrape_configs:\n  - job_name: otelcol\n    static_configs: [{targets: [%s]}]\n  - job_name: prometheus\n    static_configs: [{targets: [%s]}]\n",
		strings.Join(opts.scrapes, ", "), p.addr))
	if opts.sendsTo != "" {
		text, err := os.ReadFile(config)
		require.NoError(t, err)
		write("prometheus.yaml", string(text)+"alerting: {alertmanagers: [{static_configs: [{targets: ["+opts.sendsTo+"]}]}]}\n")
	}
	if opts.history != "" {
		out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics",
			write("history", opts.history), filepath.Join(dir, "data")).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}

	out := &output{}
	cmd := exec.CommandContext(t.Context(), tool(t, "prometheus"), "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	p.cmd = cmd
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus wrote:\n%s", out)
		}
	})
	eventually(t, starts, "Prometheus is ready", func() bool {
		res, err := http.Get("http://" + p.addr + "/-/ready") //nolint:noctx // of this test's own process
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return p
}

// brokenRule cannot be evaluated.
const brokenRule = `{__name__=~"prometheus_.+"} * on (job) {__name__=~"prometheus_.+"}`

// sample is one element of an instant vector.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (p *prometheus) query(t *testing.T, expr string) []sample {
	t.Helper()
	var data struct {
		Result []sample `json:"result"`
	}
	p.get(t, "query?query="+url.QueryEscape(expr), &data)
	return data.Result
}

// labelValues are the values of a variable of a dashboard.
func (p *prometheus) labelValues(t *testing.T, label, selector string) (values []string) {
	t.Helper()
	p.get(t, "label/"+label+"/values?match[]="+url.QueryEscape(selector), &values)
	return values
}

func (p *prometheus) get(t *testing.T, path string, data any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addr+"/api/v1/"+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	answer := struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   any    `json:"data"`
	}{Data: data}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	require.Equal(t, "success", answer.Status, "%s: %s", path, answer.Error)
}
