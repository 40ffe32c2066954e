// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package state

import (
	"os"
	"path/filepath"
	"syscall"
)

// giveToOwner makes a new file belong to whom its folder belongs to: root may write the
// storage of a collector that is not root.
func giveToOwner(path string) error {
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
