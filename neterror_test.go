// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
)

// TestNetworkErrors: a call that gets no answer says why, in words, and what to do.
// The errors are those of real connections, where a loopback address can make them.
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
		set  openapi.Settings
		says string
	}{
		"refused":            {openapi.Settings{Endpoint: "http://" + nobody}, "firewall"},
		"unknown authority":  {openapi.Settings{Endpoint: encrypted.URL}, "tls::ca_file"},
		"no TLS over there":  {openapi.Settings{Endpoint: strings.Replace(guard.URL, "http:", "https:", 1)}, "does not speak TLS"},
		"no answer":          {openapi.Settings{Endpoint: silent.URL, Timeout: 50 * time.Millisecond}, "port 443"},
		"no proxy":           {openapi.Settings{Endpoint: "https://open.feishu.cn", ProxyURL: "http://" + nobody}, "the proxy cannot be reached"},
		"proxy wants a name": {openapi.Settings{Endpoint: "https://open.feishu.cn", ProxyURL: guard.URL}, "the proxy asks for a credential"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.set.AppID, tc.set.AppSecret = "cli_xxx", "secret"
			tc.set.CallsPerMinute, tc.set.MaxCalls = 100, 1
			c, err := openapi.Dial(t.Context(), tc.set)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Token(t.Context())
			var failed *openapi.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, openapi.Passing, failed.Class)
			require.Zero(t, failed.HTTPStatus)
			require.Contains(t, failed.Advice, tc.says)
			require.Contains(t, failed.Reason, "no answer")
		})
	}
	require.Contains(t, networkAdvice(&net.DNSError{Err: "no such host", Name: "open.feishu.invalid", IsNotFound: true}), "the spelling of endpoint")
	require.Contains(t, networkAdvice(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "open.feishu.cn"}), "another host")
	require.Empty(t, networkAdvice(net.ErrClosed))
}
