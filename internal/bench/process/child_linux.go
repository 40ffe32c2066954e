// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package process

import "syscall"

// childAttributes let the kernel end a program whose benchmark was killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
