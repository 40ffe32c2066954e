// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks the values of headers: Authorization, Cookie.

// headerValue masks the rest of a header's line. Prose that only mentions a cookie or an authorization is kept.
func (w *walker) headerValue(text []byte, k *key, sep separator, v int) int {
	if end := valueEnd(text, v); isMasked(text[v:end]) {
		return end
	}
	end := lineEnd(text, k.start, v, sep == assign)
	line := text[v:end]
	if isNothing(line, k.kind) {
		return end
	}
	if sep == colon && k.closing.mark == 0 && isProse(line) && !hasScheme(line) && bytes.IndexByte(line, '=') < 0 {
		return 0
	}
	if sep == colon && k.closing.mark == 0 && isKeyNamed(text, k, "cookie") && isWordy(line) {
		return 0 // something to eat: a cookie has a name and a value
	}
	if rest := end - len(withoutScheme(line)); isPlaceholder(line) || isPlaceholder(text[rest:end]) || placeholderEnd(text, rest) > rest {
		return end
	}
	return w.mask(text, v, end, "")
}

// withoutScheme returns the value of an authorization without its first word.
func withoutScheme(line []byte) []byte {
	_, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !hasScheme(line) {
		return line
	}
	return rest
}

// hasScheme reports whether the value of an authorization begins with the name of a registered (IANA) or
// commonly used scheme, followed by something.
func hasScheme(line []byte) bool {
	word, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || isProseWord(firstWord(rest)) {
		return false
	}
	switch string(bytes.ToLower(word)) {
	case "basic", "bearer", "digest", "dpop", "hawk", "hoba", "hmac", "jwt", "mac", "mutual", "negotiate", "ntlm", "oauth", "token", "apikey", "key", "vapid":
		return true
	}
	return bytes.Contains(bytes.ToLower(word), []byte("hmac"))
}

func firstWord(text []byte) []byte {
	word, _, _ := bytes.Cut(text, []byte(" "))
	return word
}
