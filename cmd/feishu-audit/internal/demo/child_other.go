// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package demo

import "syscall"

func childAttributes() *syscall.SysProcAttr { return nil }
