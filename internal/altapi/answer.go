// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is a response before it is sent.
type answer struct {
	status int
	code   int64 // of the body; -1: the body has none
	kind   string
	body   string
	header map[string]string
	// hint is how long the response asks to wait, as far as a client can be expected to obey it.
	hint time.Duration
}

const (
	jsonKind = "application/json; charset=utf-8"
	htmlKind = "text/html"
	textKind = "text/plain; charset=utf-8"
)

// failure is an error of the platform, in one of the forms that were seen.
func (a *API) failure(status int, code int64, msg string) *answer {
	body := fmt.Sprintf(`{"code":%d,"msg":%s`, code, quote(msg))
	switch a.tokensOf("shape") % 5 {
	case 0:
		body += `,"data":{}`
	case 1:
		body += fmt.Sprintf(`,"error":{"message":"see the documentation","log_id":%q}`, a.logID())
	case 2:
		body += fmt.Sprintf(`,"error":{"logid":%q,"troubleshooter":"https://open.feishu.cn/search"}`, a.logID())
	case 3:
		body += fmt.Sprintf(`,"error":"upstream","log_id":%q`, a.logID())
	}
	return &answer{status: status, code: code, kind: jsonKind, body: body + "}"}
}

func (a *API) internal(msg string) *answer {
	return a.failure(http.StatusInternalServerError, 1780001, msg)
}

func (a *API) param(msg string) *answer { return a.failure(http.StatusBadRequest, 1780103, msg) }

func (a *API) deadToken() *answer {
	switch a.traits.DeadToken {
	case DeadGateway:
		return a.failure(http.StatusBadRequest, 99992402, "field validation failed")
	case DeadInternal:
		return a.internal("Internal Server Error")
	}
	return a.param("Request Param Error")
}

// limited is a refusal for too many calls.
func (a *API) limited(wait time.Duration) *answer {
	limit := a.traits.Limit
	r := a.failure(limit.Status, 99991400, "request trigger frequency limit")
	seconds := int64(math.Ceil(wait.Seconds()))
	text := strconv.FormatInt(max(1, seconds), 10)
	r.header = map[string]string{}
	switch limit.Hint {
	case HintReset:
		r.header["x-ogw-ratelimit-limit"] = strconv.Itoa(limit.PerMinute)
		r.header["x-ogw-ratelimit-reset"] = text
	case HintRetry:
		r.header["Retry-After"] = text
	case HintBoth:
		r.header["x-ogw-ratelimit-reset"], r.header["Retry-After"] = text, text
	case HintWrong:
		r.header["x-ogw-ratelimit-reset"] = []string{"", "-5", "soon", "99999999999999999999", "1.5", "0"}[a.tokensOf("hint")%6]
	}
	if limit.Hint == HintReset || limit.Hint == HintRetry || limit.Hint == HintBoth {
		r.hint = time.Duration(max(1, seconds)) * time.Second
	}
	return r
}

func html(status int) *answer {
	return &answer{
		status: status, code: -1, kind: htmlKind,
		body: fmt.Sprintf("<html><head><title>%d %s</title></head><body>tengine</body></html>", status, http.StatusText(status)),
	}
}

func notFound() *answer {
	return &answer{status: http.StatusNotFound, code: -1, kind: textKind, body: "404 page not found"}
}

// response is the answer as a client gets it.
func (a *API) response(req *http.Request, r *answer, now time.Time) *http.Response {
	header := http.Header{}
	header.Set("Content-Type", r.kind)
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("X-Tt-Logid", a.logID())
	for name, value := range r.header {
		header.Set(name, value)
	}
	return &http.Response{
		Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status), StatusCode: r.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: int64(len(r.body)), Body: io.NopCloser(strings.NewReader(r.body)), Request: req,
	}
}

func (a *API) logID() string {
	return fmt.Sprintf("20261128120000%020X", a.tokensOf("log id"))
}

// tokensOf counts tokens of each kind.
func (a *API) tokensOf(kind string) int {
	a.counts[kind]++
	return a.counts[kind]
}

// opaque is a token without a visible meaning, with characters that need escaping in a URL.
func (a *API) opaque(kind string, n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s?>%d~%x", kind, n, a.seed))
}
