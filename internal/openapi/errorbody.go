// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"encoding/json"
	"slices"
	"strings"
)

// errorBody is the description of a failure in an answer. Each part of it has been seen missing or in another
// form, so all of it is read leniently.
type errorBody struct {
	msg, message, logID string
	scopes              []string
	scopeURL            string
	details             []string
}

// maxErrorBody is the largest answer, in bytes, that is parsed for the description of a failure: parsing takes
// many times its size in memory.
const maxErrorBody = 64 << 10

// readErrorBody never fails: a part that cannot be read is absent.
func readErrorBody(body []byte) errorBody {
	if len(body) > maxErrorBody {
		return errorBody{msg: "a message too long to be read"}
	}
	var top struct {
		Msg   json.RawMessage `json:"msg"`
		LogID json.RawMessage `json:"log_id"`
		Error json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(body, &top)
	var inner struct {
		Message     json.RawMessage `json:"message"`
		LogID       json.RawMessage `json:"log_id"`
		LogIDDoc    json.RawMessage `json:"logid"` // spelling of the documentation
		Permissions json.RawMessage `json:"permission_violations"`
		Fields      json.RawMessage `json:"field_violations"`
		Details     json.RawMessage `json:"details"`
	}
	_ = json.Unmarshal(top.Error, &inner)

	out := errorBody{
		msg:     text(top.Msg),
		message: text(inner.Message),
		logID:   firstOf(text(inner.LogID), text(inner.LogIDDoc), text(top.LogID)),
	}
	// The API sends {type, subject}; its documentation has {scope, url}.
	for _, v := range objects(inner.Permissions) {
		if s := firstOf(text(v["subject"]), text(v["scope"])); s != "" && !slices.Contains(out.scopes, s) {
			out.scopes = append(out.scopes, s)
		}
		out.scopeURL = firstOf(out.scopeURL, text(v["url"]))
	}
	for _, v := range objects(inner.Fields) {
		out.details = append(out.details, strings.TrimSpace(text(v["field"])+" "+text(v["description"])))
	}
	for _, v := range objects(inner.Details) {
		out.details = append(out.details, strings.TrimSpace(text(v["key"])+" "+text(v["value"])))
	}
	return out
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

func objects(raw json.RawMessage) []map[string]json.RawMessage {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	var out []map[string]json.RawMessage
	for _, item := range list {
		var o map[string]json.RawMessage
		if json.Unmarshal(item, &o) == nil && o != nil {
			out = append(out, o)
		}
	}
	return out
}

func firstOf(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}
