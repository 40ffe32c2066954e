// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/record"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// quoted finds text in `code` type.
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
// and the value of those that are the same in each document. What follows a dash
// is a remark.
func mappedFields(t *testing.T, column int) (mapped []string, same map[string]string) {
	t.Helper()
	for _, cells := range tableRows(t, "record | entry |") {
		require.Len(t, cells, 6, "%q", cells)
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
		if column == columnCIM {
			return slices.Compact(mapped), same
		}
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
	columnCIM  = 5
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

// outcome is the result of a call according to its entry.
type outcome struct {
	entry  simulator.Entry
	code   string // of the response, "" if there is none
	msg    string
	status string // of HTTP, "" if there is none

	attributes map[string]any // of the record; TestResourceOfEveryAPI compares them with the entry
	query      string         // query_param as it is in the body
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
	page, err := entry.ParsePage([]byte(`{"code":0,"data":{"items":[` + e.JSON(false) + `]}}`))
	if err != nil {
		panic(err) // an entry of ours
	}
	builder := record.NewBuilder(record.Settings{Redact: true})
	logs, _ := builder.Build([]*entry.Entry{&page.Entries[0]}, time.Unix(0, 0))
	made := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	o.attributes = made.Attributes().AsRaw()
	var body struct {
		Detail struct {
			Query any `json:"query_param"`
		} `json:"log_detail"`
	}
	if json.Unmarshal([]byte(made.Body().Str()), &body) == nil {
		o.query, _ = body.Detail.Query.(string)
	}
	if e.StatusCode >= 100 && e.StatusCode <= 599 {
		o.status = strconv.Itoa(e.StatusCode)
	}
	return o
}

// failure returns the code of a failed call, "" if it did not fail.
func (o outcome) failure() string {
	switch {
	case o.code != "" && o.code != "0":
		return o.code
	case o.status != "" && o.entry.StatusCode >= 400:
		return o.status
	}
	return ""
}

// named returns the name for the outcome.
func (o outcome) named(success, failure, unknown string) string {
	switch {
	case o.failure() != "":
		return failure
	case o.code == "0", o.status != "":
		return success
	}
	return unknown
}

// attribute returns an attribute of the record as text, "" if it is missing.
func (o outcome) attribute(name string) string {
	if value, ok := o.attributes[name]; ok {
		return fmt.Sprint(value)
	}
	return ""
}

// attributeOf is a field with the value of an attribute.
func attributeOf(name string) func(outcome) string {
	return func(o outcome) string { return o.attribute(name) }
}

// queryString is query_param, unless it is empty.
func (o outcome) queryString() string { return onlyIf(o.query != "{}", o.query) }

// touchesPerson reports whether the call is about a person.
func (o outcome) touchesPerson() bool {
	kind := o.attribute("feishu.resource.type")
	return kind == "user" || kind == "employee"
}

// malformed is whether the entry has a field that cannot be read.
func (o outcome) malformed() string {
	if o.entry.Raw != "" {
		return "true"
	}
	return ""
}

// onlyIf returns the text if the condition holds, otherwise "".
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

// orUnknown is for fields that OCSF requires.
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

// mapping is what a test needs to know about one of the mappings.
type mapping struct {
	column         int
	fields         map[string]func(outcome) string
	body, observed string                       // the fields with the entry's text and the time when it was read
	parse          func(string) time.Time       // reads that time
	documents      map[string]map[string]string // flat, by the entry's id
}

// newMappedLog serves the log for the tests of a mapping: generated entries, and some in which fields are
// missing.
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
	odd = append(odd, callsOfEveryAPI(t, at)...)
	a.Add(odd...)
	entries = append(entries, odd...)
	a.known.sent, a.known.lost = len(entries), len(entries)
	return a, entries
}

// check compares the documents with the tables and the entries.
func (m *mapping) check(t *testing.T, entries []simulator.Entry, began time.Time) {
	t.Helper()
	documented, same := mappedFields(t, m.column)
	known := slices.Collect(maps.Keys(m.fields))
	if m.body != "" {
		known = append(known, m.body, m.observed)
	}
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
		if m.body == "" {
			require.Empty(t, doc, "further fields of %s", entry.ID)
			continue
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
