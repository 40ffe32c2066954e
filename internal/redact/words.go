// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
)

// proseWords are words that occur in a sentence about a credential but not in a credential: small words, and
// what is written about tokens, passwords and fields.
var proseWords = func() map[string]struct{} {
	words := strings.Fields(`
		a an the this that these those it its my your our their his her we you they he she who what which when where why how
		is are was were be been being has have had do does did can could may might must shall should will would not no never
		and or but nor so if then else than as at by for from in into of off on onto out over to under up upon with without
		about after again against all also any around back before below between both down during each either every few first
		here however instead last later least less let many more most much neither next nobody none nothing now once only other
		please same see since some somebody someone something soon still such there through today together tomorrow too
		until very via want well while yes yesterday yet ok okay thanks thank hello hi ask contact call check click copy
		access account added admin allowed already always apply auth authentication available bad belongs cannot cannt
		change changed changes changing character characters choose closed code command configured contains correctly
		create created creation credential credentials default deleted denied deprecated description details digits directory
		disabled doc document documentation does doesnt dont empty enabled encrypted enter error expire expired expires expiring expiry
		fail failed failing fails false field fields file fill fixed forgot forgotten format found generated get got guide hash hashed
		header help hidden hint id ignored incorrect info input insecure int integer internal invalid is issue issued its json jwt
		keep key keys kind leaked length letters limit link list listed login long lost lowercase manager match matches max maximum
		md5 mean means method min minimum mismatch missing mode name need needed needs new null number numbers oauth oauth2
		object obtained old open option optional owner page parameter parse per pending permission plain policy prints provided
		query read receive received refresh refreshed regenerate rejected removed renew replaced request requested
		require required requirements requires reset resetting resolved response retry returned returns revoked rotate rotated
		rotation rule rules saved scope security send sent service set settings setup share shared short shown single special
		status stored string strong successful support symbols system table tba tbd team test text their time tips too true type
		unavailable undefined unknown unset update updated updates uppercase usage use used user username users valid validate
		validated validation validity value values verification verified verify wait weak web works write wrong bearer basic sha256 base64
		bool boolean uuid varchar nil none n/a na raise throw
		bitte siehe beim und oder nicht ist das dem eine auf mit von zum wurde wird
		le la les du des une est et ou aux dans sur pour avec votre vos voir
		el los las del por para ver como`)
	set := make(map[string]struct{}, len(words))
	for _, word := range words {
		set[word] = struct{}{}
	}
	return set
}()

// maxProseWord is the length of the longest of them.
const maxProseWord = 16

// isProseWord reports whether a word is one of proseWords.
func isProseWord(word []byte) bool {
	word = bytes.Trim(word, ".,;:!?'\"()*`")
	if len(word) == 0 {
		return true
	}
	if len(word) > maxProseWord {
		return false
	}
	var buf [maxProseWord]byte
	n := 0
	for _, c := range word {
		if c != '\'' {
			buf[n] = lower(c)
			n++
		}
	}
	_, ok := proseWords[string(buf[:n])]
	return ok
}

// isForeign reports whether a word has letters beyond ASCII and none of the signs of a password.
func isForeign(word []byte) bool {
	high := false
	for _, c := range word {
		if !isLetter(c) && c < 0x80 && c != '-' && c != '\'' && c != '.' && c != ',' {
			return false
		}
		high = high || c >= 0x80
	}
	return high
}

// isProse reports whether a line is several words and one of them is of prose.
func isProse(line []byte) bool {
	n, prose := 0, false
	for word := range bytes.FieldsSeq(line) {
		n++
		prose = prose || isProseWord(word) || word[0] >= 0xe2
		if isStrong(word, minMixed) {
			return false
		}
		if n == maxPhrase {
			break
		}
	}
	return prose && (n > 1 || len(line) > 0)
}

// isNothing reports whether a value is none of a credential of that kind: nothing,
// a boolean, or, of a plural, how many.
func isNothing(value []byte, k kind) bool {
	if isMasked(value) {
		return true
	}
	if len(value) <= len("undefined") {
		for _, nothing := range [...]string{"null", "nil", "none", "true", "false", "undefined", "是", "否", "有", "无", "無", "未设置", "已设置", "不需要"} {
			if equalFold(value, nothing) {
				return true
			}
		}
	}
	return k == plural && len(value) <= maxCount && isCount(value)
}

// maxCount is how many digits a count may have.
const maxCount = 12

// isCount reports whether a value is a number.
func isCount(word []byte) bool {
	for _, c := range word {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// isPlaceholder reports whether a value only stands for one: ***, xxxx, <your
// password>, $PASSWORD, %PASSWORD%, ..., or nothing but punctuation.
func isPlaceholder(value []byte) bool {
	value = bytes.Trim(value, " ")
	if len(value) == 0 {
		return true
	}
	if len(bytes.Trim(value, "*.-_/?!…。，•#")) == 0 || len(value) >= 3 && len(bytes.Trim(value[prefixEnd(value):], "xX*")) == 0 {
		return true
	}
	first, last := value[0], value[len(value)-1]
	switch {
	case first == '<' && last == '>' && len(value) > 2:
		inside := value[1 : len(value)-1]
		return isHigh(inside) || isPlaceholderName(inside)
	case first == '{' && last == '}' && len(value) > 2:
		return isPlaceholderName(value[1 : len(value)-1])
	case first == '$' && len(value) > 2:
		return isEnvName(bytes.Trim(value[1:], "{}()"))
	case first == '%' && last == '%' && len(value) > 2:
		return isEnvName(value[1 : len(value)-1])
	case first == '%' && len(value) == 2:
		return value[1] == 's' || value[1] == 'v' || value[1] == 'q' || value[1] == 'd'
	}
	return placeholderEnd(value, 0) == len(value) || bytes.HasPrefix(bytes.ToLower(value[:min(len(value), 5)]), []byte("your_")) ||
		bytes.HasPrefix(bytes.ToLower(value[:min(len(value), 5)]), []byte("your-"))
}

// prefixEnd returns the end of the prefix of a token of which only x follow, as in t-xxx and cli_xxx, or 0.
func prefixEnd(value []byte) int {
	if i := bytes.IndexAny(value, "-_"); i > 0 && i < len("xoxb-") && i+3 < len(value) {
		return i + 1
	}
	return 0
}

// isPlaceholderName reports whether the inside of angle brackets is words: your
// password, app_secret.
func isPlaceholderName(inside []byte) bool {
	for _, c := range inside {
		if !isLetter(c) && c != ' ' && c != '_' && c != '-' && c < 0x80 {
			return false
		}
	}
	return bytes.ContainsAny(inside, " _-") || isProseWord(inside) || isOneOf(bytes.ToLower(inside), labelNames) || isOneOf(bytes.ToLower(inside), hiddenWords)
}

// hiddenWords stand for a value that somebody took out.
var hiddenWords = []string{"redacted", "masked", "omitted", "secret", "sensitive", "your"}

// isEnvName reports whether a word is the name of a variable as shells have them.
func isEnvName(word []byte) bool {
	for _, c := range word {
		if ('A' > c || c > 'Z') && !isDigit(c) && c != '_' {
			return false
		}
	}
	return len(word) > 1
}

// placeholderEnd returns the end of the placeholder of a template that begins at
// text[at], or at: ${NAME}, ${env:NAME}, {{ .Values.x }}, $(command). One that has
// a default after :- is none, as that may be a credential.
func placeholderEnd(text []byte, at int) int {
	rest := text[at:min(len(text), at+maxRemark)]
	for _, pair := range [...][2]string{{"{{", "}}"}, {"${{", "}}"}, {"${", "}"}, {"$(", ")"}, {"<%", "%>"}, {"#{", "}"}, {"%(", ")s"}} {
		if !bytes.HasPrefix(rest, []byte(pair[0])) {
			continue
		}
		end := bytes.Index(rest[len(pair[0]):], []byte(pair[1]))
		if end <= 0 {
			continue
		}
		inside := rest[len(pair[0]) : len(pair[0])+end]
		if bytes.Contains(inside, []byte(":?")) { // what to say if there is none
			return at + len(pair[0]) + end + len(pair[1])
		}
		if bytes.Contains(inside, []byte(":-")) || bytes.ContainsAny(inside, "\"'\n:=") && !bytes.HasPrefix(inside, []byte("env:")) && !bytes.HasPrefix(inside, []byte("file:")) {
			continue
		}
		return at + len(pair[0]) + end + len(pair[1])
	}
	return at
}

// maxLabelWords is how many words a label may have.
const maxLabelWords = 10

// isLabel reports whether a value is a text of a user interface about its key, as translations, forms and errors
// have it: "password": "密码", "Enter your password", "This field is required".
func isLabel(value []byte) bool {
	if len(value) > minWindow {
		return false
	}
	if bytes.IndexByte(value, '\\') >= 0 {
		value = plainKey(value)
	}
	if isHigh(value) {
		for i := range value {
			if wideKeyEnd(value, i) > i {
				return true
			}
		}
		return false
	}
	if len(value) == 0 || value[0] < 'A' || value[0] > 'Z' {
		return false
	}
	named, n := false, 0
	for word := range bytes.FieldsSeq(value) {
		if n++; n > maxLabelWords {
			return false
		}
		word = bytes.Trim(word, ":*?.!")
		switch {
		case len(word) <= 3 && isCount(word) && n > 1:
		case isOneOf(bytes.ToLower(word), labelNames):
			named = true
		case !isProseWord(word) && !isOneOf(bytes.ToLower(word), labelWords):
			return false
		}
	}
	return named || n > 3
}

// labelNames are the words that name a credential in a label, labelWords others that proseWords do not have.
var (
	labelNames = []string{"password", "passwords", "passcode", "passphrase", "token", "secret", "captcha", "authorization", "cookie"}
	labelWords = []string{"app", "api", "client", "current", "confirm", "encrypt", "private", "initial", "temporary", "sign"}
)

// isSchema reports whether an object describes a value (JSON Schema): {"type":"string"}.
func isSchema(text []byte) bool {
	var compact [32]byte
	n := 0
	for _, c := range text[:min(len(text), 2*len(compact))] {
		if c > ' ' && n < len(compact) {
			compact[n] = c
			n++
		}
	}
	if bytes.HasPrefix(compact[:n], []byte(`{"$ref":`)) {
		return true
	}
	rest, ok := bytes.CutPrefix(compact[:n], []byte(`{"type":"`))
	if !ok {
		return false
	}
	for _, name := range [...]string{"string", "integer", "number", "boolean", "array", "object"} {
		if bytes.HasPrefix(rest, []byte(name+`"`)) {
			return true
		}
	}
	return false
}

// isLoginPass reports whether a name that ends in pass is what one logs in with: DB_PASS, smtp_pass, and not
// proxy_pass or first_pass.
func isLoginPass(name []byte) bool {
	stem, ok := bytes.CutSuffix(name, []byte("pass"))
	return ok && endsInOneOf(stem, logins)
}
