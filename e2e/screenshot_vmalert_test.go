// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/week"
)

// attackedNow is the made-up week, moved so that its attacks happened in the last two hours, which the rules
// cover, and before the last full hour, at which vmalert evaluates the hourly groups. It is moved by whole
// hours, because a rule counts per hour.
func attackedNow() *week.Week {
	w := week.New(22, true)
	moved := time.Now().Add(-time.Hour).Truncate(time.Hour).Sub(week.InTime.At().Truncate(time.Hour))
	for i := range w.Entries {
		w.Entries[i].EventTime += int64(moved.Seconds())
		w.Entries[i].Arrives = w.Entries[i].Arrives.Add(moved)
	}
	return w
}

// firingNow are the firing alerts of a vmalert, by name, with their subjects.
func firingNow(t *testing.T, addr string) names {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string            `json:"state"`
				Labels map[string]string `json:"labels"`
			} `json:"alerts"`
		} `json:"data"`
	}
	status, text, err := ask(t.Context(), "http://"+addr+"/api/v1/alerts")
	if err != nil || status != http.StatusOK {
		return nil // it is starting
	}
	require.NoError(t, json.Unmarshal(text, &answer))
	named := names{}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			named.add(a.Labels["alertname"], subject(a.Labels))
		}
	}
	return named
}

// TestScreenshotVmalert shows what a person on call sees: vmalert's own page, with the shipped rules, during the
// attacks of a made-up week, whose times are shifted to now.
func TestScreenshotVmalert(t *testing.T) {
	needsChromium(t)
	t.Parallel()
	w := attackedNow()
	v := newVictoriaLogs(t)
	require.Positive(t, newShipment(w.Entries, func(logs plog.Logs) { v.take(t, logs) }).until(t, time.Now()))
	v.post(t, "/internal/force_flush", nil)

	addr := freeAddress(t)
	c := launch(t, exec.CommandContext(t.Context(), filepath.Join("..", "_build", "vmalert"), "-rule=../detections/victorialogs/rules.yaml",
		"-datasource.url=http://"+v.addr, "-notifier.blackhole", "-httpListenAddr="+addr, "-group.maxStartDelay=1s"), (*exec.Cmd).Start)
	var wanted []week.Attack
	for _, a := range w.Attacks {
		if a.When == week.InTime && a.Alert != "FeishuLogSilent" { // this one happens on Friday
			wanted = append(wanted, a)
		}
	}
	require.Greater(t, len(wanted), 35)
	eventually(t, 2*time.Minute, "the attacks are named", func() bool {
		named := firingNow(t, addr)
		return !slices.ContainsFunc(wanted, func(a week.Attack) bool { return !named[a.Alert][a.Subject] })
	})
	page := "http://" + addr + "/vmalert/alerts"
	dom := chromium(t, page, "--dump-dom")
	for alert, subjects := range firingNow(t, addr) {
		require.Contains(t, dom, alert)
		for subject := range subjects {
			require.Contains(t, dom, subject, alert)
		}
	}
	// The expressions are long: one ATT&CK technique fills the picture.
	group := regexp.MustCompile(`id="(group-\d+)"[^>]*>\s*<a [^>]*>feishu-audit \(`).FindStringSubmatch(dom)
	require.NotNil(t, group)
	takePicture(t, page+"?search=t1110#"+group[1], "vmalert.png")
	c.term(t)
}
