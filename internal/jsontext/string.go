// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package jsontext

import "math/bits"

// Strings are most of a page, so they are read eight bytes at a time, as the lanes of a word. Bytes are
// distinguished by marks, the highest bit of a lane. The JSON in payloads has a backslash every few bytes; the
// processor would mispredict a branch for each of them, so escaped bytes are also found by marks, and there are
// branches only for rare cases.

const (
	lanes = 0x0101010101010101
	highs = 0x80 * lanes
)

// word is text[i:i+8], its first byte the lowest.
func word(text string, i int) uint64 {
	t := text[i : i+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// special marks a quote, a backslash and a control character. The lowest mark is
// exact; the borrow of a subtraction may set wrong ones above it.
func special(w uint64) uint64 {
	quote, backslash := w^'"'*lanes, w^'\\'*lanes
	return ((w-' '*lanes)&^w | (quote-lanes)&^quote | (backslash-lanes)&^backslash) & highs
}

// zeros marks the bytes that are zero, and no other. Adding 0x7f to the lower seven
// bits of a byte reaches its highest bit unless they are zero, and never the next
// byte.
func zeros(w uint64) uint64 {
	const low = 0x7f * lanes
	return ^(w&low + low | w) & highs
}

// firstLane is the mark of the first byte.
const firstLane = 0x80

// escapedBytes marks the bytes that are escaped, given the marks of backslashes and whether the first byte is
// escaped by the byte before the word (firstLane or 0).
func escapedBytes(backslashes, before uint64) uint64 {
	escaped := backslashes<<8 | before
	if escaped&backslashes == 0 {
		return escaped
	}
	// Of several backslashes in a row every other one is escaped. The multiplication
	// moves the mark of byte j to bit 56+j: no two of its products meet there, and
	// none carries into it.
	index := backslashes >> 7 * 0x0102040810204080 >> 56
	return escapedRuns[(before<<1|index)&0x1ff]
}

// escapedRuns is escapedBytes for eight bits, one for each backslash, and a ninth for the first byte.
var escapedRuns = func() (table [512]uint64) {
	for index := range table {
		escaped := uint64(index) >> 8 * firstLane
		for lane := range 8 {
			if mark := uint64(firstLane) << (8 * lane); index>>lane&1 != 0 && escaped&mark == 0 {
				escaped |= mark << 8
			}
		}
		table[index] = escaped
	}
	return table
}()

// string reads a string and returns it with its quotes. It notes whether there were escapes or bytes beyond
// ASCII.
func (s *Scanner) string() string {
	text, start := s.text, s.pos
	if start >= len(text) || text[start] != '"' {
		s.fail(start, "a string was expected")
		return ""
	}
	i := start + 1
	s.escaped = false
	var high uint64
	for ; i+8 <= len(text); i += 8 {
		w := word(text, i)
		if marks := special(w); marks != 0 {
			mark := marks & -marks
			if zeros(w^'"'*lanes)&mark == 0 {
				break
			}
			s.high |= high | w&(mark-1)
			s.pos = i + bits.TrailingZeros64(mark)/8 + 1
			return text[start:s.pos]
		}
		high |= w
	}
	return s.stringFrom(start, i, high)
}

// stringFrom reads the rest of a string, from i on, in which there may be escapes.
func (s *Scanner) stringFrom(start, i int, high uint64) string {
	text := s.text
	var escape, before uint64
	for ; i+8 <= len(text); i += 8 {
		w := word(text, i)
		if high |= w; ^w&highs|before == 0 {
			continue // no ASCII, as in Chinese text
		}
		quotes, backslashes := zeros(w^'"'*lanes), zeros(w^'\\'*lanes)
		escaped := escapedBytes(backslashes, before)
		before = backslashes &^ escaped >> 56
		closing := quotes &^ escaped
		odd := escaped &^ (quotes | backslashes) // escapes of other bytes than these
		control := (w - ' '*lanes) &^ w & highs  // the lowest mark is exact, as in special
		if closing|odd|control == 0 {
			escape |= backslashes
			continue
		}
		inside := closing&-closing - 1 // the bytes before the closing quote
		if !s.rare(i, odd&inside, control&inside) {
			return ""
		}
		escape |= backslashes & inside
		if closing != 0 {
			end := i + bits.TrailingZeros64(closing)/8
			s.escaped = escape != 0
			s.high |= high
			s.pos = end + 1
			return text[start:s.pos]
		}
	}
	s.escaped = escape != 0
	return s.endOfString(start, i, before != 0, high)
}

// rare handles escapes, each by the mark of its second byte, and control characters in text[i:i+8]. It fails at
// the first byte that is wrong.
func (s *Scanner) rare(i int, odd, control uint64) bool {
	for ; odd != 0; odd &= odd - 1 {
		second := bits.TrailingZeros64(odd)
		if control&(1<<second>>1-1) != 0 {
			break
		}
		if at := i + second/8 - 1; escapeLength(s.text[at:]) == 0 {
			s.fail(at, "a wrong escape")
			return false
		}
	}
	if control != 0 {
		s.fail(i+bits.TrailingZeros64(control)/8, "a control character in a string")
		return false
	}
	return true
}

// endOfString reads the rest of a string byte by byte: less than eight are left.
func (s *Scanner) endOfString(start, i int, escaped bool, high uint64) string {
	text := s.text
	if escaped {
		i-- // back to the backslash
	}
	for i < len(text) {
		switch c := text[i]; {
		case c == '"':
			s.high |= high
			s.pos = i + 1
			return text[start:s.pos]
		case c == '\\':
			s.escaped = true
			n := escapeLength(text[i:])
			if n == 0 {
				s.fail(i, "a wrong escape")
				return ""
			}
			i += n
		case c < ' ':
			s.fail(i, "a control character in a string")
			return ""
		default:
			high |= uint64(c)
			i++
		}
	}
	s.fail(i, "")
	return ""
}
