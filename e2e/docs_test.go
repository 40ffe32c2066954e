// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var yamlBlock = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$")

// otherYAML are the blocks that are not a configuration of a collector, by page and first line, with the test
// that checks them.
var otherYAML = map[string]string{
	"README.md: receivers:":    "a manifest of ocb: TestDocumentedManifest",
	"README.zh.md: receivers:": "the same",
}

// TestDocumentedConfigs: the collector accepts every configuration of a collector in the documentation, alone or
// in addition to a minimal one.
func TestDocumentedConfigs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base := filepath.Join(dir, "base.yaml")
	require.NoError(t, os.WriteFile(base, []byte(`
receivers: {feishu_audit: {app_id: cli_a1b2c3d4e5f60718, app_secret: secret}}
exporters: {debug: {}}
service: {pipelines: {logs: {receivers: [feishu_audit], exporters: [debug]}}}
`), 0o600))
	validate := func(page, block string, configs ...string) {
		t.Helper()
		path := filepath.Join(dir, "block.yaml")
		// A user has to replace the placeholder in the block; it is refused until then.
		block = strings.ReplaceAll(block, "cli_xxx", simulator.DefaultAppID)
		require.NoError(t, os.WriteFile(path, []byte(block), 0o600))
		args := []string{"validate"}
		for _, config := range append(configs, path) {
			args = append(args, "--config="+config)
		}
		cmd := exec.CommandContext(t.Context(), binary(t), args...)
		cmd.Env = append(os.Environ(), "FEISHU_APP_SECRET="+simulator.DefaultAppSecret, "FEISHU_APP_SECRET_2="+simulator.DefaultAppSecret, "FEISHU_APP_SECRET_3="+simulator.DefaultAppSecret)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s\n%s", page, block, out)
	}
	found, others := map[string]int{}, map[string]bool{}
	for page, text := range documentation(t) {
		for _, block := range yamlBlock.FindAllStringSubmatch(text, -1) {
			var parts map[string]yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(block[1]), &parts), "%s: %s", page, block[1])
			first, _, _ := strings.Cut(block[1], "\n")
			if receivers := parts["receivers"]; receivers.Kind == yaml.SequenceNode {
				name := page + ": " + first
				require.Contains(t, otherYAML, name, "no configuration of a collector, and nobody says which test holds it:\n%s", block[1])
				others[name] = true
				continue
			}
			for key := range parts {
				require.Contains(t, []string{"receivers", "processors", "exporters", "extensions", "connectors", "service"}, key, "%s: no configuration of a collector:\n%s", page, block[1])
			}
			// An error that only the start would find: a storage that does not exist.
			if _, ok := parts["extensions"]; ok {
				var config struct {
					Receivers  map[string]map[string]any `yaml:"receivers"`
					Extensions map[string]any            `yaml:"extensions"`
					Service    struct {
						Extensions []string `yaml:"extensions"`
					} `yaml:"service"`
				}
				require.NoError(t, yaml.Unmarshal([]byte(block[1]), &config), page)
				for name, receiver := range config.Receivers {
					if storage, ok := receiver["storage"].(string); ok {
						require.Contains(t, config.Extensions, storage, "%s: %s", page, name)
						require.Contains(t, config.Service.Extensions, storage, "%s: %s", page, name)
					}
				}
			}
			found[page]++
			validate(page, block[1], base)
		}
	}
	require.Len(t, others, len(otherYAML), "what is listed but not there: %v", otherYAML)
	for page, least := range map[string]int{"README.md": 1, "README.zh.md": 1, "examples/prometheus/README.md": 1, "docs/operating.md": 4, "docs/sharding.md": 3} {
		require.GreaterOrEqual(t, found[page], least, page)
	}
	// The doctor's recommendation needs nothing else.
	for _, page := range []string{"docs/doctor.md", "docs/zh/doctor.md"} {
		config, commands := advised(t, []byte(documentation(t)[page]))
		require.Greater(t, len(commands), 3)
		validate(page, config)
		// And the lines that a user may uncomment.
		filtering := regexp.MustCompile(`(?m)^# (processors:|  )`).ReplaceAllString(config, "$1")
		filtering = strings.Replace(filtering, "exporters: [debug]", "processors: [filter]\n      exporters: [debug]", 1)
		require.Equal(t, 2, strings.Count(filtering, "filter"+":")+strings.Count(filtering, "[filter]\n"))
		validate(page, filtering)
	}
}

// TestDocumentedManifest: the manifest of ocb in the README has this module, in the version of our own manifest.
func TestDocumentedManifest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../builder-config.yaml")
	require.NoError(t, err)
	type manifest struct {
		Receivers []struct {
			Gomod string `yaml:"gomod"`
		} `yaml:"receivers"`
		Replaces []string `yaml:"replaces"`
	}
	var ours manifest
	require.NoError(t, yaml.Unmarshal(text, &ours))
	for page := range otherYAML {
		page, _, _ = strings.Cut(page, ":")
		shown := 0
		for _, block := range yamlBlock.FindAllStringSubmatch(documentation(t)[page], -1) {
			if !strings.Contains(block[1], "gomod:") {
				continue
			}
			var m manifest
			require.NoError(t, yaml.Unmarshal([]byte(block[1]), &m), page)
			shown++
			require.Contains(t, fmt.Sprint(ours.Receivers), m.Receivers[0].Gomod, page)
			module, _, _ := strings.Cut(m.Receivers[0].Gomod, " ")
			require.Len(t, m.Replaces, 1, page)
			require.True(t, strings.HasPrefix(m.Replaces[0], module+" => /"), page)
		}
		require.Equal(t, 1, shown, page)
	}
}
