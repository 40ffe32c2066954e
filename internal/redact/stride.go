// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/bits"
	"strings"
	"sync"
)

// stride is the filter's proof for the built-in keys, in steps of two bytes: it says
// of a text what nextHit says, in less than half of the time.
//
// Of each stem it knows a letter within, the rarest one, and its neighbours: of token
// the k, between o and e. Wherever the stem stands in a text, with separators or
// without, cut into pairs of bytes the text has either a pair of o or a separator
// and k, or one of k and e or a separator. Only there more is looked at.
type stride struct {
	// notice says, for two bytes, the first one the lower, whether they are such a
	// pair.
	notice [1 << 16]uint8
	// before, letter and after have, for each byte, the groups of stems where it may
	// be the neighbour in front, the letter, and the neighbour behind.
	before, letter, after [256]uint8
	groups                [8]strideGroup
}

// strideGroup is the stems that have one letter as their rarest.
type strideGroup struct {
	stems []stem // pivot is where the letter is
	// before and after have a bit for each letter that may be next to it, but for
	// separators, by its lower five bits.
	before, after uint32
}

// What a pair may be.
const (
	letterNearby = 1 << iota // one of its bytes may be the letter of a stem
	escapeNearby             // it may belong to an escape
)

const separators = "_- +"

// builtIn has a table of 64 KiB, one for all receivers of a collector.
var builtIn = sync.OnceValue(func() *stride {
	t := &stride{}
	texts := []string{"basic"}
	for _, c := range credentials {
		texts = append(texts, c.suffix)
	}
	for _, text := range texts {
		if !containsOther(text, texts) {
			t.add(text)
		}
	}
	// Of \u00XX one pair is either 00 or u0.
	t.pair("0u", "0", escapeNearby)
	t.pair("%", "234567", escapeNearby)
	t.pair(anyByte, "%", escapeNearby)
	return t
})

// containsOther reports whether text is noticed by another of the texts within it.
func containsOther(text string, texts []string) bool {
	for _, other := range texts {
		if other != text && strings.Contains(text, other) {
			return true
		}
	}
	return false
}

// anyByte is every byte there is.
var anyByte = func() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all)
}()

func (t *stride) add(text string) {
	s, before, beforeBit := stem{text: text}, anyByte, uint32(1<<32-1)
	if text[0] != 'b' { // bearer and basic have no rare letter but the first one
		s.pivot = 1
		for i := 1; i < len(text)-1; i++ {
			if strings.IndexByte(rarity, text[i]) < strings.IndexByte(rarity, text[s.pivot]) {
				s.pivot = i
			}
		}
		before, beforeBit = bothCases(text[s.pivot-1])+separators, 1<<(text[s.pivot-1]&31)
	}
	letter, after := bothCases(text[s.pivot]), bothCases(text[s.pivot+1])+separators

	n := 0
	for t.groups[n].stems != nil && t.letter[letter[0]] != 1<<n {
		n++
	}
	group := &t.groups[n]
	group.stems = append(group.stems, s)
	group.before |= beforeBit
	group.after |= 1 << (text[s.pivot+1] & 31)
	for _, table := range []struct {
		of    *[256]uint8
		bytes string
	}{{&t.before, before}, {&t.letter, letter}, {&t.after, after}} {
		for _, c := range []byte(table.bytes) {
			table.of[c] |= 1 << n
		}
	}
	t.pair(before, letter, letterNearby)
	t.pair(letter, after, letterNearby)
}

func (t *stride) pair(first, second string, what uint8) {
	for _, a := range []byte(first) {
		for _, b := range []byte(second) {
			t.notice[uint16(a)|uint16(b)<<8] |= what
		}
	}
}

// strideClean is clean for the built-in keys.
func strideClean[T string | []byte](t *stride, text T) bool {
	const highs = 0x8080808080808080
	i := 0
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if w&highs == highs {
			continue // nothing of ASCII, as in Chinese
		}
		if t.notice[uint16(w)]|t.notice[uint16(w>>16)]|t.notice[uint16(w>>32)]|t.notice[uint16(w>>48)] == 0 {
			continue
		}
		for j := i; j < i+8; j += 2 {
			if what := t.notice[uint16(w)]; what != 0 && isNoticed(t, text, j, what) {
				return false
			}
			w >>= 16
		}
	}
	// A last byte alone is no letter within a stem.
	for ; i+2 <= len(text); i += 2 {
		if what := t.notice[uint16(text[i])|uint16(text[i+1])<<8]; what != 0 && isNoticed(t, text, i, what) {
			return false
		}
	}
	return true
}

// isNoticed looks closer at the pair text[i:i+2].
func isNoticed[T string | []byte](t *stride, text T, i int, what uint8) bool {
	if what&escapeNearby != 0 && isEscapeNearby(text, i) {
		return true
	}
	for at := i; at <= i+1; at++ {
		if groups := groupsAt(t, text, at); groups != 0 && isStemAround(t, text, at, groups) {
			return true
		}
	}
	return false
}

// groupsAt is the groups whose letter text[i] may be, by its neighbours.
func groupsAt[T string | []byte](t *stride, text T, i int) uint8 {
	if i+1 >= len(text) {
		return 0
	}
	before := byte(0)
	if i > 0 {
		before = text[i-1]
	}
	return t.before[before] & t.letter[text[i]] & t.after[text[i+1]]
}

// isStemAround looks for the stems of groups around text[i]. A byte is the letter of
// one group only.
func isStemAround[T string | []byte](t *stride, text T, i int, groups uint8) bool {
	group := &t.groups[bits.TrailingZeros8(groups)]
	// Each entry has the k of api_key, and text is full of OK. They are done with by the
	// letters next to it.
	at := i - 1
	for at >= 0 && isSeparator(text[at]) {
		at--
	}
	if at >= 0 && group.before>>(text[at]&31)&1 == 0 {
		return false
	}
	for at = i + 1; at < len(text) && isSeparator(text[at]); at++ {
	}
	if at == len(text) || group.after>>(text[at]&31)&1 == 0 {
		return false
	}
	for _, s := range group.stems {
		if isStemAt(s, text, i) {
			return true
		}
	}
	return false
}

// isEscapeNearby reports whether text[i:i+2] is part of an escape that may hide part of
// a stem: the end of \u00, its u0, the % of %XX, or the byte in front of it.
func isEscapeNearby[T string | []byte](text T, i int) bool {
	for at := max(i-2, 0); at <= i+1; at++ {
		switch text[at] {
		case '\\':
			if at+6 <= len(text) && text[at+1] == 'u' && text[at+2] == '0' && text[at+3] == '0' && hides(text[at+4], text[at+5]) {
				return true
			}
		case '%':
			if at+3 <= len(text) && hides(text[at+1], text[at+2]) {
				return true
			}
		}
	}
	return false
}
