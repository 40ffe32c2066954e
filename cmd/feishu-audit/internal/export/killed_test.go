// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestExportKilled: an export that is killed again and again, at any point, results in a valid CSV file with
// each entry once.
func TestExportKilled(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	tenant := simulator.Tenant{Seed: 5, PerSecond: 2, Start: now.Unix() - 7200}
	server := httptest.NewServer(simulator.New(simulator.Options{Tenant: tenant, Order: simulator.Shuffled}))
	defer server.Close()
	self, err := os.Executable()
	require.NoError(t, err)
	out := filepath.Join(t.TempDir(), "out.csv")
	start := func() (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), self, "export", "--app-id", simulator.DefaultAppID, "--endpoint", server.URL, "--format", "csv", "--out", out,
			"--requests-per-minute", "100", "--from", now.Add(-8*time.Minute).Format(time.RFC3339), "--to", now.Format(time.RFC3339))
		cmd.Env = append(os.Environ(), "PLAY_FEISHU_AUDIT=1", cli.SecretVariable+"="+simulator.DefaultAppSecret)
		var text bytes.Buffer
		cmd.Stderr = &text
		require.NoError(t, cmd.Start())
		return cmd, &text
	}
	size := func() int64 {
		info, err := os.Stat(out)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	// Killed when the output has grown by a little more than the last time: in the middle of a page, before a
	// commit and after one.
	kills, grow := 0, int64(1)
	for ; ; kills++ {
		before := size()
		cmd, text := start()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for done := false; !done; {
			select {
			case err := <-ended:
				require.NoError(t, err, text)
				wanted := want(tenant, now.Unix()-480, now.Unix(), now, nil)
				got, err := os.ReadFile(out)
				require.NoError(t, err)
				require.ElementsMatch(t, wanted, ids(t, string(got)))
				require.GreaterOrEqual(t, kills, 3)
				return
			case <-time.After(time.Millisecond): // look again
				if size() >= before+grow {
					require.NoError(t, cmd.Process.Kill())
					require.Error(t, <-ended)
					done = true
				}
			}
		}
		grow = grow*2 + 7_000
	}
}
