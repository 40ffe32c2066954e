// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"unicode/utf8"
)

// This file notices, for the filter, built-in keys beyond ASCII whose characters are escaped: \u5bc6\u7801, as
// Python's json module writes 密码, and %E5%AF%86%E7%A0%81, as forms do.

// wideStarts are the second characters of these keys by their first one. wideFirsts has a bit for each of these, and
// wideHighs their upper bytes, for a faster answer.
var (
	wideStarts = map[rune][]rune{}
	wideFirsts [1 << 16 / 8]uint8
	wideHighs  [256]bool
)

func init() {
	for _, keys := range append(wideKeys[:], alphabetKeys) {
		for _, key := range keys {
			first, n := utf8.DecodeRuneInString(key)
			second, _ := utf8.DecodeRuneInString(key[n:])
			wideStarts[first] = append(wideStarts[first], second)
			wideHighs[first>>8&0xff] = true
			wideFirsts[first>>3&0x1fff] |= 1 << (first & 7)
		}
	}
}

// escapedWide reports whether the first two characters of such a key, the first one escaped, are at text[at].
func escapedWide[T string | []byte](text T, at int) bool {
	first, n := escapedRune(text, at)
	if n == 0 || !wideHighs[first>>8&0xff] {
		return false
	}
	seconds := wideStarts[first]
	if seconds == nil {
		return false
	}
	for range maxFillers {
		at += n
		var second rune
		if second, n = escapedRune(text, at); n == 0 {
			if at == len(text) || text[at] != ' ' && text[at] != '+' && !isLetter(text[at]) {
				return false
			}
			if n = 1; isLetter(text[at]) {
				return slices.Contains(seconds, rune(text[at])) // ật
			}
			continue
		}
		if slices.Contains(seconds, second) {
			return true
		}
		if out, ok := foldRune(second); !ok || out != "" && out != " " {
			return false
		}
	}
	return false
}

// escapedRune reads the character at text[at] that is escaped as \uXXXX, after any number of backslashes, or as
// %XX%XX%XX.
func escapedRune[T string | []byte](text T, at int) (r rune, n int) {
	if at >= len(text) {
		return 0, 0
	}
	switch text[at] {
	case '\\':
		i := at
		for i < len(text) && text[i] == '\\' {
			i++
		}
		if i+5 > len(text) || text[i] != 'u' {
			return 0, 0
		}
		if r = unhex4([]byte(text[i+1 : i+5])); r < 0 {
			return 0, 0
		}
		return r, i + 5 - at
	case '%':
		var encoded [utf8.UTFMax]byte
		size := 0
		for size < 3 && at+3*size+3 <= len(text) && text[at+3*size] == '%' {
			h, l := unhex(text[at+3*size+1]), unhex(text[at+3*size+2])
			if h < 0 || l < 0 {
				break
			}
			encoded[size] = byte(h<<4 | l)
			size++
			if size == 1 && encoded[0] < 0x80 {
				break
			}
		}
		r, size = utf8.DecodeRune(encoded[:size])
		if r == utf8.RuneError {
			return 0, 0
		}
		return r, 3 * size
	}
	return 0, 0
}

// escapesEnd returns the end of the escapes \uXXXX beyond ASCII one after another whose first, second or fourth
// byte is text[i], and whether one of them begins a key.
func escapesEnd[T string | []byte](text T, i int) (end int, hit bool) {
	switch text[i] {
	case '\\':
	case 'u':
		i--
	default:
		i -= 3
	}
	if i < 0 || text[i] != '\\' {
		return 0, false
	}
	for at := i; ; {
		u := at
		for u < len(text) && text[u] == '\\' {
			u++
		}
		if u == at || u+5 > len(text) || text[u] != 'u' {
			return at, false
		}
		a, b, c, d := hexDigits[text[u+1]], hexDigits[text[u+2]], hexDigits[text[u+3]], hexDigits[text[u+4]]
		if a|b|c|d >= 16 || a|b == 0 {
			return at, false
		}
		if wideHighs[a<<4|b] {
			if low := uint(c)<<4 | uint(d); wideFirsts[uint(a)<<9|uint(b)<<5|low>>3]>>(low&7)&1 != 0 && escapedWide(text, at) {
				return at, true
			}
		}
		at = u + 5
	}
}

// hexDigits are the values of hexadecimal digits, and 16 for other bytes.
var hexDigits = func() (digits [256]uint8) {
	for c := range digits {
		digits[c] = 16
		if d := unhex(byte(c)); d >= 0 {
			digits[c] = uint8(d)
		}
	}
	return digits
}()
