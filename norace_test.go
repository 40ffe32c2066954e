// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package feishuauditreceiver

const raceEnabled = false
