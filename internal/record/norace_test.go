// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package record

const raceEnabled = false
