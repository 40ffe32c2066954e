// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
)

// maxBareName is the length of the longest name in byAPI.
const maxBareName = len("tokens")

// inAPI returns the kind of a key in the entry's own API: token, ticket and code mean different things in
// different APIs.
func (w *walker) inAPI(raw []byte, k kind) kind {
	if len(raw) > maxBareName || k == header {
		return k
	}
	var buf [maxBareName]byte
	name := appendNormal(buf[:0], raw)
	if !w.keys.dependsOnAPI(name) {
		return k
	}
	if found, ok := byAPI[string(w.api())][string(name)]; ok {
		return found
	}
	return k
}

// dependsOnAPI reports whether a name is one that byAPI decides.
func (k *keySet) dependsOnAPI(name []byte) bool {
	switch string(name) {
	case "token", "tokens", "ticket":
		return k.keep
	case "code":
		return true
	}
	return false
}

// MasksKey reports whether every text under this key is masked in an entry of this api_key, so that it must not
// be shown elsewhere either, for example as a variable of the path.
func (r *Redactor) MasksKey(apiKey, key string) bool {
	if len(r.keys.extra) == 0 && strings.HasSuffix(key, "_id") && !strings.HasSuffix(key, "ess_id") && !strings.HasSuffix(key, "ion_id") {
		return false // of the built-in keys only session_id and sess_id end like this
	}
	var buf [64]byte
	raw := []byte(key)
	name := appendNormal(buf[:0], raw)
	k := r.keys.kind(raw, name)
	if r.keys.dependsOnAPI(name) && !r.keys.isExtra(name) {
		if found, ok := byAPI[string(family([]byte(apiKey)))][string(name)]; ok {
			k = found
		}
	}
	return k > weak
}

// api returns the first part of the path of the entry's own api_key after /open-apis/: drive of
// GET/open-apis/drive/v1/files. It is searched for once.
func (w *walker) api() []byte {
	if !w.apiKnown {
		w.apiKnown = true
		w.apiName = apiOf(w.entry)
	}
	return w.apiName
}

// apiOf reads the api_key of an entry. Only one at the top level counts: anything further down, or in a string,
// was sent by the caller.
func apiOf(entry []byte) []byte {
	depth, name := 0, []byte(nil)
	for i := 0; i < len(entry); i++ {
		switch entry[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := i + 1
			for end = nextSpecial(entry, end); end < len(entry) && entry[end] != '"'; end = nextSpecial(entry, end+1) {
				if entry[end] == '\\' {
					end++
				}
			}
			content := entry[i+1 : min(end, len(entry))]
			switch {
			case depth != 1:
			case string(name) == "api_key":
				return family(content)
			case isMemberName(entry, end+1):
				name = content
			default:
				name = nil
			}
			i = end
		case ',':
			name = nil
		}
	}
	return nil
}

// mayHoldCodes reports whether text, which may be an api_key, names an API in which code is a credential, so
// that a text without any other key may contain one.
func mayHoldCodes[T string | []byte](text T) bool {
	const api = "/open-apis/authen/"
	switch text := any(text).(type) {
	case string:
		return strings.Contains(text, api)
	case []byte:
		return bytes.Contains(text, []byte(api))
	}
	return false
}

// hasCodes is mayHoldCodes for an api_key: quickly, as each entry has one.
func hasCodes(apiKey string) bool {
	const root = "/open-apis/"
	i := strings.IndexByte(apiKey, '/')
	if i >= 0 && strings.HasPrefix(apiKey[i:], root) {
		return strings.HasPrefix(apiKey[i+len(root):], "authen/")
	}
	return mayHoldCodes(apiKey)
}

// clean is the filter's clean, except for text in an API with codes, which may contain one.
func (w *walker) clean(text []byte) bool {
	return clean(w.filter, text) && (!w.codes || nextCode(text, 0) < 0)
}

// nextHit is the filter's nextHit, or the next code in an entry of its API.
func (w *walker) nextHit(text []byte, from int) int {
	hit := nextHit(w.filter, text, from)
	if w.codes {
		if code := nextCode(text, from); code >= 0 && (hit < 0 || code < hit) {
			return code
		}
	}
	return hit
}

// nextCode returns the position of the next word code, or part of one, or -1.
func nextCode(text []byte, from int) int {
	for at := from; ; {
		i := bytes.Index(text[at:], []byte("ode"))
		if i < 0 {
			return -1
		}
		if at += i; at > from && lower(text[at-1]) == 'c' {
			return at - 1
		}
		at++
	}
}

// isMemberName reports whether a colon follows at text[at], so that the string
// before is the name of a member.
func isMemberName(text []byte, at int) bool {
	for at < len(text) && text[at] <= ' ' {
		at++
	}
	return at < len(text) && text[at] == ':'
}

func family(apiKey []byte) []byte {
	_, path, ok := bytes.Cut(apiKey, []byte("/open-apis/"))
	if !ok {
		return nil
	}
	first, _, _ := bytes.Cut(path, []byte("/"))
	return first
}
