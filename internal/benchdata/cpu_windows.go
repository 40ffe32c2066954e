// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build windows

package benchdata

import (
	"syscall"
	"testing"
)

// cpuTime is the time that all processors together have spent on this process, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	process, err := syscall.GetCurrentProcess()
	if err != nil {
		b.Fatal(err)
	}
	var created, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(process, &created, &ended, &kernel, &user); err != nil {
		b.Fatal(err)
	}
	return inNanoseconds(kernel) + inNanoseconds(user)
}

// inNanoseconds reads a Filetime that is a duration: in units of 100 ns.
func inNanoseconds(t syscall.Filetime) int64 {
	return (int64(t.HighDateTime)<<32 | int64(t.LowDateTime)) * 100
}
