// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// TestForgetFrom: the ids of earlier minutes stay, and so does the kind of their hashes.
func TestForgetFrom(t *testing.T) {
	page := encodeKeys([]plan.Key{plan.StoredKey(10, false, 1), plan.StoredKey(12, false, 2), plan.StoredKey(11, true, 3)})
	for _, version := range []byte{keysByID, keysVersion} {
		body := slices.Clone(page[:len(page)-4])
		body[0] = version
		kept, dropped, err := ForgetFrom(sealKeys(body), 11)
		require.NoError(t, err)
		require.Equal(t, 2, dropped)
		require.Equal(t, version, kept[0])
		keys, err := DecodeKeys(kept)
		require.NoError(t, err)
		require.Len(t, keys, 1)
		require.Equal(t, int64(10), keys[0].LastMinute())
		require.Equal(t, uint64(1), keys[0].Hash())
		empty, _, err := ForgetFrom(kept, 0)
		require.NoError(t, err)
		keys, err = DecodeKeys(empty)
		require.NoError(t, err)
		require.Empty(t, keys)
	}
	_, _, err := ForgetFrom([]byte("no page"), 0)
	require.ErrorIs(t, err, errDamaged)
}

// TestMovedPosition: a pass moves only if it is past, or before, the time.
func TestMovedPosition(t *testing.T) {
	c := &Checkpoint{Version: Version, Begin: 100, Recheck: []int64{0, 60}, Marks: []int64{500, 300}}
	c.Rewind(400)
	require.Equal(t, []int64{400, 300}, c.Marks)
	require.Equal(t, int64(100), c.Begin)
	c.Rewind(50)
	require.Equal(t, []int64{50, 50}, c.Marks)
	require.Equal(t, int64(49), c.Begin)
	require.True(t, c.Position().Read(), "start_time does not undo it")
	c.Skip(70)
	require.Equal(t, []int64{70, 70}, c.Marks)
	values := map[string][]byte{KeyPosition: c.Encode()}
	require.NoError(t, Fault(values))
	c.Next = 1
	values[KeyPosition] = c.Encode()
	require.ErrorContains(t, Fault(values), `key "seen/0": damaged: it is missing`)
	values[SeenName(0)] = encodeKeys(nil)
	require.NoError(t, Fault(values))
	values[SeenName(0)] = []byte("no page at all")
	require.ErrorContains(t, Fault(values), `key "seen/0": damaged`)
	require.ErrorContains(t, Fault(nil), `key "position": damaged`)
}
