// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// server serves HTTP on a loopback port that it keeps when it is stopped and started again.
type server struct {
	handler http.Handler
	addr    string
	http    *http.Server
}

func serve(t *testing.T, h http.Handler) *server {
	s := &server{handler: h, addr: "127.0.0.1:0"}
	s.up(t)
	t.Cleanup(func() { _ = s.http.Close() })
	return s
}

func (s *server) up(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", s.addr)
	require.NoError(t, err)
	s.addr = listener.Addr().String()
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}
	s.http = server
	go func() { _ = server.Serve(listener) }()
}

// down returns when every request is answered: otherwise it would be random whether the caller has its answer,
// and whether it may try again.
func (s *server) down(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, s.http.Shutdown(ctx))
}

// freePort is a TCP port that nobody listens on.
func freePort(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return port
}

// api is the simulated Open API.
type api struct {
	*simulator.Server
	*server
	known row // what the table shows for a scenario that fails before it could count
}

func newAPI(t *testing.T, opts simulator.Options) *api {
	s := simulator.New(opts)
	a := &api{Server: s, server: serve(t, s)}
	t.Cleanup(func() { ended(t, a.known) })
	return a
}

// heal ends all faults.
func (a *api) heal() {
	a.Update(func(o *simulator.Options) { o.Faults = nil })
}

// ends stops the arrival of entries, unless the log has an end already, and returns all entries.
func (a *api) ends(log simulator.Tenant) []simulator.Entry {
	if log.End == 0 {
		log.End = time.Now().Unix()
		a.Update(func(o *simulator.Options) { o.Tenant = log })
	}
	return log.Entries(log.Start, log.End+1)
}
