// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// TestConfigurationsToCopy: the configurations that users copy, which are the first one of both READMEs and each
// collector of the examples, have no queue before the backend's answer, and no stack traces. Covers F55, F61.
func TestConfigurationsToCopy(t *testing.T) {
	configs := map[string]string{}
	for _, readme := range []string{"README.md", "README.zh.md"} {
		text, err := os.ReadFile(readme)
		require.NoError(t, err)
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(block[1], "\nservice:\n") {
				configs[readme] = block[1]
				break
			}
		}
		require.Contains(t, configs, readme)
	}
	require.NoError(t, filepath.WalkDir("examples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "\nservice:\n  ") && strings.Contains(string(text), "\nexporters:\n") {
			configs[path] = string(text)
		}
		return err
	}))
	require.Greater(t, len(configs), 10)
	folders, ports := map[any]string{}, map[any]string{}
	for path, text := range configs {
		retrieved, err := confmap.NewRetrievedFromYAML([]byte(text))
		require.NoError(t, err, path)
		conf, err := retrieved.AsConf()
		require.NoError(t, err, path)
		assert.Equal(t, true, conf.Get("service::telemetry::logs::disable_stacktrace"), "%s: stack traces of exporters", path)
		if strings.HasPrefix(path, "examples/") && !strings.HasPrefix(path, "examples/kubernetes/") {
			// Several of them may run on one machine.
			readers, _ := conf.Get("service::telemetry::metrics::readers").([]any)
			if assert.Len(t, readers, 1, "%s: a port of its own for its metrics", path) {
				port := confmap.NewFromStringMap(readers[0].(map[string]any)).Get("pull::exporter::prometheus::port")
				assert.Empty(t, ports[port], "the port of %s", path)
				ports[port] = path
			}
			if folder := conf.Get("extensions::file_storage::directory"); folder != nil {
				assert.Empty(t, folders[folder], "the folder of %s", path)
				folders[folder] = path
			}
		}
		exporters, err := conf.Sub("exporters")
		require.NoError(t, err, path)
		for name := range exporters.ToStringMap() {
			if strings.HasPrefix(name, "debug") || strings.HasPrefix(name, "file") {
				continue
			}
			assert.Equal(t, false, conf.Get("exporters::"+name+"::sending_queue::enabled"), "%s: the queue of %s", path, name)
		}
	}
}
