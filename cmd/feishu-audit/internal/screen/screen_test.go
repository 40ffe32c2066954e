// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestShorten(t *testing.T) {
	require.Equal(t, "abcdef", Tail("abcdef", 6))
	require.Equal(t, "…def", Tail("abcdef", 4))
	require.Equal(t, "abc…", Head("abcdef", 4))
	require.Equal(t, "字段…", Head("字段名不存在", 6))
	require.Equal(t, "…存在", Tail("字段名不存在", 6))
	require.Empty(t, Head("abc", 0))
	require.Empty(t, Tail("abc", 0))
	require.Equal(t, "POST …/messages", Method("POST im/v1/messages", 15))
	require.Equal(t, 12, Columns("字段名不存在"))
	require.Equal(t, 1, Columns("e\u0301"))
}

// TestNothingActsOnTheTerminal: text that an app chooses is shown, and has no effect on the terminal.
func TestNothingActsOnTheTerminal(t *testing.T) {
	record := plog.NewLogRecord()
	const evil = "\x1b]0;title\x07\r\n\u202e\u009b2J"
	for _, name := range []string{"feishu.app.id", "client.address", "http.request.method", "url.template", "error.type", "feishu.response.msg"} {
		record.Attributes().PutStr(name, evil)
	}
	for _, width := range []int{80, 160} {
		layout := NewLayout(width, false, true)
		line := layout.Line(layout.TimeFormat(), record, Note{Text: evil})
		for _, r := range "\x1b\x07\r\n\u202e\u009b" {
			require.NotContains(t, line, string(r))
		}
		require.LessOrEqual(t, Columns(line), width)
	}
}
