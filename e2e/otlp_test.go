// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// lokiStandIn receives OTLP at Loki's path, and behaves like Loki as described in examples/loki/README.md: two
// lines are one if stream, time, text and structured metadata are equal, including the observed time; lines that
// are more than an hour older than the newest of their stream are refused, and so are lines and requests above a
// size limit. It has no query language.
type lokiStandIn struct {
	*server
	gate

	mu    sync.Mutex
	lines map[string]arrival
	// newest is the time of the newest line of each stream.
	newest  map[string]time.Time
	sent    int // records
	refused int
	// Size limits of a line and of a request, in bytes: max_line_size and ingestion_burst_size_mb.
	longest, burst int
	why            string // the last refusal, in Loki's wording
}

// lokiTakes is how much older than the newest of its stream a line may be: half of
// ingester.max_chunk_age.
const lokiTakes = time.Hour

func newLokiStandIn(t *testing.T) *lokiStandIn {
	limits := exampleSettings(t)
	s := &lokiStandIn{lines: map[string]arrival{}, newest: map[string]time.Time{}, longest: 256 << 10, burst: 6 << 20}
	if limit := limits["limits_config.max_line_size"]; limit != "" {
		s.longest = atoi(t, plainSetting(limit))
	}
	if limit := limits["limits_config.ingestion_burst_size_mb"]; limit != "" {
		s.burst = atoi(t, limit) << 20
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otlp/v1/logs", s.serveLogs)
	s.server = serve(t, mux)
	return s
}

func (*lokiStandIn) config() []string { return []string{"loki/collector.yaml"} }

func (s *lokiStandIn) env() []string { return []string{"LOKI_ENDPOINT=http://" + s.addr} }

func (s *lokiStandIn) held(*testing.T) []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make([]arrival, 0, len(s.lines))
	for _, line := range s.lines {
		held = append(held, line)
	}
	return held
}

func (s *lokiStandIn) serveLogs(w http.ResponseWriter, r *http.Request) {
	request := plogotlp.NewExportRequest()
	unpacked, err := unpacked(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unpacked)
	if err != nil || request.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(body) > s.burst {
		http.Error(w, fmt.Sprintf("ingestion rate limit exceeded for user fake while attempting to ingest lines totaling '%d' bytes", len(body)), http.StatusTooManyRequests)
		return
	}
	refused := s.storeAll(request.Logs())
	s.pass()
	if refused > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		http.Error(w, s.why, http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// storeAll returns how many records are refused. The others are stored.
func (s *lokiStandIn) storeAll(logs plog.Logs) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.refused
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				s.store(texts(texts(map[string]string{}, rl.Resource().Attributes()), record.Attributes()), record)
			}
		}
	}
	return s.refused - before
}

func (s *lokiStandIn) store(attributes map[string]string, record plog.LogRecord) {
	s.sent++
	stream := attributes["service.name"]
	at := record.Timestamp().AsTime()
	switch {
	case s.newest[stream].Sub(at) > lokiTakes:
		s.refused++
		s.why = "entry too far behind"
		return
	case len(record.Body().AsString()) > s.longest:
		s.refused++
		s.why = fmt.Sprintf("max entry size '%d' bytes exceeded for stream", s.longest)
		return
	}
	if at.After(s.newest[stream]) {
		s.newest[stream] = at
	}
	line := arrival{uid: attributes["log.record.uid"], time: at.UnixNano(), body: record.Body().AsString(), attributes: attributes}
	key, _ := json.Marshal([]any{stream, line.time, line.body, line.attributes, record.ObservedTimestamp()}) //nolint:errchkjson // texts and numbers
	s.lines[string(key)] = line
}

// TestOTLP: through examples/loki every entry becomes one line in one stream, whichever part stops while records
// arrive.
func TestOTLP(t *testing.T) {
	t.Parallel()
	s := newLokiStandIn(t)
	deliver(t, s, true)
	require.Zero(t, s.refused)
	require.Len(t, s.newest, 1, "one stream, whatever apps and APIs there are")
	require.Contains(t, s.newest, "feishu")
}

// plainStandIn is the example without its processors.
type plainStandIn struct{ *lokiStandIn }

func (plainStandIn) config() []string {
	return []string{"loki/collector.yaml", "../e2e/testdata/loki-plain.yaml"}
}

// TestOTLPRepeats: a page that is delivered again, because nobody got the answer, is equal in everything that
// Loki compares, because the example changes the observed time: without that the page is stored twice.
// TestLokiRepeats checks it with Loki.
func TestOTLPRepeats(t *testing.T) {
	t.Parallel()
	for name, doubled := range map[string]int{"with the example": 0, "without its transform": pageSize} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newLokiStandIn(t)
			var d destination = s
			if doubled > 0 {
				d = plainStandIn{s}
			}
			entries, _ := repeat(t, d, &s.gate)
			require.Equal(t, len(entries)+pageSize, s.sent, "one page was sent twice")
			held := s.held(t)
			checkPath(t, entries, held, doubled/pageSize)
			require.Len(t, doubles(held), doubled)
		})
	}
}

// TestOTLPBacklog: three hours of the past arrive completely, with any order of the API's answers within a
// window. None of it is too old for Loki.
func TestOTLPBacklog(t *testing.T) {
	t.Parallel()
	for _, order := range []simulator.Order{simulator.Descending, simulator.Shuffled} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			s := newLokiStandIn(t)
			backlog(t, s, order)
			require.Zero(t, s.refused)
		})
	}
}

// backlog reads three hours of the past through an example.
func backlog(t *testing.T, d destination, order simulator.Order) {
	t.Helper()
	now := time.Now().Unix()
	log := simulator.Tenant{Seed: 52, PerSecond: 0.4, Start: now - 3*3600, End: now - 60}
	a := newAPI(t, simulator.Options{Tenant: log, Order: order})
	entries := a.ends(log)
	e := newExample(t, a, d)
	e.args = append(e.args, "--set=receivers.feishu_audit.start_time="+time.Unix(log.Start, 0).UTC().Format(time.RFC3339))
	c := e.start(t)
	eventually(t, recovers, "everything was sent", func() bool {
		return len(byID(d.held(t))) >= len(entries) || strings.Contains(c.out.String(), "Dropped record ")
	})
	c.term(t)
	checkPath(t, entries, d.held(t), 0)
}

// TestOTLPLargeEntries: a page with payloads of half a MiB arrives completely, and so does an entry whose path,
// API key and message are very long.
func TestOTLPLargeEntries(t *testing.T) {
	t.Parallel()
	largeEntries(t, newLokiStandIn(t))
}

// largeEntries reads large entries through an example. Their attributes are cut off, because Loki refuses a line
// with more than 64 KB of structured metadata.
func largeEntries(t *testing.T, d destination) {
	t.Helper()
	a := newAPI(t, simulator.Options{})
	now := time.Now()
	var entries []simulator.Entry
	for i := range 20 {
		entries = append(entries, simulator.Entry{
			ID: "large-" + strconv.Itoa(i), APIKey: "POST/open-apis/im/v1/messages", EventTime: now.Unix() - 3000 + int64(i), AppID: "cli_a", IP: "192.0.2.1",
			Path: "/open-apis/im/v1/messages", Method: "POST", Payload: `{"text":"` + strings.Repeat("长", 170_000) + `"}`, StatusCode: 200,
		})
	}
	long := strings.Repeat("x", 200<<10)
	wide := simulator.Entry{
		ID: "wide", APIKey: "POST/open-apis/" + long, EventTime: now.Unix() - 2900, AppID: "cli_a", IP: "192.0.2.1",
		Path: "/open-apis/" + long, Method: "POST", StatusCode: 400, Response: `{"code":1,"msg":"` + long + `"}`,
	}
	a.Add(entries...)
	a.Add(wide)
	c := newExample(t, a, d).start(t)
	eventually(t, recovers, "everything arrives", func() bool { return len(d.held(t)) > len(entries) })
	c.term(t)
	held := byID(d.held(t))
	require.Len(t, held["wide"], 1)
	require.Equal(t, wide.JSON(false), held["wide"][0].body)
	for _, name := range []string{"feishu.api_key", "url.path"} {
		require.Len(t, held["wide"][0].attributes[name], 1024, "%s is cut off", name)
	}
	delete(held, "wide")
	var rest []arrival
	for _, one := range held {
		rest = append(rest, one...)
	}
	checkPath(t, entries, rest, 0)
}

// TestOTLPHeaders: the headers in a comment of examples/loki reach the backend.
func TestOTLPHeaders(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../examples/loki/collector.yaml")
	require.NoError(t, err)
	uncommented := regexp.MustCompile(`(?m)^( +)# (headers:|  [A-Za-z-]+: .*\$\{env:)`).ReplaceAll(text, []byte("$1$2"))
	require.NotEqual(t, string(text), string(uncommented))
	config := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(config, uncommented, 0o600))
	headers := make(chan http.Header, 100)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case headers <- r.Header:
		default: // one is enough
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	a, _ := newBacklog(t, 53, 10)
	e := newExample(t, a, &lokiStandIn{server: s})
	e.args[1] = "--config=" + config
	e.env = append(e.env, "LOKI_TENANT=acme", "LOKI_BASIC_AUTH=dXNlcjpwYXNzd29yZA==")
	c := e.start(t)
	select {
	case got := <-headers:
		require.Equal(t, "acme", got.Get("X-Scope-OrgID"))
		require.Equal(t, "Basic dXNlcjpwYXNzd29yZA==", got.Get("Authorization"))
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was sent")
	}
	c.term(t)
}
