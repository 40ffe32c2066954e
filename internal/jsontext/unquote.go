// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote returns the content of a string that a Scanner returned: a part of it if it has no escapes, otherwise
// a copy.
func Unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return string(AppendUnquoted(make([]byte, 0, len(quoted)), quoted))
}

// IsPlain reports whether text is ASCII without a backslash, so that as the content of a
// string it stands for itself.
func IsPlain(text string) bool {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		if w := word(text, i); (w|zeros(w^'\\'*lanes))&highs != 0 {
			return false
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c >= utf8.RuneSelf || c == '\\' {
			return false
		}
	}
	return true
}

// AppendUnquoted appends the content of a string that a Scanner returned. Half of a surrogate pair becomes
// U+FFFD, as in encoding/json. Bytes that are not UTF-8 are unchanged.
func AppendUnquoted(dst []byte, quoted string) []byte {
	text := quoted[1 : len(quoted)-1]
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		n := 2
		switch c := text[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := unicodeEscape(text)
			n = 6
			if utf16.IsSurrogate(r) {
				low, _ := unicodeEscape(text[6:]) // 0, which is no surrogate, if there is none
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					n = 12
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		text = text[n:]
	}
}

// shortEscapes are the bytes that make an escape together with the backslash.
var shortEscapes = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

// escapeLength is the length of the escape that text begins with, 0 if it is none.
func escapeLength(text string) int {
	if len(text) >= 2 && shortEscapes[text[1]] {
		return 2
	}
	if _, ok := unicodeEscape(text); ok {
		return 6
	}
	return 0
}

// unicodeEscape reads the escape \uXXXX that text begins with.
func unicodeEscape(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(text[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
