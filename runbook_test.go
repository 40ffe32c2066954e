// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// TestRunbook: every alert has its section in the runbook and links to it, every section has its alert, and
// every cause is explained and has an alert.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("docs/runbook.md")
	require.NoError(t, err)
	rules, err := os.ReadFile("examples/prometheus/alerts.yaml")
	require.NoError(t, err)
	all := func(pattern string, text []byte) []string {
		var out []string
		for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
			out = append(out, string(m[1]))
		}
		return out
	}
	alerts := all(`(?m)^ +- alert: (\w+)$`, rules)
	require.NotEmpty(t, alerts)
	assert.Equal(t, all(`(?m)^## (\w+)$`, text), alerts, "in the same order")
	var anchors []string
	for _, alert := range alerts {
		anchors = append(anchors, strings.ToLower(alert))
	}
	assert.Equal(t, all(`runbook_url: https://github.com/feishuaudit/feishuauditreceiver/blob/main/docs/runbook.md#(\w+)\n`, rules), anchors)
	for _, link := range all(`\]\(#(\w+)\)`, text) {
		assert.Contains(t, anchors, link)
	}

	var names []string
	for _, info := range cause.All {
		names = append(names, string(info.Cause))
	}
	explained := all("(?m)^\\| `(\\w+)` \\|", text)
	assert.ElementsMatch(t, names, explained)
	var watched []string
	for _, causes := range all(`cause=~?"([\w|]+)"`, rules) {
		watched = append(watched, strings.Split(causes, "|")...)
	}
	assert.ElementsMatch(t, names, watched, "one alert for each")
}

// TestDetectionsLink: every alert of the detections links to its section of the page that explains them.
func TestDetectionsLink(t *testing.T) {
	page, err := os.ReadFile("docs/detections.md")
	require.NoError(t, err)
	sections := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(string(page), -1) {
		sections[strings.ToLower(heading[1])] = true
	}
	for _, file := range []string{"examples/loki/rules/feishu-audit.yaml", "detections/victorialogs/rules.yaml"} {
		rules, err := os.ReadFile(file)
		require.NoError(t, err)
		alerts := strings.Count(string(rules), "alert: Feishu")
		links := regexp.MustCompile(`runbook_url: https://github.com/feishuaudit/feishuauditreceiver/blob/main/docs/detections.md#(\w+)\n`).FindAllStringSubmatch(string(rules), -1)
		require.NotZero(t, alerts)
		assert.Len(t, links, alerts, file)
		for _, link := range links {
			assert.True(t, sections[link[1]], "%s links to %s", file, link[1])
		}
	}
}
