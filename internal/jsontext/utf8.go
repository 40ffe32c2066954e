// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package jsontext

import (
	"math/bits"
	"unicode/utf8"
)

// ValidUTF8 is utf8.ValidString for text with much Chinese: characters of three bytes are checked two at a time.
func ValidUTF8(s string) bool {
	const (
		// A first byte 1110xxxx and two further bytes 10xxxxxx.
		which, three   = 0xc0c0f0, 0x8080e0
		which2, three2 = which<<24 | which, three<<24 | three
	)
	i := 0
	for i+8 <= len(s) {
		w := word(s, i)
		switch {
		case w&highs == 0:
			i += 8
		case w&firstLane == 0:
			i += bits.TrailingZeros64(w&highs) / 8
		case w&which2 == three2 && takesAny(byte(w)) && takesAny(byte(w>>24)):
			i += 6
		case w&which == three && takesAny(byte(w)):
			i += 3
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				return false
			}
			i += n
		}
	}
	return utf8.ValidString(s[i:])
}

// takesAny reports whether two further bytes of any value may follow a first byte 1110xxxx: with some, E0 would
// be overlong and ED a surrogate.
func takesAny(first byte) bool { return first != 0xe0 && first != 0xed }
