// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// cimFields are the fields of Splunk's Common Information Model that depend on an entry.
var cimFields = map[string]func(outcome) string{
	"action":      cimAction,
	"app":         func(outcome) string { return "feishu" },
	"app_id":      func(o outcome) string { return o.entry.AppID },
	"change_type": func(o outcome) string { return map[bool]string{true: "AAA", false: "Open API"}[isIAM(o)] },
	"command":     func(o outcome) string { return o.entry.APIKey },
	"dest":        func(outcome) string { return "127.0.0.1" },
	"dvc":         func(outcome) string { return simulator.DefaultAppID },

	"http_method": func(o outcome) string { return o.entry.Method },

	"object":           attributeOf("feishu.resource.id"),
	"object_category":  attributeOf("feishu.resource.type"),
	"object_id":        attributeOf("feishu.resource.id"),
	"parent_object_id": attributeOf("feishu.resource.parent_id"),
	"reason":           func(o outcome) string { return onlyIf(o.failure() != "", o.msg) },
	"result":           func(o outcome) string { return o.msg },
	"result_id":        func(o outcome) string { return o.code },
	"signature":        func(o outcome) string { return onlyIf(isAuthentication(o), o.entry.APIKey) },
	"src":              func(o outcome) string { return o.entry.IP },
	"src_ip":           func(o outcome) string { return o.entry.IP },
	"src_user":         func(o outcome) string { return o.entry.AppID },
	"status":           func(o outcome) string { return o.named("success", "failure", "") },
	"uri_path":         attributeOf("url.path"),
	"user": func(o outcome) string {
		if isIAM(o) && o.touchesPerson() {
			return o.attribute("feishu.resource.id")
		}
		return o.entry.AppID
	},
	"vendor_product": func(outcome) string { return "Feishu Open Platform" },
}

func cimAction(o outcome) string {
	if isAuthentication(o) {
		return o.named("success", "failure", "success")
	}
	switch {
	case rightsRE.MatchString(o.entry.APIKey):
		return "acl_modified"
	case downloadsRE.MatchString(o.entry.APIKey):
		return "downloaded"
	}
	return map[string]string{"create": "created", "read": "read", "change": "modified", "delete": "deleted"}[kindOf(o.entry.APIKey)]
}

// cimTags are the tags that an event gets.
func cimTags(o outcome) []string {
	kind := kindOf(o.entry.APIKey)
	var tags []string
	switch {
	case isAuthentication(o):
		return []string{"authentication"}
	case rightsRE.MatchString(o.entry.APIKey):
		return []string{"change"}
	case kind == "read", downloadsRE.MatchString(o.entry.APIKey):
		tags = []string{"access", "data"}
	case kind != "":
		tags = []string{"change"}
		if isIAM(o) {
			tags = []string{"account", "change"}
		}
	}
	return tags
}

// TestCIM: the expressions of the Splunk app produce the fields of the Common Information Model for each event,
// as in the tables of docs/record-model.md, and its tags put each event into the right data models.
func TestCIM(t *testing.T) {
	t.Parallel()
	s := newSplunk(t)
	a, entries := newMappedLog(t, 56)
	e := newExample(t, a, s)
	c := e.start(t)
	e.arrives(t, len(entries))
	c.term(t)
	count(t, entries, s.held(t), 0)

	props := stanzas(t, splunkApp+"/default/props.conf")["feishu:openapi"]
	types := stanzas(t, splunkApp+"/default/eventtypes.conf")
	tagsOf := stanzas(t, splunkApp+"/default/tags.conf")
	m := mapping{column: columnCIM, fields: cimFields, documents: map[string]map[string]string{}}
	tags := map[string][]string{}
	for _, event := range s.events {
		uid := event.attributes["log.record.uid"]
		fields := map[string]string{}
		for setting, expression := range props {
			if name, ok := strings.CutPrefix(setting, "EVAL-"); ok {
				value, err := evalExpression(expression, event.attributes)
				require.NoError(t, err)
				if value != nil {
					fields[name] = value.(string)
				}
			}
		}
		m.documents[uid] = fields
		all := maps.Clone(event.attributes)
		maps.Copy(all, fields)
		all["sourcetype"] = event.attributes["com.splunk.sourcetype"]
		tagged := map[string]bool{}
		for name, settings := range types {
			if searchMatches(settings["search"], all) {
				for tag := range tagsOf["eventtype="+name] {
					tagged[tag] = true
				}
			}
		}
		tags[uid] = slices.Sorted(maps.Keys(tagged))
	}
	m.check(t, entries, time.Time{})
	for _, entry := range entries {
		require.ElementsMatch(t, cimTags(outcomeOf(entry)), tags[entry.ID], "tags of %s", entry.APIKey)
	}
}
