// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// lookback is how much of the log before its first run the demo shows.
	lookback = 30 * time.Second
	// maxPause is the longest pause after which a run resumes where the last one stopped. After a longer one
	// there would be too much to catch up with, because the simulated tenant's log keeps growing.
	maxPause = time.Hour
)

// history has the records that have arrived, in this run and in earlier ones, so that the demo can show that
// none is missing or delivered twice. It is stored next to the collector's storage: a file with the time from
// which the log is read, and then one id per line.
type history struct {
	since  time.Time
	ids    map[string]bool
	before int  // how many of the ids are from earlier runs
	paused bool // an earlier history was too old and has been dropped
	file   *os.File
}

// openHistory opens the history in dir, or starts one.
func openHistory(dir string, now time.Time) (*history, error) {
	path := filepath.Join(dir, "received")
	h := &history{ids: map[string]bool{}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h, h.begin(dir, path, now)
	case err != nil:
		return nil, err
	case now.Sub(info.ModTime()) > maxPause:
		h.paused = true
		return h, h.begin(dir, path, now)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	first, rest, _ := strings.Cut(string(data), "\n")
	if h.since, err = time.Parse(time.RFC3339, first); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w: start over with make demo-reset", path, err)
	}
	for id := range strings.FieldsSeq(rest) {
		h.ids[id] = true
	}
	h.before = len(h.ids)
	h.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
	return h, err
}

// begin starts a history, and removes the position that belongs to an older one.
func (h *history) begin(dir, path string, now time.Time) error {
	if err := os.RemoveAll(filepath.Join(dir, "storage")); err != nil {
		return err
	}
	var err error
	if h.file, err = os.Create(path); err != nil {
		return err
	}
	h.since = now.Add(-lookback).UTC().Truncate(time.Second)
	_, err = fmt.Fprintln(h.file, h.since.Format(time.RFC3339))
	return err
}

// add reports whether the record is new.
func (h *history) add(id string) (bool, error) {
	if h.ids[id] {
		return false, nil
	}
	h.ids[id] = true
	_, err := fmt.Fprintln(h.file, id)
	return true, err
}

func (h *history) Close() error { return h.file.Close() }
