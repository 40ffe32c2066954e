// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package e2e

import (
	"math"
	"os/exec"
	"testing"
)

func mountSmall(t *testing.T, _ string) { t.Skip("on Linux only") }

const unlimited = math.MaxUint64

func limitFiles(t *testing.T, _ int, _ uint64) { t.Skip("on Linux only") }

// startBoundByPermissions starts a process; run these tests as another user than root.
func startBoundByPermissions(cmd *exec.Cmd) error { return cmd.Start() }

// peak is only known on Linux.
func (*collector) peak(*testing.T) int64 { return 0 }
