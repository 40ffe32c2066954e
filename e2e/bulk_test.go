// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// bulk receives Elasticsearch's bulk requests and keeps documents by index and id, as documented: "create"
// answers 409 if the id exists, each document has its own status, and the request as a whole succeeds. It
// replaces Elasticsearch itself, which is not available as a Go module, for ids and refusals of single
// documents. Elastic's own mock (github.com/elastic/mock-es) draws its answers at random and keeps no documents,
// and is not available from the Go proxy of these tests.
type bulk struct {
	*server
	gate

	mu        sync.Mutex
	docs      map[bulkID]map[string]any
	conflicts int
	streams   bool                       // whether every request asked for data streams only
	refuses   func(n int, id string) int // the status that refuses a document, the n-th that arrived, or 0
	sent      int                        // documents
	refused   int
}

type bulkID struct{ index, id string }

// bulkItem is the answer for one document.
type bulkItem struct {
	Index  string     `json:"_index"`
	ID     string     `json:"_id"`
	Status int        `json:"status"`
	Error  *bulkError `json:"error,omitempty"`
}

type bulkError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func newBulk(t *testing.T) *bulk {
	b := &bulk{docs: map[bulkID]map[string]any{}, streams: true}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_bulk", b.serveBulk)
	b.server = serve(t, mux)
	return b
}

func (*bulk) config() []string { return []string{"elasticsearch/collector.yaml"} }

func (b *bulk) env() []string { return []string{"ELASTICSEARCH_ENDPOINT=http://" + b.addr} }

func (b *bulk) held(*testing.T) []arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	held := make([]arrival, 0, len(b.docs))
	for _, doc := range b.docs {
		held = append(held, fromDocument(doc))
	}
	return held
}

func (b *bulk) serveBulk(w http.ResponseWriter, r *http.Request) {
	body, err := unpacked(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	items := []map[string]bulkItem{}
	failed := false
	b.mu.Lock()
	b.streams = b.streams && r.URL.Query().Get("require_data_stream") == "true"
	for lines := json.NewDecoder(body); lines.More(); {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		var doc map[string]any
		if lines.Decode(&action) != nil || lines.Decode(&doc) != nil {
			b.mu.Unlock()
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for verb, meta := range action {
			item := b.store(bulkID{meta.Index, meta.ID}, doc)
			failed = failed || item.Error != nil
			items = append(items, map[string]bulkItem{verb: item})
		}
	}
	b.mu.Unlock()
	b.pass()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
	_ = json.NewEncoder(w).Encode(map[string]any{"took": 1, "errors": failed, "items": items})
}

// unpacked is the body of a request that may be compressed.
func unpacked(r *http.Request) (io.Reader, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.Body, nil
	}
	return gzip.NewReader(r.Body)
}

// store answers for one document.
func (b *bulk) store(key bulkID, doc map[string]any) bulkItem {
	b.sent++
	if b.refuses != nil {
		if status := b.refuses(b.sent, key.id); status != 0 {
			b.refused++
			return bulkItem{key.index, key.id, status, &bulkError{refusals[status], "as the test wants it"}}
		}
	}
	if _, exists := b.docs[key]; exists {
		b.conflicts++
		return bulkItem{key.index, key.id, http.StatusConflict, &bulkError{"version_conflict_engine_exception", "document already exists"}}
	}
	b.docs[key] = doc
	return bulkItem{Index: key.index, ID: key.id, Status: http.StatusCreated}
}

// refusals are the types of error with which Elasticsearch refuses single documents.
var refusals = map[int]string{
	http.StatusBadRequest:         "document_parsing_exception",
	http.StatusForbidden:          "security_exception",
	http.StatusNotFound:           "index_not_found_exception",
	http.StatusTooManyRequests:    "cluster_block_exception", // a disk is full
	http.StatusServiceUnavailable: "unavailable_shards_exception",
}

// fromDocument reads a document of the exporter's mapping mode "otel", whose times are
// milliseconds since 1970 with six decimal places.
func fromDocument(doc map[string]any) arrival {
	r := arrival{attributes: map[string]string{}}
	flatten(r.attributes, "", doc)
	millis, nanos, _ := strings.Cut(r.attributes["@timestamp"], ".")
	ms, _ := strconv.ParseInt(millis, 10, 64)
	ns, _ := strconv.ParseInt(nanos, 10, 64)
	return r.unprefixed(time.UnixMilli(ms).Add(time.Duration(ns)), "body.text")
}

// unprefixed reads a flat document of the mapping mode "otel".
func (r arrival) unprefixed(at time.Time, body string) arrival {
	flat := arrival{time: at.UnixNano(), body: r.attributes[body], attributes: map[string]string{}}
	for name, value := range r.attributes {
		name = strings.TrimPrefix(name, "resource.")
		flat.attributes[strings.TrimPrefix(name, "attributes.")] = value
	}
	flat.uid = flat.attributes["log.record.uid"]
	return flat
}

// flatten joins the keys of nested objects with dots.
func flatten(into map[string]string, prefix string, doc map[string]any) {
	for key, value := range doc {
		switch value := value.(type) {
		case map[string]any:
			flatten(into, prefix+key+".", value)
		case string:
			into[prefix+key] = value
		default:
			text, _ := json.Marshal(value) //nolint:errchkjson // it came out of JSON
			into[prefix+key] = string(text)
		}
	}
}
