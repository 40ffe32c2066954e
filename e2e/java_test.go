// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// javaServer is a server of jars from Maven Central, which a make target downloads.
type javaServer struct {
	name string // the folder below _build, which is also the make target
	main string // its main class
	heap string
	cmd  *exec.Cmd
	out  *output
}

// run starts the server. The JVM's compiler is limited to its first tier, which halves the time to start.
func (s *javaServer) run(t *testing.T, args ...string) {
	t.Helper()
	built, err := filepath.Abs(filepath.Join("..", "_build", s.name))
	require.NoError(t, err)
	_, err = os.Stat(filepath.Join(built, "ready"))
	require.NoError(t, err, "run `make %s` first", s.name)
	s.out = &output{}
	s.cmd = exec.CommandContext(t.Context(), "java", append([]string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms" + s.heap, "-Xmx" + s.heap,
		"-cp", filepath.Join(built, "classes") + ":" + filepath.Join(built, "lib", "*"), s.main,
	}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.Dir = t.TempDir() // for other files that it may write
	cmd := s.cmd
	require.NoError(t, cmd.Start(), "the end-to-end tests need Java 17")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", s.name, s.out)
		}
	})
}

// end stops the server by a signal and waits for it.
func (s *javaServer) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(signal))
	_ = s.cmd.Wait() // a signal ended it
}
