// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes is a way to write text inside other text, named by the byte that begins an escape.
type escapes byte

const (
	backslash escapes = '\\' // as in JSON strings, and \'
	percent   escapes = '%'
)

// unit reads the first character of escaped text: its length there and its meaning, which is a rune if wide and
// otherwise a byte. An invalid escape stands for itself.
func unit(text []byte, e escapes) (n int, c rune, wide bool) {
	if text[0] != byte(e) {
		return 1, rune(text[0]), false
	}
	switch e {
	case backslash:
		if len(text) < 2 {
			break
		}
		switch e := text[1]; e {
		case '"', '\\', '/', '\'':
			return 2, rune(e), false
		case 'b':
			return 2, '\b', false
		case 'f':
			return 2, '\f', false
		case 'n':
			return 2, '\n', false
		case 'r':
			return 2, '\r', false
		case 't':
			return 2, '\t', false
		case 'u':
			r := unhex4(text[2:])
			if r < 0 {
				break
			}
			if utf16.IsSurrogate(r) {
				if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
					if pair := utf16.DecodeRune(r, unhex4(text[8:])); pair != utf8.RuneError {
						return 12, pair, true
					}
				}
				r = utf8.RuneError
			}
			return 6, r, true
		}
	case percent:
		if len(text) >= 3 {
			if h, l := unhex(text[1]), unhex(text[2]); h >= 0 && l >= 0 {
				return 3, h<<4 | l, false
			}
		}
	}
	return 1, rune(text[0]), false
}

// appendUnescaped appends the meaning of text.
func appendUnescaped(dst, text []byte, e escapes) []byte {
	for {
		i := bytes.IndexByte(text, byte(e))
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		n, r, wide := unit(text, e)
		if wide {
			dst = utf8.AppendRune(dst, r)
		} else {
			dst = append(dst, byte(r))
		}
		text = text[n:]
	}
}

// liftSpans turns spans of the meaning of raw into spans of raw.
func liftSpans(spans []span, raw []byte, e escapes) {
	plain := func(text []byte) int {
		if i := bytes.IndexByte(text, byte(e)); i >= 0 {
			return i
		}
		return len(text)
	}
	lift(spans, raw, plain, func(text []byte) (n, size int) {
		n, r, wide := unit(text, e)
		if wide {
			return n, utf8.RuneLen(r)
		}
		return n, 1
	})
}

// lift turns spans of the meaning of raw into spans of raw. plain returns how many bytes at the start of a text
// mean themselves. step returns the length of the text's first character, if it does not mean itself, and the
// length of its meaning. A span that begins or ends within a character is extended to all of it. The spans are
// in order and do not overlap.
func lift(spans []span, raw []byte, plain func(text []byte) int, step func(text []byte) (n, size int)) {
	at, meaning := 0, 0 // the same position, in raw and in its meaning
	for i := range spans {
		s := &spans[i]
		start := at
		for at < len(raw) && meaning < s.end {
			border := s.end
			if meaning < s.start {
				border = s.start
			}
			n := min(plain(raw[at:]), border-meaning)
			size := n
			if n == 0 {
				n, size = step(raw[at:])
			}
			at += n
			meaning += size
			if meaning <= s.start {
				start = at
			}
		}
		s.start, s.end = start, at
	}
}

// escapeQuote escapes quotes, their backslashes, and percent escapes of both.
func escapeQuote(quote string, e escapes) string {
	switch {
	case quote == "":
		return ""
	case e == percent:
		return percentQuotes.Replace(quote)
	}
	return backslashQuotes.Replace(quote)
}

var (
	backslashQuotes = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	percentQuotes   = strings.NewReplacer(`"`, "%22", `\`, "%5C", "%", "%25")
)

// unhex4 reads four hexadecimal digits; -1 if text does not begin with them.
func unhex4(text []byte) rune {
	if len(text) < 4 {
		return -1
	}
	var r rune
	for _, c := range text[:4] {
		d := unhex(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | d
	}
	return r
}

// unhex reads a hexadecimal digit; -1 if c is none.
func unhex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c | 0x20 - 'a' + 10)
	}
	return -1
}
