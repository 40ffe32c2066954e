// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const examples = "../examples"

// exampleFiles are the YAML files below examples/ that want accepts.
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

// TestExamplesAreValid: the collector accepts all of its configurations below examples/. A configuration without
// a receiver is added to the collector.yaml next to it.
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
			cmd.Env = append(os.Environ(), "STORAGE_DIR="+t.TempDir(), "SECRETS_DIR="+secretFiles(t))
			for _, part := range parts {
				cmd.Args = append(cmd.Args, "--config="+part)
				text, err := os.ReadFile(part)
				require.NoError(t, err)
				for _, name := range needed.FindAllStringSubmatch(string(text), -1) {
					value, isGiven := given[name[1]]
					if !isGiven {
						value = "http://127.0.0.1:1"
					}
					cmd.Env = append(cmd.Env, name[1]+"="+value)
				}
			}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// pinned matches an image with a complete version.
var pinned = regexp.MustCompile(`^[a-z0-9./_-]+:v?\d+\.\d+\.\d+[\w.-]*$`)

// given are the variables that a user sets for the compose files.
var given = types.Mapping{
	"FEISHU_APP_ID": "cli_a", "FEISHU_APP_SECRET": "secret",
	"SPLUNK_PASSWORD": "password", "SPLUNK_HEC_TOKEN": "00000000-0000-0000-0000-000000000000",
}

// loadCompose reads a compose file with Docker's own loader, which checks it against its schema and fills in the
// variables.
func loadCompose(t *testing.T, file string, environment types.Mapping) (*types.Project, error) {
	folder, err := filepath.Abs(filepath.Dir(file))
	require.NoError(t, err)
	details := types.ConfigDetails{
		WorkingDir: folder, ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, filepath.Base(file))}}, Environment: maps.Clone(environment), // it adds to it
	}
	return loader.LoadWithContext(t.Context(), details, func(o *loader.Options) { o.SetProjectName("example", true) })
}

// healthyByItself are the images that have their own health check.
var healthyByItself = regexp.MustCompile(`^splunk/splunk:`)

// TestComposeFiles: Docker's own loader accepts the compose files below examples/, and refuses them without a
// variable that they need. Images are pinned; everything that is built or mounted exists; every awaited
// condition can be met; no port is open to other machines; and the collector gets its configuration, exactly the
// variables that it needs, and a volume for its storage.
func TestComposeFiles(t *testing.T) {
	t.Parallel()
	files := exampleFiles(t, func(name string, _ map[string]any) bool { return name == "compose.yaml" })
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			project, err := loadCompose(t, file, given)
			require.NoError(t, err)
			for name, service := range project.Services {
				checkService(t, project, name, service)
			}

			collector := project.Services["collector"]
			require.Equal(t, "secret", *collector.Environment["FEISHU_APP_SECRET"])
			require.Equal(t, "https://open.feishu.cn", *collector.Environment["FEISHU_ENDPOINT"], "the default")
			config, err := os.ReadFile(filepath.Join(filepath.Dir(file), "collector.yaml"))
			require.NoError(t, err)
			for _, name := range needed.FindAllStringSubmatch(string(config), -1) {
				require.Contains(t, collector.Environment, name[1])
			}
			require.True(t, collector.ReadOnly, "nothing to write but the volume, as packaging/README.md runs it")
			require.Equal(t, []string{"ALL"}, collector.CapDrop)
			require.Equal(t, []string{"no-new-privileges:true"}, collector.SecurityOpt)
			mounted := map[string]string{} // by the path in the container
			for _, volume := range collector.Volumes {
				mounted[volume.Target] = volume.Source
			}
			require.Contains(t, string(config), "${env:STORAGE_DIR:-./storage/"+filepath.Base(filepath.Dir(file))+"}", "a folder of its own, that anybody may make")
			require.Contains(t, mounted, "/var/lib/otelcol/storage")
			image, err := os.ReadFile("../packaging/Dockerfile")
			require.NoError(t, err)
			require.Contains(t, string(image), "/etc/otelcol/collector.yaml", "where the image looks")
			require.Contains(t, string(image), "ENV STORAGE_DIR=/var/lib/otelcol/storage\n", "where the image keeps the position")
			require.Equal(t, "collector.yaml", filepath.Base(mounted["/etc/otelcol/collector.yaml"]))

			for name, value := range collector.Environment {
				require.Contains(t, string(config), "${env:"+name, "a variable that the collector does not read")
				switch *value {
				case given["FEISHU_APP_ID"], given["FEISHU_APP_SECRET"], given["SPLUNK_HEC_TOKEN"]:
				default:
					continue
				}
				without := maps.Clone(given)
				delete(without, name)
				_, err := loadCompose(t, file, without)
				require.ErrorContains(t, err, name, "a needed variable that is not set")
				changed := maps.Clone(given)
				changed[name] = "another"
				project, err := loadCompose(t, file, changed)
				require.NoError(t, err)
				require.Equal(t, "another", *project.Services["collector"].Environment[name])
			}
		})
	}
}

func checkService(t *testing.T, project *types.Project, name string, service types.ServiceConfig) {
	if service.Build != nil {
		require.FileExists(t, filepath.Join(service.Build.Context, service.Build.Dockerfile))
		require.FileExists(t, filepath.Join(service.Build.Context, "builder-config.yaml"))
	} else {
		require.Regexp(t, pinned, service.Image, "image of %s", name)
	}
	for _, volume := range service.Volumes {
		switch volume.Type {
		case types.VolumeTypeBind:
			_, err := os.Stat(volume.Source)
			require.NoError(t, err, "volume of %s", name)
		default:
			require.Equal(t, types.VolumeTypeVolume, volume.Type)
			require.Contains(t, project.Volumes, volume.Source, "volume of %s", name)
		}
	}
	for _, port := range service.Ports {
		require.Equal(t, "127.0.0.1", port.HostIP, "port of %s", name)
	}
	for other, dependency := range service.DependsOn {
		awaited := project.Services[other]
		switch dependency.Condition {
		case types.ServiceConditionHealthy:
			checked := awaited.HealthCheck != nil && len(awaited.HealthCheck.Test) > 1 && awaited.HealthCheck.Retries != nil
			require.True(t, checked || healthyByItself.MatchString(awaited.Image), "%s waits for the health of %s, which nobody checks", name, other)
		case types.ServiceConditionCompletedSuccessfully:
			require.Empty(t, awaited.Restart, "%s waits for the end of %s", name, other)
			require.NotEmpty(t, awaited.Command)
		default:
			require.Equal(t, types.ServiceConditionStarted, dependency.Condition)
		}
	}
}

// TestGrafanaProvisioning: the files that Grafana reads at its start are valid, have no unknown setting, and fit
// the compose file.
func TestGrafanaProvisioning(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(examples, "loki")
	project, err := loadCompose(t, filepath.Join(folder, "compose.yaml"), given)
	require.NoError(t, err)
	mounted := map[string]string{}
	for _, volume := range project.Services["grafana"].Volumes {
		mounted[volume.Target] = volume.Source
	}
	grafana, err := filepath.Abs(filepath.Join(folder, "grafana"))
	require.NoError(t, err)
	require.Equal(t, grafana, mounted["/etc/grafana/provisioning"])

	var sources struct {
		Version int `yaml:"apiVersion"`
		Sources []struct {
			Name    string `yaml:"name"`
			UID     string `yaml:"uid"`
			Type    string `yaml:"type"`
			Access  string `yaml:"access"`
			URL     string `yaml:"url"`
			Default bool   `yaml:"isDefault"`
		} `yaml:"datasources"`
	}
	strictly(t, filepath.Join(grafana, "datasources/loki.yaml"), &sources)
	require.Equal(t, 1, sources.Version)
	require.Len(t, sources.Sources, 1)
	source := sources.Sources[0]
	require.Equal(t, "loki", source.Type)
	address, err := url.Parse(source.URL)
	require.NoError(t, err)
	require.Contains(t, project.Services, address.Hostname())

	var dashboards struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name    string `yaml:"name"`
			Type    string `yaml:"type"`
			Options struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	strictly(t, filepath.Join(grafana, "dashboards/feishu.yaml"), &dashboards)
	require.Equal(t, 1, dashboards.Version)
	require.Len(t, dashboards.Providers, 1)
	require.Equal(t, "file", dashboards.Providers[0].Type)
	shown, err := filepath.Glob(filepath.Join(mounted[dashboards.Providers[0].Options.Path], "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, shown, "dashboards in %s", dashboards.Providers[0].Options.Path)
}

// strictly reads a YAML file and refuses unknown keys.
func strictly(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into), file)
}
