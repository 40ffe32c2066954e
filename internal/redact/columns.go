// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks the columns of tables in text whose first line has their names:
// comma-separated values, and tables of Markdown.

const (
	// maxHeader is how long the line of names may be.
	maxHeader = 1 << 10
	// maxCellWords is how many words a name may have.
	maxCellWords = 3
)

// columns masks the cells below a key, if the key is a cell of a line of names and the next line has as many
// cells. It returns the end of the key, or 0. A line below is not treated as a line of names.
func (w *walker) columns(text []byte, k *key) int {
	if k.kind == weak || w.rows.start <= k.start && k.start < w.rows.end {
		return 0
	}
	first := lineStart(text, k.start)
	stop := endOfLine(text[:min(len(text), first+maxHeader)], k.end)
	n := lineEndAt(text, stop)
	if n == 0 {
		return 0
	}
	mark := delimiter(text, k)
	if mark == 0 {
		return 0
	}
	var names, cells [maxColumns]span
	count := splitCells(text, first, stop, mark, &names)
	column := -1
	for i, name := range names[:count] {
		word := text[name.start:name.end]
		if len(word) > maxCell || bytes.ContainsAny(word, ":=") || bytes.Count(word, []byte(" ")) >= maxCellWords {
			return 0
		}
		if name.end == k.end && name.start <= k.start {
			column = i
		}
	}
	if column < 0 || count < 2 {
		return 0
	}
	end := 0
	for at := stop + n; at < len(text); {
		line := endOfLine(text, at)
		switch {
		case mark == '|' && len(bytes.Trim(text[at:line], "-|: ")) == 0: // below the names
		case splitCells(text, at, line, mark, &cells) != count:
			line = len(text)
		default:
			end = line
			w.cellOf(text, k, cells[column])
		}
		at = line + max(1, lineEndAt(text, line))
	}
	if end == 0 {
		return 0
	}
	w.rows = span{start: stop + n, end: end}
	return k.end
}

// cellOf masks a cell in a column of credentials, unless it is prose or empty.
func (w *walker) cellOf(text []byte, k *key, cell span) {
	value := text[cell.start:cell.end]
	if w.isCell(value, k.kind) && (k.password && bytes.IndexByte(value, ' ') < 0 || isStrong(value, minMixed) && !isID(value)) {
		w.mask(text, cell.start, cell.end, "")
	}
}

// isCell reports whether a cell in a column of credentials may be one: it is neither empty, prose nor a name.
func (w *walker) isCell(value []byte, k kind) bool {
	if len(value) == 0 || isNothing(value, k) || isPlaceholder(value) || isProse(value) || isProseWord(value) || isHigh(value) {
		return false
	}
	w.key = appendNormal(w.key[:0], value)
	return w.keys.kind(value, w.key) == plain
}

// isPasswordCell reports whether a cell in a column of passwords is one.
func (w *walker) isPasswordCell(value []byte) bool {
	return len(value) <= maxWord && bytes.IndexByte(value, ' ') < 0 && w.isCell(value, secret) && (len(value) >= minCode || !isCount(value))
}

// delimiter is the byte that delimits the cells of the key's line: the one next to the key.
func delimiter(text []byte, k *key) byte {
	for i := k.end; i < len(text); i++ {
		if bytes.IndexByte([]byte(",;\t|"), text[i]) >= 0 {
			return text[i]
		}
		if !isCellMark(text[i]) {
			break
		}
	}
	i := k.start
	for i > 0 && (isWordByte(text[i-1]) || isCellMark(text[i-1])) {
		i--
	}
	if i > 0 && bytes.IndexByte([]byte(",;\t|"), text[i-1]) >= 0 {
		return text[i-1]
	}
	return 0
}

// isCellMark reports whether c may surround the content of a cell.
func isCellMark(c byte) bool { return c == ' ' || c == '"' || c == '\'' || c == '`' || c == '*' }

// splitCells finds the cells of the line text[at:stop], without what stands around
// them, and returns how many there are; none if there are too many.
func splitCells(text []byte, at, stop int, mark byte, cells *[maxColumns]span) int {
	if mark == '|' {
		for at < stop && (text[at] == ' ' || text[at] == '|') {
			at++
		}
		for stop > at && (text[stop-1] == ' ' || text[stop-1] == '|') {
			stop--
		}
	}
	n := 0
	for {
		end := at
		if end < stop && text[end] == '"' {
			for end++; end < stop && text[end] != '"'; end++ {
			}
		}
		if i := bytes.IndexByte(text[end:stop], mark); i >= 0 {
			end += i
		} else {
			end = stop
		}
		if n == maxColumns {
			return 0
		}
		cell := span{start: at, end: end}
		for cell.start < cell.end && isCellMark(text[cell.start]) {
			cell.start++
		}
		for cell.end > cell.start && isCellMark(text[cell.end-1]) {
			cell.end--
		}
		cells[n] = cell
		if n++; end == stop {
			return n
		}
		at = end + 1
	}
}
