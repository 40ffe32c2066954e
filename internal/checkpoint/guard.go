// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// PanicError is a panic of the storage. bbolt, which file_storage uses, panics if its file is damaged
// (contrib#35899), or faults if the file is shorter than its memory map; either in our goroutine would end the
// collector with all its pipelines.
type PanicError struct {
	reason any
	place  string
}

func (e *PanicError) Error() string {
	return cut(fmt.Sprintf("%s panicked: %v", e.place, e.reason)) + "; its file is probably damaged: " +
		"put back a good copy, or remove it to begin again (with start_time or initial_lookback), and restart the collector"
}

// Error is a failure of the storage. It has the storage, its file, and what to do.
type Error struct {
	err   error
	call  string
	place string
}

func (e *Error) Unwrap() error { return e.err }

func (e *Error) Error() string {
	text := cut(fmt.Sprintf("%s: %v", e.place, e.err))
	if e.call == "open" {
		text = "cannot open " + text
	}
	if advice := storageAdvice(e.call, e.err); advice != "" {
		text += "; " + advice
	}
	return text
}

// storageAdvice returns what to do, as far as the error shows it: the errors of bbolt and of the system have no
// types that survive the extension.
func storageAdvice(call string, err error) string {
	text := strings.ToLower(err.Error())
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case call == "open" && has("timeout", "deadline", "locked", "temporarily unavailable"):
		return "another process holds its lock: a second collector with the same directory, or the one before, which has not ended; find it (fuser, lsof), or give each collector a directory of its own"
	case has("permission denied", "access is denied", "operation not permitted"):
		return "let the collector's user write that directory"
	case has("read-only"):
		return "use a directory that can be written"
	case has("no space", "disk full", "quota exceeded", "file too large"):
		return "make room on that disk, or raise the limit on the size of files"
	case has("no such file", "not a directory"):
		return "create that directory, or set create_directory in the extension's configuration"
	case has("connection refused", "no route", "i/o timeout", "connection reset"):
		return "check the network to what keeps the storage"
	}
	return ""
}

// cut limits the text before the advice; our own text comes first.
func cut(text string) string {
	const most = 230
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// Place names a receiver's part of a storage: the extension, and, for file_storage, the file.
func Place(extension, receiver component.ID) string {
	if extension.Type().String() != "file_storage" {
		return fmt.Sprintf("the storage %s", extension)
	}
	// The name that file_storage uses, with characters escaped that file systems do not allow.
	return fmt.Sprintf("the storage %s (file receiver_%s_%s in its directory)", extension, receiver.Type(), receiver.Name())
}

// Guard is a storage client that fails if the storage panics, and from then on: after a panic it is unknown
// which locks the storage still holds.
type Guard struct {
	storage.Client
	broken atomic.Pointer[PanicError]
	waits  Waits
	place  string
}

// Waits is called before each call of the storage, and the returned function after that call has ended: a
// storage may hang.
type Waits func(what string) (done func())

// OpenGuarded gets the storage client of a receiver from an extension, inside a guard.
func OpenGuarded(ctx context.Context, extension storage.Extension, id component.ID, place string, waits Waits) (_ *Guard, err error) {
	g := &Guard{waits: waits, place: place}
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
	defer g.waits(what + " " + g.place)()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			broken := &PanicError{reason, g.place}
			g.broken.Store(broken)
			err = broken
		}
	}()
	if err := f(); err != nil {
		return &Error{err, what, g.place}
	}
	return nil
}

// Broken returns the panic that broke the storage, or nil.
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
