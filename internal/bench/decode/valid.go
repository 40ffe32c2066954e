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
	// Lax is set if the check accepts some text that is not JSON, or refuses some that is: then it does not show
	// what a correct check costs.
	Lax bool
}

// Checks are those of maintained libraries, and the receiver's own scanner.
func Checks() []Check {
	var parsed *simdjson.ParsedJson
	return []Check{
		{Name: "encoding-json", Valid: json.Valid},
		{Name: "jsontext-v2", Valid: func(b []byte) bool {
			return jsontext.Value(b).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		}},
		{Name: "sonic", Valid: sonic.Valid, Lax: true},
		{Name: "simdjson-go", Lax: true, Valid: func(b []byte) bool {
			if !simdjson.SupportedCPU() {
				return json.Valid(b)
			}
			p, err := simdjson.Parse(b, parsed, simdjson.WithCopyStrings(false))
			parsed = p
			return err == nil
		}},
		{Name: "gjson", Valid: gjson.ValidBytes},
		{Name: "fastjson", Valid: func(b []byte) bool { return fastjson.ValidateBytes(b) == nil }},
		{Name: "go-json", Valid: gojson.Valid},
		{Name: "segmentio", Valid: segmentio.Valid},
		{Name: "jsoniter", Valid: jsoniter.Valid, Lax: true},
		// It reads strings. The receiver already has one, the copy of the page, which the floor makes separately
		// from its check.
		{Name: "ours", Valid: func(b []byte) bool {
			s := ours.NewScanner(string(b))
			s.Value()
			s.End()
			return s.Err() == nil
		}},
	}
}
