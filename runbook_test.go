// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"
)

// TestRunbook: every alert has its section in the runbook and links to it, every
// section has its alert, and every cause is explained and has an alert.
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
	for _, info := range causes {
		names = append(names, string(info.cause))
	}
	explained := all("(?m)^\\| `(\\w+)` \\|", text)
	assert.ElementsMatch(t, names, explained)
	var watched []string
	for _, causes := range all(`cause=~?"([\w|]+)"`, rules) {
		watched = append(watched, strings.Split(causes, "|")...)
	}
	assert.ElementsMatch(t, names, watched, "one alert for each")
}

// TestRetryTimes: the runbook says how long the waits between two tries are, the
// shortest and the longest that the chance in them allows.
func TestRetryTimes(t *testing.T) {
	text, err := os.ReadFile("docs/runbook.md")
	require.NoError(t, err)
	said := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\| ([^|]+) \\|").FindAllStringSubmatch(string(text), -1) {
		said[row[1]] = row[2]
	}
	require.Len(t, said, len(causes))
	limits := func(which func(d *delays) (*backoff.ExponentialBackOff, time.Duration)) string {
		var shortest, longest time.Duration
		for range 200 {
			d := newDelays(configretry.NewDefaultBackOffConfig())
			for range 12 {
				b, wait := which(&d)
				shortest, longest = time.Duration(float64(b.InitialInterval)*(1-b.RandomizationFactor)), b.MaxInterval
				require.GreaterOrEqual(t, wait, shortest)
				require.LessOrEqual(t, wait, longest)
			}
		}
		return plain(shortest) + " to " + plain(longest)
	}
	config := limits(func(d *delays) (*backoff.ExponentialBackOff, time.Duration) { return d.configB, d.config() })
	quota := limits(func(d *delays) (*backoff.ExponentialBackOff, time.Duration) { return d.quotaB, d.quota() })
	for _, info := range causes {
		switch info.cause {
		case causeCredential, causeApp, causeScope, causeAddress, causeEndpoint, causeFilter, causePaging:
			assert.Equal(t, config, said[string(info.cause)], info.cause)
		case causeQuota:
			assert.Equal(t, quota, said[string(info.cause)], info.cause)
		case causeRateLimit:
			assert.Equal(t, "when the server says", said[string(info.cause)])
		case causeCheckpoint:
			assert.Equal(t, "not: needs a restart", said[string(info.cause)])
		default:
			assert.Equal(t, "`retry_on_failure`", said[string(info.cause)], info.cause)
		}
	}
}

// plain writes a duration as people do.
func plain(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d%time.Minute == 0:
		return strconv.Itoa(int(d.Minutes())) + " min"
	}
	return strconv.Itoa(int(d.Seconds())) + " s"
}

// TestStatusesAreDocumented: docs/operating.md says when a status comes and goes, with
// the figures of health.go.
func TestStatusesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("docs/operating.md")
	require.NoError(t, err)
	row := func(status string) string {
		found := regexp.MustCompile("(?m)^\\| `" + status + "` \\| (.*) \\|$").FindStringSubmatch(string(text))
		require.Len(t, found, 2, status)
		return found[1]
	}
	require.Equal(t, 3, patience)
	require.Equal(t, time.Minute, firstCalm(configretry.NewDefaultBackOffConfig()))
	require.Equal(t, time.Minute, tellWithin)
	assert.Contains(t, row("StatusOK"), fmt.Sprintf("twice `max_interval`, which is a minute by default, or for up to %d times as long where it came back within %d times as long;", calmAtMost, comesBack))
	assert.Contains(t, row("StatusRecoverableError"), "after three failures in a row, or the first one later than "+fmt.Sprintf("%.0f s", longPatience.Seconds())+" after the first call was sent, or at once where the next try is more than a minute after that;")
	row("StatusStarting")
	row("StatusPermanentError")
}
