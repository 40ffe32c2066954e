// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestMain lets the test binary be the program, to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_FEISHU_AUDIT") != "" {
		ctx, stop := cli.Context(context.Background())
		code := cli.Run(ctx, cli.Root(command{getenv: os.Getenv, now: time.Now, open: filestore.OpenUnsynced}.cobra()), os.Args[1:])
		stop()
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

type outcome struct {
	code           int
	stdout, stderr string
}

// try runs a command line against a simulated tenant, in a bubble.
func try(ctx context.Context, wire http.RoundTripper, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	c := command{now: time.Now, open: filestore.OpenUnsynced, transport: wire, getenv: secretOnly}
	root := cli.Root(c.cobra())
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code := cli.Run(ctx, root, append([]string{"export", "--app-id", simulator.DefaultAppID}, args...))
	return outcome{code, stdout.String(), stderr.String()}
}

// ids are the ids of an export in CSV, in its order.
func ids(t *testing.T, text string) []string {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	require.Equal(t, "time", rows[0][0])
	var all []string
	for _, row := range rows[1:] {
		all = append(all, row[len(row)-1])
	}
	return all
}

// want are the ids of the tenant's entries of a time range that are visible at its end.
func want(tenant simulator.Tenant, from, to int64, now time.Time, keep func(simulator.Entry) bool) []string {
	var all []string
	for _, e := range tenant.Entries(from, to) {
		if !e.VisibleAt.After(now) && (keep == nil || keep(e)) {
			all = append(all, e.ID)
		}
	}
	return all
}

// TestExportIsExact: whatever the API does, a successful export has each entry of its range exactly once, and no
// other.
func TestExportIsExact(t *testing.T) {
	for name, change := range map[string]func(*simulator.Options){
		"as documented": func(*simulator.Options) {},
		"newest first, bounds exclusive": func(o *simulator.Options) {
			o.Order, o.StartExclusive, o.EndExclusive = simulator.Descending, true, true
		},
		"shuffled, live pages that overlap": func(o *simulator.Options) {
			o.Order, o.Paging, o.PageOverlap = simulator.Shuffled, simulator.Live, 3
		},
		"short windows and short page tokens": func(o *simulator.Options) {
			o.MaxWindow, o.PageTokenLife = 5*time.Minute, 3*time.Second
		},
		"failures": func(o *simulator.Options) {
			o.RateLimit = 40
			for _, f := range []string{"error,code=1780001,probability=0.1", "html,probability=0.1", "revoke_tokens,every=9"} {
				fault, err := simulator.ParseFault(f)
				if err != nil {
					panic(err)
				}
				o.Faults = append(o.Faults, fault)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				o := simulator.Options{Seed: 3, RateLimit: 100, Tenant: simulator.Tenant{Seed: 3, PerSecond: 1, Start: now.Unix() - 2*3600}}
				change(&o)
				out := filepath.Join(t.TempDir(), "out.csv")
				got := try(t.Context(), simulator.Transport(simulator.New(o), nil), "--since", "40m", "--format", "csv", "--out", out, "--json")
				require.Equal(t, cli.ExitOK, got.code, got.stderr)
				text, err := os.ReadFile(out)
				require.NoError(t, err)
				wanted := want(o.Tenant, now.Unix()-2400, now.Unix(), now, nil)
				require.ElementsMatch(t, wanted, ids(t, string(text)))
				var s summary
				require.NoError(t, json.Unmarshal([]byte(got.stdout), &s))
				require.True(t, s.Complete)
				require.Equal(t, int64(len(wanted)), s.Records)
				require.Positive(t, s.Calls)
				require.NoFileExists(t, out+".state")
			})
		})
	}
}

// TestExportFilters: --api-key and --app select entries; a second export does not overwrite the first.
func TestExportFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		o := simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: 1, Start: now.Unix() - 2*3600}}
		wire := simulator.Transport(simulator.New(o), nil)
		all := o.Tenant.Entries(now.Unix()-2400, now.Unix())
		wanted := want(o.Tenant, now.Unix()-2400, now.Unix(), now, func(e simulator.Entry) bool { return e.APIKey == all[0].APIKey && e.AppID == all[0].AppID })
		require.NotEmpty(t, wanted)
		got := try(t.Context(), wire, "--since", "40m", "--format", "csv", "--api-key", all[0].APIKey, "--app", all[0].AppID)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.ElementsMatch(t, wanted, ids(t, got.stdout))
		require.Contains(t, got.stderr, "Complete: ")

		there := filepath.Join(t.TempDir(), "there")
		require.NoError(t, os.WriteFile(there, []byte("mine"), 0o600))
		got = try(t.Context(), wire, "--since", "40m", "--out", there)
		require.Equal(t, cli.ExitUsage, got.code)
		text, err := os.ReadFile(there)
		require.NoError(t, err)
		require.Equal(t, "mine", string(text))
	})
}

// TestExportInterrupted: an interrupted export reports it, and the same command continues with the time range of
// the first start; another command does not.
func TestExportInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o := simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: 2, Start: began.Unix() - 2*3600}}
		server := simulator.New(o)
		wire := simulator.Transport(server, func() time.Duration { return time.Second })
		out := filepath.Join(t.TempDir(), "out.csv")
		args := []string{"--since", "40m", "--format", "csv", "--out", out}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		time.AfterFunc(20*time.Second, stop)
		got := try(ctx, wire, args...)
		require.Equal(t, cli.ExitProblem, got.code)
		require.Contains(t, got.stderr, "interrupted (run the same command again")
		text, err := os.ReadFile(out)
		require.NoError(t, err)
		some := len(ids(t, string(text)))
		require.Positive(t, some)

		got = try(t.Context(), wire, append(args, "--app", "cli_x")...)
		require.Equal(t, cli.ExitUsage, got.code)
		require.Contains(t, got.stderr, "belongs to an export with other flags")

		got = try(t.Context(), wire, args...)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		text, err = os.ReadFile(out)
		require.NoError(t, err)
		wanted := want(o.Tenant, began.Unix()-2400, began.Unix(), began, nil)
		require.Greater(t, len(wanted), some)
		require.ElementsMatch(t, wanted, ids(t, string(text)))
	})
}

// TestExportFails: a problem that a person has to fix ends it at once, a temporary one after a while, and time
// that the API does not show is not a success.
func TestExportFails(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*simulator.Options)
		args   []string
		within time.Duration
		says   string
	}{
		"wrong secret": {func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: "other"} }, nil, time.Minute, "app_id or app_secret is wrong"},
		"no answer": {
			func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultHTML, Status: 502}} },
			[]string{"--give-up-after", "2m"},
			3 * time.Minute, "no progress for 2m0s",
		},
		"before what the API keeps": {
			func(o *simulator.Options) { o.Retention, o.RefuseExpired = 20*time.Minute, true },
			[]string{"--give-up-after", "1h"},
			time.Hour, "not complete: the API does not show",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				o := simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: 0.1, Start: began.Unix() - 2*3600}}
				tc.change(&o)
				got := try(t.Context(), simulator.Transport(simulator.New(o), nil), append([]string{"--since", "40m"}, tc.args...)...)
				require.Equal(t, cli.ExitProblem, got.code, got.stderr)
				require.Contains(t, got.stderr, tc.says)
				require.LessOrEqual(t, time.Since(began), tc.within)
				require.NotContains(t, got.stderr, simulator.DefaultAppSecret)
			})
		})
	}
}

// full is a disk without space.
type full struct{ after int }

func (f *full) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

// TestExportCannotBeWritten: the export ends and reports it.
func TestExportCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: 1, Start: time.Now().Unix() - 7200}}
		c := command{now: time.Now, open: filestore.OpenUnsynced, transport: simulator.Transport(simulator.New(o), nil), getenv: secretOnly}
		root := cli.Root(c.cobra())
		var stderr bytes.Buffer
		root.SetOut(&full{after: 50_000})
		root.SetErr(&stderr)
		require.Equal(t, cli.ExitProblem, cli.Run(t.Context(), root, []string{"export", "--app-id", simulator.DefaultAppID, "--since", "40m"}))
		require.Contains(t, stderr.String(), "cannot write the output: no space left on device")
	})
}

// TestExportUsage: an error in the command line is reported without a call.
func TestExportUsage(t *testing.T) {
	for args, says := range map[string]string{
		"":                                        "say where to start",
		"--since 1h --from 2026":                  "say where to start",
		"--since 1h --format xml":                 `"xml" is not one of jsonl, otlp, csv, table`,
		"--since long":                            "--since",
		"--since 7x":                              "is not a time span",
		"--since -1h":                             "is not a time span",
		"--from yesterday":                        "is not a time like",
		"--from 2001-01-01 --to 2001-01-01":       "the time range is empty",
		"--since 1h --to 2999-01-01":              "is in the future",
		"--since 1h --state x":                    "--state needs --out",
		"--since 1h --json":                       "--json needs --out",
		"--since 1h --show-redactions --out x":    "it has no --out",
		"--since 1h --endpoint http://192.0.2.1":  "is not encrypted",
		"--since 1h --requests-per-minute 0":      "requests_per_minute",
		"--since 1h --app-secret-file /nowhere/x": "--app-secret-file",
		"--since 1h extra":                        `unexpected argument "extra"`,
	} {
		got := try(t.Context(), nil, strings.Fields(args)...)
		require.Equal(t, cli.ExitUsage, got.code, args)
		require.Contains(t, got.stderr, says, args)
		require.Empty(t, got.stdout, args)
	}
}

// TestShowRedactions: places and reasons are shown, but not the values.
func TestShowRedactions(t *testing.T) {
	const canary = "kanarienvogel7Q"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		server := simulator.New(simulator.Options{Tenant: simulator.Tenant{Start: now.Unix() - 3600}})
		entries, err := simulator.ReadEntries(strings.NewReader(`{"id":"7","event_time":` + jsonTime(now.Add(-time.Minute)) +
			`,"api_key":"POST/open-apis/x","log_detail":{"payload":"{\"app_secret\":\"` + canary + `\",\"title\":\"` + canary + `x\"}"}}` + "\n"))
		require.NoError(t, err)
		server.Add(entries...)
		got := try(t.Context(), simulator.Transport(server, nil), "--since", "10m", "--show-redactions")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, "7\tPOST/open-apis/x\tlog_detail.payload.app_secret\tkey\n")
		require.Contains(t, got.stderr, "1 of 1 entry has something to mask:\n       1  log_detail.payload.app_secret (key)\n")
		require.NotContains(t, got.stdout+got.stderr, canary)
	})
}

func jsonTime(t time.Time) string {
	text, _ := json.Marshal(t.Unix()) // a number always marshals
	return string(text)
}

// secretOnly is an environment with the app secret.
func secretOnly(name string) string {
	return map[string]string{cli.SecretVariable: simulator.DefaultAppSecret}[name]
}
