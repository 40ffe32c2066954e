// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
)

// NewFactory creates the factory of the feishu_audit receiver. Receivers of one factory that use the same
// credential share its rate limit.
func NewFactory() receiver.Factory {
	shared := &pace.Registry{}
	return receiver.NewFactory(
		metadata.Type,
		createDefaultConfig,
		receiver.WithLogs(
			func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
				return newReceiver(set, cfg.(*Config), next, shared)
			},
			metadata.LogsStability,
		),
	)
}

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Endpoint = openapi.FeishuEndpoint
	client.Timeout = 30 * time.Second
	// Without pings, a dead HTTP/2 connection would be used again and again: a call that times out does not
	// close it.
	client.HTTP2ReadIdleTimeout = 30 * time.Second
	client.HTTP2PingTimeout = 10 * time.Second
	retry := configretry.NewDefaultBackOffConfig()
	retry.MaxElapsedTime = 0
	return &Config{
		ClientConfig:       client,
		PollInterval:       time.Minute,
		InitialLookback:    time.Hour,
		RecheckAfter:       []time.Duration{2 * time.Minute, 15 * time.Minute, time.Hour},
		MaxWindow:          time.Hour,
		PageSize:           entry.MaxPageSize,
		RequestsPerMinute:  apiCallsPerMinute,
		MaxConcurrentWalks: 4,
		MaxResponseSize:    32 << 20,
		Redaction:          RedactionConfig{Enabled: true},
		Body:               BodyOriginal,
		RetryOnFailure:     retry,
	}
}
