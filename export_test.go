// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"time"

	"go.opentelemetry.io/collector/config/configretry"

	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// What the tests of the whole receiver see of it, besides what everybody does.

// AuditReceiver is the component.
type AuditReceiver = auditReceiver

var (
	NewReceiver         = newReceiver // with a registry of paces of the test's own
	CreateDefaultConfig = createDefaultConfig
	QueryOf             = queryOf
	ReceiverAttribute   = receiverAttribute
)

const (
	MinRetryInterval = minRetryInterval
	StopGrace        = stopGrace
)

// Progress is what the gauges show: how far the term is, and when a walk was finished.
func (r *auditReceiver) Progress() (at report.Progress, walked time.Time) { return r.tel.Gauges.Now() }

// Retry is retry_on_failure as it is used.
func Retry(c *Config) configretry.BackOffConfig { return c.retry() }

// Records says how records are built by a collector of that version.
func Records(c *Config, version string) record.Settings { return c.records(version) }
