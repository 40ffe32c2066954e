// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/bits"
	"strings"
)

// filter proves, in one pass over the raw text of an entry, that no level of it
// can hold a credential. Most entries end here, so this decides what redaction
// costs.
//
// It looks for the stems, the normalised keys, with separators anywhere inside
// them. A stem is noticed by two neighbours in it, chosen so that the first is
// rare in such texts, and then compared as a whole. What an escape could hide is
// not searched for: an escape that may stand for a byte of a stem, or of a
// further escape, is a hit.
type filter struct {
	// pairs has, for each byte, in the lower half the groups of stems whose pair
	// it begins, in the upper half those whose pair it may end. Two bytes in
	// sequence are a hit of group g if both have its bit.
	pairs [256]uint64
	// groups are the stems by the bit of their pair; those of the two kinds of
	// escapes have none.
	groups [32][]stem
	// anyEscape is set if a configured key has other bytes than letters and
	// digits: then every escape is a hit.
	anyEscape bool
	// stride is the quicker way to the same answer, nil if there are configured keys.
	stride *stride
}

const (
	groupBackslash = iota
	groupPercent
	firstStemGroup
	// groupHigh is set for each byte beyond ASCII, where no stem has any: two of
	// them begin a run to be skipped.
	groupHigh = 31
)

// stem is a normalised key, or its end, noticed by text[pivot] and text[pivot+1].
type stem struct {
	text  string
	pivot int
}

// rarity orders letters, the rarest in audit entries first.
const rarity = "zqjxkvwybhfgmulpdcnrsoitae"

func newFilter(keys *keySet) *filter {
	f := &filter{}
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
	f.addPair(groupBackslash, "\\", "u")
	if f.anyEscape {
		f.addPair(groupPercent, "%", "0123456789abcdefABCDEF")
	} else {
		f.addPair(groupPercent, "%", "234567")
	}

	groups := map[string]int{} // by pair
	add := func(text string) {
		s := stem{text: text}
		best := len(rarity) + 1
		for i := range max(len(text)-1, 0) {
			rank := strings.IndexByte(rarity, text[i])
			if rank < 0 {
				rank = len(rarity)
			}
			if rank < best {
				best, s.pivot = rank, i
			}
		}
		pair := text[s.pivot:min(s.pivot+2, len(text))]
		group, ok := groups[pair]
		if !ok {
			group = firstStemGroup + len(groups)%(groupHigh-firstStemGroup)
			groups[pair] = group
			f.addStemPair(group, pair)
		}
		f.groups[group] = append(f.groups[group], s)
	}
	for _, c := range credentials {
		add(c.suffix)
	}
	add("basic")
	for key := range keys.extra {
		add(key)
	}
	if !f.anyEscape {
		for c := 0x80; c < len(f.pairs); c++ {
			f.pairs[c] |= 1<<groupHigh | 1<<(32+groupHigh)
		}
	}
	return f
}

// addStemPair notes a pair in either case, with or without a separator in between.
// A pair of one byte may be followed by anything.
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

// clean reports whether text, raw text of any level, certainly holds no
// credential on that level or below.
func clean[T string | []byte](f *filter, text T) bool {
	if f.stride != nil {
		return strideClean(f.stride, text)
	}
	return nextHit(f, text, 0) < 0
}

// nextHit returns the position, at or behind from, of the next byte of text that
// may be part of a credential's key, or -1. Of each key it returns one.
func nextHit[T string | []byte](f *filter, text T, from int) int {
	var before uint64
	for i := from; i < len(text); i++ {
		pairs := f.pairs[text[i]]
		if hits := uint32(before) & uint32(pairs>>32); hits != 0 {
			if hits>>groupHigh != 0 {
				i = endOfHigh(text, i+1) - 1
			} else if isHit(f, text, i-1, hits) {
				return i - 1
			}
		}
		before = pairs
	}
	return -1
}

// endOfHigh returns the position, at or behind i, of the next byte of ASCII. In
// Chinese text that is far away.
func endOfHigh[T string | []byte](text T, i int) int {
	const highs = 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		t := text[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
			uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		if low := ^w & highs; low != 0 {
			return i + bits.TrailingZeros64(low)/8
		}
	}
	for i < len(text) && text[i] >= 0x80 {
		i++
	}
	return i
}

// isHit looks closer at the pairs noticed at text[i] and text[i+1].
func isHit[T string | []byte](f *filter, text T, i int, hits uint32) bool {
	if hits&(1<<groupBackslash) != 0 && i+6 <= len(text) {
		if f.anyEscape {
			return true
		}
		if text[i+2] == '0' && text[i+3] == '0' && hides(text[i+4], text[i+5]) {
			return true
		}
	}
	if hits&(1<<groupPercent) != 0 && i+3 <= len(text) {
		if f.anyEscape || hides(text[i+1], text[i+2]) {
			return true
		}
	}
	for hits &^= 1<<groupBackslash | 1<<groupPercent; hits != 0; hits &= hits - 1 {
		for _, s := range f.groups[bits.TrailingZeros32(hits)] {
			if isStemAt(s, text, i) {
				return true
			}
		}
	}
	return false
}

// hides says whether the escape of a byte, in two hexadecimal digits, may hide
// part of a stem or of another escape.
func hides(high, low byte) bool {
	h, l := unhex(high), unhex(low)
	if h < 0 || l < 0 {
		return false
	}
	c := byte(h<<4 | l)
	return isLetter(c) || isDigit(c) || isSeparator(c) || c == '%' || c == '\\'
}

// isStemAt compares a stem with the text around text[i], where its pivot may be.
func isStemAt[T string | []byte](s stem, text T, i int) bool {
	at := i
	for p := s.pivot; ; p-- {
		if at < 0 || lower(text[at]) != s.text[p] {
			return false
		}
		if p == 0 {
			break
		}
		for at--; at >= 0 && isSeparator(text[at]); at-- {
		}
	}
	at = i
	for p := s.pivot + 1; p < len(s.text); p++ {
		for at++; at < len(text) && isSeparator(text[at]); at++ {
		}
		if at == len(text) || lower(text[at]) != s.text[p] {
			return false
		}
	}
	return true
}
