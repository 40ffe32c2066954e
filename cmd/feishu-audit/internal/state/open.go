// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/cli"
	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/filestore"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
)

// receiverType is the component's type, which is part of the file names.
const receiverType = "feishu_audit"

// backupSuffix is the suffix of a copy from before a change.
const backupSuffix = ".backup"

// target is what a command works on: the position of one receiver.
type target struct {
	path     string
	receiver string // its id in the configuration; empty: the file's name does not show it
	// text reports that this is only a position from another storage than file_storage: a text file with the
	// value of the key "position".
	text bool
}

// find resolves the path of a command line: a folder of file_storage, one of its files, or a file with only a
// position. receiver selects one of the files in a folder.
func find(path, receiver string) (target, error) {
	info, err := os.Stat(path)
	if err != nil {
		return target{}, &cli.UsageError{Err: err}
	}
	if !info.IsDir() {
		if receiver != "" {
			return target{}, cli.Usagef("--receiver chooses among the files of a folder, and %s is a file", path)
		}
		head := make([]byte, 16)
		f, err := os.Open(path)
		if err != nil {
			return target{}, &cli.UsageError{Err: err}
		}
		defer f.Close()
		n, _ := f.Read(head) // an empty file is none of ours
		return target{path, filestore.IDOf(path, receiverType), strings.HasPrefix(string(head[:n]), "feishu_audit ")}, nil
	}
	targets, err := inFolder(path)
	if err != nil {
		return target{}, err
	}
	var ids []string
	for _, t := range targets {
		if t.receiver == receiver || receiver == "" && len(targets) == 1 {
			return t, nil
		}
		ids = append(ids, t.receiver)
	}
	switch {
	case len(ids) == 0:
		return target{}, cli.Usagef("%s has no file of a %s receiver: is it the directory of file_storage?", path, receiverType)
	case receiver == "":
		return target{}, cli.Usagef("%s has the positions of several receivers: say which with --receiver: %s", path, strings.Join(ids, ", "))
	default:
		return target{}, cli.Usagef("%s has no position of %s, but of %s", path, receiver, strings.Join(ids, ", "))
	}
}

// inFolder returns the receivers' files in a folder of file_storage.
func inFolder(path string) ([]target, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var targets []target
	for _, entry := range entries {
		if id := filestore.IDOf(entry.Name(), receiverType); id != "" && !entry.IsDir() && !strings.HasSuffix(entry.Name(), backupSuffix) {
			targets = append(targets, target{path: filepath.Join(path, entry.Name()), receiver: id})
		}
	}
	return targets, nil
}

// read returns everything that is stored.
func (t target) read(ctx context.Context) (map[string][]byte, error) {
	if t.text {
		data, err := os.ReadFile(t.path)
		// redis-cli prints a line break after the value.
		return map[string][]byte{checkpoint.KeyPosition: append([]byte(strings.TrimRight(string(data), "\n")), '\n')}, err
	}
	f, err := filestore.OpenReadOnly(t.path)
	if err != nil {
		return nil, err
	}
	defer f.Close(ctx)
	return f.All()
}

// change replaces the stored values by the result of edit, after copying the file. It returns the copy's path.
func (t target) change(ctx context.Context, now time.Time, edit func(values map[string][]byte) (map[string][]byte, error)) (backup string, err error) {
	backup = t.path + "." + now.UTC().Format("20060102T150405Z") + backupSuffix
	if t.text {
		values, err := t.read(ctx)
		if err != nil {
			return "", err
		}
		after, err := edit(values)
		if err != nil {
			return "", err
		}
		if err := copyText(t.path, backup); err != nil {
			return "", err
		}
		return backup, os.WriteFile(t.path, after[checkpoint.KeyPosition], 0o600)
	}
	f, err := filestore.Open(t.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close(ctx)) }()
	before, err := f.All()
	if err != nil {
		return "", err
	}
	values := make(map[string][]byte, len(before))
	for key, value := range before {
		values[key] = slices.Clone(value)
	}
	after, err := edit(values)
	if err != nil {
		return "", err
	}
	if err := f.Copy(backup); err != nil {
		return "", fmt.Errorf("cannot make a backup, nothing was changed: %w", err)
	}
	var ops []*storage.Operation
	for key := range before {
		if _, kept := after[key]; !kept {
			ops = append(ops, storage.DeleteOperation(key))
		}
	}
	for key, value := range after {
		ops = append(ops, storage.SetOperation(key, value))
	}
	return backup, f.Batch(ctx, ops...)
}

// copyText copies a text file to a path that must not exist.
func copyText(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return errors.Join(err, out.Close())
}
