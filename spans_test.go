// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/otel/trace"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestSpans: each walk has a span, whose children are its calls and the deliveries of its pages. A span of a
// walk that had to start again has the reason.
func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultPageTokenRefused, Count: 2}}}), componenttest.NewTelemetry()
		w.cfg.InitialLookback, w.cfg.RecheckAfter, w.cfg.PollInterval = time.Minute, nil, time.Hour
		begin := time.Now().UTC().Add(-time.Minute)
		entries(w.server, "some", 250, begin.Unix()+50)
		r := w.observed(t, tel, w.host())
		time.Sleep(30 * time.Minute)
		w.server.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultReset}} })
		time.Sleep(time.Hour)
		require.NoError(t, r.Shutdown(context.Background()))

		children := map[trace.SpanID]map[string]int{}
		type walkSpan struct {
			status     string
			attributes map[string]string
			children   map[string]int
		}
		var walks []walkSpan
		for _, span := range tel.SpanRecorder.Ended() {
			parent := span.Parent().SpanID()
			if children[parent] == nil {
				children[parent] = map[string]int{}
			}
			children[parent][span.Name()]++
		}
		for _, span := range tel.SpanRecorder.Ended() {
			if span.Name() != "receiver/feishu_audit/walk" {
				continue
			}
			assert.False(t, span.Parent().IsValid())
			attributes := map[string]string{}
			for _, kv := range span.Attributes() {
				attributes[string(kv.Key)] = kv.Value.Emit()
			}
			walks = append(walks, walkSpan{span.Status().Description, attributes, children[span.SpanContext().SpanID()]})
		}
		at := func(d time.Duration) string { return begin.Add(d).Format(time.RFC3339) }
		first := map[string]string{"receiver": "feishu_audit", "pass": "0", "from": at(0), "to": at(time.Minute), "pages": "1"}
		again := map[string]string{"receiver": "feishu_audit", "pass": "0", "from": at(0), "to": at(time.Minute), "pages": "3"}
		require.Len(t, walks, 3)
		// The token, a page, and two refusals of the next one.
		assert.Contains(t, walks[0].status, "code 1780103")
		assert.Equal(t, walkSpan{walks[0].status, first, map[string]int{"HTTP POST": 4, "receiver/feishu_audit/LogsReceived": 1}}, walks[0])
		assert.Equal(t, walkSpan{"", again, map[string]int{"HTTP POST": 3, "receiver/feishu_audit/LogsReceived": 2}}, walks[1])
		assert.Equal(t, "the receiver is stopping", walks[2].status)
		assert.Equal(t, "0", walks[2].attributes["pages"])
		assert.Greater(t, walks[2].children["HTTP POST"], 30, "the calls that failed")
		assert.NotContains(t, children[trace.SpanID{}], "HTTP POST", "every call belongs to a walk or a probe")
	})
}

// TestOvertakenWalks: if the pace is too low for all rechecks, the last one goes first. A walk that it overtakes
// is dropped, and does not keep ids. Covers F33.
func TestOvertakenWalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond, last = 1, 30 * 60
		w, tel := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 1, PerSecond: perSecond, Start: time.Now().Unix()}}), componenttest.NewTelemetry()
		w.cfg.RecheckAfter, w.cfg.PageSize, w.cfg.RequestsPerMinute = []time.Duration{10 * time.Minute, last * time.Second}, 10, 13
		r := w.observed(t, tel, w.host())
		most := 0
		for range 4 * 60 {
			time.Sleep(time.Minute)
			at, _ := r.Progress()
			most = max(most, at.IDs)
		}
		require.NoError(t, r.Shutdown(context.Background()))
		dropped := 0
		for _, span := range tel.SpanRecorder.Ended() {
			if span.Status().Description == plan.ErrCovered.Error() {
				dropped++
			}
		}
		assert.Positive(t, dropped)
		assert.Less(t, most, perSecond*(2*last+plan.MemoryAllowance+2*int(w.cfg.MaxWindow/time.Second)))
	})
}
