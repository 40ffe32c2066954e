// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strconv"
	"strings"
)

// Kind is how a value was recognised as a credential.
type Kind uint8

const (
	ByKey    Kind = iota // its key, or the name of its pair, element, header or column
	ByScheme             // the word Bearer or Basic before it
	ByForm               // its own form
	ByLink               // its place in a link
	ByOption             // the option of a command, or SQL's words before it
)

func (k Kind) String() string {
	return [...]string{"key", "scheme", "form", "link", "option"}[k]
}

// Finding is where a value is masked, and why. It has nothing of the value.
type Finding struct {
	// Path leads to the JSON value that is or contains the credential, also through strings that contain JSON:
	// log_detail.payload.app_secret, log_detail.response.items[0].
	Path string
	// Key is the normalised key in text that is not JSON; otherwise empty.
	Key  string
	Kind Kind
}

// Explain returns what Redact masks in text, in the order of the text. It is for
// people who want to see what redaction does; Redact is for records.
func (r *Redactor) Explain(text string) []Finding {
	codes := mayHoldCodes(text)
	if !codes && clean(r.filter, text) {
		return nil
	}
	w := &walker{explain: true}
	var findings []Finding
	for pass := 1; pass <= maxPasses; pass++ {
		spans, guessed := w.walk(r, text, codes, pass == maxPasses)
		if len(spans) == 0 {
			break
		}
		for _, s := range spans {
			findings = append(findings, Finding{Path: pathAt([]byte(text), s.start, 0), Key: s.name, Kind: s.kind})
		}
		if text = replace(text, spans); !guessed {
			break
		}
	}
	return findings
}

// place is an object or an array on the way to a value.
type place struct {
	object bool
	key    string
	index  int
}

// pathAt returns the path to text[pos] in JSON, which may be cut off.
func pathAt(text []byte, pos, level int) string {
	var places []place
	for i := 0; i < pos && i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			places = append(places, place{object: text[i] == '{'})
		case '}', ']':
			places = places[:max(0, len(places)-1)]
		case ',':
			if n := len(places); n > 0 && !places[n-1].object {
				places[n-1].index++
			}
		case '"':
			end := stringEnd(text, i+1)
			if pos <= end {
				return join(pathOf(places), inString(text[i+1:end], pos-i-1, level))
			}
			if n := len(places); n > 0 && places[n-1].object && isMemberName(text, end+1) {
				places[n-1].key = string(appendUnescaped(nil, text[i+1:end], backslash))
			}
			i = end
		}
	}
	return pathOf(places)
}

// inString returns the path to raw[pos] within the content of a string, if that is
// JSON again.
func inString(raw []byte, pos, level int) string {
	meaning := appendUnescaped(nil, raw, backslash)
	if level == maxLevels || len(meaning) == 0 || meaning[0] != '{' && meaning[0] != '[' {
		return ""
	}
	return pathAt(meaning, len(appendUnescaped(nil, raw[:max(pos, 0)], backslash)), level+1)
}

// stringEnd returns where the string ends whose content begins at text[at].
func stringEnd(text []byte, at int) int {
	for at = nextSpecial(text, at); at < len(text) && text[at] != '"'; at = nextSpecial(text, at+1) {
		if text[at] == '\\' {
			at++
		}
	}
	return min(at, len(text))
}

func pathOf(places []place) string {
	var b strings.Builder
	for _, p := range places {
		switch {
		case !p.object:
			b.WriteString("[" + strconv.Itoa(p.index) + "]")
		case b.Len() > 0 && p.key != "":
			b.WriteByte('.')
			fallthrough
		default:
			b.WriteString(p.key)
		}
	}
	return b.String()
}

func join(path, below string) string {
	if path == "" || below == "" || below[0] == '[' {
		return path + below
	}
	return path + "." + below
}
