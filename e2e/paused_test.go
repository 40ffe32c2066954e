// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKafkaPaused: a broker that answers nothing for longer than any time-out of the exporter, from the start or
// with messages in transit, delays entries and loses none.
func TestKafkaPaused(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{true, false} {
		name := "with messages on their way"
		if first {
			name = "from the start"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newBroker(t, true)
			a, entries := newBacklog(t, 63, 3000)
			e := newExample(t, a, k)
			if first {
				require.NoError(t, k.cmd.Process.Signal(syscall.SIGSTOP))
			}
			c := e.start(t)
			if !first {
				eventually(t, starts, "some pages arrive", func() bool { return e.found(t) >= pageSize })
				require.NoError(t, k.cmd.Process.Signal(syscall.SIGSTOP))
			}
			c.says(t, "Waiting for longer than expected", recovers)
			pause(t, 5*time.Second)
			require.NoError(t, k.cmd.Process.Signal(syscall.SIGCONT))
			e.arrives(t, len(entries))
			c.term(t)
			require.Empty(t, c.lostIDs())
			checkPath(t, entries, e.held(t), strings.Count(c.out.String(), "Exporting failed"))
		})
	}
}
