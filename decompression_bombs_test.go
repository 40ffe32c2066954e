// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	audit "github.com/feishuaudit/feishuauditreceiver"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestAttackDecompressionBomb: an answer that decompresses to half a gigabyte is an error before it is
// decompressed, and one with an encoding that was not requested is not decompressed at all. With the collector's
// own HTTP client. Covers F20, F25.
func TestAttackDecompressionBomb(t *testing.T) {
	const size = 512 << 20
	// Small ones are read to their end, including checksums.
	requireUnpacked(t, 3*bombPart, func() (io.ReadCloser, error) { return gzip.NewReader(bytes.NewReader(gzipBomb(t, 3*bombPart))) })
	requireUnpacked(t, 3*bombPart, func() (io.ReadCloser, error) { return zlib.NewReader(bytes.NewReader(deflateBomb(t, 3*bombPart))) })
	for coding, tc := range map[string]struct {
		bomb []byte
		says string
	}{
		"gzip":    {gzipBomb(t, size), "larger than max_response_size"},
		"deflate": {deflateBomb(t, size), "not JSON"},
		"zstd":    {zstdBomb(size), "not JSON"},
		"snappy":  {snappyBomb(size / 8), "not JSON"},
	} {
		t.Run(coding, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			entries(w.server, "good", 1, time.Now().Unix()-30)
			a := &attacker{server: w.server, times: 1, answer: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", coding)
				_, _ = w.Write(tc.bomb)
			}}
			front := httptest.NewServer(a)
			defer front.Close()
			w.cfg.ClientConfig.Endpoint, w.cfg.ClientConfig.Middlewares = front.URL, nil
			w.cfg.InitialLookback = time.Minute
			w.cfg.RetryOnFailure.InitialInterval = time.Millisecond
			core, lines := observer.New(zap.DebugLevel)
			set := receivertest.NewNopSettings(metadata.Type)
			set.Logger = zap.New(core)
			r, err := audit.NewReceiver(set, w.cfg, w.sink, w.paces)
			require.NoError(t, err)
			peak := peakOf(func() {
				require.NoError(t, r.Start(t.Context(), w.host()))
				apart()
				require.Eventually(t, func() bool { return len(w.sink.Got()) == 1 }, 30*time.Second, time.Millisecond)
				require.NoError(t, r.Shutdown(context.Background()))
			})
			assert.True(t, (&attacked{lines: lines}).says(tc.says), "%v", lines.All())
			assert.Less(t, peak, uint64(200<<20))
			t.Logf("%d bytes, peak %d MiB", len(tc.bomb), peak>>20)
		})
	}
}

func requireUnpacked(t *testing.T, size int64, open func() (io.ReadCloser, error)) {
	t.Helper()
	unpacked, err := open()
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, unpacked)
	require.NoError(t, err)
	require.Equal(t, size, n)
}

const bombPart = 4 << 20

// gzipBomb is many gzip files of zeros in sequence, which together are one valid file.
func gzipBomb(t *testing.T, size int) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(make([]byte, bombPart))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return bytes.Repeat(out.Bytes(), size/bombPart)
}

// deflateBomb is a zlib stream (RFC 1950) of zeros: a flush produces a block that does not refer to anything
// before it, and can be repeated.
func deflateBomb(t *testing.T, size int) []byte {
	const head = 2
	var part bytes.Buffer
	w := zlib.NewWriter(&part)
	_, err := w.Write(make([]byte, bombPart))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	out := append([]byte(nil), part.Bytes()[:head]...)
	out = append(out, bytes.Repeat(part.Bytes()[head:], size/bombPart)...)
	out = append(out, 1, 0, 0, 0xff, 0xff)                              // an empty last block
	return binary.BigEndian.AppendUint32(out, uint32(size%65521)<<16|1) // Adler-32 of zeros
}

// zstdBomb is a frame (RFC 8878) of blocks that repeat a byte 128 KiB times.
func zstdBomb(size int) []byte {
	const block = 128 << 10
	out := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3} // a window of 128 KiB, no size and no checksum
	for n := size / block; n > 0; n-- {
		head := block<<3 | 1<<1
		if n == 1 {
			head |= 1
		}
		out = append(out, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	return out
}

// snappyBomb is a block of one byte and copies of it, 64 at a time.
func snappyBomb(size int) []byte {
	out := binary.AppendUvarint(nil, uint64(size))
	out = append(out, 0, 0)
	for left := size - 1; left > 0; left -= 64 {
		out = append(out, byte(min(left, 64)-1)<<2|2, 1, 0)
	}
	return out
}
