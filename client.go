// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

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

// watchedHTTP notes how long calls wait for their answers: net/http's time limit ends most,
// and a middleware need not heed it.
func watchedHTTP(client *http.Client, watch *report.Watch) *http.Client {
	watched := *client
	watched.Transport = watchedTransport{client.Transport, watch}
	return &watched
}

type watchedTransport struct {
	http.RoundTripper
	watch *report.Watch
}

// RoundTrip implements http.RoundTripper. The wait ends with the body.
func (t watchedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	done := t.watch.Begin(report.OnAPI, "call "+path.Base(req.URL.Path))
	res, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		done()
		return res, err
	}
	res.Body = &watchedBody{res.Body, sync.OnceFunc(done)}
	return res, nil
}

type watchedBody struct {
	io.ReadCloser
	done func()
}

// Close implements io.Closer.
func (b *watchedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// watchedPipeline notes how long the pipeline takes for what it is handed.
type watchedPipeline struct {
	consumer.Logs
	watch *report.Watch
}

// ConsumeLogs implements consumer.Logs.
func (p watchedPipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	defer p.watch.Begin(report.OnPipeline, fmt.Sprintf("hand over %d records", logs.LogRecordCount()))()
	return p.Logs.ConsumeLogs(ctx, logs)
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
func (g *calls) Admit(ctx context.Context, inARow int) (answered func(), err error) {
	for {
		began := time.Now()
		c, err := g.pace.Admit(ctx, inARow, checkpoint.CommitGrace)
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
// busy with, and what it allows is learned.
func (g *calls) Ended(operation string, took time.Duration, limit int, err error) {
	g.tel.CountCall(operation, took, err)
	var api *openapi.Error
	limited := errors.As(err, &api) && api.Class == cause.ClassRateLimited
	if limited && api.Wait > 0 {
		g.tel.CountWait("server", g.pace.Pause(api.Wait))
	}
	if operation != openapi.OpList {
		return
	}
	switch {
	case limited:
		g.pace.Refused(took, limit)
	case api == nil || api.HTTPStatus != 0: // an answer
		g.pace.Allowed(limit)
	}
}
