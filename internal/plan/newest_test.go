// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNewest: windows end earlier only after several polls in which nothing later was answered, at most by some minutes;
// one that ends at the present and is answered ends that. Covers F19.
func TestNewest(t *testing.T) {
	const tick = 60
	now := int64(1_000_000)
	var n newest
	refusedFor := func(polls int, age int64) {
		for range polls {
			n.refused(0, now, tick)
			n.refused(age-1, now+1, tick) // in the same poll
			n.answered(age, now+age)
			now += tick
		}
	}
	assert.True(t, n.mayBeRefused(0), "nothing was read")
	n.answered(90_000, now)
	refusedFor(newestRefusals-1, 61)
	assert.Zero(t, n.age(now))
	refusedFor(1, 61)
	assert.EqualValues(t, 61+newestSlack, n.age(now))
	assert.True(t, n.mayBeRefused(60))
	assert.False(t, n.mayBeRefused(61+newestSlack), "its length or its contents are the reason")
	assert.False(t, n.mayBeRefused(newestTime+1))

	// As long as it is answered, that age stays the same.
	for range 50 {
		n.answered(61+newestSlack, now)
		now += tick
	}
	assert.EqualValues(t, 61+newestSlack, n.age(now))
	// The API refuses more.
	n.refused(61+newestSlack, now, tick)
	assert.EqualValues(t, 61+2*newestSlack, n.age(now))

	now += newestTrial
	assert.Zero(t, n.age(now), "a trial")
	assert.NotZero(t, n.age(now), "one")
	n.answered(1, now)
	assert.Zero(t, n.age(now), "nothing is refused any more")
}

// TestNewestIsShort: an API that limits the length of windows is not taken for one that refuses the newest time.
func TestNewestIsShort(t *testing.T) {
	var n newest
	now := int64(1_000_000)
	for range 100 {
		n.refused(0, now, 60) // a minute is too long
		n.answered(31, now+1)
		n.answered(2, now+2)
		assert.Zero(t, n.age(now))
		now += 60
	}
}
