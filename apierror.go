// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/feishuaudit/feishuauditreceiver/internal/redact"
)

// apiError is a failed call of the Open API.
type apiError struct {
	class      class
	cause      cause
	operation  string // tenant_access_token or list_data
	httpStatus int    // 0 where no answer came
	code       int64  // the Open API's own code, 0 where none came
	reason     string // what happened, one line, safe to log
	advice     string // what to do about it; empty where waiting is all
	logID      string // the id that Feishu's support asks for
	// wait is how long the server asked us to wait, 0 where it did not.
	wait time.Duration
	// took is how long the call took, without what it waited for before.
	took time.Duration
	// There is no cause to unwrap: statuses carry this error into extensions, and
	// the text of one from below may quote what we sent.
}

// Error tells in one line what happened, what to do, and the log id.
func (e *apiError) Error() string {
	var b strings.Builder
	b.WriteString(e.operation)
	b.WriteString(": ")
	b.WriteString(e.reason)
	var facts []string
	if e.code != 0 {
		facts = append(facts, "code "+strconv.FormatInt(e.code, 10))
	}
	if e.httpStatus != 0 {
		facts = append(facts, "HTTP "+strconv.Itoa(e.httpStatus))
	}
	if e.logID != "" {
		facts = append(facts, "log id "+e.logID)
	}
	if len(facts) > 0 {
		b.WriteString(" (" + strings.Join(facts, ", ") + ")")
	}
	if e.advice != "" {
		b.WriteString("; " + e.advice)
	}
	return b.String()
}

// setCause sorts the error.
func (e *apiError) setCause(c cause) { e.cause, e.class = c, c.info().class }

// outcome and codeLabel name the error in the metric of calls. Both are bounded.
func (e *apiError) outcome() string {
	switch {
	case e.class != classRetry:
		return e.class.outcome()
	case e.code != 0:
		return "failed"
	case e.httpStatus != 0:
		return "bad_answer"
	}
	return "no_answer"
}

func (e *apiError) codeLabel() string {
	switch _, known := codeTable[e.code]; {
	case e.code == 0:
		return "none"
	case known:
		return strconv.FormatInt(e.code, 10)
	}
	return "other"
}

const (
	adviceToken   = "; an access token that was given out before may not carry it, and the same one is given out for up to 90 minutes"
	adviceBaseURL = "check endpoint: it is the base URL only, without /open-apis"
)

// codeTable names the cause behind each code of the Open API, from its general error table,
// the page of list_data, and the official CLI's own classification. A code that is
// not in it is retried with a growing backoff, like those of the API's own failures.
var codeTable = map[int64]cause{
	99991400: causeRateLimit,
	1000004:  causeRateLimit,
	1000005:  causeRateLimit,

	99991403: causeQuota,

	99991661: causeToken,
	99991663: causeToken,
	99991664: causeToken,
	99991665: causeToken,
	99991668: causeToken,
	99991671: causeToken,
	99991677: causeToken,

	99991401: causeAddress,
	99991672: causeScope,
	99991676: causeScope,
	99991679: causeScope,
	99991662: causeApp,
	99991673: causeApp,
	11207:    causeApp,
	11210:    causeApp,
	99991543: causeCredential,
	10005:    causeCredential,
	10012:    causeCredential,
	10013:    causeCredential,
	10014:    causeCredential,
	10015:    causeCredential,
	20002:    causeCredential,

	1780103:  causeFilter,
	99992402: causeFilter,
	9499:     causeFilter,
	1000002:  causeFilter,
	10003:    causeFilter,

	1780001: causeAPI,
	2200:    causeAPI,
	1500:    causeAPI,
	1663:    causeAPI,
	1668:    causeAPI,
	5000:    causeAPI,
	10101:   causeAPI,
	10500:   causeAPI,
	55001:   causeAPI,
	65001:   causeAPI,
	1000003: causeAPI,
}

// errorBody is what an answer says about a failure. Every part of it has been
// seen missing or in another shape, so all of it is read leniently.
type errorBody struct {
	msg, message, logID string
	scopes              []string
	scopeURL            string
	details             []string
}

// maxErrorBody is the largest answer, in bytes, whose account of a failure is
// read: what one takes in memory is many times its size.
const maxErrorBody = 64 << 10

// readErrorBody never fails: what cannot be read is absent.
func readErrorBody(body []byte) errorBody {
	if len(body) > maxErrorBody {
		return errorBody{msg: "a message too long to be read"}
	}
	var top struct {
		Msg   json.RawMessage `json:"msg"`
		LogID json.RawMessage `json:"log_id"`
		Error json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(body, &top)
	var inner struct {
		Message     json.RawMessage `json:"message"`
		LogID       json.RawMessage `json:"log_id"`
		LogIDDoc    json.RawMessage `json:"logid"` // spelling of the documentation
		Permissions json.RawMessage `json:"permission_violations"`
		Fields      json.RawMessage `json:"field_violations"`
		Details     json.RawMessage `json:"details"`
	}
	_ = json.Unmarshal(top.Error, &inner)

	out := errorBody{
		msg:     text(top.Msg),
		message: text(inner.Message),
		logID:   firstOf(text(inner.LogID), text(inner.LogIDDoc), text(top.LogID)),
	}
	// {type, subject} is what the API sends, {scope, url} what its page says.
	for _, v := range objects(inner.Permissions) {
		if s := firstOf(text(v["subject"]), text(v["scope"])); s != "" && !slices.Contains(out.scopes, s) {
			out.scopes = append(out.scopes, s)
		}
		out.scopeURL = firstOf(out.scopeURL, text(v["url"]))
	}
	for _, v := range objects(inner.Fields) {
		out.details = append(out.details, strings.TrimSpace(text(v["field"])+" "+text(v["description"])))
	}
	for _, v := range objects(inner.Details) {
		out.details = append(out.details, strings.TrimSpace(text(v["key"])+" "+text(v["value"])))
	}
	return out
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

func objects(raw json.RawMessage) []map[string]json.RawMessage {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list)
	var out []map[string]json.RawMessage
	for _, item := range list {
		var o map[string]json.RawMessage
		if json.Unmarshal(item, &o) == nil && o != nil {
			out = append(out, o)
		}
	}
	return out
}

func firstOf(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

// maxReason bounds what of a server's text reaches a log line, in runes: the
// messages are long, bilingual and full of links.
const maxReason = 300

// cleanText makes a server's text safe for one log line: printable, short, and
// without the secrets that we sent, however the server writes them.
func cleanText(s string, secrets ...string) string {
	var hidden [][]byte
	limit := maxReason + 1
	for _, spelling := range spellings(secrets) {
		h := printable(spelling, math.MaxInt, nil)
		hidden = append(hidden, h)
		// What is cut off may be the rest of a secret, so it is not cut off before.
		limit = max(limit, maxReason+len(h))
	}
	out := []rune(string(printable(s, limit, hidden)))
	if len(out) > maxReason {
		return string(out[:maxReason]) + "..."
	}
	return string(out)
}

// spellings are the secrets as they may be quoted.
func spellings(secrets []string) []string {
	var out []string
	for _, s := range secrets {
		for _, spelling := range []string{s, url.QueryEscape(s), base64.RawStdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))} {
			if s != "" && !slices.Contains(out, spelling) {
				out = append(out, spelling)
			}
		}
	}
	return out
}

// printable returns the first runes of s, up to the limit, without those that are
// not printable, with one space for every white space, and a mask for what is
// hidden. That is looked for in what was written, as dropping a rune may join its
// parts.
func printable(s string, limit int, hidden [][]byte) []byte {
	var out []byte
	space, runes := false, 0
	for _, r := range s {
		if runes >= limit {
			break
		}
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = space || unicode.IsSpace(r) && runes > 0
			continue
		}
		if space {
			out, space, runes = append(out, ' '), false, runes+1
		}
		out, runes = utf8.AppendRune(out, r), runes+1
		for _, h := range hidden {
			if bytes.HasSuffix(out, h) {
				out = append(out[:len(out)-len(h)], redact.Mask...)
				runes = utf8.RuneCount(out)
				break
			}
		}
	}
	return out
}

// answerError sorts an answer that is not a success. The Open API's own code
// decides before the HTTP status does: the same failure is seen as 200, 400 and
// 429. hasCode tells whether the body was an answer of the Open API at all.
func answerError(operation string, res *answer, code int64, hasCode bool) *apiError {
	e := &apiError{operation: operation, httpStatus: res.status, code: code, logID: res.logID}
	if !hasCode {
		describeForeignAnswer(e, res)
		return e
	}
	body := readErrorBody(res.body)
	clean := func(text string) string { return cleanText(text, res.secrets...) }
	e.logID = firstOf(res.logID, clean(body.logID))
	e.reason = firstOf(clean(firstOf(body.msg, body.message)), "no message")

	e.setCause(cmp.Or(codeTable[code], causeAPI))
	switch {
	case operation == opToken && e.class == classParameter:
		e.setCause(causeCredential)
	case operation == opToken && e.class == classToken:
		e.class = classRetry
	case e.class == classRetry && res.status == http.StatusTooManyRequests:
		e.setCause(causeRateLimit)
	}
	e.advice = e.cause.info().advice
	if e.class == classRateLimited {
		e.wait = res.waitHint()
	} else {
		e.wait = res.retryAfter()
	}
	if len(body.scopes) > 0 {
		e.advice = "grant the app one of the scopes " + clean(strings.Join(body.scopes, ", ")) + " and publish a new version of it" + adviceToken
	}
	if e.cause == causeScope {
		e.advice += ": " + firstOf(clean(body.scopeURL), res.scopePage)
	}
	if len(body.details) > 0 {
		e.reason += ": " + clean(strings.Join(body.details, ", "))
	}
	return e
}

// describeForeignAnswer is about answers that did not come from the Open API but
// from something in front of it, or from another server.
func describeForeignAnswer(e *apiError, res *answer) {
	e.cause, e.wait = causeAPI, res.retryAfter()
	kind := "an answer that is not JSON of the Open API"
	switch {
	case len(res.body) == 0:
		kind = "an empty answer"
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(res.body[:min(len(res.body), 64)]))), "<"):
		kind = "an HTML or XML page"
	}
	switch {
	case res.status == http.StatusNotFound || res.status == http.StatusMethodNotAllowed:
		e.setCause(causeEndpoint)
		e.advice = adviceBaseURL
		e.reason = "the server does not know this path"
	case res.status >= 300 && res.status < 400:
		e.setCause(causeEndpoint)
		e.advice = adviceBaseURL
		e.reason = "the server redirects elsewhere, which is not followed: the access token would go along"
	case res.status == http.StatusTooManyRequests:
		e.setCause(causeRateLimit)
		e.wait = res.waitHint()
		e.reason = "too many requests, says " + kind
	case res.status == http.StatusProxyAuthRequired:
		e.setCause(causeEndpoint)
		e.advice = "check proxy_url and its credential"
		e.reason = "the proxy asks for a credential"
	case res.status >= 500:
		e.reason = "the server or a gateway in front of it failed with " + kind
	default:
		e.reason = "got " + kind
		e.advice = "if this lasts, check endpoint and whether a proxy answers in between"
	}
}

// transportError sorts a call that got no whole answer: none, or only what came before
// its body.
func transportError(operation string, res *answer, err error, secrets ...string) *apiError {
	e := &apiError{operation: operation, class: classRetry, cause: causeNetwork, reason: cleanText(rootCause(err), secrets...)}
	e.advice = networkAdvice(err)
	if errors.Is(err, errTooLarge) {
		e.setCause(causeAnswerSize)
		e.advice = e.cause.info().advice
	}
	if res == nil || res.status == http.StatusOK {
		return e
	}
	// What the server asked for holds, though why cannot be read. At its rate limit the
	// Open API answers 429 or 400.
	e.httpStatus, e.logID, e.wait = res.status, res.logID, res.retryAfter()
	if hint := res.waitHint(); res.status == http.StatusTooManyRequests || res.status == http.StatusBadRequest && hint > 0 {
		e.class, e.wait = classRateLimited, hint
	}
	return e
}

// rootCause leaves out the URL that net/http puts in front.
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

// Bounds of the wait that a server may ask for: a bogus value must neither make
// us hammer it nor put us to sleep for a day.
const (
	minWaitHint = time.Second
	maxWaitHint = 10 * time.Minute
)

// waitHint reads how long the server asks us to wait when its rate limit is reached:
// x-ogw-ratelimit-reset (official, seconds) and the standard Retry-After; the longer one
// counts. 0 means that it did not say.
func (r *answer) waitHint() time.Duration {
	return r.hint("X-Ogw-Ratelimit-Reset", "Retry-After")
}

// retryAfter is waitHint for any other failure, of which only the standard header
// speaks: a gateway sends it with a 503.
func (r *answer) retryAfter() time.Duration { return r.hint("Retry-After") }

func (r *answer) hint(names ...string) time.Duration {
	var wait time.Duration
	for _, name := range names {
		value := strings.TrimSpace(r.header.Get(name))
		if value == "" {
			continue
		}
		if seconds, err := strconv.ParseFloat(value, 64); err == nil {
			// Bounded before the conversion: a float64 beyond int64 is no duration.
			if seconds > 0 { // NaN is not
				wait = max(wait, time.Duration(min(seconds, maxWaitHint.Seconds())*float64(time.Second)))
			}
		} else if at, err := http.ParseTime(value); err == nil && !r.date.IsZero() {
			wait = max(wait, at.Sub(r.date))
		}
	}
	if wait <= 0 {
		return 0
	}
	return min(max(wait, minWaitHint), maxWaitHint)
}

// errTooLarge is an answer beyond max_response_size.
var errTooLarge = errors.New("the answer is larger than max_response_size")

func tooLarge(limit int64) error {
	return fmt.Errorf("%w (%d bytes)", errTooLarge, limit)
}
