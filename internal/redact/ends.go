// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
)

// This file finds the ends of values: of quoted and bracketed ones, of a header line, of a form's field, of one
// word.

// maxNextKey is the maximum length of a key that is recognised after a comma.
const maxNextKey = 64

// quotedEnd returns where the content that begins at start ends: at the closing
// quote, its backslashes excluded, at the quote of a string around this one, or
// at the end of the text.
func quotedEnd(text []byte, start int, opening quotation) int {
	if opening.mark == '"' {
		return nestedEnd(text, start, opening.levels, false)
	}
	own := 1<<opening.levels - 1
	for i := start; i < len(text); i++ {
		if text[i] != opening.mark {
			continue
		}
		// On the content's own level, each backslash of the content takes
		// 2*(own+1) of them here and a quote's escape own+1 more than the quote's own.
		if n := backslashesBefore(text, start, i) % (2 * (own + 1)); n <= own {
			return i - n
		}
	}
	return len(text)
}

// lineEnd returns where the value of a header line ends: at the end of the line without trailing space, or at
// the quote that closes the one right before the key. In a form it is a field and ends like one.
func lineEnd(text []byte, key, value int, form bool) int {
	end := len(text)
	if form {
		end = fieldEnd(text, value)
	} else if n := bytes.IndexAny(text[value:], "\r\n"); n >= 0 {
		end = value + n
	}
	if key > 0 && isQuoteMark(text[key-1]) {
		n := backslashesBefore(text, 0, key-1)
		end = quotedEnd(text[:end], value, quotation{mark: text[key-1], levels: levelsOf(n)})
	}
	for end > value && (text[end-1] == ' ' || text[end-1] == '\t') {
		end--
	}
	return end
}

// fieldEnd returns where a form's field with a header's value ends: at the next field, at the end of the line,
// or at the quote of a string around the form, which is a quote that the value itself did not open.
func fieldEnd(text []byte, value int) int {
	for i := value; i < len(text); i++ {
		switch c := text[i]; c {
		case '&', '\r', '\n':
			return i
		case '"', '\'':
			n := backslashesBefore(text, value, i)
			if open := i - n; open > value && text[open-1] == '=' {
				i = quotedEnd(text, i+1, quotation{mark: c, levels: levelsOf(n)})
				i += backslashesAt(text, i) // now at the closing quote
			} else if isPunctuation(text, i) {
				return open
			}
		}
	}
	return len(text)
}

// valueEnd returns where the unquoted value that begins at start ends. White space ends it. Punctuation and '&'
// end it only if what follows suggests that they belong to the text and not to the value.
func valueEnd(text []byte, start int) int {
	i := start
	if hasMaskPrefix(text[start:]) {
		i += len(Mask)
	}
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case '&':
			if endsField(text, i) {
				return i
			}
		case '[':
			if hasMaskPrefix(text[i:]) {
				i += len(Mask) - 1
			}
		case ',', ';', '"', '\'', '}', ']', ')':
			if isPunctuation(text, i) {
				return i - backslashesBefore(text, start, i)
			}
		default:
			if c <= ' ' {
				return i
			}
		}
	}
	return i
}

// endsField guesses whether the '&' text[i] ends a form's field, or a command, and is not part of a password:
// another field or nothing follows.
func endsField(text []byte, i int) bool {
	for j := i + 1; j < len(text) && j <= i+maxNextKey; j++ {
		switch c := text[j]; {
		case c == '=':
			return true
		case !isWordByte(c) && bytes.IndexByte([]byte(".[]+"), c) < 0:
			return j == i+1
		}
	}
	return i+1 == len(text)
}

// isPunctuation guesses whether text[i], a bracket, quote, comma or semicolon,
// ends the value before it.
func isPunctuation(text []byte, i int) bool {
	if i+1 == len(text) || text[i+1] <= ' ' || strings.IndexByte("\"'\\,;:&)}]{[>", text[i+1]) >= 0 {
		return true
	}
	if text[i+1] == '.' && (i+2 == len(text) || text[i+2] <= ' ' || isQuoteMark(text[i+2])) {
		return true // and a full stop
	}
	if text[i] != ',' && text[i] != ';' {
		return false
	}
	for j := i + 1; j < len(text) && j <= i+maxNextKey; j++ {
		if c := text[j]; c == '=' || c == ':' {
			return true
		} else if !isWordByte(c) && c != '.' {
			return false
		}
	}
	return false
}

// bracketEnd returns the end of the object or array that begins at start: its closing bracket, or, if that was
// cut off, the quote of a string around it or the end of the text. The quote after its key, if it has one, shows
// the level of its own quotes.
func bracketEnd(text []byte, start int, key quotation) int {
	if key.mark == '"' {
		return nestedEnd(text, start, key.levels, true)
	}
	depth := 0
	for i := start; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			n := backslashesBefore(text, start, i)
			opening := quotation{mark: '"', levels: levelsOf(n)}
			before := bytes.TrimRight(text[start:i-n], " \t\r\n")
			if key.mark == 0 && strings.IndexByte("[{,:", before[len(before)-1]) < 0 {
				return len(text) // a string around it may end here, so nothing after it is certain
			}
			i = quotedEnd(text, i+1, opening)
			i += backslashesAt(text, i) // now at the closing quote
		}
	}
	return len(text)
}

// isEmptyBracket reports whether an object or array has nothing in it.
func isEmptyBracket(text []byte) bool {
	return len(text) >= 2 && len(bytes.TrimSpace(text[1:len(text)-1])) == 0 && text[len(text)-1] == text[0]+2
}

// literalAt returns the content of the literal whose quote, escaped or not, is at text[at], and whether there is one.
func literalAt(text []byte, at int) (start, end int, ok bool) {
	n := backslashesAt(text, at)
	q := at + n
	if !isQuoteMark(byteAt(text, q)) {
		return at, at, false
	}
	return q + 1, quotedEnd(text, q+1, quotation{mark: text[q], levels: levelsOf(n)}), true
}

// isLiteralAt reports whether a quote, escaped or not, is at text[at].
func isLiteralAt(text []byte, at int) bool {
	return isQuoteMark(byteAt(text, at+backslashesAt(text, at)))
}
