// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/altapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// altWorld is a world around the receiver with the second model of the API. It shares only the disk with the
// worlds of the simulator.
type altWorld struct {
	seed   uint64
	rng    *rand.Rand
	traits altapi.Traits
	api    *altapi.API
	cfg    *audit.Config
	disk   *world.Disk
	sink   *markSink
	logs   *observer.ObservedLogs
	core   zapcore.Core
	paces  *pace.Registry

	began    time.Time // when the first process started
	calm     time.Time // when the weather and the pipeline's refusals end
	to       time.Time // when the traffic ends, by the server's clock
	shown    []*altapi.Entry
	kills    int
	restarts int
	receiver *audit.AuditReceiver
	died     chan struct{} // closed when the process is killed
}

// newAltWorld draws a world from a seed.
func newAltWorld(seed uint64) *altWorld {
	rng := rand.New(rand.NewPCG(seed, 0xa17))
	w := &altWorld{seed: seed, rng: rng, traits: altapi.Draw(rng), paces: &pace.Registry{}, began: time.Now()}
	w.observe()
	w.drawConfig()
	trouble := time.Duration(rng.Int64N(int64(5 * time.Hour)))
	w.open(trouble, altapi.DrawWeather(rng, w.began, w.began.Add(trouble)))
	return w
}

// open makes the API, the disk and the pipeline, with a time in which faults happen.
func (w *altWorld) open(trouble time.Duration, weather []altapi.Episode) {
	rng := w.rng
	w.calm = w.began.Add(trouble)
	server := w.began.Add(w.traits.Skew)
	w.to = server.Add(trouble + 2*time.Hour)
	traffic := altapi.Traffic{
		From: server.Add(-w.cfg.InitialLookback - time.Hour), To: w.to,
		PerMinute: []float64{0.3, 2, 8}[rng.IntN(3)], Bursts: rng.IntN(4),
	}
	w.api = altapi.New(w.seed, w.traits, traffic, weather)
	w.shown = w.api.Shown()
	w.disk = &world.Disk{Data: map[string][]byte{}, Torn: rng.IntN(2) == 0}
	w.sink = newMarkSink(w)
	w.reboot()
}

// observe keeps the log lines.
func (w *altWorld) observe() { w.core, w.logs = observer.New(zapcore.InfoLevel) }

func (w *altWorld) drawConfig() {
	pick := func(of ...time.Duration) time.Duration { return of[w.rng.IntN(len(of))] }
	cfg := audit.CreateDefaultConfig().(*audit.Config)
	cfg.ClientConfig.Endpoint = "http://127.0.0.1:1"
	cfg.ClientConfig.Middlewares = []configmiddleware.Config{{ID: world.NetworkID}}
	cfg.AppID, cfg.AppSecret = altapi.AppID, altapi.AppSecret
	cfg.Storage = &world.DiskID
	cfg.PollInterval = pick(15*time.Second, time.Minute, time.Minute, 5*time.Minute)
	cfg.InitialLookback = pick(time.Minute, time.Hour, 5*time.Hour, 30*time.Hour)
	cfg.MaxWindow = pick(10*time.Minute, time.Hour, time.Hour, 24*time.Hour)
	if w.rng.IntN(3) == 0 {
		cfg.RecheckAfter = []time.Duration{5 * time.Minute, 4 * time.Hour}
	}
	cfg.PageSize = []int{100, 100, 30}[w.rng.IntN(3)]
	cfg.RequestsPerMinute = []int{100, 100, 60}[w.rng.IntN(3)]
	cfg.MaxConcurrentWalks = []int{1, 1, 3}[w.rng.IntN(3)]
	w.cfg = cfg
}

// start starts a process with the receiver in it.
func (w *altWorld) start(t require.TestingT) {
	set := receivertest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(w.core)
	r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
	require.NoError(t, err)
	wire := &aliveOnly{w.api, w.disk}
	host := world.Host{world.DiskID: w.disk, world.NetworkID: world.Network{Wire: wire}}
	require.NoError(t, r.Start(context.Background(), component.Host(host)))
	w.receiver = r
}

func (w *altWorld) stop(t require.TestingT) {
	require.NoError(t, w.receiver.Shutdown(context.Background()))
}

// kill ends the process at once.
func (w *altWorld) kill() {
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	if !w.disk.Dead {
		w.disk.Die()
	}
}

// reboot makes disk and pipeline work for a new process.
func (w *altWorld) reboot() {
	died := make(chan struct{})
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	w.disk.Dead, w.disk.Fuse, w.disk.Killed = false, 0, make(chan struct{})
	w.disk.OnDie = func() { close(died) }
	w.died = died
	w.paces = &pace.Registry{}
}

// dead reports whether the process was killed.
func dead(d *world.Disk) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return d.Dead
}

// aliveOnly lets the calls of a living process through.
type aliveOnly struct {
	api  *altapi.API
	disk *world.Disk
}

func (a *aliveOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if dead(a.disk) {
		return nil, errors.New("the process is dead")
	}
	return a.api.RoundTrip(req)
}

// markSink is a pipeline that records the marks of the entries that it has accepted.
type markSink struct {
	w    *altWorld
	rng  *rand.Rand
	mu   sync.Mutex
	seen map[string][]taken
	// odd are records that belong to no entry.
	odd []string
	// takes is how long it takes.
	takes time.Duration
	// from, until: when it refuses, and what share of the pages.
	from, until time.Time
	share       float64
	// never are the marks of entries that it refuses permanently.
	never map[string]bool
	// fuse: the process dies after the n-th page from now is accepted; 0: it does not.
	fuse int
}

// taken is a record that was accepted.
type taken struct {
	uid  string
	time time.Time
	text string
}

func newMarkSink(w *altWorld) *markSink {
	s := &markSink{w: w, rng: rand.New(rand.NewPCG(w.seed, 0x51)), seen: map[string][]taken{}, never: map[string]bool{}}
	s.takes = []time.Duration{0, 0, 100 * time.Millisecond, 3 * time.Second}[s.rng.IntN(4)]
	if span := w.calm.Sub(w.began); s.rng.IntN(2) == 0 && span > time.Minute {
		s.from = w.began.Add(time.Duration(s.rng.Int64N(int64(span))))
		s.until = s.from.Add(time.Duration(s.rng.Int64N(int64(time.Hour))))
		s.share = []float64{1, 0.3}[s.rng.IntN(2)]
		if w.calm.Before(s.until) {
			w.calm = s.until
		}
	}
	if shown := w.shown; s.rng.IntN(3) == 0 && len(shown) > 0 {
		for range 3 {
			s.never[shown[s.rng.IntN(len(shown))].Mark] = true
		}
	}
	return s
}

// Capabilities implements consumer.Logs.
func (*markSink) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

var markPattern = regexp.MustCompile(altapi.MarkPattern)

// ConsumeLogs implements consumer.Logs.
func (s *markSink) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	if s.takes > 0 {
		timer := time.NewTimer(s.takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if dead(s.w.disk) {
		return errors.New("the process is dead")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.After(s.from) && now.Before(s.until) && s.rng.Float64() < s.share {
		return errors.New("the backend cannot be reached")
	}
	var page []taken
	var marks []string
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				r := read(record)
				mark := markPattern.FindString(r.text)
				if s.never[mark] {
					return consumererror.NewPermanent(errors.New("400 Bad Request: a record cannot be indexed"))
				}
				page, marks = append(page, r), append(marks, mark)
			}
		}
	}
	for i, r := range page {
		if marks[i] == "" {
			s.odd = append(s.odd, r.text)
			continue
		}
		s.seen[marks[i]] = append(s.seen[marks[i]], r)
	}
	if s.fuse > 0 {
		if s.fuse--; s.fuse == 0 {
			s.w.kill()
			return errors.New("the process is dead")
		}
	}
	return nil
}

// read takes a record apart.
func read(record plog.LogRecord) taken {
	uid, _ := record.Attributes().Get("log.record.uid")
	attributes := pcommon.NewMap()
	record.Attributes().CopyTo(attributes)
	return taken{
		uid: uid.AsString(), time: record.Timestamp().AsTime(),
		text: fmt.Sprint(record.Body().AsString(), attributes.AsRaw()),
	}
}
