// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/bits"
	"strings"
	"sync"
)

// stride is the filter's proof for the built-in keys, in steps of two bytes: it has the same result as nextHit,
// in less than half the time.
//
// Of each stem it knows a letter, the rarest one, and its neighbours: of token the k, between o and e. Wherever
// the stem occurs in a text, with separators or without, and however the text is cut into pairs of bytes, one
// pair is o or a separator followed by k, or k followed by e or a separator. Only these places are checked
// further.
type stride struct {
	// notice reports, for two bytes with the first as the lower one, whether they are such a pair.
	notice [1 << 16]uint8
	// before, letter and after have, for each byte, the groups of stems where it may be the preceding neighbour,
	// the letter, and the following neighbour.
	before, letter, after [256]uint32
	groups                [26]strideGroup
}

// strideGroup is the stems that have one letter as their rarest.
type strideGroup struct {
	// stems are the stems with a character before the letter, by its lower five bits; stems without one are in
	// all of them.
	stems [32][]stem
	// after has, for each of them, a bit for each character that may be after the letter, except separators, by
	// its lower five bits.
	after [32]uint32
}

// What a pair may be:
const (
	letterNearby  = 1 << iota // one of its bytes may be the letter of a stem
	specialNearby             // it may belong to a special
	specialHere               // a special may begin with one of its bytes
	specialTail               // it may end a character that is a special
	wideNearby                // it may belong to a key beyond ASCII
	escapeHere                // it may be the first bytes of an escape \uXXXX, or the two after one or three of them
)

const separators = "_- +\t"

// pivots are the letters by which a stem is noticed if the neighbours of its rarest letter are common in such
// texts: of text, url, chat, code. They are chosen together, so that the fewest pairs are noticed in the pages
// of internal/benchdata, and the fewest stems are compared there (TestNoticedPairs); a stem that is not here is noticed by
// its rarest letter.
var pivots = map[string]int{
	"AKIA": 2, "AKID": 2, "AKLT": 2, "LTAI": 2, "NewClient": 3, "SecureString": 1, "accesscode": 5, "accesskey": 5,
	"actioncallbackkey": 14, "assertion": 1, "authcode": 1, "authentication": 7, "authorization": 1,
	"authorizationcode": 1, "bearer": 1, "captcha": 3, "codeverifier": 8, "contrase": 5, "contrasena": 5,
	"credential": 7, "devicecode": 3, "extractkey": 7, "hook": 2, "hvs.": 2, "identifiedby": 6, "jdbc:oracle": 3,
	"katalaluan": 8, "katasandi": 5, "kennwort": 3, "keypass": 5, "kmskey": 2, "masterauth": 1, "masterkey": 1,
	"motdepasse": 7, "newBuilder": 3, "passcode": 2, "passphrase": 2, "passwd": 2, "password": 2, "password-stdin": 2,
	"passwordconfirm": 2, "passwordconfirmation": 2, "passwordhash": 2, "passwordinput": 2, "passwordvalue": 11,
	"passwort": 2, "recoverycode": 7, "requirepass": 9, "samlresponse": 3, "secretvalue": 9, "seedphrase": 7,
	"sessid": 3, "session": 3, "sessionid": 3, "sign": 1, "signature": 1, "smscode": 2, "sshpass": 5, "storepass": 7,
	"tokenencrypted": 7, "tokenvalue": 8, "totp": 2, "verificationcode": 5, "verifycode": 4, "verifykey": 4,
}

// builtIn has a table of 64 KiB, one for all receivers of a collector.
var builtIn = sync.OnceValue(func() *stride {
	t := &stride{}
	for _, s := range builtInStems() {
		t.add(s)
	}
	for _, s := range specialPairs {
		t.pair(s.first, s.second, specialNearby)
	}
	for _, s := range nearPairs {
		t.pair(s.first, s.second, specialHere)
	}
	for _, s := range tailPairs {
		t.pair(s.first, s.second, specialTail)
	}
	t.pair("\\", "u", escapeHere)
	t.pair("u", "013456789", escapeHere) // as all first characters of keys but Korean ones, be44 and c778:
	t.pair("eE", "4", escapeHere)        // u followed by a letter is frequent in words
	t.pair("7", "7", escapeHere)
	for _, key := range alphabetKeys {
		t.pair(key[1:2], key[2:3], wideNearby)
		t.pair(key[2:3], key[3:4], wideNearby)
	}
	for _, keys := range wideKeys {
		for _, key := range keys {
			t.pair(key[1:2], key[2:3], wideNearby)
			t.pair(key[4:5], key[5:6], wideNearby)
			t.pair(key[2:3], " ", wideNearby)
		}
	}
	return t
})

// anyByte is every byte there is.
var anyByte = func() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all)
}()

// keyEnds is every byte that may be after a key: no letter except the plural's.
var keyEnds = func() string {
	var ends []byte
	for c := range 256 {
		if !isLetter(byte(c)) || c|0x20 == 's' {
			ends = append(ends, byte(c))
		}
	}
	return string(ends)
}()

// separators are what may be before a letter of a stem.
func (s *stem) separators(at int) string {
	if s.gaps>>at&1 != 0 {
		return separators
	}
	return ""
}

// cases are the forms of a letter of a stem.
func (s *stem) cases(at int) string {
	if s.exact {
		return s.text[at : at+1]
	}
	return bothCases(s.text[at])
}

func (t *stride) add(s stem) {
	pivot, ok := pivots[s.text]
	if !ok {
		pivot = 1
		for i := 1; i < len(s.text)-1; i++ {
			if strings.IndexByte(rarity, s.text[i])&0xff < strings.IndexByte(rarity, s.text[pivot])&0xff {
				pivot = i
			}
		}
	}
	s.pivot = pivot
	before := anyByte
	if pivot > 0 {
		before = s.cases(pivot-1) + s.separators(pivot)
	}
	after, afterBit := anyByte, uint32(1<<32-1)
	if pivot+1 == len(s.text) && !s.free {
		after = keyEnds
	} else if pivot+1 < len(s.text) {
		after = s.cases(pivot+1) + s.separators(pivot+1)
		if !isSeparator(s.text[pivot+1]) { // after one, any character may be
			afterBit = 1 << (s.text[pivot+1] & 31)
		}
	}
	letter := s.cases(pivot)

	n := lower(letter[0]) - 'a'
	group := &t.groups[n]
	for i := range group.stems {
		if pivot == 0 || int(s.text[pivot-1]&31) == i {
			group.stems[i] = append(group.stems[i], s)
			group.after[i] |= afterBit
		}
	}
	for _, table := range []struct {
		of    *[256]uint32
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
func strideClean[T string | []byte](t *stride, text T, keep bool) bool {
	i := 0
	for ; i+8 <= len(text); i += 8 {
		b := text[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if t.notice[uint16(w)]|t.notice[uint16(w>>16)]|t.notice[uint16(w>>32)]|t.notice[uint16(w>>48)] == 0 {
			continue
		}
		for j := i; j < i+8; j += 2 {
			what := t.notice[uint16(w)]
			w >>= 16
			if what == 0 || what == letterNearby && j > 0 && j+2 < len(text) &&
				t.before[text[j-1]]&t.letter[text[j]]&t.after[text[j+1]]|t.before[text[j]]&t.letter[text[j+1]]&t.after[text[j+2]] == 0 {
				continue // quickly: most of what is noticed
			}
			if what&escapeHere != 0 {
				end, hit := escapesEnd(text, j)
				if hit {
					return false
				}
				if end > i+8 {
					i = end - 8 // nothing else is in these escapes
					break
				}
			}
			if isNoticed(t, text, j, what, keep) {
				return false
			}
		}
	}
	// A last byte alone is no letter within a stem.
	for ; i+2 <= len(text); i += 2 {
		if what := t.notice[uint16(text[i])|uint16(text[i+1])<<8]; what != 0 {
			if what&escapeHere != 0 {
				if _, hit := escapesEnd(text, i); hit {
					return false
				}
			}
			if isNoticed(t, text, i, what, keep) {
				return false
			}
		}
	}
	return true
}

// isNoticed checks the pair text[i:i+2] further.
func isNoticed[T string | []byte](t *stride, text T, i int, what uint8, keep bool) bool {
	switch {
	case what&specialHere != 0 && (narrowAt(text, i) || narrowAt(text, i+1)),
		what&specialNearby != 0 && specialNear(text, i),
		what&specialTail != 0 && i > 0 && (narrowAt(text, i-1) || i >= 4 && wideKeyEnd(text, i-4) > i-4),
		what&specialHere != 0 && text[i+1] == 0xc2 && i >= 2 && wideKeyEnd(text, i-2) > i-2,
		what&wideNearby != 0 && wideNear(text, i):
		return true
	}
	if what&letterNearby != 0 {
		if i+1 == len(text) {
			return false
		}
		before, after := byte(0), byte(0)
		if i > 0 {
			before = text[i-1]
		}
		if groups := t.before[before] & t.letter[text[i]] & t.after[text[i+1]]; groups != 0 && isStemNear(t, text, i, groups, keep) {
			return true
		}
		if i+2 < len(text) {
			after = text[i+2]
			if groups := t.before[text[i]] & t.letter[text[i+1]] & t.after[after]; groups != 0 && isStemNear(t, text, i+1, groups, keep) {
				return true
			}
		}
	}
	return false
}

// isStemNear looks for the stems of groups around text[i]. A byte is the letter of
// one group only.
func isStemNear[T string | []byte](t *stride, text T, i int, groups uint32, keep bool) bool {
	group := &t.groups[bits.TrailingZeros32(groups)]
	// Each entry has the k of api_key, and OK is frequent in text. The letters next to it rule them out.
	at, before := i-1, byte(0)
	for at >= 0 && isSeparator(text[at]) {
		at--
	}
	if at >= 0 {
		before = text[at] & 31
	}
	for at = i + 1; at < len(text) && isSeparator(text[at]); at++ {
	}
	if at < len(text) && group.after[before]>>(text[at]&31)&1 == 0 {
		return false
	}
	for j := range group.stems[before] {
		if isStemHit(&group.stems[before][j], text, i, keep) {
			return true
		}
	}
	return false
}
