// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// testbed is what surrounds the receiver in a simulation: an API, a pipeline and a
// disk that fail by seed, in virtual time.
type testbed struct {
	rng    *rand.Rand
	server *simulator.Server
	// handler is what is called: the server, or something before it.
	handler http.Handler
	disk    *disk
	logs    *observer.ObservedLogs
	core    zapcore.Core
	sink    *sink
	cfg     *Config
	paces   *paces
	// latency draws how long a call takes; nil: no time.
	latency func() time.Duration
	// watch sees every call and every log line; nil: nobody does.
	watch *watch
	n     int // which receiver this is
	// travels is how long a call with that body takes; used where watch is.
	travels func(body []byte) time.Duration
	// receivers are those of the process, one if there are no replicas, of which an
	// elector lets one at a time read: the one that leads, or none if that is -1.
	receivers []*auditReceiver
	replicas  int
	electors  []*fakeElector
	leads     int
	// begins is where it begins to read, by our clock, if that depends on when it did.
	begins int64
	// lag is how far the last pass was behind the first, in seconds, when it began.
	lag int64
	// widest is the max_window that what is stored was read with.
	widest time.Duration
	// wire is the network, in place of what the handler and the latency make.
	wire http.RoundTripper
}

// disk is a storage extension whose data survive the receiver.
type disk struct {
	component.StartFunc
	component.ShutdownFunc

	mu    sync.Mutex
	data  map[string][]byte
	fail  func() error // nil: never
	dead  bool         // the process was killed: nothing is written any more
	fuse  int          // kill the process at the n-th write from now; 0: not
	torn  bool         // a batch is not atomic: what came before the kill stays
	onDie func()
	bytes int // written

	// trouble is what happens to a batch; nil: nothing.
	trouble func(ops []*storage.Operation) diskTrouble
	killed  chan struct{} // closed when the process is dead
	// onCommit is told that the position was written, and the writer knows; nil:
	// nobody is. unwritten tells that the last position was not, and that this is the
	// disk's fault: replicas read it before they write it.
	onCommit  func()
	unwritten bool
}

// diskTrouble is what happens to one batch of a disk.
type diskTrouble struct {
	takes time.Duration
	err   error
	// applies is how many operations are carried out although the batch fails, by err
	// or because its context ends first.
	applies int
}

func (d *disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

var errDead = errors.New("the process is dead")

func (d *disk) check() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDead
	}
	if d.fail != nil {
		return d.fail()
	}
	return nil
}

func (d *disk) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := d.Batch(ctx, op)
	return op.Value, err
}

func (d *disk) Set(ctx context.Context, key string, value []byte) error {
	return d.Batch(ctx, storage.SetOperation(key, value))
}

func (d *disk) Delete(ctx context.Context, key string) error {
	return d.Batch(ctx, storage.DeleteOperation(key))
}

// Batch refuses a context that has ended, as a storage across the network does.
func (d *disk) Batch(ctx context.Context, ops ...*storage.Operation) error {
	i := slices.IndexFunc(ops, func(op *storage.Operation) bool { return op.Key == "position" })
	blame, err := d.batch(ctx, ops)
	if i < 0 {
		return err
	}
	written := err == nil && ops[i].Type == storage.Set
	d.mu.Lock()
	d.unwritten = !written && (d.unwritten || err != nil && blame)
	d.mu.Unlock()
	if written && d.onCommit != nil {
		d.onCommit()
	}
	return err
}

// batch tells whether the disk is to blame for an error: a writer whose context ends by
// itself is not one that the disk has let down.
func (d *disk) batch(ctx context.Context, ops []*storage.Operation) (blame bool, _ error) {
	if err := d.check(); err != nil {
		return true, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	var happens diskTrouble
	if d.trouble != nil {
		happens = d.trouble(ops)
		blame = happens.err != nil || happens.takes > time.Millisecond
		if err := d.passes(ctx, happens.takes); err != nil {
			happens.err = err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return true, errDead
	}
	for i, op := range ops {
		if op.Type != storage.Get && d.fuse > 0 {
			if d.fuse--; d.fuse == 0 {
				d.die()
				if d.torn {
					d.apply(ops[:i])
				}
				return true, errDead
			}
		}
	}
	if happens.err != nil {
		d.apply(ops[:happens.applies])
		return blame, happens.err
	}
	d.apply(ops)
	return false, nil
}

// passes lets time pass, unless the context or the process ends first.
func (d *disk) passes(ctx context.Context, takes time.Duration) error {
	if takes == 0 {
		return nil
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.killed:
		return errDead
	}
}

// die is called with the lock held.
func (d *disk) die() {
	if !d.dead && d.killed != nil {
		close(d.killed)
	}
	d.dead = true
	if d.onDie != nil {
		d.onDie()
	}
}

func (d *disk) apply(ops []*storage.Operation) {
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = d.data[op.Key]
		case storage.Set:
			d.data[op.Key] = append([]byte(nil), op.Value...)
			d.bytes += len(op.Value)
		case storage.Delete:
			delete(d.data, op.Key)
		}
	}
}

// snapshot is what is on the disk.
func (d *disk) snapshot() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.data)
}

// idsOn counts the remembered ids on a disk.
func idsOn(d *disk) (n int, err error) {
	for key, value := range d.snapshot() {
		if strings.HasPrefix(key, keySeen) {
			keys, err := decodeKeys(value)
			if err != nil {
				return 0, err
			}
			n += len(keys)
		}
	}
	return n, nil
}

func (*disk) Close(context.Context) error { return nil }

// sink is a pipeline that remembers what it accepted.
type sink struct {
	mu       sync.Mutex
	accepted map[string]int
	lost     map[string]int // refused for good
	times    map[string]int64
	arrived  map[string]time.Time
	refuse   func(logs plog.Logs) error // nil: never
	mutates  bool
	dead     bool
	killed   chan struct{} // closed when the process is dead

	// blocks is how long the pipeline takes, and whether it heeds its context
	// meanwhile; nil: no time.
	blocks func() (takes time.Duration, heeds bool)
	freed  time.Time // when it last stopped to block

	// book is kept in simulations; nil elsewhere.
	book *book
}

func newSink() *sink {
	return &sink{accepted: map[string]int{}, lost: map[string]int{}, times: map[string]int64{}, arrived: map[string]time.Time{}}
}

// refuseWith, got and gaveUp may be used while the receiver runs.
func (s *sink) refuseWith(refuse func(plog.Logs) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *sink) got() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.accepted)
}

func (s *sink) gaveUp() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.lost)
}

func (s *sink) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: s.mutates}
}

func (s *sink) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	if err := s.block(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return errDead
	}
	var err error
	if s.refuse != nil {
		err = s.refuse(logs)
	}
	var part consumererror.Logs
	switch {
	case errors.As(err, &part):
		left := map[string]bool{}
		for _, uid := range uidsIn(part.Data()) {
			left[uid] = true
		}
		s.take(logs, func(uid string) bool { return !left[uid] })
	case consumererror.IsPermanent(err) && ctx.Err() == nil: // later, nobody takes it for an answer
		for _, uid := range uidsIn(logs) {
			s.lost[uid]++
			if s.book != nil {
				s.book.taken(uid)
			}
		}
	case err == nil:
		s.take(logs, func(string) bool { return true })
	}
	if s.mutates { // as a processor would, whether the pipeline behind it takes the records or not
		logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
	}
	return err
}

// uidsIn are the log.record.uid of all records.
func uidsIn(logs plog.Logs) (uids []string) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if uid, ok := record.Attributes().Get("log.record.uid"); ok {
					uids = append(uids, uid.Str())
				}
			}
		}
	}
	return uids
}

// block lets the pipeline take its time.
func (s *sink) block(ctx context.Context) error {
	if s.blocks == nil {
		return nil
	}
	takes, heeds := s.blocks()
	if takes == 0 {
		return nil
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.freed = time.Now()
	}()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	var done <-chan struct{}
	if heeds {
		done = ctx.Done()
	}
	select {
	case <-timer.C:
		return nil
	case <-s.killed:
		return errDead
	case <-done:
		return ctx.Err()
	}
}

func (s *sink) take(logs plog.Logs, want func(uid string) bool) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				value, _ := record.Attributes().Get("log.record.uid")
				uid := value.Str()
				if !want(uid) {
					continue
				}
				s.accepted[uid]++
				s.times[uid] = record.Timestamp().AsTime().Unix()
				if _, ok := s.arrived[uid]; !ok {
					s.arrived[uid] = time.Now()
				}
				if s.book != nil {
					s.book.taken(uid)
					s.book.keep(uid, rl, sl, record)
				}
			}
		}
	}
}

// host is a collector with one storage extension.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

var (
	diskID    = component.MustNewID("disk")
	networkID = component.MustNewID("network")
)

// network is a middleware extension that answers calls in place of the network.
type network struct {
	component.StartFunc
	component.ShutdownFunc
	wire http.RoundTripper
}

func (n network) GetHTTPRoundTripper(http.RoundTripper) (http.RoundTripper, error) {
	return n.wire, nil
}

// host is a collector with the world's disk and network.
func (w *testbed) host() host {
	wire := w.wire
	if wire == nil {
		wire = simulator.Transport(w.handler, w.latency)
	}
	return host{diskID: w.disk, networkID: network{wire: wire}}
}

func (w *testbed) hostWith(lead component.Component) host {
	h := w.host()
	h[electorID] = lead
	return h
}

func newWorld(rng *rand.Rand, opts simulator.Options) *testbed {
	cfg := createDefaultConfig().(*Config)
	cfg.ClientConfig.Endpoint = "http://127.0.0.1:1"
	cfg.AppID, cfg.AppSecret = simulator.DefaultAppID, simulator.DefaultAppSecret
	cfg.ClientConfig.Middlewares = []configmiddleware.Config{{ID: networkID}}
	cfg.Storage = &diskID
	core, logs := observer.New(zapcore.InfoLevel)
	server := simulator.New(opts)
	w := &testbed{
		rng:     rng,
		server:  server,
		handler: server,
		core:    core,
		logs:    logs,
		disk:    &disk{data: map[string][]byte{}, killed: make(chan struct{})},
		sink:    newSink(),
		cfg:     cfg,
		paces:   &paces{},
	}
	w.sink.killed = make(chan struct{})
	return w
}

// start begins a process with the receiver in it, or one for each replica. The returned
// function ends it.
func (w *testbed) start(t require.TestingT) (stop func()) {
	w.receivers, w.electors = nil, nil
	for i := range max(1, w.replicas) {
		set := receivertest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(w.core)
		shared := w.paces
		if i > 0 {
			shared = &paces{} // another machine's
		}
		r, err := newReceiver(set, w.cfg, w.sink, shared)
		require.NoError(t, err)
		lead := &fakeElector{}
		if w.watch != nil {
			w.wire = &watched{w.watch, w}
		}
		extensions := w.hostWith(lead)
		var in component.Host = extensions
		if w.watch != nil {
			in = &watchedHost{extensions, w.watch}
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
		w.electors[0].onStart(context.Background())
	}
	started := w.receivers // another start may follow before the end
	return func() {
		for _, r := range started {
			require.NoError(t, r.Shutdown(context.Background()))
		}
	}
}

// kill ends the process at once: nothing that it does from now on has an effect.
func (w *testbed) kill() {
	w.sink.mu.Lock()
	if !w.sink.dead && w.sink.killed != nil {
		close(w.sink.killed)
	}
	w.sink.dead = true
	w.sink.mu.Unlock()
	w.disk.mu.Lock()
	w.disk.onDie = nil
	w.disk.die()
	w.disk.mu.Unlock()
}

// reboot makes pipeline and disk work for the next process, which knows nothing of
// the last one's calls but what is on the disk.
func (w *testbed) reboot() {
	w.sink.mu.Lock()
	w.sink.dead, w.sink.killed = false, make(chan struct{})
	w.sink.mu.Unlock()
	w.disk.mu.Lock()
	w.disk.dead, w.disk.killed, w.disk.unwritten = false, make(chan struct{}), false
	w.disk.mu.Unlock()
	w.paces = &paces{}
}
