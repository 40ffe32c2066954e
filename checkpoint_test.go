// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func someCheckpoint() checkpoint {
	return checkpoint{
		Version: checkpointVersion,
		Query:   query{Endpoint: "https://open.feishu.cn", AppID: "cli_x", APIKeys: []string{"a", "b"}},
		Begin:   100, Recheck: []int64{0, 120, 3600}, Marks: []int64{5000, 4880, 1400}, Length: 300, First: 3, Next: 7,
	}
}

func somePosition() snapshot {
	c := someCheckpoint()
	return c.position()
}

// TestCheckpointDamage: any byte changed, to whatever value, added or cut off is
// noticed. Covers F31, F32.
func TestCheckpointDamage(t *testing.T) {
	c := someCheckpoint()
	data := c.encode()
	got, err := decodeCheckpoint(data)
	require.NoError(t, err)
	assert.Equal(t, &c, got)
	keys := []seenKey{storedKey(5, false, 1), storedKey(5, false, 1<<63), storedKey(7, true, 99), storedKey(-1, false, 0)}
	page := encodeKeys(keys)
	back, err := decodeKeys(page)
	require.NoError(t, err)
	assert.ElementsMatch(t, keys, back)

	requireNoticed := func(data []byte, decode func([]byte) error) {
		for i := range data {
			broken := slices.Clone(data)
			for flip := 1; flip < 256; flip++ {
				broken[i] = data[i] ^ byte(flip)
				require.ErrorIs(t, decode(broken), errDamaged, "byte %d of %q", i, broken)
			}
			require.ErrorIs(t, decode(data[:i]), errDamaged, "%d bytes of %q", i, data)
			require.ErrorIs(t, decode(data[i+1:]), errDamaged, "from %d of %q", i, data)
			require.ErrorIs(t, decode(slices.Insert(slices.Clone(data), i, 'x')), errDamaged)
		}
		require.ErrorIs(t, decode(append(slices.Clone(data), '\n')), errDamaged)
	}
	requireNoticed(data, func(data []byte) error { _, err := decodeCheckpoint(data); return err })
	requireNoticed(page, func(data []byte) error { _, err := decodeKeys(data); return err })
}

// TestKeysOutOfRange: times that nobody wrote are refused, also where their sum
// would overflow.
func TestKeysOutOfRange(t *testing.T) {
	for _, minutes := range [][]int64{{-2}, {maxMinute + 1}, {math.MinInt64 / 2}, {math.MaxInt64 / 2}, {5, math.MaxInt64/2 - 5}} {
		var keys []seenKey
		for _, minute := range minutes {
			keys = append(keys, storedKey(minute, false, 0))
		}
		_, err := decodeKeys(encodeKeys(keys))
		require.ErrorIs(t, err, errDamaged, "%v", minutes)
	}
	keys := []seenKey{storedKey(-1, false, 0), storedKey(0, true, 0), storedKey(maxMinute, false, 0)}
	got, err := decodeKeys(encodeKeys(keys))
	require.NoError(t, err)
	require.Equal(t, keys, got)
}

// TestStoredBytesPerID: what a remembered id costs in the checkpoint, at the API's ceiling
// and in quiet and busy minutes around it.
func TestStoredBytesPerID(t *testing.T) {
	for _, perMinute := range []int{10, 1000, 6145, 10_000, 12_288} {
		var page []seenKey
		stored, ids := 0, 10*perMinute
		for i := range ids {
			page = append(page, storedKey(int64(29_000_000+i/perMinute), false, rand.Uint64()))
			if len(page) == 100 || i == ids-1 {
				stored += len(encodeKeys(page))
				page = page[:0]
			}
		}
		perID := float64(stored) / float64(ids)
		t.Logf("%d entries a minute: %.1f bytes", perMinute, perID)
		assert.LessOrEqual(t, perID, 9.5)
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
	assert.Zero(t, known.size())

	for n := range int64(600) {
		key := storedKey(n, false, uint64(n))
		require.NoError(t, s.save(t.Context(), somePosition(), []seenKey{key}, n-100))
	}
	assert.Len(t, d.data, 102, "a hundred pages, the one just added, and the position")
	again := &store{client: d, query: someCheckpoint().Query}
	c, known, err = again.load(t.Context())
	require.NoError(t, err)
	assert.Equal(t, someCheckpoint().Marks, c.Marks)
	assert.Equal(t, 101, known.size())
	assert.True(t, known.has(storedKey(599, false, 599)))
	assert.Equal(t, s.first, again.first)
	assert.Equal(t, s.pages, again.pages)

	// After a long pause much is deleted, a bounded number in each batch.
	require.NoError(t, again.save(t.Context(), somePosition(), nil, 1<<40))
	assert.Len(t, d.data, 1)

	d.fail = func() error { return errors.New("no disk") }
	_, _, err = again.load(t.Context())
	var unusable *unusableError
	require.Error(t, err)
	require.NotErrorAs(t, err, &unusable)
	before := again.first
	require.Error(t, again.save(t.Context(), somePosition(), []seenKey{storedKey(1, false, 0)}, 0))
	assert.Equal(t, before, again.first)
	assert.Empty(t, again.pages, "what was not written is not counted on")
}

func TestStoreRefusesForeign(t *testing.T) {
	d := &disk{data: map[string][]byte{}}
	s := &store{client: d, query: query{Endpoint: "https://open.feishu.cn", AppID: "cli_x"}}
	require.NoError(t, s.save(t.Context(), somePosition(), nil, 0))
	other := &store{client: d, query: query{Endpoint: "https://open.larksuite.com", AppID: "cli_x"}}
	_, _, err := other.load(t.Context())
	var unusable *unusableError
	require.ErrorAs(t, err, &unusable)
	for _, part := range []string{`key "position"`, "https://open.feishu.cn", "https://open.larksuite.com", "restore the configuration", "another name"} {
		require.ErrorContains(t, err, part)
	}
}

// TestCallsSurvive: what cannot be read of them is as good as none.
func TestCallsSurvive(t *testing.T) {
	d := &disk{data: map[string][]byte{}}
	s := newStore(d, query{}, false)
	ahead := int64(-7)
	stored := rememberedCalls{seconds: map[int64]int{100: 3, 101: 1}, ahead: &ahead, upTo: 4}
	require.NoError(t, s.noteCalls(t.Context(), 4, func() rememberedCalls { return stored }))
	calls, err := s.loadCalls(t.Context())
	require.NoError(t, err)
	assert.Equal(t, stored.seconds, calls.seconds)
	assert.Equal(t, &ahead, calls.ahead)
	d.data[keyCalls] = []byte("garbage")
	calls, err = s.loadCalls(t.Context())
	require.NoError(t, err)
	assert.Empty(t, calls.seconds)
	assert.Nil(t, calls.ahead)
}

// FuzzDecodeCheckpoint seals its input, so that it gets behind the checksum, and
// holds that what is read is what is written, and that a changed byte is noticed.
func FuzzDecodeCheckpoint(f *testing.F) {
	c := someCheckpoint()
	f.Add(bytes.TrimSuffix(c.encode()[len(sealPrefix)+9:], []byte("\n")), uint(0), byte(0))
	c.Version, c.Marks, c.Recheck = 2, nil, []int64{}
	f.Add(c.encode(), uint(17), byte(4))
	f.Add([]byte(`{"VERSION":1,"version":1,"recheck_after":[0],"watermarks":[9223372036854775807]}`), uint(60), byte(' '))
	f.Add([]byte("{\n}\n"), uint(100), byte('\n'))
	f.Fuzz(func(t *testing.T, body []byte, at uint, flip byte) {
		_, err := decodeCheckpoint(body)
		sealed := seal(body)
		if err == nil { // a fuzzer that finds the checksum by itself
			sealed = body
		}
		got, err := decodeCheckpoint(sealed)
		if err != nil {
			require.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "%q", err)
			return
		}
		again, err := decodeCheckpoint(got.encode())
		require.NoError(t, err)
		require.Equal(t, got, again)
		if flip != 0 {
			sealed[at%uint(len(sealed))] ^= flip
			_, err = decodeCheckpoint(sealed)
			require.ErrorIs(t, err, errDamaged)
		}
	})
}

// FuzzDecodeKeys does the same for the ids of a page.
func FuzzDecodeKeys(f *testing.F) {
	for _, keys := range [][]seenKey{nil, {storedKey(-1, false, 0)}, {storedKey(5, false, 1), storedKey(7, true, 99)}, {storedKey(maxMinute, false, 1<<63), storedKey(2, false, 0)}} {
		page := encodeKeys(keys)
		f.Add(page[:len(page)-4], uint(3), byte(1))
	}
	f.Add(binary.AppendUvarint([]byte{checkpointVersion}, 1<<40), uint(0), byte(0))
	f.Fuzz(func(t *testing.T, body []byte, at uint, flip byte) {
		_, _ = decodeKeys(body)
		data := sealKeys(slices.Clone(body))
		got, err := decodeKeys(data)
		if err != nil {
			return
		}
		for _, k := range got {
			require.True(t, k.lastMinute() >= -1 && k.lastMinute() <= maxMinute, k)
		}
		again, err := decodeKeys(encodeKeys(got))
		require.NoError(t, err)
		require.ElementsMatch(t, got, again)
		if flip != 0 {
			data[at%uint(len(data))] ^= flip
			_, err = decodeKeys(data)
			require.ErrorIs(t, err, errDamaged)
		}
	})
}

// FuzzDecodeCalls holds that a stored record of calls, whatever is in it, is
// read as calls at times to reckon with, and that what was written is read.
func FuzzDecodeCalls(f *testing.F) {
	f.Add([]byte(`{"946684800":3,"946684801":1}`))
	f.Add([]byte(`{"-9223372036854775808":9223372036854775807,"9223372036854775807":1,"x":2,"5":-1}`))
	f.Add([]byte(`{"946684800":1,"server_ahead":-3}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		calls := decodeCalls(data)
		require.Equal(t, calls, decodeCalls(encodeCalls(calls)))
		for second, n := range calls.seconds {
			require.Positive(t, n)
			require.Less(t, max(second, -second), int64(maxAhead))
		}
	})
}
