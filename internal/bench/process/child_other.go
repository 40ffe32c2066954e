// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package process

import "syscall"

// childAttributes are none: a program whose benchmark was killed runs on.
func childAttributes() *syscall.SysProcAttr { return nil }
