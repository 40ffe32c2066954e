// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// names are, by alert, the subjects that it named.
type names map[string]map[string]bool

func (n names) add(alert, subject string) {
	if n[alert] == nil {
		n[alert] = map[string]bool{}
	}
	n[alert][subject] = true
}

// vmalertRun has a real vmalert evaluate a group of rules over made-up time: it is a proxy between vmalert and
// VictoriaLogs that answers the n-th query of each rule as of from + n steps, with what had arrived by then, and
// it receives the alerts like an Alertmanager.
type vmalertRun struct {
	logs     *victoriaLogs
	from, to time.Time
	step     time.Duration
	delay    time.Duration     // how much earlier than its query time the group looks
	advance  func(t time.Time) // makes available what arrives by then

	mu     sync.Mutex
	asked  map[string]int // by rule's expression
	rules  int
	passed int // rules that have been queried for the whole time
	done   chan struct{}
	alerts names
	errors []string
}

// subject is what an alert names: its app, its address or its tenant.
func subject(labels map[string]string) string {
	for _, name := range []string{"feishu_app_id", "client_address", "feishu_credential_app_id"} {
		if labels[name] != "" {
			return labels[name]
		}
	}
	return ""
}

func (r *vmalertRun) at(expr string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.from.Add(time.Duration(r.asked[expr]) * r.step)
	r.asked[expr]++
	if at.After(r.to) {
		if r.asked[expr] == int(r.to.Sub(r.from)/r.step)+2 {
			if r.passed++; r.passed == r.rules {
				close(r.done)
			}
		}
		return at, false
	}
	r.advance(at)
	return at, true
}

func (r *vmalertRun) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path != "/select/logsql/stats_query" {
		var alerts []struct{ Labels map[string]string }
		if json.NewDecoder(req.Body).Decode(&alerts) == nil {
			r.mu.Lock()
			for _, a := range alerts {
				r.alerts.add(a.Labels["alertname"], subject(a.Labels))
			}
			r.mu.Unlock()
		}
		return
	}
	_ = req.ParseForm()
	at, ok := r.at(req.Form.Get("query"))
	if !ok {
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"vector","result":[]}}`))
		return
	}
	req.Form.Set("time", at.Add(-r.delay).UTC().Format(time.RFC3339))
	req.Body = http.NoBody
	req.ContentLength = 0
	req.URL.RawQuery = req.Form.Encode()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: r.logs.addr})
			p.Out.Header.Del("Content-Length")
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				r.mu.Lock()
				r.errors = append(r.errors, resp.Status+": "+req.Form.Get("query"))
				r.mu.Unlock()
			}
			return nil
		},
	}
	proxy.ServeHTTP(w, req)
}

// vmalertGroups are the groups of detections/victorialogs/rules.yaml.
func vmalertGroups(t *testing.T) map[string][]any {
	text, err := os.ReadFile("../detections/victorialogs/rules.yaml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []any
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	groups := map[string][]any{}
	for _, g := range file.Groups {
		groups[g.Name] = g.Rules
	}
	require.Len(t, groups, 3)
	return groups
}

// run lets vmalert evaluate rules until the end of the time, and returns what it named.
func (r *vmalertRun) run(t *testing.T, rules []any) names {
	r.passed, r.asked, r.alerts, r.done, r.rules = 0, map[string]int{}, names{}, make(chan struct{}), len(rules)
	server := httptest.NewServer(r)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "rules.yaml")
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "week", "type": "vlogs", "interval": "50ms", "concurrency": 4, "rules": rules}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	path := os.Getenv("VMALERT")
	if path == "" {
		path = filepath.Join("..", "_build", "vmalert")
	}
	cmd := exec.CommandContext(t.Context(), path, "-rule="+file, "-datasource.url="+server.URL, "-notifier.url="+server.URL, "-httpListenAddr=127.0.0.1:0", "-loggerLevel=ERROR")
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start(), "run `make vmalert` first")
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	select {
	case <-r.done:
	case <-time.After(10 * time.Minute):
		r.mu.Lock()
		defer r.mu.Unlock()
		require.Fail(t, "vmalert did not come to the end", "%d of %d rules did", r.passed, r.rules)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Empty(t, r.errors, "VictoriaLogs answers every question")
	return r.alerts
}

// found returns what a pattern's group finds, sorted, each once.
func found(pattern, text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}
