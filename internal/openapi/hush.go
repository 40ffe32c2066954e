// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// hush is the round tripper below the one that traces calls. Spans repeat the text of every error, and
// net/http's errors may quote what a server sent ("malformed HTTP response", the debug data of HTTP/2), which
// may quote what we sent. The kind of error is unchanged.
type hush struct{ http.RoundTripper }

type hiddenKey struct{}

// hiding is the context of a call that sends these secrets.
func hiding(ctx context.Context, secrets []string) context.Context {
	return context.WithValue(ctx, hiddenKey{}, secrets)
}

// RoundTrip implements http.RoundTripper.
func (h hush) RoundTrip(req *http.Request) (*http.Response, error) {
	secrets, _ := req.Context().Value(hiddenKey{}).([]string)
	res, err := h.RoundTripper.RoundTrip(req)
	if err != nil {
		return res, hushed(err, secrets)
	}
	res.Body = &hushedBody{res.Body, secrets}
	return res, nil
}

type hushedBody struct {
	io.ReadCloser
	secrets []string
}

func (b *hushedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's own rule
		err = hushed(err, b.secrets)
	}
	return n, err
}

type hushedError struct {
	err  error
	text string
}

func hushed(err error, secrets []string) error {
	return &hushedError{err, cleanText(err.Error(), secrets...)}
}

func (e *hushedError) Error() string { return e.text }
func (e *hushedError) Unwrap() error { return e.err }

// Timeout is called by net/http, which does not unwrap errors.
func (e *hushedError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.err, &t) && t.Timeout()
}
