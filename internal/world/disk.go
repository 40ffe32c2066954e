// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package world is the environment of a receiver in tests: a disk, a pipeline, a network and an elector that
// fail as the test requires, and books of what they have seen.
package world

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// FailWith sets the disk's failure from now on; nil: it works.
func (d *Disk) FailWith(fail func() error) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	d.Fail = fail
}

// Disk is a storage extension whose data survive the receiver.
type Disk struct {
	component.StartFunc
	component.ShutdownFunc

	Mu    sync.Mutex
	Data  map[string][]byte
	Fail  func() error // nil: never
	Dead  bool         // the process was killed: nothing is written any more
	Fuse  int          // kill the process at the n-th write from now; 0: do not
	Torn  bool         // a batch is not atomic: what was written before the kill stays
	OnDie func()
	Bytes int // written

	// Fault is what happens to a batch; nil: nothing.
	Fault func(ops []*storage.Operation) DiskFault
	// Hangs is how long a call takes, even if its context ends, as with a network file system: open, get, set,
	// batch, or close; nil: no time.
	Hangs  func(call string) time.Duration
	Freed  time.Time     // when a call last stopped hanging
	Killed chan struct{} // closed when the process is dead
	// OnCommit, unless it is nil, is called when the position was written and the writer knows it. Unwritten is
	// called when the last position was not written because of the disk: replicas read it before they write it.
	OnCommit  func()
	Unwritten bool
}

// DiskFault is what happens to one batch of a disk.
type DiskFault struct {
	Takes time.Duration
	Err   error
	// Applies is how many operations are carried out although the batch fails, with Err or because its context
	// ends first.
	Applies int
}

// GetClient implements storage.Extension.
func (d *Disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	d.hang("open")
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// hang waits for the time that a call takes.
func (d *Disk) hang(call string) {
	d.Mu.Lock()
	hangs := d.Hangs
	d.Mu.Unlock()
	if hangs != nil {
		if takes := hangs(call); takes > 0 {
			timer := time.NewTimer(takes)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-d.Killed:
			}
			d.Mu.Lock()
			d.Freed = time.Now()
			d.Mu.Unlock()
		}
	}
}

var errDead = errors.New("the process is dead")

func (d *Disk) check() error {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if d.Dead {
		return errDead
	}
	if d.Fail != nil {
		return d.Fail()
	}
	return nil
}

// Get implements storage.Client.
func (d *Disk) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := d.write(ctx, "get", op)
	return op.Value, err
}

// Set implements storage.Client.
func (d *Disk) Set(ctx context.Context, key string, value []byte) error {
	return d.write(ctx, "set", storage.SetOperation(key, value))
}

// Delete implements storage.Client.
func (d *Disk) Delete(ctx context.Context, key string) error {
	return d.write(ctx, "set", storage.DeleteOperation(key))
}

// Batch refuses a context that has ended, as a network storage does.
func (d *Disk) Batch(ctx context.Context, ops ...*storage.Operation) error {
	return d.write(ctx, "batch", ops...)
}

func (d *Disk) write(ctx context.Context, call string, ops ...*storage.Operation) error {
	i := slices.IndexFunc(ops, func(op *storage.Operation) bool { return op.Key == "position" })
	began := ctx.Err() == nil
	d.hang(call)
	late := began && ctx.Err() != nil
	blame, err := d.batch(ctx, ops)
	blame = blame || late
	if i < 0 {
		return err
	}
	written := err == nil && ops[i].Type == storage.Set
	d.Mu.Lock()
	d.Unwritten = !written && (d.Unwritten || err != nil && blame)
	d.Mu.Unlock()
	if written && d.OnCommit != nil {
		d.OnCommit()
	}
	return err
}

// batch reports whether an error is the disk's fault, which it is not if the writer's own context has ended.
func (d *Disk) batch(ctx context.Context, ops []*storage.Operation) (blame bool, _ error) {
	if err := d.check(); err != nil {
		return true, err
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	var happens DiskFault
	if d.Fault != nil {
		happens = d.Fault(ops)
		blame = happens.Err != nil || happens.Takes > time.Millisecond
		if err := d.passes(ctx, happens.Takes); err != nil {
			happens.Err = err
		}
	}
	d.Mu.Lock()
	defer d.Mu.Unlock()
	if d.Dead {
		return true, errDead
	}
	for i, op := range ops {
		if op.Type != storage.Get && d.Fuse > 0 {
			if d.Fuse--; d.Fuse == 0 {
				d.Die()
				if d.Torn {
					d.apply(ops[:i])
				}
				return true, errDead
			}
		}
	}
	if happens.Err != nil {
		d.apply(ops[:happens.Applies])
		return blame, happens.Err
	}
	d.apply(ops)
	return false, nil
}

// passes waits, unless the context or the process ends first.
func (d *Disk) passes(ctx context.Context, takes time.Duration) error {
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
	case <-d.Killed:
		return errDead
	}
}

// Die is called with the lock held.
func (d *Disk) Die() {
	if !d.Dead && d.Killed != nil {
		close(d.Killed)
	}
	d.Dead = true
	if d.OnDie != nil {
		d.OnDie()
	}
}

func (d *Disk) apply(ops []*storage.Operation) {
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = d.Data[op.Key]
		case storage.Set:
			d.Data[op.Key] = append([]byte(nil), op.Value...)
			d.Bytes += len(op.Value)
		case storage.Delete:
			delete(d.Data, op.Key)
		}
	}
}

// Snapshot returns the contents of the disk.
func (d *Disk) Snapshot() map[string][]byte {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return maps.Clone(d.Data)
}

// Close implements storage.Client.
func (d *Disk) Close(context.Context) error {
	d.hang("close")
	return nil
}
