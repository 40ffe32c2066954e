// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"time"

	"go.opentelemetry.io/collector/config/configretry"

	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// The parts of the receiver that only tests may use:

// AuditReceiver is the component.
type AuditReceiver = auditReceiver

var (
	NewReceiver         = newReceiver // with the test's own registry of paces
	CreateDefaultConfig = createDefaultConfig
	QueryOf             = queryOf
	ReceiverAttribute   = receiverAttribute
)

const (
	MinRetryInterval = minRetryInterval
	StopGrace        = stopGrace
)

// Progress is what the gauges show: the progress of the term, and when a walk was finished.
func (r *auditReceiver) Progress() (at report.Progress, walked time.Time) { return r.tel.Gauges.Now() }

// Retry returns the effective retry_on_failure.
func Retry(c *Config) configretry.BackOffConfig { return c.retry() }

// Records returns the settings by which a collector of that version builds records.
func Records(c *Config, version string) record.Settings { return c.records(version) }
