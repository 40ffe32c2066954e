// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
)

// health tells the operator what is wrong, when that changes: one log line and one
// status when trouble begins or becomes another, and one when it is over. Not
// safe for concurrent use: the goroutine of the term is its only user.
type health struct {
	logger *zap.Logger
	report func(*componentstatus.Event)
	gauges *gauges

	well     bool
	told     cause     // of the trouble that was told last, empty while there is none
	failures int       // since the last success
	since    time.Time // when the first of them was
	last     cause     // of the last failure
	inRow    int       // failures of that cause, one after another
	began    time.Time // when the first of them was
}

// patience is how many failures in a row of a passing kind are kept to ourselves, and
// longPatience for how long, where each takes its time, as one that waits for the
// server's limit does: one lost connection is nobody's business.
const (
	patience     = 3
	longPatience = 20 * time.Second
)

// failed notes a failure. retryIn is when it is tried again. Failures that only a
// person can mend are told at once. A passing one that takes turns with what was
// told is not told until it is there to stay.
func (h *health) failed(c cause, err error, retryIn time.Duration) {
	if h.failures == 0 {
		h.since = time.Now()
	}
	if c != h.last {
		h.last, h.inRow, h.began = c, 0, time.Now()
	}
	h.failures++
	h.inRow++
	info := c.info()
	err = fmt.Errorf("%s: %w", info.title, err)
	fields := []zap.Field{
		zap.String("cause", string(c)), zap.Error(err),
		zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond)),
	}
	lasts := info.needsPerson || h.inRow >= patience || time.Since(h.began) >= longPatience || h.told == "" && h.failures >= patience
	if c == h.told || !lasts {
		h.logger.Debug("Failed again", fields...)
		return
	}
	if info.needsPerson {
		h.logger.Error("Reading the audit log is blocked until somebody acts; it goes on by itself then, nothing is lost", fields...)
	} else {
		h.logger.Warn("Reading the audit log fails and is tried again, nothing is lost", fields...)
	}
	if h.told != "" {
		// The collector's state machine passes over an error that follows another.
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
	h.told, h.well = c, false
	h.gauges.trouble(c, h.began)
	h.report(componentstatus.NewRecoverableErrorEvent(err))
}

// recovered notes a success.
func (h *health) recovered() {
	if h.told != "" {
		h.logger.Info("Reading the audit log works again", zap.String("cause", string(h.told)),
			zap.Int("failures", h.failures), zap.Duration("after", time.Since(h.since).Round(time.Millisecond)))
	}
	h.rest()
}

// rest forgets trouble, as that of a replica that no longer reads.
func (h *health) rest() {
	h.told, h.last, h.failures = "", "", 0
	h.gauges.trouble("", time.Time{})
	if !h.well {
		h.well = true
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// unusable notes what only a restart with another configuration or storage can
// mend.
func (h *health) unusable(c cause, err error) {
	err = fmt.Errorf("%s: %w", c.info().title, err)
	h.logger.Error("The receiver stands still; the rest of the collector goes on", zap.String("cause", string(c)), zap.Error(err))
	h.gauges.trouble(c, time.Now())
	h.report(componentstatus.NewPermanentErrorEvent(err))
}
