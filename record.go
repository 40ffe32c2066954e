// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// eventName is static, as event names have to be. Which API was called is an
// attribute.
const eventName = "feishu.openapi.call"

// recordBuilder turns entries into log records. It is safe for concurrent use.
//
// No schema URL is set: most attributes are feishu.*, which no schema describes.
type recordBuilder struct {
	serviceName   string
	appID         string
	serverAddress string
	version       string
	structured    bool
	redactor      *redact.Redactor // nil if redaction is off
}

// recordSettings say what all records have in common.
type recordSettings struct {
	Endpoint   string // the base URL of the Open API
	AppID      string // of the app whose credential reads the log
	Version    string // of the build, and so of the scope
	Structured bool   // the body is a map
	Redact     bool
	RedactKeys []string // masked besides the built-in ones
}

// newRecordBuilder returns a builder of records.
func newRecordBuilder(set recordSettings) *recordBuilder {
	b := &recordBuilder{
		serviceName: "feishu",
		appID:       set.AppID,
		version:     set.Version,
		structured:  set.Structured,
	}
	if endpoint, err := url.Parse(set.Endpoint); err == nil {
		b.serverAddress = endpoint.Hostname()
	}
	if strings.HasSuffix("."+strings.ToLower(b.serverAddress), ".larksuite.com") {
		b.serviceName = "lark"
	}
	if set.Redact {
		b.redactor = redact.New(set.RedactKeys)
	}
	return b
}

// recordStats counts what was noticed while records were built.
type recordStats struct {
	malformed int // entries with a field that cannot be read
	redacted  int // values masked
}

// build makes one record of each item, in their order. The items are of one page.
func (b *recordBuilder) build(items []*item, observed time.Time) (plog.Logs, recordStats) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	resource := rl.Resource().Attributes()
	resource.PutStr("service.name", b.serviceName)
	resource.PutStr("feishu.credential.app_id", b.appID)
	resource.PutStr("server.address", b.serverAddress)
	scope := rl.ScopeLogs().AppendEmpty()
	scope.Scope().SetName(metadata.ScopeName)
	scope.Scope().SetVersion(b.version)
	records := scope.LogRecords()
	records.EnsureCapacity(len(items))

	w := recordWriter{recordBuilder: b, observed: pcommon.NewTimestampFromTime(observed), detach: sparse(items)}
	for _, it := range items {
		w.write(records.AppendEmpty(), it)
	}
	return logs, w.stats
}

// sparse tells whether the items are less than half of their page. Records share
// the text of the page, so a few late entries, found by a recheck, would keep all
// of it in memory for as long as an exporter queues them.
func sparse(items []*item) bool {
	size := 0
	for _, it := range items {
		size += len(it.text)
	}
	return len(items) > 0 && size < items[0].pageSize/2
}

// recordWriter is what the records of one page share.
type recordWriter struct {
	*recordBuilder
	observed pcommon.Timestamp
	detach   bool // records get texts of their own
	stats    recordStats
	scratch  []byte // response, without its escapes
	masked   item   // the entry in hand, read again after redaction
	known    knownKeys
}

// maxAttributes is how many attributes a record has, but for odd entries.
const maxAttributes = 12

// cutOff shortens text that is longer than maxAttribute, at the end of a character; the
// body has all of it.
func cutOff(text string) string {
	if len(text) <= maxAttribute {
		return text
	}
	end := maxAttribute
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

func (w *recordWriter) write(record plog.LogRecord, it *item) {
	text, malformed := w.prepare(it)

	// An entry's attributes come from its text after redaction, so that nothing
	// masked in the body stands in the clear beside it. Id, time and being
	// malformed are properties of the entry as it came: what was seen is
	// remembered by id, and a mask is no fault of the entry.
	from, uid := it, it.id
	if w.detach || text != it.text {
		w.masked = item{}
		w.masked.read(jsontext.NewScanner(text), &w.known)
		from = &w.masked
		if w.detach {
			uid = strings.Clone(uid)
		}
	}

	if second, ok := it.eventTime(); ok {
		record.SetTimestamp(pcommon.Timestamp(uint64(second) * uint64(time.Second)))
	}
	record.SetObservedTimestamp(w.observed)
	record.SetEventName(eventName)

	attrs := record.Attributes()
	attrs.EnsureCapacity(maxAttributes)
	attrs.PutStr("log.record.uid", uid)
	putText(attrs, "client.address", from.fields[fieldIP])
	putMethod(attrs, from.fields[fieldMethod])
	putText(attrs, "url.path", from.fields[fieldPath])
	apiKey := putText(attrs, "feishu.api_key", from.fields[fieldAPIKey])
	if slash := strings.IndexByte(apiKey, '/'); slash >= 0 {
		attrs.PutStr("url.template", apiKey[slash:])
	}
	putText(attrs, "feishu.app.id", from.fields[fieldAppID])

	record.SetSeverityNumber(plog.SeverityNumberInfo)
	if errorType := w.putResult(attrs, from); errorType != "" {
		attrs.PutStr("error.type", errorType)
		record.SetSeverityNumber(plog.SeverityNumberWarn)
	}
	if malformed {
		attrs.PutBool("feishu.entry.malformed", true)
		w.stats.malformed++
	}

	if w.structured {
		setStructuredBody(record.Body(), text)
	} else {
		record.Body().SetStr(text)
	}
}

// prepare returns the entry's text as it goes into the body, and whether the
// entry is malformed. Its bytes that are not UTF-8 are replaced, and that makes
// it malformed: they are the one thing that the body cannot keep.
func (w *recordWriter) prepare(it *item) (text string, malformed bool) {
	if text = it.text; !it.ascii {
		text = validUTF8(text)
	}
	malformed = text != it.text || it.malformed()
	if w.redactor != nil {
		var n int
		text, n = w.redactor.Redact(text)
		w.stats.redacted += n
	}
	if w.detach {
		text = strings.Clone(text)
	}
	return text, malformed
}

// putText puts the text of a field, unless it is empty, and returns what it put.
func putText(attrs pcommon.Map, name, field string) string {
	value, _ := parseText(field)
	value = cutOff(value)
	if value != "" {
		attrs.PutStr(name, value)
	}
	return value
}

// methods are those of the semantic conventions for HTTP.
var methods = [...]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"}

func putMethod(attrs pcommon.Map, field string) {
	method, _ := parseText(field)
	if method == "" {
		return
	}
	for _, known := range methods {
		if method == known || len(method) == len(known) && strings.EqualFold(method, known) {
			attrs.PutStr("http.request.method", known)
			return
		}
	}
	attrs.PutStr("http.request.method", "_OTHER")
	attrs.PutStr("http.request.method_original", cutOff(method))
}

// putResult puts how the call ended, and returns the error.type of a call that
// failed. The API's own code goes first: it says more than the HTTP status, and
// status_code is 0 in every official sample, although documented as HTTP status.
func (w *recordWriter) putResult(attrs pcommon.Map, it *item) (errorType string) {
	text, _ := parseText(it.fields[fieldStatusCode])
	if status, ok := parseInteger(text); ok {
		attrs.PutInt("feishu.status_code", status)
		if status >= 100 && status <= 599 {
			attrs.PutInt("http.response.status_code", status)
			if status >= 400 {
				errorType = strconv.FormatInt(status, 10)
			}
		}
	}
	var r response
	r, w.scratch = readResponse(it.fields[fieldResponse], w.scratch)
	if r.hasCode {
		attrs.PutInt("feishu.response.code", r.code)
		if r.code != 0 {
			errorType = strconv.FormatInt(r.code, 10)
		}
	}
	if r.msg != "" {
		attrs.PutStr("feishu.response.msg", r.msg)
	}
	return errorType
}

// response is what log_detail.response says about the call.
type response struct {
	code    int64
	hasCode bool
	msg     string
}

// Members of a response that are read.
const (
	responseCode = iota + 1
	responseMsg
)

func responseMember(name string) int {
	switch name {
	case "code":
		return responseCode
	case "msg":
		return responseMsg
	}
	return 0
}

// readResponse reads log_detail.response: a string that mostly holds JSON, or that
// JSON itself. Where it is broken, what stands before the break counts. It uses
// scratch, which it returns.
func readResponse(field string, scratch []byte) (response, []byte) {
	var r response
	if isEmpty(field) {
		return r, scratch
	}
	if r, ok := readPlainResponse(field); ok {
		return r, scratch
	}
	unescaped := field[0] == '"'
	if unescaped {
		scratch = jsontext.AppendUnquoted(scratch[:0], field)
		field = string(scratch)
	}
	s := jsontext.NewScanner(field)
	if s.Peek() != '{' {
		return r, scratch
	}
	var seen members
	for ok := s.Open('{'); ok; ok = s.More('}') {
		member, text := seen.next(s.Key(), responseMember), s.Value()
		if s.Err() != nil || s.Pos() == len(field) && isNumber(text) {
			break // a number at the end may have lost digits
		}
		switch member {
		case responseCode:
			text, _ = parseText(text)
			r.code, r.hasCode = parseInteger(text)
		case responseMsg:
			r.msg, _ = parseText(text)
		}
	}
	r.msg = cutOff(r.msg)
	if unescaped && len(field) > smallResponse {
		r.msg = strings.Clone(r.msg)
	}
	return r, scratch
}

// readPlainResponse reads a response of the usual form, a code and a msg without
// escapes of its own, as it stands in the string of log_detail.response. The msg is a
// part of field, and nothing is copied. It leaves every other response alone.
func readPlainResponse(field string) (r response, ok bool) {
	rest, ok := strings.CutPrefix(field, `"{\"code\":`)
	if !ok {
		return response{}, false
	}
	digits, rest, _ := strings.Cut(rest, ",")
	rest, ok = strings.CutPrefix(rest, `\"msg\":\"`)
	if !ok || digits == "" || len(digits) > 1 && digits[0] == '0' || len(digits) >= maxInt64Digits {
		return response{}, false // no number, none of JSON, or one that may not fit
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return response{}, false
		}
		r.code = r.code*10 + int64(c-'0')
	}
	// Without a backslash the msg is the same on either level.
	end := strings.IndexByte(rest, '\\')
	if end < 0 || rest[end:] != `\"}"` {
		return response{}, false
	}
	r.hasCode, r.msg = true, cutOff(validUTF8(rest[:end]))
	return r, true
}

// smallResponse is the size, in bytes, up to which a response without its escapes
// may stay in memory for the sake of its msg, which is a part of it.
const smallResponse = 512
