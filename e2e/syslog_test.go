// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rsyslog is Debian's rsyslogd with the configuration of the example. It has no ids: duplicates are stored
// twice.
type rsyslog struct {
	port, settings, file string
	cmd                  *exec.Cmd
}

func newRsyslog(t *testing.T) *rsyslog {
	dir := t.TempDir()
	s := &rsyslog{port: freePort(t), settings: filepath.Join(dir, "rsyslog.conf"), file: filepath.Join(dir, "feishu-audit.log")}
	shipped := readFile(t, "syslog/rsyslog.conf")
	text := strings.NewReplacer(`"6514"`, `"`+s.port+`"`, "/var/log/feishu-audit.log", s.file).Replace(shipped)
	require.NotContains(t, text, "/var/log")
	require.NotContains(t, text, "6514")
	require.NoError(t, os.WriteFile(s.settings, []byte(text), 0o600))
	s.up(t)
	return s
}

func (*rsyslog) config() []string { return []string{"syslog/collector.yaml"} }

func (s *rsyslog) up(t *testing.T) {
	path, err := exec.LookPath("rsyslogd")
	if err != nil {
		path = "/usr/sbin/rsyslogd" // which is not in everybody's PATH
	}
	out := &output{}
	s.cmd = exec.CommandContext(t.Context(), path, "-n", "-f", s.settings, "-i", s.settings+".pid")
	s.cmd.Stdout, s.cmd.Stderr = out, out
	cmd := s.cmd
	require.NoError(t, cmd.Start(), "`make e2e` installs rsyslog")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("rsyslogd wrote:\n%s", out)
		}
	})
	eventually(t, starts, "rsyslog listens", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+s.port)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// down shuts it down: it writes what it has received.
func (s *rsyslog) down(t *testing.T) {
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	_ = s.cmd.Wait() // a signal ended it
}

func (s *rsyslog) held(t *testing.T) []arrival {
	text, err := os.ReadFile(s.file)
	if os.IsNotExist(err) {
		return nil // nothing has arrived yet
	}
	require.NoError(t, err)
	var held []arrival
	for line := range strings.Lines(string(text)) {
		at, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		priority, rest, _ := strings.Cut(rest, " ")
		host, rest, _ := strings.Cut(rest, " ")
		app, body, ok := strings.Cut(rest, " ")
		if !ok || !strings.HasSuffix(line, "\n") {
			continue // it is being written
		}
		body = strings.TrimPrefix(body, " ")
		stamp, err := time.Parse(time.RFC3339Nano, at)
		require.NoError(t, err, "%.200s", line)
		var entry struct {
			ID string `json:"id"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &entry), "%.200s", line)
		held = append(held, arrival{uid: entry.ID, time: stamp.UnixNano(), body: body, attributes: map[string]string{"priority": priority, "host": host, "app": app}})
	}
	return held
}

func (s *rsyslog) env() []string {
	return []string{"SYSLOG_HOST=127.0.0.1", "SYSLOG_PORT=" + s.port, "SYSLOG_INSECURE=true"}
}

func (*rsyslog) textOnly() {}

// TestSyslog: through examples/syslog every entry of any size becomes one message, although rsyslog cannot be
// reached for a while and the collector is killed. TCP has no answer: what was in transit when rsyslog ended may
// be lost, a page for each end, as described in the README.
func TestSyslog(t *testing.T) {
	t.Parallel()
	s := newRsyslog(t)
	a, entries := newBacklog(t, 62, 1500)
	e := newExample(t, a, s)
	s.down(t)
	c := e.start(t)
	c.reportsInTime(t)
	s.up(t)
	eventually(t, recovers, "some pages arrive", func() bool { return len(s.held(t)) >= 3*pageSize })
	c.kill(t)
	c = e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	came := count(t, entries, s.held(t), 1)
	for _, entry := range entries {
		r := came[entry.ID][0]
		require.Equal(t, entry.EventTime*int64(time.Second), r.time)
		require.Equal(t, "feishu-audit", r.attributes["app"])
		require.Equal(t, "127.0.0.1", r.attributes["host"])
		require.Contains(t, []string{"local0.info", "local0.warning"}, r.attributes["priority"])
		if !strings.Contains(r.body, "[REDACTED]") {
			require.Equal(t, entry.JSON(false), r.body)
		}
	}
}
