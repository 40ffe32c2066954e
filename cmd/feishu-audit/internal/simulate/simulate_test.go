// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var now = time.Unix(1_700_000_000, 0)

// parseFlags reads a command line as the subcommand does, without serving.
func parseFlags(args []string) (cfg *config, err error) {
	given := newFlags()
	cmd := Command()
	cmd.ResetFlags()
	for _, g := range given.groups {
		cmd.Flags().AddFlagSet(g.FlagSet)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err = given.read(cmd.Flags(), now)
		return err
	}
	root := cli.Root(cmd)
	root.SetArgs(append([]string{"simulate"}, args...))
	return cfg, root.Execute()
}

func parse(t *testing.T, args ...string) *config {
	t.Helper()
	cfg, err := parseFlags(args)
	require.NoError(t, err)
	require.NoError(t, cfg.options.Validate())
	return cfg
}

// TestDefaults include a fixed port and credential, because a position belongs to its endpoint. Covers F75.
func TestDefaults(t *testing.T) {
	cfg := parse(t)
	require.Equal(t, "127.0.0.1:8090", cfg.listen)
	require.Equal(t, simulator.Options{
		Apps:             map[string]string{simulator.DefaultAppID: simulator.DefaultAppSecret},
		Seed:             1,
		TokenLife:        2 * time.Hour,
		TokenErrorStatus: 400,
		TokenForm:        simulator.TokenPlain,
		TokenRefusal:     simulator.RefusalCode,
		Order:            simulator.Ascending,
		Paging:           simulator.Snapshot,
		Empty:            simulator.EmptyArray,
		StatusCodes:      simulator.StatusMostlyZero,
		Responses:        simulator.ResponseText,
		RateLimit:        100,
		RateWindow:       simulator.SlidingMinute,
		RateStatus:       429,
		RateHint:         simulator.HintReset,
		Tenant:           simulator.Tenant{Seed: 1, PerSecond: 2, Start: 1_700_000_000 - 3600, Apps: 8, FailureFraction: 0.08},
	}, cfg.options)
}

func TestEveryFlag(t *testing.T) {
	cfg := parse(t, "--listen", "127.0.0.1:8080", "--port-file", "p", "--verbose", "--clock-skew", "-5m", "--seed", "9",
		"--app-id", "cli_a", "--app-secret", "s", "--app", "cli_b:t:u", "--token-life", "1m", "--jwt-tokens", "--token-error-status", "200", "--token-form", "text", "--token-refusal", "html",
		"--rate", "0.5", "--since", "2023-01-01T00:00:00Z", "--until", "2023-02-01T00:00:00+08:00", "--burst-every", "1m", "--burst-size", "1500",
		"--apps", "3", "--failure-fraction", "0", "--odd-fraction", "0.1", "--shared-ids", "--delay", "1s", "--late-fraction", "0.3", "--max-lateness", "1h",
		"--log-own-calls", "--order", "shuffled", "--start-exclusive", "--end-exclusive", "--paging", "live", "--page-token-life", "2h",
		"--lenient-page-tokens", "--page-overlap", "2", "--most-per-page", "50", "--full-page-has-more", "--once-page-tokens", "--last-page-token", "--empty", "null", "--silent-end", "--numeric-ids", "--status-codes", "http", "--responses", "cut", "--max-window", "24h",
		"--retention", "48h", "--refuse-expired", "--refuse-future", "--gzip", "--rate-limit", "50", "--rate-window", "fixed", "--rate-counts-refused",
		"--rate-status", "400", "--rate-hint", "retry-after", "--rate-hint-value", "soon", "--rate-headers-always", "--monthly-quota", "10000",
		"--fault", "kind=html,every=5", "--fault", "wrong_secret,count=3")
	require.Equal(t, &config{
		listen: "127.0.0.1:8080", portFile: "p", verbose: true, appID: "cli_a", appSecret: "s",
		options: simulator.Options{
			Apps: map[string]string{"cli_a": "s", "cli_b": "t:u"}, Seed: 9, ClockSkew: -5 * time.Minute,
			Tenant: simulator.Tenant{
				Seed: 9, PerSecond: 0.5, BurstEvery: time.Minute, BurstSize: 1500, Start: 1672531200, End: 1675180800, Apps: 3,
				Delay: time.Second, LateFraction: 0.3, MaxLateness: time.Hour, FailureFraction: -1, OddFraction: 0.1, SharedIDs: true,
			},
			LogOwnCalls: true, TokenLife: time.Minute, JWTTokens: true, TokenErrorStatus: 200, TokenForm: simulator.TokenText, TokenRefusal: simulator.RefusalHTML,
			Order: simulator.Shuffled, StartExclusive: true, EndExclusive: true, Paging: simulator.Live, PageTokenLife: 2 * time.Hour,
			LenientPageTokens: true, PageOverlap: 2, MostPerPage: 50, FullPageHasMore: true, OncePageTokens: true, LastPageToken: true, Empty: simulator.EmptyNull, SilentEnd: true, NumericIDs: true,
			StatusCodes: simulator.StatusHTTP, Responses: simulator.ResponseCut, MaxWindow: 24 * time.Hour, Retention: 48 * time.Hour, RefuseExpired: true, RefuseFuture: true, Gzip: true,
			RateLimit: 50, RateWindow: simulator.FixedMinute, RateStatus: 400, RateHint: simulator.HintRetryAfter, RateHintValue: "soon", RateCountsRefused: true,
			RateHeadersAlways: true, MonthlyQuota: 10000,
			Faults: []simulator.Fault{{Kind: simulator.FaultHTML, Every: 5}, {Kind: simulator.FaultWrongSecret, Count: 3}},
		},
	}, cfg)
}

func TestHistoryWithoutEnd(t *testing.T) {
	require.Zero(t, parse(t, "--history", "0").options.Tenant.Start)
}

func TestFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--nope":              "unknown flag: --nope",
		"serve":               `unexpected argument "serve"`,
		"--rate many":         "--rate",
		"--rate -1":           "out of range",
		"--listen 0.0.0.0:80": "--allow-remote",
		"--listen :80":        "--allow-remote",
		"--listen localhost":  "missing port",
		"--app cli_b":         "not of the form id:secret",
		"--app-id=":           "an app needs an id and a secret",
		"--order up":          `order: "up" is unknown`,
		"--since yesterday":   "--since",
		"--since 2023-01-01T00:00:00Z --history 1h": "exclude each other",
		"--history -1h":                        "--history: -1h0m0s is negative",
		"--until 2020-01-01T00:00:00Z":         "not a time range",
		"--rate 0 --odd-fraction 0.1":          "--odd-fraction has no effect without --rate",
		"--max-lateness 1h":                    "--max-lateness has no effect without --late-fraction",
		"--burst-size 5":                       "a burst needs",
		"--apps 0":                             "--apps: 0",
		"--refuse-expired":                     "without a retention",
		"--rate-limit 0 --rate-window fixed":   "--rate-window has no effect without --rate-limit",
		"--rate-limit 0 --rate-status 400":     "--rate-status has no effect without --rate-limit",
		"--rate-hint none --rate-hint-value 1": "--rate-hint-value has no effect with --rate-hint none",
		"--fault html,often":                   "not key=value",
		"--entries /does/not/exist":            "--entries: open",
	} {
		_, err := parseFlags(strings.Fields(args))
		var usage *cli.UsageError
		require.ErrorAs(t, err, &usage, args)
		require.ErrorContains(t, err, want, args)
	}
	parse(t, "--rate-limit", "0", "--rate-status", "400", "--fault", "rate_limited")
	parse(t, "--listen", "0.0.0.0:80", "--allow-remote")
	parse(t, "--listen", "[::1]:0")
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	root := cli.Root(Command())
	root.SetOut(&out)
	require.Equal(t, cli.ExitOK, cli.Run(t.Context(), root, []string{"simulate", "--help"}))
	for _, info := range simulator.FaultKinds() {
		require.Contains(t, out.String(), "\n  "+string(info.Kind)+" ")
	}
	for _, group := range []string{"Server", "Credential", "Log", "Queries and pages", "Limits", "Faults"} {
		require.Contains(t, out.String(), "\n"+group+":\n")
	}
}

// output is what the program wrote so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// serve runs the subcommand.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := cli.Root(Command())
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(append([]string{"simulate"}, args...))
	return root.ExecuteContext(ctx)
}

// The whole program serves, prints its address, answers, and stops when it has to, even while a call hangs.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	portFile, entries := filepath.Join(dir, "port"), filepath.Join(dir, "entries.jsonl")
	require.NoError(t, os.WriteFile(entries, []byte(`{"id":"7","event_time":1610613336}`+"\n"), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr output
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, []string{"--listen", "127.0.0.1:0", "--port-file", portFile, "--verbose", "--rate", "0", "--entries", entries, "--fault", "hang,after=1"}, &stdout, &stderr)
	}()

	var endpoint string
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(portFile)
		endpoint = strings.TrimSpace(string(text))
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)

	post := func(path, body, token string) (map[string]any, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		var answer map[string]any
		return answer, json.NewDecoder(res.Body).Decode(&answer)
	}
	answer, err := post(simulator.TokenPath, `{"app_id":"`+simulator.DefaultAppID+`","app_secret":"`+simulator.DefaultAppSecret+`"}`, "")
	require.NoError(t, err)
	token := answer["tenant_access_token"].(string)
	answer, err = post(simulator.ListPath, `{}`, token)
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{"id": "7", "event_time": 1610613336.0}}, answer["data"].(map[string]any)["items"])

	hung := make(chan error, 1)
	go func() {
		_, err := post(simulator.ListPath, `{}`, token)
		hung <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "faults=[hang]") }, 10*time.Second, 5*time.Millisecond)
	require.Empty(t, hung)
	stop()
	require.NoError(t, <-done)
	require.Error(t, <-hung)
	require.NoFileExists(t, portFile)
	require.True(t, strings.HasPrefix(stdout.String(), "Serving a simulated tenant at "+endpoint+"."))
	for line := range strings.Lines(stdout.String()) {
		require.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, line)
	}
	for _, text := range []string{
		"\n    endpoint: " + endpoint + "\n    app_id: " + simulator.DefaultAppID + "\n    app_secret: ${env:FEISHU_APP_SECRET}\n",
		"\nexport FEISHU_ENDPOINT=" + endpoint + "\nexport FEISHU_APP_ID=" + simulator.DefaultAppID + "\nexport FEISHU_APP_SECRET=" + simulator.DefaultAppSecret + "\n",
	} {
		require.Contains(t, stdout.String(), text)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	require.Len(t, lines, 3)
	require.Regexp(t, `^\S+ POST /open-apis/security_and_compliance/v1/openapi_logs/list_data status=200 code=0 app_id=cli_\S+ start_time=0 end_time=0 first_page=true items=1 has_more=false log_id=\S{34}$`, lines[1])
	require.NotContains(t, stderr.String(), simulator.DefaultAppSecret)
	require.NotContains(t, stderr.String(), token)
}

func TestRunErrors(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	require.ErrorContains(t, serve(t.Context(), []string{"--listen", taken.Addr().String()}, io.Discard, io.Discard), "is in use, perhaps by another simulator")
	err = serve(t.Context(), []string{"--listen", "127.0.0.1:0", "--port-file", filepath.Join(t.TempDir(), "missing", "port")}, io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
	err = serve(t.Context(), []string{"--listen", "127.0.0.1:99999"}, io.Discard, io.Discard)
	require.ErrorContains(t, err, "port")
}
