// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCount: one of a thing is not several.
func TestCount(t *testing.T) {
	require.Equal(t, "0 entries", Count(0, "entry", "entries"))
	require.Equal(t, "1 entry", Count(1, "entry", "entries"))
	require.Equal(t, "2 entries", Count(int64(2), "entry", "entries"))
	require.Equal(t, "is", Form(1, "is", "are"))
	require.Equal(t, "are", Form(0, "is", "are"))
}
