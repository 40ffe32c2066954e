// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

const recorded = `{"at":"2023-11-14T22:13:20Z","took_ms":5,"request":{"start_time":1,"end_time":2,"page_size":100},"status":200,"headers":{},"body":{"code":0,"data":{"items":[{"id":"3","event_time":1700000003},{"id":"2","event_time":1700000002}],"has_more":true}}}
{"at":"2023-11-14T22:13:21Z","took_ms":5,"request":{"start_time":1,"end_time":2,"page_size":100},"status":502,"headers":{},"body":"not JSON, 12 bytes"}
{"at":"2023-11-14T22:13:21Z","took_ms":5,"request":{"start_time":1,"end_time":2,"page_size":100},"status":200,"headers":{},"body":{"code":0,"data":{"items":[{"id":1,"event_time":"1700000001"},{"id":"3","event_time":1700000003}]}}}
`

// TestReplay: the entries of a recording are served, each once, in the order of its API.
func TestReplay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording")
	require.NoError(t, os.WriteFile(path, []byte(recorded), 0o600))
	cfg := parse(t, "--replay", path)
	require.Len(t, cfg.entries, 3)
	require.Zero(t, cfg.options.Tenant.PerSecond)
	require.Equal(t, simulator.Descending, cfg.options.Order)
	require.Contains(t, cfg.replay, "Replays 3 recorded entries, descending.")
	require.Contains(t, cfg.replay, "start_time: 2023-11-14T22:13:21Z\n    end_time: 2023-11-14T22:13:24Z\n")
	require.JSONEq(t, `{"id":1,"event_time":"1700000001"}`, cfg.entries[2].Raw, "as it came")
	require.Equal(t, simulator.Shuffled, parse(t, "--replay", path, "--order", "shuffled").options.Order)

	var usage *cli.UsageError
	for _, args := range [][]string{{"--replay", path + "x"}, {"--replay", path, "--rate", "1"}, {"--replay", os.Args[0]}} {
		_, err := parseFlags(args)
		require.ErrorAs(t, err, &usage, args)
	}
}
