// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestRecordTooLarge: a record that the exporter refuses for its size does not delay other records, and is
// reported once rather than at every retry. Once the limit is raised, it is delivered. Covers F53, F54.
func TestRecordTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		raised := false
		w.sink.RefuseWith(func(logs plog.Logs) error {
			for _, uid := range world.UidsIn(logs) {
				if uid == "e-42" && !raised {
					return errors.New(`error exporting to topic "feishu-audit": MESSAGE_TOO_LARGE`)
				}
			}
			return nil
		})
		entries(w.server, "e", 100, time.Now().Unix()-60)
		stop := w.start(t)
		defer func() { stop() }()
		time.Sleep(5 * time.Second)
		onceEach(t, w, 99)
		for n := range 100 {
			entries(w.server, fmt.Sprint("more", n), 1, time.Now().Unix())
			time.Sleep(5 * time.Minute)
		}
		onceEach(t, w, 199)
		told := w.logs.FilterMessageSnippet("Cannot deliver records").All()
		if assert.Len(t, told, 1) {
			assert.Contains(t, told[0].ContextMap()["error"], "MESSAGE_TOO_LARGE")
		}
		assert.Empty(t, givenUp(t, w).Records)
		w.sink.Mu.Lock()
		raised = true
		w.sink.Mu.Unlock()
		time.Sleep(2 * time.Minute)
		onceEach(t, w, 200)
	})
}
