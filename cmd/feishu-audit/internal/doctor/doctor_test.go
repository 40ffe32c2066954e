// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

type output struct {
	code           int
	stdout, stderr string
}

func try(t *testing.T, transport http.RoundTripper, secret string, args ...string) output {
	return tryIn(t, transport, map[string]string{"FEISHU_APP_SECRET": secret}, args...)
}

// tryIn runs the command in an environment.
func tryIn(t *testing.T, transport http.RoundTripper, env map[string]string, args ...string) output {
	var stdout, stderr bytes.Buffer
	c := command{transport: transport, getenv: func(name string) string {
		require.Contains(t, []string{"FEISHU_APP_SECRET", "FEISHU_APP_ID", "FEISHU_ENDPOINT", "LC_ALL", "LC_MESSAGES", "LANG"}, name)
		return env[name]
	}}
	root := cli.Root(c.cobra())
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code := cli.Run(t.Context(), root, append([]string{"doctor"}, args...))
	return output{code, stdout.String(), stderr.String()}
}

// TestUsage: an error in the command line is reported without a call.
func TestUsage(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for name, tc := range map[string]struct {
		secret string
		args   []string
		says   string
	}{
		"no secret":        {"", []string{"--app-id", "cli_x"}, "set the environment variable FEISHU_APP_SECRET"},
		"no app":           {"s", nil, "--app-id is missing"},
		"no such file":     {"", []string{"--app-id", "cli_x", "--app-secret-file", empty + "x"}, "--app-secret-file: open"},
		"empty file":       {"", []string{"--app-id", "cli_x", "--app-secret-file", empty}, "is empty"},
		"secret as a flag": {"", []string{"--app-secret", "s"}, "unknown flag: --app-secret"},
		"an argument":      {"s", []string{"cli_x"}, `unexpected argument "cli_x"`},
		"no time":          {"s", []string{"--app-id", "cli_x", "--duration", "1s"}, "use 10s or more"},
		"a language":       {"s", []string{"--app-id", "cli_x", "--lang", "fr"}, `--lang: "fr" is neither en nor zh`},
		"in the clear":     {"s", []string{"--app-id", "cli_x", "--endpoint", "http://open.feishu.cn"}, "is not encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			out := try(t, nil, tc.secret, tc.args...)
			require.Equal(t, cli.ExitUsage, out.code)
			require.Contains(t, out.stderr, tc.says)
			require.NotContains(t, out.stderr, "This takes", "nothing is promised")
			require.Empty(t, out.stdout)
		})
	}
	help := try(t, nil, "", "--help")
	require.Equal(t, cli.ExitOK, help.code)
	require.Contains(t, help.stdout, "at most 60 calls of list_data, at most 60 of them a minute")
}

// TestDoctorReport: the report goes to standard output, progress to standard error, and the exit code shows
// whether the log can be read; the command can write its configuration to a file, and the report fits a
// terminal. Covers F75.
func TestDoctorReport(t *testing.T) {
	secretFile := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secretFile, []byte(simulator.DefaultAppSecret+"\n"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		server := simulator.New(simulator.Options{Tenant: simulator.Tenant{Seed: 1, PerSecond: 1, Start: time.Now().Unix() - 7200}})
		transport := simulator.Transport(server, nil)

		out := try(t, transport, "", "--app-id", simulator.DefaultAppID, "--app-secret-file", secretFile, "--endpoint", "lark")
		require.Equal(t, cli.ExitOK, out.code, out.stderr)
		require.Contains(t, out.stdout, "feishu-audit doctor on https://open.larksuite.com")
		require.Contains(t, out.stdout, "app_secret: ${file:"+secretFile+"}")
		// The collector does not start with the line break.
		require.Contains(t, out.stdout, "truncate --size=-1 '"+secretFile+"'\n")
		require.Contains(t, out.stderr, "asking for an access token")
		require.NotContains(t, out.stdout+out.stderr, simulator.DefaultAppSecret)

		out = try(t, transport, simulator.DefaultAppSecret, "--app-id", simulator.DefaultAppID, "--json", "--quiet")
		require.Equal(t, cli.ExitOK, out.code)
		require.Empty(t, out.stderr)
		var report struct {
			Checks   []struct{ Name, Status string }
			Findings []struct{ Question, Answer, Evidence string }
			Config   string `json:"recommended_config"`
		}
		require.NoError(t, json.Unmarshal([]byte(out.stdout), &report))
		require.NotEmpty(t, report.Checks)
		require.Equal(t, "order", report.Findings[0].Question)
		require.Equal(t, "ascending", report.Findings[0].Answer)
		require.Contains(t, report.Config, "app_secret: ${env:FEISHU_APP_SECRET}")

		before := len(server.Calls())
		out = try(t, transport, simulator.DefaultAppSecret, "--app-id", simulator.DefaultAppID, "--access-only")
		require.Equal(t, cli.ExitOK, out.code)
		require.Len(t, server.Calls(), before+2, "a token and a page")
		require.Contains(t, out.stdout, "1 call of list_data (at most 6), 1 token call")
		require.Contains(t, out.stdout, "How this API behaves was not examined.")
		require.Contains(t, out.stdout, "What to do now:")
		require.Contains(t, out.stderr, "This takes a few seconds")

		config := filepath.Join(t.TempDir(), "config.yaml")
		out = try(t, transport, simulator.DefaultAppSecret, "--app-id", simulator.DefaultAppID, "--access-only", "--write-config", config)
		require.Equal(t, cli.ExitOK, out.code)
		written, err := os.ReadFile(config)
		require.NoError(t, err)
		require.Contains(t, out.stdout, "written to "+config+":\n\n"+string(written))
		require.Contains(t, out.stdout, "validate --config "+config+"\n")
		before = len(server.Calls())
		out = try(t, transport, simulator.DefaultAppSecret, "--app-id", simulator.DefaultAppID, "--write-config", config)
		require.Equal(t, cli.ExitUsage, out.code)
		require.Contains(t, out.stderr, "exists already")
		require.Len(t, server.Calls(), before, "without a call")

		// Problems come first, and no line is wider than a terminal of 80 columns, except links and commands.
		fresh := filepath.Join(t.TempDir(), "config.yaml")
		out = try(t, transport, "wrong", "--app-id", simulator.DefaultAppID, "--write-config", fresh)
		require.Equal(t, cli.ExitProblem, out.code)
		_, checks, _ := strings.Cut(out.stdout, "Is everything in order? No: 1 problem.\n\n")
		require.True(t, strings.HasPrefix(checks, "  PROBLEM  "), out.stdout)
		require.NoFileExists(t, fresh)
		for line := range strings.Lines(out.stdout + out.stderr) {
			require.True(t, len(line) <= 81 || strings.Contains(line, "://"), line)
		}
	})
}

// TestDoctorLanguage: --lang decides, then the locale; progress, report and configuration are in one
// language, and --json is the same in all.
func TestDoctorLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := simulator.Transport(simulator.New(simulator.Options{}), nil)
		run := func(locale string, args ...string) output {
			env := map[string]string{"FEISHU_APP_SECRET": simulator.DefaultAppSecret, "LANG": locale}
			out := tryIn(t, transport, env, append([]string{"--app-id", simulator.DefaultAppID, "--access-only"}, args...)...)
			require.Equal(t, cli.ExitOK, out.code, out.stderr)
			return out
		}
		config := filepath.Join(t.TempDir(), "config.yaml")
		for _, out := range []output{
			run("zh_CN.UTF-8"), run("en_US.UTF-8", "--lang", "zh", "--write-config", config), run("", "--lang", "zh"),
		} {
			require.Contains(t, out.stdout, "一切就绪了吗？\n")
			require.Contains(t, out.stdout, "# 放在持久化磁盘上")
			require.Contains(t, out.stderr, "需要几秒钟，不会改动任何内容。按 Ctrl-C 结束。\n[   0 秒，第  0 次调用，最多 6 次] 获取访问令牌\n")
			require.NotContains(t, out.stdout+out.stderr, "This ")
		}
		written, err := os.ReadFile(config)
		require.NoError(t, err)
		require.Contains(t, string(written), "# 放在持久化磁盘上")
		for _, out := range []output{run("en_US.UTF-8"), run(""), run("zh_CN.UTF-8", "--lang", "en")} {
			require.Contains(t, out.stdout, "Is everything in order?\n")
			require.NotRegexp(t, `\p{Han}`, out.stdout+out.stderr)
		}
		for _, out := range []output{run("zh_CN.UTF-8", "--json"), run("", "--json", "--lang", "zh")} {
			require.NotRegexp(t, `\p{Han}`, out.stdout+out.stderr)
			require.Contains(t, out.stdout, `"name": "credential"`)
		}
	})
}
