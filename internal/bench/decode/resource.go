// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"encoding/json"
	"strings"
)

// resource is what a call touched.
type resource struct{ kind, id, parent string }

// resourceOf finds it as the receiver does, for the calls that pages have.
func resourceOf(apiKey, path, payload string) resource {
	_, template, _ := strings.Cut(apiKey, "/")
	parts, values := strings.Split(template, "/"), strings.Split(strings.TrimPrefix(path, "/"), "/")
	var r resource
	if len(parts) == len(values) {
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, ":"); ok {
				name, _ = strings.CutSuffix(name, "_id")
				name, _ = strings.CutSuffix(name, "_token")
				r = resource{kind: name, id: values[i], parent: r.id}
			}
		}
	}
	if r.id == "" && apiKey == "POST/open-apis/im/v1/messages" {
		var message struct {
			ReceiveID string `json:"receive_id"`
		}
		if json.Unmarshal([]byte(payload), &message) == nil && message.ReceiveID != "" {
			r = resource{kind: "user", id: message.ReceiveID}
			if strings.HasPrefix(r.id, "oc_") {
				r.kind = "chat"
			}
		}
	}
	return r
}
