// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startNginx runs nginx with the template of an example, filled in like in its image, and returns its address.
func startNginx(t *testing.T, template, variable, value string) string {
	t.Helper()
	addr := "127.0.0.1:" + freePort(t)
	dir := t.TempDir()
	server := strings.NewReplacer("${NGINX_LISTEN}", addr, "${"+variable+"}", value).Replace(readFile(t, template))
	require.NotContains(t, server, "${")
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(config, []byte(`
daemon off;
master_process off;
worker_processes 1;
pid `+dir+`/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path `+dir+`/body;
  proxy_temp_path `+dir+`/proxy;
  fastcgi_temp_path `+dir+`/fastcgi;
  uwsgi_temp_path `+dir+`/uwsgi;
  scgi_temp_path `+dir+`/scgi;
`+server+`}
`), 0o600))
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // which is not in everybody's PATH
	}
	cmd := exec.CommandContext(t.Context(), path, "-c", config, "-p", dir)
	out := &output{}
	cmd.Stderr = out
	require.NoError(t, cmd.Start(), "`make e2e` installs nginx")
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	eventually(t, starts, "nginx listens", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return addr
}
