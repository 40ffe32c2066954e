// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sized refuses batches that contain one of the records, like the exporter of Kafka: smaller ones may be
// accepted, and a single record once a limit was raised.
func sized(raised *bool, which func(id int) bool) func([]*Record[int], int) Class {
	return func(records []*Record[int], _ int) Class {
		for _, r := range records {
			switch {
			case *raised || !which(r.Value):
			case len(records) > 1:
				return Permanent
			default:
				return TooLarge
			}
		}
		return Taken
	}
}

// TestOneTooLarge: wherever in its page it is, a record that is too large delays no other, and is not given up
// within a day: once the limit is raised, it is accepted within the longest wait of the backoff. Covers F53.
func TestOneTooLarge(t *testing.T) {
	for _, n := range pageSizes {
		for which := range n {
			raised := false
			l := newLine(t, Settings{})
			l.refuses = sized(&raised, func(id int) bool { return id == which })
			b := l.add(n)
			l.run(0, nil)
			assert.Len(t, l.taken, n-1, "%d of %d: at once", which, n)
			assert.False(t, l.Blocks(b), "reading goes on")
			assert.LessOrEqual(t, len(l.tries), 20)
			if n > 1 && n < 100 {
				continue
			}
			for range 23 {
				next := l.add(10)
				l.run(0, nil)
				require.True(t, next.Done(), "%d of %d: others wait for it", which, n)
				l.run(time.Hour, nil)
			}
			assert.Empty(t, l.gaveUp)
			raised = true
			l.run(30*time.Second, nil)
			assert.Zero(t, l.Held(), "%d of %d", which, n)
			assert.Empty(t, l.gaveUp)
		}
	}
}

// TestAllTooLarge: if all are too large, because a limit is wrong, they are tried at the interval of the
// backoff, none is given up, and all are accepted once the limit is corrected. Covers F53, F54.
func TestAllTooLarge(t *testing.T) {
	raised := false
	l := newLine(t, Settings{})
	l.refuses = sized(&raised, func(int) bool { return true })
	began, pages := l.now, 0
	for l.now.Sub(began) < 24*time.Hour {
		b := l.add(100)
		pages++
		for l.Blocks(b) && l.now.Sub(began) < 24*time.Hour {
			l.run(time.Minute, nil)
		}
	}
	assert.LessOrEqual(t, pages, MaxHeld/100+1)
	assert.InDelta(t, 24*60*2, len(l.tries), 24*60*0.2, "the retry's pace, of 30 s")
	assert.Empty(t, l.gaveUp)
	raised = true
	l.run(time.Minute, nil)
	assert.Len(t, l.taken, 100*pages)
}
