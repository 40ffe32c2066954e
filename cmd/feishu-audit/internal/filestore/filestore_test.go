// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package filestore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

var receiverType = component.MustNewType("feishu_audit")

// TestLikeTheExtension: the package reads what file_storage has written, under the extension's file name, and
// the other way round; a file that it has open is locked.
func TestLikeTheExtension(t *testing.T) {
	for _, name := range []string{"", "tenant_b", "a/b~c d", "中文"} {
		id := component.NewIDWithName(receiverType, name)
		dir := t.TempDir()
		factory := filestorage.NewFactory()
		cfg := factory.CreateDefaultConfig().(*filestorage.Config)
		cfg.Directory = dir
		extension, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
		require.NoError(t, err)
		require.NoError(t, extension.Start(t.Context(), componenttest.NewNopHost()))
		client, err := extension.(storage.Extension).GetClient(t.Context(), component.KindReceiver, id, "")
		require.NoError(t, err)
		require.NoError(t, client.Set(t.Context(), "position", []byte("theirs")))

		path := filepath.Join(dir, Name(id))
		require.FileExists(t, path)
		require.Equal(t, id.String(), IDOf(path, "feishu_audit"))
		if name == "" {
			_, err = Open(path)
			require.ErrorIs(t, err, ErrLocked)
			_, err = OpenReadOnly(path)
			require.ErrorIs(t, err, ErrLocked)
		}
		require.NoError(t, client.Close(t.Context()))

		f, err := Open(path)
		require.NoError(t, err)
		value, err := f.Get(t.Context(), "position")
		require.NoError(t, err)
		require.Equal(t, "theirs", string(value))
		require.NoError(t, f.Set(t.Context(), "position", []byte("ours")))
		require.NoError(t, f.Close(t.Context()))

		client, err = extension.(storage.Extension).GetClient(t.Context(), component.KindReceiver, id, "")
		require.NoError(t, err)
		value, err = client.Get(t.Context(), "position")
		require.NoError(t, err)
		require.Equal(t, "ours", string(value))
		require.NoError(t, client.Close(t.Context()))
		require.NoError(t, extension.Shutdown(t.Context()))
	}
	require.Empty(t, IDOf("receiver_other_", "feishu_audit"))
	require.Empty(t, IDOf("receiver_feishu_audit_~00", "feishu_audit"))
}

// TestBatch: all of a batch is written, including the added operations, or nothing.
func TestBatch(t *testing.T) {
	f, err := OpenUnsynced(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	defer f.Close(t.Context())
	refuse := errors.New("refused")
	var after int
	f.After = func([]*storage.Operation) { after++ }
	f.Before = func([]*storage.Operation) ([]*storage.Operation, error) { return nil, refuse }
	require.ErrorIs(t, f.Set(t.Context(), "a", []byte("1")), refuse)
	f.Before = func(ops []*storage.Operation) ([]*storage.Operation, error) {
		return append(ops, storage.SetOperation("b", []byte("2"))), nil
	}
	require.NoError(t, f.Batch(t.Context(), storage.SetOperation("a", []byte("1")), storage.DeleteOperation("c")))
	require.Error(t, f.Batch(t.Context(), storage.SetOperation("d", []byte("1")), storage.SetOperation("", nil)))
	all, err := f.All()
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, all)
	require.Equal(t, 1, after)
	get := storage.GetOperation("nothing")
	require.NoError(t, f.Batch(t.Context(), get))
	require.Nil(t, get.Value)

	// A copy is the same kind of file, and overwrites nothing.
	to := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, f.Copy(to))
	require.ErrorIs(t, f.Copy(to), os.ErrExist)
	copied, err := OpenReadOnly(to)
	require.NoError(t, err)
	defer copied.Close(context.Background())
	same, err := copied.All()
	require.NoError(t, err)
	require.Equal(t, all, same)
}

// TestDamagedFile: a damaged file is an error and not a panic.
func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.WriteFile(path, []byte("no database at all"), 0o600))
	_, err := Open(path)
	require.ErrorContains(t, err, path)
	_, err = OpenReadOnly(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)

	f, err := OpenUnsynced(path + "2")
	require.NoError(t, err)
	for i := range 200 {
		require.NoError(t, f.Set(t.Context(), string(rune('a'+i)), make([]byte, 1000)))
	}
	require.NoError(t, f.Close(t.Context()))
	data, err := os.ReadFile(path + "2")
	require.NoError(t, err)
	for at := 2 * os.Getpagesize(); at < len(data); at++ {
		data[at] = 0xff
	}
	require.NoError(t, os.WriteFile(path+"2", data, 0o600))
	f, err = OpenReadOnly(path + "2")
	if err == nil {
		_, err = f.All()
		require.NoError(t, f.Close(t.Context()))
	}
	require.Error(t, err)
}
