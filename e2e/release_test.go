// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// TestRegistryEntry: the entry for opentelemetry.io has what its schema requires and no unknown key, and the
// module and the version of this repository.
func TestRegistryEntry(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../packaging/registry.yaml")
	require.NoError(t, err)
	// The keys of data/registry-schema.json there, for an entry of a receiver.
	var entry struct {
		Title        string   `yaml:"title"`
		RegistryType string   `yaml:"registryType"`
		Language     string   `yaml:"language"`
		Tags         []string `yaml:"tags"`
		License      string   `yaml:"license"`
		Description  string   `yaml:"description"`
		Authors      []struct {
			Name  string `yaml:"name"`
			Email string `yaml:"email"`
			URL   string `yaml:"url"`
		} `yaml:"authors"`
		URLs struct {
			Repo string `yaml:"repo"`
			Docs string `yaml:"docs"`
		} `yaml:"urls"`
		CreatedAt string `yaml:"createdAt"`
		Package   struct {
			Registry string `yaml:"registry"`
			Name     string `yaml:"name"`
			Version  string `yaml:"version"`
		} `yaml:"package"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&entry))
	require.NotEmpty(t, entry.Title)
	require.NotEmpty(t, entry.Description)
	require.Equal(t, "receiver", entry.RegistryType)
	require.Equal(t, "collector", entry.Language)
	require.Len(t, entry.Authors, 1)
	require.NotContains(t, entry.Authors[0].Name, "OpenTelemetry", "only for its own authors")
	require.Regexp(t, `^https://`, entry.Authors[0].URL)
	require.Regexp(t, `^https://`, entry.URLs.Repo)
	require.Regexp(t, `^\d{4}-\d\d-\d\d$`, entry.CreatedAt)
	require.Equal(t, "go-collector", entry.Package.Registry)
	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	require.Contains(t, string(mod), "module "+entry.Package.Name+"\n")
	manifest, err := os.ReadFile("../builder-config.yaml")
	require.NoError(t, err)
	require.Contains(t, string(manifest), "\n  version: "+entry.Package.Version[1:]+"\n")
}

// TestReleaseWorkflow: it has not been run where this is tested. So the test only checks that it is valid YAML,
// says so, calls existing targets, and gives no job more rights than it lists.
func TestReleaseWorkflow(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../.github/workflows/release.yml")
	require.NoError(t, err)
	var workflow struct {
		Permissions map[string]string `yaml:"permissions"`
		Jobs        map[string]struct {
			Permissions map[string]string `yaml:"permissions"`
			Timeout     int               `yaml:"timeout-minutes"`
		} `yaml:"jobs"`
	}
	require.NoError(t, yaml.Unmarshal(text, &workflow))
	require.Contains(t, string(text), "NOT RUN YET")
	require.NotNil(t, workflow.Permissions)
	require.Empty(t, workflow.Permissions)
	require.Len(t, workflow.Jobs, 2)
	for name, job := range workflow.Jobs {
		require.NotEmpty(t, job.Permissions, name)
		require.Positive(t, job.Timeout, name)
	}
	targets := regexp.MustCompile(`run: make ([a-z-]+)`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		require.Contains(t, makefile(t), "\n"+target[1]+":")
	}
	require.FileExists(t, "../packaging/Dockerfile")
}
