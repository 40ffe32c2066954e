// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
)

// PipeSettings are what a pipe needs.
type PipeSettings struct {
	Next    consumer.Logs
	ObsRep  *receiverhelper.ObsReport
	Retry   configretry.BackOffConfig
	Logger  *zap.Logger
	Refused func(n int) // is told of every refusal, with the number of records
	// Grace is how long a call of the pipeline may go on after the term has
	// ended: one that is cut off may have delivered what we then deliver again.
	Grace time.Duration
}

// Pipe hands records to the pipeline until it takes them.
type Pipe struct{ set PipeSettings }

// NewPipe returns a pipe.
func NewPipe(set PipeSettings) *Pipe { return &Pipe{set} }

// dataFormat is what the collector's receiver metrics call our data.
const dataFormat = "feishu_openapi_audit"

// hand returns when the pipeline has accepted the records, or has refused them
// permanently: dropped says how many. It fails only when ctx ends first; left are
// the records that the pipeline has not answered for by then. The same records are
// tried again for as long as the refusal may pass.
func (p *Pipe) hand(ctx context.Context, logs plog.Logs, h *report.Health) (dropped int, left plog.Logs, err error) {
	began := time.Now()
	delay := NewBackOff(p.set.Retry)
	for {
		sent := time.Now()
		cut, err := p.try(ctx, logs)
		if err == nil {
			return 0, plog.Logs{}, nil
		}
		refused := logs.LogRecordCount()
		p.set.Refused(refused)
		// A partial failure names what is left; what was taken must not go again. Where
		// several branches refuse, each has its own rest, and all get all of it again.
		var part consumererror.Logs
		if !isPermanent(err) && len(joined(err)) == 0 && errors.As(err, &part) {
			logs = part.Data()
			refused = logs.LogRecordCount()
		}
		// A refusal for good is an answer even where the term has ended: a branch that took
		// the records would get them again. Of one that was cut off nobody knows.
		if ctx.Err() != nil && (cut || !isPermanent(err)) {
			return 0, logs, ctx.Err()
		}
		gaveUp := p.set.Retry.MaxElapsedTime > 0 && time.Since(began) >= p.set.Retry.MaxElapsedTime
		if isPermanent(err) || !p.set.Retry.Enabled || gaveUp {
			from, to := timesOf(logs)
			p.set.Logger.Error("The pipeline refused records for good: they are lost", zap.String("cause", string(cause.Pipeline)), zap.Error(safeRefusal(err)), zap.Int("records", refused),
				zap.Time("from", from), zap.Time("to", to), zap.Strings("log.record.uid", uidsOf(logs)))
			h.NoteDropped(refused, safeRefusal(err), sent)
			return refused, plog.Logs{}, nil
		}
		wait := delay.NextBackOff()
		h.NoteFailure(cause.Pipeline, safeRefusal(err), sent, wait)
		if err := Sleep(ctx, wait); err != nil {
			return 0, logs, err
		}
	}
}

// try tells, beside the pipeline's error, whether the grace was over before the pipeline answered.
func (p *Pipe) try(ctx context.Context, logs plog.Logs) (cut bool, err error) {
	lasting, done := outlive(ctx, p.set.Grace)
	defer done()

	attempt := logs
	if p.set.Next.Capabilities().MutatesData {
		// A processor may have changed the records before a later one refused
		// them; the next try needs them as they were.
		attempt = plog.NewLogs()
		logs.CopyTo(attempt)
	}
	n := logs.LogRecordCount()
	op := p.set.ObsRep.StartLogsOp(lasting)
	err = p.set.Next.ConsumeLogs(op, attempt)
	p.set.ObsRep.EndLogsOp(op, dataFormat, n, safeRefusal(err)) // writes the text into a span
	return lasting.Err() != nil, err
}
