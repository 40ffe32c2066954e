// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"
)

// openHTTP makes the HTTP client of the receiver.
func (r *auditReceiver) openHTTP(ctx context.Context, host component.Host) (*http.Client, func(), error) {
	return newHTTP(ctx, r.cfg.ClientConfig, host, r.set.TelemetrySettings, receiverAttribute(r.set.ID))
}

// calls is the client's gate of one term: calls keep to the pace, are written down before
// they are made, and are counted.
type calls struct {
	pace    *pace
	tel     *telemetry
	written *store // nil: without a storage
}

var _ gate = (*calls)(nil)

// Admit waits until one more call may be made, and writes it down, so that a crash after
// it does not forget it. A call that cannot be written down is not made: its page could
// not be committed either.
func (g *calls) Admit(ctx context.Context, urgent bool) (answered func(), err error) {
	for {
		began := time.Now()
		c, err := g.pace.admit(ctx, urgent, commitGrace)
		g.tel.waited("pace", g.pace.since(began))
		if err != nil {
			return nil, err
		}
		if g.written != nil {
			writing, cancel := context.WithTimeout(ctx, commitGrace-time.Duration(c.number%1000)) // no two end at once: a seed of the simulation replays
			err = g.written.noteCalls(writing, c.number, g.pace.recent)
			cancel()
		}
		if err == nil && c.leaves() {
			return c.answered, nil
		}
		c.giveBack()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, &unwrittenError{err}
		}
	}
}

// Answered tells the pace what the server's time is.
func (g *calls) Answered(date, sent, received time.Time) { g.pace.settle(date, sent, received) }

// Ended counts a call. What the server asks for holds from here on, whatever the poller is
// busy with.
func (g *calls) Ended(operation string, took time.Duration, err error) {
	g.tel.call(operation, took, err)
	var api *apiError
	if errors.As(err, &api) && api.class == classRateLimited && api.wait > 0 {
		g.tel.waited("server", g.pace.pause(api.wait))
	}
}
