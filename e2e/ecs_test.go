// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// ecsFields are the fields of an ECS document that depend on its entry. An empty text means that there is no
// such field. Fields that an entry alone does not determine are checked separately.
var ecsFields = map[string]func(outcome) string{
	"@timestamp":     func(o outcome) string { return time.Unix(o.entry.EventTime, 0).UTC().Format(time.RFC3339) },
	"event.id":       func(o outcome) string { return o.entry.ID },
	"event.action":   func(o outcome) string { return o.entry.APIKey },
	"message":        func(o outcome) string { return o.entry.APIKey },
	"event.category": func(o outcome) string { return listed(ecsCategory(o)) },
	"event.type":     func(o outcome) string { return listed(ecsType(o)) },
	"source.address": func(o outcome) string { return o.entry.IP },
	"source.ip":      func(o outcome) string { return onlyIf(isAddress(o.entry.IP), o.entry.IP) },
	"url.query":      outcome.queryString,
	"user.target.id": func(o outcome) string { return onlyIf(o.touchesPerson(), o.attribute("feishu.resource.id")) },
	"related.user": func(o outcome) string {
		return onlyIf(o.touchesPerson(), listed([]string{o.attribute("feishu.resource.id")}))
	},
	"feishu.resource.type":      attributeOf("feishu.resource.type"),
	"feishu.resource.id":        attributeOf("feishu.resource.id"),
	"feishu.resource.parent_id": attributeOf("feishu.resource.parent_id"),
	"feishu.redacted":           attributeOf("feishu.redacted"),
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

// listed is a list in the form of its document.
func listed(values []string) string {
	text, _ := json.Marshal(values) //nolint:errchkjson // strings
	return string(text)
}

func ecsCategory(o outcome) []string {
	categories := []string{"api"}
	if isIAM(o) {
		categories = append(categories, "iam")
	}
	if isAuthentication(o) {
		categories = append(categories, "authentication")
	}
	return categories
}

func ecsType(o outcome) []string {
	types := []string{map[string]string{"create": "creation", "read": "access", "change": "change", "delete": "deletion", "": "info"}[kindOfCall(o)]}
	if isAuthentication(o) {
		types = []string{"start"}
	}
	if isIAM(o) && o.touchesPerson() {
		types = append(types, "user")
	}
	switch o.failure() {
	case "403", "99991401", "99991672", "99991676", "99991679":
		types = append(types, "denied")
	}
	return types
}

// ecs is the destination of examples/mapping/ecs.yaml.
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

// TestECS: the statements of examples/mapping turn each entry into a document of the Elastic Common Schema, as
// in the tables of docs/record-model.md.
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
