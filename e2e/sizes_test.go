// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// The kinds of entries that a path may handle differently, by size, age or number.
const (
	kindSmall  = "0.4 KB"
	kind300K   = "300 KB"
	kind1900K  = "1.9 MB"
	kind3M     = "3 MB"
	kindPage   = "100 of 20 KB"
	kindOld    = "40 days old"
	kindSecond = "2,000 in one second"
)

// kinds lists them, with the number of entries, the minimum length of their texts, and their age.
var kinds = []struct {
	name  string
	count int
	bytes int
	ago   time.Duration
}{
	{kindSmall, 20, 0, time.Hour},
	{kind300K, 1, 300_000, 50 * time.Minute},
	{kind1900K, 1, 1_900_000, 45 * time.Minute},
	{kind3M, 1, 3_000_000, 40 * time.Minute},
	{kindPage, 100, 20_000, 35 * time.Minute},
	{kindSecond, 2000, 0, 30 * time.Minute},
	{kindOld, 1, 0, 40 * 24 * time.Hour},
}

// fate is what happens to an entry.
type fate int

const (
	whole   fate = iota // the backend has it unchanged
	cut                 // the backend has it, its text cut, with a mark
	refused             // the backend does not have it: the README says so, and an alert fires
)

// sizes runs the example with a log that has every kind of entries. Each of them arrives once and unchanged,
// except for the kinds with a given fate.
func sizes(t *testing.T, d destination, fates map[string]fate, settings ...string) {
	t.Helper()
	start := time.Now().Truncate(time.Second)
	template := simulator.Tenant{Seed: 77, PerSecond: 1, Start: start.Unix() - 1000, End: start.Unix()}
	like := harmless(t, template.Entries(template.Start, template.End+1))
	a := newAPI(t, simulator.Options{})
	var entries []simulator.Entry
	kindOf := map[string]string{}
	var lost []string
	for i, kind := range kinds {
		for n := range kind.count {
			entry := like
			entry.ID = fmt.Sprintf("75%02d%015d", i, n)
			entry.EventTime = start.Add(-kind.ago).Unix()
			if kind.bytes > 0 {
				// Three bytes a character, which a limit in bytes may cut in the middle.
				entry.Payload = `{"text":"` + strings.Repeat("字", kind.bytes/3) + `"}`
			}
			kindOf[entry.ID] = kind.name
			if fates[kind.name] == refused {
				lost = append(lost, entry.ID)
			}
			entries = append(entries, entry)
		}
	}
	a.Add(entries...)
	a.known.sent = len(entries)
	e := newExample(t, a, d)
	for _, setting := range append([]string{
		"receivers.feishu_audit.initial_lookback=1000h", "receivers.feishu_audit.max_window=24h", "receivers.feishu_audit.requests_per_minute=6000",
	}, settings...) {
		e.args = append(e.args, "--set="+setting)
	}
	c := e.start(t)
	eventually(t, recovers, "everything arrives", func() bool { return e.found(t) >= len(entries)-len(lost) })
	pause(t, 2*time.Second) // records that arrive now would be duplicates
	c.term(t)

	came := count(t, entries, e.settled(t, entries, lost...), 0, lost...)
	for _, entry := range entries {
		for _, r := range came[entry.ID] {
			if fates[kindOf[entry.ID]] == cut {
				checkCut(t, entry, r)
				continue
			}
			if _, only := d.(textOnly); only {
				require.Equal(t, entry.JSON(false), r.body, "body of %s", entry.ID)
				require.Equal(t, entry.EventTime*int64(time.Second), r.time, "time of %s", entry.ID)
				continue
			}
			r.check(t, entry)
		}
	}
}

// textOnly is a backend that has the text and the time of an entry, and no attributes.
type textOnly interface{ textOnly() }

// mark is at the end of a text that was cut.
const mark = " [TRUNCATED]"

// checkCut: the text is the start of the entry's, without a broken character, and has the mark; an attribute has
// the original size.
func checkCut(t *testing.T, entry simulator.Entry, r arrival) {
	t.Helper()
	text, marked := strings.CutSuffix(r.body, mark)
	require.True(t, marked, "the mark at the end of %s", entry.ID)
	require.True(t, strings.HasPrefix(entry.JSON(false), text), "the beginning of %s", entry.ID)
	require.Greater(t, len(text), 1_999_990)
	require.Equal(t, strconv.Itoa(len(entry.JSON(false))), r.attributes["feishu.body.size"])
	r.body = entry.JSON(false)
	r.check(t, entry)
}

// patientHEC is for a server that shares a busy machine with seven other scenarios: for megabytes it may take
// longer than the exporter's default time-out of 10 s, and each retry would be the same.
const patientHEC = "exporters.splunk_hec.timeout=1m"

// TestSizes: every path accepts entries of every size, age and number, or documents what it does not accept.
// Covers F62.
func TestSizes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		start    func(*testing.T) destination
		fates    map[string]fate
		settings []string
	}{
		"loki": {start: func(t *testing.T) destination { return newLokiStandIn(t) }},
		"loki with its own limits": {start: func(t *testing.T) destination {
			s := newLokiStandIn(t)
			s.longest, s.burst = 256<<10, 6<<20
			return s
		}, fates: map[string]fate{kind300K: refused, kind1900K: refused, kind3M: refused}, settings: []string{"receivers.feishu_audit.page_size=20"}},
		"elasticsearch":   {start: func(t *testing.T) destination { return newBulk(t) }},
		"splunk":          {start: func(t *testing.T) destination { return newHEC(t) }, settings: []string{patientHEC}},
		"splunk receiver": {start: func(t *testing.T) destination { return newSplunk(t) }, settings: []string{patientHEC}},
		"syslog":          {start: func(t *testing.T) destination { return newRsyslog(t) }},
		"kafka":           {start: func(t *testing.T) destination { return newBroker(t, true) }},
		"victorialogs":    {start: func(t *testing.T) destination { return newVictoriaLogs(t) }, fates: map[string]fate{kind3M: cut}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sizes(t, tc.start(t), tc.fates, tc.settings...)
		})
	}
}
