// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confighttp"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestNetworkErrors: a call without an answer has an error with the reason and what to do. The errors are from
// real connections where a loopback address can cause them.
func TestNetworkErrors(t *testing.T) {
	hang := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(hang) })
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(encrypted.Close)
	guard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(guard.Close)
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	nobody := closed.Addr().String()

	for name, tc := range map[string]struct {
		endpoint, proxy string
		timeout         time.Duration
		says            string
	}{
		"refused":            {endpoint: "http://" + nobody, says: "firewall"},
		"unknown authority":  {endpoint: encrypted.URL, says: "tls::ca_file"},
		"no TLS over there":  {endpoint: strings.Replace(guard.URL, "http:", "https:", 1), says: "does not speak TLS"},
		"no answer":          {endpoint: silent.URL, timeout: 50 * time.Millisecond, says: "port 443"},
		"no proxy":           {endpoint: "https://open.feishu.cn", proxy: "http://" + nobody, says: "the proxy cannot be reached"},
		"proxy wants a name": {endpoint: "https://open.feishu.cn", proxy: guard.URL, says: "the proxy asks for a credential"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := confighttp.NewDefaultClientConfig()
			cfg.Timeout, cfg.ProxyURL = cmp.Or(tc.timeout, 30*time.Second), tc.proxy
			c := overNetwork(t, cfg, tc.endpoint)
			_, err := c.Token(t.Context())
			var failed *Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, cause.ClassRetry, failed.Class)
			require.Zero(t, failed.HTTPStatus)
			require.Contains(t, failed.Advice, tc.says)
			require.Contains(t, failed.Reason, "no answer")
		})
	}
	require.Contains(t, networkAdvice(&net.DNSError{Err: "no such host", Name: "open.feishu.invalid", IsNotFound: true}), "the spelling of endpoint")
	require.Contains(t, networkAdvice(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "open.feishu.cn"}), "another host")
	require.Empty(t, networkAdvice(net.ErrClosed))
}

// overNetwork is a client with real connections.
func overNetwork(t *testing.T, cfg confighttp.ClientConfig, endpoint string) *Client {
	t.Helper()
	httpClient, closeIdle, err := NewHTTP(t.Context(), cfg, componenttest.NewNopHost(), componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	t.Cleanup(closeIdle)
	c := newTestClient(nil)
	c.set.HTTP, c.set.Endpoint, c.set.CloseIdle = httpClient, endpoint, closeIdle
	return c
}

// TestDeadConnection: an HTTP/2 connection that has died silently, for example behind a firewall that forgot it,
// costs one call and not every later one. A call that times out does not close it.
func TestDeadConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(simulator.New(simulator.Options{}))
	var versions atomic.Int64
	inner := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		versions.Store(int64(r.ProtoMajor))
		inner.ServeHTTP(w, r)
	})
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	wire := swallow(t, server.Listener.Addr().String())

	cfg := confighttp.NewDefaultClientConfig()
	cfg.Timeout = time.Second
	cfg.TLS.InsecureSkipVerify = true
	cfg.HTTP2ReadIdleTimeout = 30 * time.Second
	c := overNetwork(t, cfg, "https://"+wire.addr)

	_, _, err := c.ListData(t.Context(), lastHour())
	require.NoError(t, err)
	require.Equal(t, int64(2), versions.Load())
	wire.dead.Store(wire.conns.Load())
	_, _, err = c.ListData(t.Context(), lastHour())
	require.ErrorContains(t, err, "within the time limit")
	for range 10 { // one is enough if this machine is fast enough
		<-time.After(100 * time.Millisecond) // callers wait before they call again
		if _, _, err = c.ListData(t.Context(), lastHour()); err == nil {
			break
		}
	}
	require.NoError(t, err, "well before http2_read_idle_timeout")
	require.Equal(t, int64(2), wire.conns.Load())
}

// wire forwards bytes between a client and a server, except for the first connections, which are dead and
// swallow them.
type wire struct {
	addr        string
	conns, dead atomic.Int64
}

func swallow(t *testing.T, server string) *wire {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{addr: listener.Addr().String()}
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { listener.Close() })
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			up, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", server)
			if err != nil {
				client.Close()
				return
			}
			number := w.conns.Add(1)
			pass := func(to, from net.Conn) {
				defer to.Close()
				buf := make([]byte, 32<<10)
				for {
					n, err := from.Read(buf)
					if err != nil {
						return
					}
					if number <= w.dead.Load() {
						continue
					}
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}
			group.Go(func() { pass(up, client) })
			group.Go(func() { pass(client, up) })
		}
	})
	return w
}
