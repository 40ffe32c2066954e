// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// instead replaces the n-th answer of list_data.
type instead struct {
	http.Handler
	n    int64
	body string
	seen atomic.Int64
}

func (o *instead) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "list_data") && o.seen.Add(1) == o.n {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, o.body)
		return
	}
	o.Handler.ServeHTTP(w, r)
}

// TestSuccessWithoutData: a single answer that reports success, but has no entries and does not say whether more
// follow, ends no walk whose time is not read again: in the middle of a backlog, on the first page of a window,
// or on a later one. Covers F45.
func TestSuccessWithoutData(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no data":            `{"code":0,"msg":"success"}`,
		"null data":          `{"code":0,"msg":"success","data":null}`,
		"empty data":         `{"code":0,"msg":"success","data":{}}`,
		"data of no type":    `{"code":0,"msg":"success","data":[]}`,
		"items alone":        `{"code":0,"data":{"items":[]}}`,
		"token, no has_more": `{"code":0,"data":{"items":[{"id":"x","event_time":1}],"page_token":"abc"}}`,
		"has_more null":      `{"code":0,"data":{"items":[],"page_token":"abc","has_more":null}}`,
		"has_more empty":     `{"code":0,"data":{"items":null,"has_more":""}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range int64(8) {
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{})
					now := time.Now()
					w.cfg.StartTime, w.cfg.PageSize, w.cfg.RecheckAfter = now.Add(-6*time.Hour), 10, nil
					for h := range 5 {
						entries(w.server, fmt.Sprintf("h%d", h), 25, now.Add(-5*time.Hour+time.Duration(h)*time.Hour).Unix())
					}
					w.handler = &instead{Handler: w.server, n: n + 1, body: body}
					stop := w.start(t)
					time.Sleep(time.Hour)
					stop()
					got := w.sink.Got()
					delete(got, "x")
					assert.Len(t, got, 125, "answer %d", n+1)
				})
			}
		})
	}
}

// TestEndsThatAreNotSaid: an API whose empty pages have no data, or whose last pages have no has_more, is read
// like any other, without a log line, and a quiet tenant costs hardly more calls. Covers F45.
func TestEndsThatAreNotSaid(t *testing.T) {
	t.Parallel()
	calls := func(opts simulator.Options) (n int) {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(opts)
			w.cfg.StartTime = time.Now().Add(-3 * time.Hour)
			entries(w.server, "e", 250, time.Now().Add(-2*time.Hour).Unix())
			stop := w.start(t)
			time.Sleep(6 * time.Hour)
			stop()
			assert.Len(t, w.sink.Got(), 250)
			assert.Empty(t, w.logs.FilterMessageSnippet("fails").All())
			n = len(w.server.CallsOf(simulator.EndpointList))
		})
		return n
	}
	usual := calls(simulator.Options{})
	assert.Equal(t, usual, calls(simulator.Options{Empty: simulator.EmptyOmitted}), "has_more says all")
	assert.Equal(t, usual, calls(simulator.Options{Empty: simulator.EmptyNull, LastPageToken: true}))
	for name, opts := range map[string]simulator.Options{
		"no data":                 {Empty: simulator.EmptyNoData},
		"no has_more":             {SilentEnd: true},
		"neither, and odd tokens": {SilentEnd: true, Empty: simulator.EmptyOmitted, LastPageToken: true},
	} {
		n := calls(opts)
		t.Logf("%s: %d calls instead of %d", name, n, usual)
		if !opts.LastPageToken {
			assert.Less(t, n, usual*11/10, name)
		}
	}
}

// tokenOnly omits has_more on every page: only a page token shows that there are more.
type tokenOnly struct{ http.Handler }

type cutBody struct{ http.ResponseWriter }

func (c cutBody) Write(b []byte) (int, error) {
	text := strings.NewReplacer(`,"has_more":true`, "", `,"has_more":false`, "").Replace(string(b))
	_, err := io.WriteString(c.ResponseWriter, text)
	return len(b), err
}

func (c cutBody) WriteHeader(status int) {
	c.Header().Del("Content-Length")
	c.ResponseWriter.WriteHeader(status)
}

func (h tokenOnly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Handler.ServeHTTP(cutBody{w}, r)
}

// TestPagesByTokenAlone: an API without has_more is read to the end of its page tokens.
// Covers F45, F12.
func TestPagesByTokenAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.StartTime = time.Now().Add(-3 * time.Hour)
		entries(w.server, "e", 450, time.Now().Add(-2*time.Hour).Unix())
		w.handler = tokenOnly{w.server}
		stop := w.start(t)
		time.Sleep(2 * time.Hour)
		stop()
		assert.Len(t, w.sink.Got(), 450)
	})
}
