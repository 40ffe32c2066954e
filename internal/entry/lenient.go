// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Members finds the member of an object that a name refers to. A name that differs in case (of ASCII letters)
// counts if the exact one is missing. If several members have one name, the last one counts, as in
// encoding/json.
type Members struct {
	exact, all uint32
	repeated   bool // some member occurred twice, in any case
}

// Next returns the number of the name, which is less than 32, or 0 if the member is not to be read.
func (m *Members) Next(name string, number func(string) int) int {
	n, exact := number(name), true
	if n == 0 {
		lower := lowerASCII(name)
		if lower == name {
			return 0
		}
		if n, exact = number(lower), false; n == 0 {
			return 0
		}
	}
	if exact {
		return m.exactly(n)
	}
	bit := uint32(1) << n
	m.repeated = m.repeated || m.all&bit != 0
	m.all |= bit
	if m.exact&bit != 0 {
		return 0
	}
	return n
}

// exactly is Next for a name that does not differ in case and has the number n.
func (m *Members) exactly(n int) int {
	bit := uint32(1) << n
	m.repeated = m.repeated || m.all&bit != 0
	m.all |= bit
	m.exact |= bit
	return n
}

// keyOrder remembers the members of one kind of object by their place: the entries of a page are similar, and
// comparing a key is faster than reading it and looking it up.
type keyOrder [maxKnownKeys]knownKey

const maxKnownKeys = 12

type knownKey struct {
	text   string // with its quotes and the colon; empty if none is known
	number int
}

// next reads the key of the n-th member of an object, as Members.Next does.
func (o *keyOrder) next(s *jsontext.Scanner, n int, seen *Members, number func(string) int) int {
	if n >= len(o) {
		return seen.Next(s.Key(), number)
	}
	if known := &o[n]; known.text != "" && s.Match(known.text) {
		if known.number == 0 {
			return 0
		}
		return seen.exactly(known.number)
	}
	start := s.Pos()
	name := s.Key()
	// A key in another case counts only if the exact one is missing, so it is not remembered, and neither is a
	// key with an escape or white space. Match would not notice bytes beyond ASCII.
	if text := s.Since(start); len(text) == len(name)+len(`"":`) && lowerASCII(name) == name && isASCII(name) {
		o[n] = knownKey{text, number(name)}
	}
	return seen.Next(name, number)
}

func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r | 0x20
				}
				return r
			}, s)
		}
	}
	return s
}

// IsNumber reports whether a JSON text is a number.
func IsNumber(text string) bool {
	return text != "" && (text[0] == '-' || '0' <= text[0] && text[0] <= '9')
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// ParseText reads the JSON text of a string, or of a number, whose digits are unchanged. Null, and "" for an
// absent member, are empty. Any other type cannot be read.
func ParseText(text string) (string, bool) {
	switch {
	case !isText(text):
		return "", false
	case text == "" || text == "null":
		return "", true
	case text[0] == '"':
		if content := text[1 : len(text)-1]; jsontext.IsPlain(content) {
			return content, true // nearly every one
		}
		return ValidUTF8(jsontext.Unquote(text)), true
	}
	return text, true
}

func isText(text string) bool {
	return text == "" || text[0] == '"' || text == "null" || IsNumber(text)
}

// parseBool reads the JSON text of a boolean, also if it is a string, 0 or 1. Null, absent and empty are false.
func parseBool(text string) (value, ok bool) {
	switch text {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	text, ok = ParseText(text)
	if !ok || text == "" {
		return false, ok
	}
	value, err := strconv.ParseBool(text)
	return value, err == nil
}

// MaxInt64Digits is the number of digits of 2^63-1.
const MaxInt64Digits = 19

// ParseInteger reads a whole decimal number, written as 1000, 1000.0 or 1e3. It does not use float64, which
// would round numbers beyond 2^53. Any other text, and a number that does not fit int64, cannot be read.
func ParseInteger(text string) (int64, bool) {
	if !IsNumber(text) {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil {
			return 0, false
		}
		mantissa = text[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	significant := strings.TrimRight(digits, "0")
	if significant == "" || significant == "-" {
		return 0, digits != significant
	}
	zeros := exponent - len(fraction) + len(digits) - len(significant)
	if zeros < 0 || zeros >= MaxInt64Digits {
		return 0, false
	}
	n, err := strconv.ParseInt(significant+strings.Repeat("0", zeros), 10, 64)
	return n, err == nil
}

// ParseCode reads the JSON text of a result code: a whole number, quoted or not.
func ParseCode(text string) (code int64, ok bool) {
	if text, ok = ParseText(text); !ok {
		return 0, false
	}
	return ParseInteger(strings.TrimSpace(text))
}

// ValidUTF8 replaces every byte that is not UTF-8 by U+FFFD, as encoding/json does. The strings of OTLP are
// UTF-8, and a single wrong byte makes a backend refuse the whole batch permanently.
func ValidUTF8(s string) string {
	if jsontext.ValidUTF8(s) {
		return s
	}
	return string([]rune(s))
}
