// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
)

// output is the destination of the records. It has complete pages only.
type output struct {
	format format
	w      io.Writer
	file   *os.File // nil: w is not a file that can be truncated
	size   int64    // of the file, up to the last complete page

	failed  chan error // the first failure; a failure to write ends the export
	records atomic.Int64
	last    atomic.Int64 // the event time of the entry written last, Unix seconds
}

// openOutput writes to the file, starting at size: what an earlier run wrote after that was not committed, and
// is read again.
func openOutput(path string, size, records int64, f format) (*output, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	o := &output{format: f, w: file, file: file, size: size, failed: make(chan error, 1)}
	o.records.Store(records)
	info, err := file.Stat()
	if err == nil && info.Size() < size {
		err = fmt.Errorf("%s has %d bytes, and %d had been written: it was changed since; remove it and its state to start over", path, info.Size(), size)
	}
	if err == nil {
		err = o.cut()
	}
	if err == nil && size == 0 {
		err = o.write(f.header())
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return o, nil
}

// streamOutput writes to an output that cannot be read again, such as a terminal or a pipe.
func streamOutput(w io.Writer, f format) (*output, error) {
	o := &output{format: f, w: w, failed: make(chan error, 1)}
	return o, o.write(f.header())
}

// cut removes what follows the last complete page.
func (o *output) cut() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Truncate(o.size); err != nil {
		return err
	}
	_, err := o.file.Seek(o.size, io.SeekStart)
	return err
}

func (o *output) write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if _, err := o.w.Write(text); err != nil {
		_ = o.cut() // the next open does so too
		return err
	}
	o.size += int64(len(text))
	return nil
}

// sync waits until the output is on the disk.
func (o *output) sync() error {
	if o.file == nil {
		return nil
	}
	return o.file.Sync()
}

func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// Capabilities implements consumer.Logs.
func (*output) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs writes a page.
func (o *output) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	var page bytes.Buffer
	err := o.format.encode(&page, logs)
	if err == nil {
		err = o.write(page.Bytes())
	}
	if err != nil {
		select {
		case o.failed <- fmt.Errorf("cannot write the output: %w", err):
		default:
		}
		return err
	}
	o.records.Add(int64(logs.LogRecordCount()))
	for record := range records(logs) {
		o.last.Store(record.Timestamp().AsTime().Unix())
	}
	return nil
}
