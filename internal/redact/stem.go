// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// stem is a normalised key, or its end, or another text. It is noticed by text[pivot] and text[pivot+1].
type stem struct {
	text  string
	pivot int
	gaps  uint32 // as of a credential
	free  bool   // it need not be at the end of a key
	exact bool   // its case counts
	whole bool   // it has to be a separate word
}

// freeStems are searched for besides keys: the schemes of HTTP, SQL's words before a password, paths that are
// credentials. exactStems are the starts of values that show what they are, and calls with such values.
var (
	freeStems  = []string{"bearer", "basic", "identified by", "hook", "contrase"}
	exactStems = append([]string{"AKIA", "AKID", "AKLT", "LTAI", "eyJ", "NewClient", "newBuilder", ":AA"}, append(placeStems, issuedStarts...)...)
)

// rarity orders letters, the rarest in audit entries first.
const rarity = "zqjxkvwybhfgmulpdcnrsoitae"

// builtInStems are the stems of all texts that are not configured keys. A stem that ends like another one, or is
// its plural, is noticed by that one.
func builtInStems() (stems []stem) {
	for _, text := range freeStems {
		text, gaps := gapsOf(text, text != "bearer" && text != "basic")
		stems = append(stems, stem{text: text, gaps: gaps, free: true})
	}
	for _, text := range exactStems {
		stems = append(stems, stem{text: text, free: true, exact: true})
	}
	for i, c := range credentials {
		if isASCII(c.suffix) && c.suffix != "bearer" && !isCovered(i) {
			stems = append(stems, stem{text: c.suffix, gaps: c.gaps, whole: c.whole})
		}
	}
	return stems
}

func isCovered(i int) bool {
	for j, other := range credentials {
		if i != j && !other.whole && other.gaps|credentials[i].gaps == other.gaps && strings.HasSuffix(strings.TrimSuffix(credentials[i].suffix, "s"), other.suffix) {
			return true
		}
	}
	return false
}

// isStemHit reports whether a stem is around text[i], where its pivot may be, and the key of a credential ends
// with it.
func isStemHit[T string | []byte](s *stem, text T, i int, keep bool) bool {
	start, end, ok := stemAround(s, text, i)
	switch {
	case !ok:
		return false
	case s.free:
		if s.text == "hook" {
			if end < len(text) && lower(text[end]) == 's' { // hooks/, and hooks. of a host
				return looseByte(text, end+1, '/') > 0 || hasPrefixAt(text, end+1, ".")
			}
			return looseByte(text, end, '/') > 0
		}
		return true
	case !endsKey(text, end), s.whole && (end == len(text) || !isWordStart(text, start)):
		return false
	case s.text != "authcode" && inPath(text, end):
		return false
	case keep && s.text == "token":
		return !isKeptBefore(text, start)
	case s.text == "apikey":
		return !isAPINameAfter(text, end)
	}
	return true
}

// stemAround compares a stem with the text around text[i], where its pivot may be.
func stemAround[T string | []byte](s *stem, text T, i int) (start, end int, ok bool) {
	if s.exact {
		start = i - s.pivot
		return start, start + len(s.text), start >= 0 && hasPrefixAt(text, start, s.text)
	}
	at := i
	for p := s.pivot; ; p-- {
		if at < 0 || lower(text[at]) != s.text[p] {
			return 0, 0, false
		}
		if p == 0 {
			break
		}
		for at--; at >= 0 && s.gaps>>p&1 != 0 && isSeparator(text[at]); at-- {
		}
	}
	start, at = at, i
	for p := s.pivot + 1; p < len(s.text); p++ {
		for at++; at < len(text) && s.gaps>>p&1 != 0 && isSeparator(text[at]) && text[at] != s.text[p]; at++ {
		}
		if at == len(text) || lower(text[at]) != s.text[p] {
			return 0, 0, false
		}
	}
	return start, at + 1, true
}

// endsKey reports whether a key may end at text[end], after the last letter of a
// credential's name: not in token_type or tokenizer, but in tokens.
func endsKey[T string | []byte](text T, end int) bool {
	if end < len(text) && lower(text[end]) == 's' {
		end++
	}
	if end < len(text) && (text[end] == '_' || text[end] == '-') {
		end++
	}
	return end == len(text) || !isLetter(text[end])
}

// inPath reports whether a path continues at text[end], so that the text before is one of its parts, as in each
// entry about a token's API.
func inPath[T string | []byte](text T, end int) bool {
	return end+1 < len(text) && text[end] == '/' && isLetter(text[end+1])
}

// isKeptBefore reports whether the word before the token at text[end] makes it one
// of the keep list.
func isKeptBefore[T string | []byte](text T, end int) bool {
	var name [maxKeptName]byte
	n, at := len(name), end
	for at > 0 && (isLetter(text[at-1]) || text[at-1] == '_' || text[at-1] == '-') {
		at--
		if c := text[at]; isLetter(c) {
			if n == 0 {
				return false
			}
			n--
			name[n] = lower(c)
		}
	}
	// The text before the word must not be part of it, hidden by an escape.
	if at > 0 && (isDigit(text[at-1]) || text[at-1] >= 0x80 || text[at-1] == '%' || text[at-1] == '\\') {
		return false
	}
	return n < len(name) && isKept(name[n:])
}

// isAPINameAfter reports whether a quote, a colon and the name of an API follow the key api_key, as in each
// entry.
func isAPINameAfter[T string | []byte](text T, end int) bool {
	at := end
	for at < len(text) && at < end+8 && (text[at] == '\\' || text[at] == '"' || text[at] == ':' || text[at] == ' ') {
		at++
	}
	return isAPIName(text[at:min(len(text), at+9)])
}
