// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// TestHelmValues: the values for the OpenTelemetry project's chart have the same configuration, rights, limits,
// probes and volume as the manifests, which are tested. The chart itself cannot be downloaded here.
func TestHelmValues(t *testing.T) {
	t.Parallel()
	read := func(file string) (value map[string]any) {
		text, err := os.ReadFile("../examples/kubernetes/" + file)
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &value))
		return value
	}
	values := read("helm/values.yaml")
	require.Equal(t, read("single/collector.yaml"), values["alternateConfig"])
	workload := kustomized(t, "single")["statefulset/feishu-audit"]
	pod := at(workload, "spec", "template", "spec")
	container := list(at(pod, "containers"))[0]
	require.Equal(t, "statefulset", values["mode"])
	require.Equal(t, 1, values["replicaCount"])
	require.Equal(t, at(workload, "spec", "replicas"), values["replicaCount"])
	require.Equal(t, at(pod, "securityContext"), values["podSecurityContext"])
	require.Equal(t, at(container, "securityContext"), values["securityContext"])
	require.Equal(t, at(container, "resources"), values["resources"])
	require.Equal(t, at(workload, "spec", "volumeClaimTemplates"), at(values, "statefulset", "volumeClaimTemplates"))
	require.Len(t, list(values["extraVolumeMounts"]), 2)
	require.Subset(t, list(at(container, "volumeMounts")), list(values["extraVolumeMounts"]))
	require.Len(t, list(values["extraVolumes"]), 1)
	require.Subset(t, list(at(pod, "volumes")), list(values["extraVolumes"]))
	var fromSecret []any
	for _, variable := range list(at(container, "env")) {
		if at(variable, "valueFrom") != nil {
			fromSecret = append(fromSecret, variable)
		}
	}
	require.Subset(t, list(values["extraEnvs"]), fromSecret)
	for _, kind := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		probe, ours := values[kind].(map[string]any), at(container, kind).(map[string]any)
		require.Equal(t, at(ours, "httpGet", "path"), at(probe, "httpGet", "path"))
		delete(probe, "httpGet")
		delete(ours, "httpGet")
		require.Equal(t, ours, probe, kind)
	}
	policy := kustomized(t, "single")["networkpolicy/feishu-audit"]
	require.Equal(t, at(policy, "spec", "egress"), at(values, "networkPolicy", "egressRules"))
	require.Equal(t, at(list(at(policy, "spec", "ingress"))[0], "from"), at(values, "networkPolicy", "allowIngressFrom"))
	require.Equal(t, false, at(values, "serviceAccount", "automountServiceAccountToken"))
	require.Equal(t, "/"+at(values, "command", "name").(string), readDockerfile(t).entrypoint[0])
}
