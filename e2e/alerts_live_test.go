// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var slow = flag.Bool("slow", false, "run the case of TestAlerts that takes a quarter of an hour")

// lasting are the alerts about a loss. They last longer than the fault.
var lasting = []string{"EntriesTooLate", "Exporter", "RecordsLost", "TimeSkipped"}

// scene is the environment of a test of the alerts.
type scene struct {
	api       *api
	backend   *backend
	setup     *setup
	collector *collector
	p         *prometheus
	second    string // where Prometheus finds another collector of the same job

	desk         *desk
	host         **collector  // the one on the host of the person on call, if not collector
	ended        []*collector // earlier runs of it
	alertmanager string       // its address, if there is one
	began        time.Time
	added        []simulator.Entry // has to arrive, too
}

// TestAlerts causes one fault at a time, with a real Prometheus that scrapes a real collector and has our rules,
// with minutes shortened to seconds. The right alert fires, and no other, even if the fault lasts. None fires
// before and, if the cause can be repaired at once, after; an alert about a loss stays. Every query of the
// dashboard works meanwhile, and shows the cause.
//
// What ends a fault is done as the alert's section of the runbook says, with the page's own commands: see
// runbook_test.go for the steps that are outside of these tests. Nothing is lost then. Covers F55.
func TestAlerts(t *testing.T) {
	t.Parallel()
	var fired sync.Map
	var ran atomic.Int32
	cases := alertFaults()
	t.Run("faults", func(t *testing.T) {
		for name, f := range cases {
			if f.slow && !*slow {
				delete(cases, name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				ran.Add(1)
				t.Parallel()
				f.run(t)
				for _, name := range slices.Concat(f.fires, f.then) {
					fired.Store("FeishuAudit"+name, true)
				}
			})
		}
	})
	if int(ran.Load()) < len(cases) {
		return // only selected ones run
	}
	for _, rule := range readRules(t).alerts() {
		_, ok := fired.Load(rule.Alert)
		if rule.Alert == "FeishuAuditTimeSkipped" && !*slow {
			continue // the API has to refuse for ten minutes
		}
		require.True(t, ok, "%s fires in no case", rule.Alert)
	}
	runbookWasFollowed(t)
}

func (f *alertFault) run(t *testing.T) {
	f.opts.Tenant = simulator.Tenant{Seed: 31, PerSecond: max(f.perSecond, 5), Start: time.Now().Unix() - 5, OddFraction: f.odd}
	s := &scene{api: newAPI(t, f.opts), backend: newBackend(t), second: freeAddress(t), began: time.Now().Add(-10 * time.Minute)}
	s.setup = newSetup(t, "http://"+s.api.addr, f.extra...)
	for _, line := range []string{"initial_lookback: 5s", "recheck_after: [2s]"} {
		key, _, _ := strings.Cut(line, " ")
		if !slices.ContainsFunc(f.extra, func(line string) bool { return strings.HasPrefix(line, key) }) {
			s.setup.Extra = append(s.setup.Extra, line)
		}
	}
	s.setup.Scrape, s.setup.Suffixes = freeAddress(t), f.suffixes
	if f.perMinute != 0 {
		s.setup.PerMinute = f.perMinute
	}
	if f.retry != "" {
		s.setup.Retry = f.retry
	}
	if f.exporterWaits {
		s.setup.Timeout = hang
	}
	s.setup.Health = freeAddress(t)
	s.desk = newDesk(t, s)
	if f.before != nil {
		f.before(t, s)
	}
	s.collector = s.setup.start(t, s.backend)
	s.collector.says(t, ready, starts)
	opts := prometheusOptions{scrapes: []string{s.setup.Scrape, s.second}, budget: f.budget, broken: f.broken}
	if f.history {
		opts.history = lastWeek(s.setup.Scrape)
	}
	if f.silences {
		s.alertmanager = startAlertmanager(t)
		opts.sendsTo = s.alertmanager
	}
	p := startPrometheus(t, opts)
	s.p = p
	eventually(t, starts, "Prometheus knows the collector", func() bool {
		return len(p.query(t, "feishu_audit:leader")) > 0 && !slices.Contains(p.firing(t), "NobodyReads")
	})
	if f.before == nil && !f.neverWell {
		eventually(t, starts, "entries arrive", func() bool { return s.backend.count() > 0 })
		f.holds(t, p, 5*time.Second)
	}
	if f.wrong != nil {
		f.wrong(t, s)
	}
	fires := func(names, may []string) {
		t.Helper()
		eventually(t, max(f.patience, recovers), fmt.Sprintf("%v fires", names), func() bool {
			firing := p.firing(t, f.comesAndGoes...)
			if len(firing) > 0 {
				require.Subset(t, slices.Concat(names, may), firing)
			}
			return slices.Equal(firing, append([]string{}, names...))
		})
	}
	fires(f.fires, f.may)
	s.looks(t, p, f.fires, f.cause, f.comesAndGoes...)
	if f.then == nil && (!slices.Contains(f.fires, "RecordsLost") || f.fix == nil) {
		patience := 15 * time.Second
		if f.brief {
			patience = 3 * time.Second
		}
		f.holds(t, p, patience, f.fires...)
	}
	if f.lines > 0 {
		require.Equal(t, f.lines, strings.Count(s.collector.out.String(), "; retrying. Nothing is lost"))
		require.NotContains(t, s.collector.out.String(), "works again")
	}
	if f.then != nil {
		fires(f.then, f.fires)
	}
	if f.look != nil {
		f.look(t, s)
	}
	if f.fix != nil {
		f.fix(t, s)
		stay := f.lingers
		stay = append(stay, slices.DeleteFunc(slices.Clone(f.fires), func(name string) bool { return !slices.Contains(lasting, name) })...)
		slices.Sort(stay)
		// On a loaded machine, a scrape or an evaluation that takes longer than three seconds looks like the end of
		// an alert.
		var since time.Time
		eventually(t, 2*time.Minute, fmt.Sprintf("all but %v ends and stays ended", stay), func() bool {
			switch ended := slices.Equal(p.firing(t), append([]string{}, stay...)); {
			case !ended:
				since = time.Time{}
			case since.IsZero():
				since = time.Now()
			}
			return !since.IsZero() && time.Since(since) >= 5*time.Second
		})
		for _, name := range f.fires {
			if !slices.Contains(stay, name) {
				followed.Store(name+", ends", true)
			}
		}
		for _, name := range stay {
			if !slices.Contains(f.lingers, name) {
				s.isSilenced(t, name)
				followed.Store(name+", ends", true)
			}
		}
		s.lostNothing(t, f.opts.Tenant)
	}
}

// lostNothing requires that every entry since the first one that arrived is there.
func (s *scene) lostNothing(t *testing.T, log simulator.Tenant) {
	t.Helper()
	entries := append(s.api.ends(log), s.added...)
	var missing []string
	eventually(t, recovers, "every entry arrives", func() bool {
		missing = nil
		s.backend.mu.Lock()
		defer s.backend.mu.Unlock()
		first := int64(0) // the second from which the receiver began to read
		for i := range entries {
			switch came := len(s.backend.came[entries[i].ID]) > 0; {
			case came && first == 0:
				first = entries[i].EventTime
			case !came && first != 0 && (entries[i].EventTime > first || i >= len(entries)-len(s.added)):
				missing = append(missing, entries[i].ID)
			}
		}
		return first != 0 && len(missing) == 0
	})
}

// lastWeek is what Prometheus has recorded about a collector in the last week, in the shortened time of these
// tests, until some hours ago: records arrived all the time.
func lastWeek(instance string) string {
	var text strings.Builder
	n := 0
	for at := time.Now().Add(-180 * time.Minute).Unix(); at < time.Now().Add(-10*time.Minute).Unix(); at += 15 {
		n += 7
		fmt.Fprintf(&text, "feishu_audit:entries_total{job=\"otelcol\",instance=%q,receiver=\"feishu_audit\",result=\"delivered\"} %d %d\n", instance, n, at)
	}
	return text.String() + "# EOF\n"
}

// firing returns the names of the alerts that fire, without their prefix, except some. On a loaded machine a
// scrape sometimes takes longer than its time limit, which ends an alert for a moment: an alert that has fired
// within three seconds counts.
func (p *prometheus) firing(t *testing.T, but ...string) []string {
	t.Helper()
	names := []string{}
	for _, s := range p.query(t, `count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[3s]))`) {
		if name := strings.TrimPrefix(s.Metric["alertname"], "FeishuAudit"); !slices.Contains(but, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// holds requires that exactly these alerts fire all the time. If the whole machine pauses for longer than firing
// allows, they may be absent until it continues, five seconds at most; another alert may not fire for a moment.
func (f *alertFault) holds(t *testing.T, p *prometheus, d time.Duration, names ...string) {
	t.Helper()
	var absent time.Time
	for end := time.Now().Add(d); time.Now().Before(end) || !absent.IsZero(); pause(t, 500*time.Millisecond) {
		firing := p.firing(t, f.comesAndGoes...)
		some := !slices.ContainsFunc(firing, func(name string) bool { return !slices.Contains(names, name) })
		switch {
		case some && len(firing) == len(names):
			absent = time.Time{}
			continue
		case some && absent.IsZero():
			absent = time.Now()
			continue
		case some && time.Since(absent) < 5*time.Second:
			continue
		}
		if !assert.ElementsMatch(t, names, firing) {
			for _, s := range p.query(t, `{__name__=~"feishu_audit:.*_(seconds|entries)"}`) {
				t.Log(s.Metric, s.Value)
			}
			t.FailNow()
		}
	}
}

// looks checks the dashboard: every query works, and it shows the alerts that fire and the cause, if there is
// one, and no other.
func (s *scene) looks(t *testing.T, p *prometheus, fires []string, cause string, but ...string) {
	t.Helper()
	for title, exprs := range queries(t) {
		for _, expr := range exprs {
			shown := p.query(t, expr)
			if title != "Problems, by cause" || !s.collector.alive() || cause == anyCause {
				continue
			}
			eventually(t, starts, "the collector is scraped", func() bool {
				shown = p.query(t, expr)
				return len(shown) > 0
			})
			for _, of := range shown {
				if of.Metric["cause"] == cause {
					require.NotEqual(t, "0", of.Value[1], "the panel shows %s", cause)
				} else {
					require.Equal(t, "0", of.Value[1], "the panel shows %s", of.Metric["cause"])
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
		for _, of := range p.query(t, "last_over_time("+annotation.Expr+"[3s])") {
			names[strings.TrimPrefix(of.Metric["alertname"], "FeishuAudit")] = true
		}
		maps.DeleteFunc(names, func(name string, _ bool) bool { return slices.Contains(but, name) })
		require.ElementsMatch(t, fires, slices.Collect(maps.Keys(names)))
	}
}
