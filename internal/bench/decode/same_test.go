// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"

	feishu "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/benchdata"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext/jsontexttest"
)

// received is the receiver's result for a page.
func received(t *testing.T, page []byte) plog.Logs {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "tenant_access_token") {
			fmt.Fprint(w, `{"code":0,"tenant_access_token":"t","expire":7200}`)
			return
		}
		_, _ = w.Write(page)
	}))
	defer server.Close()
	factory := feishu.NewFactory()
	cfg := factory.CreateDefaultConfig()
	conf := map[string]any{
		"endpoint": server.URL, "app_id": "cli_reader", "app_secret": "secret",
		"start_time": time.Unix(benchdata.EventTime-10, 0).Format(time.RFC3339),
	}
	require.NoError(t, confmap.NewFromStringMap(conf).Unmarshal(cfg))
	sink := &consumertest.LogsSink{}
	set := receiver.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	r, err := factory.CreateLogs(t.Context(), set, cfg, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return sink.LogRecordCount() > 0 }, 20*time.Second, 5*time.Millisecond)
	require.NoError(t, r.Shutdown(context.Background()))
	return sink.AllLogs()[0]
}

// TestSameRecords: all ways make the same records of a page as the receiver; if they rewrite the entry's text,
// it has the same meaning.
func TestSameRecords(t *testing.T) {
	for _, page := range benchdata.Pages() {
		t.Run(page.Name, func(t *testing.T) {
			body := page.Body()
			want := received(t, body).ResourceLogs().At(0)
			floor, err := NewFloor(body, json.Valid)
			require.NoError(t, err)
			for name, way := range map[string]func([]byte, time.Time) (plog.Logs, error){"sdk": SDK, "structs": Structs, "floor": floor.Decode} {
				logs, err := way(body, want.ScopeLogs().At(0).LogRecords().At(0).ObservedTimestamp().AsTime())
				require.NoError(t, err)
				got := logs.ResourceLogs().At(0)
				require.Equal(t, want.Resource().Attributes().AsRaw(), got.Resource().Attributes().AsRaw(), name)
				wants, gots := want.ScopeLogs().At(0).LogRecords(), got.ScopeLogs().At(0).LogRecords()
				require.Equal(t, wants.Len(), gots.Len(), name)
				for i := range wants.Len() {
					w, g := wants.At(i), gots.At(i)
					require.Equal(t, w.Attributes().AsRaw(), g.Attributes().AsRaw(), name)
					require.Equal(t, w.Timestamp(), g.Timestamp(), name)
					require.Equal(t, w.ObservedTimestamp(), g.ObservedTimestamp(), name)
					require.Equal(t, w.SeverityNumber(), g.SeverityNumber(), name)
					require.Equal(t, w.EventName(), g.EventName(), name)
					require.JSONEq(t, w.Body().Str(), g.Body().Str(), name)
					if name != "sdk" {
						require.Equal(t, w.Body().Str(), g.Body().Str(), name)
					}
				}
			}
		})
	}
}

// TestChecks: a check that accepts invalid JSON is not comparable.
func TestChecks(t *testing.T) {
	for _, check := range Checks() {
		for _, page := range benchdata.Pages() {
			body := page.Body()
			require.True(t, json.Valid(body))
			require.True(t, check.Valid(body), check.Name)
			require.False(t, check.Valid(body[:len(body)-1]), check.Name)
			require.False(t, check.Valid([]byte(strings.Replace(string(body), `"ip":`, `"ip";`, 1))), check.Name)
		}
		var wrong []string
		for _, text := range jsontexttest.Texts {
			for _, text := range []string{text, `{"a": [0, ` + text + "\n] }"} {
				if check.Valid([]byte(text)) != json.Valid([]byte(text)) {
					wrong = append(wrong, text)
				}
			}
		}
		t.Logf("%s is wrong about %q", check.Name, wrong)
		assert.Equal(t, check.Lax, len(wrong) > 0, "%s is wrong about %q", check.Name, wrong)
	}
}
