// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file reads sentences that name a credential and give its value.

// verbs may be between a key and its value in a sentence. Longer ones come first.
var verbs = []string{
	"是不是",
	"重置为", "设置为", "修改为", "更新为", "重置成", "设置成", "修改成", "更新成", "如下", "改为", "改成", "变成", "设为", "换成", "分别是", "就是", "还是", "是", "为", "用", "填",
	"重設為", "設定為", "更新為", "改為", "為", "は", "を", "는", "은",
	"is now", "is still", "is set to", "has been set to", "was set to", "set to", "has been reset to", "was reset to", "reset to",
	"has been changed to", "was changed to", "is changed to", "changed to", "will be", "should be", "is", "was", "are", "to", "as", "still", "ist", "lautet", "est", "es", "é", "è", "là", "adalah", "ialah", "คือ", "है",
}

// adverbs may be before a Chinese verb.
var adverbs = []string{
	"已经", "现已", "已", "现在", "现", "被", "暂时", "暂", "统一", "都", "全部", "全", "应该", "应", "也", "仍然", "仍", "先", "默认", "一律", "重新", "均", "我", "给你", "帮你",
}

// maxAdverbs is how many of them may be there.
const maxAdverbs = 3

// afterAdverbs returns the end of the adverbs at text[at].
func afterAdverbs(text []byte, at int) int {
	for range maxAdverbs {
		for _, adverb := range adverbs {
			if bytes.HasPrefix(text[at:], []byte(adverb)) {
				at += len(adverb)
				break
			}
		}
	}
	return at
}

// verbEnd returns the end of the verb at text[at], with a colon after it, or 0.
func verbEnd(text []byte, at int) int {
	if at < len(text) && text[at] >= 0x80 {
		at = afterAdverbs(text, at)
	}
	for _, verb := range verbs {
		if len(text)-at < len(verb) || !equalFold(text[at:at+len(verb)], verb) {
			continue
		}
		end := at + len(verb)
		if verb[0] >= 0x80 && bytes.HasPrefix(text[end:], []byte("了")) {
			end += len("了")
		}
		if verb[0] < 0x80 && end < len(text) && !isBlank(text[end]) && text[end] != ':' && lineEndAt(text, end) == 0 {
			continue // a part of a longer word
		}
		if next := skipBlanks(text, end); next < len(text) && text[next] == ':' {
			return next + 1
		}
		return end
	}
	return 0
}

// sentenceEnds are the ends of a short Chinese sentence before a value: 密码发你了 x, 密码我重置成：x.
var sentenceEnds = []string{"是", "为", "為", "成", "了", "你", "您", "下", "这", "这个", "这里"}

// afterSentence returns the value after a key and a short Chinese sentence.
func afterSentence(text []byte, at int) (start, end int) {
	i := at
	for i < len(text) && i-at <= maxLabel && text[i] >= 0x80 {
		i++
	}
	said := text[at:i]
	if len(said) == 0 || len(said) > maxLabel || bytes.ContainsAny(said, "请找问见看联由向到从与和及可") ||
		!slices.ContainsFunc(sentenceEnds, func(end string) bool { return bytes.HasSuffix(said, []byte(end)) }) {
		return 0, 0
	}
	if i = skipBlanks(text, i); i < len(text) && text[i] == ':' {
		i = skipBlanks(text, i+1)
	}
	if end = wordEnd(text, i, true, 0); !looksLoose(text[i:end], minStrong) {
		return 0, 0
	}
	return i, end
}

// prepositions begin what an English or Italian sentence says about a credential before its value: the password for bob: x.
var prepositions = []string{"for", "of", "on", "in", "at", "to", "here", "from", "di", "del", "della", "dello", "dei", "per"}

func isPreposition(word []byte) bool {
	return slices.ContainsFunc(prepositions, func(p string) bool { return strings.EqualFold(string(word), p) })
}

// maxQualifier is how many words it may say.
const maxQualifier = 6

// qualifierEnd returns where the value begins after a key and what a sentence says about it, or 0.
func qualifierEnd(text []byte, k *key, at int) int {
	if !k.common || k.kind == plural || text[k.end-1] >= 0x80 {
		return 0
	}
	i := at
	for n := range maxQualifier {
		start := skipBlanks(text, i)
		end := start
		for end < len(text) && (isWordByte(text[end]) || text[end] == '.' || text[end] == '@') && text[end] < 0x80 {
			end++
		}
		if end == start || !isBlank(text[start-1]) || n == 0 && !isPreposition(text[start:end]) {
			return 0
		}
		if end < len(text) && text[end] == ':' {
			return end + 1
		}
		if verb := verbEnd(text, skipBlanks(text, end)); verb > 0 && isBlank(byteAt(text, end)) && isBlank(byteAt(text, verb)) {
			return verb
		}
		i = end
	}
	return 0
}

// actors begin who did something with a password: by whom it was changed is no password.
var actors = []string{"durch", "par", "por", "oleh", "bởi", "пользователем", "администратором"}

// saidEnd is qualifierEnd for the languages of foreignNames: пароль от почты: x, Kennwort des Administrators: x.
func saidEnd(text []byte, k *key, at int) int {
	if !k.foreign {
		return 0
	}
	i := at
	for range maxQualifier + 1 {
		start := skipBlanks(text, i)
		end := start
		for end < len(text) && end-start < maxCell && (isWordByte(text[end]) || text[end] == '.' || text[end] == '@' || text[end] == '\'') {
			end++
		}
		switch word := text[start:end]; {
		case i > at && (byteAt(text, start) == ':' || byteAt(text, start) == '='):
			return start + 1
		case end == start || !isBlank(text[start-1]) && text[start] < 0xe0 || isOneOf(word, actors):
			return 0
		case i > at && bytes.Trim(word, "-") == nil:
			return end // a dash
		case bytes.HasSuffix(word, []byte("คือ")):
			return end
		}
		if verb := verbEnd(text, skipBlanks(text, end)); verb > 0 && isBlank(byteAt(text, end)) && isBlank(byteAt(text, verb)) {
			return verb
		}
		i = end
	}
	return 0
}

// hasShortWord reports whether one of several words has few letters, as prepositions and articles have.
func hasShortWord(text []byte) bool {
	for word := range bytes.FieldsSeq(text) {
		if utf8.RuneCount(word) <= 3 && isForeignWord(word) {
			return true
		}
	}
	return false
}

// isForeignWord reports whether a word consists of letters of any script.
func isForeignWord(word []byte) bool { return isForeign(word) || isLowerWord(word) }

const (
	minCode = 4 // digits of a code that is sent in a message
	maxCode = 8
)

// codeBefore returns the code before its key: 123456 is your verification code.
func codeBefore(text []byte, k *key) (start, end int) {
	if !k.digits || text[k.end-1] >= 0x80 {
		return 0, 0
	}
	first := max(0, k.start-maxRemark/2)
	if i := bytes.LastIndexAny(text[first:k.start], "\n.;:"); i >= 0 {
		first += i + 1
	}
	i := bytes.LastIndex(text[first:k.start], []byte(" is "))
	if i < 0 {
		return 0, 0
	}
	words := 0
	for range bytes.FieldsSeq(text[first+i : k.start]) {
		words++
	}
	if words > maxCellWords+1 {
		return 0, 0
	}
	end = first + i
	for start = end; start > first && isDigit(text[start-1]); start-- {
	}
	if n := end - start; n < minCode || n > maxCode || start > 0 && (isLetter(text[start-1]) || isDigit(text[start-1])) {
		return 0, 0
	}
	return start, end
}

// groupsEnd returns the end of a code at text[v] that is written in groups of as many digits, 12 34 56 or 123-456, or 0.
func groupsEnd(text []byte, v int) int {
	size, groups, mark := 0, 0, byteAt(text, v)
	for i := v; ; i++ {
		start := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if groups++; groups == 1 {
			size, mark = i-start, byteAt(text, i)
		}
		switch n := i - v - (groups - 1); {
		case i-start != size || size < 2 || size > minCode || n > maxCode+1:
			return 0
		case groups > 1 && n > minCode && (byteAt(text, i) != mark || !isDigit(byteAt(text, i+1))):
			if c := byteAt(text, i); isLetter(c) || c == '_' || c == '%' || isMeasure(text, i-size, i) || nextIsWordy(text, i) && isLetter(byteAt(text, i+1)) {
				return 0
			}
			return i
		case byteAt(text, i) != mark || mark != ' ' && mark != '-':
			return 0
		}
	}
}

// codeEnd returns where a code of digits at text[v] ends: at a comma, after which 60秒内有效 may follow.
func codeEnd(text []byte, v, end int) int {
	i := v
	if hasMaskPrefix(text[v:]) {
		i += len(Mask)
	}
	for i < end && isDigit(text[i]) {
		i++
	}
	if i-v >= minCode && i < end && text[i] == ',' {
		return i
	}
	return end
}
