// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mountSmall puts a file system of 1 MiB at the folder. It needs the right to mount.
func mountSmall(t *testing.T, folder string) {
	require.NoError(t, os.Mkdir(folder, 0o700))
	err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=1m")
	if errors.Is(err, unix.EPERM) {
		t.Skip("needs the right to mount a small file system (root); \"file may not grow\" shows the same without")
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Unmount(folder, unix.MNT_DETACH)) })
}

const unlimited = unix.RLIM_INFINITY

// limitFiles sets how large the files that a process writes may become.
func limitFiles(t *testing.T, pid int, size uint64) {
	var limit unix.Rlimit
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &limit))
	limit.Cur = size
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil))
}

// startBoundByPermissions starts a process that has to obey the permission bits of files, even if we are root.
func startBoundByPermissions(cmd *exec.Cmd) error {
	if os.Geteuid() != 0 {
		return cmd.Start()
	}
	done := make(chan error)
	go func() {
		// Never unlocked, so that the thread ends with this goroutine: it cannot get back the capabilities that
		// it has dropped. Its child inherits the loss.
		runtime.LockOSThread()
		for _, right := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); err != nil {
				done <- err
				return
			}
		}
		done <- cmd.Start()
	}()
	return <-done
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the largest resident size of the process so far, in bytes.
func (c *collector) peak(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/status")
	require.NoError(t, err)
	found := highWater.FindSubmatch(status)
	require.NotNil(t, found)
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	require.NoError(t, err)
	return kib << 10
}
