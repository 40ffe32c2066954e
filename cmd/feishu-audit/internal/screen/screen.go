// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package screen shows records to a person: one line each, at most as wide as the terminal, without control
// characters.
package screen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Colours of a terminal (ECMA-48, SGR).
const (
	Red    = 31
	Green  = 32
	Yellow = 33
	Cyan   = 36
)

// Note is a remark at the end of a line.
type Note struct {
	Text   string
	Colour int
}

// Layout is how wide the columns are.
type Layout struct {
	Colour bool
	Dates  bool // the date, too, with each time

	width, when, app, address int
}

const (
	markWidth = 4
	gap       = 1
	// leastCall is the least width of a call if all notes are shown.
	leastCall = 14
)

// NewLayout makes columns for a terminal of that width. A terminal narrower than 60 is treated as 60: its lines
// are too long, but readable.
func NewLayout(width int, colour, dates bool) *Layout {
	l := &Layout{Colour: colour, Dates: dates, width: max(60, width), when: len("15:04:05"), app: 12, address: 15}
	if dates {
		l.when = len("01-02 15:04:05")
	}
	if width >= 120 {
		l.app, l.address = len("cli_0123456789abcdef"), 28
		if dates {
			l.when = len("2006-01-02 15:04:05")
		}
	}
	return l
}

// TimeFormat is the time format of the first column.
func (l *Layout) TimeFormat() string {
	const full = "2006-01-02 15:04:05"
	return full[len(full)-l.when:]
}

// Title names the columns.
func (l *Layout) Title() string {
	return strings.TrimRight(l.columns("TIME", "", "APP", "ADDRESS")+"CALL", " ")
}

func (l *Layout) columns(when, mark, app, address string) string {
	return pad(when, l.when) + pad(mark, markWidth) + pad(app, l.app) + pad(address, l.address)
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-Columns(text))+gap)
}

// Line shows a record: when, whether the call succeeded, which app, from where, which call, and notes, with the
// API's message for a failed call first.
func (l *Layout) Line(when string, record plog.LogRecord, notes ...Note) string {
	mark, colour := "ok", Green
	if failed := Attribute(record, "error.type"); failed != "" {
		mark, colour = "FAIL", Red
		notes = append([]Note{{strings.TrimSpace(failed + " " + Attribute(record, "feishu.response.msg")), Red}}, notes...)
	}
	path := Attribute(record, "url.template")
	if path == "" {
		path = Attribute(record, "url.path")
	}
	call := Clean(strings.TrimSpace(Attribute(record, "http.request.method") + " " + strings.TrimPrefix(path, "/open-apis/")))
	left := l.columns(when, mark, Tail(Clean(Attribute(record, "feishu.app.id")), l.app), Head(Clean(Attribute(record, "client.address")), l.address))
	at := l.when + gap
	left = left[:at] + l.paint(mark, colour) + left[at+len(mark):]
	room := l.width - (l.when + markWidth + l.app + l.address + 4*gap)
	return left + l.fill(call, notes, room, mark == "FAIL")
}

// fill puts a call and its notes into this many columns. If there is not enough room for everything, the call
// keeps half of it, and the first notes are shortened before the others.
func (l *Layout) fill(call string, notes []Note, room int, failed bool) string {
	const between = 2
	need := 0
	for i := range notes {
		notes[i].Text = Clean(notes[i].Text)
		need += between + Columns(notes[i].Text)
	}
	keeps := room - need
	if keeps < leastCall {
		keeps = room / 2
	}
	call = Method(call, keeps)
	room -= Columns(call)
	var b strings.Builder
	if failed {
		call = l.paint(call, Red)
	}
	b.WriteString(call)
	for i, note := range notes {
		after := 0 // what the shorter notes after this one need
		for _, next := range notes[i+1:] {
			after += between + Columns(next.Text)
		}
		text := Head(note.Text, max(min(8, room-between), room-between-after))
		if text == "" {
			break
		}
		room -= between + Columns(text)
		b.WriteString("  " + l.paint(text, note.Colour))
	}
	return b.String()
}

func (l *Layout) paint(text string, colour int) string { return Paint(text, colour, l.Colour) }

// Paint colours a text if wanted.
func Paint(text string, colour int, wanted bool) string {
	if !wanted || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", colour, text)
}

// Method shortens the path of "METHOD path" from the left: its end shows what was called.
func Method(call string, width int) string {
	method, path, found := strings.Cut(call, " ")
	if !found || Columns(call) <= width || Columns(method)+4 > width {
		return Tail(call, width)
	}
	return method + " " + Tail(path, width-Columns(method)-1)
}

// Tail keeps the end of a text that is too wide.
func Tail(text string, width int) string {
	if Columns(text) <= width {
		return text
	}
	for Columns(text) >= width && text != "" {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	if width < 1 {
		return ""
	}
	return "…" + text
}

// Head keeps the start of a text that is too wide.
func Head(text string, width int) string {
	if Columns(text) <= width {
		return text
	}
	for Columns(text) >= width && text != "" {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	if width < 1 {
		return ""
	}
	return text + "…"
}

// Columns is how many columns of a terminal a text without colours takes.
func Columns(text string) int {
	n := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x3000 && r <= 0x303f, r >= 0xff00 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// Clean replaces control characters: an app's text cannot be trusted.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
}

// Attribute returns an attribute as text, empty if there is none.
func Attribute(record plog.LogRecord, name string) string {
	value, ok := record.Attributes().Get(name)
	if !ok {
		return ""
	}
	if value.Type() == pcommon.ValueTypeStr {
		return value.Str()
	}
	return value.AsString()
}
