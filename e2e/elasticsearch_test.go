// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestElasticsearch: through examples/elasticsearch every entry becomes one document,
// whatever stops in mid-flow.
func TestElasticsearch(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	deliver(t, b, true)
	require.True(t, b.streams, "bulk requests ask for data streams only")
	for key, doc := range b.docs {
		require.Equal(t, "logs-feishu.openapi.otel-default", key.index)
		require.Equal(t, fromDocument(doc).uid, key.id)
		require.Equal(t, map[string]any{"type": "logs", "dataset": "feishu.openapi.otel", "namespace": "default"}, doc["data_stream"])
		require.Equal(t, "feishu.openapi.call", doc["event_name"])
		require.Contains(t, []any{9.0, 13.0}, doc["severity_number"])
		require.NotContains(t, doc["attributes"], "elasticsearch.document_id")
	}
}

// TestElasticsearchConflicts: a page that comes again leaves one document an entry.
// Its conflicts are neither retried nor taken for a failure, and the collector's log
// has a few lines about them, not one for each.
func TestElasticsearchConflicts(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	entries, out := repeat(t, b, &b.gate)
	checkPath(t, entries, b.held(t), 0)
	require.Equal(t, pageSize, b.conflicts, "one page came again, once")
	lines := strings.Count(out, "failed to index document")
	require.Positive(t, lines)
	// Of equal lines the collector shows the first 10 in 10 s and each 100th.
	require.LessOrEqual(t, lines, 20)
	require.NotContains(t, out, "is tried again")
}

// TestElasticsearchRefusesDocuments: the request succeeds, and single documents of it
// are refused, for want of a shard, a right or an index. They are sent again until
// they are taken, and nothing else is.
func TestElasticsearchRefusesDocuments(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{
		"403": http.StatusForbidden, "404": http.StatusNotFound, "429": http.StatusTooManyRequests, "503": http.StatusServiceUnavailable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBulk(t)
			until := time.Now().Add(12 * time.Second)
			b.refuses = func(n int) int {
				if n%3 == 0 && time.Now().Before(until) {
					return status
				}
				return 0
			}
			a, entries := newBacklog(t, 52, 300)
			c := newExample(t, a, b).start(t)
			eventually(t, time.Minute, "everything arrives", func() bool { return len(b.held(t)) >= len(entries) })
			c.term(t)
			checkPath(t, entries, b.held(t), 0)
			require.Positive(t, b.refused)
			require.Zero(t, b.conflicts, "documents that were taken were sent again")
		})
	}
}
