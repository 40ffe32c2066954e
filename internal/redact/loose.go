// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks values that follow their key without a separator: "the password is x", an option of a command,
// a cell of a table, a line below the key, or only a blank. Except for options, the value has to look like a
// credential.

// loose masks the value after a key that has no separator. It returns the value's
// end, or 0.
func (w *walker) loose(text []byte, k *key, c closers) int {
	if k.kind == header {
		return w.headerArgument(text, k, c)
	}
	if k.kind == weak {
		return w.looseWeak(text, k, c)
	}
	if text[k.start] == '-' {
		if end := w.optionValue(text, k, c); end > 0 {
			return end
		}
	}
	if k.common && isKeyNamed(text, k, "ticket") {
		return 0 // most likely of the help desk
	}
	if end := w.setter(text, k); end > 0 {
		return end
	}
	if p := c.parens; p.end > p.start+2 && p.start <= k.end+2 {
		if inside := text[p.start+1 : p.end-1]; looksLoose(inside, minStrong) || k.password && looksLoose(inside, minMixed+1) && isMixed(inside) {
			return w.mask(text, p.start+1, p.end-1, "")
		}
	}
	if k.end+2 < len(text) && text[k.end] == '[' && !isQuoteMark(text[k.end+1]) {
		if end := remarkEnd(text, k.end, ']'); end > k.end+2 && looksLoose(text[k.end+1:end-1], minStrong) {
			return w.mask(text, k.end+1, end-1, "")
		}
	}
	if at := skipBlanks(text, k.end); at > k.end && byteAt(text, at) == '[' { // password [x]
		if end := remarkEnd(text, at, ']'); end > at+2 && looksLoose(text[at+1:end-1], minStrong) && isMixed(text[at+1:end-1]) {
			return w.mask(text, at+1, end-1, "")
		}
	}
	verb := verbEnd(text, c.end)
	if at := verb; at > 0 {
		if text[at-1] == ':' {
			return w.value(text, k, colon, at)
		}
		if end := w.afterVerb(text, k, at); end > 0 {
			return end
		}
	}
	if start, end := afterSentence(text, c.end); end > 0 {
		return w.mask(text, start, end, "")
	}
	if verb > 0 {
		return 0
	}
	if at := qualifierEnd(text, k, c.end); at > 0 {
		return w.afterVerb(text, k, at)
	}
	if at := saidEnd(text, k, c.end); at > 0 {
		return w.afterVerb(text, k, at)
	}
	if end := w.inStatement(text, k); end > 0 {
		return end
	}
	if start, end := codeBefore(text, k); end > 0 {
		w.mask(text, start, end, "")
		return k.end
	}
	if k.common && (isKeyNamed(text, k, "secret") || isKeyNamed(text, k, "secrets")) && isCommandBefore(text, k.start, "kubectl") {
		return 0 // the kind of an object, before its name
	}
	return w.cell(text, k, c)
}

// isMixed reports whether a word has lower case, upper case and digits, unlike [RFC2617] or [argon2id].
func isMixed(word []byte) bool {
	return hasDigit(word) && !bytes.Equal(word, bytes.ToLower(word)) && !bytes.Equal(word, bytes.ToUpper(word))
}

// looseWeak is loose for a weak key: only "the pw is x", and a wallet's words.
func (w *walker) looseWeak(text []byte, k *key, c closers) int {
	at := verbEnd(text, c.end)
	if at == 0 { // pw Winter!2024
		v := skipBlanks(text, k.end)
		if end := wordEnd(text, v, true, 0); k.password && v > k.end && looksLoose(text[v:end], minStrong) && bytes.ContainsAny(text[v:end], "!#$^&*") {
			return w.mask(text, v, end, "")
		}
		return 0
	}
	if k.seed {
		return w.seed(text, openersAt(text, at, colon).end)
	}
	v := skipBlanks(text, at)
	if end := wordEnd(text, v, true, 0); k.password && isStrong(text[v:end], minStrong) && !isID(text[v:end]) {
		return w.mask(text, v, end, "")
	}
	return 0
}

// looksLoose reports whether a value without a separator is a credential. A value with escapes is judged after
// they are resolved.
func looksLoose(value []byte, least int) bool {
	return isStrong(value, least) && !isID(value) && !bytes.ContainsAny(value, `%\"`)
}

// optionValue masks the value of an option of a command, --password x.
func (w *walker) optionValue(text []byte, k *key, c closers) int {
	if k.start > 0 && !isBlank(text[k.start-1]) && text[k.start-1] > ' ' && !isQuoteMark(text[k.start-1]) {
		return 0
	}
	v := skipBlanks(text, k.end)
	if v == k.end && c.closing.mark != 0 && c.end < len(text) && text[c.end] == ',' {
		v = skipBlanks(text, c.end+1) // ["--password", "x"]
		if !isLiteralAt(text, v) {
			return 0 // of a call that declares the option
		}
	}
	if v == k.end || v == len(text) || text[v] == '-' || text[v] >= 0x80 {
		return 0
	}
	if isLiteralAt(text, v) {
		return w.quotedValue(text, k, assign, v)
	}
	end := wordEnd(text, v, true, 0)
	if word := text[v:end]; len(word) == 0 || isProseWord(word) || isPlaceholder(word) || isNothing(word, k.kind) || placeholderEnd(text, v) > v {
		return 0
	}
	return w.mask(text, v, end, "")
}

// afterVerb masks the value that a sentence gives for a credential.
func (w *walker) afterVerb(text []byte, k *key, at int) int {
	o := openersAt(text, at, colon)
	v := o.end
	if v == len(text) {
		return 0
	}
	if start, end, ok := literalAt(text, v); ok {
		if content := text[start:end]; !looksLoose(content, minMixed) && !isPIN(text, k, start, end, minCode) &&
			(!k.password || bytes.IndexByte(content, ' ') >= 0 && (isProse(content) || isWordy(content)) || isProseWord(content)) {
			return 0
		}
		return w.mask(text, start, end, "")
	}
	end := wordEnd(text, v, true, o.mark)
	if code := groupsEnd(text, v); code > 0 && k.digits {
		return w.mask(text, v, code, "")
	}
	word := text[v:end]
	switch {
	case looksLoose(word, minMixed), k.password && isOpaque(word):
		return w.mask(text, v, end, "")
	case isPIN(text, k, v, end, minCode), k.foreign && isForeignPassword(word):
		return w.mask(text, v, end, "")
	case k.password && len(word) >= 4 && !isProseWord(word) && !isURL(word) && (o.mark == '`' || hasSymbol(word)):
		return w.mask(text, v, end, "") // as code, or with a sign that words do not have
	case k.password && text[k.end-1] >= 0x80 && len(word) > 3 && (isLetter(word[0]) || word[0] == '$' && !w.isVariable(word) && !isPlaceholder(word)) && !isProseWord(word) && !nextIsWordy(text, end):
		return w.mask(text, v, end, "") // a word of ASCII amid Chinese
	}
	return 0
}

// isOpaque reports whether a word has an opening bracket or a percent sign inside, but is no call and no escape.
func isOpaque(word []byte) bool {
	i := bytes.IndexAny(word, "({<%")
	if i <= 0 || bytes.ContainsAny(word, ")}>\\\"/") {
		return false
	}
	before, after := word[:i], word[i+1:]
	return len(word) >= minStrong && hasDigit(before) && len(after) > 0 && (!isHexPair(after) || word[i] != '%')
}

// isForeignPassword reports whether a word has letters beyond ASCII and a digit: Лето2024.
func isForeignPassword(word []byte) bool {
	return len(word) >= minStrong && hasDigit(word) && word[0] >= 0x80 && !isForeign(word) && !bytes.ContainsAny(word, `%\"/:`)
}

// hasSymbol reports whether a word of letters has a sign inside that passwords have and
// prose has not.
func hasSymbol(word []byte) bool {
	i := bytes.IndexAny(word, "!#$^&*+=~@")
	return i > 0 && i < len(word)-1 && word[0] < 0x80 && isLetter(word[0]) && !bytes.ContainsAny(word, `%\"./:(`)
}

// isPIN reports whether text[v:end] is digits that are a password, and no measure.
func isPIN(text []byte, k *key, v, end, least int) bool {
	return k.digits && end-v >= least && isCount(text[v:end]) && !isMeasure(text, v, end) && !nextIsWordy(text, end)
}

// cell masks a value in the next cell of a table, on the line below, or after a
// blank, a dash or a comma.
func (w *walker) cell(text []byte, k *key, c closers) int {
	i := c.end
	if i == len(text) {
		return 0
	}
	switch text[i] {
	case '|', ',':
		i++
		for i < len(text) && (isBlank(text[i]) && c.end+1 < len(text) && text[c.end] == '|' || text[i] == '|') {
			i++
		}
	case '-': // " - ", or a dash as Chinese has it
		n := runOf(text, i)
		if i+n == len(text) || (n != 1 || text[i+n] != ' ' || i == k.end) && (n < 2 || i != k.end) {
			return 0
		}
		i += n
	default:
		if lineEndAt(text, i) > 0 {
			if !isAlone(text, k) {
				return 0
			}
		} else if i == k.end && text[i-1] < 0x80 {
			return 0 // but after Chinese no blank is needed
		}
	}
	o := openersAt(text, i, colon)
	v := o.end
	if v == len(text) || o.lines > 2 {
		return 0
	}
	if start, end, ok := literalAt(text, v); ok {
		if !looksLoose(text[start:end], minStrong) {
			return 0
		}
		return w.mask(text, start, end, "")
	}
	end := wordEnd(text, v, true, o.mark)
	word := text[v:end]
	if code := groupsEnd(text, v); code > 0 && k.digits {
		return w.mask(text, v, code, "")
	}
	least := minMixed
	if text[k.end-1] >= 0x80 && !k.password {
		if least, i = minCode, codeEnd(text, v, end); i < end {
			end, word = i, text[v:i]
		}
	}
	signed := k.password && text[k.end-1] >= 0x80 && looksLoose(word, minMixed) && (bytes.ContainsAny(word, "!#$^&*+~") || len(word) > minMixed && isMixed(word))
	if isPairWord(text, end, word) || !signed && !looksLoose(text[v:end], minStrong) && !isPIN(text, k, v, end, least) {
		return 0
	}
	return w.mask(text, v, end, "")
}

// maxAlone is how many words a key may have that has a line for itself.
const maxAlone = 3

// isAlone reports whether a key has its line for itself, except for marks and
// words of its own: **App Secret**.
func isAlone(text []byte, k *key) bool {
	line := text[lineStart(text, k.start):k.end]
	if bytes.ContainsAny(line, ":=,;.") || len(bytes.Fields(line)) > maxAlone {
		return false
	}
	if word := text[k.start:k.end]; word[0] >= 0x80 && len(word) <= maxLabel && !bytes.ContainsAny(word, "请忘改设找见与和是了") {
		line = bytes.Trim(line[:len(line)-len(word)], " \t*`~#>-") // the name of a field
		return len(line) == 0 || !isProse(line)
	}
	return !isProse(line)
}

// isHexPair reports whether text begins with two hexadecimal digits.
func isHexPair(text []byte) bool {
	return len(text) >= 2 && unhex(text[0]) >= 0 && unhex(text[1]) >= 0
}
