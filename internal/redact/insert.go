// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks values whose key is in an earlier list or heading: the columns of SQL's INSERT, the default of
// a variable of Terraform.

// inserted masks the values in the rows of an INSERT in the column that a key names:
//
//	INSERT INTO users (name, password) VALUES ('bob', 'x'), ('eve', 'y')
//
// It returns the end of the key, or 0. Only literals are masked.
func (w *walker) inserted(text []byte, k *key) int {
	next := byteAt(text, skipMarks(text, k.end))
	if k.kind == weak || next != ',' && next != ')' {
		return 0
	}
	closing := bytes.IndexByte(text[k.end:min(len(text), k.end+maxHeader)], ')')
	at := skipSpace(text, k.end+closing+1)
	if closing < 0 || len(text)-at < len("values") || !equalFold(text[at:at+len("values")], "values") {
		return 0
	}
	first := max(0, k.start-maxHeader)
	open := first + bytes.LastIndexByte(text[first:k.start], '(')
	if open < first {
		return 0
	}
	var names, cells [maxColumns]span
	end, count := tupleAt(text, open, &names)
	column := -1
	for i, name := range names[:count] {
		if name.start <= k.start && k.end <= name.end {
			column = i
		}
	}
	if column < 0 || end != k.end+closing+1 {
		return 0
	}
	found := 0
	for at = skipSpace(text, at+len("values")); byteAt(text, at) == '('; at = skipSpace(text, at) {
		row, n := tupleAt(text, at, &cells)
		if n != count {
			break
		}
		cell, before := cells[column], len(w.spans)
		q := cell.start + backslashesAt(text, cell.start)
		if quotes := q - cell.start; q < cell.end && isQuoteMark(text[q]) {
			stop := quotedEnd(text[:cell.end], q+1, quotation{mark: text[q], levels: levelsOf(quotes)})
			if literal := text[q+1 : stop]; !isNothing(literal, k.kind) && !isPlaceholder(literal) {
				w.mask(text, q+1, stop, "")
			}
		} else {
			w.expression(text, k, cell.start) // md5('x')
		}
		if len(w.spans) > before {
			found = k.end
		}
		if at = skipSpace(text, row); byteAt(text, at) == ',' {
			at++
		}
	}
	return found
}

// skipMarks skips the quote of a column's name, and blanks.
func skipMarks(text []byte, at int) int {
	for at < len(text) && (isCellMark(text[at]) || text[at] == '\\' || text[at] == ']') {
		at++
	}
	return at
}

// skipSpace skips blanks and line ends.
func skipSpace(text []byte, at int) int {
	for at < len(text) && (isBlank(text[at]) || lineEndAt(text, at) > 0) {
		at += max(1, lineEndAt(text, at))
	}
	return at
}

// tupleAt finds the cells of the list whose bracket is text[at]. It returns the list's end and the number of
// cells; 0 cells if it does not end, or has too many.
func tupleAt(text []byte, at int, cells *[maxColumns]span) (end, count int) {
	start, depth := skipSpace(text, at+1), 0
	for i := at; i < len(text) && i < at+maxHeader; i++ {
		switch c := text[i]; c {
		case '(':
			depth++
		case '"', '\'':
			i = quotedEnd(text, i+1, quotation{mark: c, levels: levelsOf(backslashesBefore(text, at, i))})
			i += backslashesAt(text, i)
		case ',', ')':
			if c == ')' {
				depth--
			}
			if depth > 1 || c == ')' && depth > 0 {
				continue
			}
			if count == maxColumns {
				return at, 0
			}
			cells[count] = span{start: start, end: i}
			count++
			if c == ')' {
				return i + 1, count
			}
			start = skipSpace(text, i+1)
		}
	}
	return at, 0
}

// defaulted masks the default of a Terraform variable that a key names:
//
//	variable "db_password" {
//	  default = "x"
//	}
func (w *walker) defaulted(text []byte, k *key, c closers) int {
	if byteAt(text, c.end) != '{' || !bytes.HasSuffix(bytes.TrimRight(text[max(0, k.start-maxRemark):k.start], ` "\`), []byte("variable")) {
		return 0
	}
	block := text[c.end:min(len(text), c.end+maxTag)]
	if i := bytes.Index(block, []byte("\n}")); i >= 0 {
		block = block[:i]
	}
	for i := 0; ; i++ {
		n := bytes.Index(block[i:], []byte("default"))
		if n < 0 {
			return 0
		}
		i += n
		value := *k
		value.start, value.end = c.end+i, c.end+i+len("default")
		value.closing = quotation{}
		if sep, v := separatorAt(text, skipBlanks(text, value.end), value.start); sep == assign {
			return w.value(text, &value, sep, v)
		}
	}
}
