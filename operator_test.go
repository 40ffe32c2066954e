// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// operator sees the receiver's log lines, its statuses and the metric trouble.
type operator struct {
	world.Host
	*testbed
	t        *testing.T
	tel      *componenttest.Telemetry
	receiver *audit.AuditReceiver

	mu      sync.Mutex
	events  []*componentstatus.Event
	current componentstatus.Status
}

// Report fails where the collector's state machine would silently ignore a status that changes nothing.
func (o *operator) Report(event *componentstatus.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	assert.NotEqual(o.t, o.current, event.Status(), "the collector would ignore this")
	o.current = event.Status()
	o.events = append(o.events, event)
}

func newOperator(t *testing.T, w *testbed) *operator {
	o := &operator{testbed: w, t: t, tel: componenttest.NewTelemetry(), Host: w.host()}
	set := metadatatest.NewSettings(o.tel)
	set.Logger = zap.New(w.core)
	var err error
	o.receiver, err = audit.NewReceiver(set, w.cfg, w.sink, w.paces)
	require.NoError(t, err)
	require.NoError(t, o.receiver.Start(t.Context(), o))
	apart()
	return o
}

func (o *operator) stop() {
	require.NoError(o.t, o.receiver.Shutdown(context.Background()))
}

// statuses are those reported, each with the first part of its text.
func (o *operator) statuses() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []string
	for _, event := range o.events {
		text := event.Status().String()
		if event.Err() != nil {
			title, _, _ := strings.Cut(event.Err().Error(), ": ")
			text += ": " + title
		}
		out = append(out, text)
	}
	return out
}

func (o *operator) last() *componentstatus.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.events[len(o.events)-1]
}

// lines are the log lines above debug level, each with its cause.
func (o *operator) lines() []string {
	var out []string
	for _, line := range o.logs.All() {
		text := line.Level.CapitalString() + " " + line.Message
		if c, ok := line.ContextMap()["cause"]; ok {
			text += ": " + c.(string)
		}
		out = append(out, text)
	}
	return out
}

func (w *testbed) faults(faults ...simulator.Fault) {
	w.server.Update(func(o *simulator.Options) { o.Faults = nil }) // setting the same faults again is no change
	w.server.Update(func(o *simulator.Options) { o.Faults = faults })
}

func (w *testbed) diskFails(fail func() error) {
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	w.disk.Fail = fail
}

// problem is a way to produce a cause, and what the operator sees of it.
type problem struct {
	wrong, mend func(w *testbed)
	says        []string // in the status and in the line
	code        bool     // whether the API returned a code and a log id
	slow        time.Duration
}

func apiProblem(says []string, faults ...simulator.Fault) problem {
	return problem{wrong: func(w *testbed) { w.faults(faults...) }, mend: func(w *testbed) { w.faults() }, says: says}
}

func codeProblem(says []string, faults ...simulator.Fault) problem {
	tr := apiProblem(says, faults...)
	tr.code = true
	return tr
}

func problems() map[cause.Cause]problem {
	credential := func(secret string) func(w *testbed) {
		return func(w *testbed) {
			w.server.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: secret} })
			w.server.RevokeTokens()
		}
	}
	quota := codeProblem([]string{"code 99991403", "an admin can buy more", "next month"}, simulator.Fault{Kind: simulator.FaultQuotaExceeded})
	quota.slow = 90 * time.Minute
	return map[cause.Cause]problem{
		cause.Credential: {
			wrong: credential("another"), mend: credential(simulator.DefaultAppSecret), code: true,
			says: []string{"tenant_access_token", "app secret invalid", "check that app_id and app_secret belong together"},
		},
		cause.App: codeProblem([]string{"code 99991662", "a tenant admin must enable and install the app"}, simulator.Fault{Kind: simulator.FaultError, Code: 99991662, Msg: "app disabled"}),
		cause.Scope: codeProblem([]string{
			"code 99991672", "grant the app one of the scopes " + cause.ScopeName,
			"/app/" + simulator.DefaultAppID + "/auth?q=" + cause.ScopeName + "&op_from=openapi&token_type=tenant",
		}, simulator.Fault{Kind: simulator.FaultMissingScope}),
		cause.Address:    codeProblem([]string{"code 99991401", "add this collector's public IP address"}, simulator.Fault{Kind: simulator.FaultIPRefused}),
		cause.Quota:      quota,
		cause.Endpoint:   apiProblem([]string{"HTTP 404", "check endpoint"}, simulator.Fault{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointList}),
		cause.Filter:     codeProblem([]string{"code 1780103", "check filter::api_keys and filter::app_id"}, simulator.Fault{Kind: simulator.FaultInvalidParam}),
		cause.Token:      codeProblem([]string{"code 99991663", "check that endpoint is the cloud of the app"}, simulator.Fault{Kind: simulator.FaultTokenInvalid}),
		cause.RateLimit:  codeProblem([]string{"code 99991400"}, simulator.Fault{Kind: simulator.FaultRateLimited}),
		cause.Network:    apiProblem([]string{"no answer: ", "connection reset"}, simulator.Fault{Kind: simulator.FaultReset}),
		cause.API:        codeProblem([]string{"code 1780001"}, simulator.Fault{Kind: simulator.FaultInternal}),
		cause.AnswerSize: apiProblem([]string{"raise max_response_size"}, simulator.Fault{Kind: simulator.FaultHuge, Size: 65 << 10}),
		cause.Paging:     apiProblem([]string{"the same page token again"}, simulator.Fault{Kind: simulator.FaultRepeatToken}),
		cause.Pipeline: {
			wrong: func(w *testbed) { w.sink.RefuseWith(func(plog.Logs) error { return assert.AnError }) },
			mend:  func(w *testbed) { w.sink.RefuseWith(nil) },
			says:  []string{"the processor or exporter that refuses them logs why"},
		},
		cause.Storage: {
			wrong: func(w *testbed) { w.diskFails(func() error { return assert.AnError }) },
			mend:  func(w *testbed) { w.diskFails(nil) },
			says:  []string{"cannot write down a call"},
		},
	}
}

func withoutText(statuses []string) []string {
	for i := range statuses {
		statuses[i], _, _ = strings.Cut(statuses[i], ":")
	}
	return statuses
}

// refuseSome refuses three of four batches, by chance.
func refuseSome(w *testbed, err error) {
	rng := rand.New(rand.NewPCG(5, 5))
	w.sink.RefuseWith(func(plog.Logs) error {
		if rng.Float64() < 0.75 {
			return err
		}
		return nil
	})
}
