// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package term

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCloseWaitsForATermThatEnds: while End waits for a slow term, Close waits, too, and a term that begins
// meanwhile does not run at the same time. Covers F63.
func TestCloseWaitsForATermThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int64
		var s Terms
		s.Run = func(ctx context.Context, before <-chan struct{}) {
			if before != nil {
				<-before
			}
			assert.EqualValues(t, 1, running.Add(1))
			<-ctx.Done()
			time.Sleep(4 * time.Second)
			running.Add(-1)
		}
		s.Begin(context.Background())
		time.Sleep(time.Second)
		go func() { _ = s.End(context.Background()) }()
		time.Sleep(time.Second)
		s.Begin(context.Background())
		s.Begin(context.Background())
		began := time.Now()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Close(short), context.DeadlineExceeded)
		require.NoError(t, s.Close(context.Background()))
		assert.Zero(t, running.Load(), "nothing runs after Close")
		assert.Equal(t, 3*time.Second+4*time.Second, time.Since(began))
		s.Begin(context.Background())
		synctest.Wait()
		assert.Zero(t, running.Load())
		require.NoError(t, s.End(context.Background()))
	})
}

// TestOneTermAtATime: with any order of begins, ends and lost elections, two terms never run at the same time,
// and one runs if the last call was a begin. Covers F63.
func TestOneTermAtATime(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 1))
				var running atomic.Int64
				var s Terms
				s.Run = func(ctx context.Context, before <-chan struct{}) {
					if before != nil {
						<-before
					}
					assert.EqualValues(t, 1, running.Add(1))
					<-ctx.Done()
					time.Sleep(time.Duration(seed%7) * time.Second)
					running.Add(-1)
				}
				var leads []context.CancelFunc
				last := ""
				for range 30 {
					switch rng.IntN(3) {
					case 0:
						ctx, cancel := context.WithCancel(context.Background())
						leads = append(leads, cancel)
						s.Begin(ctx)
						last = "begin"
					case 1:
						go func() { _ = s.End(context.Background()) }()
						last = "end"
					case 2:
						for _, cancel := range leads {
							cancel()
						}
						leads, last = nil, "lost"
					}
					time.Sleep(time.Duration(1+rng.IntN(9)) * time.Second)
				}
				time.Sleep(time.Hour)
				if last == "begin" {
					assert.EqualValues(t, 1, running.Load())
				} else {
					assert.Zero(t, running.Load())
				}
				for _, cancel := range leads {
					defer cancel()
				}
				require.NoError(t, s.Close(context.Background()))
				assert.Zero(t, running.Load())
			})
		})
	}
}
