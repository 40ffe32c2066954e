// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// lokiProxy is VictoriaLogs at the address that examples/loki sends to: a real server with Loki's path. It
// stores each line as often as it arrives, which Loki does not: for that see lokiStandIn.
type lokiProxy struct {
	*victoriaLogs
	through *server
}

func newLokiProxy(t *testing.T) *lokiProxy {
	p := &lokiProxy{victoriaLogs: newVictoriaLogs(t)}
	target := &url.URL{Scheme: "http", Host: p.addr, Path: "/insert/opentelemetry/v1/logs"}
	mux := http.NewServeMux()
	mux.Handle("POST /otlp/v1/logs", &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL, r.Out.Host = target, target.Host
			r.Out.Header.Set("VL-Stream-Fields", "service.name") // Loki's label
		},
		ErrorLog: log.New(io.Discard, "", 0), // it is down
	})
	p.through = serve(t, mux)
	return p
}

func (*lokiProxy) config() []string { return []string{"loki/collector.yaml"} }

func (p *lokiProxy) env() []string { return []string{"LOKI_ENDPOINT=http://" + p.through.addr} }

// TestLokiProxy: through examples/loki, unchanged, every entry arrives in a real server, in one stream,
// whichever part stops while records arrive.
func TestLokiProxy(t *testing.T) {
	t.Parallel()
	p := newLokiProxy(t)
	deliver(t, p, false)
	streams := p.rows(t, "* | stats by (_stream) count() n")
	require.Len(t, streams, 1)
	require.Equal(t, `{service.name="feishu"}`, streams[0]["_stream"])
}
