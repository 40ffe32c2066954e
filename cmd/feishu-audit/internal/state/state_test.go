// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/goleak"

	receiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type outcome struct {
	code           int
	stdout, stderr string
}

func try(t *testing.T, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	root := cli.Root(command{now: time.Now}.cobra())
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	code := cli.Run(t.Context(), root, append([]string{"state"}, args...))
	return outcome{code, stdout.String(), stderr.String()}
}

// collector is a receiver with a file of file_storage, which runs from time to time.
type collector struct {
	path string
	wire http.RoundTripper
}

var storeID = component.MustNewID("store")

// read lets the receiver run for this long, and returns what it has delivered.
func (c *collector) read(t *testing.T, d time.Duration) []string {
	file, err := filestore.OpenUnsynced(c.path)
	require.NoError(t, err)
	defer file.Close(t.Context())
	factory := receiver.NewFactory()
	cfg := factory.CreateDefaultConfig().(*receiver.Config)
	cfg.AppID, cfg.AppSecret = simulator.DefaultAppID, configopaque.String(simulator.DefaultAppSecret)
	cfg.ClientConfig.Middlewares = []configmiddleware.Config{{ID: world.NetworkID}}
	cfg.Storage, cfg.PollInterval = &storeID, 10*time.Second
	cfg.RecheckAfter = []time.Duration{time.Minute, 5 * time.Minute}
	var sink consumertest.LogsSink
	r, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, &sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), world.Host{storeID: &filestore.Extension{File: file}, world.NetworkID: world.Network{Wire: c.wire}}))
	time.Sleep(d)
	require.NoError(t, r.Shutdown(t.Context()))
	var ids []string
	for _, logs := range sink.AllLogs() {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					id, _ := record.Attributes().Get("log.record.uid")
					ids = append(ids, id.Str())
				}
			}
		}
	}
	return ids
}

// inWorld runs a test with a collector that has read an hour and a half of a tenant's log.
func inWorld(t *testing.T, test func(t *testing.T, c *collector, tenant simulator.Tenant, delivered []string)) {
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.Tenant{Seed: 2, PerSecond: 0.2, Start: time.Now().Unix() - 4*3600}
		c := &collector{
			path: filepath.Join(t.TempDir(), filestore.Name(component.MustNewIDWithName(receiverType, "b"))),
			wire: simulator.Transport(simulator.New(simulator.Options{Tenant: tenant}), nil),
		}
		delivered := c.read(t, 30*time.Minute)
		require.NotEmpty(t, delivered)
		test(t, c, tenant, delivered)
	})
}

// idsOf are the ids of the tenant's entries of a time range.
func idsOf(tenant simulator.Tenant, from, to time.Time) []string {
	var ids []string
	for _, e := range tenant.Entries(from.Unix(), to.Unix()) {
		ids = append(ids, e.ID)
	}
	return ids
}

func show(t *testing.T, path string) *report {
	got := try(t, "show", path, "--json")
	require.Equal(t, cli.ExitOK, got.code, got.stderr)
	var r report
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r))
	return &r
}

func TestShow(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, _ simulator.Tenant, _ []string) {
		r := show(t, filepath.Dir(c.path))
		require.Equal(t, "feishu_audit/b", r.Receiver)
		require.Equal(t, c.path, r.File)
		require.Equal(t, "https://open.feishu.cn", r.Query.Endpoint)
		require.Len(t, r.Passes, 3)
		require.InDelta(t, 300, r.Passes[2].RecheckAfter, 0)
		require.Less(t, r.Passes[0].Lag, 15.0)
		require.GreaterOrEqual(t, r.Passes[2].Lag, 300.0)
		require.Positive(t, r.IDs)
		require.Positive(t, r.Calls)
		require.Empty(t, r.Fault)

		got := try(t, "show", c.path)
		require.Equal(t, cli.ExitOK, got.code)
		for _, text := range []string{"receiver    feishu_audit/b\n", "reads       https://open.feishu.cn\n", "as " + simulator.DefaultAppID, "pass 2 ", "again after 5m\n", "fresh entries\n"} {
			require.Contains(t, got.stdout, text)
		}
		for line := range strings.Lines(got.stdout) {
			if !strings.HasPrefix(line, "file") {
				require.LessOrEqual(t, len(line), 81, line)
			}
		}
		require.Empty(t, backups(t, c))
		require.Contains(t, got.stdout, "given up    0 records")
	})
}

// TestShowGivenUp: the newest records that were not delivered are listed.
func TestShowGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), filestore.Name(component.MustNewID(receiverType)))
	f, err := filestore.OpenUnsynced(path)
	require.NoError(t, err)
	list := checkpoint.GivenUpList{Version: checkpoint.Version, Total: 9}
	for i := range 6 {
		list.Records = append(list.Records, checkpoint.GivenUp{ID: fmt.Sprint("id", i), EventTime: 1_700_000_000, Why: "refused", Error: "too large \x1b[31m"})
	}
	require.NoError(t, f.Set(t.Context(), checkpoint.KeyGivenUp, list.Encode()))
	require.NoError(t, f.Close(t.Context()))
	got := try(t, "show", path)
	require.Contains(t, got.stdout, "given up    9 records")
	require.Contains(t, got.stdout, "            id5 of 2023-11-14 22:13:20 UTC\n              refused: too large ·[31m\n")
	require.NotContains(t, got.stdout, "id0 ")
	require.Contains(t, got.stdout, "and 4 before; --json lists the last 6\n")
	require.Contains(t, try(t, "show", path, "--json").stdout, `"id": "id0"`)
}

// noneTwice: no later record was delivered before.
func noneTwice(t *testing.T, before, after []string) {
	for _, id := range after {
		require.NotContains(t, before, id)
	}
}

func backups(t *testing.T, c *collector) []string {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(c.path), "*"+backupSuffix))
	require.NoError(t, err)
	return files
}

// TestRewind: remembered entries are not delivered again; entries that are no longer remembered, or are to be
// delivered again, are.
func TestRewind(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, tenant simulator.Tenant, delivered []string) {
		before, err := os.ReadFile(c.path)
		require.NoError(t, err)
		at := show(t, c.path).Passes[0].ReadUpTo

		got := try(t, "rewind", c.path, "--by", "3m")
		require.Equal(t, cli.ExitProblem, got.code)
		require.Contains(t, got.stdout, "Reads again from "+stamp(at.Add(-3*time.Minute)))
		require.Contains(t, got.stderr, "nothing was changed: repeat the command with --yes")
		after, err := os.ReadFile(c.path)
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.Empty(t, backups(t, c))

		// Remembered: nothing is delivered again.
		got = try(t, "rewind", c.path, "--by", "3m", "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, "not delivered again")
		require.Len(t, backups(t, c), 1)
		require.Equal(t, at.Add(-3*time.Minute), show(t, c.path).Passes[0].ReadUpTo)
		noneTwice(t, delivered, c.read(t, time.Second))

		// Delivered again: everything from that time on, to the minute.
		time.Sleep(10 * time.Minute)
		c.read(t, time.Second)
		at = show(t, c.path).Passes[0].ReadUpTo
		to := at.Add(-10 * time.Minute).Truncate(time.Minute)
		got = try(t, "rewind", c.path, "--to", to.Format(time.RFC3339), "--deliver-again", "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		again := c.read(t, time.Second)
		require.Subset(t, again, idsOf(tenant, to, at))
		require.LessOrEqual(t, len(again), len(idsOf(tenant, to.Add(-time.Minute), time.Now())))

		// No longer remembered: the command reports it, and they are delivered again.
		time.Sleep(time.Hour)
		c.read(t, time.Minute)
		passes := show(t, c.path).Passes
		to, last := passes[0].ReadUpTo.Add(-30*time.Minute), passes[2].ReadUpTo
		require.True(t, to.Add(10*time.Minute).Before(last))
		got = try(t, "rewind", c.path, "--by", "30m", "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, "may no longer be remembered: those are delivered again")
		again = c.read(t, time.Minute)
		require.Subset(t, again, idsOf(tenant, to, to.Add(5*time.Minute))) // a page of ids is kept or removed as a whole
	})
}

// TestSkip: the skipped time is not delivered, and everything after it is.
func TestSkip(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, tenant simulator.Tenant, _ []string) {
		at := show(t, c.path).Passes[0].ReadUpTo
		time.Sleep(time.Hour)
		to := at.Add(40 * time.Minute)
		got := try(t, "skip", c.path, "--by", "40m", "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, "Entries from "+stamp(at)+" to "+stamp(to)+" are not delivered.")
		now := time.Now()
		next := c.read(t, 10*time.Second)
		require.Subset(t, next, idsOf(tenant, to, now))
		for _, id := range idsOf(tenant, at, to.Add(-3*time.Second)) {
			require.NotContains(t, next, id)
		}
	})
}

// TestReset: the receiver starts over; the old file is kept.
func TestReset(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, _ simulator.Tenant, _ []string) {
		require.Equal(t, cli.ExitProblem, try(t, "reset", c.path).code)
		require.NotEmpty(t, show(t, c.path).Passes)
		got := try(t, "reset", c.path, "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		got = try(t, "show", c.path)
		require.Equal(t, cli.ExitProblem, got.code)
		require.Contains(t, got.stdout, "nothing is stored")
		copies := backups(t, c)
		require.Len(t, copies, 1)
		require.NotEmpty(t, show(t, copies[0]).Passes)
		require.NotEmpty(t, c.read(t, time.Second), "initial_lookback")
	})

	// A damaged file is renamed.
	path := filepath.Join(t.TempDir(), "receiver_feishu_audit_")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), 40_000), 0o600))
	require.Equal(t, cli.ExitProblem, try(t, "show", path).code)
	require.Equal(t, cli.ExitOK, try(t, "reset", path, "--yes").code)
	require.NoFileExists(t, path)
}

// TestLocked: while a collector has the file open, the message explains what to do.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), filestore.Name(component.MustNewID(receiverType)))
	f, err := filestore.OpenUnsynced(path)
	require.NoError(t, err)
	defer f.Close(t.Context())
	for _, args := range [][]string{{"show", path}, {"rewind", path, "--by", "1m", "--yes"}, {"reset", path, "--yes"}} {
		got := try(t, args...)
		require.Equal(t, cli.ExitProblem, got.code)
		require.Contains(t, got.stderr, "another process has it open: stop the collector that uses it first. Nothing was changed.")
	}
	require.FileExists(t, path)
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		f, err := filestore.OpenUnsynced(filepath.Join(dir, filestore.Name(component.MustNewIDWithName(receiverType, name))))
		require.NoError(t, err)
		require.NoError(t, f.Close(t.Context()))
	}
	file := filepath.Join(dir, "receiver_feishu_audit_a")
	for args, says := range map[string]string{
		"show":                      "give one PATH",
		"show /does/not/exist":      "no such file",
		"show " + t.TempDir():       "has no file of a feishu_audit receiver",
		"show " + dir:               "say which with --receiver: feishu_audit/a, feishu_audit/b",
		"show --receiver x " + dir:  "has no position of x, but of feishu_audit/a",
		"show --receiver x " + file: "is a file",
		"import " + dir:             "--in is missing",
		"import":                    "give one DIRECTORY",
		"forget":                    `unknown command "forget"`,
	} {
		got := try(t, strings.Fields(args)...)
		require.Equal(t, cli.ExitUsage, got.code, args)
		require.Contains(t, got.stderr, says, args)
	}
	require.Contains(t, try(t, "rewind", file, "--by", "1m").stderr, "nothing is stored: there is no position to move")
	inWorld(t, func(t *testing.T, c *collector, _ simulator.Tenant, _ []string) {
		for args, says := range map[string]string{
			"rewind":                         "say where to go",
			"rewind --by 1m --to 2000-01-01": "say where to go",
			"rewind --by -1m":                "is not a time span",
			"rewind --to never":              "--to:",
			"rewind --to 2050-01-01":         "is not before",
			"skip --to 2050-01-01":           "is in the future",
			"skip --to 1999-01-01":           "every pass is at",
		} {
			got := try(t, append(strings.Fields(args), c.path)...)
			require.Equal(t, cli.ExitUsage, got.code, args)
			require.Contains(t, got.stderr, says, args)
		}
	})
}
