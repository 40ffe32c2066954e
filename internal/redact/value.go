// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
)

// value masks the value at text[at] of the key k, after that separator. It returns
// the value's end, or 0 if there is none to be masked.
func (w *walker) value(text []byte, k *key, sep separator, at int) int {
	o := openersAt(text, at, sep)
	if o.end == len(text) {
		return 0
	}
	if k.seed {
		if end := w.seed(text, o.end); end > 0 {
			return end
		}
	}
	v := o.end
	if sep == colon && o.lines == 0 && !k.extra {
		at, declared := declaredValue(text, v)
		if declared && (at == len(text) || bytes.IndexByte([]byte(",)"), text[at]) >= 0) {
			return at
		}
		if declared {
			v, sep, o.end = at, assign, at
		}
	}
	n := 0
	if c := text[v]; isLetter(c) { // u'..', b"..", rb'..' of Python
		for n < 2 && v+n < len(text) && bytes.IndexByte([]byte("ubrfUBRF"), text[v+n]) >= 0 {
			n++
		}
		if q := v + n; n == 0 || q == len(text) || !isQuoteMark(text[q]) {
			n = 0
		}
	}
	v += n
	if isLiteralAt(text, v) {
		return w.quotedValue(text, k, sep, v)
	}
	switch c := text[v]; {
	case (c == '{' || c == '[' || c == '<') && !hasMaskPrefix(text[v:]):
		return w.bracketValue(text, k, sep, v)
	case (c == '|' || c == '>') && sep == colon:
		if end := w.yamlBlock(text, k, v); end > 0 {
			return end
		}
	case c == '(' && k.kind == weak && isKeyNamed(text, k, "auth"):
		return w.secondArgument(text, v) // of Python's requests
	case c == '-':
		if end := pemEnd(text, v); end > v {
			return w.mask(text, v, end, "")
		}
	}
	if !k.extra && !k.parameter && o.lines == 0 {
		if end := w.expression(text, k, v); end > 0 {
			return end
		}
	}
	if k.kind == header && o.lines == 0 {
		return w.headerValue(text, k, sep, v)
	}
	return w.words(text, k, sep, o)
}

// quotedValue masks the value in the quotes that open at text[v], or after backslashes there.
func (w *walker) quotedValue(text []byte, k *key, sep separator, v int) int {
	n := backslashesAt(text, v)
	q := v + n
	if triple := strings.Repeat(string(text[q]), 3); n == 0 && bytes.HasPrefix(text[q:], []byte(triple)) {
		end := len(text)
		if i := bytes.Index(text[q+3:], []byte(triple)); i >= 0 {
			end = q + 3 + i
		}
		return w.mask(text, q+3, end, "")
	}
	end := quotedEnd(text, q+1, quotation{mark: text[q], levels: levelsOf(n)})
	content := text[q+1 : end]
	if isNothing(content, k.kind) || k.kind == weak && !isStrong(content, minStrong) {
		return end
	}
	if k.closing.mark == 0 && sep == colon && !k.extra && isPlaceholder(content) || !k.extra && isLabel(content) {
		return end
	}
	if k.closing.mark == 0 && !k.extra && content[0] != '@' && (w.isVariable(content) || placeholderEnd(content, 0) == len(content)) {
		return end
	}
	return w.mask(text, q+1, end, "")
}

// bracketValue masks an object, an array, or a value in angle brackets.
func (w *walker) bracketValue(text []byte, k *key, sep separator, v int) int {
	if end := placeholderEnd(text, v); end > v {
		return end
	}
	if k.kind == weak || !k.extra && isSchema(text[v:]) {
		return 0
	}
	if closing := remarkEnd(text, v, text[v]+2); closing > v && !k.extra && text[v] != '<' &&
		(w.isVariable(text[v:closing]) || text[v] == '[' && isNameOfValue(text[v+1:closing-1])) {
		return closing
	}
	if text[v] == '<' {
		end := bytes.IndexAny(text[v+1:min(len(text), v+maxRemark)], "<>\n")
		if end <= 0 || text[v+1+end] != '>' {
			return 0
		}
		if end += v + 1; isPlaceholder(text[v:end+1]) || isProse(text[v+1:end]) && sep == colon {
			return end + 1
		}
		return w.mask(text, v+1, end, "")
	}
	end := bracketEnd(text, v, k.closing)
	if w.inside -= end - v; w.inside < 0 {
		end = len(text) // what is in it is uncertain
	} else {
		w.resume = v + 1 // broken, it may end amid the value of a key in it
	}
	inside := text[v+1 : max(v+1, end-1)]
	if isEmptyBracket(text[v:end]) || sep == colon && k.closing.mark == 0 && !k.extra && (isProse(inside) && !hasScheme(inside) || isHigh(inside)) {
		return end
	}
	return w.mask(text, v, end, k.quote())
}

// quote is the quotes that a mask needs if the key has some.
func (k *key) quote() string {
	if k.closing.mark == '"' && k.closing.levels <= maxQuote {
		return strings.Repeat(`\`, 1<<k.closing.levels-1) + `"`
	}
	return ""
}

// yamlBlock masks the lines of a block scalar whose indicator, | or >, is at text[v]: all lines that are
// indented more than the key.
func (w *walker) yamlBlock(text []byte, k *key, v int) int {
	i := v + 1
	for i < len(text) && (text[i] == '-' || text[i] == '+' || isDigit(text[i]) || text[i] == ' ') {
		i++
	}
	n := lineEndAt(text, i)
	if n == 0 {
		return 0
	}
	i += n
	indent := 0
	for at := lineStart(text, k.start); at < k.start && (text[at] == ' ' || text[at] == '-'); at++ {
		indent++
	}
	start, end := 0, 0
	for i < len(text) {
		first := i
		for first < len(text) && (text[first] == ' ' || text[first] == '\t') {
			first++
		}
		stop := endOfLine(text, first)
		if stop > first {
			if first-i <= indent && (first-i == 0 || indent > 0) {
				break
			}
			if start == 0 {
				start = first
			}
			end = stop
		}
		if i = stop + lineEndAt(text, stop); i == stop {
			break
		}
	}
	if start == 0 {
		return 0
	}
	return w.mask(text, start, end, "")
}

// lineStart returns where the line of text[at] begins, not far back.
func lineStart(text []byte, at int) int {
	first := max(0, at-maxRemark)
	if i := bytes.LastIndexAny(text[first:at], "\r\n"); i >= 0 {
		return first + i + 1
	}
	if i := bytes.LastIndex(text[first:at], []byte(`\n`)); i >= 0 {
		return first + i + 2
	}
	return first
}

// endOfLine returns where the line of text[at] ends.
func endOfLine(text []byte, at int) int {
	for ; at < len(text); at++ {
		if lineEndAt(text, at) > 0 {
			return at
		}
	}
	return len(text)
}

// words masks a value without quotes or brackets.
func (w *walker) words(text []byte, k *key, sep separator, o openers) int {
	v := o.end
	assigned := sep == assign || k.closing.mark != 0
	end := wordEnd(text, v, !assigned && !k.extra, o.mark)
	if sep == assign && k.start > 0 && text[k.start-1] == ';' && isInLink(text, k.start) {
		if i := bytes.IndexByte(text[v:end], '?'); i > 0 {
			end = v + i // it was a parameter of the path
		}
	}
	if i := bytes.IndexByte(text[v:end], '&'); w.inForm && i > 0 {
		end = v + i // an escaped name may have blanks
	}
	if !assigned && k.digits && !k.password {
		end = codeEnd(text, v, end)
	}
	if code := groupsEnd(text, v); code > 0 && k.digits && !k.extra {
		return w.mask(text, v, code, "")
	}
	word := text[v:end]
	if len(word) == 0 && o.lines == 0 && text[v] >= 0xe2 && k.kind != weak {
		if v, end = afterLabel(text, v); end > 0 {
			return w.mask(text, v, end, "")
		}
	}
	switch {
	case len(word) == 0:
		return 0
	case hasMaskPrefix(word):
		return w.mask(text, v, end, "")
	case isNothing(word, k.kind):
		return end
	case k.kind == weak:
		if k.parameter && sep == assign || isStrong(word, minStrong) && !isID(word) {
			return w.mask(text, v, end, k.quote())
		}
		if second := secondEnd(text, end); k.password && second > 0 {
			return w.mask(text, v, second, "")
		}
		return 0
	case isPlaceholder(word) || placeholderEnd(text, v) > v:
		return max(end, placeholderEnd(text, v))
	case !k.extra && w.refersTo(text, k, sep, v, end):
		return end
	case o.lines > 0:
		return w.nextLine(text, k, v, end)
	case k.extra:
		return w.mask(text, v, end, k.quote())
	case assigned && k.start > 0 && text[k.start-1] == '.' && bytes.Equal(word, text[k.start:k.end]):
		return end // self.token = token
	case assigned:
		if k.closing.mark == 0 && !k.parameter && k.password {
			end = strongEnd(text, end)
		}
		return w.mask(text, v, end, k.quote())
	}
	if end = judge(text, v, end, k); end == 0 {
		return 0
	}
	return w.mask(text, v, end, "")
}

// isInLink reports whether text[at] is part of a link.
func isInLink(text []byte, at int) bool {
	first := max(0, at-maxLink)
	first += bytes.LastIndexAny(text[first:at], " \t\r\n\"'") + 1
	return bytes.Contains(text[first:at], []byte("://"))
}

// nextLine masks a value on the line after the key: a word that is not prose, and not a list, pair or heading.
func (w *walker) nextLine(text []byte, k *key, v, end int) int {
	stop := endOfLine(text[:min(len(text), v+maxWord)], v)
	end = min(end, stop) // a word outside of prose may have line ends that are escaped
	rest := bytes.TrimRight(text[end:stop], " \t*`~.,;")
	line := text[v:stop]
	switch {
	case isStrong(text[v:end], minStrong) && !isID(text[v:end]) && bytes.IndexByte(text[v:end], ':') < 0:
		return w.mask(text, v, end, "")
	case len(rest) > 0 || bytes.HasSuffix(line, []byte(":")) || bytes.IndexByte(line, ':') >= 0 || k.kind == plural:
		return 0
	case isProseWord(text[v:end]) || text[v] >= 0x80 || isURL(text[v:end]) || k.kind == header || !k.extra && !k.password && k.common && isWordy(text[v:end]):
		return 0
	}
	return w.mask(text, v, end, "")
}

// maxWord is how long a word of prose may be. It bounds what is read of
// one that turns out to be no credential.
const maxWord = 1 << 10

// wordEnd returns where the unquoted word at text[start] ends. In prose, what is
// beyond Latin script ends it, and so do the mark that opened it, tags and a full
// stop.
func wordEnd(text []byte, start int, prose bool, mark byte) int {
	if prose {
		text = text[:proseEnd(text, start)]
	}
	end := valueEnd(text, start)
	if mark != 0 {
		if i := bytes.IndexByte(text[start:end], mark); i > 0 {
			end = start + i
		}
	}
	end = trimMarks(text, start, end)
	for prose && end > start && (text[end-1] == '.' || text[end-1] == '[' || text[end-1] == '(') {
		end-- // the sentence ends, or a remark begins
	}
	return end
}

// proseEnd returns where a word of prose ends at the latest.
func proseEnd(text []byte, start int) int {
	limit := min(len(text), start+maxWord)
	for i := start; i < limit; i++ {
		if c := text[i]; c <= ' ' || c >= 0xe2 || c == '<' && tagEnd(text, i) > i || c == '\\' && lineEndAt(text, i) > 0 {
			return i
		}
	}
	return limit
}

// trimMarks drops the marks of bold or code that close what began before a value.
func trimMarks(text []byte, start, end int) int {
	for end > start {
		switch c := text[end-1]; {
		case c == '`', end > start+1 && (c == '*' || c == '~' || c == '_') && text[end-2] == c:
			end--
			for end > start && text[end-1] == c {
				end--
			}
		default:
			return end
		}
	}
	return end
}
