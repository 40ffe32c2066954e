// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filter proves, in one pass over the raw text of an entry, that the text has no credential on any level. Most
// entries need nothing else, so this decides the cost of redaction.
//
// It looks for the stems, which are the normalised keys, with separators anywhere inside them. A stem is noticed
// by two adjacent letters, chosen so that the first is rare in such texts, and then compared as a whole: a key
// has to end with it, and must not be in the keep list. Credentials without a key are noticed by specialAt, and
// so is anything that could hide a part of a stem: escapes, full-width letters, invisible characters.
type filter struct {
	// pairs has, for each byte, in the lower half the groups of stems whose pair it begins, and in the upper
	// half those whose pair it may end. Two consecutive bytes are a hit of group g if both have its bit.
	pairs [256]uint64
	// groups are the stems by the bit of their pair; that of specials has none.
	groups [32][]stem
	// anyEscape is set if a configured key has other bytes than letters and digits: then every escape is a hit.
	anyEscape bool
	// wide are the configured keys with characters beyond ASCII.
	wide []string
	// keep is set if the keep list is used.
	keep bool
	// stride is a faster way to the same result, nil if there are configured keys.
	stride *stride
}

const (
	groupSpecial = iota
	firstStemGroup
	// groupHigh is set for each byte beyond ASCII: two of them begin a run that is skipped except for its own
	// specials.
	groupHigh = 31
)

func newFilter(keys *keySet) *filter {
	f := &filter{keep: keys.keep}
	if len(keys.extra) == 0 {
		f.stride = builtIn()
	}
	for key := range keys.extra {
		for i := range len(key) {
			if !isLetter(key[i]) && !isDigit(key[i]) {
				f.anyEscape = true
			}
		}
	}
	for _, s := range specials {
		f.addPair(groupSpecial, s.first, s.second)
	}
	if f.anyEscape {
		f.addPair(groupSpecial, "%", "0123456789abcdefABCDEF")
	}

	groups := map[string]int{} // by pair
	add := func(s stem) {
		best := len(rarity) + 1
		for i := range max(len(s.text)-1, 0) {
			rank := strings.IndexByte(rarity, s.text[i])
			if rank < 0 {
				rank = len(rarity)
			}
			if rank < best {
				best, s.pivot = rank, i
			}
		}
		pair := s.text[s.pivot:min(s.pivot+2, len(s.text))]
		group, ok := groups[pair]
		if !ok {
			group = firstStemGroup + len(groups)%(groupHigh-firstStemGroup)
			groups[pair] = group
			f.addStemPair(group, pair)
		}
		f.groups[group] = append(f.groups[group], s)
	}
	for _, s := range builtInStems() {
		add(s)
	}
	for key := range keys.extra {
		if isASCII(key) {
			add(stem{text: key, gaps: 1<<32 - 1, free: true})
			continue
		}
		f.wide = append(f.wide, key)
		first, _ := utf8.DecodeRuneInString(key)
		f.addWide(first)
	}
	if f.wide == nil {
		for c := 0x80; c < len(f.pairs); c++ {
			f.pairs[c] |= 1<<groupHigh | 1<<(32+groupHigh)
		}
	}
	return f
}

func isASCII[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// addWide notes the first bytes of a configured key, in every case of its first character. Any byte may follow.
func (f *filter) addWide(first rune) {
	for _, r := range []rune{first, unicode.ToUpper(first), unicode.ToTitle(first)} {
		f.addPair(groupSpecial, string(utf8.AppendRune(nil, r)[:1]), "")
	}
	for c := range f.pairs {
		f.pairs[c] |= 1 << (32 + groupSpecial)
	}
}

// addStemPair notes a pair in either case, with or without a separator in between. Any byte may follow a pair of
// one byte.
func (f *filter) addStemPair(group int, pair string) {
	f.addPair(group, bothCases(pair[0]), "")
	if len(pair) == 1 {
		for c := range f.pairs {
			f.pairs[c] |= 1 << (32 + group)
		}
		return
	}
	f.addPair(group, "", bothCases(pair[1])+separators)
}

func (f *filter) addPair(group int, first, second string) {
	for i := range len(first) {
		f.pairs[first[i]] |= 1 << group
	}
	for i := range len(second) {
		f.pairs[second[i]] |= 1 << (32 + group)
	}
}

func bothCases(c byte) string {
	if 'a' <= c && c <= 'z' {
		return string([]byte{c, c &^ 0x20})
	}
	return string([]byte{c})
}

// clean reports whether text, raw text of any level, certainly has no credential on that level or below.
func clean[T string | []byte](f *filter, text T) bool {
	if f.stride != nil {
		return strideClean(f.stride, text, f.keep)
	}
	return nextHit(f, text, 0) < 0
}

// nextHit returns the position, at or after from, of the next byte of text that may be part of a credential or
// its key, or -1. It returns one position for each key.
func nextHit[T string | []byte](f *filter, text T, from int) int {
	var before uint64
	for i := from; i < len(text); i++ {
		pairs := f.pairs[text[i]]
		if hits := uint32(before) & uint32(pairs>>32); hits != 0 && isHit(f, text, i-1, hits) {
			return i - 1
		}
		before = pairs
	}
	return -1
}

// isHit checks the pairs noticed at text[i] and text[i+1].
func isHit[T string | []byte](f *filter, text T, i int, hits uint32) bool {
	if hits&(1<<groupSpecial) != 0 {
		if f.anyEscape && isAnyEscape(text, i) || specialAt(text, i) || f.wide != nil && wideEnd(f, text, i) > i {
			return true
		}
	}
	for hits &^= 1<<groupSpecial | 1<<groupHigh; hits != 0; hits &= hits - 1 {
		stems := f.groups[bits.TrailingZeros32(hits)]
		for j := range stems {
			if isStemHit(&stems[j], text, i, f.keep) {
				return true
			}
		}
	}
	return false
}

// wideEnd returns the end of the configured key beyond ASCII that begins at
// text[i], or i.
func wideEnd[T string | []byte](f *filter, text T, i int) int {
	if i > 0 && isContinuation(text[i]) {
		return i
	}
	for _, key := range f.wide {
		rest := text[i:min(len(text), i+6*len(key))]
		for n := 1; n <= len(rest); n++ {
			if n < len(rest) && isContinuation(rest[n]) {
				continue
			}
			name := appendNormal(nil, []byte(rest[:n]))
			if string(name) == key {
				return i + n
			}
			if !strings.HasPrefix(key, string(name)) {
				break
			}
		}
	}
	return i
}

// isContinuation reports whether c is within a character of UTF-8.
func isContinuation(c byte) bool { return c&0xc0 == 0x80 }
