// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// How long a test waits for something before it gives up. Neither is a guarantee of the product: the tests'
// machine has other load, including eight scenarios at a time.
const (
	// starts is for a process that was started: until it is ready, or its first entries are there.
	starts = 2 * time.Minute
	// recovers is for what has to happen after a fault. The next try may be 45 s later: max_interval of the
	// default configuration, and at random half of it in addition.
	recovers = 4 * time.Minute
)

// eventually waits until a condition holds. Between two checks it waits as long as a check takes: the machine
// has other things to do.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), within) // also while it cleans up
	defer cancel()
	for {
		began := time.Now()
		if ok() {
			return
		}
		select {
		case <-time.After(max(20*time.Millisecond, time.Since(began))):
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// pause lets real time pass for real processes.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// reportsInTime waits until the collector reports that the pipeline does not take records. The line
// comes half a minute after the exporter's first failure at the latest, by the clock of the
// lines themselves: how long the collector takes to start is not of interest.
func (c *collector) reportsInTime(t *testing.T) {
	t.Helper()
	c.says(t, "Exporting failed", starts)
	c.says(t, "the pipeline does not take records", recovers)
	at := func(text string) time.Time {
		line := regexp.MustCompile(`(?m)^(\S+)\t.*` + text).FindStringSubmatch(c.out.String())
		require.NotNil(t, line, text)
		when, err := time.Parse("2006-01-02T15:04:05.000Z0700", line[1])
		require.NoError(t, err)
		return when
	}
	took := at("the pipeline does not take records").Sub(at("Exporting failed"))
	t.Logf("reported %s after the first failure", took)
	require.Less(t, took, 40*time.Second, "the receiver's promise is 30 s; the rest is for other work of the machine")
}
