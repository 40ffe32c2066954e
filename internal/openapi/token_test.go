// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestTokenRefusedOnce: a revoked access token is replaced, and the call repeated
// once, without the caller noticing. Covers F21.
func TestTokenRefusedOnce(t *testing.T) {
	for name, status := range map[string]int{"as HTTP 400": 400, "as HTTP 200": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := simulator.New(simulator.Options{TokenErrorStatus: status})
				c := newTestClient(server)
				for range 3 {
					_, _, err := c.ListData(t.Context(), lastHour())
					require.NoError(t, err)
					server.RevokeTokens()
				}
				assert.Len(t, server.CallsOf(simulator.EndpointToken), 3)
				assert.Len(t, server.CallsOf(simulator.EndpointList), 5)
			})
		})
	}
}

// TestTokenLife: callers at the same time request a token once; it is kept as long as `expire` allows, and
// renewed shortly before its end. Sources: the official page of the token call; F21 (Devo's collector assumed a
// constant).
func TestTokenLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := simulator.New(simulator.Options{TokenLife: 50 * time.Minute})
		c := newTestClient(server)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				_, _, err := c.ListData(t.Context(), lastHour())
				assert.NoError(t, err)
			})
		}
		group.Wait()
		assert.Len(t, server.CallsOf(simulator.EndpointToken), 1)

		began := time.Now()
		var renewed []time.Duration
		for time.Since(began) < 170*time.Minute {
			time.Sleep(30 * time.Second)
			before := len(server.CallsOf(simulator.EndpointToken))
			_, _, err := c.ListData(t.Context(), lastHour())
			require.NoError(t, err)
			if len(server.CallsOf(simulator.EndpointToken)) > before {
				renewed = append(renewed, time.Since(began))
			}
		}
		// Life 50 min, margin 5 min.
		require.Len(t, renewed, 3)
		for i, at := range renewed {
			assert.InDelta(t, (45 * time.Minute * time.Duration(i+1)).Seconds(), at.Seconds(), 90)
		}
		for _, call := range server.CallsOf(simulator.EndpointList) {
			assert.Zero(t, call.Code)
		}
	})
}

func TestRenewMargin(t *testing.T) {
	assert.Equal(t, 5*time.Minute, renewMargin(2*time.Hour))
	assert.Equal(t, 6*time.Second, renewMargin(time.Minute))
}

// TestFailedTokenCallIsShared: callers that wait for a token that is refused do not request it again one after
// the other.
func TestFailedTokenCallIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := simulator.New(simulator.Options{})
		c := newTestClient(server)
		c.set.AppSecret = "wrong"
		c.set.HTTP.Transport = simulator.Transport(server, func() time.Duration { return time.Second })
		for round := range 3 {
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					_, _, err := c.ListData(t.Context(), lastHour())
					assert.ErrorContains(t, err, "code 10014")
				})
			}
			group.Wait()
			assert.Len(t, server.CallsOf(simulator.EndpointToken), round+1)
		}
	})
}

// TestTokenOfOneThatIsStopped: if a caller has to stop while it requests a token, those who wait for it do not
// stop.
func TestTokenOfOneThatIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := simulator.New(simulator.Options{})
		c := newTestClient(server)
		c.set.HTTP.Transport = simulator.Transport(server, func() time.Duration { return time.Second })
		var group sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		group.Go(func() {
			_, _, err := c.ListData(ctx, lastHour())
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		for range 3 {
			group.Go(func() {
				_, _, err := c.ListData(t.Context(), lastHour())
				assert.NoError(t, err)
			})
		}
		group.Wait()
		assert.LessOrEqual(t, len(server.CallsOf(simulator.EndpointToken)), 2)
	})
}
