// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"slices"
	"strconv"
	"strings"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// canonicalDepth is how many levels of objects are sorted. According to the documentation, an entry has two.
const canonicalDepth = 8

// canonical is a JSON text with the members of its objects sorted by name, and without white space. The order of
// members has no meaning in JSON: a program that writes them from a hash map returns them in another order with
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
	if opening == '[' {
		b.WriteByte('[')
		for first, ok := true, s.Open('['); ok; first, ok = false, s.More(']') {
			if !first {
				b.WriteByte(',')
			}
			writeCanonical(b, s.Value(), depth-1)
		}
		b.WriteByte(']')
		return
	}
	type member struct{ name, value string }
	var members []member
	for ok := s.Open('{'); ok; ok = s.More('}') {
		members = append(members, member{name: s.Key(), value: s.Value()})
	}
	// Stable: if several members have one name, the last one counts.
	slices.SortStableFunc(members, func(x, y member) int { return strings.Compare(x.name, y.name) })
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m.name))
		b.WriteByte(':')
		writeCanonical(b, m.value, depth-1)
	}
	b.WriteByte('}')
}
