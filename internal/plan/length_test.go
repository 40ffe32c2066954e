// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNextLength(t *testing.T) {
	assert.Equal(t, int64(1200), nextLength(300, 1, PagesPerWalk, 3600), "grows where there is little")
	assert.Equal(t, int64(3600), nextLength(3600, 1, PagesPerWalk, 3600), "up to max_window")
	assert.Equal(t, int64(300), nextLength(300, PagesPerWalk, PagesPerWalk, 3600))
	assert.Equal(t, int64(30), nextLength(300, 10*PagesPerWalk, PagesPerWalk, 3600), "shrinks to what fits")
	assert.Equal(t, int64(1), nextLength(1, 1000*PagesPerWalk, PagesPerWalk, 3600), "never below a second")
}

// TestScheduleLearnsDensity: a window that is shorter than planned shows how much fits only if it has a good
// part of it.
func TestScheduleLearnsDensity(t *testing.T) {
	s := testSchedule(1000)
	s.length = 3600
	read := func(seconds, pages int64) {
		w := s.start(0, window{from: s.tail(0), to: s.tail(0) + seconds})
		w.pages = pages
		s.finish(w)
	}
	read(60, 1)
	assert.Equal(t, int64(3600), s.length)
	read(60, PagesPerWalk/2)
	assert.Equal(t, int64(120), s.length)
	read(120, PagesPerWalk/10)
	assert.Equal(t, int64(480), s.length, "grows by steps")
}

// TestShare: concurrent walks get equal parts of a backlog, shorter ones towards its end, but never tiny ones. A
// single walk takes as much as it can.
func TestShare(t *testing.T) {
	s := &Plan{length: 1000, wide: 4}
	assert.Equal(t, int64(1000), s.share(100_000))
	assert.Equal(t, int64(500), s.share(2000))
	assert.Equal(t, int64(200), s.share(100))
	s.wide = 1
	assert.Equal(t, int64(1000), s.share(2000))
}

// TestTokenExpires: if page tokens are short-lived, walks become short enough, and later longer ones are tried
// again. Covers F5, F51.
func TestTokenExpires(t *testing.T) {
	s := testSchedule(1000)
	s.expire(40)
	assert.Equal(t, int64(30), s.wanted, "with some to spare")
	s.expire(0)
	assert.Equal(t, int64(1), s.wanted)
	read := func() { s.finish(s.start(0, window{from: s.tail(0), to: s.tail(0) + 1})) }
	for range 7 * firstFits {
		read()
	}
	assert.Equal(t, int64(PagesPerWalk), s.wanted)
	// If they do expire, longer windows are tried less and less often.
	trials := 0
	s.expire(4)
	for range 1000 {
		if read(); s.reach > 4 {
			trials++
			s.expire(4)
		}
	}
	assert.InDelta(t, 1000/mostFits, trials, 6)
	// Once they do not, it recovers soon.
	for range 7 * mostFits {
		read()
	}
	assert.Equal(t, int64(PagesPerWalk), s.wanted)
	assert.LessOrEqual(t, s.trialFits, int64(firstFits))
}
