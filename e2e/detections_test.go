// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

var executed = flag.Bool("executed", false, "write what TestDetections saw to detections/executed.tsv, from which the table of docs/detections.md is made")

const executedFile = "../detections/executed.tsv"

// findings is what a backend reported about the attacks of a week, by alert.
type findings struct {
	seen  map[string]map[week.When]bool // whether each attack was named
	wrong map[string][]string           // other subjects that were named
}

// verdict compares what was named with what happened.
func verdict(attacks []week.Attack, named names) findings {
	o := findings{map[string]map[week.When]bool{}, map[string][]string{}}
	expected := names{}
	for _, a := range attacks {
		if o.seen[a.Alert] == nil {
			o.seen[a.Alert] = map[week.When]bool{}
		}
		o.seen[a.Alert][a.When] = named[a.Alert][a.Subject]
		expected.add(a.Alert, a.Subject)
		for _, also := range a.Also {
			expected.add(also, a.App)
		}
	}
	for alert, subjects := range named {
		for subject := range subjects {
			if !expected[alert][subject] {
				o.wrong[alert] = append(o.wrong[alert], subject)
			}
		}
	}
	return o
}

// rows returns the lines of the findings for detections/executed.tsv.
func (o findings) rows(backend string) []string {
	var rows []string
	for alert, seen := range o.seen {
		cell := func(when week.When) string {
			fired, happened := seen[when]
			return map[[2]bool]string{{true, true}: "fires", {false, true}: "MISSED", {false, false}: "—"}[[2]bool{fired, happened}]
		}
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d", backend, alert, cell(week.InTime), cell(week.Late), cell(week.Backlog), len(o.wrong[alert])))
	}
	slices.Sort(rows)
	return rows
}

// check fails if an attack was not named, or something else was.
func (o findings) check(t *testing.T) {
	for alert, seen := range o.seen {
		for when, fired := range seen {
			assert.True(t, fired, "%s: the attack %s", alert, when)
		}
	}
	assert.Empty(t, o.wrong, "named although nothing had happened")
}

// TestDetections: every detection names the app of each of its attacks, in time, late and in the backlog of an
// outage, and nothing else in a week of a tenant's life: with vmalert and VictoriaLogs, and with OpenSearch.
func TestDetections(t *testing.T) {
	t.Parallel()
	w := week.New(22, true)
	attacked := names{}
	for _, a := range w.Attacks {
		attacked.add(a.Alert, a.Subject)
	}
	for alert := range converted(t)["LogsQL"] {
		require.Contains(t, attacked, alert, "internal/week has no attack for it")
	}
	results := make([][]string, 2)
	t.Run("backends", func(t *testing.T) {
		t.Run("vmalert", func(t *testing.T) {
			t.Parallel()
			o := verdict(w.Attacks, onVmalert(t, w))
			o.check(t)
			results[1] = o.rows("vmalert")
		})
		t.Run("OpenSearch", func(t *testing.T) {
			t.Parallel()
			o := verdict(w.Attacks, onOpenSearch(t, w))
			o.check(t)
			results[0] = o.rows("OpenSearch")
		})
	})
	text := "backend\talert\tin_time\tlate\tbacklog\tfalse_alarms\n" + strings.Join(append(results[0], results[1]...), "\n") + "\n"
	if *executed {
		require.NoError(t, os.WriteFile(executedFile, []byte(text), 0o600))
		return
	}
	committed, err := os.ReadFile(executedFile)
	require.NoError(t, err)
	assert.Equal(t, string(committed), text, "docs/detections.md says something else: go test -run TestDetections . -args -executed, then make detections")
}

// onVmalert has vmalert ask the rules of detections/victorialogs over the week: the counts each hour, first times and
// silence every four hours, which their eight hours cover, and the second look at counts.
func onVmalert(t *testing.T, w *week.Week) names {
	v := newVictoriaLogs(t, "-retentionPeriod=100y", "-futureRetention=100y")
	s := newShipment(w.Entries, func(logs plog.Logs) { v.take(t, logs) })
	arrive := func(at time.Time) {
		if s.until(t, at) > 0 {
			v.post(t, "/internal/force_flush", nil)
		}
	}
	arrive(week.Start)
	// Everything of the week is sent twice, as after a crash: it counts once, and just too little stays too little.
	s.send = func(logs plog.Logs) {
		v.take(t, logs)
		v.take(t, logs)
	}
	groups := vmalertGroups(t)
	end := week.Start.AddDate(0, 0, 7)
	named := names{}
	for _, r := range []struct {
		group       string
		step, delay time.Duration
	}{{"feishu-audit", time.Hour, 0}, {"feishu-audit-hourly", 4 * time.Hour, 0}, {"feishu-audit-late", 2 * time.Hour, 6 * time.Hour}} {
		run := &vmalertRun{logs: v, from: week.Start, to: end, step: r.step, delay: r.delay, advance: arrive}
		for alert, subjects := range run.run(t, groups[r.group]) {
			for subject := range subjects {
				named.add(alert, subject)
			}
		}
	}
	return named
}
