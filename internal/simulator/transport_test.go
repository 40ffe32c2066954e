// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// overHTTP is a client of the simulator behind a socket.
func overHTTP(t *testing.T, s *Server) *client {
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := inProcess(t, s)
	c.http, c.endpoint = server.Client(), server.URL
	return c
}

// Connection faults look the same over HTTP and in process.
func TestConnectionFaults(t *testing.T) {
	for name, connect := range map[string]func(*testing.T, *Server) *client{"http": overHTTP, "in process": inProcess} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			s.Add(numbered(20, 1)...)
			c := connect(t, s)
			require.Len(t, c.list(m{}).ids(), 20)
			with := func(f Fault) *reply {
				s.Update(func(o *Options) { o.Faults = []Fault{f} })
				return c.list(m{})
			}

			r := with(Fault{Kind: FaultReset})
			require.ErrorIs(t, r.err, syscall.ECONNRESET)
			require.Zero(t, r.status)
			require.Zero(t, s.Calls()[2].Status)

			r = with(Fault{Kind: FaultResetBody})
			require.Error(t, r.err)
			require.Equal(t, 200, r.status)
			require.Contains(t, string(r.body), `"id":"0"`)

			r = with(Fault{Kind: FaultSlowBody, Delay: time.Nanosecond})
			require.NoError(t, r.err)
			require.Len(t, r.ids(), 20)

			r = with(Fault{Kind: FaultTruncated})
			require.NoError(t, r.err, "an honest Content-Length")
			require.Equal(t, -1, r.Code)

			s.Update(func(o *Options) { o.Faults = []Fault{{Kind: FaultHang}} })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			r = c.do(c.request(http.MethodPost, ListPath, m{}).WithContext(ctx))
			require.ErrorIs(t, r.err, context.DeadlineExceeded)

			s.Update(func(o *Options) { o.Faults = nil })
			require.Len(t, c.list(m{}).ids(), 20, "healed")
		})
	}
}

func TestGzip(t *testing.T) {
	for name, connect := range map[string]func(*testing.T, *Server) *client{"http": overHTTP, "in process": inProcess} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{Gzip: true})
			s.Add(numbered(20, 1)...)
			c := connect(t, s)
			c.token = c.authorize().Token

			res, err := c.http.Do(c.request(http.MethodPost, ListPath, m{}))
			require.NoError(t, err)
			require.True(t, res.Uncompressed, "asked for and undone without the caller's doing")
			require.Empty(t, res.Header.Get("Content-Encoding"))
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Contains(t, string(body), `"id":"19"`)

			req := c.request(http.MethodPost, ListPath, m{})
			req.Header.Set("Accept-Encoding", "br, gzip;q=0.5")
			r := c.do(req)
			require.Equal(t, "gzip", r.header.Get("Content-Encoding"))
			zr, err := gzip.NewReader(bytes.NewReader(r.body))
			require.NoError(t, err)
			plain, err := io.ReadAll(zr)
			require.NoError(t, err)
			require.Equal(t, string(body), string(plain))

			req.Header.Set("Accept-Encoding", "identity")
			req.Body = io.NopCloser(strings.NewReader("{}"))
			req.ContentLength = 2
			require.Equal(t, string(body), string(c.do(req).body))
		})
	}
}

func TestTransportLatencyAndCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := inProcess(t, s)
		c.http.Transport = Transport(s, func() time.Duration { return 3 * time.Second })
		began := time.Now()
		c.authorize()
		require.Equal(t, 3*time.Second, time.Since(began))
		require.Equal(t, began.Add(1500*time.Millisecond), s.Calls()[0].Time, "half of it on the way there")

		for timeout, arrived := range map[time.Duration]int{time.Second: 0, 2 * time.Second: 1} {
			before := len(s.Calls())
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			began = time.Now()
			r := c.do(c.request(http.MethodPost, TokenPath, m{}).WithContext(ctx))
			cancel()
			require.ErrorIs(t, r.err, context.DeadlineExceeded)
			require.Equal(t, timeout, time.Since(began))
			require.Len(t, s.Calls(), before+arrived)
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := c.do(c.request(http.MethodPost, TokenPath, m{}).WithContext(ctx))
		require.ErrorIs(t, r.err, context.Canceled)
	})
}

// The body of an answer cannot be read after its request was cancelled or it was closed.
func TestTransportBody(t *testing.T) {
	c := inProcess(t, New(Options{}))
	ctx, cancel := context.WithCancel(t.Context())
	res, err := c.http.Do(c.request(http.MethodPost, TokenPath, m{}).WithContext(ctx))
	require.NoError(t, err)
	cancel()
	_, err = res.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, res.Body.Close())

	res, err = c.http.Do(c.request(http.MethodPost, TokenPath, m{}))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	_, err = res.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
}

func TestTransportServesAnyHandler(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Host != "open.example" || r.RequestURI != "/a?b=c" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Early", "yes")
		_, _ = w.Write(body)
		w.Header().Set("X-Late", "no")
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://open.example/a?b=c", strings.NewReader("hello"))
	require.NoError(t, err)
	res, err := Transport(h, nil).RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, "200 OK", res.Status)
	require.Equal(t, "yes", res.Header.Get("X-Early"))
	require.Empty(t, res.Header.Get("X-Late"))
	require.Empty(t, req.Header, "the caller's request stays as it is")
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))

	require.PanicsWithValue(t, "a bug", func() {
		_, _ = Transport(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") }), nil).RoundTrip(req) //nolint:bodyclose // it panics
	})
}
