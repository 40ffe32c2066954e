// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"strings"

	"golang.org/x/text/width"
)

// labelWidth is the width of the labels beside the text.
const labelWidth = 24

// columns are the widths of a report: text is broken between words, and a configuration is not broken.
const (
	DefaultColumns = 80
	leastColumns   = 60
	mostColumns    = 120
)

// page is text of a width, in a language.
type page struct {
	strings.Builder
	columns  int
	language Language
}

// text writes a paragraph over the whole width.
func (b *page) text(m Message) { b.column("", 0, m.In(b.language)) }

// paragraph writes text in a column of its own, beside a label.
func (b *page) paragraph(label string, m Message) { b.column(label, labelWidth+2, m.In(b.language)) }

// raw writes a message as it is, without breaking lines.
func (b *page) raw(m Message) { b.WriteString(m.In(b.language)) }

// column writes text that starts in a column, beside a label.
func (b *page) column(label string, start int, text string) {
	indent := strings.Repeat(" ", start)
	line := padded(label, start)
	if label != "" && strings.TrimRight(line, " ") == line {
		line += " "
	}
	used, empty := columnsOf(line), true
	for _, p := range pieces(text) {
		n := columnsOf(p.text)
		switch {
		case empty:
		case used+p.space+n > b.columns:
			b.WriteString(line + "\n")
			line, used = indent, start
		default:
			line += strings.Repeat(" ", p.space)
			used += p.space
		}
		line, used, empty = line+p.text, used+n, false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// piece is a part of a text without a possible line break, with the space before it.
type piece struct {
	text  string
	space int
}

// Punctuation that must not end a line, and punctuation that must not begin one.
const (
	opening = "（《「『【“‘"
	closing = "）》」』】”’，。、；：？！…"
)

// pieces splits a text where lines may be broken: at spaces, and next to each wide character, because Chinese is
// written without spaces. A word of narrow characters is never broken, so that links stay complete.
func pieces(text string) []piece {
	var out []piece
	for word := range strings.FieldsSeq(text) {
		space := 1
		var open strings.Builder // opening punctuation, which is joined to the next piece
		glue := false            // the last piece continues
		for _, r := range word {
			s := string(r)
			switch {
			case strings.Contains(opening, s):
				open.WriteString(s)
				glue = false
			case strings.Contains(closing, s) && space == 0 && open.Len() == 0:
				out[len(out)-1].text += s
				glue = false
			case !isWide(r) && glue:
				out[len(out)-1].text += s
			default:
				out = append(out, piece{open.String() + s, space})
				open.Reset()
				space, glue = 0, !isWide(r)
			}
		}
		if open.Len() > 0 {
			out = append(out, piece{open.String(), space})
		}
	}
	return out
}

// isWide reports whether a character takes two columns. Characters whose width Unicode leaves to the font (“”,
// …) count as wide, so that no line is too long on any terminal.
func isWide(r rune) bool {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth, width.EastAsianAmbiguous:
		return true
	}
	return false
}

// columnsOf is how many columns a text takes in a terminal.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n++
		if isWide(r) {
			n++
		}
	}
	return n
}

// padded is a text with spaces up to so many columns.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-columnsOf(text)))
}
