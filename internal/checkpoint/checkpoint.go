// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package checkpoint stores across restarts what was read: the format, the store that writes it to a storage
// extension, and a guard against storages that panic.
package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strconv"

	"github.com/feishuaudit/feishuauditreceiver/internal/pace"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
)

// The checkpoint consists of three kinds of values in the receiver's storage:
//
//	position    where the passes are, in JSON: legible with strings(1)
//	seen/<n>    the ids that one accepted page added, n counting up
//	calls       the calls of the last minute
//
// An accepted page costs one batch: its seen/<n> and the position, which has the first and the next n. Pages
// that the last pass no longer needs are deleted in later batches, starting with the first.
const (
	KeyPosition = "position"
	KeyCalls    = "calls"
	KeySeen     = "seen/"

	Version = 1
)

// Query is the settings that define which entries a position is about. A position of another query must not be
// used, unless nothing was read yet.
type Query struct {
	Endpoint string   `json:"endpoint"`
	AppID    string   `json:"app_id"`
	APIKeys  []string `json:"filter_api_keys,omitempty"`
	FilterID string   `json:"filter_app_id,omitempty"`
}

// Equal reports whether both define the same entries, with any spelling of the endpoint.
func (q Query) Equal(other Query) bool {
	return pace.CanonicalEndpoint(q.Endpoint) == pace.CanonicalEndpoint(other.Endpoint) && q.AppID == other.AppID && q.FilterID == other.FilterID && slices.Equal(q.APIKeys, other.APIKeys)
}

func (q Query) String() string {
	text, _ := json.Marshal(q) // strings can always be marshalled
	return string(text)
}

// Checkpoint is the stored position.
type Checkpoint struct {
	Version int   `json:"version"`
	Query   Query `json:"query"`
	Begin   int64 `json:"begin"` // Unix seconds, as all times here
	// Recheck and Marks belong together: the passes and their watermarks.
	Recheck []int64 `json:"recheck_after"`
	Marks   []int64 `json:"watermarks"`
	// Length is the length of the next window, in seconds.
	Length int64 `json:"window"`
	// First and Next are the numbers of the oldest seen/<n> and of the next one to write.
	First uint64 `json:"seen_first"`
	Next  uint64 `json:"seen_next"`
	// Origin is when the receiver was first started, if initial_lookback counts from there.
	Origin Origin `json:"origin,omitzero"`
	// Covered is a range, from and to, that was read before what is read now and is skipped; absent if there is
	// none.
	Covered *[2]int64 `json:"covered,omitempty"`
	// Early is for how many more seconds ids are needed, and up to which watermark of the first pass, because
	// the API returns entries in windows later than their events; absent if it does not.
	Early *[2]int64 `json:"early,omitempty"`
	// Term counts the terms of leaders that share this storage; 0 without any.
	Term uint64 `json:"term,omitempty"`
	// Holder distinguishes replicas that have loaded the same position, and so have the same term; empty without
	// replicas, and in what older builds have stored.
	Holder string `json:"holder,omitempty"`
}

// Origin is the first start of a receiver that starts by initial_lookback.
type Origin struct {
	At int64 `json:"at"`
	// ByServer reports that this time is confirmed by the server's clock, not only by ours.
	ByServer bool `json:"by_server,omitempty"`
}

// Position is the stored state of the plan.
func (c *Checkpoint) Position() plan.Snapshot {
	s := plan.Snapshot{Begin: c.Begin, Recheck: c.Recheck, Marks: c.Marks, Length: c.Length}
	if c.Covered != nil {
		s.Covered = *c.Covered
	}
	if c.Early != nil {
		s.Early = *c.Early
	}
	return s
}

// untouched reports whether nothing has been read or delivered yet.
func (c *Checkpoint) untouched() bool {
	return c.Next == 0 && !c.Position().Read()
}

// errDamaged is the error for a stored value that we cannot have written.
var errDamaged = errors.New("damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealPrefix is the start of a sealed value; the checksum follows in eight hex digits.
const sealPrefix = "feishu_audit checkpoint crc32c="

// Encode writes a line with a checksum, and a line of JSON.
func (c *Checkpoint) Encode() []byte {
	body, _ := json.Marshal(c) // numbers and strings can always be marshalled
	return seal(body)
}

func seal(body []byte) []byte {
	return fmt.Appendf(nil, sealPrefix+"%08x\n%s\n", crc32.Checksum(body, castagnoli), body)
}

// Decode reads a stored position. It fails if the position is damaged, or from a newer build.
func Decode(data []byte) (*Checkpoint, error) {
	if !bytes.HasPrefix(data, []byte(sealPrefix)) {
		return nil, fmt.Errorf("%w: its first line is not ours", errDamaged)
	}
	_, body, _ := bytes.Cut(data, []byte("\n"))
	body = bytes.TrimSuffix(body, []byte("\n"))
	if !bytes.Equal(data, seal(body)) {
		return nil, fmt.Errorf("%w: its checksum does not match", errDamaged)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(body, &version); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if version.Version > Version {
		return nil, fmt.Errorf("it has version %d, and this build reads versions up to %d", version.Version, Version)
	}
	c := &Checkpoint{}
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	descending := func(a, b int64) int { return -cmp.Compare(a, b) }
	switch {
	case c.Version < 1, len(c.Marks) == 0, len(c.Marks) != len(c.Recheck), c.Recheck[0] != 0,
		!slices.IsSorted(c.Recheck), !slices.IsSortedFunc(c.Marks, descending), c.First > c.Next,
		c.Covered != nil && c.Covered[0] >= c.Covered[1], c.Early != nil && c.Early[0] <= 0:
		return nil, fmt.Errorf("%w: its values do not fit together", errDamaged)
	}
	return c, nil
}

// SeenName is the key of the n-th page of remembered ids.
func SeenName(n uint64) string { return fmt.Sprintf("%s%d", KeySeen, n) }

// Versions of a page of keys.
const (
	keysByID    = 1 // the hash is of the id alone
	keysVersion = 2 // the hash is of the entry's identity
)

// encodeKeys writes the ids of a page: for each, the difference of its minute to the previous one (mostly one
// byte) and 8 bytes of hash; then a checksum.
func encodeKeys(keys []plan.Key) []byte {
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b plan.Key) int { return cmp.Compare(a.LastMinute(), b.LastMinute()) })
	out := make([]byte, 0, 16+10*len(keys))
	out = append(out, keysVersion)
	out = binary.AppendUvarint(out, uint64(len(keys)))
	minute := int64(0)
	for _, k := range keys {
		odd := int64(0)
		if k.IsOdd() {
			odd = 1
		}
		out = binary.AppendVarint(out, (k.LastMinute()-minute)<<1|odd)
		out = binary.LittleEndian.AppendUint64(out, k.Hash())
		minute = k.LastMinute()
	}
	return sealKeys(out)
}

func sealKeys(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

// maxMinute is beyond every minute that is stored: the minutes of timestamps in nanoseconds end at 2^29.
const maxMinute = 1 << 40

// DecodeKeys reads the ids of a page. It fails if they are damaged, or from a newer build.
func DecodeKeys(data []byte) ([]plan.Key, error) {
	if len(data) < 6 {
		return nil, fmt.Errorf("%w: too short", errDamaged)
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: its checksum does not match", errDamaged)
	}
	stored := plan.StoredKey
	switch body[0] {
	case keysVersion:
	case keysByID:
		stored = plan.KeyByID
	default:
		return nil, fmt.Errorf("it has version %d, and this build reads versions up to %d", body[0], keysVersion)
	}
	body = body[1:]
	count, n := binary.Uvarint(body)
	if n <= 0 || count > uint64(len(body)) {
		return nil, fmt.Errorf("%w: its count is wrong", errDamaged)
	}
	body = body[n:]
	keys := make([]plan.Key, 0, count)
	minute := int64(0)
	for range count {
		step, n := binary.Varint(body)
		if n <= 0 || len(body) < n+8 {
			return nil, fmt.Errorf("%w: it ends early", errDamaged)
		}
		// The step is limited first, so that the sum cannot overflow.
		if minute += min(max(step>>1, -2*maxMinute), 2*maxMinute); minute < -1 || minute > maxMinute {
			return nil, fmt.Errorf("%w: a time in it is out of range", errDamaged)
		}
		keys = append(keys, stored(minute, step&1 == 1, binary.LittleEndian.Uint64(body[n:])))
		body = body[n+8:]
	}
	if len(body) != 0 {
		return nil, fmt.Errorf("%w: it has %d bytes too many", errDamaged, len(body))
	}
	return keys, nil
}

// These are stored among the seconds: an older build does not know them and ignores them.
const (
	keyAhead = "server_ahead"
	keyBy    = "by"
	keyLimit = "limit"
)

// EncodeCalls writes the calls of the last minute.
func EncodeCalls(calls pace.Remembered) []byte {
	named := make(map[string]int64, len(calls.Seconds)+1)
	for second, n := range calls.Seconds {
		named[strconv.FormatInt(second, 10)] = int64(n)
	}
	if calls.Ahead != nil {
		named[keyAhead] = *calls.Ahead
	}
	if calls.By != 0 {
		named[keyBy] = calls.By
	}
	if calls.Limit > 0 {
		named[keyLimit] = int64(calls.Limit)
	}
	data, _ := json.Marshal(named) // numbers can always be marshalled
	return data
}

// DecodeCalls reads the calls of the last minute. What cannot be read is ignored: the calls only spare the
// server a refusal.
func DecodeCalls(data []byte) pace.Remembered {
	var named map[string]int64
	_ = json.Unmarshal(data, &named)
	calls := pace.Remembered{Seconds: make(map[int64]int, len(named))}
	for name, n := range named {
		if name == keyAhead {
			if n > -maxAhead && n < maxAhead {
				calls.Ahead = &n
			}
		} else if name == keyBy {
			calls.By = n
		} else if name == keyLimit {
			calls.Limit = int(min(max(0, n), math.MaxInt32))
		} else if at, err := strconv.ParseInt(name, 10, 64); err == nil && n > 0 && at > -maxAhead && at < maxAhead {
			calls.Seconds[at] = int(n)
		}
	}
	return calls
}

// maxAhead limits stored times, in seconds, so that their sums and differences are valid durations.
const maxAhead = 1 << 32
