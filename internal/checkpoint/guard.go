// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// PanicError is a panic of the storage. bbolt, below file_storage, panics where its
// file is damaged (contrib#35899), or faults where the file is shorter than its
// memory map; either in our goroutine would end the collector with all its pipelines.
type PanicError struct{ reason any }

func (e *PanicError) Error() string {
	return fmt.Sprintf("the storage panicked: %v; its file is probably damaged: "+
		"put back a good copy, or remove it from the storage extension's directory to begin anew (with start_time or initial_lookback), and restart the collector", e.reason)
}

// Guard is a storage client that fails where the one below panics, and from then on:
// after a panic nobody knows which locks it still holds.
type Guard struct {
	storage.Client
	broken atomic.Pointer[PanicError]
	waits  Waits
}

// Waits is told of each call of the storage before it is made, and, by what it returns, of
// its end: a storage may hang.
type Waits func(what string) (done func())

// OpenGuarded gets the storage client of a receiver from an extension, guarded from then on.
func OpenGuarded(ctx context.Context, extension storage.Extension, id component.ID, waits Waits) (_ *Guard, err error) {
	g := &Guard{waits: waits}
	err = g.do("open", func() error {
		g.Client, err = extension.GetClient(ctx, component.KindReceiver, id, "")
		return err
	})
	return g, err
}

func (g *Guard) do(what string, f func() error) (err error) {
	if broken := g.broken.Load(); broken != nil {
		return broken
	}
	defer g.waits(what)()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			broken := &PanicError{reason}
			g.broken.Store(broken)
			err = broken
		}
	}()
	return f()
}

// Broken returns the panic that the storage ended with, or nil.
func (g *Guard) Broken() error {
	if broken := g.broken.Load(); broken != nil {
		return broken
	}
	return nil
}

// Get implements storage.Client.
func (g *Guard) Get(ctx context.Context, key string) (value []byte, err error) {
	err = g.do("read", func() error {
		value, err = g.Client.Get(ctx, key)
		return err
	})
	return value, err
}

// Set implements storage.Client.
func (g *Guard) Set(ctx context.Context, key string, value []byte) error {
	return g.do("write", func() error { return g.Client.Set(ctx, key, value) })
}

// Delete implements storage.Client.
func (g *Guard) Delete(ctx context.Context, key string) error {
	return g.do("write", func() error { return g.Client.Delete(ctx, key) })
}

// Batch implements storage.Client.
func (g *Guard) Batch(ctx context.Context, ops ...*storage.Operation) error {
	return g.do("write", func() error { return g.Client.Batch(ctx, ops...) })
}

// Close implements storage.Client.
func (g *Guard) Close(ctx context.Context) error {
	return g.do("close", func() error { return g.Client.Close(ctx) })
}
