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

// fanOut is a pipeline with several exporters, as the collector builds it.
type fanOut []consumer.Logs

func (fanOut) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (f fanOut) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	var errs []error
	for _, branch := range f {
		errs = append(errs, branch.ConsumeLogs(ctx, logs))
	}
	return errors.Join(errs...)
}

// TestSeveralExporters: whatever one branch of the pipeline answers, the others get every record. Covers F24.
func TestSeveralExporters(t *testing.T) {
	passing := func(plog.Logs) error { return errors.New("503") }
	part := func(from, to int) func(plog.Logs) error {
		return func(logs plog.Logs) error {
			rest, n := plog.NewLogs(), -1
			logs.CopyTo(rest)
			rest.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().RemoveIf(func(plog.LogRecord) bool { n++; return n < from || n >= to })
			return consumererror.NewLogs(errors.New("503"), rest)
		}
	}
	for name, tc := range map[string]struct {
		first, second func(plog.Logs) error // answers to the first batch
		refuses       bool                  // the first branch answers the same each time
	}{
		"one permanently, one that may pass": {first: func(plog.Logs) error { return consumererror.NewPermanent(errors.New("400")) }, second: passing, refuses: true},
		"different parts":                    {first: part(4, 10), second: part(0, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "e", 10, time.Now().Unix()-60)
				a, b := world.NewSink(), world.NewSink()
				once := func(said func(plog.Logs) error, forEver bool) func(plog.Logs) error {
					first := true
					return func(logs plog.Logs) error {
						if !first && !forEver {
							return nil
						}
						first = false
						return said(logs)
					}
				}
				a.RefuseWith(once(tc.first, tc.refuses))
				b.RefuseWith(once(tc.second, false))
				set := receivertest.NewNopSettings(metadata.Type)
				set.Logger = zap.New(w.core)
				r, err := audit.NewReceiver(set, w.cfg, fanOut{a, b}, w.paces)
				require.NoError(t, err)
				require.NoError(t, r.Start(t.Context(), w.host()))
				apart()
				time.Sleep(3 * time.Hour)
				require.NoError(t, r.Shutdown(context.Background()))
				assert.Len(t, b.Got(), 10)
				if tc.refuses {
					assert.Empty(t, a.Got())
				} else {
					assert.Len(t, a.Got(), 10)
				}
				assert.Empty(t, givenUp(t, w).Records, "nothing has shown that the pipeline takes others")
			})
		})
	}
}

// TestOneOfTwoBackendsDown: without queues, the working backend gets records again while the other one is down:
// five times a page, and then one record with each try. Covers F60.
func TestOneOfTwoBackendsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		entries(w.server, "e", 100, time.Now().Unix()-60)
		a, b := world.NewSink(), world.NewSink()
		b.RefuseWith(func(plog.Logs) error { return errors.New("503") })
		set := receivertest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(w.core)
		r, err := audit.NewReceiver(set, w.cfg, fanOut{a, b}, w.paces)
		require.NoError(t, err)
		require.NoError(t, r.Start(t.Context(), w.host()))
		apart()
		time.Sleep(time.Hour)
		b.RefuseWith(nil)
		time.Sleep(time.Hour)
		require.NoError(t, r.Shutdown(context.Background()))
		total := 0
		for _, n := range a.Got() {
			total += n
		}
		assert.Len(t, a.Got(), 100)
		assert.Less(t, total, 100*5+2*3600/30+100+20, "docs/sharding.md has the figures")
		assert.Len(t, b.Got(), 100)
		for id, n := range b.Got() {
			assert.Equal(t, 1, n, id)
		}
	})
}
