// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Limits of a structured body. An object or array beyond them stays JSON text in a string, and so does an object
// that has a key twice: a map would lose a value.
const (
	maxBodyDepth = 64
	// maxBodyMembers is the limit for one object: pcommon finds a member by comparing it with all others.
	maxBodyMembers = 1024
	// maxBodyValues is the limit for the whole body: a value takes tens of bytes, but may take only two in the
	// entry.
	maxBodyValues = 1 << 14
)

// setStructuredBody sets the body to the entry as a map. An entry that is not an object, or has no members,
// stays text: a body is never empty, because some backends drop a record without one.
func setStructuredBody(body pcommon.Value, text string) {
	s := jsontext.NewScanner(text)
	if s.Peek() == '{' {
		values := maxBodyValues
		putJSON(body, s, maxBodyDepth, &values)
	}
	if s.Err() != nil || body.Type() != pcommon.ValueTypeMap || body.Map().Len() == 0 {
		body.SetStr(text)
	}
}

// putJSON sets a value to the next JSON, with at most depth levels of objects and arrays, and counts down the
// number of values that may still be made.
func putJSON(dst pcommon.Value, s *jsontext.Scanner, depth int, values *int) {
	c := s.Peek()
	start, before, tooMany := s.Pos(), *values, false
	switch {
	case (c == '{' || c == '[') && depth == 0:
		dst.SetStr(s.Value())
	case c == '{':
		m := dst.SetEmptyMap()
		n := 0
		for ok := s.Open('{'); ok; ok = s.More('}') {
			key := s.Key()
			n++
			if tooMany = tooMany || n > maxBodyMembers || *values == 0; tooMany {
				s.Value()
				continue
			}
			*values--
			putJSON(m.PutEmpty(key), s, depth-1, values)
			tooMany = m.Len() < n // the key was there already
		}
	case c == '[':
		list := dst.SetEmptySlice()
		for ok := s.Open('['); ok; ok = s.More(']') {
			if tooMany = *values == 0; tooMany {
				s.Value()
				continue
			}
			*values--
			putJSON(list.AppendEmpty(), s, depth-1, values)
		}
	case c == '"':
		dst.SetStr(jsontext.Unquote(s.Value()))
	case c == 't' || c == 'f':
		dst.SetBool(s.Value() == "true")
	case c == 'n':
		s.Value() // stays an empty value
	default:
		putNumber(dst, s.Value())
	}
	if tooMany {
		dst.SetStr(s.Since(start))
		*values = before // what it is now is one value
	}
}

// putNumber keeps numbers exact: one that neither int64 nor float64 can hold stays text.
func putNumber(dst pcommon.Value, text string) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		dst.SetInt(n)
		return
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && digitsOf(text) == digitsOf(strconv.FormatFloat(f, 'e', -1, 64)) {
		dst.SetDouble(f)
		return
	}
	dst.SetStr(text)
}

// digitsOf returns the significant digits of a number.
func digitsOf(text string) string {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		text = text[:i]
	}
	return strings.Trim(strings.Replace(strings.TrimPrefix(text, "-"), ".", "", 1), "0")
}
