// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// Error is a failed call of the Open API.
type Error struct {
	Class      cause.Class
	Cause      cause.Cause
	Operation  string // tenant_access_token or list_data
	HTTPStatus int    // 0 without an answer
	Code       int64  // the Open API's own code, 0 without one
	Reason     string // what happened, one line, safe to log
	Advice     string // what to do about it; empty if waiting is enough
	LogID      string // the id that Feishu's support asks for
	// Wait is how long the server asked us to wait, 0 if it did not.
	Wait time.Duration
	// Took is how long the call took, without the waits before it.
	Took time.Duration
	// doubtful is a page that does not say whether it is the last. unsaid is such a page, or a refusal of its
	// page token when it was requested again.
	doubtful, unsaid bool
	// There is no error to unwrap: statuses pass this error on to extensions, and the text of a lower-level
	// error may quote what we sent.
	// the text of one from below may quote what we sent.
}

// maxBeforeAdvice limits the text before the advice, in runes: with the title of its cause, which comes first,
// about 300.
const maxBeforeAdvice = 235

// maxLogID is twice as long as a log id is.
const maxLogID = 64

// Error returns in one line what happened, what to do, and the log id.
func (e *Error) Error() string {
	var facts []string
	if e.Code != 0 {
		facts = append(facts, "code "+strconv.FormatInt(e.Code, 10))
	}
	if e.HTTPStatus != 0 {
		facts = append(facts, "HTTP "+strconv.Itoa(e.HTTPStatus))
	}
	if e.LogID != "" {
		facts = append(facts, "log id "+cut(e.LogID, maxLogID))
	}
	about := ""
	if len(facts) > 0 {
		about = " (" + strings.Join(facts, ", ") + ")"
	}
	reason := cut(e.Reason, maxBeforeAdvice-len(e.Operation)-len(": ...")-len(about))
	text := e.Operation + ": " + reason + about
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// cut returns a text's first runes.
func cut(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:max(0, most)]) + "..."
	}
	return s
}

// setCause classifies the error.
func (e *Error) setCause(c cause.Cause) { e.Cause, e.Class = c, c.Info().Class }

// OwnFault reports whether the code means a failure of the API itself.
func (e *Error) OwnFault() bool { return Causes[e.Code] == cause.API }

// Unsaid reports whether this is an answer that does not say whether more pages follow, or the result of
// requesting such a page again.
func (e *Error) Unsaid() bool { return e.unsaid }

// Outcome and CodeLabel are the error's labels in the metric of calls. Both have few values.
func (e *Error) Outcome() string {
	switch {
	case e.Class != cause.ClassRetry:
		return e.Class.Outcome()
	case e.Code != 0:
		return "failed"
	case e.HTTPStatus != 0:
		return "bad_answer"
	}
	return "no_answer"
}

// CodeLabel is the code if it is a known one, or "none" or "other".
func (e *Error) CodeLabel() string {
	switch _, known := Causes[e.Code]; {
	case e.Code == 0:
		return "none"
	case known:
		return strconv.FormatInt(e.Code, 10)
	}
	return "other"
}

const adviceBaseURL = "check endpoint: it is the base URL only, without /open-apis"

// answerError classifies an answer that is not a success. The Open API's own code decides before the HTTP
// status: the same failure is seen as 200, 400 and 429. hasCode reports whether the body was an answer of the
// Open API at all.
func answerError(operation string, res *Answer, code int64, hasCode bool) *Error {
	e := &Error{Operation: operation, HTTPStatus: res.Status, Code: code, LogID: res.logID}
	if !hasCode {
		describeForeignAnswer(e, res)
		return e
	}
	body := readErrorBody(res.body)
	clean := func(text string) string { return cleanText(text, res.secrets...) }
	e.LogID = firstOf(res.logID, clean(body.logID))
	e.Reason = firstOf(clean(firstOf(body.msg, body.message)), "no message")

	e.setCause(causeOf(operation, code, res.Status))
	switch {
	case operation == OpToken && e.Class == cause.ClassParameter:
		e.setCause(cause.Credential)
	case operation == OpToken && e.Class == cause.ClassToken:
		e.Class = cause.ClassRetry
	case e.Class == cause.ClassRetry && res.Status == http.StatusTooManyRequests:
		e.setCause(cause.RateLimit)
	}
	e.Advice = e.Cause.Info().Advice
	if e.Class == cause.ClassRateLimited {
		e.Wait = res.waitHint()
	} else {
		e.Wait = res.retryAfter()
	}
	if len(body.scopes) > 0 {
		e.Advice = "grant the app one of the scopes " + clean(strings.Join(body.scopes, ", ")) + " and publish a new version of it" + cause.AdviceOldToken
	}
	if e.Cause == cause.Scope {
		// The message contains the scopes and a link, in two languages.
		if i := strings.IndexAny(e.Reason, "[【：:"); i > 0 {
			e.Reason = strings.TrimRight(e.Reason[:i], " ,.;")
		}
		page := clean(body.scopeURL)
		if page == "" || strings.HasSuffix(page, "...") { // a part of a link leads nowhere
			page = res.scopePage
		}
		e.Advice += ": " + page
	}
	if len(body.details) > 0 && e.Cause != cause.Scope {
		e.Reason += ": " + clean(strings.Join(body.details, ", "))
	}
	return e
}

// describeForeignAnswer describes answers that came from something in front of the Open API, or from another
// server.
func describeForeignAnswer(e *Error, res *Answer) {
	e.Cause, e.Wait = cause.API, res.retryAfter()
	kind := "an answer that is not JSON of the Open API"
	switch {
	case len(res.body) == 0:
		kind = "an empty answer"
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(res.body[:min(len(res.body), 64)]))), "<"):
		kind = "an HTML or XML page"
	}
	switch {
	case res.Status == http.StatusNotFound || res.Status == http.StatusMethodNotAllowed:
		e.setCause(cause.Endpoint)
		e.Advice = adviceBaseURL
		e.Reason = "the server does not know this path"
	case res.Status >= 300 && res.Status < 400:
		e.setCause(cause.Endpoint)
		e.Advice = adviceBaseURL
		e.Reason = "the server redirects elsewhere, which is not followed: the access token would go along"
	case res.Status == http.StatusUnauthorized && e.Operation == OpList:
		e.setCause(cause.Token)
		e.Reason = "the access token is refused, with " + kind
	case res.Status == http.StatusTooManyRequests:
		e.setCause(cause.RateLimit)
		e.Wait = res.waitHint()
		e.Reason = "too many requests, says " + kind
	case res.Status == http.StatusProxyAuthRequired:
		e.setCause(cause.Endpoint)
		e.Advice = "check proxy_url and its credential"
		e.Reason = "the proxy asks for a credential"
	case res.Status >= 500:
		e.Reason = "the server or a gateway in front of it failed with " + kind
	default:
		e.Reason = "got " + kind
		e.Advice = "if this lasts, check endpoint and whether a proxy answers in between"
	}
}

// transportError classifies a call without a complete answer: none at all, or only what came before its body.
func transportError(operation string, res *Answer, err error, secrets ...string) *Error {
	e := &Error{Operation: operation, Class: cause.ClassRetry, Cause: cause.Network, Reason: cleanText(rootCause(err), secrets...)}
	e.Advice = networkAdvice(err)
	if errors.Is(err, errTooLarge) {
		e.setCause(cause.AnswerSize)
		e.Advice = e.Cause.Info().Advice
	}
	if res == nil || res.Status == http.StatusOK {
		return e
	}
	// The server's hint to wait counts, although the reason cannot be read. At its rate limit the Open API
	// answers 429 or 400.
	e.HTTPStatus, e.LogID, e.Wait = res.Status, res.logID, res.retryAfter()
	if hint := res.waitHint(); res.Status == http.StatusTooManyRequests || res.Status == http.StatusBadRequest && hint > 0 {
		if e.Cause == cause.Network { // it has answered
			e.setCause(cause.RateLimit)
			e.Advice = e.Cause.Info().Advice
		}
		e.Class, e.Wait = cause.ClassRateLimited, hint
	}
	if operation == OpList && res.Status == http.StatusUnauthorized {
		e.Class = cause.ClassToken // the status shows it, although the reason cannot be read
	}
	return e
}

// rootCause omits the URL that net/http puts in front.
func rootCause(err error) string {
	type timeouter interface{ Timeout() bool }
	var t timeouter
	msg := err.Error()
	if i := strings.Index(msg, `": `); i >= 0 && strings.HasPrefix(msg, "Post ") {
		msg = msg[i+len(`": `):]
	}
	if errors.As(err, &t) && t.Timeout() {
		return "no answer within the time limit: " + msg
	}
	return "no answer: " + msg
}
