// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"

	"github.com/bytedance/sonic"
	"github.com/go-json-experiment/json/jsontext"
	gojson "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	"github.com/minio/simdjson-go"
	segmentio "github.com/segmentio/encoding/json"
	"github.com/tidwall/gjson"
	"github.com/valyala/fastjson"

	ours "github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Check is a library's check that text is JSON.
type Check struct {
	Name  string
	Valid func([]byte) bool
}

// Checks are those of well-kept libraries, and the receiver's own scanner.
func Checks() []Check {
	var parsed *simdjson.ParsedJson
	return []Check{
		{"encoding-json", json.Valid},
		{"jsontext-v2", func(b []byte) bool { return jsontext.Value(b).IsValid() }},
		{"sonic", sonic.Valid},
		{"simdjson-go", func(b []byte) bool {
			if !simdjson.SupportedCPU() {
				return json.Valid(b)
			}
			p, err := simdjson.Parse(b, parsed, simdjson.WithCopyStrings(false))
			parsed = p
			return err == nil
		}},
		{"gjson", gjson.ValidBytes},
		{"fastjson", func(b []byte) bool { return fastjson.ValidateBytes(b) == nil }},
		{"go-json", gojson.Valid},
		{"segmentio", segmentio.Valid},
		{"jsoniter", jsoniter.Valid},
		{"ours", func(b []byte) bool {
			s := ours.NewScanner(string(b)) // a copy, as in the receiver
			s.Value()
			s.End()
			return s.Err() == nil
		}},
	}
}

// Fastest is the fastest check on most pages, see docs/performance.md.
func Fastest() Check { return Checks()[2] }
