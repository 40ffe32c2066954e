// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is what the operator sees: health in log lines and statuses, counters, and gauges that are
// computed when the metric reader asks.
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

// state is what was last shown to the operator.
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

// Health reports what is wrong, when that changes: one log line and one status when a problem starts or its
// cause changes, and one when it ends. Safe for concurrent use: a Watch reports waits while the goroutine of the
// term waits.
//
//	          first window read               calm for long enough
//	starting ───────────────────▶ well ◀──────────────────────────── recovering
//	   │                            │                                 ▲      │
//	   │  failures that persist     │  failures that persist  success │      │ failure
//	   └────────────────────────────┴─────────────────────▶ troubled ─┘◀─────┘
//
//	any state ── only a restart helps ──▶ stopped
//
// Failures that end soon change no state: they are counted in a streak, and logged at debug level. A success
// ends the streak. Rest, when another replica has taken over, leads from any state except stopped to well.
type Health struct {
	Logger *zap.Logger
	Report func(*componentstatus.Event)
	Gauges *Gauges
	First  time.Duration // FirstCalm
	// GoesOn is set if a later term may resume, as in a replica that is elected again: no other status can
	// follow a permanent one.
	GoesOn bool

	mu     sync.Mutex
	state  state
	streak streak // of failures without a success in between

	// Of the current problem, reported or not yet:
	failures  int       // since it started
	firstSent time.Time // when the first failed call was sent

	// Of the problem that was reported, if the state is troubled or recovering:
	reported cause.Cause
	previous cause.Cause   // the cause that was reported before for the same problem
	lastMet  time.Time     // when the reported cause last occurred
	calm     time.Duration // how long nothing may fail for the problem to be over
	calmFrom time.Time     // since when nothing has failed; if the state is recovering
	// owes is what is wrong with the pipeline: it has refused records permanently, and has accepted none since.
	// Only a success of the pipeline ends that, whatever else has ended. owed reports that it was the last thing
	// reported.
	owes error
	owed bool

	waits map[cause.Cause]bool // of the current problem: whether a wait was logged

	lastEnd time.Time // when the last problem ended
}

// streak is a series of failures without a success in between.
type streak struct {
	all       int // of any cause
	cause     cause.Cause
	ofCause   int       // of the last cause, one after another
	firstSent time.Time // when the call of the first of those was sent
}

// Patience is the number of temporary failures in a row after which they are reported: a single lost connection
// is not worth a report. That many tries of the API take about 20 s, because the first ones are quick.
// waitingPatience is the same for causes whose retries are never quick. Slow tries, such as those that wait for
// the time limit, are reported after longPatience, or from the second failure on if no success is possible
// before then. If no success is possible within LongWait of the first try, the failure is reported at once.
const (
	Patience        = 5
	waitingPatience = 3
	longPatience    = 20 * time.Second
)

// A problem is over when nothing has failed for the duration FirstCalm: an API or a backend that refuses most
// tries, but not all, is still failing. If the problem returns within ComesBack times that duration, it
// alternates with success, and the duration triples each time, up to CalmAtMost times FirstCalm. The same
// applies to two alternating causes: the reported one has to be gone for as long before the other one is
// reported.
const (
	CalmAtMost = 10
	ComesBack  = 30
)

// FirstCalm is twice the longest wait between two tries: a minute by default.
func FirstCalm(cfg configretry.BackOffConfig) time.Duration {
	return min(max(2*cfg.MaxInterval, time.Second), 5*time.Minute)
}

// NoteFailure notes a failure of something that started at sent. It is retried after retryIn. A failure that
// needs a person is reported at once. A temporary failure that alternates with the reported one is not reported
// until it persists.
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

// NoteDropped notes that n records were given up, which has been logged. A receiver that delivers nothing must
// not look healthy.
func (h *Health) NoteDropped(n int, err error, sent time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return
	}
	h.count(cause.Pipeline, sent)
	h.owe(fmt.Errorf("%s: it has refused %d permanently, they are lost: %w", cause.Pipeline.Info().Title, n, err))
}

// NoteHeld notes that the pipeline refuses n records permanently. They are held, because it has accepted no
// others since.
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

// owe reports what is wrong with the pipeline, and returns whether that was not reported yet.
func (h *Health) owe(err error) bool {
	h.owes = err
	if h.reported == cause.Pipeline && h.owed {
		return false
	}
	h.owed = true
	h.reportProblem(cause.Pipeline, err)
	return true
}

// count adds a failure to the current problem and to the streak.
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

// takesTurns reports whether a cause was reported, or alternates with the one that was. A cause that needs a
// person has priority over a temporary one.
func (h *Health) takesTurns(c cause.Cause) bool {
	if h.reported == "" || c.Info().NeedsPerson && !h.reported.Info().NeedsPerson {
		return false
	}
	return time.Since(h.lastMet) < h.calm
}

// reportProblem changes the state to troubled.
func (h *Health) reportProblem(c cause.Cause, err error) {
	if h.reported != "" {
		// The collector's state machine ignores an error that follows another error.
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

// NoteSuccess notes a success, whether the pipeline accepted records with it, and whether a window was read to
// its end. If the pipeline had dropped records, only accepted records show that this is over; before a window
// was read to its end, nothing shows that the receiver is well.
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
	case h.reported != cause.Pipeline: // that problem is over, and this one is not
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

// SettlesAt is when the problem will be over if nothing fails until then; zero if that is not known.
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

// Rest forgets the problem, because this replica no longer reads.
func (h *Health) Rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rest()
}

func (h *Health) rest() {
	if h.state == stopped && !h.GoesOn {
		return // the collector does not let a component return from a permanent status
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

// Stop notes a problem that only a restart with another configuration or storage can fix.
func (h *Health) Stop(c cause.Cause, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	err = fmt.Errorf("%s: %w", c.Info().Title, err)
	h.Logger.Error("Receiver stopped: fix the error, then restart. Other components keep running", zap.String("cause", string(c)), zap.Error(err))
	h.state = stopped
	h.Gauges.problem(c, time.Now())
	if h.GoesOn {
		if h.reported != "" { // otherwise the collector would ignore this one
			h.Report(componentstatus.NewEvent(componentstatus.StatusOK))
		}
		h.Report(componentstatus.NewRecoverableErrorEvent(err))
		return
	}
	h.Report(componentstatus.NewPermanentErrorEvent(err))
}
