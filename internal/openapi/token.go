// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// Token makes sure that there is an access token. It returns how long a new one has to live, or 0 if the
// existing one is used.
func (c *Client) Token(ctx context.Context) (life time.Duration, err error) {
	_, err = c.tokens.get(ctx, func(ctx context.Context) (string, time.Duration, error) {
		var value string
		value, life, err = c.fetchToken(ctx)
		return value, life, err
	})
	return life, err
}

// fetchToken requests a tenant_access_token and its remaining life. Source: official page "Get
// tenant_access_token (custom apps)".
func (c *Client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	began := time.Now()
	token, life, err := c.tokenOnce(ctx)
	if ctx.Err() != nil && err != nil {
		return "", 0, ctx.Err()
	}
	c.ended(OpToken, began, 0, err)
	return token, life, err
}

func (c *Client) tokenOnce(ctx context.Context) (string, time.Duration, error) {
	body, err := json.Marshal(map[string]string{"app_id": c.set.AppID, "app_secret": string(c.set.AppSecret)})
	if err != nil {
		return "", 0, err
	}
	res, err := c.post(ctx, TokenPath, "", body)
	if err != nil {
		return "", 0, transportError(OpToken, res, err, c.secrets()...)
	}
	token, ok := readToken(res.body)
	switch {
	case !ok:
		return "", 0, answerError(OpToken, res, 0, false)
	case token.code != 0:
		return "", 0, answerError(OpToken, res, token.code, true)
	case res.Status != http.StatusOK || !usableToken(token.value):
		return "", 0, &Error{Operation: OpToken, Cause: cause.API, HTTPStatus: res.Status, LogID: res.logID, Wait: res.retryAfter(), Reason: "the answer says success but holds no usable token"}
	}
	return token.value, token.life, nil
}

// tokenAnswer is the answer of the token call.
type tokenAnswer struct {
	code  int64
	value string
	life  time.Duration // the remaining life
}

// lifeNotSaid is how long a token is used if its answer has no lifetime, or none that can be one. Requesting it
// again is cheap: the same token is returned until half an hour before its end. A token that has ended is refused
// by list_data, which says so.
const lifeNotSaid = 5 * time.Minute

// readToken reads an answer of the token call as leniently as a page of list_data: numbers may be strings and
// the other way round, names may differ in case, and code, token and life may be inside data, as in newer calls.
// It fails if there is no code: then it is not an answer of the Open API.
func readToken(body []byte) (out tokenAnswer, ok bool) {
	var top, inner tokenFields
	if json.Unmarshal(body, &top) != nil {
		return out, false
	}
	_ = json.Unmarshal(top.Data, &inner) // not documented, so it may be anything
	if out.code, ok = entry.ParseCode(string(firstRaw(top.Code, inner.Code))); !ok {
		return out, false
	}
	out.value, _ = entry.ParseText(string(firstRaw(top.Token, inner.Token)))
	out.life = lifeNotSaid
	if text, _ := entry.ParseText(string(firstRaw(top.Expire, inner.Expire))); text != "" {
		// The documentation says whole seconds. A fraction is no reason to refuse the token.
		if seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && seconds >= 1 { // NaN is not
			out.life = time.Duration(min(seconds, maxLife.Seconds())) * time.Second
		}
	}
	return out, true
}

// maxLife limits a token's life. It is documented as two hours at most.
const maxLife = 1 << 31 * time.Second

type tokenFields struct {
	Code   json.RawMessage `json:"code"`
	Token  json.RawMessage `json:"tenant_access_token"`
	Expire json.RawMessage `json:"expire"` // remaining seconds
	Data   json.RawMessage `json:"data"`
}

// firstRaw returns the first value that is present and not null.
func firstRaw(candidates ...json.RawMessage) json.RawMessage {
	for _, c := range candidates {
		if len(c) > 0 && string(c) != "null" {
			return c
		}
	}
	return nil
}

// maxToken is the longest access token that is accepted, in bytes: according to the documentation, the newer
// ones are JWTs of 4 KB.
const maxToken = 16 << 10

// usableToken reports whether a token can be sent in a header.
func usableToken(token string) bool {
	return token != "" && len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// tokenSource keeps the access token. One caller at a time requests a new one, while the others wait for its
// result, a token or a failure.
type tokenSource struct {
	mu      sync.Mutex
	value   string
	renewAt time.Time
	asking  *tokenCall // nil if nobody is requesting one
}

// tokenCall is a call of the token endpoint.
type tokenCall struct {
	ended chan struct{} // closed when the rest is known
	value string
	err   error
	// givenUp: the caller had to stop, which means nothing for the others.
	givenUp bool
}

// get returns a token that is valid for a while, and requests one if necessary.
func (s *tokenSource) get(ctx context.Context, fetch func(context.Context) (string, time.Duration, error)) (string, error) {
	for {
		s.mu.Lock()
		if s.value != "" && time.Now().Before(s.renewAt) {
			defer s.mu.Unlock()
			return s.value, nil
		}
		call := s.asking
		if call == nil {
			call = &tokenCall{ended: make(chan struct{})}
			s.asking = call
			s.mu.Unlock()
			s.ask(ctx, call, fetch)
			return call.value, call.err
		}
		s.mu.Unlock()
		select {
		case <-call.ended:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if !call.givenUp {
			return call.value, call.err
		}
	}
}

// ask makes the call.
func (s *tokenSource) ask(ctx context.Context, call *tokenCall, fetch func(context.Context) (string, time.Duration, error)) {
	call.givenUp = true // if it panics
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asking = nil
		close(call.ended)
	}()
	asked := time.Now()
	value, life, err := fetch(ctx)
	call.value, call.err, call.givenUp = value, err, err != nil && ctx.Err() != nil
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.renewAt = value, asked.Add(life-renewMargin(life))
	}
}

// drop forgets the token if it is still the one in use, so that a new one is requested. A newer one stays.
func (s *tokenSource) drop(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == value {
		s.value = ""
	}
}

// renewMargin is how long before its end a token is renewed. Feishu returns the same token until 30 minutes
// before its end, so an earlier renewal would get the same one. A tenth of its life keeps short-lived tokens
// usable at all.
func renewMargin(life time.Duration) time.Duration {
	return min(5*time.Minute, life/10)
}
