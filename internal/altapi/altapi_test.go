// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package altapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// client is a plain, patient client, written from the official page. A range that fails is tried again in
// halves.
type client struct {
	t    *testing.T
	api  *API
	auth string
	seen map[string]int
}

var mark = regexp.MustCompile(MarkPattern)

// post makes a call.
func (c *client) post(path, body string) (status int, answer []byte) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://open.feishu.cn"+path, bytes.NewReader([]byte(body)))
	require.NoError(c.t, err)
	req.Header.Set("Authorization", "Bearer "+c.auth)
	resp, err := c.api.RoundTrip(req)
	require.NoError(c.t, err)
	answer, err = io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, resp.Body.Close())
	return resp.StatusCode, answer
}

func (c *client) login() {
	c.t.Helper()
	status, answer := c.post(tokenPath, fmt.Sprintf(`{"app_id":%q,"app_secret":%q}`, AppID, AppSecret))
	require.Equal(c.t, 200, status)
	var out struct {
		Code   int64
		Token  string `json:"tenant_access_token"`
		Expire int64
	}
	require.NoError(c.t, json.Unmarshal(answer, &out))
	require.Zero(c.t, out.Code)
	require.Positive(c.t, out.Expire)
	c.auth = out.Token
}

// read reads the seconds from start to end, both included, whichever bounds the API uses.
func (c *client) read(start, end int64) {
	c.t.Helper()
	token := ""
	for {
		body := fmt.Sprintf(`{"start_time":%d,"end_time":%d,"page_size":100,"page_token":%s}`, start-1, end+1, quote(token))
		_, answer := c.post(listPath, body)
		var out struct {
			Code int64
			Data struct {
				Token string `json:"page_token"`
				More  bool   `json:"has_more"`
			}
		}
		require.NoError(c.t, json.Unmarshal(answer, &out), string(answer))
		switch out.Code {
		case 0:
		case 99991400:
			time.Sleep(10 * time.Second)
			continue
		case 1780001, 1780103, 99992402: // a page token has expired, or it was too much
			if token == "" {
				require.Less(c.t, start, end, "a second cannot be read")
			}
			if middle := (start + end) / 2; middle < end {
				c.read(start, middle)
				start = middle + 1
			}
			token = ""
			continue
		default: // the tenant access token
			time.Sleep(time.Minute)
			c.login()
			continue
		}
		for _, m := range mark.FindAllString(string(answer), -1) {
			c.seen[m]++
		}
		if !out.Data.More {
			return
		}
		require.NotEmpty(c.t, out.Data.Token)
		token = out.Data.Token
	}
}

// TestEachAPICanBeRead: whatever is drawn, a patient client finds exactly the entries of a past hour. Entries
// that expire or are stored meanwhile are not part of this.
func TestEachAPICanBeRead(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				traits := Draw(rand.New(rand.NewPCG(seed, 1)))
				traits.Retention = 0
				to := time.Now().Add(-24 * time.Hour)
				api := New(seed, traits, Traffic{From: to.Add(-time.Hour), To: to, PerMinute: 10, Bursts: 2}, nil)
				c := &client{t: t, api: api, seen: map[string]int{}}
				c.login()
				first, last := to.Add(-time.Hour).Unix(), to.Add(traits.Longest()).Unix()
				c.read(first-1, last+1)
				missing := 0
				for _, e := range api.Shown() {
					if c.seen[e.Mark] == 0 {
						missing++
					}
				}
				assert.Zero(t, missing, "entries not seen of %d, seed %d: %v", len(api.Shown()), seed, traits)
				assert.Len(t, c.seen, len(api.Shown()), "entries that nobody wrote")
			})
		})
	}
}

// TestDrawsDiffer: each value of each choice is drawn at some point, and a seed always gives the same API.
func TestDrawsDiffer(t *testing.T) {
	pagings, orders, ids := map[Paging]int{}, map[Order]int{}, map[IDs]int{}
	for seed := range uint64(200) {
		traits := Draw(rand.New(rand.NewPCG(seed, 1)))
		assert.Equal(t, traits, Draw(rand.New(rand.NewPCG(seed, 1))))
		pagings[traits.Paging]++
		orders[traits.Order]++
		ids[traits.IDs]++
	}
	assert.Len(t, pagings, 4)
	assert.Len(t, orders, 4)
	assert.Len(t, ids, 7)
}

// TestLimits: in each way to count, no minute has more calls than two limits, and a client that waits as the
// refusal requires is admitted, minus the neighbour's calls.
func TestLimits(t *testing.T) {
	for _, kind := range []LimitKind{FixedWindow, SlidingWindow, TokenBucket} {
		t.Run(string(kind), func(t *testing.T) {
			l := limiter{Limit: Limit{Kind: kind, PerMinute: 40, Neighbour: 0.5}}
			now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
			admitted := 0
			for range 300 {
				wait, ok := l.admit(now)
				if ok {
					admitted++
					now = now.Add(100 * time.Millisecond)
					continue
				}
				require.Positive(t, wait)
				now = now.Add(wait)
				_, ok = l.admit(now)
				require.True(t, ok, "after the wait")
				admitted++
			}
			assert.Greater(t, admitted, 100)
			minutes := now.Sub(time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)).Minutes()
			assert.InDelta(t, 20, float64(admitted)/minutes, 4)
		})
	}
}

// TestFaultsOfTheModel: each fault gives its answer, or an error of the transport.
func TestFaultsOfTheModel(t *testing.T) {
	for _, fault := range append(listFaults, authFaults...) {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := time.Now()
				api := New(1, Traits{Limit: Limit{PerMinute: 100}, Auth: Auth{Life: 7200}}, Traffic{From: now.Add(-time.Hour), To: now, PerMinute: 1}, nil)
				c := &client{t: t, api: api, seen: map[string]int{}}
				c.login()
				api.weather = []Episode{{From: now, Until: now.Add(time.Hour), Fault: fault, Share: 1}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://x"+listPath, bytes.NewReader([]byte(`{"page_size":1}`)))
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+c.auth)
				resp, err := api.RoundTrip(req)
				if err == nil {
					var body []byte
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
					if err == nil {
						assert.NotRegexp(t, `"code":0[,}]`, string(body), "a success")
					}
				}
				if fault.changes() {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
				}
			})
		})
	}
}
