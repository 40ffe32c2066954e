// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestSameID: entries with the same id that differ in time, app or API all arrive, once each, also with restarts
// and rechecks; they are counted, and logged once. Covers F46.
func TestSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		second := time.Now().Unix() - 100
		one := simulator.Entry{ID: "77", APIKey: "GET/open-apis/im/v1/messages", EventTime: second, AppID: "cli_a"}
		later, app, api := one, one, one
		later.EventTime, app.AppID, api.APIKey = second+5, "cli_b", "DELETE/open-apis/im/v1/messages/:message_id"
		filled := one // the same entry again, with more fields filled in
		filled.Path, filled.Response, filled.IP = "/open-apis/im/v1/messages", `{"code":0}`, "10.0.0.1"
		w.server.Add(one, later, app, api)
		stop := w.start(t)
		time.Sleep(10 * time.Minute)
		w.server.Add(filled)
		time.Sleep(10 * time.Minute)
		stop()
		stop = w.start(t)
		time.Sleep(3 * time.Hour)
		stop()
		assert.Equal(t, map[string]int{"77": 4}, w.sink.Got())
		told := w.logs.FilterMessageSnippet("Several entries share an id").All()
		require.Len(t, told, 1)
		assert.Equal(t, "77", told[0].ContextMap()["id"])
	})
}

// TestSharedIDsMetric: entries with another entry's id are counted, and entries that are only returned again are
// not. Covers F46.
func TestSharedIDsMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tel := quietWorld(simulator.Options{}), componenttest.NewTelemetry()
		r := w.observed(t, tel, w.host())
		time.Sleep(30 * time.Second)
		metadatatest.AssertEqualReceiverFeishuAuditSharedIds(t, tel, single(int64(0)), untimed)
		second := time.Now().Unix() - 100
		for i := range 5 {
			w.server.Add(simulator.Entry{ID: "7", APIKey: "GET/a", EventTime: second + int64(i), AppID: "cli_a"})
			w.server.Add(simulator.Entry{ID: strconv.Itoa(100 + i), APIKey: "GET/a", EventTime: second, AppID: "cli_a"})
		}
		time.Sleep(3 * time.Hour)
		metadatatest.AssertEqualReceiverFeishuAuditSharedIds(t, tel, single(int64(4)), untimed)
		require.NoError(t, r.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
}

// TestIDsThatAreNone: a service that writes 0 or a sign if it has no id. Covers F46.
func TestIDsThatAreNone(t *testing.T) {
	for _, id := range []string{`0`, `"0"`, `" "`, `"-"`, `"null"`, `""`, `null`} {
		t.Run(id, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				second := time.Now().Unix() - 100
				for i := range 10 {
					w.server.Add(simulator.Entry{ID: strconv.Itoa(i), EventTime: second, Raw: fmt.Sprintf(`{"id":%s,"event_time":%d,"api_key":"GET/a","app_id":"cli_a","ip":"10.0.0.%d"}`, id, second, i)})
				}
				stop := w.start(t)
				time.Sleep(3 * time.Hour)
				stop()
				got := w.sink.Got()
				assert.Len(t, got, 10)
				for uid, n := range got {
					assert.True(t, strings.HasPrefix(uid, "sha256:"), uid)
					assert.Equal(t, 1, n, uid)
				}
			})
		})
	}
}

// TestPagesOfOneID: if all entries of a long window share an id, its pages are not taken for the same page
// again. Covers F46, F13.
func TestPagesOfOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		second := time.Now().Unix() - 3000
		for i := range 3000 {
			w.server.Add(simulator.Entry{ID: "7", APIKey: "GET/open-apis/im/v1/messages", EventTime: second + int64(i), AppID: "cli_a"})
		}
		stop := w.start(t)
		time.Sleep(10 * time.Minute)
		stop()
		assert.Equal(t, map[string]int{"7": 3000}, w.sink.Got())
		assert.Empty(t, w.logs.FilterMessageSnippet("pages").All())
	})
}
