// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	storage := filepath.Join(dir, "storage")
	path := filepath.Join(dir, "received")
	now := time.Now()

	h, err := openHistory(dir, now)
	require.NoError(t, err)
	require.Equal(t, now.Add(-lookback).Unix(), h.since.Unix())
	for _, step := range []struct {
		id    string
		fresh bool
	}{{"1", true}, {"2", true}, {"1", false}} {
		fresh, err := h.add(step.id)
		require.NoError(t, err)
		require.Equal(t, step.fresh, fresh, step.id)
	}
	require.Len(t, h.ids, 2)
	require.NoError(t, h.Close())
	require.NoError(t, os.Mkdir(storage, 0o755))

	// A later run continues from the same start.
	again, err := openHistory(dir, now.Add(maxPause/2))
	require.NoError(t, err)
	require.NoError(t, again.Close())
	require.True(t, again.since.Equal(h.since))
	require.Equal(t, h.ids, again.ids)
	require.Equal(t, 2, again.before)
	require.False(t, again.paused)
	require.DirExists(t, storage)

	// After a long pause the position is dropped with the history.
	late := now.Add(2 * maxPause)
	anew, err := openHistory(dir, late)
	require.NoError(t, err)
	require.NoError(t, anew.Close())
	require.Equal(t, late.Add(-lookback).Unix(), anew.since.Unix())
	require.Empty(t, anew.ids)
	require.True(t, anew.paused)
	require.NoDirExists(t, storage)

	require.NoError(t, os.WriteFile(path, []byte("garbage\n1\n"), 0o600))
	_, err = openHistory(dir, time.Now())
	require.ErrorContains(t, err, "make demo-reset")
}
