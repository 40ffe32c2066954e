// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkPackage: the file is one that `make package` writes, and the page makes it first. TestPackages installs them.
func checkPackage(t *testing.T, c *docCommand) {
	require.Len(t, c.args, 2, c.page)
	switch c.args[0] {
	case "--install":
		require.True(t, slices.ContainsFunc(c.all, regexp.MustCompile(`^make package`).MatchString), "%s: nothing makes it", c.page)
		require.Contains(t, []string{"otelcol-feishu_0.1.0_amd64.deb", "otelcol-feishu-0.1.0-1.x86_64.rpm"}, filepath.Base(c.args[1]), c.page)
		require.Equal(t, "_build/release", filepath.Dir(c.args[1]), c.page)
	case "--purge":
		require.Equal(t, "otelcol-feishu", c.args[1])
	default:
		t.Fatalf("%s: %q: no validator", c.page, c.args)
	}
}

// checkAskPassword: without a line break (-n), which would be a part of the secret.
func checkAskPassword(t *testing.T, c *docCommand) {
	require.Equal(t, "-n", c.args[0], c.page)
}

// checkInstall: the input of a pipe goes into a file of the packages that is for it, which only root may read.
func checkInstall(t *testing.T, c *docCommand) {
	values, rest := c.flags(t)
	c.only(t, values, "-m")
	require.Equal(t, []string{"0600"}, values["-m"], c.page)
	require.Len(t, rest, 2, c.page)
	require.Equal(t, "/dev/stdin", rest[0], c.page)
	contents, err := os.ReadFile("../packaging/nfpm.yaml")
	require.NoError(t, err)
	require.Contains(t, string(contents), "dst: "+rest[1]+", type: config|noreplace, expand: true, file_info: {mode: 0600}", c.page)
}

// checkSourced: the file is one of the package's.
func checkSourced(t *testing.T, c *docCommand) {
	require.Len(t, c.args, 1, c.page)
	contents, err := os.ReadFile("../packaging/nfpm.yaml")
	require.NoError(t, err)
	require.Contains(t, string(contents), "dst: "+c.args[0]+",", c.page)
}

// checkKubectlExec: the container has the program, with these flags, and the files that they name.
func checkKubectlExec(t *testing.T, c *docCommand, objects map[string][]map[string]any) {
	at1 := slices.Index(c.args, "--")
	require.Positive(t, at1, "%s: %q", c.page, c.args)
	where := c.args[at1-1]
	require.Contains(t, objects, where, c.page)
	program := c.args[at1+1:]
	require.Equal(t, "/feishu-audit", program[0], c.page)
	text, err := os.ReadFile("../packaging/Dockerfile")
	require.NoError(t, err)
	require.Contains(t, string(text), "/src/_build/feishu-audit "+program[0]+"\n")
	tool := &docCommand{page: c.page, args: program[1:], all: c.all}
	checkTool(t, tool)
	values, _ := tool.flags(t, "--access-only")
	folder, file := filepath.Split(values["--app-secret-file"][0])
	pod := at(objects[where][0], "spec", "template", "spec")
	var mounted, filled string
	for _, mount := range list(at(list(at(pod, "containers"))[0], "volumeMounts")) {
		if at(mount, "mountPath") == filepath.Clean(folder) {
			mounted, _ = at(mount, "name").(string)
		}
	}
	for _, volume := range list(at(pod, "volumes")) {
		for _, item := range list(at(volume, "secret", "items")) {
			if at(volume, "name") == mounted && at(item, "path") == file {
				filled = mounted
			}
		}
	}
	require.NotEmpty(t, filled, "%s: %s is not mounted", c.page, values["--app-secret-file"])
}

// secretKeys are the keys of a secret that a workload takes.
func secretKeys(t *testing.T, workload map[string]any, secret string) (keys []string) {
	t.Helper()
	pod := at(workload, "spec", "template", "spec")
	for _, volume := range list(at(pod, "volumes")) {
		if at(volume, "secret") == nil {
			continue
		}
		require.Equal(t, secret, at(volume, "secret", "secretName"))
		for _, item := range list(at(volume, "secret", "items")) {
			keys = append(keys, at(item, "key").(string))
		}
	}
	for _, container := range list(at(pod, "containers")) {
		for _, variable := range list(at(container, "env")) {
			if ref := at(variable, "valueFrom", "secretKeyRef"); ref != nil {
				require.Equal(t, secret, at(ref, "name"))
				// What is secret is a file.
				require.Equal(t, "app_id", at(ref, "key"), at(variable, "name"))
				keys = append(keys, "app_id")
			}
		}
	}
	return keys
}
