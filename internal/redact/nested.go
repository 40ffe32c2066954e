// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// This file finds the ends of quoted values and of brackets in text within strings of strings, as JSON reads them:
// on each level a quote may be written as \" or \u0022, and so may the backslash before it.

// nested reads text that is within that many levels of string.
type nested struct {
	levels  int
	escapes [maxLevels]escape

	// What was read on the innermost level:
	depth   int  // of brackets
	quoted  bool // in a string
	escaped bool // after a backslash
	bracket bool // the value is a bracket, and not a string

	at int // where the text of what closes the value begins
}

// escape is what was read of an escape on one level.
type escape struct {
	at     int  // where it begins, in the text
	value  rune // of its hexadecimal digits
	digits int  // how many follow
	open   bool // its backslash was read
}

// outcome is what a character is for a value.
type outcome uint8

const (
	goesOn   outcome = iota
	isClosed         // by the last character
	isCutOff         // by the end of a string around it
)

// nestedEnd returns the end of the value that begins at text[start], on that level: of a bracket with it, of a
// string without its quote. A string around the value that ends before, ends the value.
func nestedEnd(text []byte, start, levels int, bracket bool) int {
	if levels > maxLevels {
		return len(text)
	}
	n := nested{levels: levels, bracket: bracket, quoted: !bracket}
	idle := true // no escape is being read, on any level
	for i := start; i < len(text); i++ {
		c := text[i]
		if idle && c != '"' && c != '\\' && c|0x20 != '{' && c|0x20 != '}' { // {, }, [, ]
			continue
		}
		switch n.read(0, rune(c), i) {
		case isClosed:
			if bracket {
				return i + 1
			}
			return n.at
		case isCutOff:
			return n.at
		}
		idle = n.isIdle()
	}
	return len(text)
}

// isIdle reports whether no escape is being read on any level.
func (n *nested) isIdle() bool {
	for i := range n.levels {
		if n.escapes[i].open {
			return false
		}
	}
	return !n.escaped
}

// read reads a character of a level, which begins at text[at].
func (n *nested) read(level int, c rune, at int) outcome {
	if level == n.levels {
		return n.innermost(c, at)
	}
	e := &n.escapes[level]
	switch {
	case e.digits > 0:
		if c < 0x80 && unhex(byte(c)) >= 0 {
			e.value = e.value<<4 | unhex(byte(c))
			if e.digits--; e.digits > 0 {
				return goesOn
			}
			e.open = false
			return n.read(level+1, e.value, e.at)
		}
		*e = escape{at: e.at} // none: it stands for itself
		if o := n.read(level+1, '\\', e.at); o != goesOn {
			return o
		}
		if o := n.read(level+1, 'u', e.at); o != goesOn {
			return o
		}
		return n.read(level, c, at)
	case e.open && c == 'u':
		e.digits, e.value = 4, 0
		return goesOn
	case e.open:
		e.open = false
		if escapeLen([]byte{'\\', byte(c)}) == 0 && c != '\'' {
			if o := n.read(level+1, '\\', e.at); o != goesOn {
				return o
			}
		}
		return n.read(level+1, c, e.at)
	case c == '\\':
		e.open, e.at = true, at
		return goesOn
	case c == '"':
		n.at = at
		return isCutOff
	}
	return n.read(level+1, c, at)
}

// innermost reads a character of the value.
func (n *nested) innermost(c rune, at int) outcome {
	switch {
	case n.escaped:
		n.escaped = false
	case c == '\\':
		n.escaped = n.quoted
	case c == '"':
		if n.at = at; !n.bracket {
			return isClosed
		}
		n.quoted = !n.quoted
	case n.quoted:
	case c == '{' || c == '[':
		n.depth++
	case c == '}' || c == ']':
		if n.depth--; n.depth == 0 {
			return isClosed
		}
	}
	return goesOn
}
