// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestWideKeysAreNoticed: each built-in key beyond ASCII is noticed wherever it is, plain, escaped on any level,
// and with spaces between its characters. Covers F70.
func TestWideKeysAreNoticed(t *testing.T) {
	f := newFilter(newKeySet(nil))
	slow := *f
	slow.stride = nil
	escape := func(key, format string) string {
		var b strings.Builder
		for _, r := range key {
			if format == "%%" {
				for _, c := range []byte(string(r)) {
					fmt.Fprintf(&b, "%%%02X", c)
				}
				continue
			}
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
	spaced := func(key, space string) string { return strings.Join(strings.Split(key, ""), space) }
	for _, keys := range append(wideKeys[:], alphabetKeys) {
		for _, key := range keys {
			forms := []string{key, escape(key, `\u%04x`), escape(key, `\u%04X`), escape(key, `\\u%04x`), escape(key, `\\\\u%04x`), escape(key, "%%")}
			first, n := utf8.DecodeRuneInString(key)
			if first >= 0x2e80 { // Thai vowels combine with the letter before them
				for _, space := range []string{" ", "\u3000", "\u200b", "\u200d", "\ufeff", "\u00a0", "  "} {
					forms = append(forms, spaced(key, space), key[:n]+space+key[n:])
				}
			}
			for _, form := range forms {
				for shift := range 4 {
					for _, after := range []string{"", ": x", `","b":1}`} {
						text := strings.Repeat("中", shift) + strings.Repeat("x", shift*3%8) + form + after
						require.False(t, clean(f, text), "%q", text)
						require.False(t, clean(&slow, text), "%q", text)
						text = `\u4e2d` + text
						require.False(t, clean(f, text), "%q", text)
					}
				}
			}
		}
	}
}
