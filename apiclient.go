// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
)

// The two calls, with the official names of what they return.
const (
	opToken = "tenant_access_token"
	opList  = "list_data"

	tokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
	listPath  = "/open-apis/security_and_compliance/v1/openapi_logs/list_data"
)

// gate is what a client asks before a call of list_data, and tells of what became of each
// call. Its methods are called from many goroutines.
type gate interface {
	// Admit waits until one more call of list_data may be made. An urgent one is a walk
	// whose page token will not live for long. What it returns is to be called when the
	// answer is there, or will not come.
	Admit(ctx context.Context, urgent bool) (answered func(), err error)
	// Answered is told of the answer to any call, by our clock, and of the server's date
	// in it, which is zero where it had none.
	Answered(date, sent, received time.Time)
	// Ended is told of every call that was made: how long it took, and its error, if any.
	Ended(operation string, took time.Duration, err error)
}

// clientSettings are what a client needs.
type clientSettings struct {
	HTTP *http.Client // does not follow redirects; NewHTTP makes one
	// CloseIdle closes the connections that nobody uses; may be nil.
	CloseIdle func()
	Endpoint  string // the base URL of the Open API
	AppID     string
	AppSecret configopaque.String
	// MaxResponse is the largest answer that is read, in bytes.
	MaxResponse int64
	// Headers are sent along with each call, and are as secret as the rest.
	Headers configopaque.MapList
	Gate    gate
}

// client makes the two calls of the Open API that this module needs. Why it is
// written by hand and not the official SDK: docs/architecture.md.
type client struct {
	set    clientSettings
	tokens tokenSource
	// unheard is set by a call that got no answer.
	unheard atomic.Bool
}

// newClient returns a client without an access token. It makes no call.
func newClient(set clientSettings) *client {
	set.Endpoint = strings.TrimRight(set.Endpoint, "/")
	return &client{set: set}
}

// token makes sure that there is an access token, and returns how long a new one has to
// live; 0 where the one that was there is used.
func (c *client) token(ctx context.Context) (life time.Duration, err error) {
	_, err = c.tokens.get(ctx, func(ctx context.Context) (string, time.Duration, error) {
		var value string
		value, life, err = c.fetchToken(ctx)
		return value, life, err
	})
	return life, err
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	logID    string    // cleaned, as it goes into log lines
	date     time.Time // the server's clock, zero where it did not say
	sent     time.Time // our clock
	received time.Time // our clock
	secrets  []string  // what was sent and must not be shown
	// scopePage is where the app is granted the scope. The API's own message has
	// this link, too, behind so much text that it does not fit into a log line.
	scopePage string
}

// listRequest is the body of list_data. Every page of a walk sends the same one
// but for the page token: whether filters may change while paging is not
// documented.
type listRequest struct {
	APIKeys   []string `json:"api_keys,omitempty"`
	StartTime int64    `json:"start_time"` // seconds
	EndTime   int64    `json:"end_time"`   // seconds
	AppID     string   `json:"app_id,omitempty"`
	PageSize  int      `json:"page_size"`
	PageToken string   `json:"page_token,omitempty"`
	// Urgent is a walk that has begun again and has to get further this time before
	// its page token is no longer taken. It is not sent.
	Urgent bool `json:"-"`
}

// listData asks for one page. The error, if any, is an *apiError or ctx's own.
// A refused access token is replaced and the call repeated once.
func (c *client) listData(ctx context.Context, req listRequest) (*page, *answer, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return nil, nil, err // strings and numbers always marshal
	}
	for attempt := 0; ; attempt++ {
		token, err := c.tokens.get(ctx, c.fetchToken)
		if err != nil {
			return nil, nil, err
		}
		p, res, err := c.listOnce(ctx, body, token, req)
		var failed *apiError
		if errors.As(err, &failed) && failed.class == classToken {
			c.tokens.drop(token)
			if attempt == 0 {
				continue
			}
			// The token endpoint hands out the same token while it has half an
			// hour to live, so a second try at once would be no other.
			failed.class = classRetry
			failed.advice = "the API refuses the token that it has just given out; if this lasts, check that endpoint is the cloud of the app"
		}
		if failed != nil && failed.cause == causeScope {
			// A scope that is granted now may be missing from a token that was given out
			// before: that is not documented. The next try asks for the token again, which
			// is another one as soon as this one has less than half an hour to live.
			c.tokens.drop(token)
		}
		return p, res, err
	}
}

func (c *client) listOnce(ctx context.Context, body []byte, token string, req listRequest) (*page, *answer, error) {
	answered, err := c.set.Gate.Admit(ctx, req.Urgent)
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	res, err := c.post(ctx, listPath, token, body, req.PageToken)
	answered()
	var p *page
	if err != nil {
		err = transportError(opList, res, err, c.secrets(token, req.PageToken)...)
		res = nil
	} else {
		p, err = readPage(res)
		res.body = nil // the page has a copy of its own
	}
	if ctx.Err() != nil && err != nil {
		return nil, nil, ctx.Err()
	}
	c.ended(opList, began, err)
	return p, res, err
}

// ended tells of a call that ended, and how long it took.
func (c *client) ended(operation string, began time.Time, err error) {
	took := time.Since(began)
	var failed *apiError
	if errors.As(err, &failed) {
		failed.took = took
	}
	c.set.Gate.Ended(operation, took, err)
}

// secrets are what no error may show: the app secret and what else was sent.
func (c *client) secrets(sent ...string) []string {
	return append(append(sent, string(c.set.AppSecret)), headerSecrets(c.set.Headers)...)
}

// minHeaderSecret is how long the value of a configured header has to be, in bytes, to be
// hidden: a short one is no secret, and its letters stand everywhere.
const minHeaderSecret = 6

// headerSecrets are the values of the configured headers, and what stands in them behind
// a scheme like Basic.
func headerSecrets(headers configopaque.MapList) []string {
	var secrets []string
	for _, opaque := range headers.Iter {
		value := string(opaque)
		_, credential, _ := strings.Cut(value, " ")
		for _, s := range []string{value, credential} {
			if len(s) >= minHeaderSecret {
				secrets = append(secrets, s)
			}
		}
	}
	return secrets
}

func readPage(res *answer) (*page, error) {
	p, err := parsePage(res.body)
	switch {
	case err != nil && res.status == http.StatusOK && looksLikeJSON(res.body):
		e := &apiError{operation: opList, cause: causeAPI, httpStatus: res.status, logID: res.logID}
		e.reason = "the answer is broken: " + cleanText(err.Error(), res.secrets...)
		return nil, e
	case err != nil || !p.hasCode:
		return nil, answerError(opList, res, 0, false)
	case p.code != 0:
		return nil, answerError(opList, res, p.code, true)
	case res.status != http.StatusOK:
		// A gateway's own JSON may have such a code, too. It is no empty last page.
		return nil, answerError(opList, res, 0, false)
	}
	return p, nil
}

func looksLikeJSON(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// fetchToken asks for a tenant_access_token and its remaining life. Source:
// official page "Get tenant_access_token (custom apps)".
func (c *client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	began := time.Now()
	token, life, err := c.tokenOnce(ctx)
	if ctx.Err() != nil && err != nil {
		return "", 0, ctx.Err()
	}
	c.ended(opToken, began, err)
	return token, life, err
}

func (c *client) tokenOnce(ctx context.Context) (string, time.Duration, error) {
	body, err := json.Marshal(map[string]string{"app_id": c.set.AppID, "app_secret": string(c.set.AppSecret)})
	if err != nil {
		return "", 0, err
	}
	res, err := c.post(ctx, tokenPath, "", body)
	if err != nil {
		return "", 0, transportError(opToken, res, err, c.secrets()...)
	}
	var parsed struct {
		Code   *int64 `json:"code"`
		Token  string `json:"tenant_access_token"`
		Expire int64  `json:"expire"` // seconds of life left
	}
	err = json.Unmarshal(res.body, &parsed)
	switch {
	case err != nil || parsed.Code == nil:
		return "", 0, answerError(opToken, res, 0, false)
	case *parsed.Code != 0:
		return "", 0, answerError(opToken, res, *parsed.Code, true)
	case res.status != http.StatusOK || !usableToken(parsed.Token) || parsed.Expire <= 0:
		return "", 0, &apiError{operation: opToken, cause: causeAPI, httpStatus: res.status, logID: res.logID, wait: res.retryAfter(), reason: "the answer says success but holds no usable token"}
	}
	return parsed.Token, time.Duration(min(parsed.Expire, 1<<31)) * time.Second, nil
}

// maxToken is the longest access token that is taken, in bytes: the newer ones are
// JWTs of 4 KB, says their documentation.
const maxToken = 16 << 10

// usableToken tells whether a token can be sent in a header.
func usableToken(token string) bool {
	return token != "" && len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// post sends one request and reads the whole answer, up to the size limit after
// decompression. Hidden is what no error may show, besides the credentials. With an
// error it returns what came before the body, if that could not be read.
func (c *client) post(ctx context.Context, path, token string, body []byte, hidden ...string) (*answer, error) {
	secrets := c.secrets(append(hidden, token)...)
	req, err := http.NewRequestWithContext(hiding(ctx, secrets), http.MethodPost, c.set.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for name, value := range c.set.Headers.Iter {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = string(value)
		}
		req.Header.Set(name, string(value))
	}
	// A connection of HTTP/2 outlives a call that got no answer, even where it has died
	// without a word. It is idle by now, and was not yet when that call ended.
	if c.unheard.Swap(false) && c.set.CloseIdle != nil {
		c.set.CloseIdle()
	}
	sent := time.Now()
	res, err := c.set.HTTP.Do(req)
	if err != nil {
		c.unheard.Store(true)
		return nil, err
	}
	defer res.Body.Close()
	date, _ := http.ParseTime(res.Header.Get("Date")) // zero where absent or unreadable
	out := &answer{
		status:  res.StatusCode,
		header:  res.Header,
		logID:   cleanText(firstOf(res.Header.Get("X-Tt-Logid"), res.Header.Get("X-Request-Id")), secrets...),
		secrets: secrets,
		date:    date,
		sent:    sent,

		scopePage: c.set.Endpoint + "/app/" + c.set.AppID + "/auth?q=" + scopeName + "&op_from=openapi&token_type=tenant",
	}
	if out.body, err = readLimited(res.Body, c.set.MaxResponse, res.ContentLength); err != nil {
		c.unheard.Store(true)
		return out, err
	}
	out.received = time.Now()
	c.set.Gate.Answered(date, sent, out.received)
	return out, nil
}

// maxTrusted is how much memory is taken for an answer on its Content-Length alone.
const maxTrusted = 1 << 20

func readLimited(r io.Reader, limit, announced int64) ([]byte, error) {
	if announced > limit {
		return nil, tooLarge(limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(max(announced, 4<<10), maxTrusted)+bytes.MinRead))
	if _, err := buf.ReadFrom(io.LimitReader(r, max(limit, limit+1))); err != nil { // the largest limit has no next one
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}
