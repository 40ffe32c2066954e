// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	otelreceiver "go.opentelemetry.io/collector/receiver"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"

	receiver "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// storeID names the storage extension in the receiver's configuration.
var storeID = component.MustNewID("export")

// engine runs the receiver, as a collector would, until a time range has been read.
type engine struct {
	cfg    *receiver.Config
	state  *filestore.File
	out    *output
	others map[component.ID]component.Component // further extensions
	say    func(text string)                    // receives messages for people
	stall  time.Duration                        // ends a run without progress

	mu       sync.Mutex
	marks    []int64 // the last written watermarks, Unix seconds
	advanced time.Time
	reason   error // the receiver's last reason for not reading; nil: it reads
	complete chan struct{}
	stopped  chan error // an error that is not temporary
	reader   *sdkmetric.ManualReader
}

// run reads the range. It returns without an error once everything was read and committed.
func (e *engine) run(ctx context.Context, progress func(snapshot)) (snapshot, error) {
	e.advanced = time.Now()
	e.complete, e.stopped = make(chan struct{}), make(chan error, 1)
	e.reader = sdkmetric.NewManualReader()
	e.state.Before, e.state.After = e.beforeCommit, e.afterCommit
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(e.reader))
	set := otelreceiver.Settings{
		ID: component.NewID(receiver.NewFactory().Type()),
		TelemetrySettings: component.TelemetrySettings{
			Logger:         zap.New(warnings{tell: e.say}),
			MeterProvider:  meters,
			TracerProvider: noop.NewTracerProvider(),
			Resource:       pcommon.NewResource(),
		},
		BuildInfo: component.NewDefaultBuildInfo(),
	}
	e.cfg.Storage = &storeID
	r, err := receiver.NewFactory().CreateLogs(ctx, set, e.cfg, e.out)
	if err != nil {
		return snapshot{}, err
	}
	if err := r.Start(ctx, e); err != nil {
		return snapshot{}, err
	}
	err = e.await(ctx, progress)
	// The current page is still committed.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	err = errors.Join(err, r.Shutdown(stopping))
	return e.snapshot(), errors.Join(err, meters.Shutdown(stopping))
}

// await returns when the export is complete, or cannot be.
func (e *engine) await(ctx context.Context, progress func(snapshot)) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-e.complete:
			return nil
		case err := <-e.stopped:
			return err
		case err := <-e.out.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			progress(e.snapshot())
			if err := e.stalled(); err != nil {
				return err
			}
		}
	}
}

func (e *engine) stalled() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case time.Since(e.advanced) < e.stall:
		return nil
	case e.reason != nil:
		return fmt.Errorf("no progress for %s: %w", e.stall, e.reason)
	default:
		return fmt.Errorf("no progress for %s", e.stall)
	}
}

// outputKey is the key of the output's size in the state.
const outputKey = "export/output"

// beforeCommit writes the size of the output together with a position: both or neither. So a run that was killed
// repeats no page.
func (e *engine) beforeCommit(ops []*storage.Operation) ([]*storage.Operation, error) {
	for _, op := range ops {
		if op.Type == storage.Set && op.Key == checkpoint.KeyPosition {
			if err := e.out.sync(); err != nil {
				return nil, err
			}
			return append(ops, storage.SetOperation(outputKey, fmt.Appendf(nil, "%d %d", e.out.size, e.out.records.Load()))), nil
		}
	}
	return ops, nil
}

// afterCommit notes the progress of the receiver.
func (e *engine) afterCommit(ops []*storage.Operation) {
	for _, op := range ops {
		if op.Type != storage.Set || op.Key != checkpoint.KeyPosition {
			continue
		}
		c, err := checkpoint.Decode(op.Value)
		if err != nil {
			continue // it has just been encoded
		}
		e.mu.Lock()
		e.marks, e.advanced = c.Marks, time.Now()
		done := c.Marks[len(c.Marks)-1] >= ceilSeconds(e.cfg.EndTime)
		select {
		case <-e.complete:
		default:
			if done {
				close(e.complete)
			}
		}
		e.mu.Unlock()
	}
}

func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// GetExtensions implements component.Host.
func (e *engine) GetExtensions() map[component.ID]component.Component {
	all := map[component.ID]component.Component{storeID: &filestore.Extension{File: e.state}}
	maps.Copy(all, e.others)
	return all
}

// Report implements componentstatus.Reporter. A problem that needs a person ends the export; a temporary one
// does not.
func (e *engine) Report(event *componentstatus.Event) {
	err := event.Err()
	e.mu.Lock()
	before := e.reason
	e.reason = err
	e.mu.Unlock()
	var api *openapi.Error
	switch {
	case event.Status() == componentstatus.StatusPermanentError, errors.As(err, &api) && (api.Class == cause.ClassConfig || api.Class == cause.ClassQuota):
		select {
		case e.stopped <- err:
		default:
		}
	case err != nil:
		e.say("Waiting: " + err.Error())
	case before != nil && event.Status() == componentstatus.StatusOK:
		e.say("Reading works again")
	}
}

// stateOutput reads the size of the output when the position was last written.
func stateOutput(ctx context.Context, state *filestore.File) (size, records int64, err error) {
	value, err := state.Get(ctx, outputKey)
	if err != nil || value == nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(string(value), "%d %d", &size, &records); err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, fmt.Errorf("the state is damaged: %s: %w", outputKey, err)
	}
	return size, records, nil
}
