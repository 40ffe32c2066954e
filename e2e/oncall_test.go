// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

var onCall = flag.String("oncall", "", "write what the person on call sees in each fault to this folder")

// onCallFault is a fault that somebody has to name.
type onCallFault struct {
	name   string
	wrong  func(*testing.T, *scene)
	cause  string
	title  string // start of the status
	letter string // name of the file for people

	scene  *scene
	broken time.Time
	named  time.Duration
}

func onCallFaults() []*onCallFault {
	faulty := func(kind simulator.FaultKind) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: kind}} })
		}
	}
	answering := func(status int) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) { s.backend.answering(always(status)) }
	}
	return []*onCallFault{
		{name: "the app's secret was changed", cause: "credential", title: "app_id or app_secret is wrong: ", wrong: func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: "another"} })
			s.api.RevokeTokens()
		}},
		{name: "the app lost the scope", cause: "scope", title: "the app may not read the audit log: ", wrong: faulty(simulator.FaultMissingScope)},
		{name: "the app's IP whitelist does not have the collector", cause: "address", title: "this collector's IP address is not allowed: ", wrong: faulty(simulator.FaultIPRefused)},
		{name: "the tenant's calls of the month are used up", cause: "quota", title: "the tenant's calls of this month are used up: ", wrong: faulty(simulator.FaultQuotaExceeded)},
		{name: "somebody else uses up the app's rate limit", cause: "rate_limit", title: "the API's rate limit is reached: ", wrong: faulty(simulator.FaultRateLimited)},
		{name: "Feishu's API answers with HTTP 500", cause: "api", title: "the API fails: ", wrong: faulty(simulator.FaultInternal)},
		{name: "Feishu's API refuses connections", cause: "network", title: "the API does not answer: ", wrong: func(t *testing.T, s *scene) { s.api.down(t) }},
		{name: "Feishu's API hangs", cause: "network", title: "the API does not answer: ", wrong: faulty(simulator.FaultHang)},
		{name: "the backend is overloaded: it answers with 503", cause: "pipeline", title: "the pipeline does not take records: ", wrong: answering(http.StatusServiceUnavailable)},
		{name: "the backend refuses the records: it answers with 400", cause: "pipeline", title: "the pipeline does not take records: it refuses ", wrong: answering(http.StatusBadRequest)},
		{name: "the file of file_storage may not grow", cause: "storage", title: "the position cannot be read or written: ", wrong: func(t *testing.T, s *scene) {
			info, err := os.Stat(s.setup.file())
			require.NoError(t, err)
			limitFiles(t, s.collector.cmd.Process.Pid, uint64(info.Size()))
		}},
	}
}

// TestOnCall causes one fault in each of several collectors with the default retries and time limits, all at
// once. Within a minute of the first call after that, the metric, the status and the last line above debug level
// name the cause. (With the default poll_interval that call is made within a minute; here it is a second.)
//
// With -oncall it writes what the person on call sees a minute later: the dashboard, the status and that line.
// Somebody who knows nothing else should be able to name the fault and who is responsible; key.txt has the
// answers.
func TestOnCall(t *testing.T) {
	faults := onCallFaults()
	var scrapes []string
	for i, letter := range rand.Perm(len(faults)) {
		s := &scene{backend: newBackend(t)}
		s.api = newAPI(t, simulator.Options{Tenant: simulator.Tenant{Seed: 71, PerSecond: 30, Start: time.Now().Unix() - 5}})
		s.setup = newSetup(t, "http://"+s.api.addr, "initial_lookback: 5s", "recheck_after: [10s, 1h]")
		s.setup.Retry = "{}"
		s.setup.Scrape, s.setup.Health = freeAddress(t), freeAddress(t)
		scrapes = append(scrapes, s.setup.Scrape)
		s.collector = s.setup.start(t, s.backend)
		faults[i].scene, faults[i].letter = s, string(rune('A'+letter))
	}
	p := newPrometheus(t, scrapes...)
	for _, f := range faults {
		eventually(t, starts, "entries arrive", func() bool { return f.scene.backend.count() > 0 })
	}
	if *onCall != "" {
		pause(t, 20*time.Second) // something to see in the dashboard
	}
	for _, f := range faults {
		require.Empty(t, f.scene.lastLine(), f.name)
		f.broken = time.Now()
		f.wrong(t, f.scene)
	}
	eventually(t, time.Minute, "every fault is named", func() bool {
		all := true
		for _, f := range faults {
			if f.named == 0 && f.isNamed(t, p) {
				f.named = time.Since(f.broken)
			}
			require.False(t, f.named == 0 && time.Since(f.broken) > time.Minute, "%s: not named within a minute", f.name)
			all = all && f.named != 0
		}
		return all
	})
	for _, f := range faults {
		t.Logf("| %s | `%s` | %.0f s |", f.name, f.cause, f.named.Seconds())
	}
	if *onCall == "" {
		return
	}
	pause(t, time.Minute-time.Since(faults[0].broken))
	require.NoError(t, os.MkdirAll(*onCall, 0o750))
	var key strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&key, "%s: %s\n", f.letter, f.name)
		f.scene.write(t, p, filepath.Join(*onCall, f.letter+".txt"))
	}
	require.NoError(t, os.WriteFile(filepath.Join(*onCall, "key.txt"), []byte(key.String()), 0o600))
}

// isNamed reports whether metric, status and log line all have the right cause. None of them may have a wrong
// one.
func (f *onCallFault) isNamed(t *testing.T, p *prometheus) bool {
	t.Helper()
	trouble := p.query(t, fmt.Sprintf(`{__name__=~"otelcol_receiver_feishu_audit_trouble(_seconds)?", instance=%q} > 0`, f.scene.setup.Scrape))
	for _, of := range trouble {
		require.Equal(t, f.cause, of.Metric["cause"], "%s: the metric", f.name)
	}
	_, all := f.scene.setup.health(t)
	status := all.Components["pipeline:logs"].Components["receiver:feishu_audit"]
	if status.Error != "" {
		require.Equal(t, "StatusRecoverableError", status.Status, f.name)
		require.True(t, strings.HasPrefix(status.Error, f.title), "%s: the status says %s", f.name, status.Error)
	}
	line := f.scene.lastLine()
	if line != "" {
		require.Contains(t, line, fmt.Sprintf(`"cause": %q`, f.cause), "%s: the line", f.name)
	}
	return len(trouble) == 1 && status.Error != "" && line != ""
}

// lastLine is the receiver's last line that reports a problem.
func (s *scene) lastLine() string {
	lines := slices.DeleteFunc(strings.Split(s.collector.out.String(), "\n"), func(line string) bool {
		return !strings.Contains(line, "feishu_audit") || !strings.Contains(line, "\twarn\t") && !strings.Contains(line, "\terror\t")
	})
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// write writes what the person on call sees.
func (s *scene) write(t *testing.T, p *prometheus, path string) {
	var text strings.Builder
	fmt.Fprintf(&text, "# The dashboard's panels now\n\n")
	panels := queries(t)
	for _, title := range slices.Sorted(maps.Keys(panels)) {
		var values []string
		for _, expr := range panels[title] {
			for _, found := range p.query(t, expr) {
				if found.Metric["instance"] != s.setup.Scrape {
					continue
				}
				delete(found.Metric, "instance")
				delete(found.Metric, "receiver")
				labels, err := json.Marshal(found.Metric)
				require.NoError(t, err)
				values = append(values, fmt.Sprintf("%v %s", found.Value[1], labels))
			}
		}
		slices.Sort(values)
		fmt.Fprintf(&text, "%s: %s\n", title, strings.Join(values, "; "))
	}
	httpStatus, all := s.setup.health(t)
	status, err := json.MarshalIndent(all.Components["pipeline:logs"], "", " ")
	require.NoError(t, err)
	fmt.Fprintf(&text, "\n# GET /status: HTTP %d\n\n%s\n\n# The last line of the log\n\n%s\n", httpStatus, status, s.lastLine())
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
}
