// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// without returns a copy of the records without the first n.
func without(logs plog.Logs, n int) plog.Logs {
	rest := plog.NewLogs()
	logs.CopyTo(rest)
	rest.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n--; return n >= 0 })
	return rest
}

// withForeign adds other receivers' records.
func withForeign(logs plog.Logs) plog.Logs {
	others := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	others.AppendEmpty().Attributes().PutStr("log.record.uid", "somebody else's")
	others.AppendEmpty().Body().SetStr("a line of a file")
	return logs
}

// TestPartlyTaken: exactly the records that the pipeline names as left are delivered again, whatever the reason
// looks like: not the accepted ones, and not other receivers' records in the same batch. Covers F57.
func TestPartlyTaken(t *testing.T) {
	shards := errors.Join(errors.New("shard 1: 503"), errors.New("shard 2: 503"))
	for name, tc := range map[string]struct {
		says  func(logs plog.Logs) error
		twice int // how many may be duplicated, because it is unknown whether they were accepted
	}{
		"retryable":          {says: func(logs plog.Logs) error { return consumererror.NewLogs(errors.New("503"), without(logs, 4)) }},
		"several reasons":    {says: func(logs plog.Logs) error { return consumererror.NewLogs(shards, without(logs, 4)) }},
		"permanent":          {says: func(logs plog.Logs) error { return consumererror.NewLogs(permanent, without(logs, 9)) }},
		"permanent, of many": {says: func(logs plog.Logs) error { return consumererror.NewLogs(permanent, without(logs, 2)) }},
		"permanent, wrapped": {says: func(logs plog.Logs) error {
			return consumererror.NewPermanent(consumererror.NewLogs(errors.New("400"), without(logs, 4)))
		}},
		"with those of others": {says: func(logs plog.Logs) error {
			return consumererror.NewLogs(errors.New("503"), withForeign(without(logs, 4)))
		}},
		"only those of others": {says: func(logs plog.Logs) error {
			return consumererror.NewLogs(errors.New("503"), withForeign(without(logs, 10)))
		}, twice: 10},
		"nothing": {says: func(logs plog.Logs) error { return consumererror.NewLogs(errors.New("503"), without(logs, 10)) }, twice: 10},
		"in two batches": {says: func(logs plog.Logs) error {
			return errors.Join(consumererror.NewLogs(errors.New("503"), without(logs, 8)), consumererror.NewLogs(errors.New("503"), without(logs, 9)))
		}},
		"in two batches, permanent": {says: func(logs plog.Logs) error {
			return errors.Join(consumererror.NewLogs(permanent, without(logs, 8)), consumererror.NewLogs(errors.New("503"), without(logs, 9)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "e", 10, time.Now().Unix()-60)
				first := true
				w.sink.RefuseWith(func(logs plog.Logs) error {
					if !first {
						return nil
					}
					first = false
					return tc.says(logs)
				})
				o := newOperator(t, w)
				time.Sleep(10 * time.Minute)
				o.stop()
				assert.NotContains(t, w.sink.Got(), "somebody else's")
				assert.Len(t, w.sink.Got(), 10)
				if tc.twice == 0 {
					onceEach(t, w, 10)
					assert.InDelta(t, 10, points(t, o.tel, "entries")["result=delivered"], 0)
				}
				assert.Zero(t, points(t, o.tel, "entries")["result=lost"])
				assert.Empty(t, givenUp(t, w).Records)
			})
		})
	}
}

// stamp is a processor that is not idempotent, before an exporter.
type stamp struct{ next consumer.Logs }

func (stamp) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (s stamp) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				r.Body().SetStr("audit: " + r.Body().Str())
			}
		}
	}
	return s.next.ConsumeLogs(ctx, logs)
}

// TestPartlyTakenBehindAProcessor: processors have changed the records that are left. They are delivered again
// in their original form. Covers F57.
func TestPartlyTakenBehindAProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		entries(w.server, "e", 10, time.Now().Unix()-60)
		bodies := map[string]string{}
		first := true
		end, err := consumer.NewLogs(func(_ context.Context, logs plog.Logs) error {
			rest := plog.NewLogs()
			if first {
				rest = without(logs, 4)
				logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(r plog.LogRecord) bool {
					uid, _ := r.Attributes().Get("log.record.uid")
					for _, left := range world.UidsIn(rest) {
						if left == uid.Str() {
							return true
						}
					}
					return false
				})
			}
			for _, r := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				uid, _ := r.Attributes().Get("log.record.uid")
				bodies[uid.Str()] += r.Body().Str()[:14]
			}
			if first {
				first = false
				return consumererror.NewLogs(errors.New("429"), rest)
			}
			return nil
		})
		require.NoError(t, err)
		set := receivertest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(w.core)
		r, err := audit.NewReceiver(set, w.cfg, stamp{end}, w.paces)
		require.NoError(t, err)
		require.NoError(t, r.Start(t.Context(), w.host()))
		apart()
		time.Sleep(10 * time.Minute)
		require.NoError(t, r.Shutdown(context.Background()))
		require.Len(t, bodies, 10)
		for id, body := range bodies {
			assert.Equal(t, `audit: {"id":"`, body, id)
		}
	})
}

// TestPipelineFreesRecords: a collector that pools records empties them when the call returns, also with an
// error. Nothing is lost. Covers F58.
func TestPipelineFreesRecords(t *testing.T) {
	for name, says := range map[string]func(plog.Logs) error{
		"retryable": func(plog.Logs) error { return errors.New("503") },
		"permanent": func(plog.Logs) error { return permanent },
		"partly":    func(logs plog.Logs) error { return consumererror.NewLogs(errors.New("503"), without(logs, 4)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.sink.Frees = true
				entries(w.server, "e", 10, time.Now().Unix()-60)
				refusals := 3
				w.sink.RefuseWith(func(logs plog.Logs) error {
					if refusals--; refusals < 0 || logs.LogRecordCount() < 5 {
						return nil
					}
					return says(logs)
				})
				stop := w.start(t)
				time.Sleep(10 * time.Minute)
				stop()
				onceEach(t, w, 10)
			})
		})
	}
}
