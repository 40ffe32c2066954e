// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// Answer is an HTTP answer, completely read.
type Answer struct {
	Status   int
	Header   http.Header
	body     []byte
	logID    string    // cleaned, as it goes into log lines
	Date     time.Time // the server's clock, zero if the answer had none
	Sent     time.Time // our clock
	Received time.Time // our clock
	secrets  []string  // what was sent and must not be shown
	// scopePage is the page where the scope is granted to the app. The API's own message has this link, too, but
	// after so much text that it does not fit into a log line.
	scopePage string
}

// post sends one request and reads the whole answer, up to the size limit after decompression. No error may show
// hidden or the credentials. With an error it returns what came before the body, if only the body could not be
// read.
func (c *Client) post(ctx context.Context, path, token string, body []byte, hidden ...string) (*Answer, error) {
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
	// An HTTP/2 connection outlives a call that got no answer, even if the connection is dead. It was not idle
	// when that call ended, but is idle now.
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
	date, _ := http.ParseTime(res.Header.Get("Date")) // zero if absent or unreadable
	out := &Answer{
		Status:  res.StatusCode,
		Header:  res.Header,
		logID:   cleanText(firstOf(res.Header.Get("X-Tt-Logid"), res.Header.Get("X-Request-Id")), secrets...),
		secrets: secrets,
		Date:    date,
		Sent:    sent,

		scopePage: c.set.Endpoint + "/app/" + c.set.AppID + "/auth?q=" + cause.ScopeName + "&op_from=openapi&token_type=tenant",
	}
	if out.body, err = readLimited(res.Body, c.set.MaxResponse, res.ContentLength); err != nil {
		c.unheard.Store(true)
		return out, err
	}
	out.body = bytes.TrimPrefix(out.body, byteOrderMark)
	out.Received = time.Now()
	c.set.Gate.Answered(date, sent, out.Received)
	return out, nil
}

// byteOrderMark is what some gateways write before a text in UTF-8. It is not JSON.
var byteOrderMark = []byte("\xef\xbb\xbf")

// maxTrusted is how much memory is allocated for an answer because of its Content-Length alone.
const maxTrusted = 1 << 20

func readLimited(r io.Reader, limit, announced int64) ([]byte, error) {
	if announced > limit {
		return nil, tooLarge(limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, min(max(announced, 4<<10), maxTrusted)+bytes.MinRead))
	if _, err := buf.ReadFrom(io.LimitReader(r, max(limit, limit+1))); err != nil { // the largest limit cannot be incremented
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}

// Limits of the wait that a server may request: with a bogus value we must neither call it without a pause nor
// wait for a day.
const (
	MinWaitHint = time.Second
	maxWaitHint = 10 * time.Minute
)

// waitHint is how long the server asks us to wait when its rate limit is reached: x-ogw-ratelimit-reset
// (official, seconds) or the standard Retry-After, whichever is longer. 0 means that there is no hint.
func (r *Answer) waitHint() time.Duration {
	return r.hint("X-Ogw-Ratelimit-Reset", "Retry-After")
}

// retryAfter is waitHint for any other failure, which has only the standard header: a gateway sends it with a
// 503.
func (r *Answer) retryAfter() time.Duration { return r.hint("Retry-After") }

// rateLimit is x-ogw-ratelimit-limit, how many calls the server allows in a window of unknown length; 0 if it is
// absent, unreadable or not a limit.
func (r *Answer) rateLimit() int {
	if r == nil {
		return 0
	}
	limit, err := strconv.Atoi(strings.TrimSpace(r.Header.Get("X-Ogw-Ratelimit-Limit")))
	if err != nil {
		return 0
	}
	return max(0, limit)
}

func (r *Answer) hint(names ...string) time.Duration {
	var wait time.Duration
	for _, name := range names {
		value := strings.TrimSpace(r.Header.Get(name))
		if value == "" {
			continue
		}
		if seconds, err := strconv.ParseFloat(value, 64); err == nil {
			// Checked before the conversion: a float64 beyond int64 is not a duration.
			if seconds > 0 { // NaN is not
				wait = max(wait, time.Duration(min(seconds, maxWaitHint.Seconds())*float64(time.Second)))
			}
		} else if at, err := http.ParseTime(value); err == nil && !r.Date.IsZero() {
			wait = max(wait, at.Sub(r.Date))
		}
	}
	if wait <= 0 {
		return 0
	}
	return min(max(wait, MinWaitHint), maxWaitHint)
}

// errTooLarge is an answer larger than max_response_size.
var errTooLarge = errors.New("the answer is larger than max_response_size")

func tooLarge(limit int64) error {
	return fmt.Errorf("%w (%d bytes)", errTooLarge, limit)
}
