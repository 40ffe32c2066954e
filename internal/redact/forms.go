// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/base64"
)

// This file masks values whose form shows what they are, with any key. The list is short: a form is here if it
// is documented, or a rule of gitleaks, and nothing else has the same form.
//
//   - t-, u-, a- and ur- before 20 letters and digits or more: Feishu's tenant,
//     user, app access and refresh tokens. Its API refuses what does not begin so
//     (code 99991671), and the shortest in its pages is u- and 20.
//   - a JSON Web Token (RFC 7519): gitleaks' jwt. Feishu's newer user access tokens
//     are some.
//   - base64 of a JSON object in which redaction by keys finds a credential.
//   - a private key in PEM (RFC 7468): gitleaks' private-key.
//   - 40 characters of base64 after a key id of AWS, AKIA and 16 more: the id is
//     gitleaks' aws-access-token, and alone it opens nothing. Tencent Cloud has the
//     same with AKID and 32.
const (
	minFeishuToken = 20
	minJWTPart     = 10
	maxBesideKeyID = 160 // bytes between a key id and its secret
)

// form masks such a value at the word at a hit. It returns the value's end, or hit.
func (w *walker) form(text []byte, from, hit int, word span) int {
	start := word.start
	if start > 0 && isWordByte(text[start-1]) && text[start-1] < 0x80 {
		start = -1 // not at the start of the word
	}
	switch {
	case start >= from && word.end-start > minFeishuToken && isTokenPrefix(text, start+bytes.IndexByte(text[start:word.end], '-')):
		return w.mask(text, start, tokenEnd(text, start), "")
	case start >= from && bytes.HasPrefix(text[start:], []byte("eyJ")):
		if end := jwtEnd(text, start); end > start {
			return w.mask(text, start, end, "")
		}
		if end := base64End(text, start); w.hidesCredential(text[start:end]) {
			return w.mask(text, start, end, "")
		}
	case text[hit] == ':' && telegramEnd(text, hit) > 0:
		return w.mask(text, hit+1, telegramEnd(text, hit), "")
	case issuedEnd(text, start, from) > 0:
		return w.mask(text, start, issuedEnd(text, start, from), "")
	case start >= 0 && (bytes.HasPrefix(text[start:], []byte("AK")) || bytes.HasPrefix(text[start:], []byte("LTAI"))):
		if s := secretBeside(text, start, word.end); s.end > 0 {
			return w.mask(text, s.start, s.end, "")
		}
	case word.end-word.start >= 3 && equalFold(text[hit:min(len(text), hit+3)], "key"):
		first := max(from, hit-40)
		if i := bytes.LastIndex(text[first:hit], []byte("-----BEGIN ")); i >= 0 {
			if end := pemEnd(text, first+i); end > hit {
				return w.mask(text, first+i, end, "")
			}
		}
	}
	return hit
}

// isTokenPrefix reports whether the hyphen text[at] is that of one of Feishu's
// tokens.
func isTokenPrefix[T string | []byte](text T, at int) bool {
	if at < 1 || at+minFeishuToken >= len(text) || text[at] != '-' {
		return false
	}
	if isIssuedBefore(text, at) {
		return true
	}
	start := at - 1
	switch text[start] {
	case 't', 'u', 'a':
	case 'r':
		if start--; start < 0 || text[start] != 'u' {
			return false
		}
	case 'k':
		if start--; start < 0 || text[start] != 's' {
			return false
		}
		for _, part := range [...]string{"proj-", "ant-api03-", "svcacct-", "or-v1-"} {
			if hasPrefixAt(text, at+1, part) {
				at += len(part)
			}
		}
		if at+minFeishuToken >= len(text) {
			return false
		}
	default:
		return false
	}
	if start > 0 && (isLetter(text[start-1]) || isDigit(text[start-1]) || text[start-1] == '_' || text[start-1] == '-') {
		return false
	}
	digits, letters := 0, 0
	for i := at + 1; i <= at+minFeishuToken; i++ {
		switch c := text[i]; {
		case isDigit(c):
			digits++
		case isLetter(c):
			letters++
		default:
			return false
		}
	}
	return digits > 0 && letters > 0
}

// tokenEnd returns the end of the token that begins at text[at].
func tokenEnd(text []byte, at int) int {
	for at < len(text) && (isLetter(text[at]) || isDigit(text[at]) || text[at] == '_' || text[at] == '-' || text[at] == '.' && at+1 < len(text) && (isLetter(text[at+1]) || isDigit(text[at+1]))) {
		at++
	}
	return at
}

// base64End returns the end of the base64 at text[at], of either alphabet.
func base64End(text []byte, at int) int {
	for at < len(text) && (isLetter(text[at]) || isDigit(text[at]) || bytes.IndexByte([]byte("+/-_="), text[at]) >= 0) {
		at++
	}
	return at
}

// jwtEnd returns the end of the JSON Web Token that begins at text[at], or at.
func jwtEnd(text []byte, at int) int {
	head := base64End(text, at)
	if head-at < minJWTPart || head == len(text) || text[head] != '.' {
		return at
	}
	body := base64End(text, head+1)
	if body-head <= minJWTPart {
		return at
	}
	end := body
	for end < len(text) && text[end] == '.' {
		next := base64End(text, end+1)
		if next == end+1 {
			break
		}
		end = next
	}
	return end
}

// hidesCredential reports whether base64 encodes JSON with a credential in it.
func (w *walker) hidesCredential(encoded []byte) bool {
	if len(encoded) < 16 || w.inBase64 {
		return false
	}
	encoded = bytes.TrimRight(encoded, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(encoded, "-_") {
		encoding = base64.RawURLEncoding
	}
	decoded := make([]byte, encoding.DecodedLen(len(encoded)))
	n, err := encoding.Decode(decoded, encoded)
	if err != nil || w.clean(decoded[:n]) {
		return false
	}
	inner := walker{keys: w.keys, filter: w.filter, inBase64: true, apiKnown: true, apiName: w.api()}
	inner.level(decoded[:n], 1)
	return len(inner.spans) > 0
}

// pemEnd returns the end of the private key in PEM that begins at text[at], or at. If it is cut off, it ends
// with the text, or at the quote or tag around it.
func pemEnd(text []byte, at int) int {
	rest := text[at:]
	if !bytes.HasPrefix(rest, []byte("-----BEGIN ")) {
		return at
	}
	head := rest[:min(len(rest), 64)]
	i := bytes.Index(head, []byte("PRIVATE KEY"))
	if i < 0 {
		return at
	}
	i += len("PRIVATE KEY")
	if end := bytes.Index(rest[i:], []byte("-----END ")); end >= 0 {
		i += end + len("-----END ")
		if n := bytes.Index(rest[i:min(len(rest), i+64)], []byte("-----")); n >= 0 {
			return at + i + n + len("-----")
		}
		return at + i
	}
	if n := bytes.IndexAny(rest[i:], "\"'<`"); n >= 0 {
		return at + i + n
	}
	return len(text)
}

// secretBeside returns the secret beside the key id text[start:end].
func secretBeside(text []byte, start, end int) span {
	size := 0
	switch id := text[start:end]; {
	case bytes.HasPrefix(id, []byte("AKIA")) && len(id) == 20:
		size = 40
	case bytes.HasPrefix(id, []byte("AKID")) && len(id) == 36:
		size = 32
	case bytes.HasPrefix(id, []byte("LTAI")) && (len(id) == 24 || len(id) == 16):
		size = 30
	case bytes.HasPrefix(id, []byte("AKLT")) && len(id) >= 40:
		size = len("==") + 58
	default:
		return span{}
	}
	for i := end; i < min(len(text), end+maxBesideKeyID); {
		stop := i
		letters, digits := 0, 0
		for stop < len(text) && (isLetter(text[stop]) || isDigit(text[stop]) || text[stop] == '/' || text[stop] == '+' || text[stop] == '=' && stop-i >= 58) {
			if isDigit(text[stop]) {
				digits++
			} else if isLetter(text[stop]) {
				letters++
			}
			stop++
		}
		if stop-i == size && letters > 0 && digits > 0 {
			return span{start: i, end: stop}
		}
		i = stop + 1
	}
	return span{}
}
