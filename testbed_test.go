// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// testbed is the environment of the receiver in a simulation: an API, a pipeline and a disk that fail by seed,
// in virtual time.
type testbed struct {
	rng    *rand.Rand
	server *simulator.Server
	// handler receives the calls: the server, or something in front of it.
	handler http.Handler
	disk    *world.Disk
	logs    *observer.ObservedLogs
	core    zapcore.Core
	sink    *world.Sink
	cfg     *audit.Config
	paces   *pace.Registry
	// latency draws how long a call takes; nil: no time.
	latency func() time.Duration
	// watch sees every call and every log line; nil: nobody does.
	watch *watch
	n     int // which receiver this is
	// travels is how long a call with that body is in transit; used together with watch.
	travels func(body []byte) time.Duration
	// receivers are those of the process: one without replicas; with replicas an elector lets at most one read
	// at a time: the one that leads, or none if that is -1.
	receivers []*audit.AuditReceiver
	replicas  int
	electors  []*world.Elector
	leads     int
	// begins is where reading starts, by our clock, if that depends on the time of the start.
	begins int64
	// lag is how far the last pass was behind the first at the start, in seconds.
	lag int64
	// taken is how many different records the pipeline had accepted before the faults ended.
	taken int
	// widest is the largest max_window with which the stored state was read.
	widest time.Duration
	// wire is the network, if it is not made of handler and latency.
	wire http.RoundTripper
}

// idsOn counts the remembered ids on a disk.
func idsOn(d *world.Disk) (n int, err error) {
	for key, value := range d.Snapshot() {
		if strings.HasPrefix(key, checkpoint.KeySeen) {
			keys, err := checkpoint.DecodeKeys(value)
			if err != nil {
				return 0, err
			}
			n += len(keys)
		}
	}
	return n, nil
}

// host is a collector with the world's disk and network.
func (w *testbed) host() world.Host {
	wire := w.wire
	if wire == nil {
		wire = simulator.Transport(w.handler, w.latency)
	}
	return world.Host{world.DiskID: w.disk, world.NetworkID: world.Network{Wire: wire}}
}

func (w *testbed) hostWith(lead component.Component) world.Host {
	h := w.host()
	h[electorID] = lead
	return h
}

func newWorld(rng *rand.Rand, opts simulator.Options) *testbed {
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.ClientConfig.Endpoint = "http://127.0.0.1:1"
	cfg.AppID, cfg.AppSecret = simulator.DefaultAppID, simulator.DefaultAppSecret
	cfg.ClientConfig.Middlewares = []configmiddleware.Config{{ID: world.NetworkID}}
	cfg.Storage = &world.DiskID
	core, logs := observer.New(zapcore.InfoLevel)
	server := simulator.New(opts)
	w := &testbed{
		rng:     rng,
		server:  server,
		handler: server,
		core:    core,
		logs:    logs,
		disk:    &world.Disk{Data: map[string][]byte{}, Killed: make(chan struct{})},
		sink:    world.NewSink(),
		cfg:     cfg,
		paces:   &pace.Registry{},
	}
	w.sink.Killed = make(chan struct{})
	return w
}

// start starts a process with the receiver in it, or one for each replica. The returned function ends it.
func (w *testbed) start(t require.TestingT) (stop func()) {
	w.receivers, w.electors = nil, nil
	for i := range max(1, w.replicas) {
		set := receivertest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(w.core)
		shared := w.paces
		if i > 0 {
			shared = &pace.Registry{} // a different machine's
		}
		r, err := audit.NewReceiver(set, w.cfg, w.sink, shared)
		require.NoError(t, err)
		lead := &world.Elector{}
		if w.watch != nil {
			w.wire = &watched{w.watch, w}
		}
		extensions := w.hostWith(lead)
		var in component.Host = extensions
		if w.watch != nil {
			in = &watchedHost{Host: extensions, watch: w.watch}
		}
		began := time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		require.NoError(t, r.Start(ctx, in))
		cancel() // the collector's context of Start ends, too
		if w.watch != nil {
			require.Zero(t, time.Since(began), "Start does not wait")
		}
		w.receivers, w.electors = append(w.receivers, r), append(w.electors, lead)
	}
	if w.leads = 0; w.replicas > 0 {
		w.electors[0].OnStart(context.Background())
	}
	if w.watch == nil {
		apart()
	}
	started := w.receivers // another start may follow before the end
	return func() {
		for _, r := range started {
			require.NoError(t, r.Shutdown(context.Background()))
		}
	}
}

// apart lets a millisecond pass after a start, so that an action of a test after a whole number of seconds never
// coincides with a tick of the receiver: their order would be random.
func apart() { time.Sleep(time.Millisecond) }

// kill ends the process at once: nothing that it does afterwards has an effect.
func (w *testbed) kill() {
	w.sink.Mu.Lock()
	if !w.sink.Dead && w.sink.Killed != nil {
		close(w.sink.Killed)
	}
	w.sink.Dead = true
	w.sink.Mu.Unlock()
	w.disk.Mu.Lock()
	w.disk.OnDie = nil
	w.disk.Die()
	w.disk.Mu.Unlock()
}

// reboot makes pipeline and disk work for the next process, which knows the last one's calls only from the disk.
func (w *testbed) reboot() {
	w.sink.Mu.Lock()
	w.sink.Dead, w.sink.Killed = false, make(chan struct{})
	w.sink.Mu.Unlock()
	w.disk.Mu.Lock()
	w.disk.Dead, w.disk.Killed, w.disk.Unwritten = false, make(chan struct{}), false
	w.disk.Mu.Unlock()
	w.paces = &pace.Registry{}
}
