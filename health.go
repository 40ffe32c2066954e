// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
)

// health tells the operator what is wrong, when that changes: one log line and one
// status when trouble begins or becomes another, and one when it is over. Not
// safe for concurrent use: the poller's own goroutine is its only user.
type health struct {
	logger *zap.Logger
	report func(*componentstatus.Event)

	well     bool
	kind     string // of the trouble that was told last
	failures int    // since the last success
	since    time.Time
}

// patience is how many failures in a row of a passing kind are kept to ourselves:
// one lost connection is nobody's business.
const patience = 3

// failed notes a failure. kind names the condition; retryIn is when it is tried
// again. Failures that only a person can mend are told at once.
func (h *health) failed(kind string, needsPerson bool, err error, retryIn time.Duration) {
	if h.failures == 0 {
		h.since = time.Now()
	}
	h.failures++
	fields := []zap.Field{zap.Error(err), zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond))}
	if kind == h.kind || (!needsPerson && h.failures < patience) {
		h.logger.Debug("Failed again", fields...)
		return
	}
	h.kind, h.well = kind, false
	if needsPerson {
		h.logger.Error("Reading the audit log is blocked until somebody acts; it goes on by itself then, nothing is lost", fields...)
	} else {
		h.logger.Warn("Reading the audit log fails and is tried again, nothing is lost", fields...)
	}
	h.report(componentstatus.NewRecoverableErrorEvent(err))
}

// recovered notes a success.
func (h *health) recovered() {
	if h.kind != "" {
		h.logger.Info("Reading the audit log works again",
			zap.Int("failures", h.failures), zap.Duration("after", time.Since(h.since).Round(time.Millisecond)))
	}
	h.kind, h.failures = "", 0
	if !h.well {
		h.well = true
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// unusable notes what only a restart with another configuration or storage can
// mend.
func (h *health) unusable(err error) {
	h.logger.Error("The receiver stands still; the rest of the collector goes on", zap.Error(err))
	h.report(componentstatus.NewPermanentErrorEvent(err))
}
