// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file handles sequences in JSON: ["Authorization","x"], a table whose first row has names, and a text that
// is split up among the elements of a message.

// row is what was read from an array of strings.
type row struct {
	names uint32 // a bit for each of the first elements that is the name of a credential
	sure  uint32 // those that have no other meaning
	pass  uint32 // those that are of passwords
	first kind   // what the first element names
	// option is what the last element names, if it is an option of a command.
	option kind
	value  bool // an element looks like a credential
}

// table is an array of rows whose first row has names of credentials.
type table struct {
	depth int    // of its rows; 0 if there is none
	names uint32 // as in row
	sure  uint32 // those of names that have hardly any other meaning, if a member reports that they are names
	pass  uint32 // as in row
}

// newTable returns the table with these names in an object that reports that they are names.
func newTable(names *row, depth int) table {
	return table{depth: depth, names: names.names, sure: names.sure, pass: names.pass}
}

const (
	maxColumns = 32
	maxCell    = 64 // bytes of a name
)

// cellKind is the kind of an array's element n, by the names before it. Lists of names begin with one, too, so
// most values have to look like a credential.
func (p *parser) cellKind(r *row, n, depth int) kind {
	switch {
	case r.option > weak && p.pos+1 < len(p.text) && p.text[p.pos+1] != '-':
		return r.option
	case n == 1 && r.first == header:
		return header
	case n == 1 && r.first != plain:
		return weak
	case p.table.depth == depth && n < maxColumns && p.table.names>>n&1 != 0:
		if p.table.sure>>n&1 != 0 {
			return secret
		}
		return weak
	}
	return plain
}

// noteCell notes what element n of an array is.
func (p *parser) noteCell(r *row, n int, element []byte) {
	r.option = plain
	if n >= maxColumns || len(element) < 2 || len(element) > maxCell || element[0] != '"' {
		return
	}
	content := element[1 : len(element)-1]
	if k := p.named(content); k != plain {
		r.names |= 1 << n
		if isPasswordName(p.key) {
			r.pass |= 1 << n
		}
		if content[0] == '-' {
			r.option = k
		}
		if k > weak {
			r.sure |= 1 << n
		}
		if n == 0 {
			r.first = k
		}
		return
	}
	r.value = r.value || isStrong(content, minStrong)
}

// endRow notes, at the end of an array with that many elements after the first, whether it is a table's first
// row.
func (p *parser) endRow(r *row, last, depth int) {
	p.last = *r
	if p.table.depth == depth+1 {
		p.table = table{} // this was the table
	}
	if p.table.depth == 0 && r.names != 0 && !r.value && last > 0 {
		p.table = table{depth: depth, names: r.names, pass: r.pass}
		if last == 1 {
			p.table.pass &^= 1 // the first of two columns may be the names of the second one's values
		}
	}
	if depth < p.before.depth {
		p.before.lines = true
	}
}

// cell reads an element of an array that is weak by its place, and reports whether it was one of its own rules: below
// the name of a password it is one unless it says something else; beside a credential's name in a table of two
// columns it may be shorter than elsewhere.
func (p *parser) cell(r *row, n, depth, first int) (read, ok bool) {
	below := p.table.depth == depth && n < maxColumns && p.table.pass>>n&1 != 0
	if p.peek() != '"' || !below && (n != 1 || r.first <= weak || !isInArray(p.text, first)) {
		return false, true
	}
	s, ok := p.quoted()
	if !ok {
		return true, false
	}
	content := p.text[s.start:s.end]
	switch {
	case isStrong(content, minMixed) && !isID(content), below && p.isPasswordCell(content):
		p.spans = append(p.spans, span{start: s.start, end: s.end})
	default:
		p.stringValue(s, plain)
	}
	return true, true
}

// isInArray reports whether the array at text[at] is an element of another one.
func isInArray(text []byte, at int) bool {
	before := bytes.TrimRight(text[max(0, at-maxCell):at], " \t\r\n")
	return bytes.HasSuffix(before, []byte("[")) || bytes.HasSuffix(before, []byte(","))
}

// before is the text before the current one, in the order of reading.
type before struct {
	text  jsonString
	more  []byte // the text before that one, which is read together with it
	depth int
	lines bool // a line, or more, ended after it
}

// maxBefore is how much of the previous text is read again with the next one.
const maxBefore = 256

// textValue handles a text that may have the value of a key in the previous text: rich text is split where its
// style changes, and a card has a field for each line. Both are read as one text, and what is masked in this one
// counts.
func (p *parser) textValue(s jsonString, depth int) {
	b := &p.before
	last := p.text[b.text.start:b.text.end]
	broken := b.lines || b.depth != depth
	b.depth, b.lines, b.text = depth, false, s
	if p.inBase64 || len(last) == 0 || len(last) > maxLink || len(b.more) == 0 && p.clean(last) {
		b.more = nil
		return
	}
	raw := p.text[s.start:s.end]
	joined := appendUnescaped(b.more, last, backslash)
	if b.more = nil; broken {
		joined = append(joined, '\n')
	}
	tail := len(joined)
	read := appendUnescaped(joined, raw[:min(len(raw), maxLink)], backslash)
	inner := walker{keys: p.keys, filter: p.filter, inBase64: true, apiKnown: true, apiName: p.api(), codes: p.codes, explain: p.explain}
	inner.level(read, 1)
	spans := inner.spans[:0]
	for _, found := range inner.spans {
		if found.end > tail {
			found.start, found.end = max(found.start, tail)-tail, found.end-tail
			if !isMasked(read[tail+found.start : tail+found.end]) {
				spans = append(spans, found)
			}
		}
	}
	if (len(spans) == 0 || spans[len(spans)-1].end == len(read)-tail) && tail <= maxBefore {
		b.more = joined // the key may come in the next one still, or the rest of the value
	}
	liftSpans(spans, raw, backslash)
	for _, found := range spans {
		found.start, found.end = found.start+s.start, found.end+s.start
		p.spans = append(p.spans, found)
	}
}
