// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"regexp"
	"strings"
)

// evalExpression evaluates the part of Splunk's eval language that the app's props.conf
// uses: fields in single quotes, texts in double quotes, ==, AND, OR, parentheses, and
// the functions below. A value is a text, a truth value, or nil for null.
func evalExpression(expression string, fields map[string]string) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			value, err = nil, fmt.Errorf("%s: %v", expression, r)
		}
	}()
	e := &evaluator{tokens: evalTokens.FindAllString(expression, -1), fields: fields}
	if joined, plain := strings.Join(e.tokens, ""), strings.Join(regexp.MustCompile(`"[^"]*"|'[^']*'|\S`).FindAllString(expression, -1), ""); joined != plain {
		return nil, fmt.Errorf("%s: read as %s", expression, joined)
	}
	value = e.or()
	if len(e.tokens) > 0 {
		return nil, fmt.Errorf("%s: %q is left", expression, e.tokens)
	}
	return value, nil
}

var evalTokens = regexp.MustCompile(`"[^"]*"|'[^']*'|==|[(),]|\w+`)

type evaluator struct {
	tokens []string
	fields map[string]string
}

func (e *evaluator) next() string {
	if len(e.tokens) == 0 {
		panic("it ends too early")
	}
	token := e.tokens[0]
	e.tokens = e.tokens[1:]
	return token
}

func (e *evaluator) take(token string) bool {
	if len(e.tokens) == 0 || e.tokens[0] != token {
		return false
	}
	e.tokens = e.tokens[1:]
	return true
}

func (e *evaluator) must(token string) {
	if got := e.next(); got != token {
		panic(fmt.Sprintf("%q instead of %q", got, token))
	}
}

func (e *evaluator) or() any {
	left := e.and()
	for e.take("OR") {
		right := e.and()
		left = left == true || right == true
	}
	return left
}

func (e *evaluator) and() any {
	left := e.equal()
	for e.take("AND") {
		right := e.equal()
		left = left == true && right == true
	}
	return left
}

func (e *evaluator) equal() any {
	left := e.operand()
	if !e.take("==") {
		return left
	}
	right := e.operand()
	return left != nil && left == right
}

func (e *evaluator) operand() any {
	token := e.next()
	switch {
	case token == "(":
		value := e.or()
		e.must(")")
		return value
	case token[0] == '"':
		return strings.Trim(token, `"`)
	case token[0] == '\'':
		if value, ok := e.fields[strings.Trim(token, "'")]; ok {
			return value
		}
		return nil
	}
	e.must("(")
	var args []any
	for !e.take(")") {
		if len(args) > 0 {
			e.must(",")
		}
		args = append(args, e.or())
	}
	return callEval(token, args)
}

// callEval calls one of Splunk's functions.
func callEval(name string, args []any) any {
	switch {
	case name == "null" && len(args) == 0:
		return nil
	case name == "isnull" && len(args) == 1:
		return args[0] == nil
	case name == "isnotnull" && len(args) == 1:
		return args[0] != nil
	case name == "match" && len(args) == 2:
		text, ok := args[0].(string)
		return ok && regexp.MustCompile(args[1].(string)).MatchString(text)
	case name == "if" && len(args) == 3:
		if args[0] == true {
			return args[1]
		}
		return args[2]
	case name == "case" && len(args)%2 == 0:
		for i := 0; i < len(args); i += 2 {
			if args[i] == true {
				return args[i+1]
			}
		}
		return nil
	}
	panic(fmt.Sprintf("a function that this test does not know: %s of %d", name, len(args)))
}

// searchMatches reports whether an event matches the part of Splunk's search language
// that the app's eventtypes.conf uses: field=value with * in values, AND by juxtaposition,
// OR, NOT and parentheses. Values are compared without case.
func searchMatches(search string, fields map[string]string) bool {
	s := &searcher{tokens: searchTokens.FindAllString(search, -1), fields: fields}
	matches := s.or()
	if len(s.tokens) > 0 {
		panic(fmt.Sprintf("%s: %q is left", search, s.tokens))
	}
	return matches
}

var searchTokens = regexp.MustCompile(`[()]|OR\b|NOT\b|(?:"[^"]*"|[\w.]+)=(?:"[^"]*"|[\w.:*/]+)`)

type searcher struct {
	tokens []string
	fields map[string]string
}

func (s *searcher) or() bool {
	matches := s.and()
	for len(s.tokens) > 0 && s.tokens[0] == "OR" {
		s.tokens = s.tokens[1:]
		right := s.and()
		matches = matches || right
	}
	return matches
}

func (s *searcher) and() bool {
	matches := true
	for len(s.tokens) > 0 && s.tokens[0] != "OR" && s.tokens[0] != ")" {
		right := s.term()
		matches = matches && right
	}
	return matches
}

func (s *searcher) term() bool {
	token := s.tokens[0]
	s.tokens = s.tokens[1:]
	switch token {
	case "NOT":
		return !s.term()
	case "(":
		matches := s.or()
		s.tokens = s.tokens[1:] // the closing one
		return matches
	}
	name, value, _ := strings.Cut(token, "=")
	pattern := "(?i)^" + strings.ReplaceAll(regexp.QuoteMeta(strings.Trim(value, `"`)), `\*`, ".*") + "$"
	has, ok := s.fields[strings.Trim(name, `"`)]
	return ok && regexp.MustCompile(pattern).MatchString(has)
}
