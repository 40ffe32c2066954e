// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// startAlertmanager runs a real one, and returns its address.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	dir, addr := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "alertmanager.yaml")
	require.NoError(t, os.WriteFile(config, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600))
	run(t, tool(t, "prometheus-alertmanager"), "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
	eventually(t, starts, "Alertmanager is ready", func() bool {
		res, err := http.Get("http://" + addr + "/-/ready") //nolint:noctx // of this test's own process
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return addr
}

// isSilenced requires that an alert has reached Alertmanager, and that nobody is notified of it any more.
func (s *scene) isSilenced(t *testing.T, name string) {
	t.Helper()
	require.NotEmpty(t, s.alertmanager, "%s stays, and this fault has no Alertmanager to silence it in", name)
	eventually(t, starts, name+" is silenced", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.alertmanager+"/api/v2/alerts", nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		var alerts []struct {
			Labels map[string]string `json:"labels"`
			Status struct {
				State string `json:"state"`
			} `json:"status"`
		}
		require.NoError(t, json.NewDecoder(res.Body).Decode(&alerts))
		found := false
		for _, alert := range alerts {
			if alert.Labels["alertname"] == "FeishuAudit"+name {
				found = true
				if alert.Status.State != "suppressed" {
					return false
				}
			}
		}
		return found
	})
}

// rewrites changes a rule of Prometheus.
func rewrites(from, to string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		text, err := os.ReadFile(s.p.rules)
		require.NoError(t, err)
		require.Contains(t, string(text), from)
		require.NoError(t, os.WriteFile(s.p.rules, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
	}
}

// recheckOf is the line of a section's configuration that sets recheck_after.
func recheckOf(t *testing.T, name string) string {
	t.Helper()
	found := readRunbook(t)[name]
	require.Len(t, found.yaml, 1)
	line := regexp.MustCompile(`(?m)^ +(recheck_after: .*)$`).FindStringSubmatch(found.yaml[0])
	require.NotEmpty(t, line, name)
	followed.Store(name+", yaml", true)
	return line[1]
}

// endsHolders ends the processes that fuser shows on the receiver's file, except the collector.
func endsHolders(t *testing.T, s *scene) {
	t.Helper()
	out, failed := s.pastes(t, "CheckpointAge", 0)
	require.Empty(t, failed, out)
	require.Contains(t, out, "feishu_audit_wait_age")
	_, holders, found := strings.Cut(out, "receiver_feishu_audit_:")
	require.True(t, found, out)
	ended := 0
	for _, pid := range regexp.MustCompile(`\b\d+\b`).FindAllString(holders, -1) {
		n, err := strconv.Atoi(pid)
		require.NoError(t, err)
		if n == s.collector.cmd.Process.Pid {
			continue
		}
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		require.NoError(t, err)
		require.Equal(t, "sleep\n", string(name), "the process that the test has started")
		require.NoError(t, syscall.Kill(n, syscall.SIGTERM))
		ended++
	}
	require.Equal(t, 1, ended, out)
}
