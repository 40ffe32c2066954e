// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// ecs is the path through examples/mapping/ecs.yaml.
type ecs struct{ *bulk }

func (ecs) config() []string { return []string{"mapping/ecs.yaml"} }

// TestECS: the statements of examples/mapping make each entry a document of the Elastic
// Common Schema, as the table in docs/record-model.md says.
func TestECS(t *testing.T) {
	t.Parallel()
	d := ecs{newBulk(t)}
	a, entries := newBacklog(t, 54, 400)
	c := newExample(t, a, d).start(t)
	eventually(t, time.Minute, "everything arrives", func() bool { return len(d.held(t)) >= len(entries) })
	c.term(t)
	require.NotContains(t, c.out.String(), "failed to execute statement")
	outcomes := map[string]int{}
	for _, entry := range entries {
		doc := d.docs[bulkID{"logs-feishu.openapi-default", entry.ID}]
		require.NotNil(t, doc, "document of %s", entry.ID)
		flat := map[string]string{}
		flatten(flat, "", doc)
		for name, want := range map[string]string{
			"@timestamp":               time.Unix(entry.EventTime, 0).UTC().Format(time.RFC3339),
			"client.ip":                entry.IP,
			"ecs.version":              "8.17.0",
			"event.action":             entry.APIKey,
			"event.category":           `["api"]`,
			"event.dataset":            "feishu.openapi",
			"event.id":                 entry.ID,
			"event.kind":               "event",
			"event.module":             "feishu",
			"event.type":               `["access"]`,
			"feishu.app.id":            entry.AppID,
			"http.request.method":      entry.Method,
			"message":                  entry.APIKey,
			"related.ip":               `["` + entry.IP + `"]`,
			"url.path":                 entry.Path,
			"data_stream.dataset":      "feishu.openapi",
			"feishu.status_code":       strconv.Itoa(entry.StatusCode),
			"feishu.credential.app_id": simulator.DefaultAppID,
		} {
			require.Equal(t, want, flat[name], "%s of %s", name, entry.ID)
		}
		require.Contains(t, flat["event.original"], `"id":"`+entry.ID+`"`)
		outcome := flat["event.outcome"]
		outcomes[outcome]++
		require.Equal(t, outcome == "failure", flat["error.code"] != "", "error.code of %s", entry.ID)
	}
	require.Positive(t, outcomes["success"])
	require.Positive(t, outcomes["failure"])
}

// ocsf keeps the bodies of records that come by OTLP.
type ocsf struct {
	*server
	mu     sync.Mutex
	events map[string]map[string]any // by log.record.uid
}

func newOCSF(t *testing.T) *ocsf {
	o := &ocsf{events: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", o.serveLogs)
	o.server = serve(t, mux)
	return o
}

func (*ocsf) config() []string { return []string{"mapping/ocsf.yaml"} }

func (o *ocsf) env() []string { return []string{"OTLP_ENDPOINT=http://" + o.addr} }

func (o *ocsf) held(*testing.T) []arrival {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := make([]arrival, 0, len(o.events))
	for uid := range o.events {
		held = append(held, arrival{uid: uid})
	}
	return held
}

func (o *ocsf) serveLogs(w http.ResponseWriter, r *http.Request) {
	unpacked, err := unpacked(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(unpacked)
	req := plogotlp.NewExportRequest()
	if err != nil || req.UnmarshalProto(body) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, rl := range req.Logs().ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				uid, _ := record.Attributes().Get("log.record.uid")
				o.events[uid.Str()] = record.Body().Map().AsRaw()
			}
		}
	}
}

// activities are OCSF's activity_id and type_uid by method: a POST may be a search.
var activities = map[string]int64{"GET": 2, "PUT": 3, "PATCH": 3, "DELETE": 4, "POST": 99}

// TestOCSF: the statements of examples/mapping make each entry an API Activity event, as
// the table in docs/record-model.md says, with every attribute that the class requires.
func TestOCSF(t *testing.T) {
	t.Parallel()
	d := newOCSF(t)
	a, entries := newBacklog(t, 55, 400)
	c := newExample(t, a, d).start(t)
	eventually(t, time.Minute, "everything arrives", func() bool { return len(d.held(t)) >= len(entries) })
	c.term(t)
	require.NotContains(t, c.out.String(), "failed to execute statement")
	statuses := map[any]int{}
	for _, entry := range entries {
		event := d.events[entry.ID]
		require.NotNil(t, event, "event of %s", entry.ID)
		activity, known := activities[entry.Method]
		require.True(t, known, "method %s", entry.Method)
		for name, want := range map[string]any{
			"class_uid":    int64(6003),
			"category_uid": int64(6),
			"activity_id":  activity,
			"type_uid":     600300 + activity,
			"severity_id":  int64(1),
			"time":         entry.EventTime * 1000,
			"actor":        map[string]any{"app_uid": entry.AppID},
			"src_endpoint": map[string]any{"ip": entry.IP},
			"http_request": map[string]any{"http_method": entry.Method, "url": map[string]any{"path": entry.Path}},
		} {
			require.Equal(t, want, event[name], "%s of %s", name, entry.ID)
		}
		require.Equal(t, entry.APIKey, event["api"].(map[string]any)["operation"])
		metadata := event["metadata"].(map[string]any)
		require.Equal(t, entry.ID, metadata["uid"])
		require.Equal(t, map[string]any{"name": "OpenAPI audit log", "vendor_name": "feishu"}, metadata["product"])
		require.Equal(t, "1.6.0", metadata["version"])
		require.Contains(t, event["raw_data"], `"id":"`+entry.ID+`"`)
		statuses[event["status_id"]]++
		require.Equal(t, event["status_id"] == int64(2), event["status_code"] != nil, "status_code of %s", entry.ID)
	}
	require.Positive(t, statuses[int64(1)])
	require.Positive(t, statuses[int64(2)])
}
