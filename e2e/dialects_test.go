// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// dialect is how a query language writes a condition on the API key. Group 1 is a regular expression of the
// whole key, 2 the key itself or a list of them in quotes, 3 a prefix.
type dialect struct {
	condition *regexp.Regexp
	escaped   func(pattern string) string // removes the language's own escapes
	drop      *regexp.Regexp              // negated conditions
}

func same(pattern string) string { return pattern }

var dialects = map[string]dialect{
	"LogsQL": {regexp.MustCompile(`feishu\.api_key:(?:~"([^"]*)"|in\(([^)]*)\)|=("[^"]*")($|[^*"])|="([^"]*)"\*)`), same, regexp.MustCompile(`NOT feishu\.api_key:~"[^"]*"|:="[^"]*"\*(?: OR feishu\.api_key:="[^"]*"\*)*\) AND`)},
	"LogQL":  {regexp.MustCompile("feishu_api_key=(?:~`([^`]*)`|(`[^`]*`))"), same, regexp.MustCompile("feishu_api_key!~`[^`]*`")},
	"ES|QL":  {regexp.MustCompile(`attributes\.feishu\.api_key(?: rlike "([^"]*)"|==("[^"]*")|, "([^"]*)"\))`), same, regexp.MustCompile(`not attributes\.feishu\.api_key rlike "[^"]*"`)},
	"SPL":    {regexp.MustCompile(`(?:regex feishu\.api_key="|rex field=feishu\.api_key "\(\?<\w+>)([^"]*?)(?:"|\)")|feishu\.api_key=("[^"*]*")|()()feishu\.api_key="([^"]*)\*"`), same, regexp.MustCompile(`regex feishu\.api_key!="[^"]*"`)},
	"OpenSearch": {
		regexp.MustCompile(`attributes\.feishu\.api_key:(?:/((?:[^/\\]|\\.|\[\^\\/\])*)/|((?:\\/|\\-|[\w:.])+)(?:$|[ )])|()((?:\\/|\\-|\w)+)\*)`),
		func(p string) string { return strings.NewReplacer(`\/`, "/", `\-`, "-", `\:`, ":").Replace(p) }, regexp.MustCompile(`NOT attributes\.feishu\.api_key:/(?:[^/\\]|\\.)*/`),
	},
}

// matcher returns whether a query is about an API key, whatever else it asks.
func (d dialect) matcher(query string) func(key string) bool {
	query = d.drop.ReplaceAllString(query, "")
	var patterns []*regexp.Regexp
	for _, m := range d.condition.FindAllStringSubmatch(query, -1) {
		whole, exact, begin := m[1], "", ""
		if len(m) > 2 {
			exact = m[2]
		}
		for _, more := range m[min(3, len(m)):] {
			if strings.HasPrefix(more, `"`) {
				exact = more
			} else if len(more) > 2 {
				begin = more
			}
		}
		if whole != "" {
			patterns = append(patterns, regexp.MustCompile(`^(?:`+d.escaped(strings.TrimSuffix(strings.TrimPrefix(whole, "^"), "$"))+`)$`))
		}
		for one := range strings.SplitSeq(exact, ", ") {
			if one = d.escaped(strings.Trim(one, "\"`")); one != "" {
				patterns = append(patterns, regexp.MustCompile(`^`+regexp.QuoteMeta(one)+`$`))
			}
		}
		if begin != "" {
			patterns = append(patterns, regexp.MustCompile(`^`+regexp.QuoteMeta(d.escaped(begin))))
		}
	}
	return func(key string) bool {
		return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(key) })
	}
}

// converted is what `make detections` has written, by dialect and alert.
func converted(t *testing.T) map[string]map[string]string {
	all := map[string]map[string]string{}
	for dialect, file := range map[string]string{"LogsQL": "../detections/victorialogs/rules.yaml", "LogQL": "../examples/loki/rules/feishu-audit.yaml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules ruleFile
		require.NoError(t, yaml.Unmarshal(text, &rules))
		all[dialect] = map[string]string{}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				if r.Labels["look"] == "" {
					all[dialect][r.Alert] = r.Expr
				}
			}
		}
	}
	all["OpenSearch"], all["ES|QL"], all["SPL"] = map[string]string{}, map[string]string{}, map[string]string{}
	for _, m := range monitors(t) {
		var texts []string
		for _, text := range found(`"query":"((?:[^"\\]|\\.)*)"`, m.search(t)) {
			var plain string
			require.NoError(t, json.Unmarshal([]byte(`"`+text+`"`), &plain))
			texts = append(texts, plain)
		}
		all["OpenSearch"][m.Name] = strings.Join(texts, " ; ") + " ; " + m.Triggers[0].Trigger.Condition["script"].(string)
	}
	text, err := os.ReadFile("../detections/elastic/rules.ndjson")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var r struct {
			Query      string
			References []string
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		for alert := range all["LogsQL"] {
			if strings.HasSuffix(r.References[0], "#"+strings.ToLower(alert)) {
				all["ES|QL"][alert] = r.Query
			}
		}
	}
	text, err = os.ReadFile("../examples/splunk/app/default/savedsearches.conf")
	require.NoError(t, err)
	for _, stanza := range regexp.MustCompile(`(?ms)^\[(\w+)\]\nsearch = (.*?[^\\])$`).FindAllStringSubmatch(string(text), -1) {
		all["SPL"][stanza[1]] = stanza[2]
	}
	return all
}

// TestSearchedFields: the component template for Elasticsearch has exactly the fields that the detections use.
func TestSearchedFields(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/elasticsearch/logs-otel@custom.json")
	require.NoError(t, err)
	var component struct {
		Template struct {
			Mappings struct {
				Properties map[string]struct{ Type string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &component))
	var mapped []string
	for name, field := range component.Template.Mappings.Properties {
		want := "keyword"
		if name == "attributes.feishu.response.code" || name == "attributes.feishu.redacted" {
			want = "long" // it is compared with numbers
		}
		assert.Equal(t, want, field.Type, name)
		mapped = append(mapped, name)
	}
	var all strings.Builder
	for _, query := range converted(t)["ES|QL"] {
		all.WriteString(query)
	}
	assert.ElementsMatch(t, found(`((?:resource\.)?attributes\.[a-z_.]+)`, all.String()), mapped)
}

// TestEntriesAreCountedOnce: VictoriaLogs and Splunk store a record twice that is sent twice. Their rules count ids;
// only a question about a first time, which asks whether there is any entry, counts records.
func TestEntriesAreCountedOnce(t *testing.T) {
	t.Parallel()
	all := converted(t)
	records := map[string]*regexp.Regexp{
		"LogsQL": regexp.MustCompile(`count\(\)(?: if \([^|]*?\))? as (?:value|n)\b`),
		"SPL":    regexp.MustCompile(`stats count(?:\(eval\(what="refused"\)\))? AS value`),
	}
	ids := map[string]string{"LogsQL": "count_uniq(log.record.uid)", "SPL": "log.record.uid"}
	for language, pattern := range records {
		counting := 0
		for alert, query := range all[language] {
			query = strings.ReplaceAll(query, "count() if (recent:>0 before:0) as value", "") // counts groups
			assert.NotRegexp(t, pattern, query, "%s: %s", language, alert)
			if strings.Contains(query, ids[language]) {
				counting++
			}
		}
		assert.Greater(t, counting, 20, language)
	}
}

// TestDialects: in each language a detection matches the same API keys of the vendor's, with their variables and
// with ids in place of them, the same response codes, and the same threshold.
func TestDialects(t *testing.T) {
	t.Parallel()
	keys := vendorKeys(t)
	all := converted(t)
	rules := sigmaRules(t)
	for name, r := range rules {
		if r.Custom.Alert == "" {
			continue
		}
		t.Run(r.Custom.Alert, func(t *testing.T) {
			var listed []string
			only := true // only listed keys, and no pattern
			for _, base := range append(r.Correlation.Rules, name) {
				b := rules[base]
				for _, deeper := range append(b.Correlation.Rules, base) {
					one := rules[deeper]
					whole, begin := one.keys()
					listed = append(listed, whole...)
					only = only && len(begin) == 0 && !one.hasPattern()
				}
			}
			slices.Sort(listed)
			listed = slices.Compact(listed)
			for dialect, d := range dialects {
				query := all[dialect][r.Custom.Alert]
				require.NotEmpty(t, query, dialect)
				matches := d.matcher(query)
				for _, key := range listed {
					assert.True(t, matches(key), "%s: %s", dialect, key)
					assert.True(t, matches(variable.ReplaceAllString(key, "ou_7d8a6e6df7621556")), "%s: %s with an id", dialect, key)
					if only {
						assert.False(t, matches(key+"/zz/zz"), "%s: what lies below %s", dialect, key)
						assert.False(t, matches("X"+key), "%s: X%s", dialect, key)
					}
				}
				reference := dialects["LogQL"].matcher(all["LogQL"][r.Custom.Alert])
				for _, k := range keys {
					assert.Equal(t, reference(k.key), matches(k.key), "%s and LogQL: %s", dialect, k.key)
				}
				const codes = `\b(10\d{3}|20\d{3}|9999\d{4})\b`
				assert.Equal(t, found(codes, all["LogQL"][r.Custom.Alert]), found(codes, query), "%s: response codes", dialect)
				for _, n := range found(`\) >= ([2-9]|\d{2,})\b`, all["LogQL"][r.Custom.Alert]) {
					assert.Regexp(t, `>= ?`+n+`\b`, query, "%s: the threshold", dialect)
				}
			}
		})
	}
}
