// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Language is a language of the report for people.
type Language int

// Languages of the report.
const (
	English Language = iota
	Chinese
	languages // how many there are
)

// ParseLanguage reads the name of a language: en or zh.
func ParseLanguage(name string) (Language, bool) {
	l, known := map[string]Language{"en": English, "zh": Chinese}[name]
	return l, known
}

// LocaleLanguage is the language of the environment's locale, as in POSIX: LC_ALL decides, then LC_MESSAGES,
// then LANG. A Chinese locale with a character set other than UTF-8 counts as English: the terminal could not
// show the report.
func LocaleLanguage(getenv func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		locale := strings.ToLower(getenv(name))
		if locale == "" {
			continue
		}
		locale, _, _ = strings.Cut(locale, "@")
		locale, charset, _ := strings.Cut(locale, ".")
		tag, _, _ := strings.Cut(strings.ReplaceAll(locale, "-", "_"), "_")
		if tag == "zh" && (charset == "" || charset == "utf-8" || charset == "utf8") {
			return Chinese
		}
		return English
	}
	return English
}

// Message is a text in every language. The zero Message is no text.
type Message struct{ texts [languages]string }

// In is the text in a language.
func (m Message) In(l Language) string { return m.texts[l] }

// String is the English text.
func (m Message) String() string { return m.texts[English] }

// IsZero reports whether there is no text.
func (m Message) IsZero() bool { return m == Message{} }

// MarshalJSON writes the English text: programs read the same in every language.
func (m Message) MarshalJSON() ([]byte, error) { return json.Marshal(m.texts[English]) }

// msg makes a message from an English format, which must be a literal with a translation in the catalogue
// (TestEveryMessageIsTranslated). A Message among the arguments is inserted in the same language.
func msg(format string, args ...any) Message {
	return each(func(l Language) string {
		text := format
		if translated := catalogue[format]; l == Chinese && translated != "" {
			text = translated
		}
		if len(args) == 0 {
			return text
		}
		local := make([]any, len(args))
		for i, arg := range args {
			if m, ok := arg.(Message); ok {
				arg = m.In(l)
			}
			local[i] = arg
		}
		return fmt.Sprintf(text, local...)
	})
}

// each makes a message with the text for each language.
func each(text func(Language) string) Message {
	var m Message
	for l := range languages {
		m.texts[l] = text(l)
	}
	return m
}

// verbatim is a text that is the same in every language: a name, or a quotation.
func verbatim(text string) Message { return each(func(Language) string { return text }) }

// and adds a clause.
func (m Message) and(clause Message) Message { return join("; ", m, clause) }

// join puts messages together.
func join(separator string, list ...Message) Message {
	return each(func(l Language) string {
		between := separator
		if l == Chinese {
			between = map[string]string{"; ": "；", ", ": "，", ": ": "：", "\n": "\n"}[separator]
		}
		texts := make([]string, len(list))
		for i, m := range list {
			texts[i] = m.In(l)
		}
		return strings.Join(texts, between)
	})
}

// count is a number of things. The translation is the one of the plural, with the number.
func count(n int, one, many string) Message {
	m := msg("%d "+many, n)
	if n == 1 {
		m.texts[English] = "1 " + one
	}
	return m
}

// known translates a label, the type of a field, or a text of the client. A text that is in no catalogue, such
// as the server's own words, is unchanged.
func known(text string) Message {
	m := verbatim(text)
	if translated := catalogue[text]; translated != "" {
		m.texts[Chinese] = translated
		return m
	}
	for _, p := range clientPatterns {
		if found := p.english.FindStringSubmatch(text); found != nil {
			args := make([]any, 0, len(found)-1)
			for _, arg := range found[1:] {
				args = append(args, known(arg).In(Chinese))
			}
			m.texts[Chinese] = fmt.Sprintf(p.chinese, args...)
			return m
		}
	}
	return m
}

// pattern is a text of the client with a variable part.
type pattern struct {
	english *regexp.Regexp
	chinese string
}

var clientPatterns = func() []pattern {
	var out []pattern
	longestFirst := func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }
	for _, english := range slices.SortedFunc(maps.Keys(clientTexts), longestFirst) {
		expression := strings.ReplaceAll(regexp.QuoteMeta(english), "%s", "(.*)")
		out = append(out, pattern{regexp.MustCompile("(?s)^" + expression + "$"), clientTexts[english]})
	}
	return out
}()

// units of time in each language.
var units = [languages]struct{ second, minute, hour, day string }{
	English: {"s", "min", "h", "d"},
	Chinese: {"秒", "分", "小时", "天"},
}

// short writes a duration for people, with two units at most.
func short(d time.Duration) Message {
	return each(func(l Language) string { return shortIn(d, l) })
}

func shortIn(d time.Duration, l Language) string {
	u := units[l]
	two := func(unit time.Duration, name string, part time.Duration, partName string) string {
		whole := d.Truncate(part)
		if rest := whole % unit; rest > 0 {
			return fmt.Sprintf("%d %s %d %s", whole/unit, name, rest/part, partName)
		}
		if l == Chinese && unit == time.Minute {
			name = "分钟"
		}
		return fmt.Sprintf("%d %s", whole/unit, name)
	}
	switch {
	case d.Abs() < 50*time.Millisecond:
		return "0 " + u.second
	case d < 0:
		return "-" + shortIn(-d, l)
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " " + u.second
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f %s", d.Seconds(), u.second)
	case d < 2*time.Hour:
		return two(time.Minute, u.minute, time.Second, u.second)
	case d < 48*time.Hour:
		return two(time.Hour, u.hour, time.Minute, u.minute)
	}
	return two(24*time.Hour, u.day, time.Hour, u.hour)
}
