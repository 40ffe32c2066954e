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

// eventName is static; which API was called is an attribute.
const eventName = "feishu.openapi.call"

// recordBuilder turns entries into log records. docs/records.md is the reference.
type recordBuilder struct {
	serviceName   string
	credentialID  string
	serverAddress string
	version       string
	structured    bool
	redactor      *redact.Redactor // nil: redaction is off
}

func newRecordBuilder(cfg *Config, version string) *recordBuilder {
	b := &recordBuilder{
		serviceName:  "feishu",
		credentialID: cfg.AppID,
		version:      version,
		structured:   cfg.Body == BodyStructured,
	}
	if u, err := url.Parse(cfg.ClientConfig.Endpoint); err == nil {
		b.serverAddress = u.Hostname()
	}
	if host := strings.ToLower(b.serverAddress); host == "larksuite.com" || strings.HasSuffix(host, ".larksuite.com") {
		b.serviceName = "lark"
	}
	if cfg.Redaction.Enabled {
		b.redactor = redact.New(cfg.Redaction.Keys)
	}
	return b
}

// recordStats counts what was noticed on the way.
type recordStats struct {
	malformed int // entries with a field that could not be read
	redacted  int // values masked
}

// build makes the records of the given items, all observed at the same time.
func (b *recordBuilder) build(items []*item, observed time.Time) (plog.Logs, recordStats) {
	var stats recordStats
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	resource := rl.Resource().Attributes()
	resource.PutStr("service.name", b.serviceName)
	resource.PutStr("feishu.credential.app_id", b.credentialID)
	resource.PutStr("server.address", b.serverAddress)
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName(metadata.ScopeName)
	sl.Scope().SetVersion(b.version)

	records := sl.LogRecords()
	records.EnsureCapacity(len(items))
	at := pcommon.NewTimestampFromTime(observed)
	var scratch []byte
	for _, it := range items {
		record := records.AppendEmpty()
		record.SetObservedTimestamp(at)
		var malformed bool
		malformed, scratch = b.fill(record, it, &stats, scratch)
		if malformed {
			stats.malformed++
			record.Attributes().PutBool("feishu.entry.malformed", true)
		}
	}
	return logs, stats
}

// fill sets everything of one record. It tells whether a field of the entry could
// not be read; absent, null and empty ones could. All attributes are taken from
// the entry as it is after redaction, so that nothing masked in the body stands in
// the clear beside it.
func (b *recordBuilder) fill(record plog.LogRecord, it *item, stats *recordStats, scratch []byte) (malformed bool, _ []byte) {
	malformed = !it.object
	uid := it.uid()
	clean := it
	text := it.text
	if !utf8.ValidString(text) {
		// A string of OTLP must be UTF-8; a single wrong byte would make the
		// backend refuse the whole batch for good.
		text, malformed = strings.ToValidUTF8(text, "\uFFFD"), true
	}
	if b.redactor != nil {
		masked := 0
		text, masked = b.redactor.Redact(text)
		stats.redacted += masked
	}
	if text != it.text {
		clean = &item{}
		if err := clean.parse(&jsontext.Scanner{Text: text}); err != nil {
			// Cannot happen: masking keeps JSON valid. If it did, the body has all.
			clean, malformed = &item{text: text}, true
		}
	}

	record.SetEventName(eventName)
	record.SetSeverityNumber(plog.SeverityNumberInfo)
	if second, ok := clean.eventTime(); ok {
		record.SetTimestamp(pcommon.Timestamp(uint64(second) * uint64(time.Second)))
	} else if present(clean.fields[fieldEventTime]) {
		malformed = true
	}

	attrs := record.Attributes()
	attrs.EnsureCapacity(14)
	attrs.PutStr("log.record.uid", uid)
	put := func(name string, field int) string {
		value, ok := scalarText(clean.fields[field])
		malformed = malformed || !ok
		if value != "" && name != "" {
			attrs.PutStr(name, value)
		}
		return value
	}
	_, idReadable := scalarText(clean.fields[fieldID])
	malformed = malformed || !idReadable || (present(clean.fields[fieldDetail]) && clean.fields[fieldDetail][0] != '{')
	put("client.address", fieldIP)
	if method := put("", fieldMethod); method != "" {
		if upper := strings.ToUpper(method); knownMethod(upper) {
			attrs.PutStr("http.request.method", upper)
		} else {
			attrs.PutStr("http.request.method", "_OTHER")
			attrs.PutStr("http.request.method_original", method)
		}
	}
	put("url.path", fieldPath)
	apiKey := put("feishu.api_key", fieldAPIKey)
	if slash := strings.IndexByte(apiKey, '/'); slash >= 0 {
		attrs.PutStr("url.template", apiKey[slash:])
	}
	put("feishu.app.id", fieldAppID)

	errorType := ""
	if status, ok := integer(clean.fields[fieldStatusCode]); ok {
		attrs.PutInt("feishu.status_code", status)
		// Documented as the HTTP status, but 0 in every sample.
		if status >= 100 && status <= 599 {
			attrs.PutInt("http.response.status_code", status)
			if status >= 400 {
				errorType = strconv.FormatInt(status, 10)
			}
		}
	} else if present(clean.fields[fieldStatusCode]) {
		malformed = true
	}
	var response response
	response, scratch = readResponse(clean.fields[fieldResponse], scratch)
	malformed = malformed || !response.readable
	if response.hasCode {
		attrs.PutInt("feishu.response.code", response.code)
		if response.code != 0 {
			errorType = strconv.FormatInt(response.code, 10)
		}
	}
	if response.msg != "" {
		attrs.PutStr("feishu.response.msg", response.msg)
	}
	if errorType != "" {
		attrs.PutStr("error.type", errorType)
		record.SetSeverityNumber(plog.SeverityNumberWarn)
	}

	if b.structured {
		putValue(record.Body(), text, 0)
	} else {
		record.Body().SetStr(text)
	}
	return malformed, scratch
}

// present tells whether a field holds anything: not absent, null or empty.
func present(text string) bool {
	return text != "" && text != "null" && text != `""`
}

// knownMethod lists the methods of the semantic conventions.
func knownMethod(method string) bool {
	switch method {
	case "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE":
		return true
	}
	return false
}

// response is what log_detail.response says.
type response struct {
	code     int64
	hasCode  bool
	msg      string
	readable bool // false: it is neither a string nor an object
}

// readResponse reads code and msg. The API gives the response as a string that
// mostly holds JSON. Its samples hold broken JSON as well: what stands before the
// break is read, and that is no fault of the entry.
func readResponse(text string, scratch []byte) (response, []byte) {
	r := response{readable: true}
	if !present(text) {
		return r, scratch
	}
	switch text[0] {
	case '"':
		scratch = jsontext.AppendUnquoted(scratch[:0], text)
		text = string(scratch)
	case '{':
	default:
		r.readable = false
		return r, scratch
	}
	s := &jsontext.Scanner{Text: text}
	if s.Peek() != '{' {
		return r, scratch
	}
	_ = s.Members(func(key string) error {
		value, err := s.Value()
		if err != nil {
			return err
		}
		switch key {
		case "code":
			r.code, r.hasCode = integer(value)
		case "msg":
			r.msg, _ = scalarText(value)
		}
		return nil
	})
	return r, scratch
}

// maxBodyDepth bounds the nesting of a structured body; what lies deeper stays
// JSON text.
const maxBodyDepth = 64

// putValue sets a value from its JSON text, which is valid.
func putValue(dst pcommon.Value, text string, depth int) {
	s := &jsontext.Scanner{Text: text}
	switch c := s.Peek(); {
	case (c == '{' || c == '[') && depth >= maxBodyDepth:
		dst.SetStr(text)
	case c == '{':
		m := dst.SetEmptyMap()
		_ = s.Members(func(key string) error {
			value, err := s.Value()
			if err == nil {
				putValue(m.PutEmpty(key), value, depth+1)
			}
			return err
		})
	case c == '[':
		list := dst.SetEmptySlice()
		_ = s.Elements(func() error {
			value, err := s.Value()
			if err == nil {
				putValue(list.AppendEmpty(), value, depth+1)
			}
			return err
		})
	case c == '"':
		dst.SetStr(jsontext.Unquote(text))
	case c == 't' || c == 'f':
		dst.SetBool(c == 't')
	case c == 'n':
		if depth == 0 {
			dst.SetStr(text) // a body is never empty
		}
	default:
		putNumber(dst, text)
	}
}

// putNumber keeps whole numbers exact: those beyond int64 stay text.
func putNumber(dst pcommon.Value, text string) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		dst.SetInt(n)
		return
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
		dst.SetDouble(f)
		return
	}
	dst.SetStr(text)
}
