// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver // import "github.com/feishuaudit/feishuauditreceiver"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

type auditReceiver struct{}

func newReceiver(receiver.Settings, *Config, consumer.Logs) (*auditReceiver, error) {
	return &auditReceiver{}, nil
}

func (*auditReceiver) Start(context.Context, component.Host) error { return nil }
func (*auditReceiver) Shutdown(context.Context) error              { return nil }
