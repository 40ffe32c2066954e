// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file replaces characters that are only other forms of ASCII characters: separators, quotes, brackets,
// spaces and arrows of every script, full-width letters, HTML entities. Invisible characters are dropped. The
// search for keys and values works only on ASCII forms.

// folds are the characters with another form in ASCII. Chinese punctuation that ends a clause gets the space
// that ends one in English.
var folds = func() map[rune]string {
	m := map[rune]string{'\u0085': "\n", '\u2028': "\n", '\u2029': "\n", '。': ". ", '｡': ". ", '，': ", ", '、': ", ", '；': "; ", '！': "! ", '？': "? ", '≔': ":=", '（': " ("}
	for chars, out := range map[string]string{
		"\u00a0\u1680\u202f\u205f\u3000": " ",
		"\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff": "",
		"“”„‟«»「」『』〝〞〟＂｢｣": `"`,
		"‘’‚‛‹›＇":          "'",
		"【〔〖［《〈":           "[",
		"】〕〗］》〉":           "]",
		"：﹕∶꞉ː︰ː፡":         ":",
		"＝﹦꞊":              "=",
		"→⇒➜➔⟶⟹➡▶►👉⮕➤":     "=>",
		"–—―−‐‑‒﹣":         "-",
		"｜│┃┆¦":            "|",
		"•●∙·・‣▪◦":         "*",
	} {
		for _, r := range chars {
			m[r] = out
		}
	}
	for r := rune(0x2000); r <= 0x200a; r++ {
		m[r] = " "
	}
	for r := rune(0xff01); r <= 0xff5e; r++ {
		if _, ok := m[r]; !ok {
			m[r] = string(r - 0xff01 + '!')
		}
	}
	return m
}()

func foldRune(r rune) (string, bool) {
	out, ok := folds[r]
	return out, ok
}

// entities are the HTML entities of ASCII and of spaces.
var entities = map[string]string{
	"quot": `"`, "apos": "'", "lt": "<", "gt": ">", "amp": "&", "nbsp": " ", "ensp": " ", "emsp": " ", "thinsp": " ",
	"colon": ":", "equals": "=", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "ldquo": `"`, "rdquo": `"`,
	"lsquo": "'", "rsquo": "'", "lowbar": "_", "shy": "", "zwj": "", "zwnj": "", "rarr": "=>", "newline": "\n", "tab": "\t",
}

// maxEntity is the maximum length of an entity, and how often it may be escaped again.
const maxEntity = 32

// foldAt returns the length of the character or entity at the start of text, and what it stands for.
func foldAt(text []byte) (n int, out string, ok bool) {
	if text[0] == '&' {
		return entityAt(text)
	}
	r, n := utf8.DecodeRune(text)
	out, ok = foldRune(r)
	return n, out, ok
}

// entityAt reads an entity. An entity that was escaped again, such as &amp;quot;, is read as the inner one.
func entityAt(text []byte) (n int, out string, ok bool) {
	at := 1
	for at < maxEntity && bytes.HasPrefix(text[at:], []byte("amp;")) {
		at += len("amp;")
	}
	if n, out, ok = oneEntity(text, at); ok {
		return n, out, true
	}
	if at > 1 {
		return at, "&", true
	}
	return 1, "", false
}

// oneEntity reads the name of an entity at text[at], its '&' excluded.
func oneEntity(text []byte, at int) (n int, out string, ok bool) {
	end := bytes.IndexByte(text[at:min(len(text), at+10)], ';')
	if end <= 0 {
		return 0, "", false
	}
	name, n := string(text[at:at+end]), at+end+1
	if name[0] == '#' {
		number, base := name[1:], 10
		if len(number) > 1 && lower(number[0]) == 'x' {
			number, base = number[1:], 16
		}
		r, err := strconv.ParseUint(number, base, 21)
		if err != nil || r == 0 || !utf8.ValidRune(rune(r)) {
			return 0, "", false
		}
		if folded, ok := foldRune(rune(r)); ok {
			return n, folded, true
		}
		return n, string(rune(r)), true
	}
	out, ok = entities[strings.ToLower(name)]
	return n, out, ok
}

// nextFoldable returns the position, at or after i, of the next byte that may be
// folded, or the text's length.
func nextFoldable(text []byte, i int) int {
	for i < len(text) && text[i] < 0x80 && text[i] != '&' {
		i++
	}
	return i
}

// appendFolded appends text folded, and reports whether that changed it.
func appendFolded(dst, text []byte) (_ []byte, changed bool) {
	for i := 0; i < len(text); {
		next := nextFoldable(text, i)
		dst = append(dst, text[i:next]...)
		if i = next; i == len(text) {
			break
		}
		n, out, ok := foldAt(text[i:])
		if ok {
			dst = append(dst, out...)
			changed = true
		} else {
			dst = append(dst, text[i:i+n]...)
		}
		i += n
	}
	return dst, changed
}

// unfoldSpans turns spans of folded text into spans of raw, as liftSpans does
// for escapes.
func unfoldSpans(spans []span, raw []byte) {
	plain := func(text []byte) int { return nextFoldable(text, 0) }
	lift(spans, raw, plain, func(text []byte) (n, size int) {
		n, out, ok := foldAt(text)
		if ok {
			return n, len(out)
		}
		return n, n
	})
}
