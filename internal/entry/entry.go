// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// Entry is one entry of a page, in any form.
type Entry struct {
	Text    string // the entry's own JSON text
	IsASCII bool   // false if not certain
	ID      string // see UID
	// Fields are the JSON texts of the fields that become attributes, empty if the entry does not have them. The
	// text of log_detail is empty if it is an object, as it should be.
	Fields    [fieldCount]string
	second    int64 // event_time, if hasTime
	hasTime   bool
	PageBytes int // size of the page that the texts are part of, bytes

	identity string // see Identity; empty if not asked for yet
}

// MaxAttribute is the largest length of an attribute's text, in bytes. Otherwise text that the caller has sent
// could cost the whole record: Loki permanently refuses a line with more than 64 KiB of metadata.
const MaxAttribute = 1 << 10

// The fields of an entry that are read.
const (
	fieldID = iota + 1
	FieldAPIKey
	fieldEventTime
	FieldAppID
	FieldIP
	fieldDetail // members of log_detail follow
	FieldPath
	FieldMethod
	FieldStatusCode
	FieldResponse
	FieldQuery
	FieldPayload
	fieldCount
)

func entryField(name string) int {
	switch name {
	case "id":
		return fieldID
	case "api_key":
		return FieldAPIKey
	case "event_time":
		return fieldEventTime
	case "app_id":
		return FieldAppID
	case "ip":
		return FieldIP
	case "log_detail":
		return fieldDetail
	}
	return 0
}

func detailField(name string) int {
	switch name {
	case "path":
		return FieldPath
	case "method":
		return FieldMethod
	case "status_code":
		return FieldStatusCode
	case "response":
		return FieldResponse
	case "query_param":
		return FieldQuery
	case "payload":
		return FieldPayload
	}
	return 0
}

// UID is log.record.uid: the entry's id, or the digits of one that is a number. If the id is missing, cannot be
// read or is only a placeholder, UID is a hash of the entry's text, with the members of objects sorted by name:
// it is the same whenever the API returns the same members and values. If the id is longer than MaxAttribute,
// UID is a hash of the id, because a shortened id would not be unique.
func (it *Entry) UID() string { return it.ID }

// Identity identifies an entry when it is returned again: by its id, its time, the app that called, and the API
// that it called. The official page calls the id alone "the unique id of the log". If it is not unique,
// different entries must not be taken for one.
//
// The other three are known before the call is made, because the gateway needs the app and the API to admit it.
// What becomes known later may be added or changed in an entry that was already returned, so it is not part of
// the identity: log_detail, with the response. Neither is the address, which proxies may report in several
// forms. If the time cannot be read, the identity is the whole text, with any order of its members: the rest would
// not distinguish entries.
func (it *Entry) Identity() string {
	var b strings.Builder
	app, _ := ParseText(it.Fields[FieldAppID])
	api, _ := ParseText(it.Fields[FieldAPIKey])
	var at string
	if it.hasTime {
		at = strconv.FormatInt(it.second, 10) // in whatever form it was sent
	} else {
		at = canonical(it.Text)
	}
	b.Grow(len(it.ID) + len(at) + len(app) + len(api) + 3)
	for i, part := range [...]string{it.ID, at, app, api} {
		if i > 0 {
			b.WriteByte(0)
		}
		b.WriteString(part)
	}
	it.identity = b.String()
	return it.identity
}

// isPlaceholder reports whether an id is what programs write if they have none: an empty text, only zeros and
// signs (0, 0.0, -, 00000000-0000-...), -1, and words such as null.
func isPlaceholder(id string) bool {
	if len(id) > longestPlaceholder || id != "" && '1' <= id[0] && id[0] <= '9' {
		return false // nearly every id
	}
	signs := true
	for _, r := range id {
		signs = signs && (strings.ContainsRune("0-_.:/*?#–—－", r) || brackets(r))
	}
	if signs {
		return true
	}
	switch strings.ToLower(strings.TrimFunc(id, brackets)) {
	case "null", "nil", "none", "undefined", "n/a", "na", "nan", "-1":
		return true
	}
	return false
}

// brackets reports whether a rune only surrounds a text.
func brackets(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>()[]{}", r) }

const longestPlaceholder = 40 // a UUID of zeros in braces

// EventTime is the entry's time in Unix seconds, if it has one that can be read: a whole number that fits a
// timestamp in nanoseconds, from 1970 to 2554. The API documents seconds, so larger numbers are not read as
// milliseconds.
func (it *Entry) EventTime() (second int64, ok bool) { return it.second, it.hasTime }

// Raw is the entry's own JSON text, byte for byte.
func (it *Entry) Raw() string { return it.Text }

// WithoutDetails is the entry's JSON text with only the fields that no caller writes: id, time, app, API and address, as
// far as they may be shown. A text stands for the details.
func (it *Entry) WithoutDetails(instead string, shows func(field string) bool) string {
	b := []byte(`{`)
	for field, name := range [...]string{fieldID: "id", FieldAPIKey: "api_key", fieldEventTime: "event_time", FieldAppID: "app_id", FieldIP: "ip"} {
		if value := it.Fields[field]; value != "" && shows(name) {
			b = append(append(strconv.AppendQuote(b, name), ':'), ValidUTF8(value)...)
			b = append(b, ',')
		}
	}
	return string(append(strconv.AppendQuote(append(b, `"log_detail":`...), instead), '}'))
}

// Read reads the next entry.
func (it *Entry) Read(s *jsontext.Scanner, known *KnownKeys) {
	s.ASCII()
	if s.Peek() == '{' {
		start := s.Pos()
		it.readFields(s, known)
		it.Text = s.Since(start)
	} else {
		it.Text = s.Value()
	}
	if s.Err() != nil {
		return
	}
	it.IsASCII = s.ASCII()
	switch id, _ := ParseText(it.Fields[fieldID]); {
	case isPlaceholder(id):
		it.ID = hashOf(canonical(it.Text))
	case len(id) > MaxAttribute:
		it.ID = hashOf(id)
	default:
		it.ID = id
	}
	if text, _ := ParseText(it.Fields[fieldEventTime]); text != "" {
		second, ok := ParseInteger(text)
		if ok && second >= 0 && second <= maxSecond {
			it.second, it.hasTime = second, true
		}
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// KnownKeys are the keys of the entries that were read before.
type KnownKeys struct{ entry, detail keyOrder }

func (it *Entry) readFields(s *jsontext.Scanner, known *KnownKeys) {
	var seen Members
	n := 0
	for ok := s.Open('{'); ok; ok = s.More('}') {
		field := known.entry.next(s, n, &seen, entryField)
		n++
		switch field {
		case 0:
			s.Value()
		case fieldDetail:
			clear(it.Fields[fieldDetail:])
			if s.Peek() == '{' {
				it.readDetail(s, &known.detail)
			} else {
				it.Fields[fieldDetail] = s.Value()
			}
		default:
			it.Fields[field] = s.Value()
		}
	}
}

func (it *Entry) readDetail(s *jsontext.Scanner, known *keyOrder) {
	var seen Members
	n := 0
	for ok := s.Open('{'); ok; ok = s.More('}') {
		field := known.next(s, n, &seen, detailField)
		if n++; field != 0 {
			it.Fields[field] = s.Value()
		} else {
			s.Value()
		}
	}
}

// maxSecond is the last whole second of a timestamp, a uint64 of nanoseconds. It is in the year 2554.
const maxSecond = int64(math.MaxUint64 / uint64(time.Second))

// Malformed reports whether a field is present and cannot be read: it has the wrong type, it is not a whole
// number although it should be, or log_detail or the entry itself is not an object.
//
// A field that is absent, null or empty does not count, because there is nothing to read: that is how an API
// omits something. An entry without log_detail does not count for the same reason; its record has the attributes
// of the other fields. The contents of the string log_detail.response do not count either: the API promises no
// form for it, and in the official sample for Lark it is broken.
//
// A number instead of a string can be read, as its digits.
func (it *Entry) Malformed() bool {
	if it.Text[0] != '{' {
		return true
	}
	for _, field := range textFields {
		if !isText(it.Fields[field]) {
			return true
		}
	}
	if !it.hasTime && !IsEmpty(it.Fields[fieldEventTime]) {
		return true
	}
	if status := it.Fields[FieldStatusCode]; !IsEmpty(status) {
		text, _ := ParseText(status)
		if _, ok := ParseInteger(text); !ok {
			return true
		}
	}
	if response := it.Fields[FieldResponse]; !IsEmpty(response) && response[0] != '"' && response[0] != '{' {
		return true
	}
	return !IsEmpty(it.Fields[fieldDetail])
}

var textFields = [...]int{fieldID, FieldAPIKey, FieldAppID, FieldIP, FieldPath, FieldMethod}

// IsEmpty reports whether the JSON text of a field is absent, null or "".
func IsEmpty(text string) bool { return text == "" || text == "null" || text == `""` }

// Facts are the parts of an entry for a program that must not see what the call carried.
type Facts struct {
	ID      string // never empty, see UID
	Second  int64  // event_time
	HasTime bool   // event_time could be read
	APIKey  string
	AppID   string
	// IDText, StatusCode and Response are JSON texts, empty if absent. They must not be shown.
	IDText, StatusCode, Response string
}

// Facts returns the facts of the page's entries, in their order.
func (p *Page) Facts() []Facts {
	facts := make([]Facts, len(p.Entries))
	for i := range p.Entries {
		it := &p.Entries[i]
		f := &facts[i]
		*f = Facts{ID: it.UID(), IDText: it.Fields[fieldID], StatusCode: it.Fields[FieldStatusCode], Response: it.Fields[FieldResponse]}
		f.Second, f.HasTime = it.EventTime()
		f.APIKey, _ = ParseText(it.Fields[FieldAPIKey])
		f.AppID, _ = ParseText(it.Fields[FieldAppID])
	}
	return facts
}
