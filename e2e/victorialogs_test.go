// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// victoriaLogs is a running VictoriaLogs, built by `make victoria-logs`. It takes
// Elasticsearch's bulk requests and has no ids: what comes twice, it has twice.
type victoriaLogs struct {
	addr, dir string
	cmd       *exec.Cmd
}

func newVictoriaLogs(t *testing.T) *victoriaLogs {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	v := &victoriaLogs{addr: l.Addr().String(), dir: t.TempDir()}
	v.up(t)
	return v
}

func (*victoriaLogs) config() []string {
	return []string{"elasticsearch/collector.yaml", "elasticsearch/victorialogs.yaml"}
}

func (v *victoriaLogs) env() []string {
	return []string{"ELASTICSEARCH_ENDPOINT=http://" + v.addr + "/insert/elasticsearch"}
}

func (v *victoriaLogs) up(t *testing.T) {
	path := os.Getenv("VICTORIA_LOGS")
	if path == "" {
		path = filepath.Join("..", "_build", "victoria-logs")
	}
	v.cmd = exec.CommandContext(t.Context(), path, "-httpListenAddr="+v.addr, "-storageDataPath="+v.dir, "-loggerLevel=ERROR")
	v.cmd.Cancel = func() error { return v.cmd.Process.Signal(syscall.SIGINT) }
	require.NoError(t, v.cmd.Start(), "run `make victoria-logs` first")
	t.Cleanup(func() { _ = v.cmd.Process.Kill() })
	eventually(t, 30*time.Second, "VictoriaLogs answers", func() bool {
		resp, err := v.get(t, "/health", nil)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// down asks it to end, as an administrator would: it writes down what it has taken.
func (v *victoriaLogs) down(t *testing.T) {
	require.NoError(t, v.cmd.Process.Signal(syscall.SIGINT))
	require.NoError(t, v.cmd.Wait())
}

func (v *victoriaLogs) get(t *testing.T, path string, query url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+v.addr+path+"?"+query.Encode(), http.NoBody)
	require.NoError(t, err)
	return http.DefaultClient.Do(req)
}

func (v *victoriaLogs) held(t *testing.T) []arrival {
	resp, err := v.get(t, "/select/logsql/query", url.Values{"query": {"*"}})
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var held []arrival
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r := arrival{attributes: map[string]string{}}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r.attributes))
		at, err := time.Parse(time.RFC3339Nano, r.attributes["_time"])
		require.NoError(t, err)
		held = append(held, r.unprefixed(at, "_msg"))
	}
	require.NoError(t, lines.Err())
	return held
}

// TestVictoriaLogs: with the configuration for Elasticsearch and three headers on top, every
// entry arrives in a server that speaks its bulk API.
func TestVictoriaLogs(t *testing.T) {
	t.Parallel()
	deliver(t, newVictoriaLogs(t), false)
}
