// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package world

import "testing"

// InSample reports whether to run the case with this number, of many like it: all cases, or every fourth with -short.
// make simulate runs all of them without the race detector, and every fourth with it.
func InSample(number int) bool { return !testing.Short() || number%4 == 0 }
