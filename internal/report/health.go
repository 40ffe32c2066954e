// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// Health tells the operator what is wrong, when that changes: one log line and one
// status when trouble begins or becomes another, and one when it is over. Not
// safe for concurrent use: the goroutine of the term is its only user.
type Health struct {
	Logger *zap.Logger
	Report func(*componentstatus.Event)
	Gauges *Gauges
	First  time.Duration // FirstCalm

	well     bool
	told     cause.Cause // of the trouble that was told last, empty while there is none
	failures int         // since the trouble began
	since    time.Time   // when the call that was the first of them was sent
	row      int         // failures in a row, whatever their causes
	last     cause.Cause // of the last failure in that row
	inRow    int         // failures of that cause, one after another
	began    time.Time   // when the call that was the first of them was sent
	struck   time.Time   // when the cause that was told was last met

	again  time.Time     // the first success after the last failure, zero while there is none
	calm   time.Duration // how long it has to go well for the trouble to be over
	over   time.Time     // when the last trouble was over
	before cause.Cause   // that was told before the one that is told now, in the same trouble
	losing bool          // the pipeline has refused records for good, and has taken none since
	worse  bool          // which was told
}

// patience is how many failures in a row of a passing kind are kept to ourselves, and
// longPatience for how long, where each takes its time, as one that waits for the
// time limit does: one lost connection is nobody's business. A failure that is tried
// again only when tellWithin is over is not kept, either.
const (
	Patience     = 3
	longPatience = 20 * time.Second
	tellWithin   = time.Minute
)

// Trouble is over when it has gone well for as long as FirstCalm says: an API or a
// backend that refuses most tries, and not all, is in trouble all the time. What comes
// back within ComesBack times as long takes turns with success, and has to be gone for
// three times as long each time, up to CalmAtMost times. So have two causes that take
// turns: the one that was told has to be gone for as long before the other is told.
const (
	CalmAtMost = 10
	ComesBack  = 30
)

// FirstCalm is twice the longest wait between two tries: a minute by default.
func FirstCalm(cfg configretry.BackOffConfig) time.Duration {
	return min(max(2*cfg.MaxInterval, time.Second), 5*time.Minute)
}

// Failed notes a failure of something that began at sent. retryIn is when it is tried
// again. Failures that only a person can mend are told at once. A passing one that
// takes turns with what was told is not told until it is there to stay.
func (h *Health) Failed(c cause.Cause, err error, sent time.Time, retryIn time.Duration) {
	h.note(c, sent)
	info := c.Info()
	err = fmt.Errorf("%s: %w", info.Title, err)
	fields := []zap.Field{
		zap.String("cause", string(c)), zap.Error(err),
		zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond)),
	}
	lasts := info.NeedsPerson || h.inRow >= Patience || time.Since(h.began) >= longPatience ||
		time.Since(h.began)+retryIn > tellWithin || h.told == "" && h.row >= Patience
	if !lasts || h.known(c) {
		h.Logger.Debug("Failed again", fields...)
		return
	}
	if info.NeedsPerson {
		h.Logger.Error("Reading the audit log is blocked until somebody acts; it goes on by itself then, nothing is lost", fields...)
	} else {
		h.Logger.Warn("Reading the audit log fails and is tried again, nothing is lost", fields...)
	}
	h.losing, h.worse = false, false
	h.tell(c, err)
}

// Lost notes that the pipeline has refused n records for good, which has been logged.
// Nobody is to take a receiver for well that delivers nothing.
func (h *Health) Lost(n int, err error, sent time.Time) {
	h.note(cause.Pipeline, sent)
	h.losing = true
	if h.told == cause.Pipeline && h.worse {
		return
	}
	h.worse = true
	h.tell(cause.Pipeline, fmt.Errorf("%s: it has refused %d for good, they are lost: %w", cause.Pipeline.Info().Title, n, err))
}

func (h *Health) note(c cause.Cause, sent time.Time) {
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
func (h *Health) known(c cause.Cause) bool {
	if h.told == "" || c.Info().NeedsPerson && !h.told.Info().NeedsPerson {
		return false
	}
	return time.Since(h.struck) < h.calm
}

func (h *Health) tell(c cause.Cause, err error) {
	if h.told != "" {
		// The collector's state machine passes over an error that follows another.
		h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
	switch {
	case h.told == "" && time.Since(h.over) < ComesBack*h.First, h.told != "" && c == h.before:
		h.calm = min(3*h.calm, CalmAtMost*h.First)
	case h.told == "":
		h.calm = h.First
	}
	if c != h.told {
		h.Gauges.trouble(c, h.began)
		h.before = h.told
	}
	h.told, h.struck, h.well = c, time.Now(), false
	h.Report(componentstatus.NewRecoverableErrorEvent(err))
}

// Recovered notes a success, whether the pipeline took records with it, and whether a
// window was read to its end. Where the pipeline had refused some for good, nothing but
// the first shows that it is over; before the second nothing is known to be well.
func (h *Health) Recovered(taken, finished bool) {
	h.row, h.last, h.inRow = 0, "", 0
	if h.told == "" {
		h.failures = 0
		if h.well || finished {
			h.Rest()
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
	h.Settle()
}

// Settles is when trouble is over if nothing fails until then; zero if it cannot be
// said.
func (h *Health) Settles() time.Time {
	if h.told == "" || h.again.IsZero() {
		return time.Time{}
	}
	return h.again.Add(h.calm)
}

// Settle tells that trouble is over if it has gone well for long enough.
func (h *Health) Settle() {
	if at := h.Settles(); at.IsZero() || time.Now().Before(at) {
		return
	}
	h.Logger.Info("Reading the audit log works again", zap.String("cause", string(h.told)),
		zap.Int("failures", h.failures), zap.Duration("after", h.again.Sub(h.since).Round(time.Millisecond)))
	h.over = time.Now()
	h.Rest()
}

// Rest forgets trouble, as that of a replica that no longer reads.
func (h *Health) Rest() {
	h.told, h.before, h.failures, h.losing, h.worse = "", "", 0, false, false
	h.row, h.last, h.inRow = 0, "", 0
	h.Gauges.trouble("", time.Time{})
	if !h.well {
		h.well = true
		h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// Unusable notes what only a restart with another configuration or storage can
// mend.
func (h *Health) Unusable(c cause.Cause, err error) {
	err = fmt.Errorf("%s: %w", c.Info().Title, err)
	h.Logger.Error("The receiver stands still; the rest of the collector goes on", zap.String("cause", string(c)), zap.Error(err))
	h.Gauges.trouble(c, time.Now())
	h.Report(componentstatus.NewPermanentErrorEvent(err))
}
