// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Transport returns a round tripper that runs the handler in the caller's goroutine, without any network: it
// works in testing/synctest bubbles, where sockets do not. To its caller it behaves like http.Transport: it
// requests gzip and decompresses it unless the request has its own Accept-Encoding, obeys the request's context,
// and turns an aborted answer into a connection error.
// heeds the request's context, and turns an aborted answer into a connection error.
// latency, if not nil, is how long each call is in transit, half of it to the server and half of it back.
func Transport(h http.Handler, latency func() time.Duration) http.RoundTripper {
	return &transport{handler: h, latency: latency}
}

type transport struct {
	handler http.Handler
	latency func() time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	var latency time.Duration
	if t.latency != nil {
		latency = t.latency()
	}
	ctx := req.Context()
	if err := wait(ctx, latency/2); err != nil {
		return nil, err
	}

	served := req.Clone(ctx)
	served.RequestURI = req.URL.RequestURI()
	served.RemoteAddr = "127.0.0.1:50000"
	if served.Body == nil {
		served.Body = http.NoBody
	}
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	transparent := req.Header.Get("Accept-Encoding") == ""
	if transparent {
		served.Header.Set("Accept-Encoding", "gzip")
	}
	rec := &recorder{header: http.Header{}}
	aborted := rec.run(t.handler, served)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := wait(ctx, latency-latency/2); err != nil {
		return nil, err
	}
	if aborted && rec.status == 0 {
		return nil, fmt.Errorf("read: %w", syscall.ECONNRESET)
	}
	return rec.response(req, transparent)
}

// wait lets time pass unless the context ends first.
func wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// recorder is a response writer that keeps the answer.
type recorder struct {
	header http.Header
	sent   http.Header // at the time of WriteHeader
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status, r.sent = status, r.header.Clone()
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// run calls the handler and reports whether it aborted its answer.
func (r *recorder) run(h http.Handler, req *http.Request) (aborted bool) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(r, req)
	r.WriteHeader(http.StatusOK)
	return false
}

func (r *recorder) response(req *http.Request, transparent bool) (*http.Response, error) {
	res := &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        r.sent,
		ContentLength: int64(r.body.Len()),
		Request:       req,
	}
	var body io.Reader = &r.body
	if length, err := strconv.ParseInt(r.sent.Get("Content-Length"), 10, 64); err == nil {
		res.ContentLength = length
		if length > int64(r.body.Len()) { // reset in the middle of the body
			body = io.MultiReader(body, brokenReader{})
		}
	}
	if transparent && r.sent.Get("Content-Encoding") == "gzip" {
		zr, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		body = zr
		res.Uncompressed, res.ContentLength = true, -1
		res.Header.Del("Content-Encoding")
		res.Header.Del("Content-Length")
	}
	res.Body = &responseBody{Reader: body, ctx: req.Context()}
	return res, nil
}

// brokenReader is the end of a body whose connection was reset.
type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) {
	return 0, fmt.Errorf("read: %w", syscall.ECONNRESET)
}

// responseBody fails once the request's context has ended or it was closed, like the body of a connection.
type responseBody struct {
	io.Reader
	ctx    context.Context //nolint:containedctx // a body of net/http ends with its request, too
	closed bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.Reader.Read(p)
}

func (b *responseBody) Close() error {
	b.closed = true
	return nil
}
