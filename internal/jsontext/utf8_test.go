// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package jsontext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// TestValidUTF8: every pair of bytes at the start of a character is judged as by the standard library, at any
// place, whatever follows.
func TestValidUTF8(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			for _, rest := range []string{"", "\x80", "\xbf", "\x80\x80", "\xc0", "\x7f", "中", "中文中文"} {
				text := string([]byte{byte(first), byte(second)}) + rest
				for _, before := range []string{"", "abc", "文", "中文"} {
					for _, after := range []string{"", "abcdefgh", "中文中文"} {
						s := before + text + after
						if jsontext.ValidUTF8(s) != utf8.ValidString(s) {
							require.Equal(t, utf8.ValidString(s), jsontext.ValidUTF8(s), "%q", s)
						}
					}
				}
			}
		}
	}
}

// BenchmarkValidUTF8 compares it with the standard library, which it must outperform.
func BenchmarkValidUTF8(b *testing.B) {
	for name, s := range map[string]string{
		"chinese": strings.Repeat("审计日志记录", 50),
		"mixed":   strings.Repeat(`"name":"审计日志","id":"u_12345",`, 20),
	} {
		for by, valid := range map[string]func(string) bool{"ours": jsontext.ValidUTF8, "standard": utf8.ValidString} {
			b.Run(name+"/"+by, func(b *testing.B) {
				b.SetBytes(int64(len(s)))
				for b.Loop() {
					valid(s)
				}
			})
		}
	}
}
