// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	audit "github.com/feishuaudit/feishuauditreceiver"
)

var updateSchema = flag.Bool("schema.update", false, "write config.schema.json")

// schema is the part of a JSON schema that is needed here.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"` // a name, or several
	Pattern     string             `json:"pattern,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Default     any                `json:"default,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Patterns    map[string]*schema `json:"patternProperties,omitempty"`
	More        any                `json:"additionalProperties,omitempty"` // false, or the schema of others
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

// variable matches a reference such as ${env:NAME}, which the collector replaces by a value of another type.
const variable = `\$\{.+\}`

var closed = false

// schemaOf is the schema of a value of a type in the configuration.
func schemaOf(t reflect.Type) *schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return &schema{Type: "string", Pattern: `^(0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+|.*\$\{.+\}.*)$`}
	case t == reflect.TypeFor[time.Time]():
		// YAML has a separate type for times without quotes; a schema sees text.
		return &schema{Type: "string", Pattern: `^([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].+|.*\$\{.+\}.*)$`}
	case t == reflect.TypeFor[audit.ByteSize]():
		return &schema{Type: []string{"integer", "string"}}
	case t == reflect.TypeFor[audit.BodyFormat]():
		return &schema{AnyOf: []*schema{{Enum: []any{audit.BodyOriginal, audit.BodyStructured}}, {Type: "string", Pattern: variable}}}
	case t == reflect.TypeFor[configopaque.MapList]():
		return &schema{AnyOf: []*schema{{Type: "object", More: &schema{Type: "string"}}, {Type: "array", Items: schemaOf(t.Elem())}}}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return &schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &schema{AnyOf: []*schema{{Type: "boolean"}, {Type: "string", Pattern: variable}}}
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return &schema{AnyOf: []*schema{{Type: "integer"}, {Type: "string", Pattern: variable}}}
	case reflect.Float64:
		return &schema{AnyOf: []*schema{{Type: "number"}, {Type: "string", Pattern: variable}}}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Slice:
		return &schema{AnyOf: []*schema{{Type: "array", Items: schemaOf(t.Elem())}, {Type: "string", Pattern: variable}}}
	case reflect.Map:
		return &schema{Type: "object", More: schemaOf(t.Elem())}
	case reflect.Struct:
		if strings.HasPrefix(t.Name(), "Optional[") { // of configoptional
			return schemaOf(t.Field(0).Type)
		}
		object := &schema{Type: "object", Properties: map[string]*schema{}, More: closed}
		properties(t, object.Properties)
		return object
	}
	return &schema{} // anything, such as the id of an authenticator's extension
}

// properties adds the keys of a struct.
func properties(t reflect.Type, out map[string]*schema) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			properties(field.Type, out)
		case name != "" && name != "-" && field.IsExported():
			out[name] = schemaOf(field.Type)
		}
	}
}

// describeFrom adds the meaning and the default of each key from the README's reference.
func describeFrom(t *testing.T, receiver *schema) {
	links := regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)
	keys := reference(t, "README.md")
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		said, at := keys[key], receiver
		for part := range strings.SplitSeq(key, "::") {
			require.Contains(t, at.Properties, part)
			at = at.Properties[part]
		}
		at.Description = links.ReplaceAllString(said.meaning, "$1")
		switch value := said.value; {
		case value == "":
		case strings.HasPrefix(value, "["): // a list; its values are durations
			at.Default = append([]string{}, strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune("[], ", r) })...)
		case at.AnyOf != nil && json.Valid([]byte(value)):
			at.Default = json.RawMessage(value)
		default:
			at.Default = value
		}
		if said.required == "yes" {
			receiver.Required = append(receiver.Required, key)
		}
	}
}

// TestConfigSchema: config.schema.json, which editors use to complete and check a collector's configuration, has
// every key of the configuration, with type, default and meaning. After a change: go test -run TestConfigSchema
// -schema.update .
func TestConfigSchema(t *testing.T) {
	receiver := schemaOf(reflect.TypeFor[audit.Config]())
	// A later release of the collector has other keys of the HTTP client.
	receiver.More = nil
	receiver.Properties["endpoint"].Pattern = `^(https?://.+|.*\$\{.+\}.*)$`
	describeFrom(t, receiver)
	text, err := json.MarshalIndent(&schema{
		Schema: "https://json-schema.org/draft/2020-12/schema",
		Title:  "A collector's configuration, as far as it is of receivers of type feishu_audit",
		Type:   "object",
		Properties: map[string]*schema{
			"receivers": {Type: "object", Patterns: map[string]*schema{"^feishu_audit(/.+)?$": {Ref: "#/$defs/feishu_audit"}}},
		},
		Defs: map[string]*schema{"feishu_audit": receiver},
	}, "", "  ")
	require.NoError(t, err)
	text = append(text, '\n')
	if *updateSchema {
		require.NoError(t, os.WriteFile("config.schema.json", text, 0o644))
	}
	committed, err := os.ReadFile("config.schema.json")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(text, committed), "config.schema.json is stale: go test -run TestConfigSchema -schema.update .")
}
