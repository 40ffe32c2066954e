// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// This file recognises values that refer to a credential and are none: variables of shells, templates and SQL,
// arguments of calls, the other side of a comparison.

// refersTo reports whether the unquoted value text[v:end] of a key refers to another value.
func (w *walker) refersTo(text []byte, k *key, sep separator, v, end int) bool {
	word := text[v:end]
	switch {
	case w.isVariable(word):
		return true
	case w.inForm && word[0] >= 0x80 && word[len(word)-1] == '%' && !utf8.Valid(word):
		return true // %DB_PASS%, which has been read as an escape
	case sep == colon:
		return isTag(word)
	}
	before := bytes.TrimRight(text[max(k.end, v-maxBefore):v], " \t")
	switch {
	case bytes.HasSuffix(before, []byte(":")): // :password, a parameter of SQL
		return w.namesCredential(word)
	case bytes.HasSuffix(before, []byte("==")):
		return isLowerName(word) || w.namesCredential(word)
	case w.namesCredential(word) && (byteAt(text, end) == ')' || byteAt(text, end) == ','):
		return isInCall(text, k.start)
	case isKeyNamed(text, k, "token"), isKeyNamed(text, k, "tokens"):
		return k.common && !k.parameter && isQuantity(word, false) && isProseAt(text, end)
	}
	return false
}

// isVariable reports whether a value is a variable: $1, $env:X, $x->y, %x%, {0}, and, with a name that variables
// have, $x, @x, {x}.
func (w *walker) isVariable(value []byte) bool {
	if len(value) < 2 || len(value) > maxCell {
		return false
	}
	name, last := value[1:], value[len(value)-1]
	switch first := value[0]; {
	case first == '$':
		if len(name) > len("env:") && equalFold(name[:len("env:")], "env:") {
			name = name[len("env:"):]
			return identifierEnd(name) == len(name)
		}
		switch end := identifierEnd(name); {
		case end == 0:
			return len(name) <= 2 && isCount(name)
		case end < len(name):
			rest := string(name[end:])
			return strings.HasPrefix(rest, "->") || strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`) || strings.HasPrefix(rest, "::")
		}
		return isVariableName(name) || w.namesCredential(name)
	case first == '@': // or a person who is mentioned
		return isLowerName(name) || w.namesCredential(name)
	case first == '%' && last == '%', first == '{' && last == '}':
		name = name[:len(name)-1]
		return w.namesCredential(name) || first == '{' && len(name) <= 2 && isCount(name) || first == '%' && len(name) > 0 && isLowerName(name)
	}
	return false
}

// identifierEnd returns the end of the name of a variable at the start of text.
func identifierEnd(text []byte) int {
	for i, c := range text {
		if !isLetter(c) && c != '_' && (i == 0 || !isDigit(c)) {
			return i
		}
	}
	return len(text)
}

// isLowerName reports whether a word is one or several words of lower-case letters, joined by underscores.
func isLowerName(word []byte) bool {
	for _, c := range word {
		if ('a' > c || c > 'z') && c != '_' {
			return false
		}
	}
	return len(word) > 0
}

// namesCredential reports whether a word without digits is the name of a credential, as variables have them.
func (w *walker) namesCredential(word []byte) bool {
	if len(word) == 0 || len(word) > maxCell || identifierEnd(word) < len(word) || hasDigit(word) {
		return false
	}
	var buf [maxCell]byte
	return w.keys.kind(word, appendNormal(buf[:0], word)) > plain
}

// tags are the tags of YAML before the name of a value: of CloudFormation and Home Assistant.
var tags = []string{"!ref", "!sub", "!getatt", "!importvalue", "!secret", "!env", "!env_var"}

func isTag(word []byte) bool { return word[0] == '!' && isOneOf(bytes.ToLower(word), tags) }

// isInCall reports whether text[at] is within the arguments of a call on its line.
func isInCall(text []byte, at int) bool {
	first := max(0, at-maxCommand)
	first += bytes.LastIndexAny(text[first:at], "\r\n;&") + 1
	open := first + bytes.LastIndexByte(text[first:at], '(')
	return open > first && bytes.IndexByte(text[open:at], ')') < 0 && (isLetter(text[open-1]) || text[open-1] == '_')
}

// isProseAt reports whether prose follows at text[at], with or without a blank.
func isProseAt(text []byte, at int) bool { return byteAt(text, at) >= 0xe2 || nextIsWordy(text, at) }

// isNameOfValue reports whether the inside of brackets stands for a value: [password], [your token].
func isNameOfValue(inside []byte) bool {
	return isOneOf(bytes.ToLower(inside), labelNames) || len(inside) > len("your ") && equalFold(inside[:len("your ")], "your ")
}

// isVariableName reports whether a word in lower case is a name that programs give to a variable. Another one after a
// dollar sign is as likely a password.
func isVariableName(name []byte) bool {
	return isLowerName(name) && (len(name) <= 2 || bytes.IndexByte(name, '_') > 0 || endsInOneOf(name, variableEnds) || isOneOf(name, variableNames))
}

// variableEnds are the ends of such names, variableNames those that words may end in.
var (
	variableEnds  = []string{"pass", "pw", "pwd", "passwd", "password", "token", "secret", "key", "hash", "salt", "user", "name", "value", "input", "data", "param", "text"}
	variableNames = []string{"new", "old", "raw", "plain", "val", "var", "arg", "args", "str", "opt", "opts", "this", "self", "env", "config", "cfg", "conf", "db", "cred", "creds", "result", "res", "req", "line", "row", "item", "it", "out", "tmp", "again", "confirm", "repeat"}
)
