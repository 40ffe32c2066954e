// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"image"
	"image/color"
	_ "image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

var screenshot = flag.String("screenshot", "", "keep the pictures that Chromium takes in this folder")

// demoConfig is the configuration of `make demo` with a second exporter: the one of
// examples/victorialogs.
func demoConfig(t *testing.T) string {
	t.Helper()
	var config map[string]any
	parts := []string{"../demo/collector.yaml"}
	for _, name := range (*victoriaLogs)(nil).config() {
		parts = append(parts, filepath.Join(examples, name))
	}
	for _, part := range parts {
		text, err := os.ReadFile(part)
		require.NoError(t, err)
		var further map[string]any
		require.NoError(t, yaml.Unmarshal(text, &further))
		if config == nil {
			config = further
			continue
		}
		for _, section := range []string{"processors", "exporters"} {
			merge(config, map[string]any{section: further[section]})
		}
	}
	merge(config, map[string]any{"service": map[string]any{"pipelines": map[string]any{"logs": map[string]any{
		"processors": []any{"transform"}, "exporters": []any{"otlphttp", "otlphttp/victorialogs"},
	}}}})
	text, err := yaml.Marshal(config)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

// merge adds the keys of one map to another, at every depth.
func merge(into, further map[string]any) {
	for key, value := range further {
		below, isMap := value.(map[string]any)
		above, wasMap := into[key].(map[string]any)
		switch {
		case isMap && wasMap:
			merge(above, below)
		case value != nil:
			into[key] = value
		}
	}
}

// TestScreenshot shows what a person sees: VictoriaLogs' own page, with the failed calls that the demo's
// collector has delivered. Chromium reports what is on the page, and takes a picture of it. `make screenshot`
// keeps the picture.
func TestScreenshot(t *testing.T) {
	needsChromium(t)
	t.Parallel()
	v := newVictoriaLogs(t)
	// As if the demo had started 40 minutes ago and had been interrupted at once.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "received"), []byte(time.Now().Add(-40*time.Minute).UTC().Format(time.RFC3339)+"\n"), 0o600))
	cmd := exec.CommandContext(t.Context(), feishuAudit(t), "demo", "--collector", binary(t), "--config", demoConfig(t), "--dir", dir)
	cmd.Env = append(os.Environ(), v.env()...)
	c := launch(t, cmd, (*exec.Cmd).Start)
	const shown = 20
	var failed []arrival
	eventually(t, 2*time.Minute, "failed calls arrive", func() bool {
		failed = failed[:0]
		for _, r := range v.held(t) {
			if r.attributes["error.type"] != "" {
				failed = append(failed, r)
			}
		}
		return len(failed) >= 10*shown
	})
	c.term(t)
	held := v.held(t)
	came := len(byID(held))
	note(row{t.Name(), came, came, 0, 0, len(held) - came, 0})
	require.Len(t, held, came, "records are duplicated")

	page := "http://" + v.addr + "/select/vmui/?#/?" + url.Values{
		"query":            {`error.type:* | sort by (_time) desc | fields _time, log.record.uid, feishu.api_key, client.address, error.type, feishu.response.msg`},
		"g0.relative_time": {"last_1_hour"}, "limit": {"20"}, "view": {"group"}, "groupBy": {"none"},
		"displayFields": {"log.record.uid,feishu.api_key,client.address,error.type,feishu.response.msg"},
	}.Encode()
	dom := chromium(t, page, "--dump-dom")
	onPage := 0
	for _, r := range held {
		switch on := strings.Contains(dom, r.uid); {
		case on && r.attributes["error.type"] != "":
			onPage++
		case on:
			require.Fail(t, "the page has a call that did not fail", r.uid)
		}
	}
	require.GreaterOrEqual(t, onPage, shown, "failed calls on the page:\n%s", dom)

	takePicture(t, page, "victorialogs.png")
}

// needsChromium skips the test without Chromium, which is large.
func needsChromium(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil && *screenshot == "" {
		t.Skip("there is no Chromium: `make screenshot` installs it")
	}
}

// chromium opens a page, does something with it, and returns what it prints.
func chromium(t *testing.T, page, does string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking",
		"--user-data-dir="+t.TempDir(), "--window-size=1800,1000", "--virtual-time-budget=20000", does, page)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &errors)
	return string(out)
}

// takePicture takes a picture of a page, and keeps it if requested.
func takePicture(t *testing.T, page, name string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	chromium(t, page, "--screenshot="+file)
	checkPicture(t, file)
	if *screenshot != "" {
		picture, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(*screenshot, name), picture, 0o600))
	}
}

// checkPicture requires that a picture is as large as the window and shows something
// in its lower half, where the table is.
func checkPicture(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	picture, _, err := image.Decode(f)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 1800, 1000), picture.Bounds())
	var dark int
	for y := 500; y < 1000; y++ {
		for x := range 1800 {
			if color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y < 100 {
				dark++
			}
		}
	}
	require.Greater(t, dark, 10_000, "dark points, of letters, in the lower half")
}

// TestPicture: the documentation's pictures are not empty, and their captions say how they were made.
func TestPicture(t *testing.T) {
	t.Parallel()
	checkPicture(t, "../docs/img/victorialogs.png")
	checkPicture(t, "../docs/img/vmalert.png")
	require.Contains(t, readFile(t, "victorialogs/README.md"), "](../../docs/img/vmalert.png)\\\n*`make screenshot` takes this picture")
	for _, readme := range []string{"README.md", "README.zh.md"} {
		text, err := os.ReadFile(filepath.Join("..", readme))
		require.NoError(t, err)
		_, after, found := strings.Cut(string(text), "](docs/img/victorialogs.png)")
		require.True(t, found, readme)
		caption, _, _ := strings.Cut(strings.TrimSpace(after), "\n\n")
		require.Contains(t, caption, "`make screenshot`", readme)
	}
}
