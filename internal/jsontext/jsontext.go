// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package jsontext parses JSON text in one pass and without copying it: its results are parts of the given text.
// It is strict. It accepts what encoding/json accepts, and also any depth of nesting, where encoding/json stops
// at 10000 levels: a level costs one byte and no stack.
package jsontext

import (
	"fmt"
	"strings"
)

// Scanner reads a text from its start to its end. An object or array is either read as a whole with Value, or
// entered:
//
//	for ok := s.Open('{'); ok; ok = s.More('}') {
//		key := s.Key()
//		value := s.Value()
//	}
//
// Errors stick, as with bufio.Scanner: after the first one, every method returns
// zero, so a loop ends and Err is looked at behind it.
type Scanner struct {
	text  string
	pos   int
	err   error
	stack []byte // the closing brackets that Value waits for
	// escaped reports whether the last string had an escape.
	escaped bool
	// high has the highest bit of some byte set if a string since the last ASCII may
	// have had a byte beyond ASCII.
	high uint64
}

// NewScanner returns a Scanner at the beginning of text.
func NewScanner(text string) *Scanner { return &Scanner{text: text} }

// SyntaxError is where a text stops being JSON. It never quotes the text, which may contain secrets.
type SyntaxError struct {
	Offset int // in bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: %s", e.Offset, e.Reason)
}

// Err is the first error, a *SyntaxError or nil.
func (s *Scanner) Err() error { return s.err }

// Pos is the offset of the next text to read, or the text's length after an error.
func (s *Scanner) Pos() int { return s.pos }

// Since is the text from the offset start up to Pos.
func (s *Scanner) Since(start int) string {
	if s.err != nil {
		return ""
	}
	return s.text[start:s.pos]
}

// ASCII reports whether everything that was read since its last call was certainly ASCII.
func (s *Scanner) ASCII() bool {
	ascii := s.high&highs == 0
	s.high = 0
	return ascii
}

// fail notes the error and moves to the text's end, where nothing can be read.
func (s *Scanner) fail(at int, reason string) {
	if s.err != nil {
		return
	}
	if at >= len(s.text) {
		at, reason = len(s.text), "the text ends early"
	}
	s.err = &SyntaxError{Offset: at, Reason: reason}
	s.pos = len(s.text)
}

// Peek skips white space and returns the byte that follows, 0 at the end.
func (s *Scanner) Peek() byte {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		s.pos++
	}
	return 0
}

// Open enters an object ('{') or an array ('['). It reports whether there is a
// first member or element.
func (s *Scanner) Open(bracket byte) bool {
	if s.Peek() != bracket {
		s.fail(s.pos, "a value of another type was expected")
		return false
	}
	s.pos++
	if s.Peek() == bracket+2 { // '{' and '}', '[' and ']' differ by two in ASCII
		s.pos++
		return false
	}
	return s.err == nil
}

// More continues after a member or element. It reports whether there is another one, and leaves the object ('}')
// or array (']') if not.
func (s *Scanner) More(bracket byte) bool {
	switch s.Peek() {
	case ',':
		s.pos++
		return s.err == nil
	case bracket:
		s.pos++
	default:
		s.fail(s.pos, "a comma or a closing bracket was expected")
	}
	return false
}

// Key reads the name of a member, without quotes and escapes, and the colon.
func (s *Scanner) Key() string {
	s.Peek()
	quoted := s.string()
	s.colon()
	if s.err != nil {
		return ""
	}
	if !s.escaped {
		return quoted[1 : len(quoted)-1]
	}
	return Unquote(quoted)
}

// Match skips key if it is next, byte for byte: the name of a member as Key has read it before, from its quote
// to the colon.
func (s *Scanner) Match(key string) bool {
	if !strings.HasPrefix(s.text[s.pos:], key) {
		return false
	}
	s.pos += len(key)
	return true
}

// Value reads a value of any type and returns its text.
func (s *Scanner) Value() string {
	switch c := s.Peek(); c {
	case '"':
		return s.string()
	case '{', '[':
		start := s.pos
		s.skip()
		return s.Since(start)
	default:
		return s.scalar(c)
	}
}

// End fails unless nothing but white space follows.
func (s *Scanner) End() {
	if s.Peek(); s.pos < len(s.text) {
		s.fail(s.pos, "something follows the value")
	}
}

// skip reads an object or array.
func (s *Scanner) skip() {
	s.stack = s.stack[:0]
	for s.err == nil {
		// Before a value, or the end of an empty object or array.
		switch c := s.Peek(); c {
		case '{', '[':
			closing := c + 2
			s.pos++
			if s.Peek() != closing {
				s.stack = append(s.stack, closing)
				if c == '{' {
					s.skipKey()
				}
				continue
			}
			s.pos++
		case '"':
			s.string()
		default:
			s.scalar(c)
		}
		// After a value.
		for {
			if len(s.stack) == 0 {
				return
			}
			closing := s.stack[len(s.stack)-1]
			if s.More(closing) {
				if closing == '}' {
					s.skipKey()
				}
				break
			}
			s.stack = s.stack[:len(s.stack)-1]
		}
	}
}

func (s *Scanner) skipKey() {
	s.Peek()
	s.string()
	s.colon()
}

func (s *Scanner) colon() {
	if s.Peek() != ':' {
		s.fail(s.pos, "a colon was expected")
		return
	}
	s.pos++
}

// scalar reads a number or a literal, which begins with c.
func (s *Scanner) scalar(c byte) string {
	switch c {
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *Scanner) literal(word string) string {
	if !strings.HasPrefix(s.text[s.pos:], word) {
		s.fail(s.pos, "a value was expected")
		return ""
	}
	s.pos += len(word)
	return word
}

// number reads a number by RFC 8259, section 6.
func (s *Scanner) number() string {
	text, start := s.text, s.pos
	i := start
	if i < len(text) && text[i] == '-' {
		i++
	}
	digits := endOfDigits(text, i)
	switch {
	case digits == i:
		s.fail(i, "a value was expected")
		return ""
	case text[i] == '0':
		i++ // digits after a leading zero are not part of the number
	default:
		i = digits
	}
	if i < len(text) && text[i] == '.' {
		if digits = endOfDigits(text, i+1); digits == i+1 {
			s.fail(digits, "a digit was expected")
			return ""
		}
		i = digits
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if digits = endOfDigits(text, i); digits == i {
			s.fail(i, "a digit was expected")
			return ""
		}
		i = digits
	}
	s.pos = i
	return text[start:i]
}

func endOfDigits(text string, i int) int {
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return i
}
