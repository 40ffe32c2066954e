// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// shape gives status_code and response of an entry the form of the options.
func (o *Options) shape(e *Entry) {
	if e.Raw != "" {
		return
	}
	if o.StatusCodes == StatusZero || o.StatusCodes == StatusHTTP {
		failed := e.Response != "" && !strings.Contains(e.Response, `"code":0,`)
		e.StatusCode = map[bool]int{false: 200, true: 400}[failed]
		if o.StatusCodes == StatusZero {
			e.StatusCode = 0
		}
	}
	text := e.Response
	switch o.Responses {
	case ResponseCut:
		cut := len(text) - min(len(text), 5)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		e.Response = text[:cut]
	case ResponsePlain:
		e.Response = "upstream connect error or disconnect/reset before headers"
	case ResponseObject:
		if text != "" {
			e.Raw = string(e.appendJSON(nil, o.NumericIDs))
			e.replace(`"response":`+string(appendString(nil, text)), `"response":`+text)
		}
	}
	if o.StatusCodes == StatusAbsent {
		e.Raw = string(e.appendJSON(nil, o.NumericIDs)) // or its own Raw text
		e.replace(fmt.Sprintf(`,"status_code":%d`, e.StatusCode), "")
	}
}
