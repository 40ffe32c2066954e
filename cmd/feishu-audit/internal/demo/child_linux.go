// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"runtime"
	"syscall"
)

// childAttributes puts the collector into a process group of its own, so that the terminal's Ctrl-C does not
// reach it directly, and makes it end with us even if we are killed. For the kernel, the parent ends when the
// thread that started the child ends, so the caller keeps its thread from here on.
func childAttributes() *syscall.SysProcAttr {
	runtime.LockOSThread()
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
