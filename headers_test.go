// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestConfiguredHeaders: configured headers are sent, and do not prevent connections from being closed at the
// end, although a wrapped transport hides its method for that.
func TestConfiguredHeaders(t *testing.T) {
	var calls, opened, closed atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Extra") == "extra" && r.Host == "open.example.com" {
			calls.Add(1)
		}
		_, _ = io.WriteString(w, `{"code":0,"tenant_access_token":"t","expire":7200}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed.Add(1)
		case http.StateActive, http.StateIdle, http.StateHijacked:
		}
	}
	server.Start()
	defer server.Close()
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.ClientConfig.Endpoint = server.URL
	cfg.ClientConfig.Headers.Set("x-extra", "extra")
	cfg.ClientConfig.Headers.Set("host", "open.example.com")
	cfg.AppID, cfg.AppSecret = "cli_x", "secret"
	r, err := audit.NewReceiver(receivertest.NewNopSettings(metadata.Type), cfg, world.NewSink(), &pace.Registry{})
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), world.Host{}))
	apart()
	require.Eventually(t, func() bool { return calls.Load() > 1 }, 20*time.Second, time.Millisecond)
	require.NoError(t, r.Shutdown(t.Context()))
	require.Eventually(t, func() bool { return closed.Load() == opened.Load() }, 20*time.Second, time.Millisecond, "well before idle_conn_timeout")
}
