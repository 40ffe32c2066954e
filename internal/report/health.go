// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is what the operator sees: health in log lines and statuses, counters, and
// gauges that are computed when they are asked for.
package report

import (
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configretry"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// state is what the operator was shown last.
type state int

const (
	_ state = iota // starting: nothing has been reported yet
	// well: StatusOK.
	well
	// troubled: StatusRecoverableError, and the last call failed.
	troubled
	// recovering: StatusRecoverableError, and nothing has failed since a success.
	recovering
	// stopped: StatusPermanentError, until the receiver is restarted.
	stopped
)

// Health tells the operator what is wrong, when that changes: one log line and one
// status when a problem starts or gets another cause, and one when it ends. Safe for
// concurrent use: a Watch tells of waits while the goroutine of the term waits.
//
//	          first window read               calm for long enough
//	starting ───────────────────▶ well ◀──────────────────────────── recovering
//	   │                            │                                 ▲      │
//	   │  failures that persist     │  failures that persist  success │      │ failure
//	   └────────────────────────────┴─────────────────────▶ troubled ─┘◀─────┘
//
//	any state ── only a restart helps ──▶ stopped
//
// Failures that pass soon change no state: they are counted in a streak, and logged at
// debug level. A success ends the streak. Rest, when another replica has taken over, leads
// from any state but stopped to well.
type Health struct {
	Logger *zap.Logger
	Report func(*componentstatus.Event)
	Gauges *Gauges
	First  time.Duration // FirstCalm
	// GoesOn is set where a later term may go on, as that of a replica that is elected
	// again: nothing can follow a permanent status.
	GoesOn bool

	mu     sync.Mutex
	state  state
	streak streak // of failures without a success in between

	// Of the problem at hand, reported or not yet:
	failures  int       // since it started
	firstSent time.Time // when the call that failed first was sent

	// Of the problem that was reported, where the state is troubled or recovering:
	reported cause.Cause
	previous cause.Cause   // what was reported before, as the cause of the same problem
	lastMet  time.Time     // when the reported cause was last met
	calm     time.Duration // how long nothing may fail for the problem to be over
	calmFrom time.Time     // since when nothing has failed; where the state is recovering
	// owes is what is wrong with the pipeline: it has refused records permanently, and has
	// taken none since. Nothing but a success of the pipeline ends that, whatever else has
	// passed. owed says that it was reported last.
	owes error
	owed bool

	waits map[cause.Cause]bool // of the problem at hand: whether a wait was logged

	lastEnd time.Time // when the last problem ended
}

// streak is failures without a success in between.
type streak struct {
	all       int // whatever their causes
	cause     cause.Cause
	ofCause   int       // of the last cause, one after another
	firstSent time.Time // when the call of the first of those was sent
}

// Patience is how many failures in a row of a passing kind are reported, as one lost connection
// is nobody's business: so many tries of the API take some 20 s, the first of them being quick.
// waitingPatience is that of causes whose tries are never quick. Where tries take their time, as
// those that wait for the time limit do, what fails for longPatience is reported, and from the
// second failure on what cannot succeed before. What cannot succeed within LongWait of its first
// try is reported at once.
const (
	Patience        = 5
	waitingPatience = 3
	longPatience    = 20 * time.Second
)

// A problem is over when nothing has failed for as long as FirstCalm says: an API or a
// backend that refuses most tries, and not all, is failing all the time. What comes
// back within ComesBack times as long takes turns with success, and has to be gone for
// three times as long each time, up to CalmAtMost times. So have two causes that take
// turns: the one that was reported has to be gone for as long before the other is.
const (
	CalmAtMost = 10
	ComesBack  = 30
)

// FirstCalm is twice the longest wait between two tries: a minute by default.
func FirstCalm(cfg configretry.BackOffConfig) time.Duration {
	return min(max(2*cfg.MaxInterval, time.Second), 5*time.Minute)
}

// NoteFailure notes a failure of something that began at sent. retryIn is when it is tried
// again. What needs a person is reported at once. A passing failure that takes turns with
// what was reported is not reported until it is there to stay.
func (h *Health) NoteFailure(c cause.Cause, err error, sent time.Time, retryIn time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return
	}
	h.count(c, sent)
	info := c.Info()
	err = fmt.Errorf("%s: %w", info.Title, err)
	fields := []zap.Field{
		zap.String("cause", string(c)), zap.Error(err),
		zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond)),
	}
	patience := Patience
	if c == cause.Pipeline || c == cause.RateLimit {
		patience = waitingPatience
	}
	elapsed := time.Since(h.streak.firstSent)
	lasts := elapsed + retryIn
	persists := info.NeedsPerson || elapsed >= longPatience || lasts > LongWait ||
		h.streak.ofCause >= 2 && lasts >= longPatience || h.streak.ofCause >= patience ||
		h.reported == "" && h.streak.all >= Patience
	if !persists || h.takesTurns(c) {
		h.Logger.Debug("Failed again", fields...)
		return
	}
	h.logFailure(info, fields)
	h.owed = false
	h.reportProblem(c, err)
}

// NoteDropped notes that n records were given up, which has been logged. Nobody is to take a
// receiver for well that delivers nothing.
func (h *Health) NoteDropped(n int, err error, sent time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return
	}
	h.count(cause.Pipeline, sent)
	h.owe(fmt.Errorf("%s: it has refused %d permanently, they are lost: %w", cause.Pipeline.Info().Title, n, err))
}

// NoteHeld notes that the pipeline refuses n records permanently, which are held, as it has
// taken no others since.
func (h *Health) NoteHeld(n int, err error, sent time.Time, retryIn time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return
	}
	h.count(cause.Pipeline, sent)
	err = fmt.Errorf("%s: it refuses %d permanently and takes no others, they are held: %w", cause.Pipeline.Info().Title, n, err)
	fields := []zap.Field{
		zap.String("cause", string(cause.Pipeline)), zap.Error(err), zap.Int("held", n),
		zap.Int("failures", h.failures), zap.Duration("retry_in", retryIn.Round(time.Millisecond)),
	}
	if h.owe(err) {
		h.Logger.Error("The pipeline refuses records permanently and takes no others: action required. They are held and retried, nothing is lost", fields...)
	} else {
		h.Logger.Debug("Failed again", fields...)
	}
}

// owe reports what is wrong with the pipeline, and whether that was not reported yet.
func (h *Health) owe(err error) bool {
	h.owes = err
	if h.reported == cause.Pipeline && h.owed {
		return false
	}
	h.owed = true
	h.reportProblem(cause.Pipeline, err)
	return true
}

// count adds a failure to the problem at hand and to the streak.
func (h *Health) count(c cause.Cause, sent time.Time) {
	if h.failures == 0 {
		h.firstSent = sent
	}
	h.failures++
	if c != h.streak.cause {
		h.streak.cause, h.streak.ofCause, h.streak.firstSent = c, 0, sent
	}
	h.streak.all++
	h.streak.ofCause++
	if h.state == recovering {
		h.state = troubled
	}
	if c == h.reported {
		h.lastMet = time.Now()
	}
}

// takesTurns reports whether a cause was reported, or comes and goes beside the one that
// was. What needs a person is worth more than what passes.
func (h *Health) takesTurns(c cause.Cause) bool {
	if h.reported == "" || c.Info().NeedsPerson && !h.reported.Info().NeedsPerson {
		return false
	}
	return time.Since(h.lastMet) < h.calm
}

// reportProblem leads to troubled.
func (h *Health) reportProblem(c cause.Cause, err error) {
	if h.reported != "" {
		// The collector's state machine passes over an error that follows another.
		h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
	switch {
	case h.reported == "" && time.Since(h.lastEnd) < ComesBack*h.First, h.reported != "" && c == h.previous:
		h.calm = min(3*h.calm, CalmAtMost*h.First)
	case h.reported == "":
		h.calm = h.First
	}
	if c != h.reported {
		h.Gauges.problem(c, h.streak.firstSent)
		h.previous = h.reported
	}
	h.state, h.reported, h.lastMet = troubled, c, time.Now()
	h.Report(componentstatus.NewRecoverableErrorEvent(err))
}

// NoteSuccess notes a success, whether the pipeline took records with it, and whether a
// window was read to its end. Where the pipeline had dropped records, nothing but the first
// shows that it is over; before the second nothing is known to be well.
func (h *Health) NoteSuccess(accepted, finished bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return
	}
	h.streak = streak{}
	if h.reported == "" {
		h.failures = 0
		if h.state == well || finished {
			h.rest()
		}
		return
	}
	switch {
	case h.owes == nil || accepted:
		h.owes = nil
	case h.reported != cause.Pipeline: // that has passed, and this has not
		h.owe(h.owes)
		return
	default:
		return
	}
	if h.state != recovering {
		h.state, h.calmFrom = recovering, time.Now()
	}
	h.settle()
}

// SettlesAt is when the problem is over if nothing fails until then; zero if it cannot be
// said.
func (h *Health) SettlesAt() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.settlesAt()
}

func (h *Health) settlesAt() time.Time {
	if h.state != recovering {
		return time.Time{}
	}
	return h.calmFrom.Add(h.calm)
}

// Settle reports that the problem is over if nothing has failed for long enough.
func (h *Health) Settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle()
}

func (h *Health) settle() {
	if at := h.settlesAt(); at.IsZero() || time.Now().Before(at) {
		return
	}
	h.logEnd([]zap.Field{
		zap.String("cause", string(h.reported)),
		zap.Int("failures", h.failures), zap.Duration("after", h.calmFrom.Sub(h.firstSent).Round(time.Millisecond)),
	})
	h.lastEnd = time.Now()
	h.rest()
}

// Rest forgets the problem, as that of a replica that no longer reads.
func (h *Health) Rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest()
}

func (h *Health) rest() {
	if h.state == stopped && !h.GoesOn {
		return // the collector lets no component come back from a permanent status
	}
	h.reported, h.previous, h.failures, h.owes, h.owed = "", "", 0, nil, false
	h.waits = nil
	h.streak = streak{}
	h.Gauges.problem("", time.Time{})
	if h.state != well {
		h.state = well
		h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// Stop notes what only a restart with another configuration or storage can fix.
func (h *Health) Stop(c cause.Cause, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	err = fmt.Errorf("%s: %w", c.Info().Title, err)
	h.Logger.Error("Receiver stopped: fix the error, then restart. Other components keep running", zap.String("cause", string(c)), zap.Error(err))
	h.state = stopped
	h.Gauges.problem(c, time.Now())
	if h.GoesOn {
		if h.reported != "" { // or the collector would pass over this one
			h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
		}
		h.Report(componentstatus.NewRecoverableErrorEvent(err))
		return
	}
	h.Report(componentstatus.NewPermanentErrorEvent(err))
}
