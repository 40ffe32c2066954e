// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// quoted finds what stands in `code` type.
var quoted = regexp.MustCompile("`([^`]+)`")

// tableRows are the cells of a table in docs/record-model.md, by row, whose heading
// begins with these cells.
func tableRows(t *testing.T, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/record-model.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "\n| "+heading)
	require.True(t, found, "table %s", heading)
	var rows [][]string
	for _, line := range strings.Split(after, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	require.NotEmpty(t, rows)
	return rows
}

// mappedFields are the fields in a column of the tables: those that an entry decides,
// and the value of those that are the same in each document. What stands behind a dash
// is a remark.
func mappedFields(t *testing.T, column int) (mapped []string, same map[string]string) {
	t.Helper()
	for _, cells := range tableRows(t, "record | entry |") {
		require.Len(t, cells, 5, "%q", cells)
		if strings.HasPrefix(cells[column], "-") {
			continue
		}
		for _, field := range quoted.FindAllStringSubmatch(cells[column], -1) {
			mapped = append(mapped, field[1])
		}
	}
	slices.Sort(mapped)
	same = map[string]string{}
	for _, cells := range tableRows(t, "ECS | value |") {
		require.Len(t, cells, 4, "%q", cells)
		if field := quoted.FindStringSubmatch(cells[2*(column-columnECS)]); field != nil {
			same[field[1]] = cells[2*(column-columnECS)+1]
		}
	}
	require.NotEmpty(t, same)
	return slices.Compact(mapped), same
}

// Columns of the table of fields.
const (
	columnECS  = 3
	columnOCSF = 4
)

// recordAttributes are the attributes that a record or its resource may have, as the
// table says.
func recordAttributes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, cells := range tableRows(t, "record | entry |") {
		if name := regexp.MustCompile("^(?:Resource )?`([^`]+)`$").FindStringSubmatch(cells[0]); name != nil {
			names = append(names, name[1])
		}
	}
	slices.Sort(names)
	return names
}

// outcome is what an entry says about the call's end.
type outcome struct {
	entry  simulator.Entry
	code   string // of the response, "" if there is none
	msg    string
	status string // of HTTP, "" if there is none
}

func outcomeOf(e simulator.Entry) outcome {
	o := outcome{entry: e}
	var response struct {
		Code json.Number `json:"code"`
		Msg  string      `json:"msg"`
	}
	if json.Unmarshal([]byte(e.Response), &response) == nil {
		o.code, o.msg = response.Code.String(), response.Msg
	}
	if e.StatusCode >= 100 && e.StatusCode <= 599 {
		o.status = strconv.Itoa(e.StatusCode)
	}
	return o
}

// failure is the code of a failed call, "" if it did not fail.
func (o outcome) failure() string {
	switch {
	case o.code != "" && o.code != "0":
		return o.code
	case o.status != "" && o.entry.StatusCode >= 400:
		return o.status
	}
	return ""
}

// named chooses a name for the outcome.
func (o outcome) named(success, failure, unknown string) string {
	switch {
	case o.failure() != "":
		return failure
	case o.code == "0", o.status != "":
		return success
	}
	return unknown
}

// malformed is whether the entry has a field that cannot be read.
func (o outcome) malformed() string {
	if o.entry.Raw != "" {
		return "true"
	}
	return ""
}

// onlyIf is the text if the condition holds, else nothing.
func onlyIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// orUnknown is for what OCSF requires.
func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// service is the part of the Open API that was called.
func service(o outcome) string {
	if part := regexp.MustCompile(`/open-apis/([^/]+)`).FindStringSubmatch(o.entry.APIKey); part != nil {
		return part[1]
	}
	return ""
}

// ecsFields are the fields of an ECS document that its entry decides. An empty text
// means that there is no such field. What an entry alone cannot tell is checked apart.
var ecsFields = map[string]func(outcome) string{
	"@timestamp":                func(o outcome) string { return time.Unix(o.entry.EventTime, 0).UTC().Format(time.RFC3339) },
	"event.id":                  func(o outcome) string { return o.entry.ID },
	"event.action":              func(o outcome) string { return o.entry.APIKey },
	"message":                   func(o outcome) string { return o.entry.APIKey },
	"event.outcome":             func(o outcome) string { return o.named("success", "failure", "unknown") },
	"client.address":            func(o outcome) string { return o.entry.IP },
	"client.ip":                 func(o outcome) string { return onlyIf(isAddress(o.entry.IP), o.entry.IP) },
	"related.ip":                func(o outcome) string { return onlyIf(isAddress(o.entry.IP), `["`+o.entry.IP+`"]`) },
	"http.request.method":       func(o outcome) string { return o.entry.Method },
	"url.path":                  func(o outcome) string { return o.entry.Path },
	"feishu.app.id":             func(o outcome) string { return o.entry.AppID },
	"feishu.status_code":        func(o outcome) string { return onlyIf(o.entry.Raw == "", strconv.Itoa(o.entry.StatusCode)) },
	"http.response.status_code": func(o outcome) string { return o.status },
	"feishu.response.code":      func(o outcome) string { return o.code },
	"error.code":                outcome.failure,
	"error.message":             func(o outcome) string { return onlyIf(o.failure() != "", o.msg) },
	"feishu.entry.malformed":    outcome.malformed,
	"observer.vendor":           func(outcome) string { return "feishu" },
	"feishu.credential.app_id":  func(outcome) string { return simulator.DefaultAppID },
	"server.address":            func(outcome) string { return "127.0.0.1" },
	"server.ip":                 func(outcome) string { return "127.0.0.1" },
	"server.domain":             func(outcome) string { return "" },
}

// activities are OCSF's activity_id by method: a POST may be a search.
var activities = map[string]int{"GET": 2, "PUT": 3, "PATCH": 3, "DELETE": 4}

func activity(o outcome) int {
	if id, known := activities[o.entry.Method]; known {
		return id
	}
	return 99
}

// ocsfFields are the fields of an OCSF event that its entry decides.
var ocsfFields = map[string]func(outcome) string{
	"time":                              func(o outcome) string { return strconv.FormatInt(o.entry.EventTime*1000, 10) },
	"metadata.uid":                      func(o outcome) string { return o.entry.ID },
	"activity_id":                       func(o outcome) string { return strconv.Itoa(activity(o)) },
	"activity_name":                     func(o outcome) string { return onlyIf(activity(o) == 99, o.entry.Method) },
	"type_uid":                          func(o outcome) string { return strconv.Itoa(600300 + activity(o)) },
	"status_id":                         func(o outcome) string { return o.named("1", "2", "0") },
	"status_code":                       outcome.failure,
	"status_detail":                     func(o outcome) string { return o.msg },
	"src_endpoint.ip":                   func(o outcome) string { return onlyIf(isAddress(o.entry.IP), o.entry.IP) },
	"src_endpoint.name":                 func(o outcome) string { return onlyIf(!isAddress(o.entry.IP), orUnknown(o.entry.IP)) },
	"http_request.http_method":          func(o outcome) string { return o.entry.Method },
	"http_request.url.path":             func(o outcome) string { return o.entry.Path },
	"http_response.code":                func(o outcome) string { return o.status },
	"api.operation":                     func(o outcome) string { return orUnknown(o.entry.APIKey) },
	"api.service.name":                  service,
	"api.response.code":                 func(o outcome) string { return o.code },
	"api.response.message":              func(o outcome) string { return o.msg },
	"actor.app_uid":                     func(o outcome) string { return orUnknown(o.entry.AppID) },
	"unmapped.feishu.status_code":       func(o outcome) string { return onlyIf(o.entry.Raw == "", strconv.Itoa(o.entry.StatusCode)) },
	"unmapped.feishu.entry.malformed":   outcome.malformed,
	"unmapped.feishu.credential.app_id": func(outcome) string { return simulator.DefaultAppID },
	"metadata.product.vendor_name":      func(outcome) string { return "feishu" },
	"dst_endpoint.ip":                   func(outcome) string { return "127.0.0.1" },
	"dst_endpoint.hostname":             func(outcome) string { return "" },
}

// mapping is what a test knows of one of the mappings.
type mapping struct {
	column         int
	fields         map[string]func(outcome) string
	body, observed string                       // the fields that hold the entry's text and the time when it was read
	parse          func(string) time.Time       // reads that time
	documents      map[string]map[string]string // flat, by the entry's id
}

// newMappedLog serves the log that a mapping is tested with: generated entries, and some
// that lack what the others have.
func newMappedLog(t *testing.T, seed uint64) (*api, []simulator.Entry) {
	a, entries := newBacklog(t, seed, 400)
	at := entries[0].EventTime
	odd := []simulator.Entry{
		{ID: "no-outcome", APIKey: "HEAD/open-apis/im/v1/chats", EventTime: at, AppID: "cli_a", IP: "192.0.2.1", Path: "/open-apis/im/v1/chats", Method: "HEAD"},
		{ID: "status-alone", APIKey: "GET/open-apis/im/v1/chats", EventTime: at, AppID: "cli_a", IP: "2001:db8::1", Path: "/open-apis/im/v1/chats", Method: "GET", StatusCode: 204},
		{ID: "failed-alone", APIKey: "PUT/open-apis/im/v1/chats", EventTime: at, AppID: "cli_a", IP: "192.0.2.1:443", Path: "/open-apis/im/v1/chats", Method: "PUT", StatusCode: 503},
		{ID: "no-address", APIKey: "PATCH/open-apis/contact/v3/users/:user_id", EventTime: at, AppID: "cli_a", Method: "PATCH", Response: `{"code":0}`},
		{ID: "a-name", EventTime: at, IP: "256.0.2.1", Method: "POST", StatusCode: 1000, Response: `{"code":0,"msg":"ok"}`},
		{
			ID: "malformed", EventTime: at, Method: "DELETE",
			Raw: `{"id":"malformed","event_time":` + strconv.FormatInt(at, 10) + `,"app_id":["a"],"log_detail":{"method":"DELETE","status_code":"many"}}`,
		},
	}
	a.Add(odd...)
	entries = append(entries, odd...)
	a.known.sent, a.known.lost = len(entries), len(entries)
	return a, entries
}

// check holds the documents against the tables and the entries.
func (m *mapping) check(t *testing.T, entries []simulator.Entry, began time.Time) {
	t.Helper()
	documented, same := mappedFields(t, m.column)
	known := append(slices.Collect(maps.Keys(m.fields)), m.body, m.observed)
	slices.Sort(known)
	require.Equal(t, known, documented, "the fields of docs/record-model.md, and those that this test knows")
	seen := map[string]bool{}
	outcomes := map[string]bool{}
	for _, entry := range entries {
		o := outcomeOf(entry)
		outcomes[o.named("success", "failure", "unknown")] = true
		doc := maps.Clone(m.documents[entry.ID])
		require.NotNil(t, doc, "document of %s", entry.ID)
		for name, want := range same {
			require.Equal(t, want, doc[name], "%s of %s", name, entry.ID)
			delete(doc, name)
		}
		for name, of := range m.fields {
			value, has := doc[name]
			require.Equal(t, of(o), value, "%s of %s", name, entry.ID)
			require.Equal(t, of(o) != "", has, "whether %s has %s", entry.ID, name)
			seen[name] = seen[name] || has
			delete(doc, name)
		}
		observed := m.parse(doc[m.observed])
		require.False(t, observed.Before(began) || observed.After(time.Now()), "%s of %s: %s", m.observed, entry.ID, observed)
		if body := doc[m.body]; !strings.Contains(body, "[REDACTED]") {
			require.Equal(t, entry.JSON(false), body, "%s of %s", m.body, entry.ID)
		} else {
			require.Contains(t, body, `"id":"`+entry.ID+`"`)
		}
		delete(doc, m.observed)
		delete(doc, m.body)
		require.Empty(t, doc, "further fields of %s", entry.ID)
	}
	require.Len(t, outcomes, 3, "success, failure, unknown")
	for name := range m.fields {
		if name != "server.domain" && name != "dst_endpoint.hostname" { // the simulated API has no name
			require.True(t, seen[name], "no document has %s", name)
		}
	}
}

// ecs is the path through examples/mapping/ecs.yaml.
type ecs struct{ *bulk }

func (ecs) config() []string { return []string{"mapping/ecs.yaml"} }

func (e ecs) held(*testing.T) []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	held := make([]arrival, 0, len(e.docs))
	for key := range e.docs {
		held = append(held, arrival{uid: key.id})
	}
	return held
}

// TestECS: the statements of examples/mapping make each entry a document of the Elastic
// Common Schema, as the tables in docs/record-model.md say.
func TestECS(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Second)
	d := ecs{newBulk(t)}
	a, entries := newMappedLog(t, 54)
	e := newExample(t, a, d)
	c := e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	require.NotContains(t, c.out.String(), "failed to execute statement")
	count(t, entries, e.held(t), 0)
	m := mapping{column: columnECS, fields: ecsFields, body: "event.original", observed: "event.created", documents: map[string]map[string]string{}}
	m.parse = func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
	for key, doc := range d.docs {
		require.Equal(t, "logs-feishu.openapi-default", key.index)
		m.documents[key.id] = map[string]string{}
		flatten(m.documents[key.id], "", doc)
	}
	m.check(t, entries, began)
}

// ocsf keeps the bodies of records that come by OTLP.
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

// TestOCSF: the statements of examples/mapping make each entry an API Activity event, as
// the tables in docs/record-model.md say, with every attribute that the class requires.
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
