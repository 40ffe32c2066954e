// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package record

// raceEnabled: under the race detector sync.Pool drops some of what it is given.
const raceEnabled = true
