// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// maxBasic is how many characters of a Basic credential are decoded to find the colon.
const maxBasic = 512

// scheme masks what follows the word Bearer or Basic (RFC 6750, RFC 7617) if that is the word at a hit. It
// returns the value's end, or hit.
func (w *walker) scheme(text []byte, hit int, word span) int {
	name := text[word.start:word.end]
	at := bytes.LastIndexByte(name, 'b')
	if upper := bytes.LastIndexByte(name, 'B'); upper > at {
		at = upper
	}
	// bearer%20x, and Bearer+x after %20 or =
	if at < 0 || at > 0 && (isLetter(name[at-1]) || isDigit(name[at-1]) && (at < 3 || name[at-3] != '%')) {
		return hit
	}
	at += word.start
	scheme, basic := "bearer", false
	if at+2 < len(text) && lower(text[at+1]) == 'a' {
		scheme, basic = "basic", true
	}
	value := at + len(scheme)
	if value >= len(text) || !equalFold(text[at:value], scheme) {
		return hit
	}
	for value < len(text) && (isBlank(text[value]) || !basic && lineEndAt(text, value) > 0) {
		value += max(1, lineEndAt(text, value))
	}
	if value == at+len(scheme) {
		return hit
	}
	if start, end, quoted := literalAt(text, value); quoted && !basic {
		if !isStrong(text[start:end], minStrong) {
			return hit
		}
		return w.mask(text, start, end, "")
	}
	end := valueEnd(text, value)
	credential := text[value:end]
	if !basic && (bytes.HasSuffix(credential, []byte(":")) || endsName(text, end)) {
		return hit // a key: Bearer token: x
	}
	if basic && !isBasicCredential(credential) {
		return hit
	}
	if !basic && (isProseWord(credential) || isPlaceholder(credential) || isLowerWord(credential) && nextIsWordy(text, end)) {
		return hit
	}
	return w.mask(text, value, end, "")
}

// isBasicCredential reports whether text begins with user:password in base64.
func isBasicCredential(text []byte) bool {
	if hasMaskPrefix(text) {
		return true
	}
	n := 0
	for n < len(text) && n < maxBasic && (isLetter(text[n]) || isDigit(text[n]) || strings.IndexByte("+/-_", text[n]) >= 0) {
		n++
	}
	var buf, decoded [maxBasic]byte
	for i, c := range text[:n] {
		switch c { // the URL alphabet is accepted, as servers do
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		buf[i] = c
	}
	if n%4 == 1 {
		n-- // not a length of base64: it has run into other text
	}
	size, err := base64.RawStdEncoding.Decode(decoded[:], buf[:n])
	return err == nil && bytes.IndexByte(decoded[:size], ':') >= 0
}

// endsName reports whether a separator follows at text[at], after a quote or blanks.
func endsName(text []byte, at int) bool {
	if at < len(text) && isQuoteMark(text[at]) {
		at++
	}
	at = skipBlanks(text, at)
	return at < len(text) && (text[at] == '=' || text[at] == ':')
}
