// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// This file notices, for the filter, credentials without a key of ASCII letters: values and links that are
// credentials, options of commands, Chinese keys, and whatever may hide a part of a key.

// special is how specials are noticed: by pairs of their first two bytes, one of first and one of second.
type special struct{ first, second string }

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

var specials = []special{
	{"\\", "u"},
	{"%", "0234567eEdD"},
	{"&", "#nN"},
	{":", "/\\%"},
	{"/", "uUaA"},
	{"@", "tu"},
	{"-", "-" + alphanumeric},
	{"\xd0", "\xbf\x9f"}, // п and П
	{"\xc2", "\xa0\xad"},
	{"\xe2", "\x80\x81"},
	{"\xe3", "\x80\x83"},
	{"\xef", "\xbb\xbc\xbd"},         // spaces, invisible, full-width
	{"\xe0", "\xb8\xa4"},             // ร and प
	{"\xe1", "\xba"},                 // ậ
	{"\xe4", "\xbb"},                 // 令
	{"\xe5", "\xaf\x8f\x8a\xb8"},     // 密, 口, 助, 帐 and 帳
	{"\xe6", "\xac\x8f\x9a\x8e\x81"}, // 權, 提, 暗, 授, 恢
	{"\xe7", "\xa7"},                 // 秘, 私
	{"\xe8", "\xaa\xae\xb4"},         // 認, 访, 账
	{"\xe9", "\x87\xaa\xa9"},         // 金, 验, 驗
	{"\xeb", "\xb9"},                 // 비
	{"\xec", "\x9d"},                 // 인
}

// specialPairs, nearPairs and tailPairs are how the stride notices specials: if the text is cut into pairs of
// bytes anywhere, each special contains one of these. They are chosen to be rare. A special of nearPairs begins
// with one of the two bytes; one of tailPairs is a character that ends with them.
var specialPairs = []special{
	{"0u", "0"}, // of \u00XX one pair is either 00 or u0
	{"#", "0123456789xX"},
	{"pP", ";"},
	{"rR", ":"},
	{"dD", "dD"}, // of /add
	{"nN", "bB"}, // &#, and &nbsp; by its end
	{"/", "/\\"},
	{"\\", "/"},
}

var nearPairs = []special{
	{"%", "0234567eEdD"},
	{" ", "/"},
	{anyByte, "%"},
	{"&", "#"},
	{":", "/"},
	{"@", "tu"},
	{anyByte, "@"},
	{"tuarTUARkbps", "-"},
	{"-", alphanumeric},
	{" \t\n\r\"'+\x00", "-"},
	{"-", "-"},
	{"\xc2", "\xa0\xad"},
	{anyByte, "\xc2"},
	{"\xe2", "\x80\x81"},
	{"\xe3", "\x80"},
	{"\xef", "\xbb\xbc\xbd"},
}

var tailPairs = []special{
	{"\x80", "\x80\x8b\x8c\x8d\x8e\x8f\xaf\x90\x91"},
	{"\x81", "\xa0\x9f"},
	{"\xbb", "\xbf"},
	{"\xbc", "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba"},
	{"\xbd", "\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98\x99\x9a"},
}

// specialReach is how many bytes before a noticed pair a special may begin.
const specialReach = 6

// specialNear reports whether a special is at or around the pair text[i:i+2].
func specialNear[T string | []byte](text T, i int) bool {
	for at := max(i-specialReach, 0); at <= i+1 && at < len(text); at++ {
		if narrowAt(text, at) {
			return true
		}
	}
	return false
}

// wideNear reports whether the pair text[i:i+2] ends the first or the second character of a key beyond ASCII, or
// is the end of the first one and a space. Each character of these has three bytes, so wherever a text is cut
// into pairs, one pair does. Other spaces between the two are noticed as well.
func wideNear[T string | []byte](text T, i int) bool {
	for _, before := range [...]int{1, 2, 4} {
		if i >= before && wideKeyEnd(text, i-before) > i-before {
			return true
		}
	}
	return false
}

// specialAt reports whether a special begins at text[at].
func specialAt[T string | []byte](text T, at int) bool {
	return narrowAt(text, at) || wideKeyEnd(text, at) > at
}

// narrowAt is specialAt without the keys beyond ASCII.
func narrowAt[T string | []byte](text T, at int) bool {
	switch c := text[at]; c {
	case '\\':
		if at+6 > len(text) || text[at+1] != 'u' {
			return false
		}
		if text[at+2] == '0' && text[at+3] == '0' {
			return hides(text, at+4) || hasUserinfo(text, at)
		}
		return escapedWide(text, at)
	case '%':
		if at+3 > len(text) {
			return false
		}
		if c := text[at+1] | 0x20; c == 'e' || c == 'd' {
			return escapedWide(text, at)
		}
		return hides(text, at+1) || hasUserinfo(text, at)
	case '&':
		return isHidingEntity(text, at)
	case ':':
		return hasUserinfo(text, at)
	case '/':
		return isUserOption(text, at) || isAddOption(text, at)
	case '@':
		return hasPrefixAt(text, at, "@tcp") || hasPrefixAt(text, at, "@unix")
	case '-':
		return isTokenPrefix(text, at) || isShortOption(text, at)
	case 0xc2, 0xe2, 0xe3, 0xef:
		return isHidingRune(text, at)
	}
	return false
}

// isAnyEscape reports whether an escape begins at text[at].
func isAnyEscape[T string | []byte](text T, at int) bool {
	if at+3 > len(text) {
		return false
	}
	return text[at] == '%' && unhex(text[at+1]) >= 0 && unhex(text[at+2]) >= 0 || text[at] == '\\' && text[at+1] == 'u' ||
		text[at] == '&' && text[at+1] == '#'
}

// hides reports whether the escape of a byte, in two hexadecimal digits at text[at], may hide part of a stem or
// of another escape. '&' may only if the rest of an entity's start follows, escaped or not.
func hides[T string | []byte](text T, at int) bool {
	h, l := unhex(text[at]), unhex(text[at+1])
	if h < 0 || l < 0 {
		return false
	}
	switch c := byte(h<<4 | l); c {
	case '&':
		rest := text[at+2:]
		return hasPrefixAt(rest, 0, "#") || hasPrefixAt(rest, 0, "%23") || hasPrefixAt(rest, 0, `\u0023`)
	default:
		return isLetter(c) || isDigit(c) || isSeparator(c) || c == '%' || c == '\\'
	}
}

func hasPrefixAt[T string | []byte](text T, at int, prefix string) bool {
	return len(text)-at >= len(prefix) && string(text[at:at+len(prefix)]) == prefix
}

// looseByte returns the length of c at text[at], as it is or escaped, or 0.
func looseByte[T string | []byte](text T, at int, c byte) int {
	switch {
	case at >= len(text):
	case text[at] == c:
		return 1
	case text[at] == '\\' && at+1 < len(text) && text[at+1] == c:
		return 2
	case text[at] == '%' && at+3 <= len(text) && unhex(text[at+1])<<4|unhex(text[at+2]) == rune(c):
		return 3
	case hasPrefixAt(text, at, `\u00`) && at+6 <= len(text) && unhex(text[at+4])<<4|unhex(text[at+5]) == rune(c):
		return 6
	}
	return 0
}

// hasUserinfo reports whether :// is at text[at], escaped or not, and a user before
// a host after it.
func hasUserinfo[T string | []byte](text T, at int) bool {
	for _, c := range []byte("://") {
		n := looseByte(text, at, c)
		if n == 0 {
			return false
		}
		at += n
	}
	return userinfoEnd(text, at) > 0
}

// isHidingEntity reports whether the HTML entity at text[at] may hide part of a
// stem: a character by its number, or a space within a key.
func isHidingEntity[T string | []byte](text T, at int) bool {
	if at+2 >= len(text) {
		return false
	}
	if c := text[at+2]; text[at+1] == '#' && (isDigit(c) || lower(c) == 'x') {
		n, out, ok := entityAt([]byte(text[at:min(len(text), at+maxEntity)]))
		return ok && n > 0 && (out == "" || out[0] >= 0x80 || isLetter(out[0]) || isDigit(out[0]) || isSeparator(out[0]) || out == "%" || out == "\\" || out == "&")
	}
	return at > 0 && isLetter(text[at-1]) && lower(text[at+1]) == 'n' && at+6 < len(text) && text[at+5] == ';' && isLetter(text[at+6])
}

// isHidingRune reports whether the character at text[at] may hide part of a stem:
// a full-width letter, or a space or something invisible after a letter.
func isHidingRune[T string | []byte](text T, at int) bool {
	n := 3
	if text[at] == 0xc2 {
		n = 2
	}
	if at+n > len(text) || !isContinuation(text[at+1]) || !isContinuation(text[at+n-1]) {
		return false
	}
	second, last := text[at+1], text[at+n-1]
	switch {
	case text[at] == 0xe3 && last != 0x80, text[at] == 0xe2 && second == 0x80 && 0x92 <= last && last <= 0xa7:
		return false // the punctuation of Chinese, quickly
	case text[at] == 0xef && second == 0xbc:
		return 0xa1 <= last && last <= 0xba
	case text[at] == 0xef && second == 0xbd:
		return 0x81 <= last && last <= 0x9a
	case at == 0 || !isLetter(text[at-1]) && text[at-1] != '_' && text[at-1] != '-' && text[at-1] < 0x80:
		return false
	case at+n < len(text) && !isLetter(text[at+n]) && text[at+n] < 0xc2 && text[at+n] != '_' && text[at+n] != '-':
		return false
	}
	out, ok := foldRune(decode(text[at:]))
	return ok && (out == "" || out == " " || out == "-") && isLetterBefore(text, at)
}

// isLetterBefore reports whether the last byte of ASCII before text[at], close to
// it, is a letter or joins two words of a key.
func isLetterBefore[T string | []byte](text T, at int) bool {
	for i := at - 1; i >= 0 && i >= at-12; i-- {
		if c := text[i]; c < 0x80 {
			return isLetter(c) || c == '_' || c == '-'
		}
	}
	return false
}

// decode reads a character of two or three bytes.
func decode[T string | []byte](text T) rune {
	if text[0] == 0xc2 {
		return rune(text[0]&0x1f)<<6 | rune(text[1]&0x3f)
	}
	return rune(text[0]&0x0f)<<12 | rune(text[1]&0x3f)<<6 | rune(text[2]&0x3f)
}

// wideKeyEnd returns the end of the built-in key beyond ASCII at text[at], or at.
func wideKeyEnd[T string | []byte](text T, at int) int {
	if c := text[at]; c == 0xd0 || c == 0xe1 {
		for _, key := range alphabetKeys {
			if hasPrefixAt(text, at, key) {
				return at + len(key)
			}
		}
		return at
	}
	if text[at] < 0xe0 || len(text)-at < 3 {
		return at
	}
	for _, key := range wideKeys[text[at+2]] {
		if hasPrefixAt(text, at, key) {
			return at + len(key)
		}
		if hasPrefixAt(text, at, key[:3]) {
			if end := spacedEnd(text, at+3, key[3:]); end > 0 {
				return end
			}
		}
	}
	return at
}

// spacedEnd returns the end of the rest of a key at text[at] whose characters have a space or something
// invisible between them, as in a form with aligned labels, or 0.
func spacedEnd[T string | []byte](text T, at int, rest string) int {
	for ; rest != ""; rest = rest[3:] {
		for range maxFillers {
			at += fillerAt(text, at)
		}
		if !hasPrefixAt(text, at, rest[:3]) {
			return 0
		}
		at += 3
	}
	return at
}

// maxFillers is how many spaces may be between two characters of a key.
const maxFillers = 4

// fillerAt returns the length of such a space or invisible character at text[at], or 0.
func fillerAt[T string | []byte](text T, at int) int {
	switch {
	case at >= len(text):
	case text[at] == ' ':
		return 1
	case text[at] == 0xc2, text[at] == 0xe2, text[at] == 0xe3, text[at] == 0xef:
		n := 3
		if text[at] == 0xc2 {
			n = 2
		}
		if at+n > len(text) || !isContinuation(text[at+1]) || !isContinuation(text[at+n-1]) {
			return 0
		}
		if out, ok := foldRune(decode(text[at:])); ok && (out == "" || out == " ") {
			return n
		}
	}
	return 0
}
