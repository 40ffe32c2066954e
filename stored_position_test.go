// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestStorageFailsEveryOtherTime: a storage of which every other call fails, or two of three, is used: a position
// with many pages of ids is loaded. Covers F32.
func TestStorageFailsEveryOtherTime(t *testing.T) {
	t.Parallel()
	for _, works := range []int{2, 3} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			w.cfg.PageSize = 1
			now := time.Now().Unix()
			entries(w.server, "before", 300, now-100)
			w.run(t, 30*time.Minute)
			entries(w.server, "after", 5, time.Now().Unix())
			calls := 0
			w.disk.FailWith(func() error {
				if calls++; calls%works != 0 {
					return errors.New("i/o")
				}
				return nil
			})
			w.run(t, 30*time.Minute)
			assert.Len(t, w.sink.Got(), 305)
			for id, n := range w.sink.Got() {
				assert.Equal(t, 1, n, id)
			}
		})
	}
}

// TestPositionOfTheFuture: a stored position that is later than the present is reported, with what to do. Covers F9,
// F31.
func TestPositionOfTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.run(t, time.Hour)
		c := w.stored(t)
		for i := range c.Marks {
			c.Marks[i] += 365 * 24 * 3600
		}
		w.disk.Data[checkpoint.KeyPosition] = c.Encode()
		w.run(t, time.Hour)
		assert.Equal(t, 1, w.logs.FilterMessageSnippet("The stored position is later than this host's clock").Len())
	})
}
