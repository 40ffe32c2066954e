// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Wrap breaks each line of a text between words, so that it has at most this many columns. A word is never
// broken, so that links stay complete. The indentation of a line is kept.
func Wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		line = strings.TrimSuffix(line, "\n")
		rest := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(rest)]
		used := 0
		for space := 0; rest != ""; {
			word := rest
			if end := strings.IndexByte(rest, ' '); end >= 0 {
				word = rest[:end]
			}
			n := utf8.RuneCountInString(word)
			switch {
			case used == 0:
				b.WriteString(indent)
				used = len(indent)
			case used+space+n > width:
				b.WriteString("\n" + indent)
				used = len(indent)
			default:
				b.WriteString(strings.Repeat(" ", space)) // as it is: it may be of a path
				used += space
			}
			b.WriteString(word)
			used += n
			after := strings.TrimLeft(rest[len(word):], " ")
			space, rest = len(rest)-len(word)-len(after), after
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Print writes lines, broken to the terminal's width if w is one.
func Print(w io.Writer, text string) {
	if IsTerminal(w) {
		text = Wrap(text, Width(w))
	} else {
		text += "\n"
	}
	fmt.Fprint(w, text)
}
