// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package jsontext takes JSON text apart without copying it: what it returns are
// parts of the text that it was given. It accepts exactly what encoding/json
// accepts, except that nesting costs no stack.
package jsontext

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner reads values from Text, beginning at Pos.
type Scanner struct {
	Text string
	Pos  int

	stack []byte // open brackets of the value that is being skipped
}

// SyntaxError says where a text stops being JSON. It never quotes the text, which
// may hold secrets.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: %s", e.Offset, e.Reason)
}

func (s *Scanner) fail(reason string) error {
	if s.Pos >= len(s.Text) {
		reason = "the text ends early"
	}
	return &SyntaxError{Offset: s.Pos, Reason: reason}
}

// Peek skips white space and returns the byte that follows, 0 at the end.
func (s *Scanner) Peek() byte {
	for s.Pos < len(s.Text) {
		switch c := s.Text[s.Pos]; c {
		case ' ', '\t', '\r', '\n':
			s.Pos++
		default:
			return c
		}
	}
	return 0
}

// End fails unless only white space follows.
func (s *Scanner) End() error {
	if s.Peek(); s.Pos < len(s.Text) {
		return s.fail("something follows the value")
	}
	return nil
}

// Value reads one value of any kind and returns its text.
func (s *Scanner) Value() (string, error) {
	s.Peek()
	start := s.Pos
	if err := s.skip(); err != nil {
		return "", err
	}
	return s.Text[start:s.Pos], nil
}

// Members reads an object and calls member for each of its members, with the
// scanner in front of the member's value, which member must read.
func (s *Scanner) Members(member func(key string) error) error {
	if s.Peek() != '{' {
		return s.fail("an object was expected")
	}
	s.Pos++
	if s.Peek() == '}' {
		s.Pos++
		return nil
	}
	for {
		s.Peek()
		start := s.Pos
		if err := s.string(); err != nil {
			return err
		}
		key := s.Text[start:s.Pos]
		if s.Peek() != ':' {
			return s.fail("a colon was expected")
		}
		s.Pos++
		if strings.IndexByte(key, '\\') < 0 {
			key = key[1 : len(key)-1]
		} else {
			key = string(AppendUnquoted(nil, key))
		}
		if err := member(key); err != nil {
			return err
		}
		switch s.Peek() {
		case ',':
			s.Pos++
		case '}':
			s.Pos++
			return nil
		default:
			return s.fail("a comma or the end of the object was expected")
		}
	}
}

// Elements reads an array and calls element for each of its elements, with the
// scanner in front of the element, which element must read.
func (s *Scanner) Elements(element func() error) error {
	if s.Peek() != '[' {
		return s.fail("an array was expected")
	}
	s.Pos++
	if s.Peek() == ']' {
		s.Pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.Peek() {
		case ',':
			s.Pos++
		case ']':
			s.Pos++
			return nil
		default:
			return s.fail("a comma or the end of the array was expected")
		}
	}
}

// skip reads one value. Nested ones are kept on a stack of bytes, so that depth
// is bounded by the text's length and nothing else.
func (s *Scanner) skip() error {
	s.stack = s.stack[:0]
	for {
		// In front of a value.
		switch c := s.Peek(); c {
		case '{':
			s.Pos++
			if s.Peek() == '}' {
				s.Pos++
				break
			}
			s.stack = append(s.stack, '}')
			if err := s.key(); err != nil {
				return err
			}
			continue
		case '[':
			s.Pos++
			if s.Peek() == ']' {
				s.Pos++
				break
			}
			s.stack = append(s.stack, ']')
			continue
		default:
			if err := s.scalar(c); err != nil {
				return err
			}
		}
		// Behind a value.
		for {
			if len(s.stack) == 0 {
				return nil
			}
			closing := s.stack[len(s.stack)-1]
			c := s.Peek()
			if c == closing {
				s.Pos++
				s.stack = s.stack[:len(s.stack)-1]
				continue
			}
			if c != ',' {
				return s.fail("a comma or the end of the list was expected")
			}
			s.Pos++
			if closing == '}' {
				if err := s.key(); err != nil {
					return err
				}
			}
			break
		}
	}
}

func (s *Scanner) key() error {
	s.Peek()
	if err := s.string(); err != nil {
		return err
	}
	if s.Peek() != ':' {
		return s.fail("a colon was expected")
	}
	s.Pos++
	return nil
}

func (s *Scanner) scalar(c byte) error {
	switch c {
	case '"':
		return s.string()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *Scanner) literal(word string) error {
	if !strings.HasPrefix(s.Text[s.Pos:], word) {
		return s.fail("a value was expected")
	}
	s.Pos += len(word)
	return nil
}

func (s *Scanner) string() error {
	if s.Pos >= len(s.Text) || s.Text[s.Pos] != '"' {
		return s.fail("a string was expected")
	}
	s.Pos++
	text, i := s.Text, s.Pos
	for i < len(text) {
		switch c := text[i]; {
		case c == '"':
			s.Pos = i + 1
			return nil
		case c == '\\':
			n := escapeLength(text[i:])
			if n == 0 {
				s.Pos = i
				return s.fail("a wrong escape")
			}
			i += n
		case c < ' ':
			s.Pos = i
			return s.fail("a control character in a string")
		default:
			i++
		}
	}
	s.Pos = i
	return s.fail("")
}

// escapeLength is the length of the escape that text begins with, 0 if it is none.
func escapeLength(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(text); ok {
			return 6
		}
	}
	return 0
}

// hex4 reads the escape \uXXXX that text begins with.
func hex4(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(text[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *Scanner) number() error {
	if s.Pos < len(s.Text) && s.Text[s.Pos] == '-' {
		s.Pos++
	}
	switch {
	case s.Pos < len(s.Text) && s.Text[s.Pos] == '0':
		s.Pos++
	case s.digits() == 0:
		return s.fail("a value was expected")
	}
	if s.Pos < len(s.Text) && s.Text[s.Pos] == '.' {
		s.Pos++
		if s.digits() == 0 {
			return s.fail("a digit was expected")
		}
	}
	if s.Pos < len(s.Text) && (s.Text[s.Pos] == 'e' || s.Text[s.Pos] == 'E') {
		s.Pos++
		if s.Pos < len(s.Text) && (s.Text[s.Pos] == '+' || s.Text[s.Pos] == '-') {
			s.Pos++
		}
		if s.digits() == 0 {
			return s.fail("a digit was expected")
		}
	}
	return nil
}

func (s *Scanner) digits() int {
	start := s.Pos
	for s.Pos < len(s.Text) && s.Text[s.Pos] >= '0' && s.Text[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Pos - start
}

// Unquote returns the content of a JSON string: a part of it where it has no
// escapes, a copy otherwise.
func Unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return string(AppendUnquoted(nil, quoted))
}

// AppendUnquoted appends the content of a JSON string. Half a surrogate pair
// becomes U+FFFD, as encoding/json has it.
func AppendUnquoted(dst []byte, quoted string) []byte {
	text := quoted[1 : len(quoted)-1]
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		n := 2
		switch c := text[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(text)
			n = 6
			if utf16.IsSurrogate(r) {
				low, _ := hex4(text[6:])
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					n = 12
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
		text = text[n:]
	}
}
