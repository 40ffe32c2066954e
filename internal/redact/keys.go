// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"unicode/utf8"
)

// kind says what a key tells about its value.
type kind uint8

const (
	plain  kind = iota
	secret      // a credential
	plural      // several credentials, or, as a number, how many
	header      // a credential that takes the rest of its line
)

// credentials are the built-in credential keys, normalised: what ends in suffix
// is of that kind.
var credentials = []struct {
	suffix string
	kind   kind
}{
	{"token", secret},
	{"tokens", plural},
	{"ticket", secret}, // no plural: tickets is the help desk's list
	{"secret", secret},
	{"secrets", plural},
	{"password", secret},
	{"passwords", plural},
	{"passwd", secret},
	{"pwd", secret},
	{"passphrase", secret},
	{"authorization", header},
	{"bearer", secret},
	{"cookie", header},
	{"cookies", plural},
	{"clientassertion", secret},
	{"codeverifier", secret},
	{"jwt", secret},
	{"accesskey", secret},
	{"aeskey", secret},
	{"encryptkey", secret},
	{"encryptionkey", secret},
	{"privatekey", secret},
	{"secretkey", secret},
	{"sessionkey", secret},
	{"signkey", secret},
	{"signaturekey", secret},
	{"signingkey", secret},
	{"verificationkey", secret},
	{"verifykey", secret},
}

// byLastLetter holds the indexes of credentials by the suffix's last letter.
var byLastLetter = func() (table [256][]uint8) {
	for i, c := range credentials {
		last := c.suffix[len(c.suffix)-1]
		table[last] = append(table[last], uint8(i))
	}
	return table
}()

// minWindow is how far back from its separator a key is read in text that is
// not JSON, in bytes; the longest built-in key, each letter escaped as \uXXXX,
// fits.
const minWindow = 128

// keySet is the built-in credential keys and the configured ones.
type keySet struct {
	extra  map[string]struct{} // normalised
	window int                 // as minWindow, enough for every key of extra
}

// IsKey reports whether anything of key is left to be compared, so that it can be a
// further key of New.
func IsKey(key string) bool { return len(appendNormal(nil, []byte(key))) > 0 }

func newKeySet(extraKeys []string) *keySet {
	k := &keySet{extra: make(map[string]struct{}, len(extraKeys)), window: minWindow}
	for _, key := range extraKeys {
		if name := string(appendNormal(nil, []byte(key))); name != "" {
			k.extra[name] = struct{}{}
			k.window = max(k.window, 6*len(key))
		}
	}
	return k
}

// kind looks up a normalised key.
func (k *keySet) kind(name []byte) kind {
	if k.isExtra(name) {
		return secret
	}
	// token2, and token[] and token[0] of forms.
	for len(name) > 0 && (name[len(name)-1] == '[' || name[len(name)-1] == ']' || isDigit(name[len(name)-1])) {
		name = name[:len(name)-1]
	}
	if len(name) == 0 {
		return plain
	}
	for _, i := range byLastLetter[name[len(name)-1]] {
		if c := &credentials[i]; len(name) >= len(c.suffix) && string(name[len(name)-len(c.suffix):]) == c.suffix {
			return c.kind
		}
	}
	return plain
}

// isExtra says whether a normalised key is a configured one, or has one among the names
// in a form's brackets: user[id_card], id_card[], id_card[0][no].
func (k *keySet) isExtra(name []byte) bool {
	if len(k.extra) == 0 {
		return false
	}
	if _, ok := k.extra[string(name)]; ok {
		return true
	}
	for {
		end := bytes.IndexAny(name, "[]")
		if end < 0 {
			_, ok := k.extra[string(name)]
			return ok
		}
		if _, ok := k.extra[string(name[:end])]; ok && isIndexes(name[end:]) {
			return true
		}
		name = name[end+1:]
	}
}

// isIndexes says whether text is the rest of a form's key behind one of its names: the
// bracket that closes it, and further names in brackets, to the end.
func isIndexes(text []byte) bool {
	for i, c := range text {
		if c == ']' && i+1 < len(text) && text[i+1] != '[' {
			return false
		}
	}
	return text[len(text)-1] == ']'
}

// kindInText looks up the key that raw ends with. Nothing but a guess says
// where it begins, so that a configured key may begin at any word. buf is
// scratch space, returned for reuse.
func (k *keySet) kindInText(raw, buf []byte) (kind, []byte) {
	buf = appendNormal(buf[:0], raw)
	found := k.kind(buf)
	if found != plain || len(k.extra) == 0 {
		return found, buf
	}
	for i := 1; i < len(raw); i++ {
		if isWordByte(raw[i-1]) || !isWordByte(raw[i]) {
			continue
		}
		buf = appendNormal(buf[:0], raw[i:])
		if k.isExtra(buf) {
			return secret, buf
		}
	}
	return plain, buf
}

// appendNormal appends key, a JSON string's content or a piece of other text,
// the way keys are compared: ASCII letters in lower case, separators dropped,
// \uXXXX (behind any number of backslashes) and %XX resolved.
func appendNormal(dst, key []byte) []byte {
	for i := 0; i < len(key); {
		c := key[i]
		switch c {
		default:
			i++
		case '\\':
			run := 1
			for i+run < len(key) && key[i+run] == '\\' {
				run++
			}
			if i+run < len(key) && key[i+run] == 'u' {
				if n, r, wide := unit(key[i+run-1:], backslash); wide {
					i += run - 1 + n
					if r >= 0x80 {
						dst = utf8.AppendRune(dst, r)
						continue
					}
					c = byte(r)
					break
				}
			}
			dst = append(dst, key[i:i+run]...)
			i += run
			continue
		case '%':
			n, r, _ := unit(key[i:], percent)
			i += n
			c = byte(r)
		}
		if !isSeparator(c) {
			dst = append(dst, lower(c))
		}
	}
	return dst
}

// isSeparator says whether c only separates the words of a key. '+' is a space
// in form encoding.
func isSeparator(c byte) bool { return c == '_' || c == '-' || c == ' ' || c == '+' }

// isWordByte says whether c is part of a word of a key, or of an escape in it.
func isWordByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '_' || c == '-' || c == '%' || c >= 0x80
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// isMasked says whether a value needs no mask: it is empty, or masked already.
func isMasked(value []byte) bool {
	return len(value) == 0 || string(value) == Mask
}

// hasMaskPrefix says whether text begins with a mask.
func hasMaskPrefix(text []byte) bool { return bytes.HasPrefix(text, []byte(Mask)) }
