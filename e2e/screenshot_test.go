// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var screenshot = flag.String("screenshot", "", "let Chromium take a picture of VictoriaLogs' page into this file")

// TestScreenshot shows what a person sees: VictoriaLogs' own page with records that a
// collector shipped. `make screenshot` runs it; it is skipped otherwise, since
// Chromium is large.
func TestScreenshot(t *testing.T) {
	if *screenshot == "" {
		t.Skip("needs -screenshot FILE and Chromium: run `make screenshot`")
	}
	v := newVictoriaLogs(t)
	a, entries := newBacklog(t, 56, 2000)
	c := newExample(t, a, v).start(t)
	eventually(t, time.Minute, "everything arrives", func() bool { return len(v.held(t)) >= len(entries) })
	c.term(t)

	file, err := filepath.Abs(*screenshot)
	require.NoError(t, err)
	page := "http://" + v.addr + "/select/vmui/?#/?" + url.Values{
		"query":          {`attributes.error.type:* | fields _time, attributes.feishu.api_key, attributes.feishu.app.id, attributes.client.address, attributes.error.type, attributes.feishu.response.msg`},
		"g0.range_input": {"1h"}, "limit": {"20"}, "view": {"table"},
	}.Encode()
	cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
		"--user-data-dir="+t.TempDir(), "--window-size=1800,1000", "--virtual-time-budget=20000", "--screenshot="+file, page)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.FileExists(t, file)
}
