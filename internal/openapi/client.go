// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

// Package openapi makes the two calls of the Open API that this module needs, with the access token for them,
// and classifies errors. Its errors are safe to show: they have no secret, no token and nothing of an entry.
package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// The two calls, with the official names of their results.
const (
	OpToken = "tenant_access_token"
	OpList  = "list_data"

	TokenPath = "/open-apis/auth/v3/tenant_access_token/internal"
	ListPath  = "/open-apis/security_and_compliance/v1/openapi_logs/list_data"
)

// Endpoints of the two public clouds. Private deployments use their own host.
const (
	FeishuEndpoint = "https://open.feishu.cn"
	LarkEndpoint   = "https://open.larksuite.com"
)

// Gate is asked before each call of list_data and is notified of the outcome of each call. Its methods are
// called from many goroutines.
type Gate interface {
	// Admit waits until one more call of list_data may be made, see ListRequest.InARow. The returned function is
	// to be called when the answer is there, or will not come.
	Admit(ctx context.Context, inARow int) (answered func(), err error)
	// Answered is called with each answer: the server's date in it, zero if it had none, and when the call was
	// sent and answered, by our clock.
	Answered(date, sent, received time.Time)
	// Ended is called for every call that was made, with its duration, the number of calls that the server
	// allows in a window of its own (0 if the answer does not have it), and its error, if any.
	Ended(operation string, took time.Duration, limit int, err error)
}

// Settings are what a client needs.
type Settings struct {
	HTTP *http.Client // does not follow redirects; NewHTTP makes one
	// CloseIdle closes idle connections; may be nil.
	CloseIdle func()
	Endpoint  string // the base URL of the Open API
	AppID     string
	AppSecret configopaque.String
	// MaxResponse is the size limit of an answer, in bytes.
	MaxResponse int64
	// Headers are sent with each call, and are treated as secrets.
	Headers configopaque.MapList
	Gate    Gate
	// Clock learns from the Date of each answer of list_data that comes from the API itself; may be nil.
	Clock *Clock
}

// Client makes the two calls of the Open API that this module needs. docs/architecture.md explains why it does
// not use the official SDK.
type Client struct {
	set    Settings
	tokens tokenSource
	// unheard is set after a call that got no answer.
	unheard atomic.Bool
	doubts  doubts
}

// New returns a client without an access token. It makes no call.
func New(set Settings) *Client {
	set.Endpoint = strings.TrimRight(set.Endpoint, "/")
	return &Client{set: set}
}

// ListRequest is the body of list_data. Every page of a walk sends the same body except for the page token: it
// is not documented whether filters may change while paging.
type ListRequest struct {
	APIKeys   []string `json:"api_keys,omitempty"`
	StartTime int64    `json:"start_time"` // seconds
	EndTime   int64    `json:"end_time"`   // seconds
	AppID     string   `json:"app_id,omitempty"`
	PageSize  int      `json:"page_size"`
	PageToken string   `json:"page_token,omitempty"`
	// InARow is how many calls, this one included, must follow each other without a wait, because page tokens
	// expire soon. 0: the call can wait. It is not sent.
	InARow int `json:"-"`
	// Once reports that nothing reads the page's time again later: an answer that reports success but not that
	// this was all is requested again before it is believed. It is not sent.
	Once bool `json:"-"`
	// Page is the number of the page in its window, from 1; 0: not known. It is not sent.
	Page int `json:"-"`
	// Believe reports that the page was requested again often enough: such an answer is believed. It is not
	// sent.
	Believe bool `json:"-"`
}

// ListData requests one page. The error, if any, is an *Error or ctx's own. A refused access token is replaced
// and the call repeated once. A page that does not say whether it is the last is requested again until it does,
// or until it can be believed.
func (c *Client) ListData(ctx context.Context, req ListRequest) (*entry.Page, *Answer, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return nil, nil, err // strings and numbers can always be marshalled
	}
	for refused, doubted := false, 0; ; {
		token, err := c.tokens.get(ctx, c.fetchToken)
		if err != nil {
			return nil, nil, err
		}
		p, res, err := c.listOnce(ctx, body, token, req)
		var failed *Error
		if errors.As(err, &failed) && failed.Class == cause.ClassToken {
			c.tokens.drop(token)
			if !refused {
				refused = true
				continue
			}
			// The token endpoint returns the same token until half an hour before its end, so an immediate retry
			// would get no other one.
			failed.Class = cause.ClassRetry
			failed.Advice = "the API refuses the token that it has just issued; if this lasts, check that endpoint is the cloud of the app"
		}
		if failed != nil && failed.doubtful && doubted < believedAfter-1 {
			doubted++
			select {
			case <-time.After(time.Duration(doubted) * time.Second): // a glitch may last for a moment
				continue
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
		}
		if failed != nil && doubted > 0 && failed.Class == cause.ClassParameter {
			failed.unsaid = true // the token may have been valid for one use only
		}
		if failed != nil && failed.Cause == cause.Scope {
			// A scope that is granted now may be missing from a token that was issued before: that is not
			// documented. The next try requests the token again, which is a new one as soon as the old one has
			// less than half an hour to live.
			c.tokens.drop(token)
		}
		return p, res, err
	}
}

func (c *Client) listOnce(ctx context.Context, body []byte, token string, req ListRequest) (*entry.Page, *Answer, error) {
	answered, err := c.set.Gate.Admit(ctx, req.InARow)
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	res, err := c.post(ctx, ListPath, token, body, req.PageToken)
	answered()
	limit := res.rateLimit()
	var p *entry.Page
	if err != nil {
		err = transportError(OpList, res, err, c.secrets(token, req.PageToken)...)
		res = nil
		c.doubts.clear(req.question())
	} else {
		if p, err = readPage(res); err == nil {
			p, err = c.doubts.judge(req.question(), !req.Believe && (req.Once || req.PageToken != ""), p, res)
		} else if !refusesToken(err, req) {
			c.doubts.clear(req.question())
		}
		res.body = nil // the page has its own copy
	}
	c.observe(res, err)
	if ctx.Err() != nil && err != nil {
		return nil, nil, ctx.Err()
	}
	c.ended(OpList, began, limit, err)
	return p, res, err
}

// observe gives the clock the date of an answer, unless the answer may come from a gateway or a proxy. All
// answers count, in the order in which they arrive, including answers to repeated requests.
func (c *Client) observe(res *Answer, err error) {
	var failed *Error
	own := err == nil || errors.As(err, &failed) && (failed.Code != 0 || failed.doubtful)
	if c.set.Clock != nil && res != nil && own {
		c.set.Clock.Observe(res.Date, res.Received)
	}
}

// refusesToken reports whether a page may have been refused because of its token: that shows nothing about the
// contents of the page.
func refusesToken(err error, req ListRequest) bool {
	var failed *Error
	return req.PageToken != "" && errors.As(err, &failed) && failed.Class == cause.ClassParameter
}

// ended reports a call that ended, and how long it took.
func (c *Client) ended(operation string, began time.Time, limit int, err error) {
	took := time.Since(began)
	var failed *Error
	if errors.As(err, &failed) {
		failed.Took = took
	}
	c.set.Gate.Ended(operation, took, limit, err)
}

// secrets returns what no error may show: the app secret and other secrets that were sent.
func (c *Client) secrets(sent ...string) []string {
	return append(append(sent, string(c.set.AppSecret)), headerSecrets(c.set.Headers)...)
}

func readPage(res *Answer) (*entry.Page, error) {
	p, err := entry.ParsePage(res.body)
	switch {
	case err != nil && res.Status == http.StatusOK && looksLikeJSON(res.body):
		e := &Error{Operation: OpList, Cause: cause.API, HTTPStatus: res.Status, LogID: res.logID}
		e.Reason = "the answer is broken: " + cleanText(err.Error(), res.secrets...)
		return nil, e
	case err != nil || !p.HasCode:
		return nil, answerError(OpList, res, 0, false)
	case p.Code != 0:
		return nil, answerError(OpList, res, p.Code, true)
	case res.Status != http.StatusOK:
		// A gateway's own JSON may have such a code, too. It is not an empty last page.
		return nil, answerError(OpList, res, 0, false)
	}
	return p, nil
}

func looksLikeJSON(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}
