// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hec is a Splunk HTTP Event Collector, written from Splunk's documentation, "Troubleshoot HTTP Event Collector"
// (9.2), "Possible error codes": a request is refused at its first wrong event, with its number, and the events
// before that one are stored. It has no ids: duplicates are stored twice.
type hec struct {
	*server

	mu      sync.Mutex
	events  []arrival
	refused map[int]int // requests, by code
	// The token and the index that exist, and whether its queues are full.
	token, index string
	busy         bool
	// invalid is the log.record.uid of an event whose fields it does not accept.
	invalid string
}

const hecToken = "00000000-0000-4000-8000-000000000000"

// hecErrors are the codes: the HTTP status and the text of each.
var hecErrors = map[int]struct {
	status int
	text   string
}{
	2:  {http.StatusUnauthorized, "Token is required"},
	3:  {http.StatusUnauthorized, "Invalid authorization"},
	4:  {http.StatusForbidden, "Invalid token"},
	5:  {http.StatusBadRequest, "No data"},
	6:  {http.StatusBadRequest, "Invalid data format"},
	7:  {http.StatusBadRequest, "Incorrect index"},
	9:  {http.StatusServiceUnavailable, "Server is busy"},
	12: {http.StatusBadRequest, "Event field is required"},
	13: {http.StatusBadRequest, "Event field cannot be blank"},
}

func newHEC(t *testing.T) *hec {
	h := &hec{refused: map[int]int{}, token: hecToken, index: "feishu"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/collector", h.serve)
	mux.HandleFunc("POST /services/collector/event", h.serve)
	h.server = serve(t, mux)
	return h
}

func (*hec) config() []string { return []string{"splunk/collector.yaml"} }

func (h *hec) env() []string {
	return []string{"SPLUNK_HEC_ENDPOINT=http://" + h.addr + "/services/collector", "SPLUNK_HEC_TOKEN=" + hecToken}
}

// set changes its state.
func (h *hec) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hec) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	code, number := h.take(r)
	w.Header().Set("Content-Type", "application/json")
	answer := map[string]any{"code": code, "text": "Success"}
	if code != 0 {
		h.refused[code]++
		answer["text"] = hecErrors[code].text
		if number >= 0 {
			answer["invalid-event-number"] = number
		}
		w.WriteHeader(hecErrors[code].status)
	}
	_ = json.NewEncoder(w).Encode(answer) // the caller may be gone
}

// take returns the code of the answer, and the number of the event that it is about, or -1.
func (h *hec) take(r *http.Request) (code, number int) {
	token, named := strings.CutPrefix(r.Header.Get("Authorization"), "Splunk ")
	switch {
	case r.Header.Get("Authorization") == "":
		return 2, -1
	case !named:
		return 3, -1
	case token != h.token:
		return 4, -1
	case h.busy:
		return 9, -1
	}
	body, err := unpacked(r)
	if err != nil {
		return 6, -1
	}
	events := json.NewDecoder(body)
	events.UseNumber()
	for ; ; number++ {
		var event struct {
			Time   json.Number    `json:"time"`
			Index  string         `json:"index"`
			Event  *string        `json:"event"`
			Fields map[string]any `json:"fields"`
		}
		err := events.Decode(&event)
		uid, _ := event.Fields["log.record.uid"].(string)
		switch {
		case err == io.EOF && number == 0: //nolint:errorlint // as the decoder returns it
			return 5, -1
		case err == io.EOF: //nolint:errorlint // as the decoder returns it
			return 0, -1
		case err != nil || h.invalid != "" && uid == h.invalid:
			return 6, number
		case event.Index != h.index:
			return 7, number
		case event.Event == nil:
			return 12, number
		case *event.Event == "":
			return 13, number
		}
		seconds, err := event.Time.Float64()
		if err != nil {
			return 6, number
		}
		attributes := map[string]string{}
		flatten(attributes, "", event.Fields)
		h.events = append(h.events, arrival{uid: uid, time: time.UnixMilli(int64(seconds*1000 + 0.5)).UnixNano(), body: *event.Event, attributes: attributes})
	}
}

func (h *hec) held(*testing.T) []arrival {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]arrival(nil), h.events...)
}

// codes returns how many requests were refused with a code.
func (h *hec) codes(code int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused[code]
}

// TestSplunkErrors: while Splunk accepts nothing, because it does not know the token or the index or is busy,
// the receiver holds the records, and delivers all of them once it does. An event that Splunk never accepts is
// given up alone, with its id in the collector's log; the events before it in its requests, which Splunk had
// stored, are duplicated. Covers F53, F54.
func TestSplunkErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code  int
		wrong func(h *hec, uid string)
		fixed func(h *hec)
		lost  int
		twice int // pages
	}{
		"invalid token": {code: 4, wrong: func(h *hec, _ string) { h.token = "another" }, fixed: func(h *hec) { h.token = hecToken }},
		"invalid data":  {code: 6, wrong: func(h *hec, uid string) { h.invalid = uid }, lost: 1, twice: 2},
		"no index":      {code: 7, wrong: func(h *hec, _ string) { h.index = "main" }, fixed: func(h *hec) { h.index = "feishu" }},
		"busy":          {code: 9, wrong: func(h *hec, _ string) { h.busy = true }, fixed: func(h *hec) { h.busy = false }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHEC(t)
			a, entries := newBacklog(t, 61, 1000)
			e := newExample(t, a, h)
			c := e.start(t)
			eventually(t, starts, "some pages arrive", func() bool { return len(e.held(t)) >= 2*pageSize })
			h.set(func() { tc.wrong(h, entries[len(entries)-150].ID) })
			eventually(t, recovers, "it is refused", func() bool { return h.codes(tc.code) >= 2 })
			if tc.fixed != nil {
				h.set(func() { tc.fixed(h) })
			}
			eventually(t, recovers, "every entry is there, or given up", func() bool {
				return len(byID(e.held(t)))+len(c.lostIDs()) >= len(entries)
			})
			c.term(t)
			require.Len(t, c.lostIDs(), tc.lost)
			checkPath(t, entries, e.held(t), tc.twice, c.lostIDs()...)
		})
	}
}

// victoriaHEC is VictoriaLogs, which supports Splunk's protocol: a server by other authors than the exporter.
type victoriaHEC struct{ *victoriaLogs }

func (victoriaHEC) config() []string { return []string{"splunk/collector.yaml"} }

func (v victoriaHEC) env() []string {
	return []string{"SPLUNK_HEC_ENDPOINT=http://" + v.addr + "/services/collector/event", "SPLUNK_HEC_TOKEN=" + hecToken}
}

// different implements counter.
func (v victoriaHEC) different(t *testing.T) int { return v.countUniq(t, "fields.log.record.uid") }

func (v victoriaHEC) held(t *testing.T) []arrival {
	held := v.victoriaLogs.held(t)
	for i, r := range held {
		fields := map[string]string{}
		for name, value := range r.attributes {
			fields[strings.TrimPrefix(name, "fields.")] = value
		}
		held[i].uid, held[i].attributes = fields["log.record.uid"], fields
	}
	return held
}

// TestSplunkVictoriaLogs: through examples/splunk every entry also arrives in VictoriaLogs' HTTP Event
// Collector, with index, source, sourcetype, and the indexed fields.
func TestSplunkVictoriaLogs(t *testing.T) {
	t.Parallel()
	v := victoriaHEC{newVictoriaLogs(t)}
	deliver(t, v, false)
	for _, r := range v.held(t) {
		for name, want := range map[string]string{"index": "feishu", "source": "feishu", "sourcetype": "feishu:openapi", "host": "unknown"} {
			require.Equal(t, want, r.attributes[name], name)
		}
	}
	streams := v.rows(t, "* | stats by (_stream) count() n")
	require.Len(t, streams, 1, fmt.Sprint(streams))
}
