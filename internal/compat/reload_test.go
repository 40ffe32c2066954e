// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package compat

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	feishuauditreceiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

const (
	fullReload    = "Config updated, restart service"
	partialReload = "Partial receiver reload completed successfully"
)

// TestCollectorReload: the collector reads its configuration again in the same process, with everything built
// again or only the receivers, for a change that a provider of the configuration reports or for a signal. The
// receiver releases the storage in time: reading resumes where it was, nothing is lost or duplicated.
func TestCollectorReload(t *testing.T) {
	for name, tc := range map[string]struct {
		gate     bool // service.partialReload
		exporter bool // whether the exporter's configuration changes, too
		signal   bool
		want     string
	}{
		"everything, by the provider":                {want: fullReload},
		"everything, by SIGHUP":                      {signal: true, want: fullReload},
		"receivers only, by the provider":            {gate: true, want: partialReload},
		"receivers only, by SIGHUP":                  {gate: true, signal: true, want: partialReload},
		"everything, as more than receivers changed": {gate: true, exporter: true, want: fullReload},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, featuregate.GlobalRegistry().Set("service.partialReload", tc.gate))
			defer func() { require.NoError(t, featuregate.GlobalRegistry().Set("service.partialReload", false)) }()
			x := startCollector(t)
			const reloads = 6
			for i := 1; i <= reloads; i++ {
				x.add(130) // two pages: the reload meets the receiver while it reads, or after that
				if i%2 == 0 {
					x.arrived(t)
				}
				x.poll.Store(int64(i % 2))
				if tc.exporter {
					x.label.Store(int64(i))
				}
				if tc.signal {
					require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
				} else {
					(*x.watcher.Load())(&confmap.ChangeEvent{})
				}
				// The first line of the receiver's next life is the last step of a reload.
				x.says(t, resumed, i)
				require.Equal(t, i, x.logs.FilterMessage(tc.want).Len())
			}
			x.add(130)
			x.arrived(t)
			calls := len(x.server.Calls())
			require.Eventually(t, func() bool { return len(x.server.Calls()) >= calls+4 }, 20*time.Second, 10*time.Millisecond, "polls that find nothing new")
			x.stop(t)
			for uid, n := range x.uids() {
				require.Equal(t, 1, n, "%s came %d times", uid, n)
			}
			for _, line := range x.logs.All() {
				if line.Level >= zapcore.WarnLevel && line.Message != fullReload {
					require.Fail(t, "a warning or an error", "%s %v", line.Message, line.ContextMap())
				}
			}
		})
	}
}

// resumed is what the receiver logs once it has read its position.
const resumed = "Resuming from the checkpoint"

// running is a collector in this process.
type running struct {
	server    *simulator.Server
	sink      *consumertest.LogsSink
	logs      *observer.ObservedLogs
	collector *otelcol.Collector
	ended     chan error
	watcher   atomic.Pointer[confmap.WatcherFunc]
	config    func(poll, label int64) map[string]any
	// What changes with a reload: of the receiver, and of the exporter.
	poll, label atomic.Int64
	added       int
}

// startCollector starts a collector with this receiver, file_storage, and an exporter that keeps what it gets.
func startCollector(t *testing.T) *running {
	x := &running{server: simulator.New(simulator.Options{}), sink: &consumertest.LogsSink{}, ended: make(chan error, 1)}
	front := httptest.NewServer(x.server)
	t.Cleanup(front.Close)
	directory := t.TempDir()
	x.config = func(poll, label int64) map[string]any {
		return map[string]any{
			"extensions": map[string]any{"file_storage": map[string]any{"directory": directory, "timeout": "200ms"}},
			"receivers": map[string]any{"feishu_audit": map[string]any{
				"endpoint": front.URL, "app_id": simulator.DefaultAppID, "app_secret": simulator.DefaultAppSecret,
				"storage": "file_storage", "poll_interval": fmt.Sprintf("%dms", 1000+poll), "requests_per_minute": 6000, "initial_lookback": "10m", "recheck_after": []any{"3s"},
			}},
			"exporters": map[string]any{"sink": map[string]any{"label": label}},
			"service": map[string]any{
				"extensions": []any{"file_storage"},
				"telemetry":  map[string]any{"metrics": map[string]any{"level": "none"}},
				"pipelines":  map[string]any{"logs": map[string]any{"receivers": []any{"feishu_audit"}, "exporters": []any{"sink"}}},
			},
		}
	}
	core, logs := observer.New(zapcore.InfoLevel)
	x.logs = logs
	var err error
	x.collector, err = otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.NewDefaultBuildInfo(),
		Factories: x.factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: []string{"test:config"},
			ProviderFactories: []confmap.ProviderFactory{
				confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{x} }),
			},
		}},
		LoggingOptions:        []zap.Option{zap.WrapCore(func(zapcore.Core) zapcore.Core { return core })},
		SkipSettingGRPCLogger: true,
	})
	require.NoError(t, err)
	go func() { x.ended <- x.collector.Run(context.Background()) }()
	t.Cleanup(func() { x.collector.Shutdown() })
	x.add(1)
	x.arrived(t)
	return x
}

func (x *running) factories() (otelcol.Factories, error) {
	type config struct {
		Label int64 `mapstructure:"label"`
	}
	ours, storage := feishuauditreceiver.NewFactory(), filestorage.NewFactory()
	sink := exporter.NewFactory(component.MustNewType("sink"), func() component.Config { return &config{} },
		exporter.WithLogs(func(context.Context, exporter.Settings, component.Config) (exporter.Logs, error) {
			return keeper{LogsSink: x.sink}, nil
		}, component.StabilityLevelStable))
	return otelcol.Factories{
		Receivers:  map[component.Type]receiver.Factory{ours.Type(): ours},
		Exporters:  map[component.Type]exporter.Factory{sink.Type(): sink},
		Extensions: map[component.Type]extension.Factory{storage.Type(): storage},
		Telemetry:  otelconftelemetry.NewFactory(),
	}, nil
}

// keeper is an exporter that keeps what it gets.
type keeper struct {
	component.StartFunc
	component.ShutdownFunc
	*consumertest.LogsSink
}

// provider hands out the configuration, and tells of changes when the test does.
type provider struct{ x *running }

func (provider) Scheme() string                 { return "test" }
func (provider) Shutdown(context.Context) error { return nil }
func (p provider) Retrieve(_ context.Context, _ string, watcher confmap.WatcherFunc) (*confmap.Retrieved, error) {
	p.x.watcher.Store(&watcher)
	return confmap.NewRetrieved(p.x.config(p.x.poll.Load(), p.x.label.Load()))
}

// add writes entries into the log, in the last seconds.
func (x *running) add(n int) {
	now := time.Now().Unix()
	for range n {
		x.added++
		x.server.Add(simulator.Entry{ID: fmt.Sprint("e-", x.added), APIKey: "GET/open-apis/im/v1/messages", EventTime: now - int64(x.added%3), AppID: "cli_a"})
	}
}

// arrived waits until all of them have.
func (x *running) arrived(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return len(x.uids()) == x.added }, 30*time.Second, 10*time.Millisecond, "everything arrives")
}

// uids counts how often each entry has come.
func (x *running) uids() map[string]int {
	came := map[string]int{}
	for _, logs := range x.sink.AllLogs() {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					uid, _ := record.Attributes().Get("log.record.uid")
					came[uid.Str()]++
				}
			}
		}
	}
	return came
}

// says waits until a line that starts so has come n times.
func (x *running) says(t *testing.T, start string, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return x.logs.Filter(func(line observer.LoggedEntry) bool { return strings.HasPrefix(line.Message, start) }).Len() == n
	}, 30*time.Second, 10*time.Millisecond, "%q, %d times", start, n)
}

func (x *running) stop(t *testing.T) {
	t.Helper()
	x.collector.Shutdown()
	select {
	case err := <-x.ended:
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "the collector does not end")
	}
}
