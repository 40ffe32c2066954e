// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// Outside is something outside the receiver that it waits for, as in the metric wait_age.
type Outside string

const (
	// OnPipeline waits until the pipeline accepts records.
	OnPipeline Outside = "pipeline"
	// OnStorage waits for the storage.
	OnStorage Outside = "storage"
	// OnAPI waits for the answer to a call.
	OnAPI Outside = "api"
	// OnTerm waits until the previous term has ended.
	OnTerm Outside = "term"
)

var outsides = []Outside{OnPipeline, OnStorage, OnAPI, OnTerm}

// problem is what the operator sees if a wait for it takes too long.
func (o Outside) problem() (c cause.Cause, advice string) {
	switch o {
	case OnPipeline:
		return cause.Pipeline, "check the exporters of this receiver's pipeline and the backends that they send to; a full queue that blocks waits like this, too"
	case OnAPI:
		return cause.Network, "check that this machine may connect to endpoint, or needs a proxy (proxy_url); timeout bounds such a call"
	case OnStorage:
		return cause.Storage, "check the disk or the network below the storage extension, and whether another process holds its lock"
	case OnTerm:
		return cause.Storage, "this replica was elected again while its last term still waits for the pipeline or the storage, which the lines before this one name"
	}
	return cause.API, ""
}

// LongWait is how long the receiver waits for something outside before it reports the wait.
const LongWait = 30 * time.Second

// Watch notices waits for something outside the receiver. A wait longer than LongWait is logged, with what the
// receiver waits for, and shown as a status; its end is logged with the duration. The time of failed tries just
// before counts as well: slow failures are reported as soon as a hanging call. Safe for concurrent use.
type Watch struct {
	Health *Health
}

// wait is a wait that has not ended.
type wait struct {
	on    Outside
	what  string
	since time.Time

	mu     sync.Mutex
	ended  bool
	logged bool
	timer  *time.Timer
}

// Begin notes the start of a wait; what names the operation. The returned function is to be called at the end of
// the wait.
func (w *Watch) Begin(on Outside, what string) (done func()) {
	x := &wait{on: on, what: what, since: time.Now()}
	w.Health.Gauges.beginWait(x)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.timer = time.AfterFunc(time.Until(w.Health.tellAt(x))+time.Millisecond, func() { w.long(x) })
	return func() { w.end(x) }
}

// long reports a wait, and again later until its status is shown: the status of another problem may take
// precedence.
func (w *Watch) long(x *wait) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	if left := time.Until(w.Health.tellAt(x)); left > 0 { // there was a success meanwhile
		x.timer.Reset(left + time.Millisecond)
		return
	}
	c, advice := x.on.problem()
	logged, shown := w.Health.noteWait(c, x, fmt.Errorf("%s: no end after %s; %s", x.what, LongWait, advice))
	x.logged = x.logged || logged
	if !shown {
		x.timer.Reset(LongWait)
	}
}

func (w *Watch) end(x *wait) {
	w.Health.Gauges.endWait(x)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
	x.timer.Stop()
	if x.logged {
		w.Health.Logger.Info("The wait is over", zap.String("waits_for", string(x.on)), zap.String("waiting_to", x.what),
			zap.Duration("after", time.Since(x.since).Round(time.Millisecond)))
	}
}

// tellAt is when a wait is reported: LongWait after it began, or after the first of the unreported failures
// before it.
func (h *Health) tellAt(x *wait) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := x.since
	if h.continues(x) && h.streak.firstSent.Before(since) {
		since = h.streak.firstSent
	}
	return since.Add(LongWait)
}

// continues reports whether a wait is another try after failures that were not reported, without a success
// since.
func (h *Health) continues(x *wait) bool {
	if h.streak.all == 0 || h.reported != "" {
		return false
	}
	switch of := h.streak.cause; x.on {
	case OnPipeline:
		return of == cause.Pipeline
	case OnStorage:
		return of == cause.Storage
	case OnAPI:
		return of != cause.Pipeline && of != cause.Storage
	case OnTerm:
	}
	return false
}

// noteWait notes a long wait that has not ended. It returns whether that was logged, which happens once per
// problem and cause, and whether the status shows it.
func (h *Health) noteWait(c cause.Cause, x *wait, err error) (logged, shown bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == stopped {
		return false, true
	}
	since := x.since
	if h.continues(x) && h.streak.firstSent.Before(since) {
		c, since = h.streak.cause, h.streak.firstSent
		err = fmt.Errorf("%s: no success for %s, in %d tries before this one", x.what, LongWait, h.streak.ofCause)
	}
	err = fmt.Errorf("%s: %w", c.Info().Title, err)
	if logged = !h.waits[c]; logged {
		if h.waits == nil {
			h.waits = make(map[cause.Cause]bool)
		}
		h.waits[c] = true
		h.Logger.Warn("Waiting for longer than expected; nothing is lost", zap.String("cause", string(c)), zap.String("waits_for", string(x.on)),
			zap.Duration("for", time.Since(since).Round(time.Second)), zap.Error(err))
	}
	h.count(c, since)
	turns := c != h.reported && h.takesTurns(c)
	if c != h.reported && !turns {
		h.reportProblem(c, err)
	}
	return logged, !turns
}
