// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// activities are OCSF's activity_id and activity_name by kind of call.
var activities = map[string]struct {
	id   int
	name string
}{"create": {1, "Create"}, "read": {2, "Read"}, "change": {3, "Update"}, "delete": {4, "Delete"}}

func activity(o outcome) (id int, name string) {
	if a, known := activities[kindOfCall(o)]; known {
		return a.id, a.name
	}
	return 99, cmp.Or(o.entry.Method, "Other")
}

// observables are the values that an analyst searches for.
func observables(o outcome) string {
	var all []any
	add := func(name, kind string, id int, value string) {
		if value != "" {
			all = append(all, map[string]any{"name": name, "type": kind, "type_id": id, "value": value})
		}
	}
	add("actor.app_uid", "Resource UID", 10, o.entry.AppID)
	add("src_endpoint.ip", "IP Address", 2, onlyIf(isAddress(o.entry.IP), o.entry.IP))
	if all == nil {
		return ""
	}
	text, _ := json.Marshal(all) //nolint:errchkjson // strings and numbers
	return string(text)
}

func resources(o outcome) string {
	id := o.attribute("feishu.resource.id")
	if id == "" {
		return ""
	}
	text, _ := json.Marshal([]any{map[string]any{"type": o.attribute("feishu.resource.type"), "uid": id}}) //nolint:errchkjson // strings
	return string(text)
}

// ocsfFields are the fields of an OCSF event that depend on its entry.
var ocsfFields = map[string]func(outcome) string{
	"time":                               func(o outcome) string { return strconv.FormatInt(o.entry.EventTime*1000, 10) },
	"metadata.uid":                       func(o outcome) string { return o.entry.ID },
	"activity_id":                        func(o outcome) string { id, _ := activity(o); return strconv.Itoa(id) },
	"activity_name":                      func(o outcome) string { _, name := activity(o); return name },
	"type_uid":                           func(o outcome) string { id, _ := activity(o); return strconv.Itoa(600300 + id) },
	"type_name":                          func(o outcome) string { _, name := activity(o); return "API Activity: " + name },
	"status":                             func(o outcome) string { return o.named("Success", "Failure", "Unknown") },
	"metadata.event_code":                func(outcome) string { return "feishu.openapi.call" },
	"api.response.error":                 outcome.failure,
	"api.response.error_message":         func(o outcome) string { return onlyIf(o.failure() != "", o.msg) },
	"resources":                          resources,
	"observables":                        observables,
	"http_request.url.query_string":      outcome.queryString,
	"unmapped.feishu.resource.parent_id": attributeOf("feishu.resource.parent_id"),
	"unmapped.feishu.redacted":           attributeOf("feishu.redacted"),
	"status_id":                          func(o outcome) string { return o.named("1", "2", "0") },
	"status_code":                        outcome.failure,
	"status_detail":                      func(o outcome) string { return o.msg },
	"src_endpoint.ip":                    func(o outcome) string { return onlyIf(isAddress(o.entry.IP), o.entry.IP) },
	"src_endpoint.name":                  func(o outcome) string { return onlyIf(!isAddress(o.entry.IP), orUnknown(o.entry.IP)) },
	"http_request.http_method":           func(o outcome) string { return o.entry.Method },
	"http_request.url.path":              func(o outcome) string { return o.entry.Path },
	"http_response.code":                 func(o outcome) string { return o.status },
	"api.operation":                      func(o outcome) string { return orUnknown(o.entry.APIKey) },
	"api.service.name":                   service,
	"api.response.code":                  func(o outcome) string { return o.code },
	"api.response.message":               func(o outcome) string { return o.msg },
	"actor.app_uid":                      func(o outcome) string { return orUnknown(o.entry.AppID) },
	"unmapped.feishu.status_code":        func(o outcome) string { return onlyIf(o.entry.Raw == "", strconv.Itoa(o.entry.StatusCode)) },
	"unmapped.feishu.entry.malformed":    outcome.malformed,
	"unmapped.feishu.credential.app_id":  func(outcome) string { return simulator.DefaultAppID },
	"metadata.product.vendor_name":       func(outcome) string { return "feishu" },
	"dst_endpoint.ip":                    func(outcome) string { return "127.0.0.1" },
	"dst_endpoint.hostname":              func(outcome) string { return "" },
}

// ocsf keeps the bodies of records that arrive by OTLP.
type ocsf struct {
	*server
	mu     sync.Mutex
	came   []arrival
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
	return slices.Clone(o.came)
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
				o.came = append(o.came, arrival{uid: uid.Str()})
				o.events[uid.Str()] = record.Body().Map().AsRaw()
			}
		}
	}
}

// TestOCSF: the statements of examples/mapping turn each entry into an API Activity event, as in the tables of
// docs/record-model.md, with every attribute that the class requires.
func TestOCSF(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Millisecond)
	d := newOCSF(t)
	a, entries := newMappedLog(t, 55)
	e := newExample(t, a, d)
	c := e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	require.NotContains(t, c.out.String(), "failed to execute statement")
	count(t, entries, e.held(t), 0)
	m := mapping{column: columnOCSF, fields: ocsfFields, body: "raw_data", observed: "metadata.logged_time", documents: map[string]map[string]string{}}
	m.parse = func(text string) time.Time {
		ms, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		return time.UnixMilli(ms)
	}
	for uid, event := range d.events {
		for _, required := range []string{"actor", "api", "src_endpoint", "metadata", "activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time"} {
			require.NotEmpty(t, event[required], "%s of %s", required, uid)
		}
		m.documents[uid] = map[string]string{}
		flatten(m.documents[uid], "", event)
	}
	m.check(t, entries, began)
}
