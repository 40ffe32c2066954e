// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wideColumns is the width of a terminal of 160 by 50.
const wideColumns = 160

// TestWideSample: the report in a terminal of 160 columns, in both languages. Its lines are longer than in one
// of 80 columns, but still easy to read.
func TestWideSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := sampleReport(t)
		for language, file := range map[Language]string{English: "healthy.wide.txt", Chinese: "healthy.wide.zh.txt"} {
			var b bytes.Buffer
			require.NoError(t, r.Text(&b, wideColumns, language))
			golden(t, file, b.String())
			longest := 0
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if !strings.Contains(r.Config.In(language), line+"\n") { // stays as it is
					longest = max(longest, columnsOf(line))
				}
			}
			assert.LessOrEqual(t, longest, mostColumns)
			assert.Greater(t, longest, DefaultColumns)
		}
	})
}
