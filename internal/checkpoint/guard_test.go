// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

func nobodyWatches(string) (done func()) { return func() {} }

var ourID = component.MustNewIDWithName("feishu_audit", "lark")

// TestStorageErrors: each has the storage, the receiver's file, and what to do; the original error can still be
// recognised. Covers F69, F32.
func TestStorageErrors(t *testing.T) {
	files := Place(component.MustNewIDWithName("file_storage", "audit"), ourID)
	assert.Equal(t, "the storage file_storage/audit (file receiver_feishu_audit_lark in its directory)", files)
	assert.Equal(t, "the storage redis_storage", Place(component.MustNewID("redis_storage"), ourID))
	for text, advice := range map[string]string{
		"timeout": "another process holds its lock",
		"open /var/lib/otelcol: permission denied":            "let the collector's user write",
		"open /x: read-only file system":                      "that can be written",
		"write /x: no space left on device":                   "make room on that disk",
		"mkdir /x: no such file or directory":                 "create_directory",
		"dial tcp 10.0.0.1:6379: connect: connection refused": "check the network",
		"something else":                                      "",
		strings.Repeat("long ", 1000):                         "",
	} {
		cause := errors.New(text)
		_, err := OpenGuarded(t.Context(), &world.Disk{Fail: func() error { return cause }}, ourID, files, nobodyWatches)
		require.ErrorIs(t, err, cause)
		before, after, _ := strings.Cut(err.Error(), "; ")
		assert.True(t, strings.HasPrefix(before, "cannot open "+files+": "), before)
		assert.LessOrEqual(t, len(before), 260)
		assert.Contains(t, after, advice)
		assert.Equal(t, advice == "", after == "")
	}
	disk := &world.Disk{Data: map[string][]byte{}}
	g, err := OpenGuarded(t.Context(), disk, ourID, files, nobodyWatches)
	require.NoError(t, err)
	require.NoError(t, g.Broken())
	disk.FailWith(func() error { return os.ErrPermission })
	_, err = g.Get(t.Context(), "a")
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorContains(t, err, files+": permission denied; let the collector's user")
	disk.FailWith(func() error { panic("page 5") })
	require.ErrorContains(t, g.Set(t.Context(), "a", nil), files+" panicked: page 5; its file is probably damaged")
	disk.FailWith(nil)
	require.ErrorContains(t, g.Close(context.Background()), "page 5", "it is not touched again")
	require.Error(t, g.Broken())
}

// TestReplicasThatLoadTheSamePosition: if two replicas have loaded it before either wrote it, the second one to
// write notices. Covers F34.
func TestReplicasThatLoadTheSamePosition(t *testing.T) {
	for _, empty := range []bool{true, false} {
		disk := &world.Disk{Data: map[string][]byte{}}
		position := somePosition()
		if !empty {
			before := NewStore(disk, Query{}, true)
			_, _, err := before.Load(t.Context())
			require.NoError(t, err)
			require.NoError(t, before.Save(t.Context(), position, nil, 0))
		}
		a, b := NewStore(disk, Query{}, true), NewStore(disk, Query{}, true)
		for _, s := range []*Store{a, b} {
			_, _, err := s.Load(t.Context())
			require.NoError(t, err)
		}
		key := []plan.Key{plan.StoredKey(5, false, 1)}
		require.NoError(t, a.Save(t.Context(), position, key, 0))
		require.NoError(t, a.Save(t.Context(), position, nil, 0), "its own is no other's")
		require.ErrorIs(t, b.Save(t.Context(), position, nil, 0), ErrTakenOver)
		_, _, err := b.Load(t.Context())
		require.NoError(t, err)
		require.NoError(t, b.Save(t.Context(), position, nil, 0))
		require.ErrorIs(t, a.Save(t.Context(), position, nil, 0), ErrTakenOver)
	}
}
