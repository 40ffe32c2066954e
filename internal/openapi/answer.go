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

// Answer is an HTTP answer, read to its end.
type Answer struct {
	Status   int
	Header   http.Header
	body     []byte
	logID    string    // cleaned, as it goes into log lines
	Date     time.Time // the server's clock, zero where it did not say
	Sent     time.Time // our clock
	Received time.Time // our clock
	secrets  []string  // what was sent and must not be shown
	// scopePage is where the app is granted the scope. The API's own message has
	// this link, too, behind so much text that it does not fit into a log line.
	scopePage string
}

// post sends one request and reads the whole answer, up to the size limit after
// decompression. Hidden is what no error may show, besides the credentials. With an
// error it returns what came before the body, if that could not be read.
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
	out.Received = time.Now()
	c.set.Gate.Answered(date, sent, out.Received)
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

// Bounds of the wait that a server may ask for: a bogus value must neither make
// us hammer it nor put us to sleep for a day.
const (
	MinWaitHint = time.Second
	maxWaitHint = 10 * time.Minute
)

// waitHint reads how long the server asks us to wait when its rate limit is reached:
// x-ogw-ratelimit-reset (official, seconds) and the standard Retry-After; the longer one
// counts. 0 means that it did not say.
func (r *Answer) waitHint() time.Duration {
	return r.hint("X-Ogw-Ratelimit-Reset", "Retry-After")
}

// retryAfter is waitHint for any other failure, of which only the standard header
// speaks: a gateway sends it with a 503.
func (r *Answer) retryAfter() time.Duration { return r.hint("Retry-After") }

// rateLimit is x-ogw-ratelimit-limit, how many calls the server allows in a window whose
// length it does not say; 0 where it is absent, unreadable or no limit.
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
			// Bounded before the conversion: a float64 beyond int64 is no duration.
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

// errTooLarge is an answer beyond max_response_size.
var errTooLarge = errors.New("the answer is larger than max_response_size")

func tooLarge(limit int64) error {
	return fmt.Errorf("%w (%d bytes)", errTooLarge, limit)
}
