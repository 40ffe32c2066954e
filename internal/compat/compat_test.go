// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package compat runs the receiver with a recent collector release, while the product requires the lowest one
// that it supports. `make compat` runs it.
package compat

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	feishuauditreceiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

func TestRecentCollector(t *testing.T) {
	server := simulator.New(simulator.Options{})
	server.Add(simulator.Entry{ID: "1", APIKey: "GET/open-apis/im/v1/messages", EventTime: time.Now().Unix() - 60, AppID: "cli_a"})
	var connections atomic.Int32
	front := httptest.NewUnstartedServer(server)
	front.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	front.Start()
	defer front.Close()

	factory := feishuauditreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoint": front.URL, "app_id": simulator.DefaultAppID, "app_secret": simulator.DefaultAppSecret,
		"headers": map[string]any{"X-Extra": "1"},
	}).Unmarshal(cfg))
	sink := &consumertest.LogsSink{}
	r, err := factory.CreateLogs(context.Background(), receivertest.NewNopSettings(factory.Type()), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(context.Background(), componenttest.NewNopHost()))
	require.Eventually(t, func() bool { return sink.LogRecordCount() == 1 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, r.Shutdown(context.Background()))
	require.GreaterOrEqual(t, len(server.Calls()), 2, "one for a token, one for a page")
	require.EqualValues(t, 1, connections.Load(), "the connection is used again")
}

// TestKeepalive: the settings of idle connections, which lie below keepalive in later releases, are
// validated as those of the lowest release are, and docs/operating.md says where they are.
func TestKeepalive(t *testing.T) {
	for fault, settings := range map[string]map[string]any{
		"":                                 {"keepalive": map[string]any{"idle_conn_timeout": "30s"}},
		"keepalive::idle_conn_timeout: 30": {"keepalive": map[string]any{"idle_conn_timeout": "30ns"}},
		"keepalive::max_idle_conns: -1":    {"keepalive": map[string]any{"max_idle_conns": -1}},
		"invalid keys: idle_conn_timeout":  {"idle_conn_timeout": "30s"},
	} {
		cfg := feishuauditreceiver.NewFactory().CreateDefaultConfig()
		settings["app_id"], settings["app_secret"] = "cli_a", "s"
		err := confmap.NewFromStringMap(settings).Unmarshal(cfg)
		if err == nil {
			err = cfg.(*feishuauditreceiver.Config).Validate()
		}
		if fault == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, fault)
	}
}
