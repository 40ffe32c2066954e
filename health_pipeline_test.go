// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// TestPartialFailure: a fault that affects most calls, but not all, is one lasting problem: it is reported a few
// times at most, not after every successful try; its metric exceeds the thresholds of the alerts; and when the
// cause ends, the problem is soon over. Covers F38.
func TestPartialFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		busy  bool // whether there are entries all the time
		wrong func(w *testbed)
		Cause []cause.Cause // the causes that may be reported
	}{
		"the API, quiet tenant": {wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.75}) }, Cause: []cause.Cause{cause.API}},
		"the API, busy tenant":  {busy: true, wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.75}) }, Cause: []cause.Cause{cause.API}},
		"every other call":      {busy: true, wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultReset, Probability: 0.5}) }, Cause: []cause.Cause{cause.Network}},
		"the scope":             {wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultMissingScope, Probability: 0.75}) }, Cause: []cause.Cause{cause.Scope}},
		"the pipeline":          {busy: true, wrong: func(w *testbed) { refuseSome(w, assert.AnError) }, Cause: []cause.Cause{cause.Pipeline}},
		"the pipeline, permanently": {
			busy: true, wrong: func(w *testbed) { refuseSome(w, consumererror.NewPermanent(assert.AnError)) }, Cause: []cause.Cause{cause.Pipeline},
		},
		"API and pipeline": {busy: true, Cause: []cause.Cause{cause.API, cause.Pipeline}, wrong: func(w *testbed) {
			w.faults(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.75})
			refuseSome(w, assert.AnError)
		}},
		"network and API": {busy: true, Cause: []cause.Cause{cause.Network, cause.API}, wrong: func(w *testbed) {
			w.faults(simulator.Fault{Kind: simulator.FaultInternal, Probability: 0.5}, simulator.Fault{Kind: simulator.FaultReset, Probability: 0.5})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := simulator.Options{}
				if tc.busy {
					opts.Tenant = simulator.Tenant{Seed: 3, PerSecond: 0.2, Start: time.Now().Unix()}
				}
				w := quietWorld(opts)
				o := newOperator(t, w)
				time.Sleep(10 * time.Minute)
				require.Equal(t, []string{"StatusOK"}, o.statuses())
				tc.wrong(w)
				time.Sleep(time.Hour)
				lasted := 0
				for range 3 * 60 {
					for attributes, seconds := range points(t, o.tel, "trouble") {
						if seconds > 300 {
							assert.Contains(t, tc.Cause, cause.Cause(strings.TrimPrefix(attributes, "cause=")))
							lasted++
						}
					}
					time.Sleep(time.Minute)
				}
				assert.Greater(t, lasted, 150, "minutes in which an alert would fire")
				began := len(o.statuses())
				// It seemed to be over, or to be only the other cause, a few times. Two causes alternate four
				// times until either has to be gone for ten minutes, and by chance that happens a few times
				// more.
				// and by chance that happens a few times more.
				most := 6
				if len(tc.Cause) > 1 {
					most = 16
				}
				assert.LessOrEqual(t, began, most, "%v", o.statuses())
				assert.Equal(t, componentstatus.StatusRecoverableError, o.last().Status())

				w.faults()
				w.sink.RefuseWith(nil)
				time.Sleep(report.CalmAtMost*calm + 6*time.Minute) // the next try may be in five minutes
				assert.Len(t, o.statuses(), began+1)
				assert.Equal(t, componentstatus.StatusOK, o.last().Status())
				o.stop()
			})
		})
	}
}

// TestShortOutage: the end of an outage is reported a minute later, with the time until it worked again. If an
// outage returns soon, it has to be gone for longer. Covers F38.
func TestShortOutage(t *testing.T) {
	require.Equal(t, calm, report.FirstCalm(configretry.NewDefaultBackOffConfig()))
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{}))
		outage := func() (after time.Duration) {
			told := len(o.statuses())
			o.faults(simulator.Fault{Kind: simulator.FaultReset, Count: 6})
			for began := time.Now(); len(o.statuses()) < told+2; {
				require.Less(t, time.Since(began), time.Hour, "%v", o.lines())
				time.Sleep(time.Second)
				synctest.Wait()
			}
			over := o.logs.All()[len(o.logs.All())-1]
			require.Equal(t, saysWell+"network", o.lines()[len(o.lines())-1])
			lasted := over.ContextMap()["after"].(time.Duration)
			assert.Less(t, lasted, 90*time.Second)
			began := o.logs.All()[len(o.logs.All())-2].Time
			return over.Time.Sub(began)
		}
		time.Sleep(10 * time.Minute)
		assert.InDelta(t, calm.Seconds(), outage().Seconds(), 45)
		time.Sleep(10 * time.Minute)
		assert.InDelta(t, (3 * calm).Seconds(), outage().Seconds(), 45)
		time.Sleep(10 * time.Minute)
		assert.InDelta(t, (9 * calm).Seconds(), outage().Seconds(), 45)
		time.Sleep(report.ComesBack * calm)
		assert.InDelta(t, calm.Seconds(), outage().Seconds(), 45)
		o.stop()
	})
}

// TestHangIsNotCalm: a problem is not over while a call hangs that may be the next failure.
func TestHangIsNotCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.ClientConfig.Timeout = 4 * time.Minute
		o := newOperator(t, w)
		o.faults(simulator.Fault{Kind: simulator.FaultReset, Count: 5}, simulator.Fault{Kind: simulator.FaultHang, After: 1})
		time.Sleep(5 * time.Hour)
		o.stop()
		assert.Equal(t, []string{saysBegin, saysFails + "network", saysWaits + "network", saysOver}, o.lines())
	})
}

// TestLostRecords: while records are given up, the status reports it and the metric grows, until the pipeline
// accepts records: pages without entries prove nothing, and neither does the end of another problem. Covers F54.
func TestLostRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.RetryOnFailure.MaxElapsedTime = time.Minute
		o := newOperator(t, w)
		time.Sleep(10 * time.Minute)
		w.sink.RefuseWith(func(plog.Logs) error { return consumererror.NewPermanent(assert.AnError) })
		for batch := range 20 {
			entries(o.server, fmt.Sprint("lost", batch), 3, time.Now().Unix())
			time.Sleep(5 * time.Minute)
		}
		time.Sleep(5 * time.Hour)
		bad := "StatusRecoverableError: the pipeline does not take records"
		require.Equal(t, []string{"StatusOK", bad}, o.statuses())
		assert.Equal(t, "the pipeline does not take records: it has refused 3 permanently, they are lost: Permanent error: the processor or exporter that refuses them logs why; its error is not repeated here, as it may quote records", o.last().Err().Error())
		assert.InDelta(t, (5*time.Hour + 100*time.Minute).Seconds(), points(t, o.tel, "trouble")["cause=pipeline"], 200)
		assert.Len(t, w.logs.FilterMessageSnippet("Dropped record lost").All(), 60)

		// Another problem starts and ends. Nothing was accepted in between.
		w.faults(simulator.Fault{Kind: simulator.FaultReset})
		time.Sleep(time.Hour)
		api := "StatusRecoverableError: the API does not answer"
		require.Equal(t, api, o.statuses()[len(o.statuses())-1])
		w.faults()
		time.Sleep(time.Hour)
		require.Equal(t, bad, o.statuses()[len(o.statuses())-1])

		w.sink.RefuseWith(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, bad, o.statuses()[len(o.statuses())-1], "nothing was taken yet")
		entries(o.server, "taken", 1, time.Now().Unix())
		time.Sleep(15 * time.Minute)
		assert.Equal(t, "StatusOK", o.statuses()[len(o.statuses())-1])
		assert.Zero(t, points(t, o.tel, "trouble")["cause=pipeline"])
		o.stop()
		assert.Len(t, o.sink.Got(), 1)
	})
}

// TestLostAfterRefusals: if refusals come first and losses after them, both are reported.
func TestLostAfterRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.RetryOnFailure.MaxElapsedTime = 5 * time.Minute
		o := newOperator(t, w)
		w.sink.RefuseWith(func(plog.Logs) error { return assert.AnError })
		entries(o.server, "some", 3, time.Now().Unix())
		time.Sleep(time.Hour)
		o.stop()
		bad := "StatusRecoverableError: the pipeline does not take records"
		assert.Equal(t, []string{"StatusOK", bad, "StatusOK", bad}, o.statuses())
		assert.Contains(t, o.last().Err().Error(), "it has refused 3 permanently, they are lost: ")
	})
}

// TestScopeNeedsAnotherToken: if a token keeps the scopes that it was issued with, a granted scope takes effect
// as soon as Feishu issues another token, which is requested with every try.
func TestScopeNeedsAnotherToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultMissingScope}}}))
		time.Sleep(5 * time.Hour)
		asked := 0
		for _, call := range o.server.Calls() {
			if call.Endpoint == simulator.EndpointToken {
				asked++
			}
		}
		assert.Greater(t, asked, 5*60/5)
		assert.Contains(t, o.last().Err().Error(), "; an access token that was issued earlier may not carry it, and the API returns the same one for up to 90 minutes")
		o.stop()
	})
}

// TestStandbyIsWell: a replica that is no longer elected has no problem, whatever problem it had before.
func TestStandbyIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultIPRefused}}})
		electorID := component.MustNewID("k8s_leader_elector")
		w.cfg.K8sLeaderElector = &electorID
		lead := &world.Elector{}
		o := &operator{testbed: w, t: t, tel: componenttest.NewTelemetry(), Host: w.hostWith(lead)}
		r := w.observed(t, o.tel, o)
		lead.OnStart(context.Background())
		time.Sleep(time.Hour)
		assert.Equal(t, componentstatus.StatusRecoverableError, o.last().Status())
		assert.InDelta(t, 3600, points(t, o.tel, "trouble")["cause=address"], 1)
		lead.OnStop()
		assert.Equal(t, componentstatus.StatusOK, o.last().Status())
		assert.Zero(t, points(t, o.tel, "trouble")["cause=address"])
		require.NoError(t, r.Shutdown(context.Background()))
	})
}
