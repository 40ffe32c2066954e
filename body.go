// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Bounds of a structured body. What is nested deeper, or has more members, stays
// JSON text in a string: pcommon looks a member up by going over all the others.
const (
	maxBodyDepth   = 64
	maxBodyMembers = 1024
)

// setStructuredBody sets the body to the entry as a map. An entry that is no
// object, or has no members, stays text: a body is never empty, because some
// backends drop a record without one.
func setStructuredBody(body pcommon.Value, text string) {
	s := jsontext.NewScanner(text)
	if s.Peek() == '{' {
		putJSON(body, s, maxBodyDepth)
	}
	if s.Err() != nil || body.Type() != pcommon.ValueTypeMap || body.Map().Len() == 0 {
		body.SetStr(text)
	}
}

// putJSON sets a value to the JSON that is next, with at most depth levels of
// objects and arrays.
func putJSON(dst pcommon.Value, s *jsontext.Scanner, depth int) {
	switch c := s.Peek(); {
	case (c == '{' || c == '[') && depth == 0:
		dst.SetStr(s.Value())
	case c == '{':
		start := s.Pos()
		m := dst.SetEmptyMap()
		n := 0
		for ok := s.Open('{'); ok; ok = s.More('}') {
			key := s.Key()
			if n++; n > maxBodyMembers {
				s.Value()
				continue
			}
			putJSON(m.PutEmpty(key), s, depth-1)
		}
		if n > maxBodyMembers {
			dst.SetStr(s.Since(start))
		}
	case c == '[':
		list := dst.SetEmptySlice()
		for ok := s.Open('['); ok; ok = s.More(']') {
			putJSON(list.AppendEmpty(), s, depth-1)
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
}

// putNumber keeps whole numbers exact: one beyond int64 stays text.
func putNumber(dst pcommon.Value, text string) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		dst.SetInt(n)
		return
	}
	if strings.ContainsAny(text, ".eE") {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			dst.SetDouble(f)
			return
		}
	}
	dst.SetStr(text)
}
