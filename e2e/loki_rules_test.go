// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

// lokiRules are examples/loki/rules.
func lokiRules(t *testing.T) []ruleGroup {
	text, err := os.ReadFile("../examples/loki/rules/feishu-audit.yaml")
	require.NoError(t, err)
	var file ruleFile
	require.NoError(t, yaml.Unmarshal(text, &file))
	require.Len(t, file.Groups, 4)
	return file.Groups
}

// TestLokiRules: with a real Loki, every rule is answered without an error, and every query of the dashboard
// finds something in a made-up day with many apps and APIs. TestDialects compares what the rules name with the
// other languages.
func TestLokiRules(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	noon := time.Now().Add(-24 * time.Hour).Truncate(time.Hour)
	from := week.Start.AddDate(0, 0, 1)
	var day []simulator.Entry
	for _, e := range week.New(22, true).Entries {
		if at := time.Unix(e.EventTime, 0); e.Tenant == week.Reader && !at.Before(from) && at.Before(from.AddDate(0, 0, 1)) {
			e.EventTime += int64(noon.Add(-20 * time.Hour).Sub(from).Seconds())
			day = append(day, e.Entry)
		}
	}
	l.load(t, day)
	for _, g := range lokiRules(t) {
		for _, r := range g.Rules {
			l.query(t, "/loki/api/v1/query", url.Values{"query": {l.own(t, r.Expr)}, "time": {nanos(noon)}})
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
	}
}

// TestRuler: Loki's ruler has every rule of examples/loki/rules, and the rules that it has evaluated had no
// error. The ruler of the Loki at LOKI_URL must have the file unchanged, for the tenant that receives the
// entries, as examples/loki/compose.yaml mounts it.
func TestRuler(t *testing.T) {
	t.Parallel()
	l := newLoki(t)
	type state struct{ Name, Health, LastError string }
	states := func() map[string][]state {
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
		groups := map[string][]state{}
		for _, group := range answer.Data.Groups {
			groups[group.Name] = group.Rules
		}
		return groups
	}
	eventually(t, time.Minute, "the ruler has the groups of examples/loki/rules", func() bool { return len(states()["feishu-audit"]) > 0 })
	eventually(t, 7*time.Minute, "the rules of every five minutes were asked", func() bool {
		for _, s := range states()["feishu-audit"] {
			if s.Health != "ok" {
				return false
			}
		}
		return true
	})
	for _, g := range lokiRules(t) {
		got := states()[g.Name]
		require.Len(t, got, len(g.Rules), g.Name)
		for _, s := range got {
			require.Empty(t, s.LastError, s.Name)
		}
	}
}

// TestSensitiveAPIs: the APIs that the dashboard calls sensitive are in a sensitive class, and so in a
// detection.
func TestSensitiveAPIs(t *testing.T) {
	t.Parallel()
	sensitive := regexp.MustCompile(`feishu_api_key =~ "([^"]*)"`).FindStringSubmatch(panels(t)["Sensitive APIs"].expr)
	require.NotNil(t, sensitive)
	pattern := regexp.MustCompile("^(" + sensitive[1] + ")$")
	n := 0
	for _, k := range vendorKeys(t) {
		if pattern.MatchString(k.key) && !strings.Contains(k.key, "/admin/v1/badge") {
			n++
			assert.NotEqual(t, "-", k.class, k.key)
		}
	}
	require.Greater(t, n, 40)
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
