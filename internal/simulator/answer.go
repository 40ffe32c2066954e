// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is the answer to a call.
type answer struct {
	call   Call
	now    time.Time // server time
	page   int       // the number of the requested page in its walk, from 1
	gzip   bool
	status int
	header http.Header
	data   []byte
	kind   FaultKind // what happens in transit, "" for nothing
	fault  Fault     // that of kind, if it has parameters
}

// body sets status and body, as JSON.
func (a *answer) body(status int, data []byte) {
	a.status, a.data = status, data
	a.header.Set("Content-Type", "application/json; charset=utf-8")
}

func (a *answer) text(status int, text string) {
	a.status, a.data = status, []byte(text)
	a.header.Set("Content-Type", "text/plain; charset=utf-8")
}

func (a *answer) html(status int) {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	a.status = status
	a.data = fmt.Appendf(nil, "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n<hr><center>Tengine</center>\r\n</body>\r\n</html>\r\n", title, title)
	a.header.Set("Content-Type", "text/html; charset=utf-8")
}

// apiError is the body of a refusal. Its form is the one of real answers, which differ from the documentation in
// the spelling of log_id.
type apiError struct {
	Code  int          `json:"code"`
	Msg   string       `json:"msg"`
	Error *errorDetail `json:"error,omitempty"`
}

type errorDetail struct {
	Message              string              `json:"message,omitempty"`
	LogID                string              `json:"log_id"`
	Troubleshooter       string              `json:"troubleshooter,omitempty"`
	FieldViolations      []fieldViolation    `json:"field_violations,omitempty"`
	PermissionViolations []map[string]string `json:"permission_violations,omitempty"`
}

type fieldViolation struct {
	Field       string `json:"field"`
	Value       string `json:"value"`
	Description string `json:"description"`
}

// fail answers with an error of the API.
func (a *answer) fail(status, code int, msg string) {
	a.failWith(status, code, msg, errorDetail{})
}

func (a *answer) failWith(status, code int, msg string, detail errorDetail) {
	detail.LogID = a.call.LogID
	detail.Troubleshooter = fmt.Sprintf("排查建议查看(Troubleshooting suggestions): https://open.feishu.cn/search?from=openapi&log_id=%s&code=%d", a.call.LogID, code)
	a.json(status, apiError{Code: code, Msg: msg, Error: &detail})
	a.call.Code = code
}

// failShort answers with an error without details, as the token endpoint does.
func (a *answer) failShort(status, code int, msg string) {
	a.json(status, apiError{Code: code, Msg: msg})
	a.call.Code = code
}

func (a *answer) json(status int, v any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only our own types get here
	}
	a.body(status, bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// send writes the answer, or does what its fault requires instead.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	switch a.kind {
	case FaultReset:
		reset(w)
	case FaultHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case FaultDelay:
		delay := a.fault.Delay
		setDefault(&delay, 5*time.Second)
		sleep(r.Context(), delay)
	case FaultWrongDate:
		by := a.fault.By
		setDefault(&by, 8*time.Hour)
		a.now = a.now.Add(by) // only the header is still to be made
	case FaultTruncated:
		a.data = a.data[:len(a.data)/2]
	case FaultHuge:
		size := a.fault.Size
		setDefault(&size, 64<<20)
		a.data = append(a.data, bytes.Repeat([]byte(" "), size)...)
	}
	if a.gzip && len(a.data) > 0 && acceptsGzip(r.Header) {
		var buf bytes.Buffer
		zw := gzip.NewWriter(&buf)
		_, _ = zw.Write(a.data) // a buffer accepts everything
		_ = zw.Close()
		a.data = buf.Bytes()
		a.header.Set("Content-Encoding", "gzip")
	}

	h := w.Header()
	maps.Copy(h, a.header)
	h.Set("X-Tt-Logid", a.call.LogID)
	h.Set("Date", a.now.UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(a.data)))
	w.WriteHeader(a.status)

	// A failing write means that the caller has gone, which it may.
	switch a.kind {
	case FaultSlowBody:
		delay := a.fault.Delay
		setDefault(&delay, 10*time.Millisecond)
		for i := range a.data {
			sleep(r.Context(), delay)
			_, _ = w.Write(a.data[i : i+1])
			flush(w)
		}
	case FaultResetBody:
		_, _ = w.Write(a.data[:len(a.data)/2])
		flush(w)
		reset(w)
	default:
		_, _ = w.Write(a.data)
	}
}

// sleep waits, or aborts the answer when the caller gives up.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// reset ends the connection: with a TCP reset if there is one, otherwise in the way that net/http defines.
func reset(w http.ResponseWriter) {
	if hj, ok := w.(http.Hijacker); ok {
		if conn, _, err := hj.Hijack(); err == nil {
			if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		if name, _, _ := strings.Cut(coding, ";"); strings.TrimSpace(name) == "gzip" {
			return true
		}
	}
	return false
}
