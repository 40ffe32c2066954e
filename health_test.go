// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadatatest"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// Log lines:
const (
	saysBegin   = "INFO No checkpoint found; starting at the configured time"
	saysBlocked = "ERROR Cannot read the audit log: action required. Resumes automatically once fixed; nothing is lost: "
	saysFails   = "WARN Cannot read the audit log; retrying. Nothing is lost: "
	saysWell    = "INFO Reading the audit log works again: "
	saysStill   = "ERROR Receiver stopped: fix the error, then restart. Other components keep running: "
)

// TestEveryProblem: every problem has one log line and one status with what it is and what to do, and one of
// each when it is over, with its duration; the metric has the cause meanwhile. Covers F38, F69.
func TestEveryProblem(t *testing.T) {
	t.Parallel()
	all := problems()
	for _, info := range cause.All {
		if info.Cause == cause.Checkpoint {
			continue // TestStandsStill
		}
		t.Run(string(info.Cause), func(t *testing.T) {
			require.Contains(t, all, info.Cause)
			tr := all[info.Cause]
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.cfg.MaxResponseSize = 64 << 10
				o := newOperator(t, w)
				time.Sleep(time.Hour)
				require.Equal(t, []string{"StatusOK"}, o.statuses())
				require.Equal(t, []string{saysBegin}, o.lines())

				tr.wrong(o.testbed)
				entries(o.server, "some", 5, time.Now().Unix())
				began := time.Now()
				synctest.Wait()
				time.Sleep(3 * time.Minute)
				// Reported within minutes, and only once while it lasts.
				ok, bad := "StatusOK", "StatusRecoverableError: "+info.Title
				assert.Equal(t, []string{ok, bad}, o.statuses())
				time.Sleep(5 * time.Hour)
				assert.Equal(t, []string{ok, bad}, o.statuses())
				told, over := saysFails, saysWell
				switch {
				case info.Cause == cause.Pipeline:
					told, over = "WARN Cannot deliver records to the pipeline; retrying. Nothing is lost: ", "INFO Delivering records works again: "
				case info.Cause == cause.Storage:
					told, over = "WARN Cannot read or write the position; retrying. Nothing is lost: ", "INFO Reading and writing the position works again: "
				case info.NeedsPerson:
					told = saysBlocked
				}
				told += string(info.Cause)
				assert.Equal(t, []string{saysBegin, told}, o.lines())
				line := o.logs.All()[1].ContextMap()["error"].(string)
				before, _, _ := strings.Cut(line, "; ")
				assert.LessOrEqual(t, len([]rune(before)), 300, "before the remedy: %s", line)
				assert.Equal(t, o.last().Err().Error(), line, "line and status say the same")
				for _, text := range tr.says {
					assert.Contains(t, line, text)
				}
				if tr.code {
					assert.Regexp(t, `\(code \d+, HTTP \d+, log id \w{34}\)`, line)
				}
				lasts := points(t, o.tel, "trouble")
				assert.Len(t, lasts, len(cause.All))
				for attributes, seconds := range lasts {
					if attributes == "cause="+string(info.Cause) {
						assert.InDelta(t, time.Since(began).Seconds(), seconds, 70)
					} else {
						assert.Zero(t, seconds, attributes)
					}
				}

				tr.mend(o.testbed)
				time.Sleep(max(10*time.Minute, tr.slow))
				assert.Equal(t, []string{ok, bad, ok}, o.statuses())
				assert.Equal(t, []string{saysBegin, told, over + string(info.Cause)}, o.lines())
				ended := o.logs.All()[2].ContextMap()
				assert.Greater(t, ended["failures"], int64(3))
				assert.InDelta(t, 5*time.Hour+3*time.Minute, ended["after"].(time.Duration), float64(max(7*time.Minute, tr.slow)))
				for attributes, seconds := range points(t, o.tel, "trouble") {
					assert.Zero(t, seconds, attributes)
				}
				o.stop()
				assert.Len(t, o.logs.All(), 3)
				assert.Len(t, o.sink.Got(), 5)
			})
		})
	}
}

// TestReceiverStops: a problem that only a restart can fix has a permanent status, is reported once, and the
// metric has it as long as the collector runs.
func TestReceiverStops(t *testing.T) {
	panics := func() error { panic("damaged") }
	for name, tc := range map[string]struct {
		prepare, during func(w *testbed)
		Cause           cause.Cause
		statuses        []string
		lines           []string
		atEnd           []string // further lines
	}{
		"damaged checkpoint": {
			prepare: func(w *testbed) { w.disk.Data[checkpoint.KeyPosition] = []byte("garbage") },
			Cause:   cause.Checkpoint, statuses: []string{"StatusPermanentError: the stored position must not be used"},
			lines: []string{saysStill + "checkpoint"},
		},
		"storage that panics when opened": {
			prepare: func(w *testbed) { w.disk.Fail = panics },
			Cause:   cause.Storage, statuses: []string{"StatusPermanentError: the position cannot be read or written"},
			lines: []string{saysStill + "storage"},
		},
		"storage that panics later": {
			during: func(w *testbed) {
				// While the pipeline has records, which are stored next.
				w.sink.RefuseWith(func(plog.Logs) error {
					w.diskFails(panics)
					return nil
				})
				entries(w.server, "later", 1, time.Now().Unix())
			},
			Cause: cause.Storage, statuses: []string{"StatusOK", "StatusPermanentError: the position cannot be read or written"},
			lines: []string{saysBegin, saysStill + "storage"},
			atEnd: []string{
				"WARN Could not write the position before shutdown: what was delivered since the last write will be delivered again",
				"WARN Cannot close the storage",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				if tc.prepare != nil {
					tc.prepare(w)
				}
				o := newOperator(t, w)
				if tc.during != nil {
					time.Sleep(10 * time.Minute)
					tc.during(w)
				}
				time.Sleep(5 * time.Hour)
				assert.Equal(t, tc.statuses, o.statuses())
				assert.Equal(t, tc.lines, o.lines())
				assert.InDelta(t, 5*3600, points(t, o.tel, "trouble")["cause="+string(tc.Cause)], 60)
				o.stop()
				assert.Equal(t, append(tc.lines, tc.atEnd...), o.lines())
			})
		})
	}
}

// TestProblemBecomesAnother: each cause is reported, with an OK in between because the collector needs it, and
// there is one line when everything is over.
func TestProblemBecomesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{Apps: map[string]string{simulator.DefaultAppID: "another"}}))
		time.Sleep(time.Hour)
		o.faults(simulator.Fault{Kind: simulator.FaultMissingScope})
		o.server.Update(func(o *simulator.Options) {
			o.Apps = map[string]string{simulator.DefaultAppID: simulator.DefaultAppSecret}
		})
		time.Sleep(time.Hour)
		o.faults(simulator.Fault{Kind: simulator.FaultReset})
		time.Sleep(time.Hour)
		o.faults()
		time.Sleep(10 * time.Minute)
		o.stop()
		assert.Equal(t, []string{
			saysBegin, saysBlocked + "credential", saysBlocked + "scope", saysFails + "network", saysWell + "network",
		}, o.lines())
		assert.Equal(t, []string{
			"StatusRecoverableError: app_id or app_secret is wrong", "StatusOK",
			"StatusRecoverableError: the app may not read the audit log", "StatusOK",
			"StatusRecoverableError: the API does not answer", "StatusOK",
		}, o.statuses())
		over := o.logs.All()[4].ContextMap()
		assert.InDelta(t, 3*time.Hour, over["after"].(time.Duration), float64(10*time.Minute), "since the first failure of all")
	})
}

// TestFailuresTakeTurns: two temporary failures that alternate are one problem.
func TestFailuresTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{}))
		time.Sleep(time.Minute / 2)
		o.faults(simulator.Fault{Kind: simulator.FaultHTML, Every: 2}, simulator.Fault{Kind: simulator.FaultReset})
		time.Sleep(5 * time.Hour)
		o.faults()
		time.Sleep(10 * time.Minute)
		o.stop()
		lines := o.lines()
		require.Len(t, lines, 3)
		assert.Contains(t, []string{saysFails + "network", saysFails + "api"}, lines[1])
		assert.Equal(t, []string{"StatusOK", "StatusRecoverableError", "StatusOK"}, withoutText(o.statuses()))
	})
}

// TestOneLostConnection: a single lost connection causes no line, no status and no problem.
func TestOneLostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{}))
		for range 20 {
			o.faults(simulator.Fault{Kind: simulator.FaultReset, Count: 2})
			time.Sleep(10 * time.Minute)
		}
		o.stop()
		assert.Equal(t, []string{"StatusOK"}, o.statuses())
		assert.Equal(t, []string{saysBegin}, o.lines())
	})
}

// TestRareFailures: if failures are rare, the second one is reported. Covers F38.
func TestRareFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperator(t, quietWorld(simulator.Options{}))
		o.faults(simulator.Fault{Kind: simulator.FaultRateLimited, Count: 1})
		time.Sleep(10 * time.Minute)
		assert.Equal(t, []string{saysBegin}, o.lines())
		o.faults(simulator.Fault{Kind: simulator.FaultRateLimited, Count: 2})
		time.Sleep(10 * time.Minute)
		o.stop()
		assert.Equal(t, []string{saysBegin, saysFails + "rate_limit", saysWell + "rate_limit"}, o.lines())
		assert.Equal(t, []string{"StatusOK", "StatusRecoverableError", "StatusOK"}, withoutText(o.statuses()))
	})
}

// TestReportedInTime: every failure is reported within half a minute of the first failed call, which is when the
// problem starts: a call that takes half a minute to fail, or whose next try is more than half a minute later,
// is reported at once. Covers F38.
func TestReportedInTime(t *testing.T) {
	for name, tc := range map[string]struct {
		Cause  cause.Cause
		opts   simulator.Options
		wrong  func(w *testbed)
		within time.Duration
	}{
		"the API hangs": {Cause: cause.Network, within: 30 * time.Second, wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultHang}) }},
		"the token endpoint hangs": {Cause: cause.Network, within: 30 * time.Second, wrong: func(w *testbed) {
			w.server.RevokeTokens()
			w.faults(simulator.Fault{Kind: simulator.FaultHang, Endpoint: simulator.EndpointToken})
		}},
		"a rate limit that asks for much patience": {
			Cause: cause.RateLimit, opts: simulator.Options{RateHintValue: "300"}, within: time.Second,
			wrong: func(w *testbed) { w.faults(simulator.Fault{Kind: simulator.FaultRateLimited}) },
		},
		"the pipeline hangs and refuses": {Cause: cause.Pipeline, within: 25 * time.Second, wrong: func(w *testbed) {
			entries(w.server, "some", 1, time.Now().Unix())
			w.sink.RefuseWith(func(plog.Logs) error {
				time.Sleep(25 * time.Second)
				return assert.AnError
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(tc.opts)
				o := newOperator(t, w)
				time.Sleep(10*time.Minute + 30*time.Second)
				synctest.Wait()
				require.Equal(t, []string{"StatusOK"}, o.statuses())
				tc.wrong(w)
				broken := time.Now()
				// The first call after that is within poll_interval, of which up to half may be left.
				time.Sleep(w.cfg.PollInterval + tc.within + time.Second)
				synctest.Wait()
				require.Equal(t, []string{"StatusOK", "StatusRecoverableError: " + tc.Cause.Info().Title}, o.statuses())
				sent := time.Now().Add(-time.Duration(points(t, o.tel, "trouble")["cause="+string(tc.Cause)] * float64(time.Second)))
				assert.GreaterOrEqual(t, sent.Sub(broken), -time.Second, "the problem starts with the call that fails")
				reported := o.logs.All()[1].Time
				assert.InDelta(t, tc.within.Seconds(), reported.Sub(sent).Seconds(), 1.1)
				o.stop()
			})
		})
	}
}

// calm is how long no call may fail, with the default configuration.
const calm = time.Minute

// TestDebugTellsTheRest: every failure has a line at debug level.
func TestDebugTellsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultReset, Count: 50}}})
		w.core, w.logs = observer.New(zapcore.DebugLevel)
		o := newOperator(t, w)
		time.Sleep(time.Hour)
		o.stop()
		told := 0
		for _, line := range o.logs.All() {
			if strings.Contains(line.Message, "Failed again") || strings.Contains(line.Message, "; retrying. Nothing is lost") {
				told++
			}
		}
		assert.Equal(t, 50, told)
	})
}

// TestCausesAreDocumented: the metric's description lists all causes.
func TestCausesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("metadata.yaml")
	require.NoError(t, err)
	enum := regexp.MustCompile(`(?m)^  cause:\n.*\n.*\n    enum: \[(.*)\]$`).FindSubmatch(text)
	require.NotNil(t, enum)
	var names []string
	var want []metricdata.DataPoint[float64]
	for _, info := range cause.All {
		names = append(names, string(info.Cause))
		want = append(want, metricdata.DataPoint[float64]{Attributes: with(attribute.String("cause", string(info.Cause)))})
	}
	assert.Equal(t, strings.Split(string(enum[1]), ", "), names)
	for _, info := range openapi.Causes {
		assert.Contains(t, names, string(info))
	}
	// All of them exist, and are zero, before anything has failed.
	o := componenttest.NewTelemetry()
	tel, err := report.NewTelemetry(metadatatest.NewSettings(o).TelemetrySettings, audit.ReceiverAttribute(component.MustNewID("feishu_audit")))
	require.NoError(t, err)
	defer tel.Close()
	metadatatest.AssertEqualReceiverFeishuAuditTrouble(t, o, want, untimed)
}
