// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks values whose key is the content of something: an element or an attribute of XML or HTML, a
// field's name in a multipart form, or a name and its value in separate members. In complete JSON, pairs.go
// handles the last case.

// maxTag is how long the rest of a tag, or a part's header, may be.
const maxTag = 300

// apart masks the value of a key that is named in one of these ways. It returns the value's end, or 0.
func (w *walker) apart(text []byte, k *key, c closers, sep separator) int {
	if isElement(text, k.start) {
		return w.element(text, k, k.end)
	}
	if sep != noSeparator {
		return 0
	}
	if byteAt(text, k.end) == '<' && k.start > 0 && text[k.start-1] == '>' {
		return w.sibling(text, k)
	}
	if c.closing.mark != 0 && isNamedBy(text, k.start, '=') {
		if end := w.multipart(text, k); end > 0 {
			return end
		}
		return w.attribute(text, k, c)
	}
	if c.closing.mark != 0 && c.end < len(text) && text[c.end] == ';' {
		return w.serialized(text, k, c.end)
	}
	if isNamedBy(text, k.start, ':') {
		return w.member(text, k, c.end)
	}
	if c.closing.mark != 0 {
		return w.defaulted(text, k, c)
	}
	return 0
}

// isNamedBy reports whether the text before a key and its quote is name=, key: or similar, with that separator.
func isNamedBy(text []byte, start int, sep byte) bool {
	i := start
	for i > 0 && (isQuoteMark(text[i-1]) || text[i-1] == '\\') {
		i--
	}
	for sep == ':' && i > 0 && isBlank(text[i-1]) {
		i--
	}
	if i == 0 || text[i-1] != sep {
		return false
	}
	i--
	for i > 0 && (isBlank(text[i-1]) || isQuoteMark(text[i-1]) || text[i-1] == '\\') {
		i--
	}
	end := i
	for i > 0 && end-i < 16 && isWordByte(text[i-1]) && text[i-1] < 0x80 {
		i--
	}
	return isNameKey(bytes.ToLower(text[i:end])) || string(text[i:end]) == "id"
}

// isElement reports whether a name at text[at] is that of an element, with or without the prefix of a namespace.
func isElement(text []byte, at int) bool {
	if at > 1 && text[at-1] == ':' {
		for at--; at > 0 && isWordByte(text[at-1]) && text[at-1] < 0x80; at-- {
		}
	}
	return at > 0 && text[at-1] == '<'
}

// element masks the text of the element whose name ends at text[at].
func (w *walker) element(text []byte, k *key, at int) int {
	rest := text[at:min(len(text), at+maxTag)]
	n := bytes.IndexAny(rest, "<>")
	if n < 0 || rest[n] != '>' || rest[0] == '/' || n > 0 && rest[n-1] == '/' {
		return 0
	}
	v := at + n + 1
	if bytes.HasPrefix(text[v:], []byte("<![CDATA[")) {
		v += len("<![CDATA[")
		end := len(text)
		if i := bytes.Index(text[v:], []byte("]]>")); i >= 0 {
			end = v + i
		}
		return w.mask(text, v, end, "")
	}
	end := len(text)
	if i := bytes.IndexByte(text[v:], '<'); i >= 0 {
		end = v + i
	}
	for v < end && text[v] <= ' ' {
		v++
	}
	for end > v && text[end-1] <= ' ' {
		end--
	}
	content := text[v:end]
	if len(content) == 0 || isNothing(content, k.kind) || isPlaceholder(content) || k.kind == weak && !isStrong(content, minStrong) {
		return 0
	}
	return w.mask(text, v, end, "")
}

// sibling masks the text of the element after one whose text is the key: <name>password</name><value>x</value>.
func (w *walker) sibling(text []byte, k *key) int {
	open := bytes.LastIndexByte(text[max(0, k.start-maxCell):k.start], '<')
	name, _, _ := bytes.Cut(text[max(0, k.start-maxCell)+open+1:k.start-1], []byte(" "))
	closing := bytes.IndexByte(text[k.end:min(len(text), k.end+maxCell)], '>')
	if open < 0 || !isNameKey(bytes.ToLower(name)) || closing < 0 || byteAt(text, k.end+1) != '/' {
		return 0
	}
	next := k.end + closing + 1
	for next < len(text) && text[next] <= ' ' {
		next++
	}
	if byteAt(text, next) != '<' || !isLetter(byteAt(text, next+1)) {
		return 0
	}
	for next++; next < len(text) && isWordByte(text[next]); next++ {
	}
	return w.element(text, k, next)
}

// attribute masks the value of a tag that a key names: <input name="password"
// value="x">, <string name="password">x</string>.
func (w *walker) attribute(text []byte, k *key, c closers) int {
	rest := text[c.end:min(len(text), c.end+maxTag)]
	end := bytes.IndexAny(rest, "<>")
	if end < 0 {
		end = len(rest)
	}
	if i := bytes.Index(bytes.ToLower(rest[:end]), []byte("value=")); i >= 0 {
		v := c.end + i + len("value=")
		if isLiteralAt(text, v) {
			return w.quotedValue(text, k, assign, v)
		}
		return 0
	}
	if open := bytes.LastIndexAny(text[max(0, k.start-maxTag):k.start], "<>"); open < 0 || text[max(0, k.start-maxTag)+open] != '<' {
		return 0
	}
	return w.element(text, k, k.end)
}

// multipart masks the part of a form that a key names (RFC 7578).
func (w *walker) multipart(text []byte, k *key) int {
	if !bytes.Contains(bytes.ToLower(text[max(0, k.start-maxRemark):k.start]), []byte("form-data")) {
		return 0
	}
	i, limit := endOfLine(text, k.end), min(len(text), k.end+maxTag)
	for i < limit {
		n := lineEndAt(text, i)
		if n == 0 {
			return 0
		}
		i += n
		if n = lineEndAt(text, i); n > 0 { // the empty line before the value
			i += n
			break
		}
		i = endOfLine(text, i)
	}
	end := len(text)
	for _, boundary := range []string{"\r\n--", "\n--", `\n--`, `\r\n--`} {
		if at := bytes.Index(text[i:end], []byte(boundary)); at >= 0 {
			end = i + at
		}
	}
	if i >= end || isNothing(text[i:end], k.kind) {
		return 0
	}
	return w.mask(text, i, end, "")
}

// serialized masks the string after a key in PHP's format: s:8:"password";s:1:"x";
func (w *walker) serialized(text []byte, k *key, at int) int {
	rest := text[at:]
	if !bytes.HasPrefix(rest, []byte(";s:")) {
		return 0
	}
	i := len(";s:")
	for i < len(rest) && isDigit(rest[i]) {
		i++
	}
	if i+1 >= len(rest) || rest[i] != ':' {
		return 0
	}
	v := at + i + 1
	if byteAt(text, v+backslashesAt(text, v)) != '"' {
		return 0
	}
	return w.quotedValue(text, k, assign, v)
}

// member masks the value of a key that is in the next member, or on the next line: "name":"password","value":"x"
// in JSON that is cut off, or
//
//	name: PASSWORD
//	value: x
func (w *walker) member(text []byte, k *key, at int) int {
	i := at
	for i < len(text) && i < at+8 && (text[i] == ',' || text[i] == ';' || isBlank(text[i]) || lineEndAt(text, i) > 0) {
		i += max(1, lineEndAt(text, i))
	}
	if i == at {
		return 0
	}
	i = skipBlanks(text, i)
	for i < len(text) && (isQuoteMark(text[i]) || text[i] == '\\') {
		i++
	}
	end := i
	for end < len(text) && isLetter(text[end]) {
		end++
	}
	if !isValueKey(bytes.ToLower(text[i:end])) {
		return 0
	}
	value := *k
	value.start, value.end = i, end
	c := closersAt(text, end)
	value.closing = c.closing
	sep, v := separatorAt(text, c.end, i)
	if sep == noSeparator {
		return 0
	}
	return w.value(text, &value, sep, v)
}
