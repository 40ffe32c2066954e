// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestOwnCallsFiltered: the filter of docs/operating.md removes exactly the receiver's own calls, which this
// tenant logs, and keeps calls of others and other calls with the same credential. Without it they arrive.
func TestOwnCallsFiltered(t *testing.T) {
	t.Parallel()
	var block string
	for _, found := range yamlBlock.FindAllStringSubmatch(documentation(t)["docs/operating.md"], -1) {
		if strings.Contains(found[1], "filter/own:") {
			block = found[1]
		}
	}
	require.Contains(t, block, `"cli_xxx"`)
	filter := filepath.Join(t.TempDir(), "filter.yaml")
	require.NoError(t, os.WriteFile(filter, []byte(strings.ReplaceAll(block, "cli_xxx", simulator.DefaultAppID)), 0o600))

	for name, files := range map[string][]string{"filtered": {filter}, "as it is": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := simulator.Tenant{Seed: 25, PerSecond: 5, Start: time.Now().Unix() - 60}
			a, b := newAPI(t, simulator.Options{Tenant: log, LogOwnCalls: true}), newBackend(t)
			thief := []simulator.Entry{
				{ID: "700", APIKey: "GET/open-apis/contact/v3/users", AppID: simulator.DefaultAppID, EventTime: time.Now().Unix() - 5},
				{ID: "701", APIKey: "POST" + simulator.ListPath, AppID: "cli_other", EventTime: time.Now().Unix() - 5},
			}
			a.Add(thief...)
			s := newShipped(t, append([]string{"../examples/kubernetes/single/collector.yaml"}, files...)...)
			s.args = []string{"--set=receivers.feishu_audit.poll_interval=1s", "--set=receivers.feishu_audit.recheck_after=[2s]"}
			c := s.start(t, a, b)
			own := func() int {
				b.mu.Lock()
				defer b.mu.Unlock()
				n := 0
				for uid := range b.came {
					if strings.HasPrefix(uid, "9") { // those of the tenant begin with 1
						n++
					}
				}
				return n
			}
			if files == nil {
				eventually(t, starts, "own calls arrive", func() bool { return own() > 3 })
			}
			pause(t, 8*time.Second)
			entries := append(a.ends(log), thief...)
			b.arrivals(t, entries)
			c.term(t)
			if files != nil {
				require.Greater(t, len(a.Calls()), 8)
				require.Zero(t, own(), "own calls reached the backend")
			}
		})
	}
}
