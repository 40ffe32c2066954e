// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// victoriaLogs is a running VictoriaLogs, built by `make victoria-logs`. It has no ids: duplicates are stored
// twice.
type victoriaLogs struct {
	addr, dir string
	flags     []string // the flags of examples/victorialogs/compose.yaml, and a test's additions
	cmd       *exec.Cmd
	ended     chan struct{} // closed when it has ended, with err
	err       error
	out       *output
}

// newVictoriaLogs starts VictoriaLogs with the flags of the example. The given flags come last, so they take
// precedence.
func newVictoriaLogs(t *testing.T, flags ...string) *victoriaLogs {
	v := &victoriaLogs{addr: freeAddress(t), dir: t.TempDir(), flags: append(exampleFlags(t), flags...)}
	v.up(t)
	return v
}

// exampleFlags are those of the compose file, without the folder.
func exampleFlags(t *testing.T) []string {
	project, err := loadCompose(t, filepath.Join(examples, "victorialogs/compose.yaml"), given)
	require.NoError(t, err)
	command := project.Services["victorialogs"].Command
	require.Regexp(t, `^-storageDataPath=`, command[0])
	return command[1:]
}

func (*victoriaLogs) config() []string { return []string{"victorialogs/collector.yaml"} }

func (v *victoriaLogs) env() []string { return []string{"VICTORIALOGS_ENDPOINT=http://" + v.addr} }

func (v *victoriaLogs) up(t *testing.T) {
	path := os.Getenv("VICTORIA_LOGS")
	if path == "" {
		path = filepath.Join("..", "_build", "victoria-logs")
	}
	v.out = &output{}
	v.cmd = exec.CommandContext(t.Context(), path, append([]string{"-httpListenAddr=" + v.addr, "-storageDataPath=" + v.dir}, v.flags...)...)
	v.cmd.Stderr = v.out
	cmd, ended, out := v.cmd, make(chan struct{}), v.out
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	require.NoError(t, cmd.Start(), "run `make victoria-logs` first")
	v.ended = ended
	go func() {
		v.err = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		if t.Failed() {
			t.Logf("VictoriaLogs wrote:\n%s", out)
		}
	})
	eventually(t, starts, "VictoriaLogs answers", func() bool {
		select {
		case <-ended: // another process answers
			require.Fail(t, "VictoriaLogs ended")
		default:
		}
		resp, err := v.get(t, "/health", nil)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// down shuts it down like an administrator: it writes what it has received.
func (v *victoriaLogs) down(t *testing.T) {
	require.NoError(t, v.cmd.Process.Signal(syscall.SIGINT))
	<-v.ended
	require.NoError(t, v.err)
}

// kill ends it like a power failure.
func (v *victoriaLogs) kill(t *testing.T) {
	require.NoError(t, v.cmd.Process.Kill())
	<-v.ended
}

func (v *victoriaLogs) get(t *testing.T, path string, query url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+v.addr+path+"?"+query.Encode(), http.NoBody)
	require.NoError(t, err)
	return http.DefaultClient.Do(req)
}

// rows are what a query of LogsQL finds.
func (v *victoriaLogs) rows(t *testing.T, query string) []map[string]string {
	resp, err := v.get(t, "/select/logsql/query", url.Values{"query": {query}})
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	var rows []map[string]string
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		row := map[string]string{}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &row))
		rows = append(rows, row)
	}
	require.NoError(t, lines.Err())
	return rows
}

func (v *victoriaLogs) held(t *testing.T) []arrival {
	var held []arrival
	for _, row := range v.rows(t, "*") {
		at, err := time.Parse(time.RFC3339Nano, row["_time"])
		require.NoError(t, err)
		held = append(held, arrival{uid: row["log.record.uid"], time: at.UnixNano(), body: row["_msg"], attributes: row})
	}
	return held
}

// different implements counter.
func (v *victoriaLogs) different(t *testing.T) int { return v.countUniq(t, "log.record.uid") }

func (v *victoriaLogs) countUniq(t *testing.T, field string) int {
	counted := v.rows(t, "* | stats count_uniq("+strconv.Quote(field)+") n")
	require.Len(t, counted, 1)
	n, err := strconv.Atoi(counted[0]["n"])
	require.NoError(t, err)
	return n
}

// TestVictoriaLogs: through examples/victorialogs every entry arrives, whichever part stops while records
// arrive. Duplicates count once in every query of the README.
func TestVictoriaLogs(t *testing.T) {
	t.Parallel()
	v := newVictoriaLogs(t)
	deliver(t, v, false)

	streams := v.rows(t, "* | stats by (_stream) count() n")
	require.Len(t, streams, 1, "one stream, whatever apps and APIs there are")
	assert.JSONEq(t, `{"_stream":"{feishu.credential.app_id=\"`+simulator.DefaultAppID+`\",service.name=\"feishu\"}"}`, `{"_stream":`+strconv.Quote(streams[0]["_stream"])+`}`)
	held := v.held(t)
	counted := v.rows(t, `{service.name=~"feishu|lark"} | stats count_uniq(log.record.uid) n`)
	require.Equal(t, strconv.Itoa(len(byID(held))), counted[0]["n"])
	for _, r := range held {
		require.Equal(t, "feishu.openapi.call", r.attributes["event_name"])
	}
	queries := found("(?s)```logsql\n(.*?)\n```", readFile(t, "victorialogs/README.md"))
	require.NotEmpty(t, queries)
	for _, query := range queries {
		require.NotContains(t, query, "count()", "it would count duplicates twice")
		v.rows(t, query)
	}
}
