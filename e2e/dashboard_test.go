// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// dashboard is a source of queries for Prometheus.
type dashboard struct {
	Panels []struct {
		Title   string `json:"title"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

func readDashboard(t *testing.T) (d dashboard) {
	text, err := os.ReadFile("../examples/prometheus/dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

var (
	// asGrafana replaces the variables like Grafana if all values are selected.
	asGrafana   = strings.NewReplacer("$job", ".*", "$receiver", ".*", "$__rate_interval", "10s")
	labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
)

// queries are those of the dashboard, by panel, as Grafana would send them.
func queries(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			out[panel.Title] = append(out[panel.Title], asGrafana.Replace(target.Expr))
		}
	}
	return out
}

// documentedMetrics are the metrics of metadata.yaml, as the collector names them by default.
func documentedMetrics(t *testing.T) (names []string) {
	text, err := os.ReadFile("../metadata.yaml")
	require.NoError(t, err)
	var file struct {
		Telemetry struct {
			Metrics map[string]any `yaml:"metrics"`
		} `yaml:"telemetry"`
	}
	require.NoError(t, yaml.Unmarshal(text, &file))
	for name := range file.Telemetry.Metrics {
		names = append(names, "otelcol_"+name)
	}
	require.NotEmpty(t, names)
	return names
}

// twoSpellings matches a range of a metric that a reader may name in two ways. If both are in the range, for
// example after the reader was changed, the query fails until one of them is out of it.
var twoSpellings = regexp.MustCompile(`__name__=~[^}]*\}\[`)

// TestDashboard: every query of the dashboard returns numbers, for both ways in which a collector may name its
// metrics, and every metric of the receiver is in a query.
func TestDashboard(t *testing.T) {
	t.Parallel()
	for name, suffixes := range map[string]bool{"as by default": false, "with units and suffixes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, simulator.Options{Tenant: simulator.Tenant{
				Seed: 41, PerSecond: 10, Start: time.Now().Unix() - 10, LateFraction: 0.2, MaxLateness: 6 * time.Second, OddFraction: 0.1,
			}})
			b := newBackend(t)
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10s", "recheck_after: [8s]")
			s.Scrape, s.Suffixes = freeAddress(t), suffixes
			c := s.start(t, b)
			c.says(t, ready, starts)
			p := newPrometheus(t, s.Scrape)
			panels := queries(t)
			for title, exprs := range panels {
				require.NotRegexp(t, twoSpellings, exprs, title)
			}
			require.Greater(t, len(panels), 15)
			// Each separately: a rate over a few seconds without an event has no value.
			missing := maps.Clone(panels)
			defer func() {
				for title, exprs := range missing {
					t.Logf("without an answer: %s: %q", title, exprs)
				}
			}()
			eventually(t, 2*time.Minute, "every panel shows something", func() bool {
				for title, exprs := range missing {
					missing[title] = slices.DeleteFunc(slices.Clone(exprs), func(expr string) bool {
						return slices.ContainsFunc(p.query(t, expr), func(s sample) bool { return s.Value[1] != "NaN" })
					})
					if len(missing[title]) == 0 {
						delete(missing, title)
					}
				}
				return len(missing) == 0
			})

			var shown strings.Builder
			for _, exprs := range panels {
				shown.WriteString(strings.Join(exprs, "\n") + "\n")
			}
			plain := regexp.MustCompile(`(_seconds|_per_min)?(_total|_bucket|_sum|_count)?$`)
			names := map[string]bool{}
			for _, s := range p.query(t, `{__name__=~"otelcol_receiver_feishu_audit_.+"}`) {
				names[plain.ReplaceAllString(s.Metric["__name__"], "")] = true
			}
			require.ElementsMatch(t, documentedMetrics(t), slices.Collect(maps.Keys(names)))
			for name := range names {
				require.Contains(t, shown.String(), name, "no panel shows this metric")
			}
			c.term(t)
		})
	}
}
