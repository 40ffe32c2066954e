// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"unicode"
)

// part is a piece of prose with the line of the file in which it starts. Its text has as many
// line breaks as its source has.
type part struct {
	text string
	line int
}

// blank returns spaces and line breaks in place of a text, so that lines can be counted.
func blank(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, text)
}

// code are the code spans of Markdown: names, commands, what a program prints.
var code = regexp.MustCompile("`[^`\n]+`")

// markdown is a page without its code spans. Its blocks of code are prose, too: of their comments.
func markdown(_, source string) ([]part, error) {
	return []part{{code.ReplaceAllStringFunc(source, blank), 1}}, nil
}

// lines is all of a file: its values may be descriptions. The marks of comments are left out, so that
// a phrase is found across lines.
func lines(_, source string) ([]part, error) {
	return []part{{hashes.ReplaceAllStringFunc(source, blank), 1}}, nil
}

// goSource are the comments, the sentences among the string literals, and the names of tests. Code that
// was generated has none.
func goSource(path, source string) ([]part, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil || ast.IsGenerated(file) {
		return nil, err
	}
	var parts []part
	for _, group := range file.Comments {
		parts = append(parts, comment(source[set.Position(group.Pos()).Offset:set.Position(group.End()).Offset], set.Position(group.Pos()).Line))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING && strings.Contains(n.Value, " ") {
				parts = append(parts, part{literal(n.Value), set.Position(n.Pos()).Line})
			}
		case *ast.FuncDecl:
			for _, kind := range []string{"Test", "Benchmark", "Fuzz", "Example"} {
				if n.Recv == nil && strings.HasPrefix(n.Name.Name, kind) {
					parts = append(parts, part{camel(n.Name.Name), set.Position(n.Name.Pos()).Line})
				}
			}
		}
		return true
	})
	return parts, nil
}

// hashes are what starts the lines of a comment in YAML, shell and make.
var hashes = regexp.MustCompile(`(?m)^\s*#+`)

// marks are what starts and ends the lines of a comment.
var marks = regexp.MustCompile(`(?m)^\s*//|/\*|\*/`)

// comment is a group of comments as the text that it is, so that a phrase is found across lines.
func comment(source string, line int) part {
	return part{code.ReplaceAllStringFunc(marks.ReplaceAllStringFunc(source, blank), blank), line}
}

// literal is a string literal without what is quoted in it, and without its escapes.
func literal(value string) string {
	if value[0] == '"' {
		value = strings.NewReplacer(`\n`, " ", `\t`, " ", `\"`, `"`).Replace(value)
		return code.ReplaceAllStringFunc(value, blank)
	}
	return value[1 : len(value)-1]
}

// camel takes the name of a test apart into its words.
func camel(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && (unicode.IsUpper(r) || r == '_') {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ReplaceAll(b.String(), "_", "")
}
