// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

var fetched = regexp.MustCompile(`(?m)^go: downloading .*\n`)

// kustomized are the objects of a folder below examples/kubernetes as `kubectl apply
// --kustomize` sends them, by kind and name.
func kustomized(t *testing.T, folder string) map[string]map[string]any {
	t.Helper()
	return kustomizedPath(t, "examples/kubernetes/"+folder)
}

// kustomizedPath is the same for any folder, seen from the root.
func kustomizedPath(t *testing.T, folder string) map[string]map[string]any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=internal/tools/kustomize/go.mod", "kustomize", "build", folder)
	cmd.Dir = ".."
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &problems)
	// Before it runs, Go may have to fetch what it is built from.
	require.Empty(t, fetched.ReplaceAllString(problems.String(), ""), "kustomize warns")
	objects := map[string]map[string]any{}
	for decoder := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err)
		objects[strings.ToLower(object["kind"].(string))+"/"+at(object, "metadata", "name").(string)] = object
	}
}

// list is a list of YAML, empty if there is none.
func list(value any) []any {
	l, _ := value.([]any)
	return l
}

// TestKustomizations: the output of the folders of examples/kubernetes refers only to objects in it, apart from
// the user's secret: configuration, account, roles, selectors.
func TestKustomizations(t *testing.T) {
	t.Parallel()
	for folder, workload := range map[string]string{"single": "statefulset/feishu-audit", "replicas": "deployment/feishu-audit"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			objects := kustomized(t, folder)
			require.Contains(t, objects, workload)
			var kustomization struct {
				Resources []string `yaml:"resources"`
			}
			text, err := os.ReadFile("../examples/kubernetes/" + folder + "/kustomization.yaml")
			require.NoError(t, err)
			require.NoError(t, yaml.Unmarshal(text, &kustomization))
			files, err := filepath.Glob("../examples/kubernetes/" + folder + "/*.yaml")
			require.NoError(t, err)
			for _, file := range files {
				name := filepath.Base(file)
				if name != "kustomization.yaml" && name != "collector.yaml" {
					require.Contains(t, kustomization.Resources, name, "it is in the folder and nothing applies it")
				}
			}
			labels := []any{}
			for name, object := range objects {
				require.Equal(t, namespace, at(object, "metadata", "namespace"), name)
				if pod := at(object, "spec", "template", "metadata", "labels"); pod != nil {
					labels = append(labels, pod)
					require.Equal(t, at(object, "spec", "selector", "matchLabels"), pod, name)
				}
			}
			selects := func(selector any) {
				require.True(t, slices.ContainsFunc(labels, func(l any) bool {
					for key, value := range selector.(map[string]any) {
						if at(l, key) != value {
							return false
						}
					}
					return true
				}), "no pod has the labels %v", selector)
			}
			var policies []any // the pods that they are about
			for name, object := range objects {
				kind, _, _ := strings.Cut(name, "/")
				switch kind {
				case "configmap":
					if strings.HasPrefix(name, "configmap/feishu-audit-backend-") {
						require.NotEmpty(t, at(object, "data", "OTLP_ENDPOINT"))
						continue
					}
					config, err := os.ReadFile("../examples/kubernetes/" + folder + "/collector.yaml")
					require.NoError(t, err)
					require.Equal(t, string(config), at(object, "data", "collector.yaml"))
				case "service":
					require.Equal(t, "None", at(object, "spec", "clusterIP"), "%s: of one pod there is nothing to balance", name)
					selects(at(object, "spec", "selector"))
				case "poddisruptionbudget":
					selects(at(object, "spec", "selector", "matchLabels"))
					require.Equal(t, 1, at(object, "spec", "maxUnavailable"))
				case "networkpolicy":
					selects(at(object, "spec", "podSelector", "matchLabels"))
					for _, rule := range list(at(object, "spec", "ingress")) {
						for _, from := range list(at(rule, "from")) {
							if pods := at(from, "podSelector", "matchLabels"); pods != nil {
								selects(pods)
							}
						}
					}
					require.Equal(t, []any{"Ingress", "Egress"}, at(object, "spec", "policyTypes"), "%s: both ways are closed", name)
					for _, rule := range list(at(object, "spec", "egress")) {
						require.NotEmpty(t, at(rule, "ports"), "%s: to every port", name)
						for _, to := range list(at(rule, "to")) {
							selects(at(to, "podSelector", "matchLabels"))
						}
					}
					policies = append(policies, at(object, "spec", "podSelector", "matchLabels"))
				case "rolebinding":
					require.Contains(t, objects, strings.ToLower(at(object, "roleRef", "kind").(string))+"/"+at(object, "roleRef", "name").(string))
					for _, subject := range list(at(object, "subjects")) {
						require.Contains(t, objects, strings.ToLower(at(subject, "kind").(string))+"/"+at(subject, "name").(string))
						require.Equal(t, namespace, at(subject, "namespace"))
					}
				case "statefulset", "deployment":
					podOf(t, objects, name, object)
				case "role", "serviceaccount":
				default:
					t.Fatalf("this test does not know what %s names", name)
				}
			}
			require.ElementsMatch(t, labels, policies, "each pod has a policy")
			config := objects[workload]
			var mounted any
			for _, volume := range list(at(config, "spec", "template", "spec", "volumes")) {
				if at(volume, "name") == "config" {
					mounted = at(volume, "configMap", "name")
				}
			}
			require.NotNil(t, mounted)
			// kustomize has appended the hash of the content to the name: a pod gets a new configuration when it
			// changes.
			require.Regexp(t, `^feishu-audit-config-\w+$`, mounted)
			require.Contains(t, objects, "configmap/"+mounted.(string))
			if lease := at(objects["role/feishu-audit"], "rules"); lease != nil {
				text, err := os.ReadFile("../examples/kubernetes/replicas/collector.yaml")
				require.NoError(t, err)
				for _, rule := range list(lease) {
					for _, name := range list(at(rule, "resourceNames")) {
						require.Contains(t, string(text), "lease_name: ${env:LEASE_NAME:-"+name.(string)+"}")
					}
				}
				require.Contains(t, string(text), "lease_namespace: ${env:POD_NAMESPACE} ")
			}
		})
	}
}

// podOf: everything that a pod mounts is in the pod or its workload, and its account exists.
func podOf(t *testing.T, objects map[string]map[string]any, name string, object any) {
	t.Helper()
	pod := at(object, "spec", "template", "spec")
	if service := at(object, "spec", "serviceName"); service != nil {
		require.Contains(t, objects, "service/"+service.(string), name)
	}
	if account := at(pod, "serviceAccountName"); account != nil {
		require.Contains(t, objects, "serviceaccount/"+account.(string), name)
	}
	volumes := map[any]bool{}
	for _, volume := range list(at(pod, "volumes")) {
		volumes[at(volume, "name")] = true
	}
	for _, claim := range list(at(object, "spec", "volumeClaimTemplates")) {
		volumes[at(claim, "metadata", "name")] = true
	}
	for _, container := range list(at(pod, "containers")) {
		for _, mount := range list(at(container, "volumeMounts")) {
			require.True(t, volumes[at(mount, "name")], "%s mounts %v, which is no volume", name, at(mount, "name"))
		}
		ports := map[any]bool{}
		for _, port := range list(at(container, "ports")) {
			ports[at(port, "name")] = true
		}
		for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
			require.NotNil(t, at(container, probe, "timeoutSeconds"), "%s: %s has the default, a second", name, probe)
			if port := at(container, probe, "httpGet", "port"); port != nil {
				require.True(t, ports[port], "%s: %s asks port %v, which is none", name, probe, port)
			}
		}
		for _, from := range list(at(container, "envFrom")) {
			made, _ := at(from, "configMapRef", "name").(string)
			require.Contains(t, objects, "configmap/"+made, "%s: a secret is a file, not a variable", name)
		}
		memory := regexp.MustCompile(`^(\d+)Mi$`).FindStringSubmatch(at(container, "resources", "limits", "memory").(string))
		require.NotNil(t, memory, name)
		require.NotNil(t, at(container, "resources", "limits", "ephemeral-storage"), name)
		for _, variable := range list(at(container, "env")) {
			if at(variable, "name") == "GOMEMLIMIT" {
				below(t, strings.TrimSuffix(at(variable, "value").(string), "MiB"), memory[1])
			}
		}
	}
}

// TestOverlay: a user edits only a copy of the overlay: namespace, image with its digest and backend are applied
// to every object of either folder, and nothing is left of what they replace.
func TestOverlay(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/kubernetes/overlay/kustomization.yaml")
	require.NoError(t, err)
	for folder, images := range map[string]int{"single": 1, "replicas": 2} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			copied, err := os.MkdirTemp("../_build", "overlay-"+folder) //nolint:usetesting // its bases are named from where it is
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(copied)) })
			const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
			changed := strings.NewReplacer("namespace: feishu-audit", "namespace: tenant-b", "../single # or ../replicas", "../../examples/kubernetes/"+folder,
				"newTag: 0.1.0", "digest: "+digest, "otlp.example.com:4318", "backend.example.org").Replace(string(text))
			require.NoError(t, os.WriteFile(filepath.Join(copied, "kustomization.yaml"), []byte(changed), 0o600))
			found := 0
			for name, object := range kustomized(t, "../../_build/"+filepath.Base(copied)) {
				require.Equal(t, "tenant-b", at(object, "metadata", "namespace"), name)
				if strings.HasPrefix(name, "configmap/feishu-audit-backend-") {
					require.Equal(t, "https://backend.example.org", at(object, "data", "OTLP_ENDPOINT"))
				}
				for _, subject := range list(at(object, "subjects")) {
					require.Equal(t, "tenant-b", at(subject, "namespace"), name)
				}
				for _, container := range list(at(object, "spec", "template", "spec", "containers")) {
					found++
					if at(container, "name") == "collector" {
						require.Equal(t, "registry.example.com/otelcol-feishu@"+digest, at(container, "image"))
					}
				}
				rest, err := yaml.Marshal(object)
				require.NoError(t, err)
				require.NotContains(t, string(rest), "namespace: feishu-audit", name)
				require.NotContains(t, string(rest), "otlp.example.com", name)
			}
			require.Equal(t, images, found)
		})
	}
}

// TestPrometheusOperator: the output of examples/prometheus for Prometheus' operator scrapes the port of the
// collectors in examples/kubernetes, and has the alerts and the dashboard that are tested.
func TestPrometheusOperator(t *testing.T) {
	t.Parallel()
	objects := map[string]map[string]any{}
	for name, object := range kustomized(t, "../prometheus") {
		objects[strings.SplitN(name, "-dashboard-", 2)[0]] = object
	}
	require.Len(t, objects, 3)
	text, err := os.ReadFile("../examples/prometheus/alerts.yaml")
	require.NoError(t, err)
	var rules map[string]any
	require.NoError(t, yaml.Unmarshal(text, &rules))
	require.Equal(t, rules, at(objects["prometheusrule/feishu-audit"], "spec"), "run `make generate`")
	dashboard, err := os.ReadFile("../examples/prometheus/dashboard.json")
	require.NoError(t, err)
	require.Equal(t, string(dashboard), at(objects["configmap/feishu-audit"], "data", "dashboard.json"))
	require.Equal(t, "1", at(objects["configmap/feishu-audit"], "metadata", "labels", "grafana_dashboard"))
	monitor := objects["podmonitor/feishu-audit"]
	for folder, workload := range map[string]string{"single": "statefulset/feishu-audit", "replicas": "deployment/feishu-audit"} {
		pod := at(kustomized(t, folder)[workload], "spec", "template")
		for key, value := range at(monitor, "spec", "selector", "matchLabels").(map[string]any) {
			require.Equal(t, value, at(pod, "metadata", "labels", key), folder)
		}
		var ports []any
		for _, port := range list(at(list(at(pod, "spec", "containers"))[0], "ports")) {
			ports = append(ports, at(port, "name"))
		}
		for _, endpoint := range list(at(monitor, "spec", "podMetricsEndpoints")) {
			require.Contains(t, ports, at(endpoint, "port"), folder)
		}
	}
}
