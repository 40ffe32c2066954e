// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/cmd/feishu-audit/internal/screen"
)

// format writes records.
type format interface {
	// header is what the output starts with.
	header() []byte
	// encode appends the records of a page.
	encode(out *bytes.Buffer, logs plog.Logs) error
}

// formats are the values of --format.
var formats = []string{"jsonl", "otlp", "csv", "table"}

// newFormat returns the format with that name; nil if there is none.
func newFormat(name string, layout *screen.Layout) format {
	switch name {
	case "jsonl":
		return jsonLines{}
	case "otlp":
		return otlpLines{}
	case "csv":
		return csvLines{}
	case "table":
		return table{layout}
	}
	return nil
}

func records(logs plog.Logs) func(yield func(plog.LogRecord) bool) {
	return func(yield func(plog.LogRecord) bool) {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					if !yield(record) {
						return
					}
				}
			}
		}
	}
}

// timeOf is a record's time in RFC 3339, empty if the entry has none.
func timeOf(t pcommon.Timestamp) string {
	if t == 0 {
		return ""
	}
	return t.AsTime().UTC().Format(time.RFC3339Nano)
}

// jsonLines writes a JSON object per line: the time, then the attributes by their names, then the entry itself
// as body.
type jsonLines struct{}

func (jsonLines) header() []byte { return nil }

func (jsonLines) encode(out *bytes.Buffer, logs plog.Logs) error {
	member := func(name string, value any) error {
		text, err := marshal(value)
		if err == nil {
			out.WriteString(`,"` + name + `":`)
			out.Write(text)
		}
		return err
	}
	for record := range records(logs) {
		out.WriteString(`{"time":"` + timeOf(record.Timestamp()) + `"`)
		for name, value := range record.Attributes().All() {
			if err := member(name, value.AsRaw()); err != nil {
				return err
			}
		}
		// The original entry if it is JSON and fits on a line; otherwise its text.
		body := record.Body().AsString()
		var compact bytes.Buffer
		var err error
		if json.Compact(&compact, []byte(body)) == nil {
			err = member("body", json.RawMessage(compact.Bytes()))
		} else {
			err = member("body", body)
		}
		if err != nil {
			return err
		}
		out.WriteString("}\n")
	}
	return nil
}

// marshal writes JSON without escapes for HTML.
func marshal(value any) ([]byte, error) {
	if raw, ok := value.(json.RawMessage); ok { // unchanged: an encoder would reformat it
		return raw, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// otlpLines writes an OTLP request in JSON per line, one for each page, as the collector's file exporter writes
// it and its otlp_json_file receiver reads it.
type otlpLines struct{}

func (otlpLines) header() []byte { return nil }

func (otlpLines) encode(out *bytes.Buffer, logs plog.Logs) error {
	text, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	out.Write(text)
	out.WriteByte('\n')
	return err
}

// csvLines writes a header, and a line for each record. The body is left out.
type csvLines struct{}

// csvColumns are its attributes; the time comes first.
var csvColumns = []string{
	"feishu.app.id", "client.address", "http.request.method", "url.path", "feishu.api_key", "feishu.status_code",
	"error.type", "feishu.response.code", "feishu.response.msg", "feishu.resource.type", "feishu.resource.id", "feishu.resource.parent_id",
	"feishu.redacted", "feishu.entry.malformed", "log.record.uid",
}

func (csvLines) header() []byte {
	return []byte("time," + strings.Join(csvColumns, ",") + "\n")
}

func (csvLines) encode(out *bytes.Buffer, logs plog.Logs) error {
	w := csv.NewWriter(out)
	cells := make([]string, 1+len(csvColumns))
	for record := range records(logs) {
		cells[0] = timeOf(record.Timestamp())
		for i, name := range csvColumns {
			cells[i+1] = cell(screen.Attribute(record, name))
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cell prevents a spreadsheet from reading a text as a formula: the caller chooses parts of the text (OWASP, CSV
// Injection).
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) && !number(text) {
		return "'" + text
	}
	return text
}

func number(text string) bool {
	var n json.Number
	return json.Unmarshal([]byte(text), &n) == nil
}

// table is for people.
type table struct{ layout *screen.Layout }

func (t table) header() []byte { return []byte(t.layout.Title() + "\n") }

func (t table) encode(out *bytes.Buffer, logs plog.Logs) error {
	for record := range records(logs) {
		when := strings.Repeat("-", len(t.layout.TimeFormat()))
		if record.Timestamp() != 0 {
			when = record.Timestamp().AsTime().Local().Format(t.layout.TimeFormat())
		}
		var notes []screen.Note
		if n := screen.Attribute(record, "feishu.redacted"); n != "" {
			notes = append(notes, screen.Note{Text: n + " masked", Colour: screen.Cyan})
		}
		out.WriteString(t.layout.Line(when, record, notes...) + "\n")
	}
	return nil
}
