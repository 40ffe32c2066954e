// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"io"
	"iter"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// backend receives OTLP over HTTP and records which record came from which run of the collector.
type backend struct {
	*server
	mu       sync.Mutex
	came     map[string][]string // the life of each arrival, by id
	refused  map[string]int      // how often each id was refused with 400
	taken    int                 // requests whose records were accepted
	total    int                 // records accepted
	asked    int                 // requests since the last call of answering
	answer   answering
	poison   map[string]bool  // ids: a request with one of them is refused
	refuses  int              // with this HTTP status; 0: 400
	counters map[string]int64 // the collector's own, by name and result
}

// lifeHeader is the header with the run of the collector, see setup.
const lifeHeader = "X-Life"

// answering decides the answer to the n-th request, counted from 1: a wait, and an HTTP status. Records are
// accepted only with 200. A caller that disconnects during the wait gets no answer.
type answering func(n int) (wait time.Duration, status int)

func always(status int) answering {
	return func(int) (time.Duration, int) { return 0, status }
}

// hang is longer than any caller waits.
const hang = time.Hour

func newBackend(t *testing.T) *backend {
	b := &backend{came: map[string][]string{}, refused: map[string]int{}, counters: map[string]int64{}, answer: always(http.StatusOK)}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/logs", b.serveLogs)
	mux.HandleFunc("/v1/metrics", b.serveMetrics)
	b.server = serve(t, mux)
	return b
}

func (b *backend) url() string { return "http://" + b.addr }

// answering changes the answers from now on.
func (b *backend) answering(answer answering) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.answer = 0, answer
}

// refusing refuses exactly the requests with one of these ids from now on, with an HTTP status.
func (b *backend) refusing(status int, ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.poison, b.refuses = map[string]bool{}, status
	for _, id := range ids {
		b.poison[id] = true
	}
}

func (b *backend) serveLogs(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := plogotlp.NewExportRequest()
	if err != nil || req.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	b.asked++
	wait, status := b.answer(b.asked)
	if slices.ContainsFunc(uids(req), func(uid string) bool { return b.poison[uid] }) {
		status = cmp.Or(b.refuses, http.StatusBadRequest)
	}
	b.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
		return
	}
	b.mu.Lock()
	if r.Context().Err() != nil { // it waited for the lock until the exporter gave up
		b.mu.Unlock()
		return
	}
	for _, uid := range uids(req) {
		switch status {
		case http.StatusOK:
			b.came[uid] = append(b.came[uid], r.Header.Get(lifeHeader))
			b.total++
		case http.StatusBadRequest:
			b.refused[uid]++
		}
	}
	if status == http.StatusOK {
		b.taken++
	}
	b.mu.Unlock()
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	out, _ := plogotlp.NewExportResponse().MarshalProto()
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

func uids(req plogotlp.ExportRequest) []string {
	var ids []string
	for _, rl := range req.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				uid, _ := record.Attributes().Get("log.record.uid")
				ids = append(ids, uid.Str())
			}
		}
	}
	return ids
}

func (b *backend) serveMetrics(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := pmetricotlp.NewExportRequest()
	if err != nil || req.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rm := range req.Metrics().ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Type() != pmetric.MetricTypeSum {
					continue
				}
				for _, point := range m.Sum().DataPoints().All() {
					result, _ := point.Attributes().Get("result")
					b.counters[m.Name()+" "+result.Str()] = point.IntValue()
				}
			}
		}
	}
	out, _ := pmetricotlp.NewExportResponse().MarshalProto()
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

// counter is the last value of one of the collector's own counters.
func (b *backend) counter(name, result string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counters[name+" "+result]
}

// count returns how many different records were accepted.
func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.came)
}

// requests returns how many requests were accepted.
func (b *backend) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// askedFor returns how many requests arrived since answering was last called.
func (b *backend) askedFor() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

// arrivals waits until all entries have arrived, or for a long time: check then counts what is missing.
func (b *backend) arrivals(t *testing.T, entries []simulator.Entry) {
	t.Helper()
	b.arrive(t, len(entries), recovers)
}

// arrive waits until this many different entries have arrived, or for the given time.
func (b *backend) arrive(t *testing.T, n int, atMost time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(atMost); b.count() < n && time.Now().Before(deadline); {
		pause(t, 20*time.Millisecond)
	}
}

// check compares what arrived with the log, and notes the result in the table. pages is how many pages may be
// duplicated: one for each run that ended between the backend's answer and the checkpoint.
func (b *backend) check(t *testing.T, entries []simulator.Entry, pages int) {
	t.Helper()
	b.checkIDs(t, func(yield func(string) bool) {
		for i := range entries {
			if !yield(entries[i].ID) {
				return
			}
		}
	}, pages)
}

// checkIDs is check for a log with too many entries to keep all of them: it compares only ids.
func (b *backend) checkIDs(t *testing.T, ids iter.Seq[string], pages int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := map[string]bool{}
	sent, lost := 0, 0
	for id := range ids {
		wanted[id] = true
		sent++
		if len(b.came[id]) == 0 && b.refused[id] == 0 {
			lost++
		}
	}
	invented := 0
	for id := range b.came {
		if !wanted[id] {
			invented++
		}
	}
	doubled := b.total - len(b.came)
	note(row{t.Name(), sent, len(b.came), len(b.refused), lost, doubled, pages * pageSize})
	require.Zero(t, lost, "entries were lost")
	require.Zero(t, invented, "entries were invented")
	require.LessOrEqual(t, doubled, pages*pageSize, "entries are duplicated")
}

// doubles counts the duplicated records by the run in which they had arrived before: the one that forgot them.
func (b *backend) doubles() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	doubles := map[string]int{}
	for _, lives := range b.came {
		for _, life := range lives[:len(lives)-1] {
			doubles[life]++
		}
	}
	return doubles
}

// checkDoubles checks that only runs that were killed have forgotten something, and no more than the page in
// flight.
func (b *backend) checkDoubles(t *testing.T, killed map[string]bool) {
	t.Helper()
	doubles := b.doubles()
	t.Logf("%d lives repeated something: %v", len(doubles), doubles)
	for life, n := range doubles {
		require.True(t, killed[life], "life %s was ended by SIGTERM, and %d of its records are duplicated", life, n)
		require.LessOrEqual(t, n, pageSize, "more than a page of life %s is duplicated", life)
	}
}

// pageSize is the receiver's default.
const pageSize = 100
