// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// TestAcceptedKeys: what is left of a page after a partial refusal is never taken for
// accepted, also where a processor changed or removed its ids.
func TestAcceptedKeys(t *testing.T) {
	page, err := entry.ParsePage(benchdata.Answer(`{"id":"a"}`, `{"id":"b"}`, `{"id":"c"}`))
	require.NoError(t, err)
	items := []*entry.Entry{&page.Entries[0], &page.Entries[1], &page.Entries[2]}
	keys := []plan.Key{plan.StoredKey(0, false, 1), plan.StoredKey(0, false, 2), plan.StoredKey(0, false, 3)}
	left := func(ids ...string) plog.Logs {
		logs := plog.NewLogs()
		records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for _, id := range ids {
			record := records.AppendEmpty()
			if id != "" {
				record.Attributes().PutStr("log.record.uid", id)
			}
		}
		return logs
	}
	assert.Equal(t, []plan.Key{keys[0], keys[2]}, acceptedKeys(items, keys, left("b")))
	assert.Equal(t, keys, acceptedKeys(items, keys, left()))
	assert.Empty(t, acceptedKeys(items, keys, left("changed")))
	assert.Empty(t, acceptedKeys(items, keys, left("b", "")))
}

// TestWhatGoesFirst: of what has happened already, the end of the term goes before a
// result, and that before the time to wake.
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
