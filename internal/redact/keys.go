// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"slices"
)

// byLastByte holds the indexes of credentials by the suffix's last byte.
var byLastByte = func() (table [256][]uint8) {
	for i, c := range credentials {
		last := c.suffix[len(c.suffix)-1]
		table[last] = append(table[last], uint8(i))
	}
	return table
}()

// minWindow is how many bytes before its end a key is read in text that is not JSON; the longest built-in key
// fits, with each letter escaped as \uXXXX.
const minWindow = 128

// keySet is the built-in credential keys and the configured ones.
type keySet struct {
	extra       map[string]struct{} // normalised
	window      int                 // as minWindow, enough for every key of extra
	extraWindow int                 // enough for every key of extra
	keep        bool                // the keep list is used
}

// IsKey reports whether key is not empty after normalisation, so that it can be a further key of New.
func IsKey(key string) bool { return len(appendNormal(nil, []byte(key))) > 0 }

func newKeySet(extraKeys []string) *keySet {
	k := &keySet{extra: make(map[string]struct{}, len(extraKeys)), window: minWindow, keep: true}
	for _, key := range extraKeys {
		if name := string(appendNormal(nil, []byte(key))); name != "" {
			k.extra[name] = struct{}{}
			k.window = max(k.window, 6*len(key))
			k.extraWindow = max(k.extraWindow, 6*len(key))
		}
	}
	return k
}

// kind looks up a key by its name, which is raw normalised.
func (k *keySet) kind(raw, name []byte) kind {
	if k.isExtra(name) {
		return secret
	}
	trimmed, numbered := withoutIndex(name)
	if len(trimmed) == 0 || trimmed[len(trimmed)-1] >= 0x80 && numbered {
		return plain // digits are dropped after ASCII only: 密码2 is a different name
	}
	found := k.builtIn(raw, trimmed)
	if i := bytes.LastIndexByte(name, '['); found == plain && i > 0 && name[len(name)-1] == ']' {
		return k.builtIn(raw, name[:i]) // token[a]
	}
	if found == plain && beginsInOneOf(name, leadingNames) {
		return weak
	}
	return found
}

// builtIn looks up a name among the built-in keys.
func (k *keySet) builtIn(raw, name []byte) kind {
	if len(name) == 0 || endsPlain(name) {
		return plain
	}
	found := plain
	for _, i := range byLastByte[name[len(name)-1]] {
		c := &credentials[i]
		if bytes.HasSuffix(name, []byte(c.suffix)) && fits(raw, c) {
			found = max(found, c.kind)
		}
	}
	if found != plain && (endsInOneOf(name, signers) || endsInOneOf(name, objects)) {
		return plain
	}
	if found == weak && isLoginPass(name) {
		return secret
	}
	if found == secret || found == plural {
		if k.keep && endsInOneOf(name, sessions) {
			return plain
		}
		return k.tokenKind(found, raw, name)
	}
	return found
}

// withoutIndex returns a key without what people and forms add to it: token2, token[], token[0], token:, token*,
// token (of the test). numbered reports that digits were dropped.
func withoutIndex(name []byte) (_ []byte, numbered bool) {
	for len(name) > 0 {
		switch c := name[len(name)-1]; {
		case isDigit(c):
			numbered = true
			name = name[:len(name)-1]
		case bytes.IndexByte([]byte("[]:*?!.="), c) >= 0:
			name = name[:len(name)-1]
		case c == 'e' && bytes.HasSuffix(name, []byte(".value")):
			name = name[:len(name)-len(".value")]
		case c == ')' && bytes.IndexByte(name, '(') > 0:
			name = name[:bytes.LastIndexByte(name, '(')]
		default:
			return name, numbered
		}
	}
	return name, numbered
}

// tokenKind is the kind of a name that ends in token or tokens: of a resource, of a place in a list, or a number
// of tokens. Such a name may begin at any word of raw: the file_token, data.file_token.
func (k *keySet) tokenKind(found kind, raw, name []byte) kind {
	stem, ok := bytes.CutSuffix(bytes.TrimSuffix(name, []byte("s")), []byte("token"))
	if !ok {
		return found
	}
	if kept := k.keptKind(found, stem); kept != found || len(stem) == 0 {
		return kept
	}
	var buf [2 * maxKeptName]byte
	words := 0
	for i := len(raw) - 1; i > 0 && i > len(raw)-len(buf) && words < maxKeptWords; i-- {
		if !endsKeptName(raw[i-1]) {
			continue
		}
		words++
		tail := appendNormal(buf[:0], raw[i:])
		if at := bytes.LastIndex(tail, []byte("token")); at > 0 {
			if kept := k.keptKind(found, tail[:at]); kept != found {
				return kept
			}
		}
	}
	return found
}

// keptKind is the kind of a name with stem before token.
func (k *keySet) keptKind(found kind, stem []byte) kind {
	switch {
	case len(stem) == 0 || len(stem) > maxKeptName:
		return found
	case isOneOf(stem, counts):
		return plural
	case k.keep && isKept(stem):
		return plain
	}
	return found
}

// endsKeptName reports whether a name of the keep list may begin after c.
func endsKeptName(c byte) bool {
	return !isLetter(c) && !isDigit(c) && c < 0x80 && c != '_' && c != '-' && c != '%' && c != '\\'
}

const (
	// maxKeptName is the maximum length of a name of the keep list without its token.
	maxKeptName = 32
	// maxKeptWords is how many words it may have in text, token included.
	maxKeptWords = 3
)

// isKept reports whether a name before token is one of the keep list.
func isKept(stem []byte) bool {
	return isOneOf(stem, cursors) || isResource(stem, false)
}

// isResource reports whether stem ends in a noun and otherwise consists only of nouns and qualifiers, and so
// names a resource. noun reports that a noun was seen.
func isResource(stem []byte, noun bool) bool {
	if len(stem) == 0 {
		return noun
	}
	for _, word := range resourceNouns {
		if rest, ok := bytes.CutSuffix(stem, []byte(word)); ok && isResource(rest, true) {
			return true
		}
	}
	if !noun {
		return false
	}
	for _, word := range resourceQualifiers {
		if rest, ok := bytes.CutSuffix(stem, []byte(word)); ok && isResource(rest, true) {
			return true
		}
	}
	return false
}

// fits reports whether a key ends with a credential's suffix in the required way: as a separate word (sk, my_sk,
// mySk and MY-SK, but not task), with separators only where they are allowed.
func fits(raw []byte, c *credential) bool {
	if !c.whole && c.gaps == 1<<32-1 {
		return true
	}
	raw = plainKey(raw)
	trimmed, _ := withoutIndex(raw)
	end := len(trimmed)
	for i := len(c.suffix) - 1; i >= 0; i-- {
		for end > 0 && (i == len(c.suffix)-1 || c.gaps>>(i+1)&1 != 0) && isSeparator(raw[end-1]) {
			end--
		}
		if end == 0 || lower(raw[end-1]) != c.suffix[i] {
			return false
		}
		end--
	}
	return !c.whole || isWordStart(raw, end)
}

// plainKey returns a key with its escapes resolved and folded, and its separators
// as they are.
func plainKey(raw []byte) []byte {
	if !bytes.ContainsAny(raw, `\%`) && isASCII(raw) {
		return raw
	}
	for range maxLevels {
		next := raw
		for _, e := range []escapes{backslash, percent} {
			next = appendUnescaped(nil, next, e)
		}
		if len(next) == len(raw) {
			break
		}
		raw = next
	}
	raw, _ = appendFolded(nil, raw)
	return raw
}

// isWordStart reports whether a word begins at text[at], judged by what is before it.
func isWordStart[T string | []byte](text T, at int) bool {
	if at == 0 || !isLetter(text[at-1]) && !isDigit(text[at-1]) {
		return true
	}
	if at > 1 && text[at-2] == '\\' {
		return true // the letter is part of an escape, such as \n
	}
	return 'a' <= text[at-1] && text[at-1] <= 'z' && 'A' <= text[at] && text[at] <= 'Z' && (at+1 == len(text) || text[at+1] >= 'a')
}

// isExtra reports whether a normalised key is a configured one, or contains one among the names in a form's
// brackets: user[id_card], id_card[], id_card[0][no].
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

// isIndexes reports whether text is the rest of a form's key after one of its names: the closing bracket, and
// further names in brackets, to the end.
func isIndexes(text []byte) bool {
	for i, c := range text {
		if c == ']' && i+1 < len(text) && text[i+1] != '[' {
			return false
		}
	}
	return text[len(text)-1] == ']'
}

// kindInText looks up the key that raw ends with, and reports whether it is a configured one. Where it begins
// can only be guessed, so a configured key may begin at any word. buf is scratch space, returned for reuse with
// the key in it.
func (k *keySet) kindInText(raw, buf []byte) (found kind, extra bool, _ []byte) {
	buf = appendNormal(buf[:0], raw)
	if extra = k.isExtra(buf); extra {
		return secret, true, buf
	}
	found = k.kind(raw, buf)
	if len(k.extra) == 0 {
		return found, false, buf
	}
	whole := len(buf)
	for i := max(1, len(raw)-k.extraWindow); i < len(raw); i++ {
		if isWordByte(raw[i-1]) && (raw[i-1] < 0x80) == (raw[i] < 0x80) || !isWordByte(raw[i]) {
			continue
		}
		buf = appendNormal(buf[:whole], raw[i:])
		if name := buf[whole:]; k.isExtra(name) {
			return secret, true, append(buf[:0], name...)
		}
	}
	return found, false, buf[:whole]
}

// isWordByte reports whether c is part of a word of a key, or of an escape in it.
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

// equalFold reports whether word, of ASCII, is text in any case.
func equalFold(word []byte, text string) bool {
	if len(word) != len(text) {
		return false
	}
	for i, c := range word {
		if lower(c) != text[i] {
			return false
		}
	}
	return true
}

// isMasked reports whether a value needs no mask: it is empty, or masked already.
func isMasked(value []byte) bool {
	return len(value) == 0 || string(value) == Mask
}

// hasMaskPrefix reports whether text begins with a mask.
func hasMaskPrefix(text []byte) bool { return bytes.HasPrefix(text, []byte(Mask)) }

// isAPIName reports whether value is the name of an API, as the entry's own
// api_key is: METHOD/path.
func isAPIName[T string | []byte](value T) bool {
	n := 0
	for n < len(value) && n < 8 && 'A' <= value[n] && value[n] <= 'Z' {
		n++
	}
	return n >= 3 && n < len(value) && value[n] == '/' && slices.Contains(methods, string(value[:n]))
}

// methods are those that an api_key begins with.
var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
