// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"slices"
	"strconv"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// canonicalDepth is how deep the members of objects are put in order. An entry is two deep, by its
// documentation.
const canonicalDepth = 8

// canonical is a JSON text with the members of its objects in the order of their names, and without
// white space. A JSON object has no order: what writes it from a hash map returns another one with
// each response.
func canonical(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	writeCanonical(&b, text, canonicalDepth)
	return b.String()
}

func writeCanonical(b *strings.Builder, text string, depth int) {
	s := jsontext.NewScanner(text)
	opening := s.Peek()
	if depth == 0 || opening != '{' && opening != '[' {
		b.WriteString(text)
		return
	}
	closing := opening + 2 // in ASCII
	type member struct{ name, value string }
	var members []member
	for ok := s.Open(opening); ok; ok = s.More(closing) {
		var m member
		if opening == '{' {
			m.name = s.Key()
		}
		m.value = s.Value()
		members = append(members, m)
	}
	// Stable: of members with one name, the last one counts.
	slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })
	b.WriteByte(opening)
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		if opening == '{' {
			b.WriteString(strconv.Quote(m.name))
			b.WriteByte(':')
		}
		writeCanonical(b, m.value, depth-1)
	}
	b.WriteByte(closing)
}
