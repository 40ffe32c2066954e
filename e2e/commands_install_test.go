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
