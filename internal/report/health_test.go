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

// TestStatusesAreDocumented: docs/operating.md has when a status starts and ends, with the figures of health.go.
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
		fmt.Sprintf("If the problem returns within %d times that duration (half an hour), up to %d times that duration has to pass without a failure.", ComesBack, CalmAtMost))
	assert.Contains(t, row("StatusRecoverableError"), "after five failures in a row (three if the pipeline refuses, or if the API's rate limit is reached). "+
		fmt.Sprintf("After two failures if the next try is more than %.0[1]f s after the first call was sent. After one failure if that call took %.0[1]f s, or if the next try is more than %.0[2]f s after it was sent. If calls fail slowly, the status changes after %.0[2]f s, even while a call is in progress.", longPatience.Seconds(), LongWait.Seconds()))
	row("StatusStarting")
	row("StatusPermanentError")
}
