// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/base64"
	"math/bits"
	"strings"
)

// This file searches text that is not JSON: forms, URLs, header lines, JSON that
// is cut off or broken, prose. It knows no structure, only separators with a
// key before them and a value behind, and objects and arrays that are whole.

const (
	// maxQuote is how many levels of string around a key's quotes are believed
	// when the mask needs quotes like them.
	maxQuote = 4
	// maxNextKey is how long a key may be that is recognised behind a comma.
	maxNextKey = 64
	// maxFailed is how often, on average, a byte may be read in vain as part of an
	// object or array that turns out to be broken.
	maxFailed = 4
	// maxBasic is how much of a Basic credential is decoded in search of the
	// colon, characters.
	maxBasic = 512
)

// quotation is a quote as found in text. Inside of that many levels of string it
// has 1<<levels - 1 backslashes before it.
type quotation struct {
	mark   byte
	levels int
}

// searchText adds the spans of a text that is not JSON. The filter leads to the
// places worth a look: a separator counts only close behind one of its hits.
// An object or array that is whole is read as JSON, and what lies between them a
// second time with its escapes resolved.
func (w *walker) searchText(text []byte, level int) {
	var (
		from  = 0                           // the end of the last value, object or array
		gap   = 0                           // the end of the last object or array
		until = 0                           // the end of the window behind hit
		hit   = -1                          // the last hit of the filter
		tries = maxFailed * (len(text) + 1) // bytes left to be read in vain
	)
	for i := 0; i < len(text); {
		if i >= until {
			if hit = nextHit(w.filter, text, max(hit+1, from)); hit < 0 {
				break
			}
			until = hit + w.keys.window
			continue
		}
		end := i
		switch c := text[i]; {
		case (c == '{' || c == '[') && tries > 0:
			var failed int
			if end, failed = w.embedded(text, i, level); end > i {
				w.unescaped(text, gap, i, level)
				gap = end
			}
			tries -= failed
		case i < hit:
		case c == '=', c == ':':
			end = w.pair(text, from, i)
		case c == 'b', c == 'B':
			end = w.scheme(text, from, i)
		case c == ' ', c == '\t', c == '\\':
			until++ // may lie between key and separator in any number
		}
		if end > i {
			i, from = end, end
		} else {
			i++
		}
	}
	w.unescaped(text, gap, len(text), level)
}

// embedded adds the spans of the JSON object or array that begins at start, if
// that is one and not empty. It returns its end; else start, and how much was
// read in vain.
func (w *walker) embedded(text []byte, start, level int) (end, failed int) {
	firstSpan, firstString := len(w.spans), len(w.strings)
	p := parser{walker: w, text: text, pos: start + 1, form: true}
	switch c := p.peek(); {
	case c == '"':
	case text[start] == '[' && (c == '{' || c == '['):
	default:
		return start, 0
	}
	p.pos = start
	ok := p.value(plain, 0)
	end = p.pos
	// What an index follows is a key: auth["token"] = x, and ["token"] => x.
	if c := p.peek(); !ok || text[start] == '[' && (c == '=' || c == ':') {
		w.spans, w.strings = w.spans[:firstSpan], w.strings[:firstString]
		return start, end - start
	}
	w.inStrings(text, firstString, level)
	return end, 0
}

// pair looks at the key before the separator text[at], no further back than
// from, and masks the value behind it if the key is a credential's. It returns
// the value's end, or at.
func (w *walker) pair(text []byte, from, at int) int {
	end := at
	for end > from && (text[end-1] == ' ' || text[end-1] == '\t' || text[end-1] == '+') {
		end--
	}
	if end > from+1 && text[end-1] == ']' && isQuoteMark(text[end-2]) {
		end-- // auth["token"]
	}
	var closing quotation
	if end > from && isQuoteMark(text[end-1]) {
		n := backslashesBefore(text, from, end-1)
		closing = quotation{mark: text[end-1], levels: levelsOf(n)}
		end -= 1 + n
	}
	start := end
	for start > from && end-start < w.keys.window && isKeyByte(text[start-1]) {
		start--
	}
	var k kind
	if k, w.key = w.keys.kindInText(text[start:end], w.key); k == plain {
		return at
	}

	value := skipSeparator(text, at)
	n := backslashesAt(text, value)
	if q := value + n; q < len(text) && isQuoteMark(text[q]) {
		opening := quotation{mark: text[q], levels: levelsOf(n)}
		return w.mask(text, q+1, quotedEnd(text, q+1, opening), "")
	}
	quote := ""
	if closing.mark == '"' && closing.levels <= maxQuote {
		quote = strings.Repeat(`\`, 1<<closing.levels-1) + `"`
	}
	if value == len(text) {
		return value
	}
	if c := text[value]; (c == '{' || c == '[') && !hasMaskPrefix(text[value:]) {
		end = bracketEnd(text, value, closing)
		if isEmptyBracket(text[value:end]) {
			return end
		}
		return w.mask(text, value, end, quote)
	}
	end = valueEnd(text, value)
	switch word := text[value:end]; {
	case isMasked(word), string(word) == "null", k == plural && isCount(word):
		return end
	case k == header:
		return w.mask(text, value, lineEnd(text, start, value, text[at] == '='), "")
	}
	return w.mask(text, value, end, quote)
}

// scheme masks what follows the word Bearer or Basic if that is at text[at]. It
// returns the value's end, or at.
func (w *walker) scheme(text []byte, from, at int) int {
	if at > from && (isLetter(text[at-1]) || isDigit(text[at-1])) {
		return at
	}
	word, basic := "bearer", false
	if at+2 < len(text) && lower(text[at+1]) == 'a' {
		word, basic = "basic", true
	}
	value := at + len(word)
	if value >= len(text) || !strings.EqualFold(string(text[at:value]), word) {
		return at
	}
	for value < len(text) && (text[value] == ' ' || text[value] == '\t' || text[value] == '+') {
		value++
	}
	if value == at+len(word) {
		return at
	}
	end := valueEnd(text, value)
	if basic && !isBasicCredential(text[value:end]) {
		return at
	}
	return w.mask(text, value, end, "")
}

// mask masks text[start:end] and returns end.
func (w *walker) mask(text []byte, start, end int, quote string) int {
	if !isMasked(text[start:end]) {
		w.spans = append(w.spans, span{start: start, end: end, quote: quote})
	}
	return end
}

// quotedEnd returns where the content that begins at start ends: at the closing
// quote, its backslashes excluded, at the quote of a string around this one, or
// at the end of the text.
func quotedEnd(text []byte, start int, opening quotation) int {
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

// lineEnd returns where the value of a header line ends: at the end of the line
// without trailing space, or at the quote that closes what opened right before the
// key. In a form it is a field and ends as one.
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

// fieldEnd returns where a form's field that holds a header's value ends: at the next
// field, at the end of the line, or at the quote of a string around the form, which is
// one that the value itself did not open.
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

// valueEnd returns where the unquoted value that begins at start ends. White
// space and '&' end it. Punctuation does only if what follows makes it look like
// the text's and not the value's.
func valueEnd(text []byte, start int) int {
	i := start
	if hasMaskPrefix(text[start:]) {
		i += len(Mask)
	}
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case '&':
			return i
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

// isPunctuation guesses whether text[i], a bracket, quote, comma or semicolon,
// ends the value before it.
func isPunctuation(text []byte, i int) bool {
	if i+1 == len(text) || text[i+1] <= ' ' || strings.IndexByte("\"'\\,;:&)}]{[>", text[i+1]) >= 0 {
		return true
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

// bracketEnd returns the end of the object or array that begins at start: its
// closing bracket, or, where that was cut off, the quote of a string around it or
// the end of the text. The quote behind its key, if it has one, tells what level
// its own are of.
func bracketEnd(text []byte, start int, key quotation) int {
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
			switch before := bytes.TrimRight(text[start:i-n], " \t\r\n"); {
			case key.mark == '"' && opening.levels < key.levels:
				return i - n
			case key.mark == 0 && strings.IndexByte("[{,:", before[len(before)-1]) < 0:
				return len(text) // a string around it may end here, so nothing after it can be told apart
			}
			i = quotedEnd(text, i+1, opening)
			i += backslashesAt(text, i) // now at the closing quote
		}
	}
	return len(text)
}

// isEmptyBracket says whether an object or array has nothing in it.
func isEmptyBracket(text []byte) bool {
	return len(text) >= 2 && len(bytes.TrimSpace(text[1:len(text)-1])) == 0 && text[len(text)-1] == text[0]+2
}

// isCount says whether a plural's value is a number.
func isCount(word []byte) bool {
	for _, c := range word {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// isBasicCredential says whether text begins with user:password in base64.
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
		n-- // no length of base64: it has run into something else
	}
	size, err := base64.RawStdEncoding.Decode(decoded[:], buf[:n])
	return err == nil && bytes.IndexByte(decoded[:size], ':') >= 0
}

// skipSeparator returns where the value behind the separator text[at] begins. A
// line end is skipped only before a quote or bracket: JSON may break there, a
// header line may not.
func skipSeparator(text []byte, at int) int {
	i := at
	for i < len(text) && strings.IndexByte("=:> \t+", text[i]) >= 0 {
		i++
	}
	j := i
	for j < len(text) && strings.IndexByte(" \t\r\n", text[j]) >= 0 {
		j++
	}
	if j < len(text) && strings.IndexByte("\"'\\{[", text[j]) >= 0 {
		return j
	}
	return i
}

// backslashesBefore counts the backslashes right before text[at], no further back
// than from.
func backslashesBefore(text []byte, from, at int) int {
	n := 0
	for at-n > from && text[at-n-1] == '\\' {
		n++
	}
	return n
}

// backslashesAt counts the backslashes that begin at text[at].
func backslashesAt(text []byte, at int) int {
	n := 0
	for at+n < len(text) && text[at+n] == '\\' {
		n++
	}
	return n
}

// levelsOf returns how many levels of string a quote with that many backslashes
// is in.
func levelsOf(backslashes int) int { return bits.Len(uint(backslashes)+1) - 1 }

func isQuoteMark(c byte) bool { return c == '"' || c == '\'' }

// isKeyByte says whether c may be part of an unquoted key, or of a form's
// auth[token].
func isKeyByte(c byte) bool {
	return isWordByte(c) || strings.IndexByte(" +.[]\\$@", c) >= 0
}
