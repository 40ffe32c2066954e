// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"sync"
)

const (
	// maxLevels is how many levels of escapes are resolved one after another. A
	// string with more of them that may hold a credential is masked as a whole.
	maxLevels = 8
	// maxScratch limits what a walker keeps for the next entry: bytes of text, and a sixteenth of it in strings
	// and spans, about 3 MiB together.
	maxScratch = 1 << 20
)

var walkers = sync.Pool{New: func() any { return new(walker) }}

// walker finds the values to be masked in one text. Its slices are stacks: a level of string leaves only its
// spans.
type walker struct {
	keys    *keySet
	filter  *filter
	spans   []span
	strings []jsonString
	text    []byte // the whole text, and the meanings of the strings being read
	key     []byte // scratch space for the current key
	whole   bool   // mask text that is not JSON as a whole if there is something to mask
	guessed bool   // some span is in text that is not JSON

	entry    []byte // the whole entry
	apiName  []byte // what api found
	apiKnown bool
	inside   int  // how many bytes may still be read again in brackets that are values
	resume   int  // where the search continues within the last value, 0 if it is after it
	rows     span // the lines below the names of the last table, in the text being searched
	codes    bool // code is a credential in this API
	inBase64 bool // the text is decoded base64
	inFolded bool // the text being read, or one around it, is folded
	inForm   bool // the text being searched had percent escapes
	explain  bool // spans get the names of their keys
}

// jsonString is the content of a string in JSON text.
type jsonString struct {
	start, end int
	escaped    bool
}

func (w *walker) release() {
	w.keys, w.filter, w.entry, w.apiName = nil, nil, nil, nil
	if cap(w.text)+cap(w.key) <= maxScratch && cap(w.strings)+cap(w.spans) <= maxScratch/16 {
		walkers.Put(w)
	}
}

// walk returns the spans of text to be masked, in order and without overlap, and whether one of them is a guess.
func (w *walker) walk(r *Redactor, text string, codes, whole bool) (spans []span, guessed bool) {
	w.keys, w.filter = r.keys, r.filter
	w.spans, w.strings = w.spans[:0], w.strings[:0]
	w.whole, w.guessed = whole, false
	w.text = append(w.text[:0], text...)
	w.entry, w.apiName, w.apiKnown = w.text, nil, false
	w.codes = codes && byAPI[string(w.api())]["code"] != plain
	w.level(w.text, 0)
	return w.spans, w.guessed
}

// level adds the spans of one level's text.
func (w *walker) level(text []byte, level int) {
	firstSpan, firstString := len(w.spans), len(w.strings)
	if p := (parser{walker: w, text: text, entry: level == 0, lines: w.inFolded}); p.document() {
		w.inStrings(text, firstString, level)
	} else {
		// What was found before is found again.
		w.spans, w.strings = w.spans[:firstSpan], w.strings[:firstString]
		w.folded(text, level)
		if len(w.spans) > firstSpan {
			w.guessed = true
			if w.whole {
				w.spans = append(w.spans[:firstSpan], span{end: len(text)})
			}
		}
	}
	w.spans = w.spans[:firstSpan+len(merge(w.spans[firstSpan:]))]
}

// folded adds the spans of text that is not JSON, in its folded form. That may be JSON, with typographic quotes,
// or with entities for its quotes.
func (w *walker) folded(text []byte, level int) {
	was := w.inFolded
	defer func() { w.inFolded = was }()
	if nextFoldable(text, 0) == len(text) {
		w.searchText(text, level)
		return
	}
	first, start := len(w.spans), len(w.text)
	var changed bool
	w.text, changed = appendFolded(w.text, text)
	if !changed {
		w.text = w.text[:start]
		w.searchText(text, level)
		return
	}
	meaning := w.text[start:]
	w.inFolded = true
	firstString := len(w.strings)
	if p := (parser{walker: w, text: meaning, lines: true}); p.document() {
		w.inStrings(meaning, firstString, level)
	} else {
		w.spans, w.strings = w.spans[:first], w.strings[:firstString]
		w.searchText(meaning, level)
	}
	w.text = w.text[:start]
	w.spans = w.spans[:first+len(merge(w.spans[first:]))]
	unfoldSpans(w.spans[first:], text)
}

// inStrings adds the spans of the strings from first on, and removes these strings.
func (w *walker) inStrings(text []byte, first, level int) {
	for i, n := first, len(w.strings); i < n; i++ {
		w.inString(text, w.strings[i], level)
	}
	w.strings = w.strings[:first]
}

// inString adds the spans of a string in JSON text.
func (w *walker) inString(text []byte, s jsonString, level int) {
	first := len(w.spans)
	raw := text[s.start:s.end]
	if s.escaped {
		start := len(w.text)
		w.text = appendUnescaped(w.text, raw, backslash)
		w.below(w.text[start:], raw, backslash, level)
		w.text = w.text[:start]
	} else {
		w.below(raw, raw, backslash, level)
	}
	for i := first; i < len(w.spans); i++ {
		found := &w.spans[i]
		found.start += s.start
		found.end += s.start
	}
}

// unescaped adds the spans of text[from:to], which is not JSON, with its escapes resolved: first backslashes,
// and, when nothing else is left, percent escapes, which hide the separators of forms.
func (w *walker) unescaped(text []byte, from, to, level int) {
	raw := text[from:to]
	first, start := len(w.spans), len(w.text)
	for _, e := range []escapes{backslash, percent} {
		if bytes.IndexByte(raw, byte(e)) < 0 {
			continue
		}
		w.text = appendUnescaped(w.text[:start], raw, e)
		if meaning := w.text[start:]; len(meaning) < len(raw) {
			if !w.clean(meaning) {
				was := w.inForm
				w.inForm = e == percent
				w.below(meaning, raw, e, level)
				w.inForm = was
			}
			break
		}
	}
	w.text = w.text[:start]
	for i := first; i < len(w.spans); i++ {
		w.spans[i].start += from
		w.spans[i].end += from
	}
}

// below adds the spans of raw, which are the spans of its meaning one level below. A quote that they add is
// escaped for this level.
func (w *walker) below(meaning, raw []byte, e escapes, level int) {
	first := len(w.spans)
	if level >= maxLevels && isEscaped(meaning) {
		if !isMasked(raw) {
			w.spans = append(w.spans, span{start: 0, end: len(raw)})
		}
		return
	}
	w.level(meaning, level+1)
	found := w.spans[first:]
	if len(meaning) < len(raw) {
		liftSpans(found, raw, e)
	}
	for i := range found {
		found[i].quote = escapeQuote(found[i].quote, e)
	}
}

// isEscaped reports whether text may have escapes.
func isEscaped(text []byte) bool {
	return bytes.IndexByte(text, '\\') >= 0 || bytes.IndexByte(text, '%') >= 0
}

// label notes the kind of the spans from first on.
func (w *walker) label(first int, kind Kind) {
	for i := first; i < len(w.spans); i++ {
		s := &w.spans[i]
		if s.kind = kind; kind == ByKey && w.explain {
			s.name = string(w.key)
		}
	}
}

// mask masks text[start:end] and returns end.
func (w *walker) mask(text []byte, start, end int, quote string) int {
	if !isMasked(text[start:end]) {
		w.spans = append(w.spans, span{start: start, end: end, quote: quote})
	}
	return end
}
