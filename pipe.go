// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"
)

// pipeSettings are what a pipe needs.
type pipeSettings struct {
	Next    consumer.Logs
	ObsRep  *receiverhelper.ObsReport
	Retry   configretry.BackOffConfig
	Logger  *zap.Logger
	Refused func(n int) // is told of every refusal, with the number of records
	// Grace is how long a call of the pipeline may go on after the term has
	// ended: one that is cut off may have delivered what we then deliver again.
	Grace time.Duration
}

// pipe hands records to the pipeline until it takes them.
type pipe struct{ set pipeSettings }

func newPipe(set pipeSettings) *pipe { return &pipe{set} }

// dataFormat is what the collector's receiver metrics call our data.
const dataFormat = "feishu_openapi_audit"

// hand returns when the pipeline has accepted the records, or has refused some of
// them for good: lost says how many. It fails only when ctx ends first; left are
// the records that the pipeline has not answered for by then. The same records are
// tried again for as long as the refusal may pass.
func (p *pipe) hand(ctx context.Context, logs plog.Logs, h *health) (lost int, left plog.Logs, err error) {
	began := time.Now()
	delay := newBackOff(p.set.Retry)
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
		if !forGood(err) && len(joined(err)) == 0 && errors.As(err, &part) {
			logs = part.Data()
			refused = logs.LogRecordCount()
		}
		// A refusal for good is an answer even where the term has ended: a branch that took
		// the records would get them again. Of one that was cut off nobody knows.
		if ctx.Err() != nil && (cut || !forGood(err)) {
			return 0, logs, ctx.Err()
		}
		gaveUp := p.set.Retry.MaxElapsedTime > 0 && time.Since(began) >= p.set.Retry.MaxElapsedTime
		if forGood(err) || !p.set.Retry.Enabled || gaveUp {
			from, to := timesOf(logs)
			p.set.Logger.Error("The pipeline refused records for good: they are lost", zap.String("cause", string(causePipeline)), zap.Error(safeRefusal(err)), zap.Int("records", refused),
				zap.Time("from", from), zap.Time("to", to), zap.Strings("log.record.uid", uidsOf(logs)))
			h.lost(refused, safeRefusal(err), sent)
			return refused, plog.Logs{}, nil
		}
		wait := delay.NextBackOff()
		h.failed(causePipeline, safeRefusal(err), sent, wait)
		if err := sleep(ctx, wait); err != nil {
			return 0, logs, err
		}
	}
}

// forGood tells whether trying again is in vain. Where the pipeline branches, as with
// several exporters, the errors of its branches come joined: one that may pass is worth
// a retry, even beside one that is permanent.
func forGood(err error) bool {
	if !consumererror.IsPermanent(err) {
		return false
	}
	branches, permanent := joined(err), 0
	for _, branch := range branches {
		if forGood(branch) {
			permanent++
		}
	}
	// None: what is permanent is what they are wrapped in.
	return permanent == 0 || permanent == len(branches)
}

// joined are the errors of which err consists, if it wraps several.
func joined(err error) []error {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this is the walk that errors.As makes
		case interface{ Unwrap() []error }:
			return e.Unwrap()
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// try tells, beside the pipeline's error, whether the grace was over before the pipeline answered.
func (p *pipe) try(ctx context.Context, logs plog.Logs) (cut bool, err error) {
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

// knownRefusals are texts of the collector's own errors that hold nothing of a
// record.
var knownRefusals = []string{
	"data refused due to high memory usage", // memory_limiter
	"sending queue is full",                 // exporterhelper
	"element size too large",
	context.DeadlineExceeded.Error(),
	context.Canceled.Error(),
}

// safeRefusal is an error of the pipeline without what it may quote: backends
// answer with the record that they refuse, and exporters hand that on.
func safeRefusal(err error) error {
	if err == nil {
		return nil
	}
	safe := errors.New("the processor or exporter that refuses them logs why; its error is not repeated here, as it may quote records")
	for _, known := range knownRefusals {
		if strings.Contains(err.Error(), known) {
			safe = errors.New(known)
			break
		}
	}
	if forGood(err) {
		safe = consumererror.NewPermanent(safe)
	}
	if consumererror.IsDownstream(err) {
		safe = consumererror.NewDownstream(safe)
	}
	return safe
}

func uidsOf(logs plog.Logs) []string {
	var ids []string
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if uid, ok := record.Attributes().Get("log.record.uid"); ok {
					ids = append(ids, uid.Str())
				}
			}
		}
	}
	return ids
}

// timesOf are the start_time and end_time with which the records can be read again: of
// those whose time could be read, or both zero.
func timesOf(logs plog.Logs) (from, to time.Time) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if record.Timestamp() == 0 {
					continue
				}
				at := record.Timestamp().AsTime()
				if from.IsZero() || at.Before(from) {
					from = at
				}
				to = later(to, at.Add(time.Second))
			}
		}
	}
	return from, to
}
