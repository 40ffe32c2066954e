// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestFileRotates: the first configuration of the packages, copied to a folder, writes every entry to a file
// that is rotated, and a later run of the collector appends to it. What was written before a kill is kept; each
// kill may repeat one page. Covers F35.
func TestFileRotates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config, err := os.ReadFile("../packaging/collector.yaml")
	require.NoError(t, err)
	require.Contains(t, string(config), "max_megabytes: 100,")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "collector.yaml"), config, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "app_secret"), []byte(simulator.DefaultAppSecret), 0o600))
	// 3,000 entries of some 2 KB as OTLP.
	a, entries := newBacklog(t, 63, 3000)
	start := func() *collector {
		cmd := exec.CommandContext(t.Context(), binary(t), "--config=collector.yaml", quiet, "--set=exporters.file.rotation.max_megabytes=1")
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "FEISHU_APP_ID="+simulator.DefaultAppID, "FEISHU_ENDPOINT=http://"+a.addr, "CREDENTIALS_DIRECTORY="+folder,
			"STORAGE_DIR="+filepath.Join(folder, "storage"), "AUDIT_LOG="+filepath.Join(folder, "audit.jsonl"), "HEALTH_ENDPOINT="+freeAddress(t))
		return launch(t, cmd, (*exec.Cmd).Start)
	}
	files := func() []string {
		// The current one, and audit-<time>.jsonl.
		names, err := filepath.Glob(filepath.Join(folder, "audit*.jsonl"))
		require.NoError(t, err)
		return names
	}
	written := func() map[string]int {
		ids := map[string]int{}
		for _, name := range files() {
			text, err := os.ReadFile(name)
			if os.IsNotExist(err) {
				continue // renamed meanwhile
			}
			require.NoError(t, err)
			for _, match := range recordID.FindAllStringSubmatch(string(text), -1) {
				ids[match[1]]++
			}
		}
		return ids
	}
	c := start()
	eventually(t, starts, "some pages are written", func() bool { return len(written()) >= 5*pageSize })
	c.kill(t)
	c = start()
	eventually(t, recovers, "more is written", func() bool { return len(written()) >= 12*pageSize })
	c.term(t)
	c = start()
	eventually(t, recovers, "everything is written", func() bool { return len(written()) >= len(entries) })
	pause(t, 2*time.Second) // records that arrive now would be duplicates
	c.term(t)

	ids, doubled := written(), 0
	for _, entry := range entries {
		require.Positive(t, ids[entry.ID], "entry %s is lost", entry.ID)
		doubled += ids[entry.ID] - 1
	}
	a.known.found, a.known.lost, a.known.doubled, a.known.mayDouble = len(ids), len(entries)-len(ids), doubled, pageSize
	require.Len(t, ids, len(entries))
	require.LessOrEqual(t, doubled, pageSize)
	require.Greater(t, len(files()), 2, "it is rotated")
	require.FileExists(t, filepath.Join(folder, "audit.jsonl"))
}
