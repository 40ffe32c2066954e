// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// This file reads pairs in JSON whose key is a value: {"key":"app_secret",
// "value":"x"} in either order, and ["Authorization","x"].

// isNameKey reports whether a member of that name may hold the name of another
// value, isValueKey whether it may hold that value.
func isNameKey(name []byte) bool {
	switch string(name) {
	case "key", "name", "field", "fieldname", "field_name", "header", "headername", "label", "title", "param", "parameter", "variable", "k", "keyname", "key_name", "variablename", "prop", "property", "env",
		"display_name", "displayname":
		return true
	}
	return false
}

func isValueKey(name []byte) bool {
	switch string(name) {
	case "value", "val", "v", "values", "content", "text", "fieldvalue", "field_value", "defaultvalue", "default_value", "default", "headervalue", "data":
		return true
	}
	return false
}

// isTextKey reports whether a value of that name may be prose: something with the title password may be a text
// about one.
func isTextKey(name []byte) bool {
	switch string(name) {
	case "content", "text", "data", "default":
		return true
	}
	return false
}

// pairing is what an object contains of a pair.
type pairing struct {
	kind  kind // the kind that the name names
	title bool // the name is a title, so that the value may be prose
	value struct {
		start, end int  // in text, as it is
		text       bool // it may be prose
	}
	// An object may have an array of names and one of their values, or one of rows of values.
	columns row
	rows    jsonString // the array of values; its end is 0 if there is none
	// An element of an array of columns has an id, by which the rows have their values.
	id  jsonString
	ids int // where the ids of this object's columns begin in the parser's
}

// maxPairValue is the maximum length of a value that is not a string if it is to be read a second time because
// its name comes after it.
const maxPairValue = 512

// memberValue reads the value of a member, and notes it if it belongs to a pair.
func (p *parser) memberValue(key jsonString, of kind, depth int, pair *pairing, pairs bool) bool {
	raw := p.text[key.start:key.end]
	c := p.peek()
	start := p.pos
	if !pairs || of != plain || key.escaped || len(raw) > 16 {
		return p.value(of, depth)
	}
	var buf [16]byte
	name := appendLower(buf[:0], raw)
	switch {
	case c == '[' && isNamesKey(name):
		return p.readNames(pair, depth)
	case c == '[' && isRowsKey(name) && pair.rows.end == 0:
		ok := p.value(plain, depth)
		pair.rows = jsonString{start: start, end: p.pos}
		return ok
	case c == '"' && isNameKey(name):
		s, ok := p.quoted()
		if !ok {
			return false
		}
		p.stringValue(s, plain)
		if k := p.named(p.text[s.start:s.end]); k != plain {
			pair.kind, pair.title = k, string(name) == "title" || string(name) == "label"
		} else {
			pair.id = s
		}
		return true
	case c == '"' && depth == p.columns && isIDKey(name):
		s, ok := p.quoted()
		pair.id = s
		return ok
	case isValueKey(name) && pair.value.end == 0:
		if k := pair.kind; k != plain && c != '"' {
			pair.value.end = -1 // done with
			return p.value(k, depth)
		}
		if s, ok := p.textOrValue(name, depth); !ok {
			return false
		} else if s.end > 0 {
			p.textValue(s, depth)
		}
		pair.value.start, pair.value.end = start, p.pos
		pair.value.text = isTextKey(name)
		return true
	}
	return p.value(plain, depth)
}

// textOrValue reads a value, and returns it if it is a text to be read in order.
func (p *parser) textOrValue(name []byte, depth int) (s jsonString, ok bool) {
	if p.peek() != '"' || string(name) != "text" && string(name) != "content" {
		return s, p.value(plain, depth)
	}
	if s, ok = p.quoted(); ok {
		p.stringValue(s, plain)
	}
	return s, ok
}

// named returns the kind of a value whose name is given elsewhere.
func (p *parser) named(content []byte) kind {
	if len(content) > minWindow || len(content) == 0 {
		return plain
	}
	p.key = appendNormal(p.key[:0], content)
	k := p.keys.kind(content, p.key)
	if k == plain || p.keys.isExtra(p.key) {
		return k
	}
	return p.inAPI(content, k)
}

// finish masks the value of an object's pair at the end of the object. It is merged with what was found inside
// the value.
func (p *parser) finish(pair *pairing, depth int) bool {
	if !p.readRows(pair, depth) {
		return false
	}
	if depth == p.columns && pair.kind != plain && pair.id.end > 0 && len(p.ids) < maxIDs {
		p.ids = append(p.ids, columnID{name: p.text[pair.id.start:pair.id.end], kind: pair.kind})
	}
	v := &pair.value
	if pair.kind == plain || v.end <= 0 {
		return true
	}
	raw := p.text[v.start:v.end]
	if raw[0] == '"' {
		content := raw[1 : len(raw)-1]
		switch {
		case isNothing(content, pair.kind), pair.kind == weak && !isStrong(content, minStrong):
			return true
		case (pair.title || v.text) && !isStrong(content, minMixed), isProse(content):
			return true
		}
		p.spans = append(p.spans, span{start: v.start + 1, end: v.end - 1})
		return true
	}
	if len(raw) > maxPairValue || !p.again(v.start, v.end) {
		return true
	}
	end := p.pos
	p.pos, p.second = v.start, true
	ok := p.value(pair.kind, depth)
	p.pos, p.second = end, false
	return ok
}

func appendLower(dst, text []byte) []byte {
	for _, c := range text {
		dst = append(dst, lower(c))
	}
	return dst
}
