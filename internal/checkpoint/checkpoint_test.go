// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package checkpoint

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

	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

func someCheckpoint() Checkpoint {
	return Checkpoint{
		Version: Version,
		Query:   Query{Endpoint: "https://open.feishu.cn", AppID: "cli_x", APIKeys: []string{"a", "b"}},
		Begin:   100, Recheck: []int64{0, 120, 3600}, Marks: []int64{5000, 4880, 1400}, Length: 300, First: 3, Next: 7, Early: &[2]int64{900, 12_000},
	}
}

func somePosition() plan.Snapshot {
	c := someCheckpoint()
	return c.Position()
}

// TestCheckpointDamage: any byte that is changed, added or cut off is noticed. Covers F31, F32.
func TestCheckpointDamage(t *testing.T) {
	c := someCheckpoint()
	data := c.Encode()
	got, err := Decode(data)
	require.NoError(t, err)
	assert.Equal(t, &c, got)
	keys := []plan.Key{plan.StoredKey(5, false, 1), plan.StoredKey(5, false, 1<<63), plan.StoredKey(7, true, 99), plan.StoredKey(-1, false, 0)}
	page := encodeKeys(keys)
	back, err := DecodeKeys(page)
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
	requireNoticed(data, func(data []byte) error { _, err := Decode(data); return err })
	requireNoticed(page, func(data []byte) error { _, err := DecodeKeys(data); return err })
}

// TestKeysOutOfRange: times that nobody wrote are refused, even if their sum would overflow.
func TestKeysOutOfRange(t *testing.T) {
	for _, minutes := range [][]int64{{-2}, {maxMinute + 1}, {math.MinInt64 / 2}, {math.MaxInt64 / 2}, {5, math.MaxInt64/2 - 5}} {
		var keys []plan.Key
		for _, minute := range minutes {
			keys = append(keys, plan.StoredKey(minute, false, 0))
		}
		_, err := DecodeKeys(encodeKeys(keys))
		require.ErrorIs(t, err, errDamaged, "%v", minutes)
	}
	keys := []plan.Key{plan.StoredKey(-1, false, 0), plan.StoredKey(0, true, 0), plan.StoredKey(maxMinute, false, 0)}
	got, err := DecodeKeys(encodeKeys(keys))
	require.NoError(t, err)
	require.Equal(t, keys, got)
}

// TestStoredBytesPerID: the stored size of a remembered id, at the API's limit and with quiet and busy minutes
// around it.
func TestStoredBytesPerID(t *testing.T) {
	for _, perMinute := range []int{10, 1000, 6145, 10_000, 12_288} {
		var page []plan.Key
		stored, ids := 0, 10*perMinute
		for i := range ids {
			page = append(page, plan.StoredKey(int64(29_000_000+i/perMinute), false, rand.Uint64()))
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

// TestCheckpointThatDoesNotFit: a correct checksum and wrong values.
func TestCheckpointThatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(*Checkpoint){
		"newer version": func(c *Checkpoint) { c.Version++ },
		"no version":    func(c *Checkpoint) { c.Version = 0 },
		"no watermarks": func(c *Checkpoint) { c.Marks, c.Recheck = nil, nil },
		"one too few":   func(c *Checkpoint) { c.Marks = c.Marks[1:] },
		"ascending":     func(c *Checkpoint) { c.Marks = []int64{1, 2, 3} },
		"pages":         func(c *Checkpoint) { c.First = c.Next + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := someCheckpoint()
			change(&c)
			_, err := Decode(c.Encode())
			require.Error(t, err)
		})
	}
	c := someCheckpoint()
	c.Version = 9
	_, err := Decode(c.Encode())
	require.ErrorContains(t, err, "version 9, and this build reads versions up to 1")
}

// TestStore: what is saved is loaded, old ids are deleted from the front, and an error while reading is not an
// empty storage. Covers F30, F32, F33.
func TestStore(t *testing.T) {
	d := &world.Disk{Data: map[string][]byte{}}
	s := &Store{client: d, query: someCheckpoint().Query}
	c, known, err := s.Load(t.Context())
	require.NoError(t, err)
	assert.Nil(t, c)
	assert.Zero(t, known.Len())

	for n := range int64(600) {
		key := plan.StoredKey(n, false, uint64(n))
		require.NoError(t, s.Save(t.Context(), somePosition(), []plan.Key{key}, n-100))
	}
	assert.Len(t, d.Data, 102, "a hundred pages, the one just added, and the position")
	again := &Store{client: d, query: someCheckpoint().Query}
	c, known, err = again.Load(t.Context())
	require.NoError(t, err)
	assert.Equal(t, someCheckpoint().Marks, c.Marks)
	assert.Equal(t, 101, known.Len())
	assert.True(t, known.Has(plan.StoredKey(599, false, 599)))
	assert.Equal(t, s.first, again.first)
	assert.Equal(t, s.pages, again.pages)

	// After a long pause many pages are deleted, a limited number in each batch.
	require.NoError(t, again.Save(t.Context(), somePosition(), nil, 1<<40))
	assert.Len(t, d.Data, 1)

	d.Fail = func() error { return errors.New("no disk") }
	_, _, err = again.Load(t.Context())
	var unusable *UnusableError
	require.Error(t, err)
	require.NotErrorAs(t, err, &unusable)
	before := again.first
	require.Error(t, again.Save(t.Context(), somePosition(), []plan.Key{plan.StoredKey(1, false, 0)}, 0))
	assert.Equal(t, before, again.first)
	assert.Empty(t, again.pages, "what was not written is not counted on")
}

func TestStoreRefusesForeign(t *testing.T) {
	d := &world.Disk{Data: map[string][]byte{}}
	s := &Store{client: d, query: Query{Endpoint: "https://open.feishu.cn", AppID: "cli_x"}}
	require.NoError(t, s.Save(t.Context(), somePosition(), nil, 0))
	other := &Store{client: d, query: Query{Endpoint: "https://open.larksuite.com", AppID: "cli_x"}}
	_, _, err := other.Load(t.Context())
	var unusable *UnusableError
	require.ErrorAs(t, err, &unusable)
	for _, part := range []string{`key "position"`, "https://open.feishu.cn", "https://open.larksuite.com", "restore the configuration", "another name"} {
		require.ErrorContains(t, err, part)
	}
}

// TestCallsSurvive: calls that cannot be read are ignored.
func TestCallsSurvive(t *testing.T) {
	d := &world.Disk{Data: map[string][]byte{}}
	s := NewStore(d, Query{}, false)
	ahead := int64(-7)
	stored := pace.Remembered{Seconds: map[int64]int{100: 3, 101: 1}, Ahead: &ahead, UpTo: 4}
	require.NoError(t, s.NoteCalls(t.Context(), 4, func() pace.Remembered { return stored }))
	calls, err := s.LoadCalls(t.Context())
	require.NoError(t, err)
	assert.Equal(t, stored.Seconds, calls.Seconds)
	assert.Equal(t, &ahead, calls.Ahead)
	d.Data[KeyCalls] = []byte("garbage")
	calls, err = s.LoadCalls(t.Context())
	require.NoError(t, err)
	assert.Empty(t, calls.Seconds)
	assert.Nil(t, calls.Ahead)
}

// FuzzDecodeCheckpoint seals its input, so that it passes the checksum. What is read is what is written, and a
// changed byte is noticed.
func FuzzDecodeCheckpoint(f *testing.F) {
	c := someCheckpoint()
	f.Add(bytes.TrimSuffix(c.Encode()[len(sealPrefix)+9:], []byte("\n")), uint(0), byte(0))
	c.Version, c.Marks, c.Recheck = 2, nil, []int64{}
	f.Add(c.Encode(), uint(17), byte(4))
	f.Add([]byte(`{"VERSION":1,"version":1,"recheck_after":[0],"watermarks":[9223372036854775807]}`), uint(60), byte(' '))
	f.Add([]byte("{\n}\n"), uint(100), byte('\n'))
	f.Fuzz(func(t *testing.T, body []byte, at uint, flip byte) {
		_, err := Decode(body)
		sealed := seal(body)
		if err == nil { // a fuzzer that has found the checksum
			sealed = body
		}
		got, err := Decode(sealed)
		if err != nil {
			require.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "%q", err)
			return
		}
		again, err := Decode(got.Encode())
		require.NoError(t, err)
		require.Equal(t, got, again)
		if flip != 0 {
			sealed[at%uint(len(sealed))] ^= flip
			_, err = Decode(sealed)
			require.ErrorIs(t, err, errDamaged)
		}
	})
}

// FuzzDecodeKeys does the same for the ids of a page.
func FuzzDecodeKeys(f *testing.F) {
	for _, keys := range [][]plan.Key{nil, {plan.StoredKey(-1, false, 0)}, {plan.StoredKey(5, false, 1), plan.StoredKey(7, true, 99)}, {plan.StoredKey(maxMinute, false, 1<<63), plan.StoredKey(2, false, 0)}} {
		page := encodeKeys(keys)
		f.Add(page[:len(page)-4], uint(3), byte(1))
	}
	f.Add(binary.AppendUvarint([]byte{keysVersion}, 1<<40), uint(0), byte(0))
	f.Add(append([]byte{keysByID, 1, 10}, make([]byte, 8)...), uint(2), byte(1))
	f.Fuzz(func(t *testing.T, body []byte, at uint, flip byte) {
		_, _ = DecodeKeys(body)
		data := sealKeys(slices.Clone(body))
		got, err := DecodeKeys(data)
		if err != nil {
			return
		}
		for i, k := range got {
			require.True(t, k.LastMinute() >= -1 && k.LastMinute() <= maxMinute, k)
			got[i] = plan.StoredKey(k.LastMinute(), k.IsOdd(), k.Hash()) // the newest version is written
		}
		again, err := DecodeKeys(encodeKeys(got))
		require.NoError(t, err)
		require.ElementsMatch(t, got, again)
		if flip != 0 {
			data[at%uint(len(data))] ^= flip
			_, err = DecodeKeys(data)
			require.ErrorIs(t, err, errDamaged)
		}
	})
}

// FuzzDecodeCalls: a stored record of calls, with any contents, is read as calls at valid times, and what was
// written is read.
func FuzzDecodeCalls(f *testing.F) {
	f.Add([]byte(`{"946684800":3,"946684801":1}`))
	f.Add([]byte(`{"-9223372036854775808":9223372036854775807,"9223372036854775807":1,"x":2,"5":-1}`))
	f.Add([]byte(`{"946684800":1,"server_ahead":-3}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		calls := DecodeCalls(data)
		require.Equal(t, calls, DecodeCalls(EncodeCalls(calls)))
		for second, n := range calls.Seconds {
			require.Positive(t, n)
			require.Less(t, max(second, -second), int64(maxAhead))
		}
	})
}
