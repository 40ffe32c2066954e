// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestTenantFromTheEnvironment: a flag has precedence over its variable, and without either the endpoint is
// Feishu's.
func TestTenantFromTheEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		tenant          Tenant
		env             map[string]string
		appID, endpoint string
	}{
		"flags":     {Tenant{AppID: "cli_a", Endpoint: "lark"}, map[string]string{"FEISHU_APP_ID": "cli_b", "FEISHU_ENDPOINT": "https://b.example.com"}, "cli_a", "https://open.larksuite.com"},
		"variables": {Tenant{}, map[string]string{"FEISHU_APP_ID": "cli_b", "FEISHU_ENDPOINT": "https://b.example.com"}, "cli_b", "https://b.example.com"},
		"neither":   {Tenant{AppID: "cli_a"}, nil, "cli_a", "https://open.feishu.cn"},
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := tc.tenant.Read(func(name string) string { return map[string]string{SecretVariable: "s"}[name] + tc.env[name] })
			require.NoError(t, err)
			require.Equal(t, []string{tc.appID, tc.endpoint, "s"}, []string{tc.tenant.AppID, tc.tenant.Endpoint, secret.Value})
		})
	}
	_, err := (&Tenant{}).Read(func(string) string { return "" })
	require.ErrorIs(t, err, ErrNoAppID)
}

// TestExitCodes: 0 for done, 1 for not done, 2 for a wrong command line, and the reason on
// standard error.
func TestExitCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		err  error
		code int
		says string
	}{
		"done":            {[]string{"do"}, nil, ExitOK, ""},
		"reported":        {[]string{"do"}, ErrReported, ExitProblem, ""},
		"failed":          {[]string{"do"}, errors.New("no disk"), ExitProblem, "feishu-audit do: no disk\n"},
		"wrong flag":      {[]string{"do", "--nope"}, nil, ExitUsage, "unknown flag: --nope\nRun feishu-audit do --help"},
		"wrong value":     {[]string{"do"}, Usagef("too %s", "much"), ExitUsage, "feishu-audit do: too much\n"},
		"argument":        {[]string{"do", "more"}, nil, ExitUsage, `unexpected argument "more"`},
		"unknown command": {[]string{"dance"}, nil, ExitUsage, `unknown command "dance"`},
	} {
		t.Run(name, func(t *testing.T) {
			root := Root(&cobra.Command{Use: "do", RunE: func(*cobra.Command, []string) error { return tc.err }})
			var stderr bytes.Buffer
			root.SetErr(&stderr)
			require.Equal(t, tc.code, Run(t.Context(), root, tc.args))
			require.Contains(t, stderr.String(), tc.says)
			if tc.says == "" {
				require.Empty(t, stderr.String())
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root := Root(&cobra.Command{Use: "do", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Context().Err() }})
	var stderr bytes.Buffer
	root.SetErr(&stderr)
	require.Equal(t, ExitProblem, Run(ctx, root, []string{"do"}))
	require.Equal(t, "feishu-audit do: interrupted\n", stderr.String())
}

// TestCompletion: there are completion scripts.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		root := Root(&cobra.Command{Use: "do", RunE: func(*cobra.Command, []string) error { return nil }})
		var stdout bytes.Buffer
		root.SetOut(&stdout)
		require.Equal(t, ExitOK, Run(t.Context(), root, []string{"completion", shell}))
		require.Contains(t, stdout.String(), "feishu-audit")
	}
}

func TestReadSecret(t *testing.T) {
	env := func(string) string { return "from-env" }
	none := func(string) string { return "" }
	s, err := ReadSecret("", env)
	require.NoError(t, err)
	require.Equal(t, Secret{Value: "from-env", Source: "${env:FEISHU_APP_SECRET}"}, s)
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("from-file\r\n"), 0o600))
	s, err = ReadSecret(file, env)
	require.NoError(t, err)
	require.Equal(t, Secret{Value: "from-file", Source: "${file:" + file + "}", File: file, LineBreak: 2}, s)
	var usage *UsageError
	_, err = ReadSecret("", none)
	require.ErrorAs(t, err, &usage)
	_, err = ReadSecret(file+"x", env)
	require.ErrorAs(t, err, &usage)
}

func TestTimesAndSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90m": 90 * time.Minute, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour} {
		got, err := ParseSpan(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "7", "d", "-1d", "1d2", "99999d", "1w"} {
		_, err := ParseSpan(text)
		require.Error(t, err, text)
	}
	want := time.Date(2026, 1, 31, 15, 4, 0, 0, time.Local)
	for _, text := range []string{"2026-01-31 15:04", "2026-01-31T15:04", "2026-01-31 15:04:00", want.Format(time.RFC3339)} {
		got, err := ParseTime(text)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), text)
	}
	_, err := ParseTime("31.1.2026")
	require.Error(t, err)
}

func TestWrap(t *testing.T) {
	require.Equal(t, "one two\nthree\n", Wrap("one two three", 8))
	require.Equal(t, "  one\n  two\nhttps://a.long/link\n\nend\n", Wrap("  one two\nhttps://a.long/link\n\nend", 6))
	require.Equal(t, "a  b\nc d\n", Wrap("a  b   c d  ", 5), "spaces are kept where no line ends")
	require.Equal(t, strings.Repeat("x", 20)+"\n", Wrap(strings.Repeat("x", 20), 10))
}
