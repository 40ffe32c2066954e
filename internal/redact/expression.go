// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"slices"
)

// This file handles code. A value that is an expression refers to a credential, but is not one. What may be one
// is a literal in it, such as the default of an environment variable, and the argument of a call that is named
// after a credential.

// expression masks the literals of the expression at text[v], the value of a key. It
// returns the expression's end, or 0 if there is none: a name with a path, an index, or
// a call.
func (w *walker) expression(text []byte, k *key, v int) int {
	v = skipKeywords(text, v)
	at, path := pathEnd(text, v)
	end := 0
	switch {
	case at == v || at == len(text):
	case text[at] == '(' && isCall(text, v, at):
		end = w.arguments(text, at)
	case text[at] == '[' && isLiteralAt(text, at+1):
		end = endOfIndex(text, at)
	}
	if end == 0 {
		if !path || !w.isReference(text, v, at) {
			return 0
		}
		end = at
	}
	next := skipBlanks(text, end)
	for _, or := range []string{"||", "??", "or "} {
		if hasPrefixAt(text, next, or) {
			next = skipBlanks(text, next+len(or))
			if isLiteralAt(text, next) {
				return w.quotedValue(text, k, assign, next)
			}
		}
	}
	return end
}

// byteAt returns text[at], or 0 after its end.
func byteAt(text []byte, at int) byte {
	if at < len(text) {
		return text[at]
	}
	return 0
}

// skipKeywords skips the words that may stand before an expression.
func skipKeywords(text []byte, v int) int {
	for _, word := range []string{"await ", "new "} {
		if hasPrefixAt(text, v, word) {
			v += len(word)
		}
	}
	return v
}

// pathEnd returns the end of the name at text[at], including the names of members, and whether it has members:
// user.password_hash.
func pathEnd(text []byte, at int) (end int, path bool) {
	for end = at; end < len(text); end++ {
		switch c := text[end]; {
		case isLetter(c), c == '_':
		case isDigit(c):
			if end == at || text[end-1] == '.' {
				return at, false
			}
		case c == '.' && end > at && end+1 < len(text) && (isLetter(text[end+1]) || text[end+1] == '_'):
			path = true
		default:
			return end, path
		}
	}
	return end, path
}

// isCall reports whether the bracket text[at] after the name text[v:at] belongs to a call. What follows decides:
// nothing, a quote, or, if the name is not a plain word, names.
func isCall(text []byte, v, at int) bool {
	first := skipBlanks(text, at+1)
	first += backslashesAt(text, first)
	if first >= len(text) || isQuoteMark(text[first]) || text[first] == ')' {
		return first < len(text)
	}
	name := text[v:at]
	end, _ := pathEnd(text, first)
	if bytes.IndexByte(name, '_') < 0 && bytes.IndexByte(name, '.') < 0 && !hasInnerUpper(name) && byteAt(text, end) != '=' && !hasPrefixAt(text, first, "...") {
		return false
	}
	return hasPrefixAt(text, first, "...") || end > first && bytes.IndexByte([]byte(",)([= "), byteAt(text, end)) >= 0
}

// arguments masks literals that look like a credential among the arguments of the call whose bracket is
// text[at], and returns the call's end.
func (w *walker) arguments(text []byte, at int) int {
	depth := 0
	for i := at; i < len(text) && i < at+maxRemark && lineEndAt(text, i) == 0; i++ {
		switch text[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			n := backslashesBefore(text, at, i)
			start := i + 1
			end := quotedEnd(text, start, quotation{mark: text[i], levels: levelsOf(n)})
			if literal := text[start:end]; looksLoose(literal, minStrong) && !isEnvName(literal) && bytes.IndexByte(literal, '/') < 0 {
				w.mask(text, start, end, "")
			}
			i = end + backslashesAt(text, end)
		}
	}
	return min(len(text), at+1)
}

// endOfIndex returns the end of the index whose bracket is text[at], and of those after
// it, or 0.
func endOfIndex(text []byte, at int) (end int) {
	for byteAt(text, at) == '[' {
		next := remarkEnd(text, at, ']')
		if next == at {
			break
		}
		at, end = next, next
	}
	return end
}

// roots are the names that paths to a value begin with in programs and in Terraform.
var roots = []string{
	"self", "this", "var", "local", "module", "data", "process", "os", "env", "config", "cfg", "conf", "settings", "options", "opts", "args", "params", "props", "state",
	"ctx", "context", "req", "request", "app", "secrets", "each",
}

// isReference reports whether the path text[v:end] refers to a value: its root is one of roots, or one of its
// names is a credential's.
func (w *walker) isReference(text []byte, v, end int) bool {
	names := bytes.Split(text[v:end], []byte("."))
	if byteAt(text, end) == '&' || slices.ContainsFunc(names, func(name []byte) bool { return isStrong(name, minMixed) }) {
		return false // of a form, or a credential with dots in it
	}
	if slices.Contains(roots, string(names[0])) {
		return true
	}
	var buf [maxCell]byte
	return slices.ContainsFunc(names, func(name []byte) bool {
		return len(name) <= maxCell && w.keys.kind(name, appendNormal(buf[:0], name)) > weak
	})
}

// types are the names of types that are declared between a key and its value.
var types = []string{"str", "string", "bytes", "secretstr", "optional", "final", "classvar", "annotated", "char", "varchar"}

// declaredValue skips the type at text[v] of a key: token: str = "x". It returns where the value is. If there is
// none, it returns the end of the type, and declared is true; without a type it returns v.
func declaredValue(text []byte, v int) (at int, declared bool) {
	end, _ := pathEnd(text, v)
	if end == v || end-v > len("classvar") || !isOneOf(bytes.ToLower(text[v:end]), types) {
		return v, false
	}
	if byteAt(text, end) == '[' {
		if end = remarkEnd(text, end, ']'); byteAt(text, end) == ']' { // Final[Optional[str]]
			end++
		}
	}
	for next := skipBlanks(text, end); hasPrefixAt(text, next, "| "); next = skipBlanks(text, end) {
		end, _ = pathEnd(text, skipBlanks(text, next+1))
	}
	if next := skipBlanks(text, end); byteAt(text, next) == '=' && byteAt(text, next+1) != '=' {
		return skipBlanks(text, next+1), true
	}
	return end, bytes.IndexByte([]byte(",)"), byteAt(text, end)) >= 0
}

// getters are the prefixes of calls whose argument is the name of a credential.
var getters = []string{"get", "fetch", "read", "load", "find", "list", "describe", "delete", "remove", "has", "is", "require", "input", "prompt"}

// setter masks the argument of a call that is named after a credential: setAppSecret("x").
func (w *walker) setter(text []byte, k *key) int {
	if byteAt(text, k.end) != '(' || k.kind <= weak {
		return 0
	}
	name := text[k.start:k.end]
	name = name[bytes.LastIndexByte(name, '.')+1:]
	for _, getter := range getters {
		if len(name) > len(getter) && equalFold(name[:len(getter)], getter) {
			return 0
		}
	}
	start, end, ok := literalAt(text, skipBlanks(text, k.end+1))
	literal := text[start:end]
	if !ok || !looksLoose(literal, minMixed) && (!k.password || isWordy(literal) || bytes.IndexByte(literal, ' ') >= 0 || isPlaceholder(literal)) || isEnvName(literal) {
		return 0
	}
	return w.mask(text, start, end, "")
}

// headerArgument masks the argument after the name of a header in a call: set("Authorization", "x").
func (w *walker) headerArgument(text []byte, k *key, c closers) int {
	if c.closing.mark == 0 || byteAt(text, c.end) != ',' {
		return 0
	}
	v := skipBlanks(text, c.end+1)
	start, end, ok := literalAt(text, v)
	if content := text[start:end]; !ok || !isStrong(content[bytes.LastIndexByte(content, ' ')+1:], minStrong) {
		return 0
	}
	return w.quotedValue(text, k, assign, v)
}
