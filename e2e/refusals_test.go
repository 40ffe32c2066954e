// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// strict is a backend that refuses requests, of any protocol, for given reasons: it searches for the ids in the
// body. It answers like OTLP over HTTP, Splunk's HEC and Elasticsearch's _bulk if they accept everything.
type strict struct {
	*server
	mu      sync.Mutex
	status  func(ids []string) int // 200: taken
	took    map[string]int
	calls   int
	refused int
}

// strictIDs matches the ids of its entries, as they are in any body.
var strictIDs = regexp.MustCompile(`strict-[0-9]{3}`)

func newStrict(t *testing.T) *strict {
	s := &strict{took: map[string]int{}, status: func([]string) int { return http.StatusOK }}
	s.server = serve(t, s)
	return s
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	data, err := io.ReadAll(body)
	if err != nil || r.Method != http.MethodPost {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		_, _ = io.WriteString(w, `{"version":{"number":"8.19.0"}}`)
		return
	}
	ids := strictIDs.FindAllString(string(data), -1)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	status := s.status(ids)
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK {
		s.refused++
		w.WriteHeader(status)
		return
	}
	for _, id := range ids {
		s.took[id]++
	}
	if strings.HasSuffix(r.URL.Path, "_bulk") {
		items := slices.Repeat([]string{`{"create":{"status":201}}`}, len(ids))
		_, _ = io.WriteString(w, `{"errors":false,"items":[`+strings.Join(items, ",")+`]}`)
		return
	}
	_, _ = io.WriteString(w, `{}`)
}

// answers sets its answers from now on.
func (s *strict) answers(status func(ids []string) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.calls, s.refused = status, 0, 0
}

// count returns how many entries it accepted, how many of them more than once, and the number of requests.
func (s *strict) count() (entries, twice, calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.took {
		if n > 1 {
			twice++
		}
	}
	return len(s.took), twice, s.calls
}

// strictPipelines are the pipelines to a strict backend. fast makes exporters answer at once: no queue and no
// retries.
var strictPipelines = map[string]struct {
	exporters string
	gate      bool // records are pooled
	fanOut    bool // a second backend accepts everything: it may get entries again
	cases     []string
}{
	"otlphttp": {
		exporters: "  otlphttp: {endpoint: http://%[1]s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}\n",
	},
	"otlphttp-pooled": {
		exporters: "  otlphttp: {endpoint: http://%[1]s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}\n",
		gate:      true, cases: []string{"401", "413", "400 for one record", "503"},
	},
	"otlphttp-batches": {
		exporters: "  otlphttp: {endpoint: http://%[1]s, retry_on_failure: {enabled: false}, sending_queue: {enabled: true, wait_for_result: true, batch: {flush_timeout: 50ms, min_size: 1000}}}\n",
		cases:     []string{"401", "413", "400 for one record", "503"},
	},
	"fan-out": {
		exporters: "  otlphttp: {endpoint: http://%[1]s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}\n" +
			"  otlphttp/second: {endpoint: http://%[2]s, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}\n",
		fanOut: true, cases: []string{"401", "400 for one record", "503"},
	},
	"splunk_hec": {
		exporters: "  splunk_hec: {endpoint: http://%[1]s/services/collector, token: t, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}\n",
		cases:     []string{"401", "403", "413", "429", "400 for one record", "503", "507"},
	},
	"elasticsearch": {
		exporters: "  elasticsearch: {endpoints: [http://%[1]s], sending_queue: {enabled: false}, retry: {enabled: false}}\n",
		cases:     []string{"401", "403", "413", "429", "503", "507"}, // it handles refusals of single documents itself
	},
}

// TestRefusals: a backend that refuses everything for a while, batches above a size, or one record. Through real
// exporters everything else arrives once, and nothing is given up except that record. Covers F53, F54, F57, F58.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const entries, bad = 250, "strict-042"
	everything := func(status int) func([]string) int { return func([]string) int { return status } }
	cases := map[string]struct {
		status  func(ids []string) int
		passes  bool // it ends after a while
		givesUp bool
	}{
		"401": {status: everything(401), passes: true},
		"403": {status: everything(403), passes: true},
		"404": {status: everything(404), passes: true},
		"429": {status: everything(429), passes: true},
		"503": {status: everything(503), passes: true},
		"507": {status: everything(507), passes: true}, // out of space
		"413": {status: func(ids []string) int {
			if len(ids) > 30 {
				return http.StatusRequestEntityTooLarge
			}
			return http.StatusOK
		}},
		"400 for one record": {givesUp: true, status: func(ids []string) int {
			if slices.Contains(ids, bad) {
				return http.StatusBadRequest
			}
			return http.StatusOK
		}},
	}
	for pipeline, p := range strictPipelines {
		for name, tc := range cases {
			if p.cases != nil && !slices.Contains(p.cases, name) {
				continue
			}
			t.Run(pipeline+"/"+name, func(t *testing.T) {
				t.Parallel()
				a, first, second := newAPI(t, simulator.Options{}), newStrict(t), newStrict(t)
				second0 := time.Now().Unix() - 120
				var log []simulator.Entry
				for n := range entries {
					log = append(log, simulator.Entry{ID: fmt.Sprintf("strict-%03d", n), EventTime: second0, APIKey: "GET/open-apis/im/v1/messages", AppID: "cli_a"})
				}
				a.Add(log...)
				first.answers(tc.status)
				c := startStrict(t, a, fmt.Sprintf(p.exporters, first.addr, second.addr), p.fanOut, p.gate)
				if tc.passes {
					pause(t, 3*time.Second)
					got, _, calls := first.count()
					require.Zero(t, got)
					require.LessOrEqual(t, calls, 30, "the retry's pace, of 200 ms to a second")
					require.NotContains(t, c.out.String(), "Dropped record")
					first.answers(everything(http.StatusOK))
				}
				want := entries
				if tc.givesUp {
					want--
				}
				eventually(t, recovers, "all that can be delivered arrives", func() bool {
					got, _, _ := first.count()
					return got == want
				})
				if tc.givesUp {
					c.says(t, "Dropped record "+bad, recovers)
					require.Contains(t, c.out.String(), "HTTP 400")
				} else {
					pause(t, time.Second)
					require.NotContains(t, c.out.String(), "Dropped record")
				}
				got, twice, _ := first.count()
				require.Equal(t, want, got)
				require.Zero(t, twice, "nothing is duplicated")
				if p.fanOut {
					got, _, _ := second.count()
					require.Equal(t, entries, got)
				}
				c.term(t)
			})
		}
	}
}

// startStrict runs a collector with exporters of a test.
func startStrict(t *testing.T, a *api, exporters string, fanOut, gate bool) *collector {
	t.Helper()
	dir := t.TempDir()
	first, _, _ := strings.Cut(exporters, ":")
	names := []string{strings.TrimSpace(first)}
	if fanOut {
		names = append(names, "otlphttp/second")
	}
	config := fmt.Sprintf(`
extensions:
  file_storage: {directory: "%[1]s"}
receivers:
  feishu_audit:
    endpoint: http://%[2]s
    app_id: %[3]s
    app_secret: %[4]s
    storage: file_storage
    poll_interval: 1s
    requests_per_minute: 6000
    retry_on_failure: {initial_interval: 200ms, max_interval: 1s}
exporters:
%[5]s
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}, logs: {disable_stacktrace: true}}
  pipelines:
    logs: {receivers: [feishu_audit], exporters: [%[6]s]}
`, dir, a.addr, simulator.DefaultAppID, simulator.DefaultAppSecret, exporters, strings.Join(names, ", "))
	path := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	args := []string{"--config", path}
	if gate {
		args = append(args, "--feature-gates=pdata.useProtoPooling")
	}
	return launch(t, exec.CommandContext(t.Context(), binary(t), args...), (*exec.Cmd).Start)
}
