// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "bytes"

// This file distinguishes a credential from words about one, where the key alone does not: "password: hunter2"
// from "password: how to reset it".

const (
	// minStrong is the minimum length of a word that looks like a credential without a separator before it.
	minStrong = 8
	// minMixed is the minimum length after a word like "is".
	minMixed = 6
	// maxPhrase is the maximum number of words of a credential.
	maxPhrase = 10
)

// judge decides about an unquoted value after an unquoted key and a colon or an arrow. Its first word is
// text[v:end]. It returns the value's end, or 0 if the value is not a credential.
func judge(text []byte, v, end int, k *key) int {
	word := text[v:end]
	ticket := k.common && isKeyNamed(text, k, "ticket")
	if second := secondEnd(text, end); k.password && second > 0 {
		return second
	}
	switch {
	case k.common && isQuantity(word, isKeyNamed(text, k, "tokens")) && (isKeyNamed(text, k, "token") || isKeyNamed(text, k, "tokens")):
		return 0
	case len(word) >= maxWord:
		return valueEnd(text, v)
	case isURL(word), isMeasure(text, v, end), isForeign(word):
		return 0
	case ticket:
		if !isStrong(word, 2*minStrong) {
			return 0
		}
		return end
	case isProseWord(word) && !hasDigit(word):
		return 0
	case !isWordy(word):
		if isNumber(word) && !k.password && nextIsWordy(text, end) {
			return 0
		}
		if k.password {
			return strongEnd(text, end)
		}
		return end
	}
	c := clauseAt(text, end)
	switch {
	case c.words == 0:
		return end
	case c.prose:
		if !k.common && !isLowerWord(word) {
			return end
		}
		return 0
	case c.strong > 0:
		if k.password || !k.common {
			return max(c.strong, end)
		}
		return 0
	case k.foreign && c.words > 1 && hasShortWord(text[v:c.end]):
		return 0
	case k.password:
		return c.end
	case !k.common:
		return end
	}
	return 0
}

// secondEnd returns the end of the password after the name of an account that ends at text[end], and a slash with
// blanks around it: admin / x. Else it returns 0.
func secondEnd(text []byte, end int) int {
	i := skipBlanks(text, end)
	if i == end || i+1 >= len(text) || text[i] != '/' || !isBlank(text[i+1]) {
		return 0
	}
	v := skipBlanks(text, i+1)
	if end = wordEnd(text, v, true, 0); !isStrong(text[v:end], minMixed) {
		return 0
	}
	return end
}

// maxTokens is how many digits a number of tokens may have that is not said to be one.
const maxTokens = 4

// isQuantity reports whether a word is a number of tokens: 532, 12,345, 1.2k. If sure is set, it may have any
// length.
func isQuantity(word []byte, sure bool) bool {
	digits := bytes.TrimRight(word, "kKmMwW,.")
	for _, c := range digits {
		if !isDigit(c) && c != ',' && c != '.' {
			return false
		}
	}
	return len(digits) > 0 && isDigit(digits[0]) && (sure || len(digits) < len(word) || len(digits) <= maxTokens || bytes.IndexByte(digits, ',') > 0)
}

// isKeyNamed reports whether a key's last word is this one.
func isKeyNamed(text []byte, k *key, name string) bool {
	return equalFold(text[k.start:k.end], name)
}

// clause is the words after a value's first one, up to a punctuation mark, the
// end of the line or the next key.
type clause struct {
	words  int
	end    int
	strong int  // the end of the last word that looks like a credential
	prose  bool // one of its words is not part of a credential
}

func clauseAt(text []byte, at int) (c clause) {
	c.end = at
	for c.words < maxPhrase {
		i := at
		for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
			i++
		}
		if i == at || i == len(text) {
			return c
		}
		end := wordEnd(text, i, true, 0)
		word := text[i:end]
		if end == i {
			c.prose = c.prose || text[i] >= 0xe2 // the script changes
			return c
		}
		if isPairWord(text, end, word) || bytes.HasPrefix(word, []byte("--")) || word[0] == '[' || word[0] == '{' || word[0] == '(' || hasMaskPrefix(word) {
			return c
		}
		c.words++
		at = end
		switch {
		case isProseWord(word):
			c.prose = true
		case isStrong(word, minMixed) && !isID(word):
			c.strong = end
		}
		c.end = end
		if end < len(text) && text[end] == '.' {
			return c
		}
	}
	c.prose = true // a sentence
	return c
}

// isPairWord reports whether a word is a key with its separator, or a pair.
func isPairWord(text []byte, end int, word []byte) bool {
	if bytes.ContainsAny(word, "=:") {
		return true
	}
	next := skipBlanks(text, end)
	return next < len(text) && (text[next] == '=' || text[next] == ':' || next == end && text[next] == '"')
}

// strongEnd returns the end of the words after text[:end] that look like a continuation of the same credential.
func strongEnd(text []byte, end int) int {
	c := clauseAt(text, end)
	if c.prose || c.strong == 0 {
		// Up to the first word of prose.
		for at := end; ; {
			i := at
			for i < len(text) && text[i] == ' ' {
				i++
			}
			stop := i
			if i < len(text) && i > at {
				stop = wordEnd(text, i, true, 0)
			}
			if stop == i || isPairWord(text, stop, text[i:stop]) || !isStrong(text[i:stop], minMixed) || isID(text[i:stop]) || hasMaskPrefix(text[i:stop]) {
				return end
			}
			at, end = stop, stop
		}
	}
	return c.strong
}

// isStrong reports whether a word looks like a credential: long enough, with letters and digits, and not a name,
// address, date or call.
func isStrong(word []byte, least int) bool {
	word = bytes.TrimRight(word, ".,;!?")
	if len(word) < least || len(word) > 4096 || hasMaskPrefix(word) {
		return false
	}
	var letters, digits, slashes, highs, others int
	for _, c := range word {
		switch {
		case isLetter(c):
			letters++
		case isDigit(c):
			digits++
		case c == '/':
			slashes++
		case c >= 0x80 || c <= ' ' || c == '(' || c == '<' || c == '{':
			highs++
		default:
			others++
		}
	}
	return letters > 0 && digits > 0 && highs == 0 && word[0] != '/' && word[0] != '@' && !isURL(word) && !isDate(word) && (slashes < 2 || len(word) >= 32)
}

// isDate reports whether a word is a date, a time, a version or an amount.
func isDate(word []byte) bool {
	letters := 0
	for i, c := range word {
		switch {
		case isLetter(c):
			letters++
			if letters > 2 || i > 0 && isLetter(word[i-1]) {
				return false
			}
		case !isDigit(c) && bytes.IndexByte([]byte("-:./+~_"), c) < 0:
			return false
		}
	}
	return true
}

// idPrefixes are the prefixes of Feishu's ids, which give no access.
var idPrefixes = []string{
	"ou_", "on_", "oc_", "om_", "omt_", "cli_", "img_", "file_", "od-", "ode-", "tbl", "boxcn", "doxcn", "doccn", "shtcn", "bascn", "wikcn", "fldcn", "obcn", "evt_", "task_",
}

// isID reports whether a word is one of Feishu's ids.
func isID(word []byte) bool {
	for _, prefix := range idPrefixes {
		if bytes.HasPrefix(word, []byte(prefix)) {
			return true
		}
	}
	return false
}

func isURL(word []byte) bool { return bytes.Contains(word[:min(len(word), 24)], []byte("://")) }

// isNumber reports whether a word consists of a few digits.
func isNumber(word []byte) bool { return isCount(word) }

// isWordy reports whether text consists of words as in prose: letters in lower case, or the first or all in
// upper case.
func isWordy(text []byte) bool {
	for word := range bytes.FieldsSeq(text) {
		word = bytes.Trim(word, ".,;:!?'\"()-/&")
		if isHigh(word) {
			continue
		}
		upper := 0
		for i, c := range word {
			switch {
			case 'A' <= c && c <= 'Z':
				if upper++; i > 0 && upper != i+1 {
					return false
				}
			case ('a' > c || c > 'z') && c != '\'' && c != '-' && c != '/' || upper > 1 && c != '-' && c != '/':
				return false
			}
		}
		if upper > 12 {
			return false
		}
	}
	return true
}

func hasDigit(word []byte) bool { return bytes.ContainsAny(word, "0123456789") }

func isLowerWord(word []byte) bool {
	for _, c := range word {
		if 'a' > c || c > 'z' {
			return false
		}
	}
	return true
}

// isHigh reports whether the only ASCII characters in text are punctuation and space.
func isHigh(text []byte) bool {
	high := false
	for _, c := range text {
		if isLetter(c) || isDigit(c) {
			return false
		}
		high = high || c >= 0x80
	}
	return high
}

// maxLabel is the maximum length of the Chinese label before a value, in bytes.
const maxLabel = 24

// afterLabel returns the value after a short Chinese label at text[v]: 生产 x, 测试环境是 x. A label that is a request
// to do something has no value.
func afterLabel(text []byte, v int) (start, end int) {
	i := v
	for i < len(text) && i-v <= maxLabel && text[i] >= 0x80 {
		i++
	}
	label := text[v:i]
	if len(label) > maxLabel || bytes.ContainsAny(label, "请找问见看发联由向到在从与和及可用") {
		return 0, 0
	}
	verb := bytes.HasSuffix(label, []byte("是")) || bytes.HasSuffix(label, []byte("为"))
	if start = skipBlanks(text, i); start == i && !verb || start == len(text) {
		return 0, 0
	}
	if end = wordEnd(text, start, true, 0); !looksLoose(text[start:end], minMixed) {
		return 0, 0
	}
	return start, end
}

// nextIsWordy reports whether a word of prose follows after a blank.
func nextIsWordy(text []byte, at int) bool {
	if at >= len(text) || text[at] != ' ' {
		return false
	}
	end := wordEnd(text, at+1, true, 0)
	return end == at+1 && at+1 < len(text) && text[at+1] >= 0xe2 || end > at+1 && isWordy(text[at+1:end])
}

// isMeasure reports whether the digits text[v:end] are a quantity: 8位, 6-20 个字符, 2小时.
func isMeasure(text []byte, v, end int) bool {
	for _, c := range text[v:end] {
		if !isDigit(c) && c != '-' && c != '~' && c != '.' && c != '+' && c != '>' && c != '<' {
			return false
		}
	}
	rest := bytes.TrimLeft(text[end:min(len(text), end+8)], " ")
	for _, unit := range []string{"位", "个", "天", "次", "年", "月", "日", "字", "小时", "分", "秒", "元", "人", "种", "步", "条", "点", "级", "项", "件", "名", "周", "轮", "以", "到", "至", "個", "文", "桁", "時間", "%", "char", "digit", "letter", "symbol", "day", "hour", "minute"} {
		if bytes.HasPrefix(rest, []byte(unit)) {
			return true
		}
	}
	return false
}
