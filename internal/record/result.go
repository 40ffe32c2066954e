// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
	"github.com/feishuaudit/feishuauditreceiver/internal/jsontext"
)

// putResult puts the result of the call, and returns the error.type of a failed call. The API's own code goes
// first: it is more specific than the HTTP status, and status_code is 0 in every official sample, although
// documented as the HTTP status.
func (w *recordWriter) putResult(attrs pcommon.Map, it *entry.Entry) (errorType string) {
	text, _ := entry.ParseText(it.Fields[entry.FieldStatusCode])
	if status, ok := entry.ParseInteger(text); ok {
		attrs.PutInt("feishu.status_code", status)
		if status >= 100 && status <= 599 {
			attrs.PutInt("http.response.status_code", status)
			if status >= 400 {
				errorType = strconv.FormatInt(status, 10)
			}
		}
	}
	var r response
	r, w.scratch = readResponse(it.Fields[entry.FieldResponse], w.scratch)
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

// response is the result of the call according to log_detail.response.
type response struct {
	code    int64
	hasCode bool
	msg     string
}

// Members of a response that are read:
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

// readResponse reads log_detail.response: usually a string with JSON in it, or JSON itself. If it is broken,
// what comes before the break counts. It uses scratch, and returns it for reuse.
func readResponse(field string, scratch []byte) (response, []byte) {
	var r response
	if entry.IsEmpty(field) {
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
	var seen entry.Members
	for ok := s.Open('{'); ok; ok = s.More('}') {
		member, text := seen.Next(s.Key(), responseMember), s.Value()
		if s.Err() != nil || s.Pos() == len(field) && entry.IsNumber(text) {
			break // a number at the end may have lost digits
		}
		switch member {
		case responseCode:
			text, _ = entry.ParseText(text)
			r.code, r.hasCode = entry.ParseInteger(text)
		case responseMsg:
			r.msg, _ = entry.ParseText(text)
		}
	}
	r.msg = cutOff(r.msg)
	if unescaped && len(field) > smallResponse {
		r.msg = strings.Clone(r.msg)
	}
	return r, scratch
}

// readPlainResponse reads a response of the usual form, a code and a msg without escapes of their own, directly
// from the string of log_detail.response. The msg is a part of field, and nothing is copied. It does not read
// any other form.
func readPlainResponse(field string) (r response, ok bool) {
	rest, ok := strings.CutPrefix(field, `"{\"code\":`)
	if !ok {
		return response{}, false
	}
	digits, rest, _ := strings.Cut(rest, ",")
	rest, ok = strings.CutPrefix(rest, `\"msg\":\"`)
	if !ok || digits == "" || len(digits) > 1 && digits[0] == '0' || len(digits) >= entry.MaxInt64Digits {
		return response{}, false // not a number, not valid JSON, or one that may not fit
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
	r.hasCode, r.msg = true, cutOff(entry.ValidUTF8(rest[:end]))
	return r, true
}

// smallResponse is the size, in bytes, up to which a response without its escapes may stay in memory only for
// its msg, which is a part of it.
const smallResponse = 512
