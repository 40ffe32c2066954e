// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// openSearch is an OpenSearch node, downloaded by `make opensearch`, with the index template of the example, and
// the nginx of the example in front of it.
type openSearch struct {
	gate
	javaServer
	port, dir string
	namespace string
	through   *server // forwards to the node, and can delay answers
	next      syscall.Signal
	bulks     atomic.Int64 // requests that were answered
}

func newOpenSearch(t *testing.T) *openSearch {
	s := &openSearch{
		javaServer: javaServer{name: "opensearch", main: "Node", heap: "384m"},
		port:       freePort(t), dir: t.TempDir(), namespace: "default", next: syscall.SIGKILL,
	}
	target := &url.URL{Scheme: "http", Host: startNginx(t, "opensearch/nginx.conf.template", "OPENSEARCH_URL", "http://127.0.0.1:"+s.port)}
	s.through = serve(t, &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // it is down
		ModifyResponse: func(*http.Response) error {
			s.bulks.Add(1)
			s.pass()
			return nil
		},
	})
	s.up(t)
	s.template(t, "logs-feishu.openapi", readFile(t, "opensearch/index-template.json"))
	return s
}

func (*openSearch) config() []string { return []string{"opensearch/collector.yaml"} }

func (s *openSearch) env() []string {
	return []string{"OPENSEARCH_ENDPOINT=http://" + s.through.addr, "NAMESPACE=" + s.namespace}
}

func (s *openSearch) up(t *testing.T) {
	s.run(t, "path.home="+s.dir, "http.port="+s.port, "cluster.info.update.interval=10s")
	eventually(t, 5*time.Minute, "OpenSearch answers", func() bool {
		status, _ := s.call(t, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=1s", "")
		return status == http.StatusOK
	})
}

// down kills the node the first time, and shuts it down the next.
func (s *openSearch) down(t *testing.T) {
	s.end(t, s.next)
	s.next = syscall.SIGTERM
}

// call returns the answer's status, 0 if there is none, and its text.
func (s *openSearch) call(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+s.port+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return res.StatusCode, text
}

// does makes a call that has to succeed.
func (s *openSearch) does(t *testing.T, method, path, body string) []byte {
	t.Helper()
	status, text := s.call(t, method, path, body)
	require.Equal(t, http.StatusOK, status, "%s %s: %s", method, path, text)
	return text
}

func (s *openSearch) template(t *testing.T, name, text string) {
	t.Helper()
	s.does(t, http.MethodPut, "/_index_template/"+name, text)
}

// watermarks sets how full the disk may be, in percent.
func (s *openSearch) watermarks(t *testing.T, low, high, flood string) {
	t.Helper()
	const prefix = "cluster.routing.allocation.disk.watermark."
	text, err := json.Marshal(map[string]any{"transient": map[string]string{prefix + "low": low, prefix + "high": high, prefix + "flood_stage": flood}})
	require.NoError(t, err)
	s.does(t, http.MethodPut, "/_cluster/settings", string(text))
}

func (s *openSearch) stream() string { return "logs-feishu.openapi.otel-" + s.namespace }

func (s *openSearch) held(t *testing.T) []arrival {
	if status, _ := s.call(t, http.MethodPost, "/"+s.stream()+"/_refresh", ""); status != http.StatusOK {
		return nil // no entry has arrived yet
	}
	var found struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			}
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(s.does(t, http.MethodPost, "/"+s.stream()+"/_search?size=10000", `{"query":{"match_all":{}}}`)))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&found))
	var held []arrival
	for _, hit := range found.Hits.Hits {
		r := arrival{attributes: map[string]string{}}
		flatten(r.attributes, "", hit.Source)
		at, err := time.Parse(time.RFC3339, r.attributes["@timestamp"])
		require.NoError(t, err)
		r = r.unprefixed(at, "body.text")
		require.Equal(t, r.uid, hit.ID)
		held = append(held, r)
	}
	return held
}

// TestOpenSearch: through examples/opensearch every entry becomes one document of the data stream, whichever
// part stops while records arrive: the node itself, killed or shut down, and the collector.
func TestOpenSearch(t *testing.T) {
	t.Parallel()
	s := newOpenSearch(t)
	deliver(t, s, true)

	var streams struct {
		Streams []struct{ Name, Template string } `json:"data_streams"`
	}
	require.NoError(t, json.Unmarshal(s.does(t, http.MethodGet, "/_data_stream", ""), &streams))
	require.Len(t, streams.Streams, 1)
	require.Equal(t, "logs-feishu.openapi.otel-default", streams.Streams[0].Name)
	mapping := string(s.does(t, http.MethodGet, "/"+s.stream()+"/_mapping/field/attributes.feishu.api_key,attributes.feishu.response.code", ""))
	require.Contains(t, mapping, `"api_key":{"type":"keyword"}`)
	require.Contains(t, mapping, `"code":{"type":"long"}`)
	for _, r := range s.held(t) {
		require.Equal(t, "feishu.openapi.call", r.attributes["event_name"])
		require.Contains(t, []string{"9", "13"}, r.attributes["severity_number"])
		require.NotContains(t, r.attributes, "elasticsearch.document_id")
		observed, err := time.Parse(time.RFC3339Nano, r.attributes["observed_timestamp"])
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), observed, 10*time.Minute)
	}
}

// TestOpenSearchConflicts: a page that is delivered again leaves one document for each entry. OpenSearch answers
// 409, which is neither retried nor treated as a failure.
func TestOpenSearchConflicts(t *testing.T) {
	t.Parallel()
	s := newOpenSearch(t)
	entries, out := repeat(t, s, &s.gate)
	checkPath(t, entries, s.held(t), 0)
	lines := strings.Count(out, "failed to index document")
	require.Positive(t, lines)
	require.LessOrEqual(t, lines, 20, "the documentation of ../elasticsearch says so")
	require.NotContains(t, out, "is tried again")

	t.Run("mapping", func(t *testing.T) { refusedMapping(t, s) })
	t.Run("sizes", func(t *testing.T) {
		s.namespace = "sizes"
		sizes(t, s, nil)
	})
}

// refusedMapping: a document that does not fit the mapping is dropped, and the others of its page are not. The
// exporter logs and counts it, and the alert of ../elasticsearch fires.
func refusedMapping(t *testing.T, s *openSearch) {
	var template map[string]any
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "opensearch/index-template.json")), &template))
	merge(template, map[string]any{
		"index_patterns": []any{"logs-feishu.openapi.otel-strict"}, "priority": 300,
		"template": map[string]any{"mappings": map[string]any{"properties": map[string]any{
			"attributes": map[string]any{"properties": map[string]any{"client.address": map[string]any{"type": "ip"}}},
		}}},
	})
	text, err := json.Marshal(template)
	require.NoError(t, err)
	s.namespace = "strict"
	s.template(t, "strict", string(text))
	a, entries := newBacklog(t, 56, 300)
	odd := entries[40]
	odd.ID, odd.IP = "odd", "unknown"
	a.Add(odd)
	e := newExample(t, a, s)
	addr := e.scraped(t)
	c := e.start(t)
	e.arrives(t, len(entries))
	c.says(t, "mapper_parsing_exception", recovers)
	fires(t, "elasticsearch/alerts.yaml", nil, scrape(t, addr), "FeishuAuditDocumentsLost")
	c.term(t)
	checkPath(t, append(entries, odd), s.held(t), 0, odd.ID)
}

// TestOpenSearchFullDisk: beyond the flood-stage watermark OpenSearch refuses documents one by one (429). The
// exporter sends them again; nothing is lost, and everything arrives once there is space.
func TestOpenSearchFullDisk(t *testing.T) {
	t.Parallel()
	s := newOpenSearch(t)
	s.does(t, http.MethodPut, "/_data_stream/"+s.stream(), "")
	s.watermarks(t, "1%", "2%", "3%")
	blocked := func() bool {
		return strings.Contains(string(s.does(t, http.MethodGet, "/"+s.stream()+"/_settings", "")), `"read_only_allow_delete":"true"`)
	}
	eventually(t, recovers, "the watermark blocks the index", blocked)
	a, entries := newBacklog(t, 57, 500)
	e := newExample(t, a, s)
	e.args = append(e.args, "--set=exporters.elasticsearch.retry.max_interval=1s")
	c := e.start(t)
	eventually(t, starts, "documents are refused", func() bool { return s.bulks.Load() >= 4 })
	require.Empty(t, s.held(t), "nothing is stored")
	s.watermarks(t, "97%", "98%", "99%")
	eventually(t, recovers, "the block is gone", func() bool { return !blocked() })
	e.arrives(t, len(entries))
	c.term(t)
	checkPath(t, entries, s.held(t), 0)
}
