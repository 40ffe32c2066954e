// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file searches text that is not JSON: forms, URLs, header lines, JSON that is cut off or broken,
// configuration, commands, prose. The filter finds the places to check, and a small grammar is tried at each:
//
//	pair  = key closers [separator] openers value
//	key   = a word, or several, that end as the name of a credential
//	value = quoted | bracketed | block | words
//
// What may be in closers, separator and openers is in cursor.go, where a value ends in value.go, and whether
// words are a credential or only mention one in prose.go. Credentials without a key are in forms.go, links.go
// and command.go. The text is folded (fold.go), so that all of them handle ASCII forms only.

const (
	// maxQuote is how many levels of string around a key's quotes are assumed when the mask needs quotes like
	// them.
	maxQuote = 4
	// maxFailed is how often, on average, a byte may be read as part of an object or array that turns out to be
	// broken.
	maxFailed = 4
	// maxKeyWords is how many words after the one that the filter found may belong
	// to a key: client assertion.
	maxKeyWords = 2
)

// searchText adds the spans of a text that is not JSON. A complete object or array is read as JSON, and the text
// between them a second time with its escapes resolved.
func (w *walker) searchText(text []byte, level int) {
	var (
		from  = 0                           // the end of the last value, object or array
		gap   = 0                           // the end of the last object or array
		done  = 0                           // the end of the last word looked at
		hit   = -1                          // the next hit of the filter
		tries = maxFailed * (len(text) + 1) // bytes that may still be read of broken ones
	)
	rows, inside := w.rows, w.inside
	w.rows, w.inside = span{}, maxFailed*(len(text)+1)
	for i := 0; i < len(text); {
		if hit < i {
			if hit = w.nextHit(text, i); hit < 0 {
				break
			}
		}
		end := i
		switch c := text[i]; {
		case (c == '{' || c == '[') && tries > 0:
			var failed int
			if end, failed = w.embedded(text, i, level); end > i {
				w.unescaped(text, gap, i, level)
				gap = end
			}
			tries -= failed
		case i == hit && i >= done:
			w.resume = 0
			if end, done = w.at(text, from, i); w.resume > 0 && end > i {
				end = w.resume
			}
		}
		if end > i {
			i, from = end, end
		} else {
			i++
		}
	}
	w.rows, w.inside = rows, inside
	w.unescaped(text, gap, len(text), level)
}

// embedded adds the spans of the JSON object or array that begins at start, if
// that is one and not empty. It returns its end; else start, and how much was
// read of the broken one.
func (w *walker) embedded(text []byte, start, level int) (end, failed int) {
	firstSpan, firstString := len(w.spans), len(w.strings)
	p := parser{walker: w, text: text, pos: start + 1, first: start, form: true, lines: w.inFolded}
	switch c := p.peek(); {
	case c == '"':
	case text[start] == '[' && (c == '{' || c == '['):
	default:
		return start, 0
	}
	p.pos = start
	ok := p.value(plain, 0)
	end = p.pos
	// A key with an index: auth["token"] = x, and ["token"] => x.
	if c := p.peek(); !ok || text[start] == '[' && (c == '=' || c == ':') {
		w.spans, w.strings = w.spans[:firstSpan], w.strings[:firstString]
		return start, end - start
	}
	w.inStrings(text, firstString, level)
	return end, 0
}

// at checks the place of a hit, and masks a credential there. It returns the end of what was masked, or hit, and
// the end of the word at hit.
func (w *walker) at(text []byte, from, hit int) (end, done int) {
	start, stop := wordAround(text, from, hit)
	word, first := span{start: start, end: stop}, len(w.spans)
	if end = w.form(text, from, hit, word); end > hit {
		w.label(first, ByForm)
		return end, stop
	}
	if end = w.link(text, from, hit, word); end > hit {
		w.label(first, ByLink)
		return end, stop
	}
	if end = w.option(text, hit, word); end > hit {
		w.label(first, ByOption)
		return end, stop
	}
	if end = w.client(text, word); end > hit {
		w.label(first, ByForm)
		return end, stop
	}
	if end = w.place(text, hit, word); end > hit {
		w.label(first, ByForm)
		return end, stop
	}
	if end = w.scheme(text, hit, word); end > hit {
		w.label(first, ByScheme)
		return end, stop
	}
	for _, stop := range w.keyEnds(text, hit, stop) {
		if stop == 0 {
			break
		}
		end, known := w.pair(text, from, stop)
		if end > hit {
			w.label(first, ByKey)
			return end, stop
		}
		if known {
			break
		}
	}
	if text[hit] >= 0x80 {
		return hit, hit + 1 // a run without spaces may have more than one
	}
	return hit, stop
}

// wordAround returns the word at text[at], whose bytes are either all ASCII or all beyond. It begins neither
// before from nor further back than a key may.
func wordAround(text []byte, from, at int) (start, end int) {
	high := text[at] >= 0x80
	isPart := func(c byte) bool { return isWordByte(c) && (c >= 0x80) == high }
	for start = at; start > from && at-start < minWindow && isPart(text[start-1]); start-- {
	}
	for end = at; end < len(text) && (!high || end-at < minWindow); {
		if n := escapeAt(text, end); n > 0 && !high {
			end += n
		} else if isPart(text[end]) {
			end++
		} else {
			break
		}
	}
	return start, max(end, at+1)
}

// escapeAt returns the length of the escape \uXXXX at text[at], or 0.
func escapeAt(text []byte, at int) int {
	if text[at] == '\\' && at+6 <= len(text) && text[at+1] == 'u' && unhex4(text[at+2:]) >= 0 {
		return 6
	}
	return 0
}

// keyEnds returns where a key at a hit may end: with its word or one of the next ones, or, with characters
// beyond ASCII, within a run of them.
func (w *walker) keyEnds(text []byte, hit, stop int) (ends [maxKeyWords + 1]int) {
	if text[hit] >= 0x80 {
		if end := wideKeyEnd(text, hit); end > hit {
			ends[0] = end
		}
		if end := wideEnd(w.filter, text, hit); end > hit {
			ends[0], ends[1] = end, ends[0]
		}
		return ends
	}
	if hasPrefixAt(text, stop, "ña") && hasSuffixFold(text[:stop], "contrase") || hasPrefixAt(text, stop, "ÑA") && hasSuffixFold(text[:stop], "contrase") {
		ends[0] = stop + len("ña")
		return ends
	}
	for n := range ends {
		ends[n] = stop
		next := stop
		for next < len(text) && (text[next] == ' ' || text[next] == '+') {
			next++
		}
		if next == stop || next == len(text) || !isWordByte(text[next]) || text[next] >= 0x80 {
			break
		}
		for stop = next; stop < len(text) && isWordByte(text[stop]) && text[stop] < 0x80; stop++ {
		}
	}
	return ends
}

// key is a key found in text.
type key struct {
	kind       kind
	start, end int       // its last word
	closing    quotation // the quote after it
	extra      bool      // a configured key
	parameter  bool      // a parameter of a URL
	password   bool      // its value may be several words
	digits     bool      // its value may be digits alone
	seed       bool      // its value is the words of a wallet
	common     bool      // also a word of prose
	foreign    bool      // of foreignNames
}

// pair checks the key that ends at text[stop], and masks its value if it is a credential's key. It returns the
// value's end, or 0, and whether the key is one that no further word turns into another.
func (w *walker) pair(text []byte, from, stop int) (end int, known bool) {
	start := stop
	for start > from && stop-start < w.keys.window && isKeyByte(text[start-1]) {
		start--
	}
	var k key
	index := indexEnd(text, stop)
	if k.kind, k.extra, w.key = w.keys.kindInText(text[start:stop], w.key); k.kind == plain && index > stop {
		k.kind, k.extra, w.key = w.keys.kindInText(text[start:index], w.key)
	}
	k.end = stop
	for k.start = stop; k.start > start && isWordByte(text[k.start-1]); k.start-- {
	}
	if k.kind == plain && (!w.codes || !equalFold(lastWord(text[k.start:stop]), "code")) {
		return 0, false
	}
	if !k.extra {
		if k.kind = w.inAPI(lastWord(text[k.start:stop]), k.kind); k.kind == plain {
			return 0, true
		}
	}
	k.describe(text, w.key)
	known = k.kind > weak

	c := closersAt(text, index)
	k.closing = c.closing
	sep, at := separatorAt(text, c.end, k.start)
	if end := w.apart(text, &k, c, sep); end > 0 {
		return end, known
	}
	if sep == noSeparator {
		if end := w.columns(text, &k); end > 0 {
			return end, known
		}
		if end := w.inserted(text, &k); end > 0 {
			return end, known
		}
		return w.loose(text, &k, c), known
	}
	return w.value(text, &k, sep, at), known
}

// indexEnd returns the end of what a form or a program adds to a key that ends at text[at], if a separator
// follows: token[0], body[token][]. Its brackets may be escaped.
func indexEnd(text []byte, at int) int {
	if bracketAt(text, at) == 0 {
		return at
	}
	i, end := at, at
	for i < len(text) && i < at+maxRemark {
		if n := looseByte(text, i, ']'); n > 0 {
			i += n
			end = i
		} else if n := looseByte(text, i, '['); n > 0 {
			i += n
		} else if isWordByte(text[i]) && text[i] < 0x80 || isQuoteMark(text[i]) {
			i++
		} else {
			break
		}
	}
	next := end + backslashesAt(text, end)
	if next < len(text) && isQuoteMark(text[next]) {
		next++
	}
	if next = skipBlanks(text, next); end > at && next < len(text) && (text[next] == '=' || text[next] == ':') {
		return end
	}
	return at
}

// bracketAt returns the length of the square bracket at text[at], which may be escaped, or 0.
func bracketAt(text []byte, at int) int {
	return max(looseByte(text, at, '['), looseByte(text, at, ']'))
}

// describe notes what the key's place and name show about it.
func (k *key) describe(text, name []byte) {
	if k.start > 0 {
		k.parameter = text[k.start-1] == '?' || text[k.start-1] == '&'
	}
	k.password = isPasswordName(name)
	k.seed = endsInOneOf(name, seedNames)
	k.foreign = k.password && endsInOneOf(name, foreignNames)
	k.digits = k.password || endsInOneOf(name, codeNames)
	word := text[k.start:k.end]
	k.common = !k.extra && !bytes.ContainsAny(word, "_-0123456789%\\") && !hasInnerUpper(word)
}

// isPasswordName reports whether a credential's normalised name is a password's.
func isPasswordName(name []byte) bool {
	return bytes.Contains(name, []byte("pass")) || endsInOneOf(name, passwordNames)
}

// hasInnerUpper reports whether a word has upper case inside, like names in programs.
func hasInnerUpper(word []byte) bool {
	lowers := false
	for _, c := range word {
		switch {
		case 'a' <= c && c <= 'z':
			lowers = true
		case 'A' <= c && c <= 'Z' && lowers:
			return true
		}
	}
	return false
}

// lastWord is the last word of a form's key: token of body[token].
func lastWord(word []byte) []byte {
	return word[bytes.LastIndexAny(word, "[.%")+1:]
}

// isKeyByte reports whether c may be part of an unquoted key, or of a form's
// auth[token].
func isKeyByte(c byte) bool {
	return isWordByte(c) || bytes.IndexByte([]byte(" +.[]\\$@"), c) >= 0
}
