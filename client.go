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

// watchedHTTP measures how long calls wait for their answers. net/http's time limit ends most waits, but a
// middleware may ignore it.
func watchedHTTP(client *http.Client, watch *report.Watch) *http.Client {
	watched := *client
	watched.Transport = watchedTransport{client.Transport, watch}
	return &watched
}

type watchedTransport struct {
	http.RoundTripper
	watch *report.Watch
}

// RoundTrip implements http.RoundTripper. The wait ends when the body has been read.
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

// watchedPipeline measures how long the pipeline takes for each batch.
type watchedPipeline struct {
	consumer.Logs
	watch *report.Watch
}

// ConsumeLogs implements consumer.Logs.
func (p watchedPipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	defer p.watch.Begin(report.OnPipeline, fmt.Sprintf("deliver %d records", logs.LogRecordCount()))()
	return p.Logs.ConsumeLogs(ctx, logs)
}

// calls is the client's gate for one term: calls are paced, recorded in the storage before they are made, and
// counted.
type calls struct {
	pace    *pace.Pace
	tel     *report.Telemetry
	written *checkpoint.Store // nil: without a storage
}

var _ openapi.Gate = (*calls)(nil)

// Admit waits until one more call may be made, and records it, so that a crash after the call does not forget
// it. A call that cannot be recorded is not made: its page could not be committed either.
func (g *calls) Admit(ctx context.Context, inARow int) (answered func(), err error) {
	for {
		began := time.Now()
		c, err := g.pace.Admit(ctx, inARow, checkpoint.CommitGrace)
		g.tel.CountWait("pace", g.pace.Since(began))
		if err != nil {
			return nil, err
		}
		if g.written != nil {
			writing, cancel := context.WithTimeout(ctx, checkpoint.CommitGrace-time.Duration(c.Number%1000)) // no two end at the same time, so that a seed of the simulation replays
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

// Answered gives the pace the server's time.
func (g *calls) Answered(date, sent, received time.Time) { g.pace.Settle(date, sent, received) }

// Ended counts a call. From here on the server's hint to wait is obeyed, whatever the poller does, and the limit
// that it allows is learned.
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
