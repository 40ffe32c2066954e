// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file masks passwords that commands and statements take by their place among words: net user, htpasswd, netrc,
// PowerShell's ConvertTo-SecureString, SQL's WITH PASSWORD and IDENTIFIED BY.

// isAddOption reports whether /add of a command of Windows is at text[at].
func isAddOption[T string | []byte](text T, at int) bool {
	if at == 0 || at+len("/add") > len(text) || text[at] != '/' || text[at-1] != ' ' {
		return false
	}
	return lower(text[at+1]) == 'a' && lower(text[at+2]) == 'd' && lower(text[at+3]) == 'd'
}

// netUser masks the password of net user bob x /add, whose option is at text[hit].
func (w *walker) netUser(text []byte, hit int) int {
	if !isAddOption(text, hit) {
		return 0
	}
	first := max(0, hit-maxCommand)
	first += bytes.LastIndexAny(text[first:hit], "\r\n;&|") + 1
	i := bytes.LastIndex(bytes.ToLower(text[first:hit]), []byte("net user "))
	if i < 0 {
		return 0
	}
	name := skipBlanks(text, first+i+len("net user "))
	nameEnd := wordEnd(text, name, true, 0)
	v := skipBlanks(text, nameEnd)
	end := wordEnd(text, v, true, 0)
	if v == nameEnd || end == v || end >= hit || !w.isArgument(text[name:nameEnd]) || !w.isArgument(text[v:end]) || placeholderEnd(text, v) > v {
		return 0
	}
	w.mask(text, v, end, "")
	return hit + 1
}

// htpasswd masks the password of htpasswd -b, whose name ends at text[at]: [-bc] file user x, or -nb user x.
func (w *walker) htpasswd(text []byte, at int) int {
	line := endOfLine(text[:min(len(text), at+maxCommand)], at)
	batch, before := false, 2
	for at = skipBlanks(text, at); at < line && text[at] == '-'; at = skipBlanks(text, at) {
		end := wordEnd(text, at, true, 0)
		if hasPrefixAt(text, at, "--") {
			return 0
		}
		batch = batch || bytes.IndexByte(text[at:end], 'b') > 0
		if bytes.IndexByte(text[at:end], 'n') > 0 {
			before = 1
		}
		at = max(end, at+1)
	}
	if !batch {
		return 0
	}
	for range before {
		_, end := argumentAt(text[:line], at)
		if isQuoteMark(byteAt(text, end)) {
			end++
		}
		at = skipBlanks(text, end)
	}
	start, end := argumentAt(text[:line], at)
	if value := text[start:end]; len(value) == 0 || !w.isArgument(value) || w.namesCredential(value) || placeholderEnd(text, start) > start {
		return 0
	}
	return w.mask(text, start, end, "")
}

// secureString masks the literal of ConvertTo-SecureString "x".
func (w *walker) secureString(text []byte, at int) int {
	v := skipBlanks(text, at)
	if hasPrefixAt(text, v, "-String ") {
		v = skipBlanks(text, v+len("-String "))
	}
	if v == at || !isLiteralAt(text, v) {
		return 0
	}
	start, end := argumentAt(text, v)
	if value := text[start:end]; len(value) == 0 || !w.isArgument(value) || placeholderEnd(text, start) > start {
		return 0
	}
	return w.mask(text, start, end, "")
}

// inStatement masks the value after a password's name in .netrc (login bob password x) and in SQL (WITH PASSWORD 'x').
func (w *walker) inStatement(text []byte, k *key) int {
	v := skipSpace(text, k.end)
	if v == k.end || !equalFold(text[k.start:k.end], "password") {
		return 0
	}
	before := bytes.TrimRight(text[max(0, k.start-maxCell):k.start], " \t\r\n")
	word := before[bytes.LastIndexAny(before, " \t\r\n")+1:]
	quoted := isLiteralAt(text, v)
	switch {
	case quoted && (equalFold(word, "with") || equalFold(word, "encrypted") || equalFold(word, "unencrypted") || isAccount(text, k.start)):
	case len(word) < len(before) && bytes.HasSuffix(bytes.TrimRight(before[:len(before)-len(word)], " \t\r\n"), []byte("login")):
	default:
		return 0
	}
	start, end := argumentAt(text, v)
	if value := text[start:end]; len(value) == 0 || !w.isArgument(value) || isProseWord(value) || placeholderEnd(text, start) > start {
		return 0
	}
	return w.mask(text, start, end, "")
}

// isAccount reports whether a statement of SQL that makes or changes an account begins before text[at].
func isAccount(text []byte, at int) bool {
	before := bytes.ToLower(text[max(0, at-maxCommand):at])
	for _, verb := range []string{"create user ", "alter user ", "create role ", "alter role ", "grant "} {
		if i := bytes.LastIndex(before, []byte(verb)); i >= 0 && bytes.IndexByte(before[i:], ';') < 0 {
			return true
		}
	}
	return false
}

// bareWord masks the password without quotes of IDENTIFIED BY x, as Oracle has it, at text[v], and the one that it
// replaces. In lower case the words may be a sentence.
func (w *walker) bareWord(text []byte, hit, v int) int {
	if !bytes.Contains(text[hit:v], []byte("BY")) && !hasDigit(text[v:wordEnd(text, v, true, 0)]) {
		return hit
	}
	end := v
	for range 2 {
		start := v
		for v < len(text) && isWordByte(text[v]) || v < len(text) && bytes.IndexByte([]byte("$#"), text[v]) >= 0 {
			v++
		}
		word := text[start:v]
		if len(word) == 0 || hasMaskPrefix(text[start:]) || placeholderEnd(text, start) > start || isOneOf(bytes.ToLower(word), []string{"values", "random", "password"}) || w.isVariable(word) || isEnvName(word) && word[0] == '$' {
			break
		}
		end = w.mask(text, start, v, "")
		next := skipBlanks(text, v)
		if len(text)-next < len("replace ") || !equalFold(text[next:next+len("replace ")], "replace ") {
			break
		}
		v = skipBlanks(text, next+len("replace "))
	}
	if end == hit {
		return hit
	}
	return max(end, hit)
}
