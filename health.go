// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"
)

// health tells the operator what is wrong, when that changes: one log line and one
// status when trouble begins or becomes another, and one when it is over. Not
// safe for concurrent use: the goroutine of the term is its only user.
type health struct {
	logger *zap.Logger
	report func(*componentstatus.Event)
	gauges *gauges
	first  time.Duration // firstCalm

	well     bool
	told     cause     // of the trouble that was told last, empty while there is none
	failures int       // since the trouble began
	since    time.Time // when the call that was the first of them was sent
	row      int       // failures in a row, whatever their causes
	last     cause     // of the last failure in that row
	inRow    int       // failures of that cause, one after another
	began    time.Time // when the call that was the first of them was sent
	struck   time.Time // when the cause that was told was last met

	again  time.Time     // the first success after the last failure, zero while there is none
	calm   time.Duration // how long it has to go well for the trouble to be over
	over   time.Time     // when the last trouble was over
	before cause         // that was told before the one that is told now, in the same trouble
	losing bool          // the pipeline has refused records for good, and has taken none since
	worse  bool          // which was told
}

// patience is how many failures in a row of a passing kind are kept to ourselves, and
// longPatience for how long, where each takes its time, as one that waits for the
// time limit does: one lost connection is nobody's business. A failure that is tried
// again only when tellWithin is over is not kept, either.
const (
	patience     = 3
	longPatience = 20 * time.Second
	tellWithin   = time.Minute
)

// Trouble is over when it has gone well for as long as firstCalm says: an API or a
// backend that refuses most tries, and not all, is in trouble all the time. What comes
// back within comesBack times as long takes turns with success, and has to be gone for
// three times as long each time, up to calmAtMost times. So have two causes that take
// turns: the one that was told has to be gone for as long before the other is told.
const (
	calmAtMost = 10
	comesBack  = 30
)

// firstCalm is twice the longest wait between two tries: a minute by default.
func firstCalm(cfg configretry.BackOffConfig) time.Duration {
	return min(max(2*cfg.MaxInterval, time.Second), 5*time.Minute)
}

// failed notes a failure of something that began at sent. retryIn is when it is tried
// again. Failures that only a person can mend are told at once. A passing one that
// takes turns with what was told is not told until it is there to stay.
func (h *health) failed(c cause, err error, sent time.Time, retryIn time.Duration) {
	h.note(c, sent)
	info := c.info()
	err = fmt.Errorf("%s: %w", info.title, err)
	fields := []zap.Field{
		zap.String("cause", string(c)), zap.Error(err),
		zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond)),
	}
	lasts := info.needsPerson || h.inRow >= patience || time.Since(h.began) >= longPatience ||
		time.Since(h.began)+retryIn > tellWithin || h.told == "" && h.row >= patience
	if !lasts || h.known(c) {
		h.logger.Debug("Failed again", fields...)
		return
	}
	if info.needsPerson {
		h.logger.Error("Reading the audit log is blocked until somebody acts; it goes on by itself then, nothing is lost", fields...)
	} else {
		h.logger.Warn("Reading the audit log fails and is tried again, nothing is lost", fields...)
	}
	h.losing, h.worse = false, false
	h.tell(c, err)
}

// lost notes that the pipeline has refused n records for good, which has been logged.
// Nobody is to take a receiver for well that delivers nothing.
func (h *health) lost(n int, err error, sent time.Time) {
	h.note(causePipeline, sent)
	h.losing = true
	if h.told == causePipeline && h.worse {
		return
	}
	h.worse = true
	h.tell(causePipeline, fmt.Errorf("%s: it has refused %d for good, they are lost: %w", causePipeline.info().title, n, err))
}

func (h *health) note(c cause, sent time.Time) {
	if h.failures == 0 {
		h.since = sent
	}
	if c != h.last {
		h.last, h.inRow, h.began = c, 0, sent
	}
	h.failures++
	h.row++
	h.inRow++
	h.again = time.Time{}
	if c == h.told {
		h.struck = time.Now()
	}
}

// known tells whether a cause was told, or comes and goes beside the one that was. What
// only a person can mend is worth more than what passes.
func (h *health) known(c cause) bool {
	if h.told == "" || c.info().needsPerson && !h.told.info().needsPerson {
		return false
	}
	return time.Since(h.struck) < h.calm
}

func (h *health) tell(c cause, err error) {
	if h.told != "" {
		// The collector's state machine passes over an error that follows another.
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
	switch {
	case h.told == "" && time.Since(h.over) < comesBack*h.first, h.told != "" && c == h.before:
		h.calm = min(3*h.calm, calmAtMost*h.first)
	case h.told == "":
		h.calm = h.first
	}
	if c != h.told {
		h.gauges.trouble(c, h.began)
		h.before = h.told
	}
	h.told, h.struck, h.well = c, time.Now(), false
	h.report(componentstatus.NewRecoverableErrorEvent(err))
}

// recovered notes a success, whether the pipeline took records with it, and whether a
// window was read to its end. Where the pipeline had refused some for good, nothing but
// the first shows that it is over; before the second nothing is known to be well.
func (h *health) recovered(taken, finished bool) {
	h.row, h.last, h.inRow = 0, "", 0
	if h.told == "" {
		h.failures = 0
		if h.well || finished {
			h.rest()
		}
		return
	}
	if h.losing && !taken {
		return
	}
	h.losing = false
	if h.again.IsZero() {
		h.again = time.Now()
	}
	h.settle()
}

// settles is when trouble is over if nothing fails until then; zero if it cannot be
// said.
func (h *health) settles() time.Time {
	if h.told == "" || h.again.IsZero() {
		return time.Time{}
	}
	return h.again.Add(h.calm)
}

// settle tells that trouble is over if it has gone well for long enough.
func (h *health) settle() {
	if at := h.settles(); at.IsZero() || time.Now().Before(at) {
		return
	}
	h.logger.Info("Reading the audit log works again", zap.String("cause", string(h.told)),
		zap.Int("failures", h.failures), zap.Duration("after", h.again.Sub(h.since).Round(time.Millisecond)))
	h.over = time.Now()
	h.rest()
}

// rest forgets trouble, as that of a replica that no longer reads.
func (h *health) rest() {
	h.told, h.before, h.failures, h.losing, h.worse = "", "", 0, false, false
	h.row, h.last, h.inRow = 0, "", 0
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
