// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// probeOf is the path and the port of a probe in a manifest.
func probeOf(t *testing.T, manifest, kind string) (path, port string) {
	text, err := os.ReadFile(manifest)
	require.NoError(t, err)
	type probe struct {
		HTTPGet struct {
			Path string `yaml:"path"`
			Port string `yaml:"port"`
		} `yaml:"httpGet"`
	}
	var m struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Ports []struct {
							Name string `yaml:"name"`
							Port string `yaml:"containerPort"`
						} `yaml:"ports"`
						Liveness  probe `yaml:"livenessProbe"`
						Readiness probe `yaml:"readinessProbe"`
					} `yaml:"containers"`
				} `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		if strings.Contains(document, "livenessProbe:") {
			require.NoError(t, yaml.Unmarshal([]byte(document), &m))
		}
	}
	container := m.Spec.Template.Spec.Containers[0]
	p := map[string]probe{"liveness": container.Liveness, "readiness": container.Readiness}[kind]
	require.NotEmpty(t, p.HTTPGet.Path, "%s has no %s probe", manifest, kind)
	for _, candidate := range container.Ports {
		if candidate.Name == p.HTTPGet.Port {
			return p.HTTPGet.Path, candidate.Port
		}
	}
	t.Fatalf("%s: no port is called %q", manifest, p.HTTPGet.Port)
	return "", ""
}

// shipped is a collector with a shipped configuration, except for addresses and folders.
type shipped struct {
	*setup
	files []string
	args  []string // further ones
}

func newShipped(t *testing.T, files ...string) *shipped {
	s := &shipped{setup: newSetup(t, ""), files: files}
	s.Health = "127.0.0.1:" + freePort(t)
	return s
}

func (s *shipped) start(t *testing.T, a *api, b *backend) *collector {
	t.Helper()
	_, port, _ := strings.Cut(s.Health, ":")
	// The test's backend does not read compressed requests, and several collectors cannot use one port for their
	// own metrics.
	cmd := exec.CommandContext(t.Context(), s.binary, "--set=service.telemetry.metrics.level=none", "--set=exporters.otlphttp.compression=none")
	for _, file := range s.files {
		cmd.Args = append(cmd.Args, "--config="+file)
	}
	cmd.Args = append(cmd.Args, s.args...)
	cmd.Env = append(os.Environ(), "HEALTH_PORT="+port, "STORAGE_DIR="+s.Storage, "FEISHU_ENDPOINT=http://"+a.addr, "FEISHU_APP_ID="+simulator.DefaultAppID,
		"SECRETS_DIR="+secretFiles(t), "OTLP_ENDPOINT="+b.url())
	return launch(t, cmd, (*exec.Cmd).Start)
}

// secretFiles is a folder like the one in which the manifests mount the secret.
func secretFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{"app_secret": simulator.DefaultAppSecret, "redis_password": redisPassword} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600))
	}
	return dir
}

// probed makes the request of Kubernetes' probe, which uses only the HTTP status.
func (s *shipped) probed(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Health+path, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// says returns the receiver's part of ?verbose.
func (s *shipped) says(t *testing.T) health {
	t.Helper()
	_, all := s.health(t)
	return all.Components["pipeline:logs"].Components["receiver:feishu_audit"]
}

// problems are problems of a receiver whose collector runs well: one that a person has to fix while it keeps
// retrying, and one that stops it.
var problems = map[string]struct {
	status string
	cause  string
}{
	"missing scope":      {"StatusRecoverableError", "the app may not read the audit log: "},
	"damaged checkpoint": {"StatusPermanentError", `the stored checkpoint cannot be used: key "position": damaged`},
}

// inTrouble starts the collector, first without a problem, and waits until it reports the problem.
func (s *shipped) inTrouble(t *testing.T, name string, well func(*collector)) *collector {
	t.Helper()
	a := newAPI(t, simulator.Options{Tenant: simulator.Tenant{Seed: 23, PerSecond: 5, Start: time.Now().Unix() - 60}})
	b := newBackend(t)
	c := s.start(t, a, b)
	c.says(t, ready, starts)
	eventually(t, starts, "entries arrive", func() bool { return b.count() > 0 })
	well(c)
	if name == "damaged checkpoint" {
		c.term(t)
		change(t, s.file(), "position", func(value []byte) []byte { value[len(value)/2] ^= 1; return value })
		c = s.start(t, a, b)
		c.says(t, ready, starts)
	} else {
		a.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: simulator.FaultMissingScope}} })
	}
	// The shipped configuration polls every minute.
	eventually(t, recovers, "the cause is named", func() bool {
		of := s.says(t)
		return of.Status == problems[name].status && strings.Contains(of.Error, problems[name].cause)
	})
	return c
}

// TestProbes: the probes of examples/kubernetes check whether the collector runs. Neither a missing scope nor a
// damaged checkpoint makes Kubernetes restart it or take it out of service, and ?verbose has the cause. Covers
// F38.
func TestProbes(t *testing.T) {
	t.Parallel()
	for name := range problems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live, livePort := probeOf(t, "../examples/kubernetes/single/statefulset.yaml", "liveness")
			readiness, readyPort := probeOf(t, "../examples/kubernetes/single/statefulset.yaml", "readiness")
			// The example of two replicas has the same health check.
			for _, kind := range []string{"liveness", "readiness"} {
				path, port := probeOf(t, "../examples/kubernetes/replicas/deployment.yaml", kind)
				require.Equal(t, []string{live, livePort}, []string{path, port})
			}
			for _, port := range []string{livePort, readyPort} {
				text, err := os.ReadFile("../examples/kubernetes/single/collector.yaml")
				require.NoError(t, err)
				require.Contains(t, string(text), "${env:HEALTH_PORT:-"+port+"}")
			}
			s := newShipped(t, "../examples/kubernetes/single/collector.yaml")
			both := func() {
				t.Helper()
				require.Equal(t, http.StatusOK, s.probed(t, live))
				require.Equal(t, http.StatusOK, s.probed(t, readiness))
			}
			c := s.inTrouble(t, name, func(*collector) { both() })
			for range 20 { // a probe's threshold is three of them
				both()
				pause(t, 500*time.Millisecond)
			}
			require.Equal(t, problems[name].status, s.says(t).Status, "it has not ended without a restart")
			c.term(t)
		})
	}
}

// TestDocumentedHealthCheck: with the health check of docs/operating.md, a problem that needs a restart turns
// the answer bad at once, and one that may end within its five minutes does not; both are named. TestHealthCheck
// tests that it turns bad after its recovery_duration.
func TestDocumentedHealthCheck(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operating.md")
	require.NoError(t, err)
	var block string
	for _, found := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(found[1], "healthcheckv2") && strings.Contains(found[1], "recovery_duration: 5m ") {
			block = found[1]
		}
	}
	require.Contains(t, block, "endpoint: localhost:13133\n", "the health check of the page")
	for name, status := range map[string]int{"missing scope": http.StatusOK, "damaged checkpoint": http.StatusInternalServerError} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "health.yaml")
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(block, "localhost:13133", "localhost:${env:HEALTH_PORT}", 1)), 0o600))
			s := newShipped(t, "../examples/kubernetes/single/collector.yaml", path)
			c := s.inTrouble(t, name, func(*collector) { require.Equal(t, http.StatusOK, s.probed(t, "/status")) })
			require.Equal(t, status, s.probed(t, "/status"))
			c.term(t)
		})
	}
}
