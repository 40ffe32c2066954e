// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBudgetOverlay: the patch that examples/prometheus/README.md shows sets the budget of calls, and changes nothing
// else, for those who do not edit the rules themselves.
func TestBudgetOverlay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/prometheus/README.md")
	require.NoError(t, err)
	patch := regexp.MustCompile("(?ms)^  ```yaml\n(  patches:\n.*?)^  ```$").FindStringSubmatch(string(text))
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
