// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestOldestSince: it is when the oldest record that is still open was added; records that were accepted or
// given up no longer count, wherever the queue has put them meanwhile. Covers F37, F53.
func TestOldestSince(t *testing.T) {
	l := newLine(t, Settings{})
	assert.Zero(t, l.OldestSince(), "there is none")
	l.refuses = bad(Retry, 3, 17)
	first := l.now
	l.add(10)
	assert.Equal(t, first, l.OldestSince(), "before it was tried")
	l.run(time.Hour, nil)
	second := l.now
	l.add(10)
	l.run(time.Hour, nil)
	assert.Equal(t, first, l.OldestSince())
	l.refuses = bad(Retry, 17)
	l.run(time.Hour, func() bool { return l.taken[3] > 0 })
	assert.Equal(t, second, l.OldestSince())
	l.refuses = bad(Permanent, 17)
	for range 10 {
		l.add(1)
		l.run(time.Minute, nil)
	}
	assert.Contains(t, l.gaveUp, 17)
	assert.Zero(t, l.OldestSince())
}
