// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// documented is what docs/detections.md says of a rule.
type documented struct {
	text     string
	keys     []string // the api_keys of its table
	severity string
	failed   bool // calls that failed count
	every    string
	back     string
	esql     string
	spl      string
}

var (
	sectionHead = regexp.MustCompile(`(?m)^## (\w+)\n`)
	keyRow      = regexp.MustCompile("(?m)^\\| `([A-Z]+/\\S+)` \\| (.+) \\| (.+) \\|$")
	facts       = regexp.MustCompile(`(?m)^Severity: (\w+)\. Failed calls: (counted|not counted)\. Every (hour|10 minutes), looking back (an hour|10 minutes|7 days)\.$`)
	searchBlock = regexp.MustCompile("(?s)\\*\\*(\\w+)\\*\\*\n\n```(esql|spl)\n(.*?)\n```")
)

// documentedRules reads docs/detections.md.
func documentedRules(t *testing.T) map[string]*documented {
	text, err := os.ReadFile("../docs/detections.md")
	require.NoError(t, err)
	rules, searches, ok := strings.Cut(string(text), "\n# The same in Elasticsearch\n")
	require.True(t, ok)
	all := map[string]*documented{}
	heads := sectionHead.FindAllStringSubmatchIndex(rules, -1)
	for i, at := range heads {
		end := len(rules)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name, section := rules[at[2]:at[3]], rules[at[1]:end]
		d := &documented{text: section}
		for _, row := range keyRow.FindAllStringSubmatch(section, -1) {
			require.NotEqual(t, []string{"—", "—"}, row[2:], "%s: %s has a name in neither list", name, row[1])
			d.keys = append(d.keys, row[1])
		}
		fact := facts.FindStringSubmatch(section)
		require.NotNil(t, fact, "%s: severity, failed calls, schedule", name)
		d.severity, d.failed, d.every, d.back = fact[1], fact[2] == "counted", fact[3], fact[4]
		all[name] = d
	}
	for _, block := range searchBlock.FindAllStringSubmatch(searches, -1) {
		d := all[block[1]]
		require.NotNil(t, d, "a search for %s, which has no section", block[1])
		if block[2] == "esql" {
			d.esql = block[3]
		} else {
			d.spl = block[3]
		}
	}
	return all
}

// found returns what a pattern's group finds, sorted, each once.
func found(pattern, text string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expand lists the keys that a pattern matches, a path variable as :x, or nil where they
// have no end.
func expand(t *testing.T, pattern string) []string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	require.NoError(t, err)
	return expansions(tree)
}

func expansions(re *syntax.Regexp) []string {
	var all []string
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []string{""}
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCapture:
		return expansions(re.Sub[0])
	case syntax.OpQuest:
		if rest := expansions(re.Sub[0]); rest != nil {
			all = append([]string{""}, rest...)
		}
		return all
	case syntax.OpPlus:
		if re.Sub[0].String() == "[^/]" {
			return []string{":x"}
		}
		return nil
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] > 10 {
				return nil
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				all = append(all, string(r))
			}
		}
		return all
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			one := expansions(sub)
			if one == nil {
				return nil
			}
			all = append(all, one...)
		}
		return all
	case syntax.OpConcat:
		all = []string{""}
		for _, sub := range re.Sub {
			var longer []string
			for _, end := range expansions(sub) {
				for _, begin := range all {
					longer = append(longer, begin+end)
				}
			}
			all = longer
		}
		return all
	default:
		return nil
	}
}

var variable = regexp.MustCompile(`:\w+`)

// TestSearches: the rules for Loki, the searches for Elasticsearch and Splunk, and what
// docs/detections.md says of each are about the same: APIs, codes, thresholds, times, and
// whether calls that failed count.
func TestSearches(t *testing.T) {
	t.Parallel()
	all := documentedRules(t)
	rules := detections(t)
	require.Len(t, all, len(rules))
	text, err := os.ReadFile("../examples/splunk/collector.yaml")
	require.NoError(t, err)
	var splunk struct {
		Exporters map[string]struct{ Index, Sourcetype string }
	}
	require.NoError(t, yaml.Unmarshal(text, &splunk))
	where := "index=" + splunk.Exporters["splunk_hec"].Index + " sourcetype=" + splunk.Exporters["splunk_hec"].Sourcetype + " earliest=-"

	for _, r := range rules {
		t.Run(r.Alert, func(t *testing.T) {
			d := all[r.Alert]
			require.NotNil(t, d, "it has a section")
			require.NotEmpty(t, d.esql, "it has a search for Elasticsearch")
			require.NotEmpty(t, d.spl, "it has a search for Splunk")
			assert.Equal(t, d.severity, r.Labels["severity"])
			assert.Equal(t, "docs/detections.md#"+strings.ToLower(r.Alert), r.Annotations["runbook"])

			patterns := found(`feishu_api_key (?:=~|!~|=) "([^"]*)"`, r.Expr)
			assert.Equal(t, patterns, found(`attributes\.feishu\.api_key (?:RLIKE|==) "([^"]*)"`, d.esql))
			assert.Equal(t, patterns, found(`(?:match\('feishu\.api_key', "\^\(|feishu\.api_key=")(.*?)(?:\)\$"\)|")`, d.spl))
			documentedKeys(t, d, patterns)

			const code = `\b(\d{5}|9999\d{4})\b`
			codes := found(code, strings.ReplaceAll(r.Expr, "28800", ""))
			assert.Equal(t, codes, found(code, strings.ReplaceAll(d.text, "28800", "")))
			assert.Equal(t, codes, found(code, d.esql))
			assert.Equal(t, codes, found(code, strings.NewReplacer("28800", "", "86400", "", "99990000", "").Replace(d.spl)))

			assert.Equal(t, d.failed, !strings.Contains(r.Expr, `error_type = ""`), "calls that failed count")
			assert.Equal(t, d.failed, !strings.Contains(d.esql, "attributes.error.type IS NULL"), "calls that failed count")
			assert.Equal(t, d.failed, !strings.Contains(d.spl, "NOT error.type=*"), "calls that failed count")

			short := map[string]string{"an hour": "1h", "hour": "1h", "10 minutes": "10m", "7 days": "7d"}
			long := map[string]string{"an hour": "1 hour", "hour": "1 hour", "10 minutes": "10 minutes", "7 days": "7 days"}
			assert.Contains(t, r.Expr, "["+short[d.every]+"]")
			assert.Contains(t, r.Expr, "["+short[d.back]+"]")
			assert.Contains(t, d.esql, "| WHERE @timestamp > NOW() - "+long[d.back]+"\n")
			assert.True(t, strings.HasPrefix(d.spl, where+short[d.back]), "%s...", where+short[d.back])
			if d.back == "7 days" { // for the first time within the time between two runs
				assert.Contains(t, r.Expr, "[7d] offset "+short[d.every])
				assert.Contains(t, d.esql, "first > NOW() - "+long[d.every])
				assert.Contains(t, d.spl, `first > relative_time(now(), "-`+short[d.every]+`")`)
			} else {
				assert.Equal(t, short[d.back], short[d.every], "it looks back to the run before")
				threshold := found(`(?:>=|>) (\d+)\s*$`, r.Expr)
				if threshold[0] == "0" {
					threshold[0] = "1"
				}
				assert.Equal(t, threshold, found(`WHERE n >= (\d+)$`, d.esql))
				if threshold[0] != "1" {
					assert.Equal(t, threshold, found(`where (?:count|apis) >= (\d+)$`, d.spl))
				}
			}
		})
	}

	known := all["FeishuAppFromNewAddress"]
	assert.Contains(t, known.esql, "known <= NOW() - 1 hour")
	assert.Contains(t, known.spl, `known <= relative_time(now(), "-1h")`)
	night := all["FeishuAdminAPIAtNight"]
	assert.Contains(t, night.esql, "@timestamp + 8 hours")
	assert.Contains(t, night.spl, "_time + 28800", "not the hour of the zone of whoever searches")
	assert.NotContains(t, night.spl, "strftime")
}

// documentedKeys holds the patterns of a rule against the keys that its section names.
func documentedKeys(t *testing.T, d *documented, patterns []string) {
	if len(patterns) == 0 {
		assert.Empty(t, d.keys)
		return
	}
	if len(d.keys) == 0 { // without an end: the section has the patterns, or says where they hold
		for _, pattern := range patterns {
			if pattern != "[A-Z]+/open-apis/(auth|authen)/.*" {
				assert.Contains(t, d.text, "`"+pattern+"`")
			}
		}
		return
	}
	require.Len(t, patterns, 1)
	whole := regexp.MustCompile("^(" + patterns[0] + ")$")
	var named []string
	for _, key := range d.keys {
		assert.Regexp(t, whole, key, "it is watched")
		assert.Regexp(t, whole, variable.ReplaceAllString(key, "ou_7d8a6e6df7621556ce0d21922b676706ccs"), "it is watched with an id in its path")
		named = append(named, variable.ReplaceAllString(key, ":x"))
	}
	keys := expand(t, patterns[0])
	require.NotEmpty(t, keys)
	for _, key := range keys {
		assert.Contains(t, named, key, "it is watched, and has no row")
	}
}

// TestSearchesForOpenedLinks: what finds link_share_entity looks into the payload only.
func TestSearchesForOpenedLinks(t *testing.T) {
	t.Parallel()
	d := documentedRules(t)["FeishuPublicLinkOpened"]
	esql := found(`(?s)RLIKE """(.*?)"""`, d.esql)
	require.Len(t, esql, 1)
	spl := found(`match\(payload, "(.*)"\)`, d.spl)
	require.Len(t, spl, 1)
	body := regexp.MustCompile("^(?:" + esql[0] + ")$")
	payload := regexp.MustCompile(strings.ReplaceAll(spl[0], `\"`, `"`))
	for name, tc := range map[string]struct {
		payload, response string
		want              bool
	}{
		"opened to read":     {`{"external_access":true,"link_share_entity":"anyone_readable"}`, `{}`, true},
		"opened to edit":     {`{"link_share_entity": "anyone_editable", "a": "\\ \""}`, `{}`, true},
		"closed":             {`{"link_share_entity":"closed"}`, `{"data":{"link_share_entity":"anyone_readable"}}`, false},
		"for the tenant":     {`{"link_share_entity":"tenant_readable"}`, `{}`, false},
		"another setting":    {`{"comment_entity":"anyone_can_view"}`, `{}`, false},
		"nothing in payload": {``, `{"link_share_entity":"anyone_editable"}`, false},
	} {
		text, err := json.Marshal(map[string]any{"id": "1", "log_detail": map[string]string{"payload": tc.payload, "response": tc.response}})
		require.NoError(t, err)
		assert.Equal(t, tc.want, body.MatchString(string(text)), "Elasticsearch: %s: %s", name, text)
		assert.Equal(t, tc.want, payload.MatchString(tc.payload), "Splunk: %s", name)
	}
}

// TestSearchedFields: the component template for Elasticsearch has every field that a
// search names, beside those that each document has, and no other.
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
		if name == "attributes.feishu.response.code" {
			want = "long" // it is compared with numbers
		}
		assert.Equal(t, want, field.Type, name)
		mapped = append(mapped, name)
	}
	var searched []string
	for _, d := range documentedRules(t) {
		searched = append(searched, found(`((?:resource\.)?attributes\.[a-z_.]+)`, d.esql)...)
	}
	slices.Sort(searched)
	assert.ElementsMatch(t, slices.Compact(searched), mapped)
}
