// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package decode has other ways from the bytes of a page to the receiver's records, to compare its own way with.
// None of them handles odd entries, and attributes are not taken from the text after redaction.
package decode

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// fields are those of an entry that become attributes, and the record's body.
type fields struct {
	id, apiKey, appID, ip, path, method string
	resource                            resource
	eventTime, statusCode               int64
	response                            response
	body                                string
	masked                              int // values in the body
}

// response is the result of the call according to log_detail.response.
type response struct {
	Code *int64 `json:"code"`
	Msg  string `json:"msg"`
}

func parseResponse(text string) response {
	var r response
	_ = json.Unmarshal([]byte(text), &r) // text that is not JSON has no result
	return r
}

// newLogs makes the record of each entry.
func newLogs(entries []fields, observed time.Time) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	resource := rl.Resource().Attributes()
	resource.PutStr("service.name", "feishu")
	resource.PutStr("feishu.credential.app_id", "cli_reader")
	resource.PutStr("server.address", "127.0.0.1")
	scope := rl.ScopeLogs().AppendEmpty()
	scope.Scope().SetName("github.com/feishuaudit/feishuauditreceiver")
	records := scope.LogRecords()
	records.EnsureCapacity(len(entries))
	at := pcommon.NewTimestampFromTime(observed)
	for i := range entries {
		put(records.AppendEmpty(), &entries[i], at)
	}
	return logs
}

func put(record plog.LogRecord, f *fields, observed pcommon.Timestamp) {
	record.SetTimestamp(pcommon.Timestamp(uint64(f.eventTime) * uint64(time.Second)))
	record.SetObservedTimestamp(observed)
	record.SetEventName("feishu.openapi.call")
	attrs := record.Attributes()
	attrs.EnsureCapacity(15)
	attrs.PutStr("log.record.uid", f.id)
	attrs.PutStr("client.address", f.ip)
	attrs.PutStr("http.request.method", f.method)
	attrs.PutStr("url.path", f.path)
	attrs.PutStr("feishu.api_key", f.apiKey)
	if slash := strings.IndexByte(f.apiKey, '/'); slash >= 0 {
		attrs.PutStr("url.template", f.apiKey[slash:])
	}
	attrs.PutStr("feishu.app.id", f.appID)
	if f.resource.id != "" {
		attrs.PutStr("feishu.resource.type", f.resource.kind)
		attrs.PutStr("feishu.resource.id", f.resource.id)
	}
	if f.resource.parent != "" {
		attrs.PutStr("feishu.resource.parent_id", f.resource.parent)
	}
	attrs.PutInt("feishu.status_code", f.statusCode)
	errorType := ""
	if f.statusCode >= 100 && f.statusCode <= 599 {
		attrs.PutInt("http.response.status_code", f.statusCode)
		if f.statusCode >= 400 {
			errorType = strconv.FormatInt(f.statusCode, 10)
		}
	}
	if code := f.response.Code; code != nil {
		attrs.PutInt("feishu.response.code", *code)
		if *code != 0 {
			errorType = strconv.FormatInt(*code, 10)
		}
	}
	if f.response.Msg != "" {
		attrs.PutStr("feishu.response.msg", f.response.Msg)
	}
	if f.masked > 0 {
		attrs.PutInt("feishu.redacted", int64(f.masked))
	}
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	if errorType != "" {
		attrs.PutStr("error.type", errorType)
		record.SetSeverityNumber(plog.SeverityNumberWarn)
	}
	record.Body().SetStr(f.body)
}
