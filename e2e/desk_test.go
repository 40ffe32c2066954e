// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var codeSpans = regexp.MustCompile("`([^`\n]+)`")

// desk is where the person on call works: a shell in which the paths, the addresses and the service of the runbook
// are those of a test. systemctl, journalctl and systemd-ask-password are stood in for by this test; every other program is
// the real one.
type desk struct {
	dir   string // has etc, like the package
	calls chan deskCall
	addr  string // of this test, for the programs that it stands in for
	typed string // at the prompt for the secret
}

type deskCall struct {
	program string
	args    []string
	answer  chan<- deskAnswer
}

type deskAnswer struct {
	text   string
	failed bool
}

// newDesk writes the files of the package.
func newDesk(t *testing.T, s *scene) *desk {
	t.Helper()
	d := &desk{dir: t.TempDir(), calls: make(chan deskCall)}
	d.addr = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := make(chan deskAnswer, 1)
		select {
		case d.calls <- deskCall{strings.Trim(r.URL.Path, "/"), strings.Split(strings.TrimSuffix(string(body), "\n"), "\n"), answer}:
		case <-r.Context().Done():
			return
		}
		a := <-answer
		if a.failed {
			w.WriteHeader(http.StatusConflict)
		}
		_, _ = io.WriteString(w, a.text)
	})).addr
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(d.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	secret := write("etc/app_secret", simulator.DefaultAppSecret, 0o600)
	env, err := os.ReadFile("../packaging/otelcol-feishu.env")
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^FEISHU_APP_ID=.*$`).ReplaceAllString(string(env), "FEISHU_APP_ID="+simulator.DefaultAppID)
	text = regexp.MustCompile(`(?m)^FEISHU_ENDPOINT=.*$`).ReplaceAllString(text, "FEISHU_ENDPOINT=http://"+s.api.addr)
	write("etc/otelcol-feishu.env", text, 0o600)
	for _, program := range []string{"systemctl", "journalctl", "systemd-ask-password"} {
		write("bin/"+program, "#!/bin/sh\nprintf '%s\\n' \"$@\" | curl --silent --fail-with-body --data-binary @- http://"+d.addr+"/"+program+"\n", 0o700)
	}
	require.NoError(t, os.Symlink(feishuAudit(t), filepath.Join(d.dir, "bin", "feishu-audit")))
	s.setup.Secret = "${file:" + secret + "}"
	return d
}

// pastes runs a block of a section as it is on the page. It returns the output, and the commands that failed.
func (s *scene) pastes(t *testing.T, name string, block int) (out string, failed []string) {
	t.Helper()
	found := readRunbook(t)[name]
	require.Greater(t, len(found.blocks), block, "the section %s has so many blocks", name)
	out, failed = s.runs(t, found.blocks[block])
	followed.Store(fmt.Sprintf("%s, %d", name, block), true)
	return out, failed
}

var failedCommand = regexp.MustCompile(`(?m)^FAILED: (.*)$`)

// runs runs commands in a shell.
func (s *scene) runs(t *testing.T, commands string) (out string, failed []string) {
	t.Helper()
	d := s.desk
	here := strings.NewReplacer(
		"/etc/otelcol-feishu/", d.dir+"/etc/", "/var/lib/otelcol-feishu/storage", s.setup.Storage, "/etc/prometheus/alerts.yaml", s.p.rules,
		timeToReplace, s.began.Format(time.RFC3339), // the reader puts the time of the loss there
		"localhost:8888", s.setup.Scrape, "localhost:13133", s.setup.Health, "localhost:9090", s.p.addr, "localhost:9093", s.alertmanager,
	)
	ctx, cancel := context.WithTimeout(t.Context(), recovers)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -o pipefail\ntrap 'echo \"FAILED: $BASH_COMMAND\"' ERR\n"+here.Replace(commands))
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(d.dir, "bin")+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	written := &output{}
	cmd.Stdout, cmd.Stderr = written, written
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what has failed is in the output
		close(ended)
	}()
	for {
		select {
		case call := <-d.calls:
			text, ok := s.standsIn(t, call.program, call.args)
			call.answer <- deskAnswer{text, !ok}
		case <-ended:
			require.NoError(t, ctx.Err(), "%s", written)
			out = written.String()
			t.Logf("$ %s\n%.2000s", commands, out)
			shows(t, "the shell", out, credentials)
			for _, command := range failedCommand.FindAllStringSubmatch(out, -1) {
				// It fails if no process has the file.
				if !strings.HasPrefix(command[1], "fuser ") {
					failed = append(failed, command[1])
				}
			}
			return out, failed
		}
	}
}

// standsIn does what systemd does on a host with the package.
func (s *scene) standsIn(t *testing.T, program string, args []string) (text string, ok bool) {
	t.Helper()
	c := &docCommand{page: runbookFile, args: args}
	switch program {
	case "systemd-ask-password":
		return s.desk.typed, true
	case "journalctl":
		values, _ := c.flags(t)
		require.Equal(t, []string{"otelcol-feishu"}, values["--unit"])
		pattern := values["--grep"][0]
		if pattern == strings.ToLower(pattern) {
			pattern = "(?i)" + pattern
		}
		return s.journal(regexp.MustCompile(pattern))
	}
	require.Equal(t, "systemctl", program)
	require.Len(t, args, 2)
	if args[1] == "prometheus" {
		require.Equal(t, "reload", args[0])
		require.NoError(t, s.p.cmd.Process.Signal(syscall.SIGHUP))
		return "", true
	}
	require.Equal(t, "otelcol-feishu", args[1])
	which := s.host
	if which == nil {
		which = &s.collector
	}
	stop := func() {
		if (*which).alive() {
			(*which).term(t)
		}
		s.ended = append(s.ended, *which)
	}
	start := func() { *which = s.setup.start(t, s.backend) }
	switch args[0] {
	case "status":
		if !(*which).alive() {
			return "inactive (dead)\n", false
		}
		return "active (running)\n", true
	case "stop":
		stop()
	case "start":
		require.False(t, (*which).alive())
		start()
	case "restart":
		stop()
		start()
	case "reload":
		before := strings.Count((*which).out.String(), ready)
		s.setup.write(t, s.backend)
		require.NoError(t, (*which).cmd.Process.Signal(syscall.SIGHUP))
		eventually(t, starts, "the configuration was read again", func() bool {
			require.True(t, (*which).alive(), "the collector ended")
			return strings.Count((*which).out.String(), ready) > before
		})
	default:
		t.Fatalf("systemctl %q", args)
	}
	return "", true
}

// journal finds lines of the service, in all its runs.
func (s *scene) journal(pattern *regexp.Regexp) (text string, found bool) {
	var lines []string
	for _, c := range append(slices.Clone(s.ended), s.collector) {
		for line := range strings.Lines(c.out.String()) {
			if pattern.MatchString(line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, ""), len(lines) > 0
}
