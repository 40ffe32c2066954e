// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"runtime"
	"syscall"
)

// childAttributes puts the collector into a process group of its own, so that the
// terminal's Ctrl-C reaches it through us only, and lets it end with us even if we are
// killed. The kernel takes the end of the thread that started a child for the end of its
// parent, so the caller keeps its thread from here on.
func childAttributes() *syscall.SysProcAttr {
	runtime.LockOSThread()
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
