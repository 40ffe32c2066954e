// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestShutdownBetweenTheBatchesOfAPage: if an API ignores page_size, a page has many batches. If the pipeline
// takes seconds for each, Shutdown does not wait for all of them. What was accepted is stored. Covers F64.
func TestShutdownBetweenTheBatchesOfAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		second := time.Now().Unix() - 30
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "list_data") {
				w.server.ServeHTTP(rw, r)
				return
			}
			var items []string
			for i := range 5000 {
				items = append(items, fmt.Sprintf(`{"id":"h%d","event_time":%d}`, i, second))
			}
			fmt.Fprintf(rw, `{"code":0,"data":{"has_more":false,"items":[%s]}}`, strings.Join(items, ","))
		})
		w.sink.Blocks = func() (time.Duration, bool) { return 3 * time.Second, false }
		stop := w.start(t)
		time.Sleep(10 * time.Second)
		began := time.Now()
		stop()
		assert.LessOrEqual(t, time.Since(began), audit.StopGrace+checkpoint.CommitGrace)
		assert.Len(t, w.sink.Got(), 400)
		w.sink.Blocks = nil
		stop = w.start(t)
		time.Sleep(time.Minute)
		stop()
		got := w.sink.Got()
		assert.Len(t, got, 5000)
		for id, n := range got {
			assert.Equal(t, 1, n, id)
		}
	})
}
