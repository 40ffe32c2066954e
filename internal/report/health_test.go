// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"
)

// TestStatusesAreDocumented: docs/operating.md says when a status comes and goes, with
// the figures of health.go.
func TestStatusesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	row := func(status string) string {
		found := regexp.MustCompile("(?m)^\\| `" + status + "` \\| (.*) \\|$").FindStringSubmatch(string(text))
		require.Len(t, found, 2, status)
		return found[1]
	}
	require.Equal(t, []int{5, 3}, []int{Patience, waitingPatience})
	require.Equal(t, time.Minute, FirstCalm(configretry.NewDefaultBackOffConfig()))
	assert.Contains(t, row("StatusOK"), "nothing has failed for twice `max_interval` (a minute by default). "+
		fmt.Sprintf("For a problem that returned within %d times that long, it takes up to %d times as long.", ComesBack, CalmAtMost))
	assert.Contains(t, row("StatusRecoverableError"), "after five failures in a row (three if the pipeline refuses, or if the API's rate limit is reached); "+
		fmt.Sprintf("after two if the next try is later than %.0[1]f s after the first call was sent; after one if that call took %.0[1]f s, or if the next try is more than %.0[2]f s after it was sent. What fails slowly is reported after %.0[2]f s, while the next try is still waited for.", longPatience.Seconds(), LongWait.Seconds()))
	row("StatusStarting")
	row("StatusPermanentError")
}
