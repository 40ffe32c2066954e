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

var onCall = flag.String("oncall", "", "write what the person on call sees in each of ten faults to this folder")

// TestOnCall breaks one thing at a time, and a minute later writes down what the person
// on call has: the dashboard, the status and the last log line. Somebody who was told no
// more should be able to say what is wrong and whose fault it is; key.txt has the answers.
func TestOnCall(t *testing.T) {
	if *onCall == "" {
		t.Skip("a trial for people: run `make on-call`")
	}
	require.NoError(t, os.MkdirAll(*onCall, 0o750))
	faulty := func(kind simulator.FaultKind) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{{Kind: kind}} })
		}
	}
	answering := func(status int) func(*testing.T, *scene) {
		return func(_ *testing.T, s *scene) { s.backend.answering(always(status)) }
	}
	faults := map[string]func(*testing.T, *scene){
		"the app's secret was changed": func(_ *testing.T, s *scene) {
			s.api.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: "another"} })
			s.api.RevokeTokens()
		},
		"the app lost the scope":                               faulty(simulator.FaultMissingScope),
		"the app's IP whitelist does not have the collector":   faulty(simulator.FaultIPRefused),
		"the tenant's calls of the month are used up":          faulty(simulator.FaultQuotaExceeded),
		"somebody else uses up the app's rate limit":           faulty(simulator.FaultRateLimited),
		"Feishu's API answers with HTTP 500":                   faulty(simulator.FaultInternal),
		"Feishu's API cannot be reached":                       func(t *testing.T, s *scene) { s.api.down(t) },
		"the backend is overloaded: it answers with 503":       answering(http.StatusServiceUnavailable),
		"the backend refuses the records: it answers with 400": answering(http.StatusBadRequest),
		"the disk of file_storage is full":                     func(t *testing.T, s *scene) { fillUp(t, s.setup.Storage) },
	}
	letters := rand.Perm(len(faults))
	var key strings.Builder
	for i, name := range slices.Sorted(maps.Keys(faults)) {
		letter := string(rune('A' + letters[i]))
		fmt.Fprintf(&key, "%s: %s\n", letter, name)
		t.Run(letter, func(t *testing.T) {
			t.Parallel()
			s := &scene{backend: newBackend(t)}
			s.api = newAPI(t, simulator.Options{Tenant: simulator.Tenant{Seed: 71, PerSecond: 30, Start: time.Now().Unix() - 5}})
			s.setup = newSetup(t, "http://"+s.api.addr, "initial_lookback: 5s", "recheck_after: [10s, 1h]")
			s.setup.Scrape, s.setup.Health = freeAddress(t), freeAddress(t)
			mountSmall(t, s.setup.Storage)
			s.collector = s.setup.start(t, s.backend)
			s.collector.says(t, ready, 30*time.Second)
			p := newPrometheus(t, s.setup.Scrape)
			eventually(t, 30*time.Second, "entries arrive", func() bool { return s.backend.count() > 0 })
			pause(t, 20*time.Second)
			faults[name](t, s)
			pause(t, time.Minute)
			s.write(t, p, filepath.Join(*onCall, letter+".txt"))
		})
	}
	require.NoError(t, os.WriteFile(filepath.Join(*onCall, "key.txt"), []byte(key.String()), 0o600))
}

// write is what the person on call sees.
func (s *scene) write(t *testing.T, p *prometheus, path string) {
	var text strings.Builder
	fmt.Fprintf(&text, "# The dashboard's panels now\n\n")
	panels := queries(t)
	for _, title := range slices.Sorted(maps.Keys(panels)) {
		var values []string
		for _, expr := range panels[title] {
			for _, found := range p.query(t, expr) {
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
	fmt.Fprintf(&text, "\n# GET /status: HTTP %d\n\n%s\n\n# The last line of the log\n\n", httpStatus, status)
	lines := slices.DeleteFunc(strings.Split(s.collector.out.String(), "\n"), func(line string) bool {
		return !strings.Contains(line, "feishu_audit") || !strings.Contains(line, "\twarn\t") && !strings.Contains(line, "\terror\t")
	})
	require.NotEmpty(t, lines)
	text.WriteString(lines[len(lines)-1] + "\n")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
}
