// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// gateway is another collector's otlp receiver with its defaults, except its address and, if it is not 0, the
// size limit.
type gateway struct {
	addr string
	mu   sync.Mutex
	came map[string]int
	most int // records at once
}

func newGateway(t *testing.T, mib int) *gateway {
	t.Helper()
	g := &gateway{addr: freeAddress(t), came: map[string]int{}}
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	grpc := map[string]any{"endpoint": g.addr}
	if mib > 0 {
		grpc["max_recv_msg_size_mib"] = mib
	}
	require.NoError(t, confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"grpc": grpc}}).Unmarshal(cfg))
	take, err := consumer.NewLogs(g.take)
	require.NoError(t, err)
	r, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), cfg, take)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, r.Shutdown(context.WithoutCancel(t.Context()))) })
	return g
}

func (g *gateway) take(_ context.Context, logs plog.Logs) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = max(g.most, logs.LogRecordCount())
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				uid, _ := record.Attributes().Get("log.record.uid")
				g.came[uid.Str()]++
			}
		}
	}
	return nil
}

func (g *gateway) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.came)
}

// TestGRPCSizes: another collector accepts 4 MiB at once over gRPC by default. A larger page is split and
// delivered completely, once; an entry above the limit is given up, with a log line that has its id, and is
// delivered if the other collector accepts more, as described in docs/operating.md. Covers F53, F62.
func TestGRPCSizes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mib  int // limit of the other collector, if not the default
		lost int
	}{
		"4 MiB by default": {lost: 1},
		"16 MiB":           {mib: 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, tc.mib)
			a := newAPI(t, simulator.Options{})
			now := time.Now().Unix()
			add := func(id string, ago int64, size int) {
				a.Add(simulator.Entry{ID: id, APIKey: "POST/open-apis/im/v1/messages", EventTime: now - ago, AppID: "cli_a", Payload: `{"text":"` + strings.Repeat("x", size) + `"}`})
			}
			const pages, huge = 2, "huge"
			sent := 0
			for i := range pages * pageSize { // 6 MB each page
				add("large-"+strconv.Itoa(i), 3000, 60_000)
				sent++
			}
			add("3MB", 2900, 3_000_000)
			add(huge, 2800, 5_000_000)
			for i := range 20 { // accepted records after it show that the entry is the reason
				add("small-"+strconv.Itoa(i), 2700-int64(i), 100)
				sent++
			}
			sent += 2
			a.known.sent = sent
			folder := t.TempDir()
			config := filepath.Join(folder, "collector.yaml")
			require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, grpcConfig, folder, a.addr, simulator.DefaultAppID, simulator.DefaultAppSecret, g.addr), 0o600))
			c := launch(t, exec.CommandContext(t.Context(), binary(t), "--config="+config), (*exec.Cmd).Start)
			eventually(t, recovers, "all that is taken arrives", func() bool { return g.count() >= sent-tc.lost })
			// Later records show that the pipeline works: only then is a record given up.
			for i := 0; tc.lost > 0 && !strings.Contains(c.out.String(), "Dropped record "+huge); i++ {
				require.Less(t, i, 60, "it is not given up")
				a.Add(simulator.Entry{ID: "later-" + strconv.Itoa(i), APIKey: "POST/open-apis/im/v1/messages", EventTime: time.Now().Unix(), AppID: "cli_a"})
				sent++
				pause(t, time.Second)
			}
			eventually(t, recovers, "the rest arrives", func() bool { return g.count() >= sent-tc.lost })
			c.term(t)
			a.known.sent, a.known.found, a.known.lost = sent, g.count(), sent-g.count()
			for uid, n := range g.came {
				require.Equal(t, 1, n, "%s came %d times", uid, n)
			}
			require.Len(t, g.came, sent-tc.lost)
			if tc.lost > 0 {
				require.NotContains(t, g.came, huge)
				require.Equal(t, 1, strings.Count(c.out.String(), "Dropped record "))
				require.Less(t, g.most, pageSize, "a page is too large")
			} else {
				require.Equal(t, pageSize, g.most)
				require.NotContains(t, c.out.String(), "Dropped record ")
			}
		})
	}
	require.Contains(t, documentation(t)["docs/operating.md"], "max_recv_msg_size_mib")
}

const grpcConfig = `
extensions:
  file_storage: {directory: %s/storage, create_directory: true}
receivers:
  feishu_audit:
    endpoint: http://%s
    app_id: %s
    app_secret: %s
    storage: file_storage
    poll_interval: 1s
    recheck_after: [3s]
    requests_per_minute: 6000
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
exporters:
  otlp:
    endpoint: %s
    tls: {insecure: true}
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service:
  extensions: [file_storage]
  telemetry:
    logs: {disable_stacktrace: true}
    metrics: {level: none}
  pipelines:
    logs: {receivers: [feishu_audit], exporters: [otlp]}
`
