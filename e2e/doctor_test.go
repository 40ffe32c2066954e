// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestDoctor: a new admin follows only the doctor's report. Its configuration is saved and its commands are run
// unchanged, and the records of the tenant appear; only the dots are filled in, and the storage is in a folder
// of the test.
func TestDoctor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secretFile := filepath.Join(dir, "app secret")
	require.NoError(t, os.WriteFile(secretFile, []byte(simulator.DefaultAppSecret+"\n"), 0o600))

	for name, tc := range map[string]struct {
		change func(*simulator.Options)
		args   []string
	}{
		"defaults":                     {func(*simulator.Options) {}, nil},
		"own calls logged, compressed": {func(o *simulator.Options) { o.LogOwnCalls, o.Gzip = true, true }, []string{"--json"}},
		"newest first, bounds exclusive, numbers as ids": {func(o *simulator.Options) {
			o.Order, o.StartExclusive, o.EndExclusive, o.NumericIDs = simulator.Descending, true, true, true
		}, []string{"--json"}},
		"short windows, short tokens, a secret in a file": {func(o *simulator.Options) {
			o.MaxWindow, o.PageTokenLife, o.TokenLife, o.RefuseFuture = 20*time.Minute, 10*time.Second, 5*time.Minute, true
		}, []string{"--app-secret-file", secretFile}},
		"late entries, a lower limit, its headers": {func(o *simulator.Options) {
			o.Tenant.LateFraction, o.Tenant.MaxLateness, o.Order = 0.3, 20*time.Minute, simulator.Shuffled
			o.RateLimit, o.RateHeadersAlways, o.Retention, o.RefuseExpired = 70, true, 6*time.Hour, true
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now().Unix()
			o := simulator.Options{Seed: 8, RateLimit: simulator.DefaultRateLimit, Tenant: simulator.Tenant{Seed: 8, PerSecond: 0.15, Start: began - 24*3600}}
			tc.change(&o)
			a := newAPI(t, o)
			cmd := exec.CommandContext(t.Context(), feishuAudit(t), append([]string{"doctor", "--endpoint", "http://" + a.addr, "--app-id", simulator.DefaultAppID, "--duration", "10s"}, tc.args...)...)
			cmd.Env = append(os.Environ(), "FEISHU_APP_SECRET="+simulator.DefaultAppSecret)
			var report, progress bytes.Buffer
			cmd.Stdout, cmd.Stderr = &report, &progress
			require.NoError(t, cmd.Run(), "%s%s", &report, &progress)
			config, commands := advised(t, report.Bytes())

			// The folder of this admin.
			dir := t.TempDir()
			require.Contains(t, config, "./storage ")
			config = strings.Replace(config, "./storage ", filepath.Join(dir, "storage")+" ", 1)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600))
			require.NoError(t, os.Mkdir(filepath.Join(dir, "_build"), 0o700))
			require.NoError(t, os.Symlink(binary(t), filepath.Join(dir, "_build", "otelcol-feishu")))
			require.Equal(t, "make build", commands[0])
			last := len(commands) - 1
			// Several collectors of this test cannot use one port for their own metrics.
			commands[last] = "exec " + commands[last] + " --set=service.telemetry.metrics.level=none"
			script := strings.ReplaceAll(strings.Join(commands[1:], "\n"), "=...", "="+simulator.DefaultAppSecret)
			require.Contains(t, script, "_build/otelcol-feishu validate --config config.yaml\n")
			follow := exec.CommandContext(t.Context(), "bash", "-ec", script)
			follow.Dir = dir
			for _, variable := range os.Environ() {
				if !strings.HasPrefix(variable, "FEISHU_") {
					follow.Env = append(follow.Env, variable)
				}
			}
			c := launch(t, follow, (*exec.Cmd).Start)
			c.says(t, ready, starts)

			// All of the last hour except its start, which depends on the collector's start.
			var missing map[string]bool
			expected := func() int {
				missing = map[string]bool{}
				entries := o.Tenant.Entries(time.Now().Unix()-3500, began)
				seen := map[string]bool{}
				for _, id := range regexp.MustCompile(`log\.record\.uid: Str\((\d+)\)`).FindAllStringSubmatch(c.out.String(), -1) {
					seen[id[1]] = true
				}
				for _, e := range entries {
					if !seen[e.ID] && e.VisibleAt.Unix() < began {
						missing[e.ID] = true
					}
				}
				return len(entries)
			}
			require.Greater(t, expected(), 300)
			eventually(t, starts, "the records of the last hour appear", func() bool {
				require.True(t, c.alive(), "the collector ended")
				expected()
				return len(missing) == 0
			})
			c.term(t)
		})
	}
}

// advised returns the configuration that a report recommends, and its commands.
func advised(t *testing.T, report []byte) (config string, commands []string) {
	t.Helper()
	if report[0] == '{' {
		var r struct {
			Config string `json:"recommended_config"`
			Next   []struct {
				Command string
			} `json:"next_steps"`
		}
		require.NoError(t, json.Unmarshal(report, &r))
		for _, step := range r.Next {
			if step.Command != "" {
				commands = append(commands, step.Command)
			}
		}
		return r.Config, commands
	}
	parts := regexp.MustCompile(`(?s)(?:to be saved as config\.yaml:|请保存为 config\.yaml：)\n\n(.*\n)\n(?:What to do now:|接下来：)\n(.*)`).FindStringSubmatch(string(report))
	require.Len(t, parts, 3)
	config, steps := parts[1], parts[2]
	for _, command := range regexp.MustCompile(`(?m)^ {7}(.*)$`).FindAllStringSubmatch(steps, -1) {
		commands = append(commands, command[1])
	}
	return config, commands
}
