// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func someCheckpoint() checkpoint {
	return checkpoint{
		Version: checkpointVersion,
		Query:   query{Endpoint: feishuEndpoint, AppID: "cli_x", APIKeys: []string{"a", "b"}},
		Begin:   100, Recheck: []int64{0, 120, 3600}, Marks: []int64{5000, 4880, 1400}, Length: 300, First: 3, Next: 7,
	}
}

// TestCheckpointDamage: any byte changed, added or cut off is noticed. Covers F31,
// F32.
func TestCheckpointDamage(t *testing.T) {
	c := someCheckpoint()
	data := c.encode()
	got, err := decodeCheckpoint(data)
	require.NoError(t, err)
	assert.Equal(t, &c, got)
	keys := []seenKey{{minute: 5, hash: 1}, {minute: 5, hash: 1 << 63}, {minute: 7, odd: true, hash: 99}, {minute: -1, hash: 0}}
	page := encodeKeys(keys)
	back, err := decodeKeys(page)
	require.NoError(t, err)
	assert.ElementsMatch(t, keys, back)

	for i := range data {
		for _, flip := range []byte{1, 0x80, 0xff} {
			broken := append([]byte(nil), data...)
			broken[i] ^= flip
			_, err := decodeCheckpoint(broken)
			if i == len(data)-1 {
				continue // the line's end is no part of the value
			}
			require.Error(t, err, "byte %d of %q", i, broken)
		}
	}
	for i := range page {
		broken := append([]byte(nil), page...)
		broken[i] ^= 1
		_, err := decodeKeys(broken)
		require.Error(t, err, "byte %d", i)
	}
	for i := range page {
		_, err := decodeKeys(page[:i])
		require.Error(t, err)
	}
	for i := range len(data) - 1 {
		_, err := decodeCheckpoint(data[:i])
		require.ErrorIs(t, err, errDamaged)
	}
}

// TestCheckpointThatDoesNotFit: what has a right checksum and wrong values.
func TestCheckpointThatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(*checkpoint){
		"newer version": func(c *checkpoint) { c.Version++ },
		"no version":    func(c *checkpoint) { c.Version = 0 },
		"no watermarks": func(c *checkpoint) { c.Marks, c.Recheck = nil, nil },
		"one too few":   func(c *checkpoint) { c.Marks = c.Marks[1:] },
		"ascending":     func(c *checkpoint) { c.Marks = []int64{1, 2, 3} },
		"pages":         func(c *checkpoint) { c.First = c.Next + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := someCheckpoint()
			change(&c)
			_, err := decodeCheckpoint(c.encode())
			require.Error(t, err)
		})
	}
	c := someCheckpoint()
	c.Version = 9
	_, err := decodeCheckpoint(c.encode())
	require.ErrorContains(t, err, "version 9, and this build reads versions up to 1")
}

// TestStore: what is saved is loaded, old ids are deleted from the front, and an
// error in reading is not an empty storage. Covers F30, F32, F33.
func TestStore(t *testing.T) {
	d := &disk{data: map[string][]byte{}}
	s := &store{client: d, query: someCheckpoint().Query}
	c, known, err := s.load(t.Context())
	require.NoError(t, err)
	assert.Nil(t, c)
	assert.Zero(t, known.count)

	for n := range int64(600) {
		next := someCheckpoint()
		key := keyOf(strconv.FormatInt(n, 10), 60*n, true, window{0, 60 * 600})
		require.NoError(t, s.save(t.Context(), next, []seenKey{key}, n-100))
	}
	assert.Len(t, d.data, 102, "a hundred pages, the one just added, and the position")
	again := &store{client: d, query: someCheckpoint().Query}
	c, known, err = again.load(t.Context())
	require.NoError(t, err)
	assert.Equal(t, someCheckpoint().Marks, c.Marks)
	assert.Equal(t, 101, known.count)
	assert.True(t, known.has(keyOf("599", 60*599, true, window{0, 60 * 600})))
	assert.Equal(t, s.first, again.first)
	assert.Equal(t, s.pages, again.pages)

	// After a long pause much is deleted, a bounded number in each batch.
	require.NoError(t, again.save(t.Context(), someCheckpoint(), nil, 1<<40))
	assert.Len(t, d.data, 1)

	d.fail = func() error { return errors.New("no disk") }
	_, _, err = again.load(t.Context())
	var unusable *unusableError
	require.Error(t, err)
	require.NotErrorAs(t, err, &unusable)
	before := again.first
	require.Error(t, again.save(t.Context(), someCheckpoint(), []seenKey{{minute: 1}}, 0))
	assert.Equal(t, before, again.first)
	assert.Empty(t, again.pages, "what was not written is not counted on")
}

func TestStoreRefusesForeign(t *testing.T) {
	d := &disk{data: map[string][]byte{}}
	s := &store{client: d, query: query{Endpoint: feishuEndpoint, AppID: "cli_x"}}
	require.NoError(t, s.save(t.Context(), someCheckpoint(), nil, 0))
	other := &store{client: d, query: query{Endpoint: larkEndpoint, AppID: "cli_x"}}
	_, _, err := other.load(t.Context())
	var unusable *unusableError
	require.ErrorAs(t, err, &unusable)
	for _, part := range []string{`key "position"`, feishuEndpoint, larkEndpoint, "restore the configuration", "another name"} {
		require.ErrorContains(t, err, part)
	}
}

// TestCallsSurvive: what cannot be read of them is as good as none.
func TestCallsSurvive(t *testing.T) {
	d := &disk{data: map[string][]byte{}}
	s := &store{client: d}
	require.NoError(t, s.saveCalls(t.Context(), map[int64]int{100: 3, 101: 1}))
	calls, err := s.loadCalls(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[int64]int{100: 3, 101: 1}, calls)
	d.data[keyCalls] = []byte("garbage")
	calls, err = s.loadCalls(t.Context())
	require.NoError(t, err)
	assert.Empty(t, calls)
}

func FuzzDecodeCheckpoint(f *testing.F) {
	c := someCheckpoint()
	f.Add(c.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeCheckpoint(data)
		if err != nil {
			return
		}
		again, err := decodeCheckpoint(got.encode())
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

func FuzzDecodeKeys(f *testing.F) {
	f.Add(encodeKeys([]seenKey{{minute: 5, hash: 1}, {minute: 7, odd: true, hash: 99}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeKeys(data)
		if err != nil {
			return
		}
		again, err := decodeKeys(encodeKeys(got))
		require.NoError(t, err)
		require.ElementsMatch(t, got, again)
	})
}
