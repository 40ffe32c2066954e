// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const examples = "../examples"

// exampleFiles are the YAML files below examples/ for which want holds.
func exampleFiles(t *testing.T, want func(name string, keys map[string]any) bool) []string {
	var files []string
	require.NoError(t, filepath.WalkDir(examples, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var keys map[string]any
		if yaml.Unmarshal(text, &keys) == nil && want(entry.Name(), keys) {
			files = append(files, path)
		}
		return nil
	}))
	require.NotEmpty(t, files)
	return files
}

// needed finds the variables of a configuration that have no default.
var needed = regexp.MustCompile(`\$\{env:([A-Z0-9_]+)\}`)

// TestExamplesAreValid: the collector finds no fault in any of its configurations below
// examples/. One without a receiver goes on top of the collector.yaml beside it.
func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t, func(_ string, keys map[string]any) bool {
		return keys["receivers"] != nil || keys["exporters"] != nil
	})
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			parts := []string{file}
			if text, err := os.ReadFile(file); err == nil && !strings.Contains(string(text), "\nreceivers:") {
				parts = []string{filepath.Join(filepath.Dir(file), "collector.yaml"), file}
			}
			cmd := exec.CommandContext(t.Context(), binary(t), "validate")
			cmd.Env = append(os.Environ(), "STORAGE_DIR="+t.TempDir())
			for _, part := range parts {
				cmd.Args = append(cmd.Args, "--config="+part)
				text, err := os.ReadFile(part)
				require.NoError(t, err)
				for _, name := range needed.FindAllStringSubmatch(string(text), -1) {
					cmd.Env = append(cmd.Env, name[1]+"=http://127.0.0.1:1")
				}
			}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// compose is what we check of a compose file.
type compose struct {
	Services map[string]struct {
		Image string `yaml:"image"`
		Build *struct {
			Context    string `yaml:"context"`
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"build"`
		Volumes     []string          `yaml:"volumes"`
		Ports       []string          `yaml:"ports"`
		Environment map[string]string `yaml:"environment"`
		DependsOn   map[string]struct {
			Condition string `yaml:"condition"`
		} `yaml:"depends_on"`
		Healthcheck map[string]any `yaml:"healthcheck"`
		Command     []string       `yaml:"command"`
		Restart     string         `yaml:"restart"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

// pinned is an image whose version is given to the last digit.
var pinned = regexp.MustCompile(`^[a-z0-9./_-]+:v?\d+\.\d+\.\d+[\w.-]*$`)

// TestComposeFiles: the compose files below examples/ have no unknown key, pin their
// images, and mention only services, volumes and files that exist; the collector gets
// every variable that its configuration needs, and no port is open to other machines.
func TestComposeFiles(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t, func(name string, _ map[string]any) bool { return name == "compose.yaml" })
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			var c compose
			decoder := yaml.NewDecoder(f)
			decoder.KnownFields(true)
			require.NoError(t, decoder.Decode(&c))
			folder := filepath.Dir(file)
			require.Contains(t, c.Services, "collector")
			for name, service := range c.Services {
				if service.Build != nil {
					require.FileExists(t, filepath.Join(folder, service.Build.Context, service.Build.Dockerfile))
					require.FileExists(t, filepath.Join(folder, service.Build.Context, "builder-config.yaml"))
				} else {
					require.Regexp(t, pinned, service.Image, "image of %s", name)
				}
				for _, volume := range service.Volumes {
					source, _, _ := strings.Cut(volume, ":")
					if strings.HasPrefix(source, ".") {
						_, err := os.Stat(filepath.Join(folder, source))
						require.NoError(t, err, "volume of %s", name)
					} else {
						require.Contains(t, c.Volumes, source, "volume of %s", name)
					}
				}
				for _, port := range service.Ports {
					require.Regexp(t, `^127\.0\.0\.1:`, port, "port of %s", name)
				}
				for other := range service.DependsOn {
					require.Contains(t, c.Services, other, "what %s depends on", name)
				}
			}
			text, err := os.ReadFile(filepath.Join(folder, "collector.yaml"))
			require.NoError(t, err)
			for _, name := range needed.FindAllStringSubmatch(string(text), -1) {
				require.Contains(t, c.Services["collector"].Environment, name[1])
			}
		})
	}
}
