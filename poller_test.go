// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/plog"
)

// TestTaken: what is left of a page after a partial refusal is never taken for
// accepted, also where a processor changed or removed its ids.
func TestTaken(t *testing.T) {
	items := []*item{{id: "a"}, {id: "b"}, {id: "c"}}
	keys := []seenKey{{hash: 1}, {hash: 2}, {hash: 3}}
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
	assert.Equal(t, []seenKey{{hash: 1}, {hash: 3}}, taken(items, keys, left("b")))
	assert.Equal(t, keys, taken(items, keys, left()))
	assert.Empty(t, taken(items, keys, left("changed")))
	assert.Empty(t, taken(items, keys, left("b", "")))
}
