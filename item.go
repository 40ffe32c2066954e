// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// item is one entry of a page, whatever its shape.
type item struct {
	text  string // the entry's own JSON text
	ascii bool   // it certainly is ASCII
	id    string // see uid
	// fields are the JSON texts of the fields that become attributes, empty
	// where the entry does not have them. That of log_detail is empty if it is
	// an object, as it should be.
	fields   [fieldCount]string
	second   int64 // event_time, if hasTime
	hasTime  bool
	pageSize int // size of the page that the texts are part of, bytes
}

// maxAttribute is how long the text of an attribute may be, in bytes. What an entry's
// caller has sent could otherwise cost the whole record: Loki refuses a line with more
// than 64 KiB of metadata for good.
const maxAttribute = 1 << 10

// The fields of an entry that are read.
const (
	fieldID = iota + 1
	fieldAPIKey
	fieldEventTime
	fieldAppID
	fieldIP
	fieldDetail // members of log_detail follow
	fieldPath
	fieldMethod
	fieldStatusCode
	fieldResponse
	fieldCount
)

func entryField(name string) int {
	switch name {
	case "id":
		return fieldID
	case "api_key":
		return fieldAPIKey
	case "event_time":
		return fieldEventTime
	case "app_id":
		return fieldAppID
	case "ip":
		return fieldIP
	case "log_detail":
		return fieldDetail
	}
	return 0
}

func detailField(name string) int {
	switch name {
	case "path":
		return fieldPath
	case "method":
		return fieldMethod
	case "status_code":
		return fieldStatusCode
	case "response":
		return fieldResponse
	}
	return 0
}

// uid is log.record.uid: the entry's id, a number as its text. An entry without
// one, or with one that cannot be read, gets a hash of its text, which is the same
// whenever the API returns the same bytes. An id longer than maxAttribute gets a
// hash of the id: cut off it would not be unique.
func (it *item) uid() string { return it.id }

// eventTime is the entry's time in Unix seconds, if it has one that can be read:
// a whole number that fits a timestamp in nanoseconds, from 1970 to 2554. The API
// documents seconds, so larger numbers are not taken for milliseconds.
func (it *item) eventTime() (second int64, ok bool) { return it.second, it.hasTime }

// raw is the entry's own JSON text, byte for byte.
func (it *item) raw() string { return it.text }

// read reads the entry that is next.
func (it *item) read(s *jsontext.Scanner, known *knownKeys) {
	s.ASCII()
	if s.Peek() == '{' {
		start := s.Pos()
		it.readFields(s, known)
		it.text = s.Since(start)
	} else {
		it.text = s.Value()
	}
	if s.Err() != nil {
		return
	}
	it.ascii = s.ASCII()
	switch id, _ := parseText(it.fields[fieldID]); {
	case id == "":
		it.id = hashOf(it.text)
	case len(id) > maxAttribute:
		it.id = hashOf(id)
	default:
		it.id = id
	}
	if text, _ := parseText(it.fields[fieldEventTime]); text != "" {
		second, ok := parseInteger(text)
		if ok && second >= 0 && second <= maxSecond {
			it.second, it.hasTime = second, true
		}
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// knownKeys are the keys of the entries read before.
type knownKeys struct{ entry, detail keyOrder }

func (it *item) readFields(s *jsontext.Scanner, known *knownKeys) {
	var seen members
	n := 0
	for ok := s.Open('{'); ok; ok = s.More('}') {
		field := known.entry.next(s, n, &seen, entryField)
		n++
		switch field {
		case 0:
			s.Value()
		case fieldDetail:
			clear(it.fields[fieldDetail:])
			if s.Peek() == '{' {
				it.readDetail(s, &known.detail)
			} else {
				it.fields[fieldDetail] = s.Value()
			}
		default:
			it.fields[field] = s.Value()
		}
	}
}

func (it *item) readDetail(s *jsontext.Scanner, known *keyOrder) {
	var seen members
	n := 0
	for ok := s.Open('{'); ok; ok = s.More('}') {
		field := known.next(s, n, &seen, detailField)
		if n++; field != 0 {
			it.fields[field] = s.Value()
		} else {
			s.Value()
		}
	}
}

// maxSecond is the last whole second of a timestamp, which is an uint64 of
// nanoseconds. It lies in 2554.
const maxSecond = int64(math.MaxUint64 / uint64(time.Second))

// malformed tells whether a field is there and cannot be read: it is of the wrong
// type, it is no whole number where one is due, or log_detail or the entry itself
// is no object.
//
// A field that is absent, null or empty has nothing to be read, so it does not
// count: that is how an API leaves something out. An entry without log_detail does
// not count for the same reason; its record has the attributes of the rest. What
// log_detail.response holds inside its string does not count either. The API
// promises no form for it, and the official sample for Lark is broken there.
//
// A number in place of a string can be read, as its digits.
func (it *item) malformed() bool {
	if it.text[0] != '{' {
		return true
	}
	for _, field := range textFields {
		if !isText(it.fields[field]) {
			return true
		}
	}
	if !it.hasTime && !isEmpty(it.fields[fieldEventTime]) {
		return true
	}
	if status := it.fields[fieldStatusCode]; !isEmpty(status) {
		text, _ := parseText(status)
		if _, ok := parseInteger(text); !ok {
			return true
		}
	}
	if response := it.fields[fieldResponse]; !isEmpty(response) && response[0] != '"' && response[0] != '{' {
		return true
	}
	return !isEmpty(it.fields[fieldDetail])
}

var textFields = [...]int{fieldID, fieldAPIKey, fieldAppID, fieldIP, fieldPath, fieldMethod}

// isEmpty tells whether the JSON text of a field is absent, null or "".
func isEmpty(text string) bool { return text == "" || text == "null" || text == `""` }
