// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// sampleReport is that of the sample.
func sampleReport(t *testing.T) *Report {
	o := simulator.Options{Seed: 5, Tenant: tenant(2), RateLimit: simulator.DefaultRateLimit, LogOwnCalls: true, Order: simulator.Descending, PageTokenLife: 30 * time.Second, EndExclusive: true, MaxWindow: 31 * day}
	o.Tenant.LateFraction, o.Tenant.MaxLateness = 0.2, 30*time.Minute
	r := examine(t, simulator.New(o), nil)
	never(t, o, r)
	return r
}

// TestSample: the samples in docs/doctor.md and docs/zh/doctor.md are the doctor's report on a
// simulated tenant, in English and in Chinese.
func TestSample(t *testing.T) {
	var english, chinese string
	synctest.Test(t, func(t *testing.T) {
		r := sampleReport(t)
		english, chinese = printed(t, r), printedIn(t, r, Chinese)
	})
	fits(t, chinese, english)
	sampleOf(t, filepath.Join("..", "..", "docs", "doctor.md"), english)
	sampleOf(t, filepath.Join("..", "..", "docs", "zh", "doctor.md"), chinese)
}

// sampleOf compares a report with the sample of a page, or writes it with -update.
func sampleOf(t *testing.T, path, text string) {
	t.Helper()
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), "<!-- sample: written by go test ./internal/doctor -run TestSample -update -->\n")
	require.True(t, ok)
	sample, after, ok := strings.Cut(rest, "<!-- end sample -->")
	require.True(t, ok)
	want := "\n```text\n" + text + "```\n\n"
	if *update {
		head := strings.TrimSuffix(string(page), rest)
		require.NoError(t, os.WriteFile(path, []byte(head+want+"<!-- end sample -->"+after), 0o644))
		return
	}
	require.NotEmpty(t, before)
	require.Equal(t, want, sample, path)
}
