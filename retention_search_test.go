// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/component/componentstatus"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestSearchMeetsOtherRefusals: calls that are refused for another reason, at any moment of the search for the
// oldest time that the API shows, do not make the receiver skip what is shown. Covers F8.
func TestSearchMeetsOtherRefusals(t *testing.T) {
	const keeps = 7 * 24 * time.Hour
	for _, from := range []int{2, 3, 12, 22, 24, 27} {
		for _, n := range []int{1, 16} {
			t.Run(fmt.Sprintf("%d from call %d", n, from), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tenant := simulator.Tenant{Seed: 3, PerSecond: 0.002, Start: time.Now().Add(-30 * 24 * time.Hour).Unix()}
					w := quietWorld(simulator.Options{Tenant: tenant})
					w.cfg.StartTime = time.Now().Add(-20 * 24 * time.Hour)
					w.latency = func() time.Duration { return 300 * time.Millisecond }
					var mu sync.Mutex // two walks may make calls at the same instant
					searching := 0    // calls since the search has requested the present
					well := time.Now()
					w.handler = onList{w.server, func(w http.ResponseWriter, query map[string]any) bool {
						mu.Lock()
						defer mu.Unlock()
						start := second(query, "start_time")
						if searching > 0 || start > time.Now().Unix()-60 {
							searching++
						}
						if start >= time.Now().Add(-keeps).Unix() {
							if searching < from || searching >= from+n {
								return false
							}
							well = time.Now()
						}
						w.WriteHeader(http.StatusBadRequest)
						_, _ = io.WriteString(w, `{"code":1780103,"msg":"invalid parameter"}`)
						return true
					}}
					stop := w.start(t)
					time.Sleep(4 * time.Hour)
					stop()
					got := w.sink.Got()
					assert.NotEmpty(t, got)
					// What was still shown when the receiver could find out: after the patience, a slow try and
					// the margin.
					for _, e := range tenant.Entries(well.Add(20*time.Minute-keeps).Unix(), time.Now().Add(-2*time.Hour).Unix()) {
						assert.Equal(t, 1, got[e.ID], e.EventTime)
					}
				})
			})
		}
	}
}

// TestExportBeyondRetention: an export of a time that the API no longer shows ends, and reports what is missing.
func TestExportBeyondRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		tenant := simulator.Tenant{Seed: 3, PerSecond: 0.005, Start: time.Now().Add(-30 * day).Unix()}
		w := quietWorld(simulator.Options{Tenant: tenant, Retention: 7 * day, RefuseExpired: true})
		w.cfg.StartTime, w.cfg.EndTime = time.Now().Add(-20*day), time.Now().Add(-19*day)
		o := newOperator(t, w)
		defer o.stop()
		time.Sleep(day)
		gap := w.logs.FilterMessageSnippet("Skipping a time range that the API does not return").All()
		if assert.Len(t, gap, 1) {
			assert.True(t, gap[0].ContextMap()["to"].(time.Time).Equal(w.cfg.EndTime.Truncate(time.Second)))
		}
		assert.Equal(t, 1, w.logs.FilterMessageSnippet("The export is complete").Len())
		statuses := o.statuses()
		assert.Equal(t, componentstatus.StatusOK.String(), statuses[len(statuses)-1])
	})
}
