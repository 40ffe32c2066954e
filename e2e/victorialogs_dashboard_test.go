// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// logsPanel is a panel of the dashboard of the audit log, with its one query.
type logsPanel struct{ Title, Type, Expr, QueryType string }

func logsPanels(t *testing.T) (all []logsPanel) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr, QueryType string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "victorialogs/dashboards/feishu-audit.json")), &board))
	for _, p := range board.Panels {
		require.Len(t, p.Targets, 1, p.Title)
		all = append(all, logsPanel{p.Title, p.Type, p.Targets[0].Expr, p.Targets[0].QueryType})
	}
	return all
}

// asks sends VictoriaLogs the query that its Grafana datasource sends for a panel. It returns log lines for a
// query of the log, and results by their labels for a count.
func (p logsPanel) asks(t *testing.T, v *victoriaLogs, from, to time.Time) (lines []string, results map[string]float64) {
	t.Helper()
	expr := strings.NewReplacer("$app", ".*", "${__from:date}", from.UTC().Format("2006-01-02T15:04:05.000Z")).Replace(p.Expr)
	seconds := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	query := url.Values{"start": {seconds(from)}, "end": {seconds(to)}}
	path := ""
	switch p.QueryType {
	case "instant":
		path = "query"
		query.Set("limit", "1000")
	case "statsRange":
		path = "stats_query_range"
		query.Set("step", "1h")
	case "stats":
		path, query = "stats_query", url.Values{"time": {seconds(to)}}
		if first, _, _ := strings.Cut(expr, "|"); !strings.Contains(first, "_time") {
			expr = "_time:[" + seconds(from) + ", " + seconds(to) + "] " + expr
		}
	default:
		require.Fail(t, "unknown kind of query", p.QueryType)
	}
	query.Set("query", expr)
	status, body, err := ask(t.Context(), "http://"+v.addr+"/select/logsql/"+path+"?"+query.Encode())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "%s: %s", p.Title, body)
	if p.QueryType == "instant" {
		return strings.Split(strings.TrimSpace(string(body)), "\n"), nil
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  []any
				Values [][]any
			}
		}
	}
	require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	results = map[string]float64{}
	for _, r := range answer.Data.Result {
		for _, value := range append(r.Values, r.Value) {
			if value == nil {
				continue
			}
			n, err := strconv.ParseFloat(value[1].(string), 64)
			require.NoError(t, err)
			results[strings.TrimSpace(r.Metric["feishu.app.id"]+" "+r.Metric["client.address"]+" "+r.Metric["feishu.api_key"]+r.Metric["error.type"])] += n
		}
	}
	return nil, results
}

// TestVictoriaLogsDashboard: every panel of the VictoriaLogs dashboard returns something for the made-up week,
// of which every page was sent twice. Its counts and its list of new things are right. It has the same panels as
// the one for Loki.
func TestVictoriaLogsDashboard(t *testing.T) {
	t.Parallel()
	w := attackedNow()
	v := newVictoriaLogs(t)
	to := time.Now().Truncate(time.Second)
	require.Positive(t, newShipment(w.Entries, func(logs plog.Logs) { v.take(t, logs); v.take(t, logs) }).until(t, to))
	v.post(t, "/internal/force_flush", nil)

	from := to.Add(-24 * time.Hour)
	calls, apps, before := 0, map[string]int{}, map[string]bool{}
	for _, e := range w.Entries {
		switch {
		case e.Arrives.After(to) || e.EventTime > to.Unix() || e.EventTime < to.AddDate(0, 0, -34).Unix():
		case e.EventTime < from.Unix():
			before[e.AppID] = true
		default:
			calls++
			apps[e.AppID]++
		}
	}
	delete(apps, "") // calls without an app
	fresh := map[string]float64{}
	for app, n := range apps {
		if !before[app] {
			fresh[app] = float64(n)
		}
	}
	require.Contains(t, fresh, "cli_newapp_in_time")

	titles := panels(t) // of Loki
	for _, p := range logsPanels(t) {
		assert.Contains(t, titles, p.Title)
		delete(titles, p.Title)
		lines, results := p.asks(t, v, from, to)
		if p.QueryType == "instant" {
			assert.Len(t, lines, 1000, p.Title)
			continue
		}
		assert.NotEmpty(t, results, p.Title)
		switch p.Title {
		case "Calls":
			assert.InDelta(t, calls, results[""], 0)
		case "Apps":
			assert.InDelta(t, len(apps), results[""], 0)
		case "Calls by app":
			delete(results, "")
			assert.NotEmpty(t, results)
			for app, n := range results {
				assert.LessOrEqual(t, n, float64(apps[app]), app)
			}
		case "New apps":
			assert.Equal(t, fresh, results)
		case "New addresses":
			assert.Contains(t, strings.Join(keysOf(results), "\n")+" ", "cli_appfromnewaddress_in_time ")
		case "Who uses sensitive APIs":
			assert.LessOrEqual(t, len(results), 50)
		}
	}
	assert.Empty(t, titles, "only Loki's dashboard has them")
}

func keysOf(m map[string]float64) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}
