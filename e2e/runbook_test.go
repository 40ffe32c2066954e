// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const runbookFile = "../docs/runbook.md"

// outside are the steps of the runbook that TestAlerts cannot run, with the reason. A step is a block of a section,
// by its number, or a command in a sentence; "ends" is what ends the fault.
var outside = map[string]string{
	"First look, 1":        "kubectl: TestDocumentedCommands compares the names with the manifests",
	"Storage, 2":           "kubectl, as well",
	"ClockSkew, 0":         "would set the clock of the machine on which the tests run",
	"Restarts, 0":          "finds what systemd writes about the exit of a process: TestPackages",
	"Restarts, journalctl": "a collector that cannot start has no metrics, so that this alert does not fire for it; TestDocumentedConfigs and TestPackages refuse configurations",
	"Restarts, systemctl":  "restarts after the configuration was corrected, as well",
	"Restarts, ends":       "it ends an hour after the first start, without a step",
	"QuotaForecast, yaml":  "the forecast follows within a day; TestCallsADay counts the calls with these values",
	"QuotaForecast, systemctl reload otelcol": "as well",
	"API, ends":              "Feishu, the network, or another program has to recover; the block shows what answers",
	"Address, ends":          "the whitelist is in the developer console; the block shows whether it has the address",
	"LastRecheckFinds, ends": "it ends six hours after the last entry that only the last recheck finds",
	"Scope, ends":            "the scope is granted in the developer console; the block shows whether it was",
	"Pipeline, ends":         "the backend has to recover; the block shows what it answers",
	"Held, ends":             "the backend, as well",
	"Queue, ends":            "the backend, as well",
	"Malformed, ends":        "a release that reads the new format ends it; the block shows the entries",
	"ClockSkew, ends":        "the clock, as above",
	"TimeSkipped, 0":         "with -slow only: the API has to refuse for ten minutes",
	"TimeSkipped, ends":      "with -slow only",
}

// section is a part of the runbook.
type section struct {
	text   string
	blocks []string // of its shell commands
	yaml   []string
	spans  []string // commands in sentences
}

// readRunbook returns the sections of the runbook by the name of their alert, without its prefix.
func readRunbook(t *testing.T) map[string]section {
	t.Helper()
	text, err := os.ReadFile(runbookFile)
	require.NoError(t, err)
	sections := map[string]section{}
	for i, part := range strings.Split(string(text), "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		name, about := strings.CutPrefix(heading, "FeishuAudit")
		if i == 0 {
			name, about = "First look", true
		}
		if !about {
			continue
		}
		s := section{text: body}
		for _, block := range fence.FindAllStringSubmatch(body, -1) {
			switch block[1] {
			case "sh":
				s.blocks = append(s.blocks, strings.Join(commandLines(block[2]), "\n"))
			case "yaml":
				s.yaml = append(s.yaml, block[2])
			}
		}
		for _, span := range codeSpans.FindAllStringSubmatch(fence.ReplaceAllString(body, ""), -1) {
			first, _, more := strings.Cut(span[1], " ")
			if more && slices.Contains([]string{"amtool", "curl", "journalctl", "promtool", "systemctl"}, first) && !slices.Contains(s.spans, span[1]) {
				s.spans = append(s.spans, span[1])
			}
		}
		sections[name] = s
	}
	return sections
}

// followed are the steps that were run, and the sections that ended their fault.
var followed sync.Map

// TestRunbookSections: every alert has a section with a step, and every section is about an alert. What is listed
// as outside of the tests is a step that the page has.
func TestRunbookSections(t *testing.T) {
	t.Parallel()
	sections := readRunbook(t)
	alerts := []string{"First look"}
	for _, rule := range readRules(t).alerts() {
		name := strings.TrimPrefix(rule.Alert, "FeishuAudit")
		alerts = append(alerts, name)
		s := sections[name]
		require.NotEmpty(t, len(s.blocks)+len(s.yaml)+len(s.spans), "%s tells the reader to run nothing", rule.Alert)
		require.NotContains(t, s.text, "cli_xxx", "%s: a block has to work as it is", rule.Alert)
	}
	for name := range sections {
		require.Contains(t, alerts, name, "a section of no alert")
	}
	steps := stepsOf(sections)
	for step := range outside {
		name, what, _ := strings.Cut(step, ", ")
		require.Contains(t, sections, name, step)
		if what != "ends" {
			require.True(t, slices.ContainsFunc(steps, func(s string) bool { return strings.HasPrefix(s, step) }), "the page has no such step: %s", step)
		}
	}
}

// stepsOf names all steps.
func stepsOf(sections map[string]section) (steps []string) {
	for name, s := range sections {
		for i := range s.blocks {
			steps = append(steps, fmt.Sprintf("%s, %d", name, i))
		}
		for range s.yaml {
			steps = append(steps, name+", yaml")
		}
		for _, span := range s.spans {
			steps = append(steps, name+", "+span)
		}
	}
	return steps
}

// runbookWasFollowed requires that each step of the runbook was run, and that each section ended its alert, apart
// from what is listed.
func runbookWasFollowed(t *testing.T) {
	t.Helper()
	sections := readRunbook(t)
	steps := stepsOf(sections)
	for name := range sections {
		if name != "First look" {
			steps = append(steps, name+", ends")
		}
	}
	listed := func(step string) bool {
		for known := range outside {
			if strings.HasPrefix(step, known) {
				return true
			}
		}
		return false
	}
	var missing []string
	for _, step := range steps {
		if _, ok := followed.Load(step); !ok && !listed(step) {
			missing = append(missing, step)
		}
	}
	slices.Sort(missing)
	require.Empty(t, missing, "nothing follows these steps of the runbook, and runbook_test.go does not say why")
	if *slow {
		return
	}
	for known := range outside {
		if strings.HasSuffix(known, ", ends") {
			continue // the test did what the reason says
		}
		require.False(t, slices.ContainsFunc(steps, func(step string) bool {
			_, ok := followed.Load(step)
			return ok && strings.HasPrefix(step, known)
		}), "%s is listed as outside of the tests, and a test follows it", known)
	}
}

// pastes runs a block of a section, and requires that its commands succeed.
func pastes(name string, block int) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		out, failed := s.pastes(t, name, block)
		require.Empty(t, failed, "%s: %s", name, out)
	}
}

// enters runs a command that a sentence of a section names.
func enters(name, command string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		for _, span := range readRunbook(t)[name].spans {
			if strings.HasPrefix(span, command) {
				out, failed := s.runs(t, span)
				require.Empty(t, failed, "%s: %s: %s", name, span, out)
				followed.Store(name+", "+span, true)
				return
			}
		}
		t.Fatalf("the section %s does not tell to run %s", name, command)
	}
}

// then does one thing after the other.
func then(steps ...func(*testing.T, *scene)) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		for _, step := range steps {
			step(t, s)
		}
	}
}

// sets changes a line of the receiver's section in the configuration, or removes it.
func sets(from string, to ...string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		at := slices.Index(s.setup.Extra, from)
		require.GreaterOrEqual(t, at, 0, "%s is in %q", from, s.setup.Extra)
		s.setup.Extra = slices.Replace(s.setup.Extra, at, at+1, to...)
	}
}

// displays runs the first block of a section and requires that its output shows something; commands may fail while the
// fault lasts.
func displays(name string, texts ...string) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		out, _ := s.pastes(t, name, 0)
		for _, text := range texts {
			require.Contains(t, out, text, "%s", name)
		}
	}
}

// timeToReplace is what the reader replaces by a time.
const timeToReplace = `"YYYY-MM-DD HH:MM"`

// unedited: a rewind is refused if the reader has not replaced the time.
func unedited(t *testing.T, s *scene) {
	t.Helper()
	for line := range strings.SplitSeq(readRunbook(t)["RecordsLost"].blocks[0], "\n") {
		if strings.Contains(line, timeToReplace) {
			s.standsIn(t, "systemctl", []string{"stop", "otelcol-feishu"})
			out, failed := s.runs(t, strings.Replace(line, timeToReplace, "'"+strings.Trim(timeToReplace, `"`)+"'", 1))
			require.Len(t, failed, 1, out)
			require.Contains(t, out, "YYYY-MM-DD HH:MM")
			s.standsIn(t, "systemctl", []string{"start", "otelcol-feishu"})
			s.collector.says(t, ready, starts) // before that, a signal to end it is an error
			return
		}
	}
	t.Fatal("no line has a time to replace")
}
