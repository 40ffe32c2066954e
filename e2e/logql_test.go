// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// lokiVariables replaces the variables of the dashboard like Grafana.
var lokiVariables = strings.NewReplacer("$__auto", "5m", "$__range", "1h", "$app", ".*")

// logqlQueries are all LogQL queries of this repository, by their place.
func logqlQueries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob(filepath.Join(examples, "loki/rules/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules ruleFile
		require.NoError(t, yaml.Unmarshal(text, &rules))
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				all[file+": "+rule.Alert] = rule.Expr
			}
		}
	}
	var board dashboard
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "loki/dashboards/feishu-audit.json")), &board))
	for _, panel := range board.Panels {
		for i, target := range panel.Targets {
			all[fmt.Sprintf("dashboard: %s %d", panel.Title, i)] = lokiVariables.Replace(target.Expr)
		}
	}
	for page, text := range documentation(t) {
		for i, block := range found("(?s)```logql\n(.*?)\n```", text) {
			for j, query := range strings.Split(block, "\n") {
				if !strings.HasPrefix(query, "#") && query != "" {
					all[fmt.Sprintf("%s: %d.%d", page, i, j)] = query
				}
			}
		}
	}
	return all
}

// logqlGrammar returns for each query what Grafana's grammar does not accept in it, "" for nothing.
func logqlGrammar(t *testing.T, queries []string) []string {
	t.Helper()
	dir := filepath.Join("..", "_build", "logql")
	_, err := os.Stat(filepath.Join(dir, "ready"))
	require.NoError(t, err, "run `make logql` first")
	sent, err := json.Marshal(queries)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "parse.js")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(sent)
	out := &output{}
	cmd.Stderr = out
	answer, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	var faults []string
	require.NoError(t, json.Unmarshal(answer, &faults))
	require.Len(t, faults, len(queries))
	return faults
}

var (
	logqlRegexp      = regexp.MustCompile("(?:=~|!~|\\|~|\\bregexp)\\s*(\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)")
	logqlTemplate    = regexp.MustCompile("(\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`)")
	logqlNumber      = regexp.MustCompile(`\b(?:topk|bottomk)\s*(?:by\s*\([^)]*\)\s*)?\(\s*[^0-9\s]`)
	logqlParentheses = regexp.MustCompile(`\([^()]*\)`)
	logqlAnd         = regexp.MustCompile(`\band\b|,`)
	logqlOr          = regexp.MustCompile(`\bor\b`)
)

// mixedFilters returns the first stage of a query that joins filters on labels by `and` and by `or` without
// parentheses, or "". Loki evaluates these from left to right ("Log queries" of Loki's documentation, "Label
// filter expression"), so a reader who expects the precedence of PromQL would be wrong.
func mixedFilters(query string) string {
	query = logqlTemplate.ReplaceAllString(query, `""`)
	for _, pipeline := range found(`\}((?:\s*\|[^|\[]*)+)`, query) {
		for stage := range strings.SplitSeq(pipeline, "|") {
			for {
				inner := logqlParentheses.FindString(stage)
				if one := cmp.Or(inner, stage); logqlAnd.MatchString(one) && logqlOr.MatchString(one) {
					return one
				}
				if inner == "" {
					break
				}
				stage = strings.Replace(stage, inner, "x", 1)
			}
		}
	}
	return ""
}

// logqlText checks what the grammar does not: regular expressions, templates, the number of topk, and `and`
// together with `or`. It returns the first error, or nil.
func logqlText(query string) error {
	unquoted := func(quoted string) (string, error) {
		if quoted[0] == '`' {
			return strings.Trim(quoted, "`"), nil
		}
		var text string
		err := yaml.Unmarshal([]byte(quoted), &text)
		return text, err
	}
	for _, operand := range logqlRegexp.FindAllStringSubmatch(query, -1) {
		text, err := unquoted(operand[1])
		if err == nil {
			_, err = regexp.Compile(text)
		}
		if err != nil {
			return err
		}
	}
	// The functions of line_format and label_format, of Loki's documentation, "Template functions".
	functions := template.FuncMap{}
	for name := range strings.FieldsSeq("__line__ __timestamp__ now unixEpoch date toDate toDateInZone duration duration_seconds lower upper ToLower ToUpper Title title" +
		" Replace replace Trim TrimLeft TrimRight TrimPrefix TrimSuffix TrimSpace trim trimAll trimPrefix trimSuffix trunc substr contains hasPrefix hasSuffix indent nindent repeat" +
		" regexReplaceAll regexReplaceAllLiteral count urlencode urldecode b64enc b64dec default fromJson int float64 add sub mul div mod addf subf mulf divf max min maxf minf ceil floor round" +
		" bytes alignLeft alignRight unixToTime unixEpochMillis unixEpochNanos") {
		functions[name] = func() string { return "" }
	}
	for _, operand := range logqlTemplate.FindAllString(query, -1) {
		text, err := unquoted(operand)
		if err != nil || !strings.Contains(text, "{{") {
			continue
		}
		if _, err := template.New("").Funcs(functions).Parse(text); err != nil {
			return err
		}
	}
	if logqlNumber.MatchString(query) {
		return fmt.Errorf("topk without a number: %s", logqlNumber.FindString(query))
	}
	if mixed := mixedFilters(query); mixed != "" {
		return fmt.Errorf("and beside or: %s", mixed)
	}
	return nil
}

// TestLogQL: Grafana's own grammar accepts every LogQL query of this repository, and what the grammar does not
// check is right: regular expressions and templates.
func TestLogQL(t *testing.T) {
	t.Parallel()
	all := logqlQueries(t)
	require.Greater(t, len(all), 25)
	var names, queries []string
	for name, query := range all {
		names, queries = append(names, name), append(queries, query)
	}
	for i, fault := range logqlGrammar(t, queries) {
		assert.Empty(t, fault, "%s: %s", names[i], queries[i])
		assert.NoError(t, logqlText(queries[i]), "%s: %s", names[i], queries[i])
	}
}

// TestLogQLFaults: queries that Loki refuses are found.
func TestLogQLFaults(t *testing.T) {
	t.Parallel()
	broken := []string{
		`{service_name="feishu"`,
		`{}`,
		`sum by (a) (count_over_time({service_name="feishu"}[1h])`,
		`{service_name="feishu"} | nosuchstage "a" = `,
		`nosuch_over_time({service_name="feishu"}[1h])`,
		`count_over_time({service_name="feishu"}[1h] offset)`,
		`sum(count_over_time({service_name="feishu"}[1h])) > > 3`,
		`{service_name=~"fei(shu"}`,
		`{service_name="feishu"} |~ "a[b"`,
		"{service_name=\"feishu\"} | label_format a=`{{ nosuch .b }}`",
		`topk(sum by (a) (count_over_time({service_name="feishu"}[1h])))`,
		`{service_name="feishu"} | a="1" or b="2" and c="3"`,
		`{service_name="feishu"} | (a="1" and b="2") | (c="3" or (d="4" and e="5" or f="6"))`,
		"count_over_time({service_name=`feishu`} |= `}` | a=`1` and b=`2` or c=`3` [1h])",
	}
	for i, fault := range logqlGrammar(t, broken) {
		assert.True(t, fault != "" || logqlText(broken[i]) != nil, "it is taken for right: %s", broken[i])
	}
}
