// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// scrubber replaces everything that a recording must not have. Names (apps, ids, addresses, page tokens) get a
// pseudonym: the same one for the same value, so that related entries can still be recognised. The pseudonyms
// come from a random key that is never stored. Contents get a placeholder of the same type. Only known values
// are kept; everything else is replaced.
type scrubber struct {
	key      []byte
	replaced map[string]int // number of replacements by type, for the summary
}

func (s *scrubber) sum(kind, value string) []byte {
	s.replaced[kind]++
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(kind + "\x00" + value))
	return mac.Sum(nil)
}

// pseudonym returns text of the same length if possible.
func (s *scrubber) pseudonym(kind, value string) string {
	switch sum := s.sum(kind, value); {
	case value == "":
		return ""
	case kind == "address":
		return pseudonymAddress(value, sum)
	case digits.MatchString(value):
		out := []byte(strconv.FormatUint(binary.BigEndian.Uint64(sum)|1<<63, 10)) // 19 digits or 20
		for len(out) < len(value) {
			out = append(out, '0'+sum[len(out)%len(sum)]%10)
		}
		return string(out[:len(value)])
	case strings.HasPrefix(value, "cli_"):
		return "cli_" + hex.EncodeToString(sum)[:16]
	default:
		return kind + "-" + hex.EncodeToString(sum)[:16]
	}
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// pseudonymAddress keeps the family of an address.
func pseudonymAddress(value string, sum []byte) string {
	address, err := netip.ParseAddr(value)
	switch {
	case err != nil:
		return "address-" + hex.EncodeToString(sum)[:16]
	case address.Is4():
		return netip.AddrFrom4([4]byte{10, sum[0], sum[1], sum[2]}).String()
	default:
		out := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		copy(out[8:], sum)
		return netip.AddrFrom16(out).String()
	}
}

// apiName matches an API as the log writes it, with variables as :name. Any other form may contain the name of
// something.
var apiName = regexp.MustCompile(`^[A-Z]{3,7}(/(open-apis|v[0-9]|[a-z_]{1,40}|:[a-z_]{1,40}))+$`)

// plainName matches the name of a field that we do not know.
var plainName = regexp.MustCompile(`^[a-z_]{1,40}$`)

// plainWords matches a message of the API that names nothing.
var plainWords = regexp.MustCompile(`^[A-Za-z ,.']{1,80}$`)

// object is a JSON object that keeps the order of its members.
type object struct {
	names  []string
	values []json.RawMessage
}

func readObject(text json.RawMessage) (*object, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	o := &object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		o.names, o.values = append(o.names, name.(string)), append(o.values, value)
	}
	_, err := d.Token()
	return o, err
}

func (o *object) encode() json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range o.names {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(name))
		b.WriteByte(':')
		b.Write(o.values[i])
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

func quote(text string) json.RawMessage {
	out, _ := json.Marshal(text) // a string can always be marshalled
	return out
}

// placeholder returns a value of the same type without its content.
func (s *scrubber) placeholder(value json.RawMessage) json.RawMessage {
	s.replaced["other values"]++
	switch value[0] {
	case '"':
		return quote("")
	case '{':
		return json.RawMessage("{}")
	case '[':
		return json.RawMessage("[]")
	case 't', 'f':
		return json.RawMessage("false")
	case 'n':
		return value
	default:
		return json.RawMessage("0")
	}
}

// fields replaces the values of an object's members by name; other members get placeholders, and keep their
// names only if these are plain.
func (s *scrubber) fields(text json.RawMessage, known map[string]func(json.RawMessage) json.RawMessage) json.RawMessage {
	o, err := readObject(text)
	if err != nil {
		return s.placeholder(text)
	}
	for i, name := range o.names {
		replace := known[strings.ToLower(name)]
		switch {
		case replace != nil:
			o.values[i] = replace(o.values[i])
		case plainName.MatchString(name):
			o.values[i] = s.placeholder(o.values[i])
		default:
			o.names[i], o.values[i] = s.pseudonym("field", name), s.placeholder(o.values[i])
		}
	}
	return o.encode()
}

// named gives a text or a number a pseudonym of the same type.
func (s *scrubber) named(kind string) func(json.RawMessage) json.RawMessage {
	return func(value json.RawMessage) json.RawMessage {
		var text string
		switch {
		case json.Unmarshal(value, &text) == nil:
			return quote(s.pseudonym(kind, text))
		case digits.Match(value):
			return json.RawMessage(s.pseudonym(kind, string(value)))
		default:
			return s.placeholder(value)
		}
	}
}

// number keeps numbers, also inside a text, and booleans.
func (s *scrubber) number(value json.RawMessage) json.RawMessage {
	if regexp.MustCompile(`^("?-?[0-9]{1,20}"?|true|false|null)$`).Match(value) {
		return value
	}
	return s.placeholder(value)
}

// words keep a text that matches.
func (s *scrubber) words(pattern *regexp.Regexp, kind string) func(json.RawMessage) json.RawMessage {
	return func(value json.RawMessage) json.RawMessage {
		var text string
		if json.Unmarshal(value, &text) == nil && !pattern.MatchString(text) {
			return quote(s.pseudonym(kind, text))
		}
		if value[0] == '"' {
			return value
		}
		return s.placeholder(value)
	}
}

var methods = regexp.MustCompile(`^[A-Za-z]{3,7}$`)

type replacements = map[string]func(json.RawMessage) json.RawMessage

// answer scrubs an answer of list_data. If it is not JSON, only its length is kept.
func (s *scrubber) answer(body []byte) json.RawMessage {
	if !json.Valid(body) {
		return quote(fmt.Sprintf("not JSON, %d bytes", len(body)))
	}
	return s.fields(body, replacements{
		"code": s.number,
		"msg":  s.words(plainWords, "message"),
		"data": func(data json.RawMessage) json.RawMessage {
			return s.fields(data, replacements{"has_more": s.number, "page_token": s.named("token"), "items": s.items})
		},
	})
}

func (s *scrubber) items(value json.RawMessage) json.RawMessage {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil || items == nil {
		return s.placeholder(value)
	}
	for i, item := range items {
		items[i] = s.entry(item)
	}
	out, _ := json.Marshal(items) // of valid JSON
	return out
}

func (s *scrubber) entry(item json.RawMessage) json.RawMessage {
	return s.fields(item, replacements{
		"id": s.named("id"), "event_time": s.number, "app_id": s.named("app"), "ip": s.named("address"),
		"api_key": s.words(apiName, "api"),
		"log_detail": func(detail json.RawMessage) json.RawMessage {
			return s.fields(detail, replacements{
				"method": s.words(methods, "method"), "status_code": s.number, "path": s.named("path"),
				"query_param": s.content, "payload": s.content, "response": s.response,
			})
		},
	})
}

// content keeps whether there is content, and whether it is an object inside a text.
func (s *scrubber) content(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return s.placeholder(value)
	}
	s.replaced["contents"]++
	switch {
	case text == "":
		return value
	case json.Valid([]byte(text)):
		return quote("{}")
	default:
		return quote("x")
	}
}

// response also keeps the code of a response.
func (s *scrubber) response(value json.RawMessage) json.RawMessage {
	var text string
	inText := json.Unmarshal(value, &text) == nil
	if !inText {
		text = string(value)
	}
	var carries struct {
		Code *int64 `json:"code"`
	}
	if json.Unmarshal([]byte(text), &carries) != nil || carries.Code == nil {
		return s.content(value)
	}
	s.replaced["contents"]++
	kept := fmt.Sprintf(`{"code":%d}`, *carries.Code)
	if inText {
		return quote(kept)
	}
	return json.RawMessage(kept)
}

// shownHeaders are the headers whose values are kept: those of the protocol, and of the rate limit.
var shownHeaders = map[string]bool{
	"Date": true, "Content-Type": true, "Content-Encoding": true, "Content-Length": true, "Retry-After": true,
	"X-Ogw-Ratelimit-Limit": true, "X-Ogw-Ratelimit-Reset": true,
}

// plainHeader matches a value that is too simple for a secret.
var plainHeader = regexp.MustCompile(`^[A-Za-z0-9 ,:;/=+.-]{0,60}$`)

// headers keeps the names of all headers, and some values.
func (s *scrubber) headers(h http.Header) map[string][]string {
	out := map[string][]string{}
	for name, values := range h {
		for _, value := range values {
			if !shownHeaders[http.CanonicalHeaderKey(name)] || !plainHeader.MatchString(value) {
				value = s.pseudonym("header", value)
			}
			out[name] = append(out[name], value)
		}
	}
	return out
}
