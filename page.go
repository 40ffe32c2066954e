// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// page is one parsed answer of list_data. Its strings are parts of one copy of
// the answer's text.
type page struct {
	code      int64 // the Open API's own result code, 0 is success
	hasCode   bool  // false: not an answer of the Open API
	hasMore   bool
	pageToken string
	items     []item
}

// item is one entry of a page, with the JSON text of the fields that become
// attributes. The texts are empty where the entry does not have the field.
type item struct {
	text   string // the entry's own JSON text
	id     string // log.record.uid
	fields [fieldCount]string
	exact  uint16 // which fields came under their exact name
	object bool   // whether the entry is an object at all
}

// The fields of an entry that are read. Those of log_detail follow fieldDetail.
const (
	fieldID = iota
	fieldAPIKey
	fieldEventTime
	fieldAppID
	fieldIP
	fieldDetail
	fieldPath
	fieldMethod
	fieldStatusCode
	fieldResponse
	fieldCount
)

var fieldNames = [fieldCount]string{
	"id", "api_key", "event_time", "app_id", "ip", "log_detail",
	"path", "method", "status_code", "response",
}

// parsePage takes an answer apart in one pass. Names are matched as encoding/json
// does it: the exact one, else one that differs in case only; of several the last.
// The error never quotes the answer, which may hold secrets.
func parsePage(body []byte) (*page, error) {
	p := &page{}
	s := &jsontext.Scanner{Text: string(body)}
	if s.Peek() != '{' {
		// Any other JSON is valid, and not an answer of the Open API.
		if _, err := s.Value(); err != nil {
			return nil, err
		}
		return p, s.End()
	}
	err := s.Members(func(key string) error {
		switch {
		case strings.EqualFold(key, "code"):
			text, err := s.Value()
			p.code, p.hasCode = integer(text)
			return err
		case strings.EqualFold(key, "data") && s.Peek() == '{':
			return p.parseData(s)
		}
		_, err := s.Value()
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, s.End()
}

func (p *page) parseData(s *jsontext.Scanner) error {
	return s.Members(func(key string) error {
		switch {
		case strings.EqualFold(key, "items") && s.Peek() == '[':
			p.items = make([]item, 0, maxPageSize)
			return s.Elements(func() error {
				p.items = append(p.items, item{})
				return p.items[len(p.items)-1].parse(s)
			})
		case strings.EqualFold(key, "has_more"):
			text, err := s.Value()
			p.hasMore = text == "true" || text == `"true"` || text == "1"
			return err
		case strings.EqualFold(key, "page_token"):
			text, err := s.Value()
			p.pageToken, _ = scalarText(text)
			return err
		}
		_, err := s.Value()
		return err
	})
}

// parse reads one entry, whatever its shape.
func (it *item) parse(s *jsontext.Scanner) error {
	if s.Peek() == '{' {
		begin := s.Pos
		it.object = true
		err := s.Members(func(key string) error { return it.member(s, key, fieldID, fieldDetail) })
		if err != nil {
			return err
		}
		it.text = s.Text[begin:s.Pos]
	} else {
		text, err := s.Value()
		if err != nil {
			return err
		}
		it.text = text
	}
	it.id = it.makeUID()
	return nil
}

// member reads one member whose name is among the fields first to last.
func (it *item) member(s *jsontext.Scanner, key string, first, last int) error {
	field, exact := findField(key, first, last)
	if field < 0 || (!exact && it.exact&(1<<field) != 0) {
		_, err := s.Value()
		return err
	}
	if exact {
		it.exact |= 1 << field
	}
	if field == fieldDetail && s.Peek() == '{' {
		begin := s.Pos
		for inner := fieldDetail + 1; inner < fieldCount; inner++ {
			it.fields[inner] = ""
			it.exact &^= 1 << inner
		}
		err := s.Members(func(key string) error { return it.member(s, key, fieldDetail+1, fieldCount-1) })
		it.fields[field] = s.Text[begin:s.Pos]
		return err
	}
	text, err := s.Value()
	it.fields[field] = text
	return err
}

func findField(key string, first, last int) (field int, exact bool) {
	for i := first; i <= last; i++ {
		if fieldNames[i] == key {
			return i, true
		}
	}
	for i := first; i <= last; i++ {
		if len(key) == len(fieldNames[i]) && strings.EqualFold(fieldNames[i], key) {
			return i, false
		}
	}
	return -1, false
}

// uid is the entry's log.record.uid: its id, or a stable hash of its text where
// it has none that can be read.
func (it *item) uid() string { return it.id }

func (it *item) makeUID() string {
	if id, ok := scalarText(it.fields[fieldID]); ok && id != "" {
		return id
	}
	sum := sha256.Sum256([]byte(it.text))
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// eventTime is the entry's time in Unix seconds. It is unreadable where it is no
// whole number, negative, or too far for a timestamp in nanoseconds. Milliseconds
// are not guessed: the API documents seconds.
func (it *item) eventTime() (second int64, ok bool) {
	second, ok = integer(it.fields[fieldEventTime])
	return second, ok && second >= 0 && second <= math.MaxInt64/int64(time.Second)
}

// scalarText reads a string or a number, as text. A null, an absent and an empty
// value are readable and empty.
func scalarText(text string) (string, bool) {
	switch {
	case text == "" || text == "null":
		return "", true
	case text[0] == '"':
		s := jsontext.Unquote(text)
		if !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
		return s, true
	case text[0] == '-' || (text[0] >= '0' && text[0] <= '9'):
		return text, true
	}
	return "", false
}

// integer reads a whole number, or a string that holds one. It never goes through
// float64, which would round ids and codes beyond 2^53.
func integer(text string) (int64, bool) {
	s, ok := scalarText(text)
	if !ok || s == "" {
		return 0, false
	}
	if whole, fraction, found := strings.Cut(s, "."); found && strings.Trim(fraction, "0") == "" {
		s = whole
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
