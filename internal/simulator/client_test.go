// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// base is the event time of the first explicit entry of the tests. It is before the start of time in a synctest
// bubble (2000-01-01).
const base = int64(915148800)

// sample is the time in the samples of the official page.
const sample = int64(1610613336)

// m is a request body.
type m map[string]any

// client calls a simulator like a careful caller.
type client struct {
	t        *testing.T
	http     *http.Client
	endpoint string
	token    string // "" to get one with the next call of list
	app      string
	secret   string
}

// inProcess is a client without a network, for synctest bubbles and everything else without a socket.
func inProcess(t *testing.T, s *Server) *client {
	return &client{t: t, http: &http.Client{Transport: Transport(s, nil)}, endpoint: "http://open.example", app: DefaultAppID, secret: DefaultAppSecret}
}

// reply is an answer, completely read.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of the call or of reading the body

	Code   int    `json:"code"`
	Msg    string `json:"msg"`
	Token  string `json:"tenant_access_token"`
	Expire int    `json:"expire"`
	Error  struct {
		LogID                string              `json:"log_id"`
		FieldViolations      []map[string]string `json:"field_violations"`
		PermissionViolations []map[string]string `json:"permission_violations"`
	} `json:"error"`
	Data struct {
		Items     []map[string]any `json:"items"`
		PageToken string           `json:"page_token"`
		HasMore   bool             `json:"has_more"`
	} `json:"data"`
}

// ids are the ids of the page.
func (r *reply) ids() []string {
	ids := []string{}
	for _, item := range r.Data.Items {
		ids = append(ids, item["id"].(string))
	}
	return ids
}

func (c *client) do(req *http.Request) *reply {
	c.t.Helper()
	res, err := c.http.Do(req)
	if err != nil {
		return &reply{err: err, Code: -1}
	}
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, header: res.Header, Code: -1}
	r.body, r.err = io.ReadAll(res.Body)
	_ = json.Unmarshal(r.body, r) // some bodies are not JSON on purpose
	return r
}

func (c *client) request(method, path string, body any) *http.Request {
	c.t.Helper()
	b, ok := body.([]byte)
	if !ok {
		var err error
		b, err = json.Marshal(body)
		require.NoError(c.t, err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.endpoint+path, bytes.NewReader(b))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req
}

func (c *client) authorize() *reply {
	c.t.Helper()
	return c.do(c.request(http.MethodPost, TokenPath, m{"app_id": c.app, "app_secret": c.secret}))
}

// list calls list_data once.
func (c *client) list(body any) *reply {
	c.t.Helper()
	if c.token == "" {
		c.token = c.authorize().Token
		require.NotEmpty(c.t, c.token)
	}
	return c.do(c.request(http.MethodPost, ListPath, body))
}

// walk reads all pages and returns the ids of each.
func (c *client) walk(body m) (pages [][]string) {
	c.t.Helper()
	for range 10_000 {
		r := c.list(body)
		require.Equal(c.t, 0, r.Code, "%s", r.body)
		pages = append(pages, r.ids())
		if !r.Data.HasMore {
			return pages
		}
		body["page_token"] = r.Data.PageToken
	}
	c.t.Fatal("the walk does not end")
	return nil
}

func flatten(pages [][]string) (all []string) {
	for _, p := range pages {
		all = append(all, p...)
	}
	return all
}

// numbered makes n entries, perSecond of them in each second from base on, with the ids 0, 1, ...
func numbered(n, perSecond int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i] = Entry{ID: strconv.Itoa(i), EventTime: base + int64(i/perSecond), APIKey: "GET/open-apis/a", AppID: "cli_a"}
	}
	return entries
}

func idsOf(entries []Entry) []string {
	ids := []string{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}
