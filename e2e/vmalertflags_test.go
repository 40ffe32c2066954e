// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVmalertReadsRules: vmalert accepts the flags of examples/victorialogs, and every expression and template
// of the rules in them.
func TestVmalertReadsRules(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, filepath.Join(examples, "victorialogs/compose.yaml"), given)
	require.NoError(t, err)
	service := project.Services["vmalert"]
	require.Len(t, service.Volumes, 1)
	args := []string{"-dryRun"}
	for _, arg := range service.Command {
		args = append(args, strings.ReplaceAll(arg, service.Volumes[0].Target, service.Volumes[0].Source))
	}
	require.Contains(t, args, "-rule="+service.Volumes[0].Source)
	out, err := exec.CommandContext(t.Context(), "../_build/vmalert", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// checkVmalert lets vmalert read the flags and the rules of a command.
func checkVmalert(t *testing.T, c *docCommand) {
	program, err := filepath.Abs("../_build/vmalert")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-dryRun"}, c.args...)...)
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", c.page, out)
}
