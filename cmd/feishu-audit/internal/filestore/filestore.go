// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package filestore reads and writes a file of the file_storage extension: a bbolt database with one bucket. The
// extension can use its files, and the other way round (extension/storage/filestorage of
// opentelemetry-collector-contrib, extension.go for the names and client.go for the format; a test of this
// package uses the extension itself).
package filestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// bucket is the only bucket that file_storage uses.
var bucket = []byte("default")

// lockTimeout is how long to wait until another process closes the file.
const lockTimeout = time.Second

// ErrLocked is a file that another process has open.
var ErrLocked = errors.New("another process has it open")

// File is an open file. Its methods may be called by several goroutines.
type File struct {
	db *bbolt.DB
	// Before is called with the operations of each batch before it is written. It may add operations, which are
	// written in the same transaction. Nil: nothing is added.
	Before func(ops []*storage.Operation) ([]*storage.Operation, error)
	// After is called with the operations of each batch that was written.
	After func(ops []*storage.Operation)
}

var _ storage.Client = (*File)(nil)

// Open opens a file for reading and writing, and creates it if necessary. It fails with ErrLocked if a collector
// has it open.
func Open(path string) (*File, error) { return open(path, bbolt.Options{}) }

// OpenUnsynced is Open for files that need not survive a crash of the machine, such as those of a test: it does
// not wait until a batch is on the disk.
func OpenUnsynced(path string) (*File, error) { return open(path, bbolt.Options{NoSync: true}) }

// OpenReadOnly opens an existing file without changing it.
func OpenReadOnly(path string) (*File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return open(path, bbolt.Options{ReadOnly: true})
}

func open(path string, o bbolt.Options) (f *File, err error) {
	defer recovered(path, &err)
	o.Timeout = lockTimeout
	o.NoFreelistSync = true // as file_storage does: the same file must suit both
	o.FreelistType = bbolt.FreelistMapType
	db, err := bbolt.Open(path, 0o600, &o)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w: stop the collector that uses it first", path, ErrLocked)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !o.ReadOnly {
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(bucket)
			return err
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
		}
	}
	return &File{db: db}, nil
}

// recovered turns a panic of bbolt, which a damaged file causes, into an error.
func recovered(path string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s is damaged: %v", path, p)
	}
}

// Get returns the value of a key, nil if there is none.
func (f *File) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := f.Batch(ctx, op)
	return op.Value, err
}

// Set stores a value.
func (f *File) Set(ctx context.Context, key string, value []byte) error {
	return f.Batch(ctx, storage.SetOperation(key, value))
}

// Delete removes a key.
func (f *File) Delete(ctx context.Context, key string) error {
	return f.Batch(ctx, storage.DeleteOperation(key))
}

// Batch executes all operations, in order, or none. It returns once they are on the disk.
func (f *File) Batch(_ context.Context, ops ...*storage.Operation) (err error) {
	defer recovered(f.db.Path(), &err)
	writes := false
	for _, op := range ops {
		writes = writes || op.Type != storage.Get
	}
	if !writes {
		return f.db.View(func(tx *bbolt.Tx) error { return apply(tx, ops) })
	}
	if f.Before != nil {
		if ops, err = f.Before(ops); err != nil {
			return err
		}
	}
	if err := f.db.Update(func(tx *bbolt.Tx) error { return apply(tx, ops) }); err != nil {
		return err
	}
	if f.After != nil {
		f.After(ops)
	}
	return nil
}

func apply(tx *bbolt.Tx, ops []*storage.Operation) error {
	b := tx.Bucket(bucket)
	for _, op := range ops {
		var err error
		switch {
		case op.Type == storage.Get && b == nil: // a file that was never written
			op.Value = nil
		case op.Type == storage.Get:
			op.Value = nil
			if value := b.Get([]byte(op.Key)); value != nil {
				op.Value = append([]byte{}, value...)
			}
		case op.Type == storage.Set:
			err = b.Put([]byte(op.Key), op.Value)
		default:
			err = b.Delete([]byte(op.Key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// All returns every key with its value.
func (f *File) All() (all map[string][]byte, err error) {
	defer recovered(f.db.Path(), &err)
	all = map[string][]byte{}
	err = f.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(key, value []byte) error {
			all[string(key)] = append([]byte{}, value...)
			return nil
		})
	})
	return all, err
}

// Copy writes a copy of the file to another path, which must not exist.
func (f *File) Copy(path string) error {
	return f.db.View(func(tx *bbolt.Tx) error {
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = tx.WriteTo(out)
		if err == nil {
			err = out.Sync()
		}
		return errors.Join(err, out.Close())
	})
}

// Close closes the file.
func (f *File) Close(context.Context) error { return f.db.Close() }

// Name is the name that file_storage gives to the file of a receiver: receiver_TYPE_NAME, with each character
// that is not safe in a path replaced by its number.
func Name(id component.ID) string {
	var b strings.Builder
	for _, r := range "receiver_" + id.Type().String() + "_" + id.Name() {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "~%04X", r)
		}
	}
	return b.String()
}

// IDOf is the receiver that a file belongs to, as named in a configuration; empty if the file does not belong to
// a receiver of that type.
func IDOf(path, receiverType string) string {
	name, ok := strings.CutPrefix(filepath.Base(path), "receiver_"+receiverType+"_")
	if !ok {
		return ""
	}
	var decoded strings.Builder
	for name != "" {
		before, after, found := strings.Cut(name, "~")
		decoded.WriteString(before)
		if !found {
			break
		}
		r, err := strconv.ParseUint(after[:min(4, len(after))], 16, 16)
		if err != nil || len(after) < 4 {
			return ""
		}
		decoded.WriteRune(rune(r))
		name = after[4:]
	}
	name = decoded.String()
	if name == "" {
		return receiverType
	}
	return receiverType + "/" + name
}

// Extension is a storage extension with one file: every component gets the same one, and its opener closes it.
type Extension struct {
	component.StartFunc
	component.ShutdownFunc
	File *File
}

var _ storage.Extension = (*Extension)(nil)

// GetClient returns the file.
func (e *Extension) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return unclosed{e.File}, nil
}

// unclosed stays open when its user closes it.
type unclosed struct{ *File }

func (unclosed) Close(context.Context) error { return nil }
