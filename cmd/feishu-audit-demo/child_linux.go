// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

// childAttributes puts the collector into a process group of its own, so that the
// terminal's Ctrl-C reaches it through us only, and lets it end with us even if we
// are killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
