// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext/jsontexttest"
)

func FuzzScanner(f *testing.F) {
	for _, text := range jsontexttest.Texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { check(t, text) })
}

// check compares the Scanner with encoding/json, which is slower and older.
func check(t *testing.T, text string) {
	s := jsontext.NewScanner(text)
	value := s.Value()
	s.End()
	entered := jsontext.NewScanner(text)
	enter(t, entered)
	entered.End()
	require.Equal(t, s.Err() == nil, entered.Err() == nil, "%q skipped: %v, entered: %v", text, s.Err(), entered.Err())

	if !json.Valid([]byte(text)) {
		if s.Err() == nil {
			require.Greater(t, strings.Count(text, "[")+strings.Count(text, "{"), 10000, "%q is not JSON", text)
			return
		}
		var syntax *jsontext.SyntaxError
		require.ErrorAs(t, s.Err(), &syntax)
		require.True(t, syntax.Offset >= 0 && syntax.Offset <= len(text))
		require.Equal(t, len(text), s.Pos())
		return
	}
	require.NoError(t, s.Err(), "%q", text)
	require.Equal(t, strings.Trim(text, " \t\r\n"), value)
}

// enter reads a value by entering every object and array, and compares every name and string with encoding/json.
func enter(t *testing.T, s *jsontext.Scanner) {
	switch s.Peek() {
	case '{':
		for ok := s.Open('{'); ok; ok = s.More('}') {
			start := s.Pos()
			name := s.Key()
			if text := s.Since(start); s.Err() == nil {
				checkString(t, strings.TrimRight(strings.TrimSuffix(text, ":"), " \t\r\n"), name)
			}
			enter(t, s)
		}
	case '[':
		for ok := s.Open('['); ok; ok = s.More(']') {
			enter(t, s)
		}
	case '"':
		if text := s.Value(); s.Err() == nil {
			checkString(t, text, jsontext.Unquote(text))
		}
	default:
		s.Value()
	}
}

func checkString(t *testing.T, quoted, content string) {
	var want string
	require.NoError(t, json.Unmarshal([]byte(quoted), &want))
	// Invalid UTF-8 is unchanged; encoding/json replaces it. See its unquote.
	require.Equal(t, want, string([]rune(content)), "%q", quoted)
}

func TestScanner(t *testing.T) {
	for _, text := range jsontexttest.Texts {
		check(t, text)
		// Errors of scanners are often at the end of a text.
		for end := range text {
			check(t, text[:end])
		}
		check(t, text+"]")
		check(t, `{"a": [0, `+text+"\n] }")
	}
}

func TestScannerDepth(t *testing.T) {
	const depth = 1 << 20
	s := jsontext.NewScanner(strings.Repeat(`[{"a":`, depth) + "1" + strings.Repeat("}]", depth))
	require.Len(t, s.Value(), depth*8+1)
	s.End()
	require.NoError(t, s.Err())

	s = jsontext.NewScanner(strings.Repeat("[", depth))
	require.Empty(t, s.Value())
	require.EqualError(t, s.Err(), "not JSON at byte 1048576: the text ends early")
}

func TestScannerErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"secret" "hunter2"}`:     "not JSON at byte 10: a colon was expected",
		`{"a":hunter2}`:            "not JSON at byte 5: a value was expected",
		`{"a":"hunter2\x"}`:        "not JSON at byte 13: a wrong escape",
		"{\"a\":\"hunter2\x01\"}":  "not JSON at byte 13: a control character in a string",
		`{"a":"hunter2`:            "not JSON at byte 13: the text ends early",
		`{"a":"hunter2",}`:         "not JSON at byte 15: a string was expected",
		`{"a":"hunter2" "b":1}`:    "not JSON at byte 15: a comma or a closing bracket was expected",
		`{"a":1.x}`:                "not JSON at byte 7: a digit was expected",
		`{"a":1e}`:                 "not JSON at byte 7: a digit was expected",
		`{"a":1} hunter2`:          "not JSON at byte 8: something follows the value",
		`<html>hunter2</html>`:     "not JSON at byte 0: a value was expected",
		``:                         "not JSON at byte 0: the text ends early",
		`{"a":["hunter2",{"b":1]]`: "not JSON at byte 22: a comma or a closing bracket was expected",
	} {
		s := jsontext.NewScanner(text)
		s.Value()
		s.End()
		require.EqualError(t, s.Err(), want, "%q", text)
	}

	s := jsontext.NewScanner(`"hunter2"`)
	require.False(t, s.Open('{'))
	require.EqualError(t, s.Err(), "not JSON at byte 0: a value of another type was expected")
}

// After an error every method returns zero, and the error stays.
func TestScannerAfterError(t *testing.T) {
	s := jsontext.NewScanner(`{"a":x,"b":[1]}`)
	require.True(t, s.Open('{'))
	require.Equal(t, "a", s.Key())
	require.Empty(t, s.Value())
	first := s.Err()
	require.Error(t, first)
	require.Zero(t, s.Peek())
	require.False(t, s.More('}'))
	require.False(t, s.Open('{'))
	require.False(t, s.Open('['))
	require.Empty(t, s.Key())
	require.Empty(t, s.Value())
	require.Empty(t, s.Since(0))
	s.End()
	require.Same(t, first, s.Err())
}

func TestScannerReturnsParts(t *testing.T) {
	text := `{"id":"1","payload":{"a":[1,2]}}`
	require.Zero(t, testing.AllocsPerRun(10, func() {
		s := jsontext.NewScanner(text)
		for ok := s.Open('{'); ok; ok = s.More('}') {
			s.Key()
			if s.Peek() == '"' {
				jsontext.Unquote(s.Value())
			} else {
				s.Open('{')
				s.Key()
				s.Open('[')
				s.Value()
				s.More(']')
				s.Value()
				s.More(']')
				s.More('}')
			}
		}
	}))
}

func TestIsPlain(t *testing.T) {
	for n := range 20 {
		text := strings.Repeat("a", n)
		require.True(t, jsontext.IsPlain(text), "%q", text)
		for i := range n {
			for _, c := range []string{"\\", "\x80", "\xff", "中"} {
				require.False(t, jsontext.IsPlain(text[:i]+c+text[i+1:]), "%q for byte %d of %d", c, i, n)
			}
			for _, c := range []string{"\x00", "[", "]", "\x7f", "\""} {
				require.True(t, jsontext.IsPlain(text[:i]+c+text[i+1:]), "%q for byte %d of %d", c, i, n)
			}
		}
	}
}
