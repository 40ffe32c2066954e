// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Sink is an OTLP/HTTP backend that accepts everything.
type Sink struct {
	URL    string
	server *http.Server
	// lags is false if records are not even read.
	lags bool

	mu    sync.Mutex
	waits []time.Duration // from event time to arrival
}

// NewSink starts a backend. To note lags it reads the records; it keeps none.
func NewSink(lags bool) (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // lives as long as the server
	if err != nil {
		return nil, err
	}
	s := &Sink{URL: "http://" + listener.Addr().String(), lags: lags}
	s.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(s.serve)}
	go func() { _ = s.server.Serve(listener) }() // until Close
	return s, nil
}

func (s *Sink) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty message means that everything was accepted
	if !s.lags {
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	text, err := io.ReadAll(r.Body)
	now := time.Now()
	request := plogotlp.NewExportRequest()
	if err != nil || request.UnmarshalProto(text) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rl := range request.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				s.waits = append(s.waits, now.Sub(record.Timestamp().AsTime()))
			}
		}
	}
}

// Lags returns how many records arrived since the last call, and the percentiles of their lags.
func (s *Sink) Lags(percentiles ...float64) (n int, lags []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = len(s.waits)
	slices.Sort(s.waits)
	for _, p := range percentiles {
		if n > 0 {
			lags = append(lags, s.waits[int(p/100*float64(n-1))])
		} else {
			lags = append(lags, 0)
		}
	}
	s.waits = nil
	return n, lags
}

// Close ends the backend.
func (s *Sink) Close() error { return s.server.Close() }
