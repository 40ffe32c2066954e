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

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestDocumentedConfigs: every configuration of a collector in the documentation is
// one that the collector takes, alone or in addition to a minimal one.
func TestDocumentedConfigs(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "base.yaml")
	require.NoError(t, os.WriteFile(base, []byte(`
receivers: {feishu_audit: {app_id: cli_xxx, app_secret: secret}}
exporters: {debug: {}}
service: {pipelines: {logs: {receivers: [feishu_audit], exporters: [debug]}}}
`), 0o600))
	for file, want := range map[string]int{"README.md": 2, "README.zh.md": 1, "examples/prometheus/README.md": 1, "docs/operating.md": 3, "docs/sharding.md": 2} {
		text, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		found := 0
		for _, block := range yamlBlock.FindAllSubmatch(text, -1) {
			var parts struct {
				Receivers, Extensions, Service yaml.Node
			}
			require.NoError(t, yaml.Unmarshal(block[1], &parts), "%s: %s", file, block[1])
			if parts.Receivers.Kind == yaml.SequenceNode || parts.Receivers.IsZero() && parts.Extensions.IsZero() && parts.Service.IsZero() {
				continue // a manifest of ocb, or nothing of a collector
			}
			found++
			path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.yaml", found))
			require.NoError(t, os.WriteFile(path, block[1], 0o600))
			cmd := exec.CommandContext(t.Context(), binary(t), "validate", "--config", base, "--config", path)
			cmd.Env = append(os.Environ(), "FEISHU_APP_SECRET="+simulator.DefaultAppSecret, "FEISHU_APP_SECRET_2="+simulator.DefaultAppSecret)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s\n%s", file, block[1], out)
		}
		require.GreaterOrEqual(t, found, want, file)
	}
}

// TestDocumentedCommands: the programs of this repository that the documentation tells
// to run exist, and take the flags that it names.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md", "packaging/*.md"} {
		matches, err := filepath.Glob(filepath.Join("..", pattern))
		require.NoError(t, err)
		files = append(files, matches...)
	}
	help := map[string]string{}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, command := range regexp.MustCompile("(?:go run |`)?(\\./cmd/[a-z-]+|_build/otelcol-feishu)( [^`#\n]*)?").FindAllStringSubmatch(string(text), -1) {
			program, arguments := command[1], command[2]
			if help[program] == "" {
				cmd := exec.CommandContext(t.Context(), "go", "run", program, "--help")
				cmd.Dir = ".."
				if strings.HasPrefix(program, "_build") {
					cmd = exec.CommandContext(t.Context(), binary(t), "validate", "--help")
				}
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s: %s", program, out)
				help[program] = string(out)
			}
			for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(arguments, -1) {
				found++
				require.Regexp(t, `(?m)(^|\s)--?`+flag[1]+`\b`, help[program]+" --help", "%s: %s%s", file, program, arguments)
			}
		}
	}
	require.GreaterOrEqual(t, found, 5)
	require.Len(t, help, 3, "doctor, simulator and collector")
}
