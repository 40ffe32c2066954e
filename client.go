// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// openHTTP makes the HTTP client of the receiver.
func (r *auditReceiver) openHTTP(ctx context.Context, host component.Host) (*http.Client, func(), error) {
	return openapi.NewHTTP(ctx, r.cfg.ClientConfig, host, r.set.TelemetrySettings, receiverAttribute(r.set.ID))
}

// calls is the client's gate of one term: calls keep to the pace, are written down before
// they are made, and are counted.
type calls struct {
	pace    *pace.Pace
	tel     *report.Telemetry
	written *checkpoint.Store // nil: without a storage
}

var _ openapi.Gate = (*calls)(nil)

// Admit waits until one more call may be made, and writes it down, so that a crash after
// it does not forget it. A call that cannot be written down is not made: its page could
// not be committed either.
func (g *calls) Admit(ctx context.Context, urgent bool) (answered func(), err error) {
	for {
		began := time.Now()
		c, err := g.pace.Admit(ctx, urgent, checkpoint.CommitGrace)
		g.tel.CountWait("pace", g.pace.Since(began))
		if err != nil {
			return nil, err
		}
		if g.written != nil {
			writing, cancel := context.WithTimeout(ctx, checkpoint.CommitGrace-time.Duration(c.Number%1000)) // no two end at once: a seed of the simulation replays
			err = g.written.NoteCalls(writing, c.Number, g.pace.Recent)
			cancel()
		}
		if err == nil && c.Leaves() {
			return c.Answered, nil
		}
		c.GiveBack()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, &checkpoint.UnwrittenError{Err: err}
		}
	}
}

// Answered tells the pace what the server's time is.
func (g *calls) Answered(date, sent, received time.Time) { g.pace.Settle(date, sent, received) }

// Ended counts a call. What the server asks for holds from here on, whatever the poller is
// busy with.
func (g *calls) Ended(operation string, took time.Duration, err error) {
	g.tel.CountCall(operation, took, err)
	var api *openapi.Error
	if errors.As(err, &api) && api.Class == cause.ClassRateLimited && api.Wait > 0 {
		g.tel.CountWait("server", g.pace.Pause(api.Wait))
	}
}
