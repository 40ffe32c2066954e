// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks values that only their place tells: chpasswd(8), net use of Windows, user/password@host of Oracle's
// tools, the text of a QR code for a wireless network, a PIN.

// placeStems are the texts by which such places are noticed, with their case. Those of chpasswd and passwd are keys.
var placeStems = []string{"sqlplus", "sqlldr", "jdbc:oracle", "WIFI:", "PIN", "SecureString", "password-stdin"}

// place masks such a value at a hit. It returns the end of what was read, or hit.
func (w *walker) place(text []byte, hit int, word span) int {
	end := 0
	switch name := text[word.start:word.end]; {
	case text[hit] == '/':
		end = max(w.netUse(text, hit), w.netUser(text, hit))
	case hasSuffixFold(name, "chpasswd"):
		end = w.chpasswd(text, word)
	case equalFold(name, "passwd") && hasPrefixAt(text, skipBlanks(text, word.end), "--stdin"):
		end = w.piped(text, word.start, false)
	case string(name) == "sqlplus", string(name) == "sqlldr":
		end = w.oracle(text, word.end)
	case string(name) == "jdbc" && hasPrefixAt(text, word.end, ":oracle:"):
		end = w.oracle(text, word.end)
	case string(name) == "oracle" && word.start >= 5 && string(text[word.start-5:word.start]) == "jdbc:":
		end = w.oracle(text, word.end)
	case string(name) == "WIFI":
		end = w.wifi(text, word.end)
	case string(name) == "PIN":
		end = w.pin(text, word.end)
	case hasSuffixFold(name, "securestring"):
		end = w.secureString(text, word.end)
	case hasSuffixFold(name, "password-stdin"), hasSuffixFold(name, "--with-token"):
		end = w.piped(text, word.start, false)
	case hasSuffixFold(name, "htpasswd"):
		end = w.htpasswd(text, word.end)
	}
	return max(end, hit)
}

// chpasswd masks the password in a line that is given to chpasswd: echo 'user:x' | chpasswd, chpasswd <<< 'user:x', and
// the lines of a here-document.
func (w *walker) chpasswd(text []byte, word span) int {
	at := skipBlanks(text, word.end)
	for at < len(text) && text[at] == '-' { // its options
		at = skipBlanks(text, wordEnd(text, at, true, 0))
	}
	switch {
	case hasPrefixAt(text, at, "<<<"):
		start, end := argumentAt(text, skipBlanks(text, at+3))
		return w.account(text, start, end)
	case hasPrefixAt(text, at, "<<"):
		end := 0
		for line := endOfLine(text, at); line < len(text); {
			first := line + lineEndAt(text, line)
			line = endOfLine(text, first)
			masked := w.account(text, first, line)
			if masked == 0 {
				break
			}
			end = masked
		}
		return end
	}
	return w.piped(text, word.start, true)
}

// piped masks what echo or printf prints into the command at text[at], or only what is after the colon in it.
func (w *walker) piped(text []byte, at int, account bool) int {
	first := max(0, at-maxCommand)
	if i := bytes.LastIndexAny(text[first:at], "\r\n;"); i >= 0 {
		first += i + 1
	}
	pipe := bytes.LastIndexByte(text[first:at], '|')
	if pipe < 0 {
		return 0
	}
	echo := max(bytes.LastIndex(text[first:first+pipe], []byte("echo ")), bytes.LastIndex(text[first:first+pipe], []byte("printf ")))
	if echo < 0 {
		return 0
	}
	v := skipBlanks(text, first+echo+bytes.IndexByte(text[first+echo:], ' '))
	for v < at && text[v] == '-' { // -e, -n
		v = skipBlanks(text, wordEnd(text, v, true, 0))
	}
	start, end := argumentAt(text[:first+pipe], v)
	if next := skipBlanks(text, end+1); bytes.IndexByte(text[start:end], '%') >= 0 && next < first+pipe && text[first+echo] == 'p' {
		start, end = argumentAt(text[:first+pipe], next) // what printf puts into its format
		if v = skipBlanks(text, end+1); account && v < first+pipe && bytes.IndexByte(text[start:end], ':') < 0 {
			start, end = argumentAt(text[:first+pipe], v)
			account = false
		}
	}
	if account {
		if w.account(text, start, end) == 0 {
			return 0
		}
	} else if value := text[start:end]; len(value) == 0 || hasMaskPrefix(value) || isPlaceholder(value) || w.isVariable(value) {
		return 0
	} else {
		w.mask(text, start, end, "")
	}
	return at + 1
}

// argumentAt returns the argument of a command at text[at], without its quotes.
func argumentAt(text []byte, at int) (start, end int) {
	start, end, quoted := literalAt(text, at)
	if quoted {
		return start, end
	}
	for end < len(text) && text[end] > ' ' && text[end] != '|' && lineEndAt(text, end) == 0 {
		end++
	}
	return at, end
}

// account masks the password in the account user:password text[start:end]. It returns its end, or 0.
func (w *walker) account(text []byte, start, end int) int {
	i := bytes.IndexByte(text[start:end], ':')
	if i <= 0 || bytes.IndexByte(text[start:start+i], ' ') >= 0 {
		return 0
	}
	v := start + i + 1
	for end > v+2 && text[end-2] == '\\' && text[end-1] == 'n' {
		end -= 2 // of printf
	}
	if value := text[v:end]; len(value) == 0 || hasMaskPrefix(value) || isPlaceholder(value) || w.isVariable(value) || placeholderEnd(text, v) > v {
		return 0
	}
	return w.mask(text, v, end, "")
}

// isUserOption reports whether /user: of a command of Windows is at text[at].
func isUserOption[T string | []byte](text T, at int) bool {
	if at == 0 || at+len("/user:") >= len(text) || text[at] != '/' || text[at-1] != ' ' || text[at+5] != ':' {
		return false
	}
	for i := range len("user") {
		if lower(text[at+1+i]) != "user"[i] {
			return false
		}
	}
	return true
}

// netUse masks the password after the user that /user: at text[hit] names, or before it: net use X: \\host\share x
// /user:bob.
func (w *walker) netUse(text []byte, hit int) int {
	if !isUserOption(text, hit) || !bytes.Contains(bytes.ToLower(text[max(0, hit-maxCommand):hit]), []byte("net use ")) {
		return 0
	}
	user := wordEnd(text, hit, true, 0)
	if v := skipBlanks(text, user); v > user {
		if end := wordEnd(text, v, true, 0); end > v && w.isArgument(text[v:end]) {
			return w.mask(text, v, end, "")
		}
	}
	end := hit
	for end > 0 && text[end-1] == ' ' {
		end--
	}
	start := end
	for start > 0 && text[start-1] > ' ' {
		start--
	}
	before := bytes.TrimRight(text[max(0, start-maxCommand):start], " ")
	share := before[bytes.LastIndexByte(before, ' ')+1:]
	if !hasPrefixAt(share, 0, `\\`) || !w.isArgument(text[start:end]) {
		return 0
	}
	w.mask(text, start, end, "")
	return hit + 1
}

// isArgument reports whether a word is a value, and no option, path or variable.
func (w *walker) isArgument(word []byte) bool {
	return len(word) > 0 && bytes.IndexByte([]byte(`/\-*|&<>`), word[0]) < 0 && !isPlaceholder(word) && !hasMaskPrefix(word) && !w.isVariable(word) && !bytes.HasSuffix(word, []byte(":"))
}

// oracle masks the password of user/password@host after text[at], on its line.
func (w *walker) oracle(text []byte, at int) int {
	line := endOfLine(text[:min(len(text), at+maxCommand)], at)
	slash := bytes.IndexByte(text[at:line], '/')
	if slash <= 0 || !isWordByte(text[at+slash-1]) {
		return 0
	}
	v := at + slash + 1
	end := v
	if isLiteralAt(text, v) {
		v, end = argumentAt(text[:line], v)
	} else {
		for end < line && text[end] > ' ' && !isQuoteMark(text[end]) {
			end++
		}
		end = v + max(bytes.IndexByte(text[v:end], '@'), 0)
	}
	if value := text[v:end]; len(value) == 0 || hasMaskPrefix(value) || isPlaceholder(value) || w.isVariable(value) || placeholderEnd(text, v) > v {
		return 0
	}
	return w.mask(text, v, end, "")
}

// wifi masks the password in the text of a QR code for a wireless network, after its name at text[at] (the format of
// ZXing's barcode contents): WIFI:T:WPA;S:office;P:x;;
func (w *walker) wifi(text []byte, at int) int {
	if byteAt(text, at) != ':' {
		return 0
	}
	text = text[:min(len(text), at+maxLink)]
	for i := at + 1; i+2 < len(text) && isLetter(text[i]) && text[i+1] == ':'; {
		end := i + 2
		for end < len(text) && text[end] != ';' && text[end] != '\n' {
			if text[end] == '\\' && end+1 < len(text) {
				end++
			}
			end++
		}
		if end = min(end, len(text)); text[i] == 'P' {
			if value := text[i+2 : end]; len(value) == 0 || hasMaskPrefix(value) || isPlaceholder(value) {
				return 0
			}
			return w.mask(text, i+2, end, "")
		}
		i = end + 1
	}
	return 0
}

// pin masks the digits of a PIN whose name ends at text[at]: PIN: 1234, PIN码是1234, the PIN code is 1234.
func (w *walker) pin(text []byte, at int) int {
	for _, word := range []string{" code", " number", "码", "碼"} {
		if hasPrefixAt(text, at, word) {
			at += len(word)
			break
		}
	}
	v := skipBlanks(text, at)
	if c := byteAt(text, v); c == ':' || c == '=' {
		v++
	} else if v = verbEnd(text, v); v == 0 {
		return 0
	}
	v = openersAt(text, v, colon).end
	end := groupsEnd(text, v)
	if end > 0 {
		return w.mask(text, v, end, "")
	}
	for end = v; end < len(text) && isDigit(text[end]); end++ {
	}
	if n := end - v; n < minCode || n > maxCode || isWordByte(byteAt(text, end)) && text[end] < 0x80 || isMeasure(text, v, end) || nextIsWordy(text, end) {
		return 0
	}
	return w.mask(text, v, end, "")
}
