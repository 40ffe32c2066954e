// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestExportImport: a position is used in another folder, under another name.
func TestExportImport(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, _ simulator.Tenant, delivered []string) {
		dir := t.TempDir()
		dumped := filepath.Join(dir, "position.json")
		require.Equal(t, cli.ExitOK, try(t, "export", c.path, "--out", dumped).code)
		require.Equal(t, cli.ExitUsage, try(t, "export", c.path, "--out", dumped).code, "not over a file")
		text, err := os.ReadFile(dumped)
		require.NoError(t, err)
		require.NotContains(t, string(text), simulator.DefaultAppSecret)

		require.Equal(t, cli.ExitProblem, try(t, "import", dir, "--in", dumped).code)
		got := try(t, "import", dir, "--in", dumped, "--receiver", "feishu_audit/new", "--yes")
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		moved := &collector{path: filepath.Join(dir, "receiver_feishu_audit_new"), wire: c.wire}
		want, have := show(t, c.path), show(t, moved.path)
		require.Equal(t, want.Passes, have.Passes)
		require.Equal(t, want.IDs, have.IDs)
		noneTwice(t, delivered, moved.read(t, time.Second))
		require.Empty(t, backups(t, moved))

		// Over an existing position, with a backup.
		time.Sleep(time.Minute)
		require.Equal(t, cli.ExitOK, try(t, "import", dir, "--in", dumped, "--receiver", "feishu_audit/new", "--yes").code)
		require.Len(t, backups(t, moved), 1)

		require.NoError(t, os.WriteFile(dumped, text[:len(text)/2], 0o600))
		require.Equal(t, cli.ExitUsage, try(t, "import", dir, "--in", dumped, "--yes").code)
	})
}

// TestPositionAlone: a value from another storage, as redis-cli prints it.
func TestPositionAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, c *collector, _ simulator.Tenant, _ []string) {
		f, err := filestore.OpenReadOnly(c.path)
		require.NoError(t, err)
		all, err := f.All()
		require.NoError(t, err)
		require.NoError(t, f.Close(t.Context()))
		text := filepath.Join(t.TempDir(), "position")
		require.NoError(t, os.WriteFile(text, append(all[checkpoint.KeyPosition], '\n'), 0o600))
		require.Equal(t, show(t, c.path).Passes, show(t, text).Passes)
		require.Equal(t, cli.ExitOK, try(t, "rewind", text, "--by", "1m", "--deliver-again", "--yes").code)
		data, err := os.ReadFile(text)
		require.NoError(t, err)
		p, err := checkpoint.Decode(data)
		require.NoError(t, err)
		require.Equal(t, p.First, p.Next)
		require.Equal(t, show(t, c.path).Passes[0].ReadUpTo.Add(-time.Minute).Unix(), p.Marks[0])
		require.Equal(t, cli.ExitUsage, try(t, "reset", text, "--yes").code)
	})
}
