// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// sources are the parsed files of a folder, without tests.
func sources(t *testing.T, folder string) map[string]*ast.File {
	out := map[string]*ast.File{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		out[filepath.Base(file)] = parsed
	}
	require.NotEmpty(t, out)
	return out
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// TestEveryMessageIsTranslated: the catalogue has exactly the texts of this package, and each translation uses
// the arguments of its text.
func TestEveryMessageIsTranslated(t *testing.T) {
	texts := map[string]bool{}
	for name, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			if made, ok := n.(*ast.CompositeLit); ok && name != "message.go" {
				id, ok := made.Type.(*ast.Ident)
				assert.False(t, ok && id.Name == "Message", "%s makes a Message without a translation", name)
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f, _ := call.Fun.(*ast.Ident); {
			case f == nil || name == "message.go":
			case f.Name == "msg":
				text, ok := literal(call.Args[0])
				assert.True(t, ok, "%s: the text of msg is no literal", name)
				texts[text] = true
				assert.Len(t, verbs(text), len(call.Args)-1, text)
			case f.Name == "count":
				text, ok := literal(call.Args[2])
				assert.True(t, ok, "%s: the text of count is no literal", name)
				texts["%d "+text] = true
			}
			return true
		})
	}
	require.Greater(t, len(texts), 100)
	for _, name := range []string{checkDomain, checkNetwork, checkCredential, checkScope, checkAddress, checkQuota, checkRead, checkClockSkew, checkLatency, checkEntries} {
		texts[name] = true
	}
	for _, q := range questions {
		if labels[q] != "" {
			texts[labels[q]] = true
		} else {
			texts[string(q)] = true
		}
	}
	for _, form := range shapes(t) {
		texts[form] = true
	}
	for text := range texts {
		translated := catalogue[text]
		assert.NotEmpty(t, translated, "not translated into Chinese, in chinese.go: %q", text)
		assert.Equal(t, verbs(text), inOrder(t, translated), "the arguments of %q and of %q", text, translated)
	}
	for text := range catalogue {
		assert.True(t, texts[text], "translated in chinese.go, and said nowhere: %q", text)
	}
}

// shapes are the names of the forms of a field: the results of kindOf and brokenResponse, and the counters of
// observe.
func shapes(t *testing.T) []string {
	found := []string{"a JSON object in a string", "another number", "others"}
	for _, d := range sources(t, ".")["evidence.go"].Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "kindOf" && f.Name.Name != "brokenResponse" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok {
				text, ok := literal(r.Results[0])
				require.True(t, ok)
				found = append(found, text)
			}
			return true
		})
	}
	require.Greater(t, len(found), 10)
	return found
}

var verb = regexp.MustCompile(`%(?:\[(\d+)\])?([0-9.]*[a-z])`)

func verbs(text string) []string {
	var out []string
	for _, found := range verb.FindAllStringSubmatch(text, -1) {
		out = append(out, found[2])
	}
	return out
}

// inOrder are the verbs of a translation in the order of the arguments.
func inOrder(t *testing.T, text string) []string {
	found := verb.FindAllStringSubmatch(text, -1)
	var out []string
	if len(found) > 0 {
		out = make([]string, len(found))
	}
	for i, v := range found {
		if v[1] != "" {
			n, err := strconv.Atoi(v[1])
			require.NoError(t, err)
			i = n - 1
		}
		require.Less(t, i, len(out), text)
		out[i] = v[2]
	}
	return out
}

// TestClientTextsAreTranslated: clientTexts has exactly the client's texts about a failed call and about what to
// do.
func TestClientTextsAreTranslated(t *testing.T) {
	constants := map[string]string{"AdviceOldToken": cause.AdviceOldToken}
	files := sources(t, filepath.Join("..", "openapi"))
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.ValueSpec); ok && len(c.Names) == 1 && len(c.Values) == 1 {
				if text, ok := literal(c.Values[0]); ok {
					constants[c.Names[0].Name] = text
				}
			}
			return true
		})
	}
	// pattern is the text of an expression, with %s for the parts that are not constant.
	var pattern func(e ast.Expr) string
	pattern = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, _ := literal(e)
			return text
		case *ast.BinaryExpr:
			return pattern(e.X) + pattern(e.Y)
		case *ast.Ident:
			if text := constants[e.Name]; text != "" {
				return text
			}
		case *ast.SelectorExpr:
			if text := constants[e.Sel.Name]; text != "" {
				return text
			}
		}
		return "%s"
	}
	said := map[string]bool{"the app lacks the scope %s": true} // the doctor's, for the client's
	add := func(e ast.Expr) {
		if text := pattern(e); strings.Trim(text, "%s :") != "" {
			said[text] = true
		}
	}
	about := func(name string) bool { return name == "Reason" || name == "Advice" || name == "kind" }
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					name := ""
					switch left := left.(type) {
					case *ast.SelectorExpr:
						name = left.Sel.Name
					case *ast.Ident:
						name = left.Name
					}
					if !about(name) || len(n.Lhs) != len(n.Rhs) {
						continue
					}
					if call, ok := n.Rhs[i].(*ast.CallExpr); ok {
						if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "firstOf" { // firstOf(..., "no message")
							for _, arg := range call.Args {
								add(arg)
							}
						}
						continue
					}
					add(n.Rhs[i])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && about(key.Name) {
					add(n.Value)
				}
			case *ast.FuncDecl:
				if n.Name.Name != "networkAdvice" && n.Name.Name != "rootCause" {
					return true
				}
				ast.Inspect(n, func(n ast.Node) bool {
					if r, ok := n.(*ast.ReturnStmt); ok {
						add(r.Results[0])
					}
					return true
				})
			}
			return true
		})
	}
	for _, info := range cause.All {
		if info.Advice != "" {
			said[strings.ReplaceAll(info.Advice, cause.ScopeName, "%s")] = true
		}
	}
	for text := range said { // a link may follow
		if strings.HasPrefix(text, "grant the app") && !strings.HasSuffix(text, ": %s") {
			said[text+": %s"] = true
		}
	}
	require.Greater(t, len(said), 30)
	for text := range said {
		assert.NotEmpty(t, clientTexts[text], "not translated into Chinese, in chinese.go: %q", text)
		assert.Equal(t, verbs(text), verbs(clientTexts[text]), text)
	}
	for text := range clientTexts {
		assert.True(t, said[text], "translated in chinese.go, and said nowhere by the client: %q", text)
	}
}

// TestLocale: the locale is found as in POSIX, and the names for --lang are known.
func TestLocale(t *testing.T) {
	for _, tc := range []struct {
		all, messages, lang string
		want                Language
	}{
		{"", "", "", English},
		{"", "", "zh_CN.UTF-8", Chinese},
		{"", "", "zh_TW.utf8", Chinese},
		{"", "", "zh", Chinese},
		{"", "", "zh-Hans-CN", Chinese},
		{"", "", "ZH_CN.UTF-8@pinyin", Chinese},
		{"", "zh_CN.UTF-8", "en_US.UTF-8", Chinese},
		{"zh_CN.UTF-8", "en_US.UTF-8", "en_US.UTF-8", Chinese},
		{"C", "zh_CN.UTF-8", "zh_CN.UTF-8", English},
		{"", "en_US.UTF-8", "zh_CN.UTF-8", English},
		{"", "", "zh_CN.GB18030", English},
		{"", "", "zha_CN", English},
	} {
		got := LocaleLanguage(func(name string) string {
			return map[string]string{"LC_ALL": tc.all, "LC_MESSAGES": tc.messages, "LANG": tc.lang}[name]
		})
		assert.Equal(t, tc.want, got, tc)
	}
	for name, want := range map[string]Language{"en": English, "zh": Chinese} {
		got, ok := ParseLanguage(name)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	_, ok := ParseLanguage("zh_CN")
	assert.False(t, ok)
}

// TestPieces: a line is broken between Chinese characters, not before closing punctuation, not after
// opening punctuation, and not within a word.
func TestPieces(t *testing.T) {
	var got []string
	for _, p := range pieces("把 https://a.b/c?d=（《名》）加入，再试。 ok") {
		got = append(got, strings.Repeat(" ", p.space)+p.text)
	}
	require.Equal(t, []string{" 把", " https://a.b/c?d=", "（《名》）", "加", "入，", "再", "试。", " ok"}, got)
	require.Equal(t, 6, columnsOf("ab中文"))
	for columns := 14; columns < 40; columns++ {
		b := page{columns: columns}
		b.column("  标签", 8, strings.Repeat("每行都不能太长，（也不能）在错误的地方换行。", 3))
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			require.LessOrEqual(t, columnsOf(line), columns, line)
			text := []rune(strings.TrimSpace(line))
			require.NotContains(t, closing, string(text[0]), line)
			require.NotContains(t, opening, string(text[len(text)-1]), line)
		}
	}
}
