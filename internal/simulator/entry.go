// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is one entry of the audit log, an item of list_data's answer.
type Entry struct {
	// ID is the entry's unique id. Empty: the entry has none.
	ID string
	// APIKey is the called API, method and path template in one word, such as
	// POST/open-apis/authen/v1/access_token.
	APIKey string
	// EventTime is the time of the call in seconds since 1970.
	EventTime int64
	// AppID is the app that made the call.
	AppID string
	// IP is the address of the caller.
	IP string

	// The rest is the entry's log_detail. QueryParam, Payload and Response are
	// JSON texts in well-formed entries.
	Path, Method, QueryParam, Payload string
	StatusCode                        int
	Response                          string

	// VisibleAt is the server time from which list_data shows the entry. Zero: from EventTime on. It may be
	// before EventTime (an entry from the future).
	VisibleAt time.Time

	// Raw, if set, is the entry's JSON text, sent verbatim instead of the fields above. ID, EventTime, APIKey
	// and AppID still decide which queries return it.
	Raw string
}

func (e *Entry) visibleAt() time.Time {
	if e.VisibleAt.IsZero() {
		return time.Unix(e.EventTime, 0)
	}
	return e.VisibleAt
}

// JSON is the entry's text as list_data shows it; numericIDs is Options.NumericIDs.
func (e *Entry) JSON(numericIDs bool) string { return string(e.appendJSON(nil, numericIDs)) }

// appendJSON appends the entry as list_data shows it. With numericIDs an id of digits becomes a JSON number, as
// the Python SDK expects.
func (e *Entry) appendJSON(b []byte, numericIDs bool) []byte {
	if e.Raw != "" {
		return append(b, e.Raw...)
	}
	b = append(b, '{')
	if e.ID != "" {
		b = append(b, `"id":`...)
		if numericIDs && isDigits(e.ID) {
			b = append(b, e.ID...)
		} else {
			b = appendString(b, e.ID)
		}
		b = append(b, ',')
	}
	b = appendString(append(b, `"api_key":`...), e.APIKey)
	b = strconv.AppendInt(append(b, `,"event_time":`...), e.EventTime, 10)
	b = appendString(append(b, `,"app_id":`...), e.AppID)
	b = appendString(append(b, `,"ip":`...), e.IP)
	b = append(b, `,"log_detail":`...)
	b = e.appendDetail(b)
	return append(b, '}')
}

func (e *Entry) appendDetail(b []byte) []byte {
	b = appendString(append(b, `{"path":`...), e.Path)
	b = appendString(append(b, `,"method":`...), e.Method)
	b = appendString(append(b, `,"query_param":`...), e.QueryParam)
	b = appendString(append(b, `,"payload":`...), e.Payload)
	b = strconv.AppendInt(append(b, `,"status_code":`...), int64(e.StatusCode), 10)
	b = appendString(append(b, `,"response":`...), e.Response)
	return append(b, '}')
}

// appendString appends s as a JSON string. Like Go's and unlike JavaScript's functions it does not escape text
// beyond ASCII; invalid UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// isDigits reports whether s is a JSON number without sign, fraction or leading zero.
func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && (s[0] != '0' || s == "0")
}

// ReadEntries reads entries in the form of the API, one JSON object on each line. They are sent verbatim;
// event_time, api_key and app_id decide which queries return them. Empty lines are skipped.
func ReadEntries(r io.Reader) ([]Entry, error) {
	var entries []Entry
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		var fields struct {
			ID        json.RawMessage `json:"id"`
			EventTime json.Number     `json:"event_time"` // accepts a quoted number, too
			APIKey    string          `json:"api_key"`
			AppID     string          `json:"app_id"`
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		second, err := fields.EventTime.Int64()
		if err != nil {
			return nil, fmt.Errorf("line %d: event_time %q is not a whole number of seconds", n, fields.EventTime)
		}
		entries = append(entries, Entry{
			ID:        strings.Trim(string(fields.ID), `"`),
			EventTime: second,
			APIKey:    fields.APIKey,
			AppID:     fields.AppID,
			Raw:       line,
		})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after %d entries: %w", len(entries), err)
	}
	return entries, nil
}
