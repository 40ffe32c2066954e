// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the real collector binary between a simulated Open API and a
// server that takes OTLP, and counts entries by id.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// binary is the collector under test, built by `make build`.
func binary(t *testing.T) string {
	path := os.Getenv("OTELCOL_FEISHU")
	if path == "" {
		path = "../_build/otelcol-feishu"
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "run `make build` first")
	return path
}

// backend takes OTLP over HTTP and counts records by id.
type backend struct {
	*httptest.Server
	mu     sync.Mutex
	counts map[string]int
	total  int
	status int // what to answer instead of taking records; 0: take them
}

func newBackend(t *testing.T) *backend {
	b := &backend{counts: map[string]int{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status != 0 {
		w.WriteHeader(b.status)
		return
	}
	req := plogotlp.NewExportRequest()
	if err != nil || req.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, rl := range req.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				uid, _ := record.Attributes().Get("log.record.uid")
				b.counts[uid.Str()]++
				b.total++
			}
		}
	}
	out, _ := plogotlp.NewExportResponse().MarshalProto()
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

func (b *backend) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.counts)
}

// check compares what came with what the log holds. twice is how many records may
// have come again.
func (b *backend) check(t *testing.T, entries []simulator.Entry, twice int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := map[string]bool{}
	missing := 0
	for _, e := range entries {
		wanted[e.ID] = true
		if b.counts[e.ID] == 0 {
			missing++
		}
	}
	invented, again := 0, 0
	for id, n := range b.counts {
		if !wanted[id] {
			invented++
		}
		again += n - 1
	}
	t.Logf("entries %d, received %d, missing %d, invented %d, twice %d (allowed %d)", len(entries), b.total, missing, invented, again, twice)
	require.Zero(t, missing, "entries were lost")
	require.Zero(t, invented, "entries were invented")
	require.LessOrEqual(t, again, twice, "entries came twice")
}

// api is the simulated Open API on a loopback port of its own.
type api struct {
	*simulator.Server
	addr string
	http *http.Server
}

func newAPI(t *testing.T, opts simulator.Options) *api {
	a := &api{Server: simulator.New(opts)}
	a.up(t)
	t.Cleanup(a.down)
	return a
}

func (a *api) up(t *testing.T) {
	if a.addr == "" {
		a.addr = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", a.addr)
	require.NoError(t, err)
	a.addr = listener.Addr().String()
	server := &http.Server{Handler: a.Server, ReadHeaderTimeout: time.Minute}
	a.http = server
	go func() { _ = server.Serve(listener) }()
}

func (a *api) down() { _ = a.http.Close() }

// setup is a collector's configuration and its folder.
type setup struct {
	binary, dir, storage, endpoint string
	secret                         string
	extra                          []string // further lines of the receiver's section
}

func newSetup(t *testing.T, endpoint string, extra ...string) *setup {
	dir := t.TempDir()
	return &setup{binary: binary(t), dir: dir, storage: filepath.Join(dir, "storage"), endpoint: endpoint, secret: simulator.DefaultAppSecret, extra: extra}
}

const configTemplate = `
extensions:
  file_storage:
    directory: %s
    create_directory: true
    timeout: 200ms
receivers:
  feishu_audit:
    endpoint: %s
    app_id: %s
    app_secret: ${env:FEISHU_APP_SECRET}
    storage: file_storage
    poll_interval: 1s
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
%s
exporters:
  otlphttp:
    endpoint: %s
    compression: none
    # No queue and no retry: the backend's answer is the pipeline's answer.
    sending_queue: {enabled: false}
    retry_on_failure: {enabled: false}
service:
  extensions: [file_storage]
  telemetry:
    metrics: {level: none}
    logs: {level: debug}
  pipelines:
    logs:
      receivers: [feishu_audit]
      exporters: [otlphttp]
`

// collector is a running collector.
type collector struct {
	cmd  *exec.Cmd
	done chan error
	out  *output
}

// output keeps what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func (s *setup) start(t *testing.T, b *backend) *collector {
	t.Helper()
	var extra strings.Builder
	for _, line := range s.extra {
		extra.WriteString("    " + line + "\n")
	}
	path := filepath.Join(s.dir, "config.yaml")
	config := fmt.Sprintf(configTemplate, s.storage, s.endpoint, simulator.DefaultAppID, extra.String(), b.URL)
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))

	c := &collector{cmd: exec.CommandContext(t.Context(), s.binary, "--config", path), done: make(chan error, 1), out: &output{}}
	c.cmd.Env = append(os.Environ(), "FEISHU_APP_SECRET="+s.secret)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	require.NoError(t, c.cmd.Start())
	go func() { c.done <- c.cmd.Wait() }()
	t.Cleanup(func() {
		out := c.out.String()
		if t.Failed() {
			lines := strings.Split(out, "\n")
			t.Logf("the collector wrote (last lines):\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
		for _, secret := range []string{simulator.DefaultAppSecret, "Bearer t-"} {
			if strings.Contains(out, secret) {
				t.Errorf("the collector's output shows a secret: %q", secret)
			}
		}
	})
	return c
}

// term asks the collector to end and waits for it.
func (c *collector) term(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-c.done:
		require.NoError(t, err)
	case <-time.After(15 * time.Second):
		t.Fatal("the collector does not end on SIGTERM")
	}
}

func (c *collector) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Kill())
	<-c.done //nolint:errcheck // killed, as was asked for
}

func (c *collector) alive() bool {
	select {
	case err := <-c.done:
		c.done <- err
		return false
	default:
		return true
	}
}

// says waits until the collector's output holds the text.
func (c *collector) says(t *testing.T, text string, within time.Duration) {
	t.Helper()
	eventually(t, within, fmt.Sprintf("the collector says %q", text), func() bool {
		require.True(t, c.alive(), "the collector ended")
		return strings.Contains(c.out.String(), text)
	})
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
