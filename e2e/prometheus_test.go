// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var slow = flag.Bool("slow", false, "run the case of TestAlerts that takes a quarter of an hour")

// prometheus is a real one that scrapes collectors, with our rules, by which time
// runs faster.
type prometheus struct{ addr string }

func newPrometheus(t *testing.T, scrapes ...string) *prometheus {
	dir := t.TempDir()
	rules := readRules(t)
	for i := range rules.Groups[0].Rules {
		rules.Groups[0].Rules[i].hurry()
	}
	text, err := yaml.Marshal(rules)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules.yaml"), text, 0o600))
	config := fmt.Sprintf("global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\nrule_files: [rules.yaml]\n"+
		"scrape_configs:\n  - job_name: otelcol\n    static_configs: [{targets: [%s]}]\n", strings.Join(scrapes, ", "))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yaml"), []byte(config), 0o600))

	p := &prometheus{addr: freeAddress(t)}
	out := &output{}
	cmd := exec.CommandContext(t.Context(), tool(t, "prometheus"), "--config.file="+filepath.Join(dir, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus wrote:\n%s", out)
		}
	})
	eventually(t, 30*time.Second, "Prometheus is ready", func() bool {
		res, err := http.Get("http://" + p.addr + "/-/ready") //nolint:noctx // of this test's own process
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return p
}

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

// labelValues are what a variable of a dashboard offers.
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

// firing are the names of the alerts that fire, without their prefix.
func (p *prometheus) firing(t *testing.T) []string {
	t.Helper()
	names := []string{}
	for _, s := range p.query(t, `count by (alertname) (ALERTS{alertstate="firing"})`) {
		names = append(names, strings.TrimPrefix(s.Metric["alertname"], "FeishuAudit"))
	}
	slices.Sort(names)
	return names
}

// TestAlerts breaks one thing at a time, with a real Prometheus that scrapes a real
// collector and has our rules, by which a minute is a second: the right alert fires,
// no other does, also when the trouble lasts, and none fires before and, where the
// cause can be mended at once, after. Every query of the dashboard works meanwhile,
// and shows the cause. Covers F55.
func TestAlerts(t *testing.T) {
	t.Parallel()
	faulty := func(fault simulator.Fault) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{fault} })
		}
	}
	healed := func(_ *testing.T, s *scene) { s.api.heal() }
	secret := func(secret string) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: secret} })
			s.api.RevokeTokens()
		}
	}
	answering := func(status int) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) { s.backend.answering(always(status)) }
	}
	cases := map[string]struct {
		opts          simulator.Options
		extra         []string
		perSecond     float64
		perMinute     int
		before        func(t *testing.T, s *scene) // before the start
		wrong, mend   func(t *testing.T, s *scene)
		fires         []string
		cause         string // of the trouble, "" for none
		until         string // may fire until then: not everything is hurried
		suffixes      bool
		retry         string        // retry_on_failure, if not the fast one
		lines         int           // that say that something is wrong, 0: not counted
		patience      time.Duration // until it fires, if not half a minute
		neverWell     bool
		exporterWaits bool
		slow          bool // runs with -slow only
	}{
		"all is well":    {},
		"wrong secret":   {wrong: secret("another"), mend: secret(simulator.DefaultAppSecret), fires: []string{"Credential"}, cause: "credential"},
		"app disabled":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultError, Code: 99991662, Msg: "app disabled"}), mend: healed, fires: []string{"Credential"}, cause: "app"},
		"token refused":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultTokenInvalid}), mend: healed, fires: []string{"Credential"}, cause: "token"},
		"missing scope":  {wrong: faulty(simulator.Fault{Kind: simulator.FaultMissingScope}), mend: healed, fires: []string{"Scope"}, cause: "scope", suffixes: true},
		"IP refused":     {wrong: faulty(simulator.Fault{Kind: simulator.FaultIPRefused}), mend: healed, fires: []string{"Address"}, cause: "address"},
		"quota":          {wrong: faulty(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), fires: []string{"Quota"}, cause: "quota", suffixes: true},
		"wrong endpoint": {wrong: faulty(simulator.Fault{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointList}), mend: healed, fires: []string{"Request"}, cause: "endpoint"},
		"wrong filter":   {wrong: faulty(simulator.Fault{Kind: simulator.FaultInvalidParam}), mend: healed, fires: []string{"Request"}, cause: "filter"},
		"large answers":  {extra: []string{"max_response_size: 256KiB"}, wrong: faulty(simulator.Fault{Kind: simulator.FaultHuge, Size: 1 << 20}), mend: healed, fires: []string{"Request"}, cause: "answer_size"},
		"rate limit":     {opts: simulator.Options{RateHintValue: "1"}, wrong: faulty(simulator.Fault{Kind: simulator.FaultRateLimited}), mend: healed, fires: []string{"API"}, cause: "rate_limit"},
		// Its end is noticed after minutes, as its waits grow; health_test.go has them.
		"endless paging": {wrong: faulty(simulator.Fault{Kind: simulator.FaultRepeatToken}), fires: []string{"API"}, cause: "paging", until: "NoSuccess"},
		"API fails":      {wrong: faulty(simulator.Fault{Kind: simulator.FaultInternal}), mend: healed, fires: []string{"API"}, cause: "api", suffixes: true},
		"API fails three times of four": {
			wrong: faulty(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.75}), mend: healed, fires: []string{"API"}, cause: "api",
			retry: "{initial_interval: 100ms, max_interval: 10s}", lines: 1,
		},
		"API is away": {
			wrong: func(t *testing.T, s *scene) { s.api.down(t) }, mend: func(t *testing.T, s *scene) { s.api.up(t) }, fires: []string{"API"}, cause: "network",
		},
		"backend is away": {wrong: answering(http.StatusServiceUnavailable), mend: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline"},
		"backend takes one of four": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.answering(func(n int) (time.Duration, int) {
					if n%4 == 0 {
						return 0, http.StatusOK
					}
					return 0, http.StatusServiceUnavailable
				})
			},
			mend: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline",
			retry: "{initial_interval: 100ms, max_interval: 10s}", lines: 1,
		},
		"foreign checkpoint": {
			before: func(t *testing.T, s *scene) {
				c := s.setup.start(t, s.backend)
				eventually(t, 30*time.Second, "entries arrive", func() bool { return s.backend.count() > 0 })
				c.term(t)
				s.setup.Extra = append(s.setup.Extra, "filter: {app_id: cli_other}")
			},
			fires: []string{"Storage"}, cause: "checkpoint",
		},
		"storage": {
			before: func(t *testing.T, s *scene) { require.NoError(t, os.MkdirAll(s.setup.file(), 0o700)) },
			mend:   func(t *testing.T, s *scene) { require.NoError(t, os.Remove(s.setup.file())) },
			fires:  []string{"Storage"}, cause: "storage",
		},
		"refused permanently": {
			wrong: answering(http.StatusBadRequest), mend: answering(http.StatusOK), fires: []string{"Pipeline"}, cause: "pipeline",
		},
		"refused, and not to be tried for long": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Retry = "{initial_interval: 100ms, max_interval: 1s, max_elapsed_time: 2s}"
			},
			wrong: answering(http.StatusBadRequest), mend: answering(http.StatusOK), fires: []string{"Pipeline", "RecordsLost"}, cause: "pipeline", suffixes: true,
		},
		"refused behind a queue": {
			before: func(_ *testing.T, s *scene) {
				s.setup.Exporter = []string{"sending_queue: {enabled: true}", "retry_on_failure: {enabled: false}"}
			},
			wrong: answering(http.StatusBadRequest), mend: answering(http.StatusOK), fires: []string{"Exporter"}, suffixes: true,
		},
		"backend hangs": {
			wrong: func(_ *testing.T, s *scene) {
				s.backend.answering(func(int) (time.Duration, int) { return hang, http.StatusOK })
			},
			fires: []string{"NoSuccess"}, patience: time.Minute, exporterWaits: true,
		},
		"too slow": {
			// 20 entries a second where 10 can be read, in windows that are soon read.
			perSecond: 20, perMinute: 60, extra: []string{"page_size: 10", "max_window: 2s", "recheck_after: [1h]"},
			fires: []string{"Lag"}, patience: 2 * time.Minute, neverWell: true, suffixes: true,
		},
		"late entries": {
			extra: []string{"recheck_after: [1s, 2s, 3s]"},
			wrong: func(_ *testing.T, s *scene) {
				// One in each second of the last minute: some lie in the seconds that
				// the next window has in common with the last one.
				now := time.Now().Unix()
				var late []simulator.Entry
				for second := now - 60; second < now; second++ {
					late = append(late, simulator.Entry{ID: fmt.Sprint("late-", second), APIKey: "GET/open-apis/im/v1/messages", EventTime: second, AppID: "cli_a"})
				}
				s.api.Add(late...)
			},
			fires: []string{"EntriesTooLate", "LastRecheckFinds"},
		},
		"clock is wrong": {
			opts:  simulator.Options{ClockSkew: 5 * time.Minute},
			fires: []string{"ClockSkew"}, neverWell: true,
		},
		"time is passed over": {
			slow: true,
			opts: simulator.Options{Retention: 24 * time.Hour, RefuseExpired: true}, extra: []string{"initial_lookback: 48h"},
			fires: []string{"TimeSkipped"}, until: "Request", patience: 15 * time.Minute, neverWell: true,
		},
		"collector is gone": {wrong: func(t *testing.T, s *scene) { s.collector.kill(t) }, fires: []string{"NobodyReads"}},
	}
	var fired sync.Map
	var ran atomic.Int32
	run := func(t *testing.T, name string) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			ran.Add(1)
			t.Parallel()
			perSecond := max(tc.perSecond, 5)
			tc.opts.Tenant = simulator.Tenant{Seed: 31, PerSecond: perSecond, Start: time.Now().Unix() - 5}
			s := &scene{api: newAPI(t, tc.opts), backend: newBackend(t)}
			s.setup = newSetup(t, "http://"+s.api.addr, tc.extra...)
			for _, line := range []string{"initial_lookback: 5s", "recheck_after: [2s]"} {
				key, _, _ := strings.Cut(line, " ")
				if !slices.ContainsFunc(tc.extra, func(line string) bool { return strings.HasPrefix(line, key) }) {
					s.setup.Extra = append(s.setup.Extra, line)
				}
			}
			s.setup.Scrape, s.setup.Suffixes = freeAddress(t), tc.suffixes
			if tc.perMinute != 0 {
				s.setup.PerMinute = tc.perMinute
			}
			if tc.retry != "" {
				s.setup.Retry = tc.retry
			}
			if tc.exporterWaits {
				s.setup.Timeout = hang
			}
			if tc.before != nil {
				tc.before(t, s)
			}
			s.collector = s.setup.start(t, s.backend)
			s.collector.says(t, ready, 30*time.Second)
			p := newPrometheus(t, s.setup.Scrape)
			eventually(t, 30*time.Second, "Prometheus knows the collector", func() bool {
				return len(p.query(t, "otelcol_receiver_feishu_audit_leader")) > 0 && !slices.Contains(p.firing(t), "NobodyReads")
			})
			if tc.before == nil && !tc.neverWell {
				eventually(t, 20*time.Second, "entries arrive", func() bool { return s.backend.count() > 0 })
				holds(t, p, 5*time.Second)
			}
			if tc.wrong != nil {
				tc.wrong(t, s)
			}
			eventually(t, max(tc.patience, 45*time.Second), fmt.Sprintf("%v fires", tc.fires), func() bool {
				firing := p.firing(t)
				if len(firing) > 0 {
					require.Subset(t, append([]string{tc.until}, tc.fires...), firing)
				}
				return slices.Equal(firing, append([]string{}, tc.fires...))
			})
			for _, name := range tc.fires {
				fired.Store("FeishuAudit"+name, true)
			}
			s.looks(t, p, tc.fires, tc.cause)
			if !slices.Contains(tc.fires, "RecordsLost") || tc.mend == nil {
				holds(t, p, 15*time.Second, tc.fires...)
			}
			if tc.lines > 0 {
				require.Equal(t, tc.lines, strings.Count(s.collector.out.String(), "; retrying. Nothing is lost"))
				require.NotContains(t, s.collector.out.String(), "works again")
			}
			if tc.mend != nil {
				tc.mend(t, s)
				eventually(t, 2*time.Minute, "the alert ends", func() bool { return len(p.firing(t)) == 0 })
			}
		})
	}
	t.Run("faults", func(t *testing.T) {
		for name, tc := range cases {
			if tc.slow && !*slow {
				delete(cases, name)
				continue
			}
			run(t, name)
		}
	})
	if int(ran.Load()) < len(cases) {
		return // some were asked for
	}
	for _, rule := range readRules(t).Groups[0].Rules {
		_, ok := fired.Load(rule.Alert)
		if rule.Alert == "FeishuAuditTimeSkipped" && !*slow {
			continue // the API has to refuse for ten minutes
		}
		require.True(t, ok, "%s fires in no case", rule.Alert)
	}
}

// looks is a look at the dashboard: every query of it works, and it shows the alerts
// that fire and the cause, if there is one, and no other.
func (s *scene) looks(t *testing.T, p *prometheus, fires []string, cause string) {
	t.Helper()
	for title, exprs := range queries(t) {
		for _, expr := range exprs {
			shown := p.query(t, expr)
			if title != "Trouble, by cause" || !s.collector.alive() {
				continue
			}
			require.NotEmpty(t, shown)
			for _, of := range shown {
				if of.Metric["cause"] == cause {
					require.NotEqual(t, "0", of.Value[1], "trouble shows %s", cause)
				} else {
					require.Equal(t, "0", of.Value[1], "trouble shows %s", of.Metric["cause"])
				}
			}
		}
	}
	d := readDashboard(t)
	offered := map[string]string{"job": "otelcol", "receiver": "feishu_audit"}
	for _, variable := range d.Templating.List {
		parts := labelValues.FindStringSubmatch(variable.Definition)
		if variable.Type != "query" {
			continue
		}
		require.NotEmpty(t, parts, variable.Definition)
		require.Equal(t, []string{offered[variable.Name]}, p.labelValues(t, parts[2], asGrafana.Replace(parts[1])))
		delete(offered, variable.Name)
	}
	require.Empty(t, offered)
	require.NotEmpty(t, d.Annotations.List)
	for _, annotation := range d.Annotations.List {
		names := map[string]bool{}
		for _, of := range p.query(t, annotation.Expr) {
			names[strings.TrimPrefix(of.Metric["alertname"], "FeishuAudit")] = true
		}
		require.ElementsMatch(t, fires, slices.Collect(maps.Keys(names)))
	}
}

// scene is what takes part in a test of the alerts.
type scene struct {
	api       *api
	backend   *backend
	setup     *setup
	collector *collector
}

// holds requires that these alerts, and no others, fire all the time.
func holds(t *testing.T, p *prometheus, d time.Duration, names ...string) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); pause(t, 500*time.Millisecond) {
		require.ElementsMatch(t, names, p.firing(t))
	}
}
