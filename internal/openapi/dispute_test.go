// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestDispute: of two clocks that are far apart the earlier one counts, until entries of several seconds show
// that the later one is right, or until they agree again. Covers F9, F42.
func TestDispute(t *testing.T) {
	const h, far = time.Hour, 29 * 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		ahead time.Duration   // the server's clock
		shown []time.Duration // entries, from the present by ours
		want  time.Duration   // the clock that counts
	}{
		"apart by a little":            {DisputedFrom, nil, DisputedFrom},
		"the server's is ahead":        {8 * h, nil, 0},
		"the server's is years ahead":  {far, nil, 0},
		"the server's is behind":       {-8 * h, nil, -8 * h},
		"ours is behind":               {8 * h, []time.Duration{8 * h, 7 * h, 6 * h}, 8 * h},
		"ours is behind, two seconds":  {8 * h, []time.Duration{8 * h, 7 * h, 8 * h, 7 * h}, 0},
		"entries of the future":        {8 * h, []time.Duration{9 * h, 10 * h, far}, 0},
		"entries of the past":          {8 * h, []time.Duration{0, -h, time.Minute}, 0},
		"the server's has stopped":     {-h, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, 0},
		"it was set back":              {-h, []time.Duration{0, -time.Minute, -time.Second, -2 * time.Second}, -h},
		"it was set back, and catches": {-h, []time.Duration{-h, -59 * time.Minute, -58 * time.Minute}, -h},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, began := &Clock{}, time.Now()
				for range datesAhead {
					c.Observe(began.Add(tc.ahead), began)
				}
				for _, after := range tc.shown {
					c.Show(began.Add(after).Unix())
				}
				assert.Equal(t, tc.want, time.Until(c.Now()))
				_, open := c.Disputed()
				assert.Equal(t, tc.ahead.Abs() > DisputedFrom && tc.want == min(0, tc.ahead), open)
				assert.Equal(t, tc.want == 0, c.FollowsHost())
				if tc.ahead.Abs() < far {
					for range datesAhead {
						c.Observe(began, began)
					}
					assert.Zero(t, time.Until(c.Now()), "they agree again")
					assert.False(t, c.FollowsHost())
				}
			})
		})
	}
}

// TestDisputeAfterReading: what was read shows that our clock is behind; and once entries have shown that ours is
// right, that lasts while the server's has stopped. Covers F9, F42.
func TestDisputeAfterReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, began := &Clock{}, time.Now()
		c.StartAt(began.Add(20 * time.Hour))
		for range datesAhead {
			c.Observe(began.Add(24*time.Hour), began)
		}
		assert.Equal(t, 24*time.Hour, time.Until(c.Now()))

		c = &Clock{}
		c.HostIsRight()
		for range 100 {
			c.Observe(began.Add(-time.Hour), time.Now())
			time.Sleep(time.Minute)
			assert.WithinDuration(t, time.Now(), c.Now(), 0)
		}
	})
}
