// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// TestWhatGoesFirst: of several things that have happened already, the end of the term goes first, then a
// result, then the time to wake.
func TestWhatGoesFirst(t *testing.T) {
	t.Parallel()
	for range 100 {
		p := &Poller{results: make(chan result, 1)}
		wake := make(chan time.Time, 1)
		wake <- time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		r, err := p.await(ctx, wake)
		require.NoError(t, err)
		require.Nil(t, r, "nothing else has happened")

		wake <- time.Now()
		w := &plan.Walk{}
		p.results <- result{walk: w}
		r, err = p.await(ctx, wake)
		require.NoError(t, err)
		require.NotNil(t, r)
		assert.Same(t, w, r.walk)

		p.results <- result{}
		cancel()
		_, err = p.await(ctx, wake)
		assert.ErrorIs(t, err, context.Canceled)
	}
}
