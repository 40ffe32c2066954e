// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package record turns each entry into a log record: attributes by the semantic conventions, and the entry's own
// text as the body, redacted but otherwise byte for byte (docs/record-model.md).
package record

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
	"github.com/feishuaudit/feishuauditreceiver/internal/metadata"
	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// eventName is constant, as event names must be. The API that was called is an attribute.
const eventName = "feishu.openapi.call"

// Builder turns entries into log records. It is safe for concurrent use.
//
// No schema URL is set: most attributes are feishu.*, which are in no schema.
type Builder struct {
	serviceName   string
	appID         string
	serverAddress string
	version       string
	structured    bool
	redactor      redactor // nil if redaction is off
}

// redactor masks credentials: a redact.Redactor.
type redactor interface {
	RedactEntry(text, apiKey string) (string, int)
	MasksKey(apiKey, key string) bool
}

// Settings are what all records have in common.
type Settings struct {
	Endpoint   string // the base URL of the Open API
	AppID      string // of the app whose credential reads the log
	Version    string // of the build, used as the version of the scope
	Structured bool   // the body is a map
	Redact     bool
	RedactKeys []string // masked in addition to the built-in ones
	// RedactResourceTokens also masks tokens that name a resource.
	RedactResourceTokens bool
}

// NewBuilder returns a builder of records.
func NewBuilder(set Settings) *Builder {
	b := &Builder{
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
		b.redactor = redact.New(set.RedactKeys, redact.ResourceTokens(set.RedactResourceTokens))
	}
	return b
}

// Stats counts findings from building records.
type Stats struct {
	Malformed int // entries with a field that cannot be read
	Redacted  int // values masked
	// Withheld are the uids of entries whose content is masked as a whole, because redaction has panicked.
	Withheld []string
}

// Build makes one record of each item, in their order. The items are of one page.
func (b *Builder) Build(items []*entry.Entry, observed time.Time) (plog.Logs, Stats) {
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

	w := recordWriter{Builder: b, observed: pcommon.NewTimestampFromTime(observed), detach: sparse(items)}
	for _, it := range items {
		w.write(records.AppendEmpty(), it)
	}
	return logs, w.stats
}

// sparse reports whether the items are less than half of their page. Records share the text of the page, so a
// few late entries, found by a recheck, would keep all of it in memory while an exporter queues them.
func sparse(items []*entry.Entry) bool {
	size := 0
	for _, it := range items {
		size += len(it.Text)
	}
	return len(items) > 0 && size < items[0].PageBytes/2
}

// recordWriter has what the records of one page share.
type recordWriter struct {
	*Builder
	observed pcommon.Timestamp
	detach   bool // records get their own copies of texts
	stats    Stats
	scratch  []byte      // response, without its escapes
	masked   entry.Entry // the current entry, read again after redaction
	known    entry.KnownKeys
}

// maxAttributes is how many attributes a record has, except for unusual entries.
const maxAttributes = 16

// cutOff shortens text that is longer than MaxAttribute, at the end of a character; the
// body has all of it.
func cutOff(text string) string { return cutAt(text, entry.MaxAttribute) }

// cutAt shortens text to at most so many bytes, at the end of a character.
func cutAt(text string, end int) string {
	if len(text) <= end {
		return text
	}
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

func (w *recordWriter) write(record plog.LogRecord, it *entry.Entry) {
	text, malformed, masked := w.prepare(it)

	// An entry's attributes come from its text after redaction, so that a value masked in the body is not in an
	// attribute. Id, time and malformed describe the original entry: what was seen is remembered by id, and
	// masking is not a fault of the entry.
	from, uid := it, it.ID
	if w.detach || text != it.Text {
		w.masked = entry.Entry{}
		w.masked.Read(jsontext.NewScanner(text), &w.known)
		from = &w.masked
		if w.detach {
			uid = strings.Clone(uid)
		}
	}

	if second, ok := it.EventTime(); ok {
		record.SetTimestamp(pcommon.Timestamp(uint64(second) * uint64(time.Second)))
	}
	record.SetObservedTimestamp(w.observed)
	record.SetEventName(eventName)

	attrs := record.Attributes()
	attrs.EnsureCapacity(maxAttributes)
	attrs.PutStr("log.record.uid", uid)
	putText(attrs, "client.address", from.Fields[entry.FieldIP])
	putMethod(attrs, from.Fields[entry.FieldMethod])
	path := putText(attrs, "url.path", from.Fields[entry.FieldPath])
	apiKey := putText(attrs, "feishu.api_key", from.Fields[entry.FieldAPIKey])
	if slash := strings.IndexByte(apiKey, '/'); slash >= 0 {
		attrs.PutStr("url.template", cutOff(apiKey[slash:]))
	}
	putText(attrs, "feishu.app.id", from.Fields[entry.FieldAppID])
	w.putResource(attrs, from, apiKey, path)

	record.SetSeverityNumber(plog.SeverityNumberInfo)
	if errorType := w.putResult(attrs, from); errorType != "" {
		attrs.PutStr("error.type", errorType)
		record.SetSeverityNumber(plog.SeverityNumberWarn)
	}
	if malformed {
		attrs.PutBool("feishu.entry.malformed", true)
		w.stats.Malformed++
	}
	if masked > 0 {
		attrs.PutInt("feishu.redacted", int64(masked))
	}

	if w.structured {
		setStructuredBody(record.Body(), text)
	} else {
		record.Body().SetStr(text)
	}
}

// prepare returns the entry's text for the body, whether the entry is malformed, and how many of its values were
// masked. Bytes that are not UTF-8 are replaced, which makes the entry malformed: they are the only thing that
// the body cannot keep.
func (w *recordWriter) prepare(it *entry.Entry) (text string, malformed bool, masked int) {
	if text = it.Text; !it.IsASCII {
		text = entry.ValidUTF8(text)
	}
	malformed = text != it.Text || it.Malformed()
	if w.redactor != nil {
		var withheld bool
		if text, masked, withheld = w.redact(it, text); withheld {
			malformed = true
		}
		w.stats.Redacted += masked
	}
	if w.detach {
		text = strings.Clone(text)
	}
	return text, malformed, masked
}

// redact masks the credentials in an entry's text. No entry may end the collector, at every start again, and no fault
// may let credentials through: after a panic the whole content is masked.
func (w *recordWriter) redact(it *entry.Entry, text string) (safe string, masked int, withheld bool) {
	defer func() {
		if recover() != nil {
			w.stats.Withheld = append(w.stats.Withheld, it.UID())
			shows := func(field string) bool { return field == "api_key" || !w.redactor.MasksKey("", field) } // here no credential
			safe, masked, withheld = it.WithoutDetails(redact.Mask, shows), 1, true
		}
	}()
	safe, masked = w.redactor.RedactEntry(text, it.Fields[entry.FieldAPIKey])
	return safe, masked, false
}

// putText puts the text of a field, unless it is empty, and returns the whole text.
func putText(attrs pcommon.Map, name, field string) string {
	value, _ := entry.ParseText(field)
	if value != "" {
		attrs.PutStr(name, cutOff(value))
	}
	return value
}

// methods are the methods of the semantic conventions for HTTP.
var methods = [...]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"}

func putMethod(attrs pcommon.Map, field string) {
	method, _ := entry.ParseText(field)
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
