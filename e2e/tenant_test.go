// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// backendsWithoutATenant are the paths whose README explains how to try them without a tenant, with the variable
// for the address of the backend.
var backendsWithoutATenant = map[string]struct {
	endpoint string
	start    func(*testing.T) destination
}{
	"elasticsearch": {"ELASTICSEARCH_ENDPOINT", func(t *testing.T) destination { return newBulk(t) }},
	"splunk":        {"SPLUNK_HEC_ENDPOINT", func(t *testing.T) destination { return newSplunk(t) }},
	"opensearch":    {"OPENSEARCH_ENDPOINT", func(t *testing.T) destination { return newOpenSearch(t) }},
	"victorialogs":  {"VICTORIALOGS_ENDPOINT", func(t *testing.T) destination { return newVictoriaLogs(t) }},
	"kafka":         {"KAFKA_BROKER", func(t *testing.T) destination { return newKafka(t) }},
}

// TestWithoutATenant follows a README's instructions for trying an example without a tenant: the containers
// exist, and can be reached at the addresses that the collector uses; and with backends of these tests in their
// place, records of the simulator arrive. Covers F75.
func TestWithoutATenant(t *testing.T) {
	t.Parallel()
	for name, backend := range backendsWithoutATenant {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, section, found := strings.Cut(readFile(t, name+"/README.md"), "## Without a tenant\n")
			require.True(t, found)
			_, section, _ = strings.Cut(section, "```sh\n")
			block, _, _ := strings.Cut(section, "```")
			var environ []string
			var containers, served, collected []string
			for line := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(block, "\\\n", "")), "\n") {
				words := strings.Fields(line)
				switch words[0] {
				case "export":
					environ = append(environ, words[1:]...)
				case "docker":
					containers = words
				case "_build/feishu-audit":
					require.Equal(t, "simulate", words[1])
					require.Equal(t, "&", words[len(words)-1])
					served = words[2 : len(words)-1]
				default:
					collected = words
				}
			}

			// The containers.
			file := "examples/" + name + "/compose.yaml"
			require.Equal(t, []string{"docker", "compose", "-f", file, "up", "-d"}, containers[:6])
			project, err := loadCompose(t, filepath.Join("..", file), types.NewMapping(environ))
			require.NoError(t, err)
			published := map[string]bool{}
			for _, service := range containers[6:] {
				if service == "--wait" {
					continue
				}
				require.Contains(t, project.Services, service)
				for _, port := range project.Services[service].Ports {
					published[port.HostIP+":"+port.Published] = true
				}
			}

			// The simulator, on a free port.
			port := freePort(t)
			require.Equal(t, "--listen", served[0])
			documented := served[1]
			served[1] = "127.0.0.1:" + port
			sim := exec.CommandContext(t.Context(), feishuAudit(t), append(append([]string{"simulate"}, served...), "--rate=5")...)
			sim.Cancel = func() error { return sim.Process.Signal(os.Interrupt) }
			require.NoError(t, sim.Start())
			t.Cleanup(func() {
				_ = sim.Process.Signal(os.Interrupt) // it may have ended
				_ = sim.Wait()
			})

			// The collector, with their addresses.
			d := backend.start(t)
			for len(collected) > 0 && !strings.HasPrefix(collected[0], "_build/") {
				variable, value, _ := strings.Cut(collected[0], "=")
				switch variable {
				case "FEISHU_ENDPOINT":
					require.Equal(t, "http://"+documented, value)
					value = "http://127.0.0.1:" + port
				case backend.endpoint:
					address, err := url.Parse(value)
					if err == nil && address.Host != "" {
						value = address.Host
					}
					require.True(t, published[value], "no container is published at %s", value)
					require.Contains(t, strings.Join(d.env(), "\n"), variable+"=")
					environ = append(environ, d.env()...)
					collected = collected[1:]
					continue
				default:
					require.Fail(t, "an unknown variable", variable)
				}
				environ = append(environ, variable+"="+value)
				collected = collected[1:]
			}
			require.Equal(t, "_build/otelcol-feishu", collected[0])
			environ = append(environ, "STORAGE_DIR="+filepath.Join(t.TempDir(), "storage")) // not into the checkout
			cmd := exec.CommandContext(t.Context(), binary(t), append(collected[1:], quiet)...)
			cmd.Dir = ".."
			cmd.Env = append(os.Environ(), environ...)
			c := launch(t, cmd, (*exec.Cmd).Start)
			eventually(t, starts, "records arrive", func() bool { return len(d.held(t)) >= 2*pageSize })
			c.term(t)
		})
	}
}
