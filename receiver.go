// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/report"
	"github.com/feishuaudit/feishuauditreceiver/internal/term"
)

// auditReceiver is the component: it starts and ends terms. In a term, a poller reads the log. Without a leader
// elector there is one term, from Start to Shutdown. With one, each election that is won starts a term, and
// losing it ends the term.
//
// The legal orders of calls are: Start, then any number of begin and end from the elector, then Shutdown, after
// which the elector's calls do nothing; or Shutdown without Start. The elector calls begin in a separate
// goroutine, so begin may come after the end that belongs to it. Its context has ended by then.
type auditReceiver struct {
	cfg     *Config
	set     receiver.Settings
	next    consumer.Logs
	pace    *pace.Pace
	records *record.Builder
	obsrep  *receiverhelper.ObsReport
	// phase is the moment within poll_interval at which the receiver polls, from 0 to 1.
	phase float64

	host      component.Host
	tel       *report.Telemetry
	http      *http.Client
	closeIdle func()
	leave     func()            // the shared pace; nil before Start
	storage   storage.Extension // nil: the position is only in memory
	panicked  error             // of the storage; used only by the running term

	terms term.Terms
}

func newReceiver(set receiver.Settings, cfg *Config, next consumer.Logs, shared *pace.Registry) (*auditReceiver, error) {
	obsrep, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID:             set.ID,
		Transport:              "http",
		ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	// Errors that are logged here come from elsewhere: our stack trace would only hide the line that says what
	// to do.
	set.Logger = set.Logger.WithOptions(zap.AddStacktrace(zap.FatalLevel))
	q := queryOf(cfg)
	r := &auditReceiver{
		cfg:     cfg,
		set:     set,
		next:    next,
		pace:    shared.Get(q.Endpoint, q.AppID, cfg.RequestsPerMinute),
		records: record.NewBuilder(cfg.records(set.BuildInfo.Version)),
		obsrep:  obsrep,
		phase:   shared.Phase(),
	}
	r.terms.Run = r.run
	return r, nil
}

// elector is the part of the k8s_leader_elector extension that we use. It is declared here so that this module
// does not depend on Kubernetes.
type elector interface {
	SetCallBackFuncs(onStartLeading func(context.Context), onStopLeading func())
}

// receiverAttribute is the metric attribute that names the receiver.
func receiverAttribute(id component.ID) attribute.KeyValue {
	return attribute.String("receiver", id.String())
}

// Start starts the first term, or registers with the leader elector. It does not wait for the network. It fails
// only if the configuration names an extension that is missing or of the wrong kind, or TLS files that cannot be
// read.
func (r *auditReceiver) Start(ctx context.Context, host component.Host) error {
	r.host = host
	extensions := host.GetExtensions()
	if id := r.cfg.Storage; id != nil {
		extension, ok := extensions[*id]
		if !ok {
			return fmt.Errorf("storage: extension %q is not among the collector's extensions: define it and list it under service::extensions", id)
		}
		if r.storage, ok = extension.(storage.Extension); !ok {
			return fmt.Errorf("storage: extension %q is not a storage extension: use file_storage or another one", id)
		}
	} else if r.cfg.K8sLeaderElector != nil {
		r.set.Logger.Warn("No storage is configured with k8s_leader_elector: each election loses the position, and entries are duplicated or lost. Set storage to one that all replicas share")
	} else {
		r.set.Logger.Warn("No storage is configured: the position is in memory, and a restart starts over at start_time or initial_lookback. Set storage")
	}
	var leader elector
	if id := r.cfg.K8sLeaderElector; id != nil {
		extension, ok := extensions[*id]
		if !ok {
			return fmt.Errorf("k8s_leader_elector: extension %q is not among the collector's extensions: define it and list it under service::extensions", id)
		}
		if leader, ok = extension.(elector); !ok {
			return fmt.Errorf("k8s_leader_elector: extension %q is not a leader elector: use k8s_leader_elector", id)
		}
	}
	var err error
	if r.tel, err = report.NewTelemetry(r.set.TelemetrySettings, receiverAttribute(r.set.ID)); err != nil {
		return err
	}
	if r.http, r.closeIdle, err = r.openHTTP(ctx, host); err != nil {
		return err
	}
	r.leave = r.pace.Join(r.cfg.RequestsPerMinute)
	r.tel.Gauges.ShowPace(r.pace.Present)
	r.showTimes()
	if leader == nil {
		r.terms.Begin(context.Background()) // not Start's context: that one ends when Start returns
		return nil
	}
	leader.SetCallBackFuncs(
		func(leads context.Context) {
			if leads.Err() != nil {
				return // no longer
			}
			r.set.Logger.Info("Elected: this replica reads the audit log")
			r.terms.Begin(leads)
		},
		func() {
			r.set.Logger.Info("No longer elected: another replica reads the audit log")
			_ = r.terms.End(context.Background()) // fails only when its context ends
		},
	)
	return nil
}

// showTimes logs start_time and end_time in UTC and in local time: YAML reads a time without a zone as UTC, and
// does not keep the original text.
func (r *auditReceiver) showTimes() {
	var fields []zap.Field
	show := func(key string, t time.Time) {
		if !t.IsZero() {
			fields = append(fields, zap.String(key, t.UTC().Format(time.RFC3339)), zap.String(key+"_local", t.Local().Format(time.RFC3339)))
		}
	}
	show("start_time", r.cfg.StartTime)
	show("end_time", r.cfg.EndTime)
	if len(fields) > 0 {
		r.set.Logger.Info("Time range as configured; a time without a zone is UTC", fields...)
	}
}

// newHealth is the health of a term.
func (r *auditReceiver) newHealth() *report.Health {
	return &report.Health{
		Logger: r.set.Logger,
		Report: func(event *componentstatus.Event) { componentstatus.ReportStatus(r.host, event) },
		Gauges: &r.tel.Gauges,
		First:  report.FirstCalm(r.cfg.retry()),
		GoesOn: r.cfg.K8sLeaderElector != nil,
	}
}

// stopGrace is how long the pipeline may take, when a term ends, to finish with the records that were delivered
// to it.
const stopGrace = 5 * time.Second

// run runs one term, after the previous one has ended.
func (r *auditReceiver) run(ctx context.Context, before <-chan struct{}) {
	well := r.newHealth()
	watch := &report.Watch{Health: well}
	if before != nil {
		done := watch.Begin(report.OnTerm, "end the term before")
		<-before
		done()
	}
	if ctx.Err() == nil {
		r.read(ctx, well, watch)
	}
	<-ctx.Done()           // a term may have stopped reading without having ended
	if !r.terms.Closed() { // another replica was elected
		well.Rest()
	}
	r.tel.Gauges.End()
}

// read is the work of a term.
func (r *auditReceiver) read(ctx context.Context, well *report.Health, watch *report.Watch) {
	began := time.Now()
	clock := &openapi.Clock{}
	r.tel.Gauges.Begin(clock, r.storage != nil)
	remembers := r.pace.Begins()
	defer remembers(pace.Remembered{})
	keeper, err := r.openStorage(ctx, well, watch)
	if err != nil {
		return // the term is over
	}
	defer func() {
		if err := keeper.Close(context.WithoutCancel(ctx)); err != nil {
			r.set.Logger.Warn("Cannot close the storage", zap.Error(err))
		}
		if guarded, ok := keeper.(*checkpoint.Guard); ok {
			r.panicked = guarded.Broken()
		}
	}()

	kept := checkpoint.NewStore(keeper, queryOf(r.cfg), r.cfg.K8sLeaderElector != nil)
	calls := &calls{pace: r.pace, tel: r.tel}
	if r.storage != nil {
		calls.written = kept
	}
	p := poll.New(r.cfg.reading(r.phase), poll.Parts{
		Logger: r.set.Logger,
		Client: openapi.New(openapi.Settings{
			HTTP:        watchedHTTP(r.http, watch),
			CloseIdle:   r.closeIdle,
			Endpoint:    r.cfg.ClientConfig.Endpoint,
			AppID:       r.cfg.AppID,
			AppSecret:   r.cfg.AppSecret,
			MaxResponse: int64(r.cfg.MaxResponseSize),
			Headers:     r.cfg.ClientConfig.Headers,
			Gate:        calls,
			Clock:       clock,
		}),
		Pace:    r.pace,
		Clock:   clock,
		Store:   kept,
		Records: r.records,
		Pipe: poll.NewPipe(poll.PipeSettings{
			Next:    watchedPipeline{r.next, watch},
			ObsRep:  r.obsrep,
			Retry:   r.cfg.retry(),
			Logger:  r.set.Logger,
			Refused: r.tel.CountRefused,
			Grace:   stopGrace,
		}),
		Tel:       r.tel,
		Health:    well,
		Remembers: remembers,
		Tracer:    metadata.Tracer(r.set.TelemetrySettings),
		Receiver:  receiverAttribute(r.set.ID),
	}, began)
	// Another replica has taken over, but the elector has not reported it yet, or was wrong.
	for errors.Is(p.Run(ctx), checkpoint.ErrTakenOver) && poll.Sleep(ctx, afterTakeover) == nil {
	}
}

// afterTakeover is the default lease_duration of the k8s_leader_elector extension: a replica that has lost the
// election knows it by then.
const afterTakeover = 15 * time.Second

// openStorage gets the storage client and retries until it can: another process may still hold the lock, or a
// file system may come back.
func (r *auditReceiver) openStorage(ctx context.Context, waiting *report.Health, watch *report.Watch) (storage.Client, error) {
	if r.storage == nil {
		return storage.NewNopClient(), nil
	}
	onStorage := func(what string) (done func()) { return watch.Begin(report.OnStorage, what) }
	delay := poll.NewBackOff(r.cfg.retry())
	for {
		began := time.Now()
		err := r.panicked // in an earlier term: the locks that it still holds are unknown
		if err == nil {
			var keeper *checkpoint.Guard
			if keeper, err = checkpoint.OpenGuarded(ctx, r.storage, r.set.ID, checkpoint.Place(*r.cfg.Storage, r.set.ID), onStorage); err == nil {
				return keeper, nil
			}
			r.panicked = keeper.Broken()
		}
		if r.panicked != nil {
			waiting.Stop(cause.Storage, err)
			return nil, err
		}
		wait := delay.NextBackOff()
		waiting.NoteFailure(cause.Storage, err, began, wait)
		if err := poll.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// queryOf returns the settings that define which entries a position is about.
func queryOf(cfg *Config) checkpoint.Query {
	keys := slices.Clone(cfg.Filter.APIKeys)
	slices.Sort(keys)
	return checkpoint.Query{
		Endpoint: pace.CanonicalEndpoint(cfg.ClientConfig.Endpoint),
		AppID:    cfg.AppID,
		APIKeys:  slices.Compact(keys),
		FilterID: cfg.Filter.AppID,
	}
}

// Shutdown ends the term. It waits, up to stopGrace, until the pipeline has finished with the records that were
// delivered to it, and until the checkpoint is written.
func (r *auditReceiver) Shutdown(ctx context.Context) error {
	err := r.terms.Close(ctx)
	if r.closeIdle != nil {
		r.closeIdle()
	}
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
	if r.tel != nil {
		r.tel.Close()
	}
	return err
}
