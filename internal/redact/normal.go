// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// appendNormal appends key, a JSON string's content or a part of other text, in the form in which keys are
// compared: in lower case in every script, full-width letters as plain ones, separators and invisible characters
// dropped, \uXXXX (after any number of backslashes) and %XX resolved.
func appendNormal(dst, key []byte) []byte {
	high := false // something beyond ASCII was appended byte by byte
	start := len(dst)
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
						high = true
						continue
					}
					c = byte(r)
					break
				}
			}
			if run == 1 && i+1 < len(key) && (key[i+1] == 'n' || key[i+1] == 'r' || key[i+1] == 't') {
				i += 2 // white space
				continue
			}
			dst = append(dst, key[i:i+run]...)
			i += run
			continue
		case '%':
			n, r, _ := unit(key[i:], percent)
			i += n
			c = byte(r)
		}
		high = high || c >= 0x80
		if !isSeparator(c) {
			dst = append(dst, lower(c))
		}
	}
	if high {
		dst = appendFoldedKey(dst[:start], string(dst[start:]))
	}
	return dst
}

// appendFoldedKey appends a key with its characters beyond ASCII in the form of appendNormal.
func appendFoldedKey(dst []byte, key string) []byte {
	for i := 0; i < len(key); {
		r, n := utf8.DecodeRuneInString(key[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, key[i]) // not UTF-8: stands for itself
			i++
			continue
		}
		i += n
		if out, ok := foldRune(r); ok {
			for _, c := range []byte(out) {
				if c < 0x80 && !isSeparator(c) && c != '\n' {
					dst = append(dst, lower(c))
				}
			}
			continue
		}
		dst = utf8.AppendRune(dst, foldCase(r))
	}
	return dst
}

// foldCase returns one character for all cases of r.
func foldCase(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// isSeparator reports whether c only separates the words of a key. '+' is a space
// in form encoding.
func isSeparator(c byte) bool { return c == '_' || c == '-' || c == ' ' || c == '+' || c == '\t' }

// credentialEnds has the last three letters of all built-in keys, see endOf.
var credentialEnds = func() (ends [1 << 15]bool) {
	for _, c := range credentials {
		switch n := len(c.suffix); {
		case !isASCII(c.suffix):
		case n == 2: // after any letter
			for before := 'a'; before <= 'z'; before++ {
				ends[endOf(byte(before), c.suffix[0], c.suffix[1])] = true
			}
		default:
			ends[endOf(c.suffix[n-3], c.suffix[n-2], c.suffix[n-1])] = true
		}
	}
	return ends
}()

// endOf is a number for three letters, in either case.
func endOf(a, b, c byte) int { return int(a&31)<<10 | int(b&31)<<5 | int(c&31) }

// isPlainEnd reports whether a name certainly is not a credential's, judged by its last three letters.
func (k *keySet) isPlainEnd(raw []byte) bool {
	return len(k.extra) == 0 && endsPlain(raw)
}

// endsPlain reports whether a name certainly does not end as a built-in key, judged by its last three letters.
func endsPlain(name []byte) bool {
	if len(name) < 3 {
		return false
	}
	a, b, c := name[len(name)-3], name[len(name)-2], name[len(name)-1]
	return isLetter(a) && isLetter(b) && isLetter(c) && !credentialEnds[endOf(a, b, c)]
}

func isOneOf(name []byte, words []string) bool {
	return slices.Contains(words, string(name))
}

func beginsInOneOf(name []byte, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return bytes.HasPrefix(name, []byte(prefix)) })
}

func endsInOneOf(name []byte, suffixes []string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return bytes.HasSuffix(name, []byte(suffix)) })
}
