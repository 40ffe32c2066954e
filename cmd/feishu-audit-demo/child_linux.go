// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"syscall"
)

// The kernel takes the end of the thread that started a child for the end of its
// parent. The main thread lives as long as the process, and main starts the collector.
func init() { runtime.LockOSThread() }

// childAttributes puts the collector into a process group of its own, so that the
// terminal's Ctrl-C reaches it through us only, and lets it end with us even if we
// are killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
