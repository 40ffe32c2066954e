// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// TestConfigSchema: config.schema.json accepts each configuration with this receiver in the documentation and
// the examples, and refuses what the collector would refuse.
func TestConfigSchema(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("../config.schema.json")
	require.NoError(t, err)
	judge := func(text string) error {
		var node yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(text), &node), text)
		return schema.Validate(asJSON(t, node.Content[0]))
	}

	configs := map[string]string{}
	for page, text := range documentation(t) {
		for _, block := range yamlBlock.FindAllStringSubmatch(text, -1) {
			configs[page] += block[1] + "\x00"
		}
	}
	require.NoError(t, filepath.WalkDir("../examples", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		configs[path] = string(text)
		return err
	}))
	judged := 0
	for path, texts := range configs {
		for text := range strings.SplitSeq(texts, "\x00") {
			if strings.Contains(text, "\nservice:\n") && strings.Contains(text, "  feishu_audit") && strings.Contains(text, "app_id:") {
				judged++
				require.NoError(t, judge(text), path)
			}
		}
	}
	require.Greater(t, judged, 10)

	const good = "receivers:\n  feishu_audit/second:\n    app_id: cli_a\n    app_secret: ${env:S}\n    timeout: ${env:T}s\n    page_size: 50\n    headers: {x: y}\n"
	require.NoError(t, judge(good))
	for wrong, change := range map[string][2]string{
		"no secret":                   {"app_secret: ${env:S}", "body: structured"},
		"a duration without a unit":   {"timeout: ${env:T}s", "timeout: '30'"},
		"a number of another type":    {"page_size: 50", "page_size: [50]"},
		"text in place of a number":   {"page_size: 50", "page_size: many"},
		"an unknown body":             {"page_size: 50", "body: text"},
		"an unknown key of redaction": {"page_size: 50", "redaction: {enable: true}"},
		"an unknown key of filter":    {"page_size: 50", "filter: {app: cli_b}"},
		"a base URL without a scheme": {"page_size: 50", "endpoint: open.feishu.cn"},
		"a time without a date":       {"page_size: 50", "start_time: 12:00"},
	} {
		require.Contains(t, good, change[0], wrong)
		assert.Error(t, judge(strings.Replace(good, change[0], change[1], 1)), wrong)
	}
}

// asJSON is a YAML value as an editor's language server sees it: without YAML 1.1's times.
func asJSON(t *testing.T, node *yaml.Node) any {
	switch node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(node.Content); i += 2 {
			object[node.Content[i].Value] = asJSON(t, node.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range node.Content {
			list = append(list, asJSON(t, item))
		}
		return list
	case yaml.AliasNode:
		return asJSON(t, node.Alias)
	}
	if node.Tag == "!!timestamp" {
		return node.Value
	}
	var value any
	require.NoError(t, node.Decode(&value))
	return value
}
