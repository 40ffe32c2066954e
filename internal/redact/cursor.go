// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"math/bits"
	"unicode/utf8"
)

// This file reads what is between a key and its value: the marks that close the key, remarks, the separator, and
// the marks that open the value.

const (
	// maxMarks is how many marks, tags, quotes and remarks may be on one side of a separator.
	maxMarks = 16
	// maxRemark is the maximum length of a remark, a tag or a comment there.
	maxRemark = 160
	// maxBlankLines is how many line ends may be between a key and its value.
	maxBlankLines = 3
)

// quotation is a quote as found in text. Inside that many levels of string it has 1<<levels - 1 backslashes
// before it.
type quotation struct {
	mark   byte
	levels int
}

// separator is what is between a key and its value.
type separator uint8

const (
	noSeparator separator = iota
	colon                 // or an arrow, in prose, too
	assign
)

// closers is what was read after a key.
type closers struct {
	end     int
	closing quotation // the first quote
	parens  span      // the first remark in parentheses, with them
	marked  bool      // by anything except blanks and quotes
}

// closersAt reads what closes a key that ends at text[at].
func closersAt(text []byte, at int) (c closers) {
	i := at
	for range maxMarks {
		i = skipBlanks(text, i)
		if i == len(text) {
			break
		}
		n, next := backslashesAt(text, i), i
		if q := i + n; q < len(text) && isQuoteMark(text[q]) {
			opens := i > at && isBlank(text[i-1]) || i == at && at > 0 && text[at-1] >= 0x80 && opensValue(text, q)
			if opens && c.closing.mark == 0 && q+1 < len(text) && (isLetter(text[q+1]) || isDigit(text[q+1]) || text[q+1] == '$') {
				break // it opens a value
			}
			if c.closing.mark == 0 {
				c.closing = quotation{mark: text[q], levels: levelsOf(n)}
			}
			i = q + 1
			continue
		}
		if _, n := utf8.DecodeRune(text[i:]); n == utf8.UTFMax { // an emoji
			i += n
			continue
		}
		switch text[i] {
		case ']', ')', '*', '`', '~':
			next = i + 1
			c.marked = c.marked || text[i] != ']'
		case '<':
			next = max(tagEnd(text, i), commentEnd(text, i))
			c.marked = true
		case '(':
			next = remarkEnd(text, i, ')')
			if c.parens.end == 0 {
				c.parens = span{start: i, end: next}
			}
		case '[':
			if end := remarkEnd(text, i, ']'); i > at && isBlank(text[i-1]) || end > i && isHigh(text[i+1:end-1]) {
				next = end
			}
		case '/':
			next = commentEnd(text, i)
		}
		if next == i {
			break
		}
		i = next
	}
	c.end = i
	return c
}

// opensValue reports whether the quote text[q] after a Chinese key opens a value: no separator follows the quote
// that closes it.
func opensValue(text []byte, q int) bool {
	end := bytes.IndexByte(text[q+1:min(len(text), q+1+maxCell)], text[q])
	if end <= 0 {
		return false
	}
	sep, _ := separatorAt(text, skipBlanks(text, q+1+end+1), q)
	return sep == noSeparator
}

// separatorAt reads the separator at text[at], of a key that begins at text[start],
// and returns where it ends.
func separatorAt(text []byte, at, start int) (separator, int) {
	rest := text[at:]
	switch {
	case bytes.HasPrefix(rest, []byte("://")), bytes.HasPrefix(rest, []byte("::")):
		return noSeparator, at
	case bytes.HasPrefix(rest, []byte("->")), bytes.HasPrefix(rest, []byte("=>")):
		return colon, at + 2
	case bytes.HasPrefix(rest, []byte("-->")):
		return colon, at + 3
	case len(rest) == 0 || rest[0] != ':' && rest[0] != '=':
		return noSeparator, at
	case rest[0] == ':' && start > 0 && text[start-1] == '/' && len(rest) > 1 && rest[1] != ' ':
		// /password:x, an option on Windows
	}
	found, i := colon, at
	for i < len(text) && bytes.IndexByte([]byte("=:> \t+"), text[i]) >= 0 {
		switch text[i] {
		case '=':
			found = assign
		case '>':
			if text[i-1] != '=' { // of YAML's block
				return found, i
			}
		}
		i++
	}
	return found, i
}

// openers is what was read before a value.
type openers struct {
	end   int
	lines int  // line ends
	mark  byte // the mark that opened the value last, and closes it
}

// openersAt reads what opens a value at text[at], after that separator. prose says
// that its key may be a word of prose.
func openersAt(text []byte, at int, sep separator) (o openers) {
	i := at
	for range maxMarks {
		i = skipBlanks(text, i)
		next := i
		if n := lineEndAt(text, i); n > 0 && o.lines < maxBlankLines {
			o.lines++
			i = skipBullet(text, i+n)
			continue
		}
		if i == len(text) {
			break
		}
		if _, n := utf8.DecodeRune(text[i:]); n == utf8.UTFMax && sep != assign { // an emoji
			i += n
			continue
		}
		switch c := text[i]; c {
		case '*', '`', '~':
			if n := runOf(text, i); n <= 3 {
				next = i + n
				o.mark = c
			}
		case '_':
			if n := runOf(text, i); sep == colon && n == 2 {
				next = i + n
				o.mark = c
			}
		case '<':
			if sep != assign {
				next = max(tagEnd(text, i), commentEnd(text, i))
			}
		case '/':
			next = commentEnd(text, i)
		case '(':
			if end := remarkEnd(text, i, ')'); sep == colon && end < len(text) && end > i && (isHigh(text[i+1:end-1]) || isBlank(text[end]) && isWordy(text[i+1:end-1])) {
				next = end
			}
		}
		if next == i {
			break
		}
		i = next
	}
	o.end = i
	return o
}

// skipBullet skips blanks and the mark of a list or quotation at the beginning of
// a line.
func skipBullet(text []byte, at int) int {
	i := skipBlanks(text, at)
	if i+1 < len(text) && (text[i] == '-' || text[i] == '*' || text[i] == '>') && text[i+1] == ' ' {
		return i + 2
	}
	return i
}

// lineEndAt returns the length of the line end at text[at], written out or
// escaped, or 0.
func lineEndAt(text []byte, at int) int {
	switch {
	case at >= len(text):
	case text[at] == '\n':
		return 1
	case text[at] == '\r':
		if at+1 < len(text) && text[at+1] == '\n' {
			return 2
		}
		return 1
	case text[at] == '\\' && at+1 < len(text) && (text[at+1] == 'n' || text[at+1] == 'r'):
		return 2
	}
	return 0
}

func skipBlanks(text []byte, i int) int {
	for i < len(text) && isBlank(text[i]) {
		i++
	}
	return i
}

// isBlank reports whether c is space within a line. '+' is a space in forms, and NUL is between the letters of
// text in UTF-16.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '+' || c == 0 }

// runOf returns how often the byte text[at] is repeated there.
func runOf(text []byte, at int) int {
	n := 1
	for at+n < len(text) && text[at+n] == text[at] {
		n++
	}
	return n
}

// tagEnd returns the end of the HTML tag that begins at text[at], or at.
func tagEnd(text []byte, at int) int {
	if at+1 >= len(text) || !isLetter(text[at+1]) && text[at+1] != '/' {
		return at
	}
	end := bytes.IndexAny(text[at+1:min(len(text), at+maxRemark)], "<>\n")
	if end < 0 || text[at+1+end] != '>' || !isTagName(text[at+1:at+1+end]) {
		return at
	}
	return at + end + 2
}

// isTagName reports whether the inside of a tag starts with the name of a known markup tag, so that <hunter2> is
// not a tag.
func isTagName(inside []byte) bool {
	inside = bytes.TrimPrefix(inside, []byte("/"))
	end := bytes.IndexAny(inside, " \t/")
	if end < 0 {
		end = len(inside)
	}
	switch string(bytes.ToLower(inside[:end])) {
	case "a", "at", "b", "br", "code", "dd", "dt", "div", "em", "font", "h1", "h2", "h3", "h4", "i", "label", "li", "mark", "p", "pre",
		"person", "s", "small", "span", "strong", "sub", "sup", "td", "th", "text_tag", "tr", "tt", "u", "number_tag", "link":
		return true
	}
	return false
}

// remarkEnd returns the end of the remark that begins with the bracket text[at],
// if it is short, or at.
func remarkEnd(text []byte, at int, closing byte) int {
	for i := at + 1; i < len(text) && i < at+maxRemark; i++ {
		switch text[i] {
		case closing:
			return i + 1
		case '\n', '\r', text[at]:
			return at
		}
	}
	return at
}

// commentEnd returns the end of the comment that begins at text[at], or at. A comment up to the end of its line
// counts only if the next line begins with a quote: otherwise it may be a value or a path.
func commentEnd(text []byte, at int) int {
	rest := text[at:min(len(text), at+maxRemark)]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		if n := bytes.Index(rest, []byte("-->")); n > 0 {
			return at + n + 3
		}
	case bytes.HasPrefix(rest, []byte("/*")):
		if n := bytes.Index(rest, []byte("*/")); n > 0 {
			return at + n + 2
		}
	case bytes.HasPrefix(rest, []byte("//")):
		n := bytes.IndexByte(rest, '\n')
		if n < 0 {
			if n = bytes.Index(rest, []byte(`\n`)); n < 0 {
				return at
			}
			n++
		}
		if next := skipBlanks(text, at+n+1); next < len(text) && (isQuoteMark(text[next]) || text[next] == '\\') {
			return next
		}
	}
	return at
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
// is in. Further backslashes before its own are escaped ones.
func levelsOf(backslashes int) int { return bits.TrailingZeros(^uint(backslashes)) }

func isQuoteMark(c byte) bool { return c == '"' || c == '\'' }
