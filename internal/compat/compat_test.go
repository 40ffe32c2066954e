// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package compat runs the receiver with a recent collector release, while the
// product requires the lowest one that it works with. `make compat` runs it.
package compat

import (
	"context"
	"net/http/httptest"
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
	front := httptest.NewServer(server)
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
}
