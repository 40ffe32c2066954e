// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBudgetOverlay: the patch in examples/prometheus/README.md sets the budget of calls, and changes nothing
// else, for users who do not edit the rules themselves.
func TestBudgetOverlay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/prometheus/README.md")
	require.NoError(t, err)
	patch := regexp.MustCompile("(?ms)^  ```yml\n(  patches:\n.*?)^  ```$").FindStringSubmatch(string(text))
	require.NotEmpty(t, patch)
	examples, err := filepath.Abs("../examples/prometheus")
	require.NoError(t, err)
	folder := t.TempDir()
	base, err := filepath.Rel(folder, examples)
	require.NoError(t, err)
	overlay := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [" + base + "]\n" + strings.ReplaceAll("\n"+patch[1], "\n  ", "\n")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(overlay), 0o600))

	const name = "prometheusrule/feishu-audit"
	want := kustomized(t, "../prometheus")[name]
	got := kustomizedPath(t, folder)[name]
	first := list(at(list(at(want, "spec", "groups"))[0], "rules"))[0].(map[string]any)
	require.Equal(t, "feishu_audit:monthly_call_budget", first["record"])
	first["expr"] = "vector(10000)"
	require.Equal(t, want, got)
}

// TestDashboardConfigMaps: kustomize makes a ConfigMap of every shipped dashboard, which Grafana's sidecar
// finds, with the dashboard unchanged.
func TestDashboardConfigMaps(t *testing.T) {
	t.Parallel()
	shipped := map[string]string{} // path, contents
	require.NoError(t, filepath.WalkDir("../examples", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), `"panels"`) && strings.Contains(string(text), `"schemaVersion"`) {
			shipped[path] = string(text)
		}
		return err
	}))
	require.Len(t, shipped, 3)
	for path, text := range shipped {
		example := strings.Split(filepath.ToSlash(path), "/")[2]
		found := 0
		for name, object := range kustomized(t, "../"+example) {
			if strings.HasPrefix(name, "configmap/") && at(object, "data", filepath.Base(path)) == text {
				require.Equal(t, "1", at(object, "metadata", "labels", "grafana_dashboard"), name)
				require.Equal(t, namespace, at(object, "metadata", "namespace"), name)
				found++
			}
		}
		require.Equal(t, 1, found, "%s has no ConfigMap", path)
	}
}
