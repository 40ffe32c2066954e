// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep objects and arrays may be nested, as in encoding/json.
const maxDepth = 10000

// parser reads text as JSON (RFC 8259, invalid UTF-8 allowed). It adds the spans of credential values to the
// walker, and every other string that may contain some to its strings. It accepts what encoding/json calls
// valid, except a single number or literal, where there is nothing to find.
type parser struct {
	*walker
	text  []byte
	pos   int
	entry bool // text is a whole entry
	form  bool // text may come from a form, where '+' is a space
	lines bool // strings may have line ends, as other characters are folded to them

	table  table
	last   row // the array that ended last
	before before

	columns  int        // the depth of the columns of a table, if they are objects
	ids      []columnID // of the columns of credentials that were read
	byID     []columnID // those of the rows that are read a second time
	rowDepth int        // the depth of these rows
	first    int        // where the document begins
	second   bool       // something is read a second time
	repeated int        // how many bytes were
}

// document reads text as one object, array or string.
func (p *parser) document() bool {
	switch p.peek() {
	case '{', '[', '"':
		return p.value(plain, 0) && p.peek() == 0 && p.pos == len(p.text)
	}
	return false
}

// peek skips white space and returns the byte that follows; 0 at the end.
func (p *parser) peek() byte {
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\r':
		case '+':
			if !p.form {
				return c
			}
		default:
			return c
		}
	}
	return 0
}

// value reads a value that belongs to a key of that kind.
func (p *parser) value(k kind, depth int) bool {
	switch p.peek() {
	case '"':
		s, ok := p.quoted()
		if ok {
			p.stringValue(s, k)
		}
		return ok
	case '{':
		if k > weak && isSchema(p.text[p.pos:]) {
			k = plain
		}
		return depth < maxDepth && p.object(below(k), depth+1)
	case '[':
		return depth < maxDepth && p.array(k, depth+1)
	case 'n':
		return p.literal("null")
	case 't': // a boolean is a setting, not a credential
		return p.literal("true")
	case 'f':
		return p.literal("false")
	}
	start := p.pos
	if !p.number() {
		return false
	}
	if k == secret || k == header {
		p.spans = append(p.spans, span{start: start, end: p.pos, quote: `"`})
	}
	return true
}

// below is the kind of the members of an object under a key. Objects named credential or session are judged by
// their own keys.
func below(k kind) kind {
	if k == weak {
		return plain
	}
	return k
}

func (p *parser) stringValue(s jsonString, k kind) {
	content := p.text[s.start:s.end]
	switch {
	case k > weak && (isNothing(content, k) || isLabel(content)):
	case k > weak, k == weak && (isStrong(content, minStrong) && !isID(content) || seedEnd(content, 0) == len(content)):
		p.spans = append(p.spans, span{start: s.start, end: s.end})
	case !p.clean(content):
		p.strings = append(p.strings, s)
	}
}

func (p *parser) object(k kind, depth int) bool {
	p.pos++
	if p.peek() == '}' {
		p.pos++
		return true
	}
	var pair pairing
	for {
		if p.peek() != '"' {
			return false
		}
		key, ok := p.quoted()
		if !ok || p.peek() != ':' {
			return false
		}
		p.pos++
		of := k
		if of == plain {
			of = p.member(key, depth)
		}
		if !p.memberValue(key, of, depth, &pair, k == plain) {
			return false
		}
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return p.finish(&pair, depth)
		default:
			return false
		}
	}
}

// member returns the kind of a key's value. The key itself is text that may contain a credential: a form that
// was read as JSON ends up as a key.
func (p *parser) member(key jsonString, depth int) kind {
	raw := p.text[key.start:key.end]
	if len(raw) < minFormed && isName(raw) && p.keys.isPlainEnd(raw) && p.byID == nil {
		return plain
	}
	p.key = appendNormal(p.key[:0], raw)
	k := p.keys.kind(raw, p.key)
	if k == plain {
		k = p.columnKind(raw, depth)
	}
	switch {
	case string(p.key) == "apikey" && (p.entry && depth == 1 || p.isAPINameNext()):
		k = plain // the name of an API
	case !p.keys.isExtra(p.key):
		k = p.inAPI(raw, k)
	}
	if !isName(raw) || k <= weak && len(raw) >= minFormed {
		p.stringValue(key, plain)
	}
	return k
}

// minFormed is the length of the shortest value that is recognised by its form, and more than any name that is
// not checked further.
const minFormed = 16

// isName reports whether a key is only the name of something, and not a text.
func isName(raw []byte) bool {
	for _, c := range raw {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// isAPINameNext reports whether the next value is the name of an API.
func (p *parser) isAPINameNext() bool {
	return p.peek() == '"' && isAPIName(p.text[p.pos+1:min(len(p.text), p.pos+9)])
}

func (p *parser) array(k kind, depth int) bool {
	array := p.pos
	p.pos++
	if p.peek() == ']' {
		p.pos++
		return true
	}
	var row row
	for n := 0; ; n++ {
		p.peek()
		first := p.pos
		of := k
		if k == plain {
			of = p.cellKind(&row, n, depth)
		}
		read, ok := false, true
		if k == plain && of == weak {
			read, ok = p.cell(&row, n, depth, array)
		}
		if !ok || !read && !p.value(of, depth) {
			return false
		}
		if k == plain {
			p.noteCell(&row, n, p.text[first:p.pos])
		}
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			p.endRow(&row, n, depth)
			return true
		default:
			return false
		}
	}
}

// quoted reads the string that begins at pos. If there is none, pos is where that was detected.
func (p *parser) quoted() (s jsonString, ok bool) {
	text, i := p.text, p.pos+1
	s.start = i
	for i = nextSpecial(text, i); i < len(text); i = nextSpecial(text, i+1) {
		switch text[i] {
		case '"':
			s.end = i
			p.pos = i + 1
			return s, true
		case '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				p.pos = i
				return s, false
			}
			s.escaped = true
			i += n - 1
		case '\n':
			if p.lines {
				continue
			}
			fallthrough
		default:
			p.pos = i
			return s, false
		}
	}
	p.pos = len(text)
	return s, false
}

// nextSpecial returns the position, at or after i, of the next quote, backslash or control character of text, or
// its length. Of the marks that it sets, the highest bits of eight bytes, only the lowest is exact.
func nextSpecial(text []byte, i int) int {
	const (
		lanes = 0x0101010101010101
		highs = 0x80 * lanes
	)
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		quote, backslash := w^'"'*lanes, w^'\\'*lanes
		marks := ((w-' '*lanes)&^w | (quote-lanes)&^quote | (backslash-lanes)&^backslash) & highs
		if marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for ; i < len(text); i++ {
		if c := text[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}

// escapeLen returns the length of the JSON escape at the start of text; 0 if there is none.
func escapeLen(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if unhex4(text[2:]) >= 0 {
			return 6
		}
	}
	return 0
}

func (p *parser) literal(word string) bool {
	if len(p.text)-p.pos < len(word) || string(p.text[p.pos:p.pos+len(word)]) != word {
		return false
	}
	p.pos += len(word)
	return true
}

func (p *parser) number() bool {
	p.next('-')
	if !p.next('0') && !p.digits() {
		return false
	}
	if p.next('.') && !p.digits() {
		return false
	}
	if p.next('e') || p.next('E') {
		if !p.next('-') {
			p.next('+')
		}
		return p.digits()
	}
	return true
}

// next skips c if it comes next.
func (p *parser) next(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// digits skips at least one digit.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		p.pos++
	}
	return p.pos > start
}
