// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/entry"
)

// TestDoubt: which answers that report success are requested again, how often, and what is believed then. Covers
// F45.
func TestDoubt(t *testing.T) {
	const (
		said   = `{"code":0,"data":{"items":[],"has_more":false}}`
		none   = `{"code":0}`
		token  = `{"code":0,"data":{"items":[{"id":"1"}],"page_token":"t"}}`
		odd    = `{"code":0,"data":{"items":[],"page_token":"t"}}`
		broken = `<html>`
		two    = `{"code":0,"data":{"items":[{"id":"1"},{"id":"2"}]}}`
		silent = `{"code":0,"data":{"items":[{"id":"1"}]}}`
	)
	for name, tc := range map[string]struct {
		answers []string
		once    bool
		token   string
		errors  int // before the last one, which is believed
		more    bool
	}{
		"said":                             {answers: []string{said}, once: true, token: "x"},
		"read again later":                 {answers: []string{none}},
		"read again later, items":          {answers: []string{silent}},
		"not read again":                   {answers: []string{none, none, none}, once: true, errors: 2},
		"not read again, items":            {answers: []string{silent, silent, silent}, once: true, errors: 2},
		"not read again, then right":       {answers: []string{none, said}, once: true, errors: 1},
		"right at the third try":           {answers: []string{none, none, said}, once: true, errors: 2},
		"another answer in between":        {answers: []string{silent, none, none, silent, none, silent}, once: true, errors: 5},
		"more entries in between":          {answers: []string{silent, none, two, none, silent, two, none, two}, once: true, errors: 7},
		"fewer from then on":               {answers: []string{two, silent, silent, silent}, once: true, errors: 3},
		"a failure in between":             {answers: []string{none, none, broken, none, none, none}, once: true, errors: 5},
		"a later page":                     {answers: []string{none, none, none}, token: "x", errors: 2},
		"a token, never has_more":          {answers: []string{token, token, token}, errors: 2, more: true},
		"a token without entries":          {answers: []string{odd, odd, odd}, errors: 2},
		"a token, where has_more was said": {answers: []string{said, token}},
		"the same, not read again":         {answers: []string{said, token, token, token}, once: true, errors: 2},
	} {
		t.Run(name, func(t *testing.T) {
			c := respond(OpList, http.StatusOK, nil, "")
			wire := c.set.HTTP.Transport.(*answering)
			req := lastHour()
			req.Once, req.PageToken = tc.once, tc.token
			failed := 0
			var last *entry.Page
			for _, body := range tc.answers {
				wire.body = []byte(body)
				p, res, err := askOnce(t, c, req)
				if last = p; err == nil {
					continue
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, cause.ClassRetry, e.Class)
				assert.Equal(t, "bad_answer none api", e.Outcome()+" "+e.CodeLabel()+" "+string(e.Cause))
				assert.NotNil(t, res, "its Date counts")
				failed++
			}
			assert.Equal(t, tc.errors, failed)
			require.NotNil(t, last, "believed in the end")
			assert.Equal(t, tc.more, last.HasMore)
			assert.Empty(t, c.doubts.times)
		})
	}
}

// TestDoubtsAreOfOnePage: the answers for one page prove nothing about another, and their memory is limited.
// Covers F45.
func TestDoubtsAreOfOnePage(t *testing.T) {
	c := respond(OpList, http.StatusOK, nil, `{"code":0}`)
	req := lastHour()
	req.Once = true
	for i := range 5 * maxDoubts {
		req.PageToken = strconv.Itoa(i)
		_, _, err := askOnce(t, c, req)
		require.Error(t, err)
		assert.LessOrEqual(t, len(c.doubts.times), maxDoubts)
	}
}

// TestDoubtOfATokenForOneUse: if a page token is valid for one use, the repeated request of a page that is not
// believed is refused. The page is believed after its window was read again from the first page, with other
// tokens: its number identifies it. Covers F45, F47.
func TestDoubtOfATokenForOneUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := respond(OpList, http.StatusOK, nil, "")
		wire := &goodForOneUse{answering: *c.set.HTTP.Transport.(*answering), used: map[string]bool{}}
		c.set.HTTP.Transport = wire
		window := lastHour()
		ask := func(page int, token string) error {
			req := window
			req.Page, req.PageToken = page, token
			_, _, err := c.ListData(t.Context(), req)
			return err
		}
		for _, token := range []string{"a", "b"} {
			var refused *Error
			require.ErrorAs(t, ask(2, token), &refused)
			assert.Equal(t, cause.ClassParameter, refused.Class)
			assert.True(t, refused.Unsaid(), "it says nothing of the time range")
		}
		require.Error(t, ask(3, "of another page"))
		require.NoError(t, ask(2, "c"))
		var refused *Error
		require.ErrorAs(t, ask(2, "c"), &refused)
		assert.False(t, refused.Unsaid())
	})
}

// TestDatesOfDoubtfulAnswers: the Date of an answer that is requested again counts, too: otherwise a correct one
// between two wrong ones would not be seen. Covers F42.
func TestDatesOfDoubtfulAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := http.Header{"Date": {time.Now().Add(8 * time.Hour).UTC().Format(http.TimeFormat)}}
		c := respond(OpList, http.StatusOK, ahead, `{"code":0}`)
		c.set.Clock = &Clock{}
		req := lastHour()
		req.Once = true
		for range 2 {
			_, known := c.set.Clock.Skew()
			assert.False(t, known)
			_, _, err := c.ListData(t.Context(), req)
			require.NoError(t, err)
		}
		skew, known := c.set.Clock.Skew()
		assert.True(t, known, "of six answers")
		assert.InDelta(t, 8*time.Hour, skew, float64(time.Minute))
	})
}

// goodForOneUse refuses a page token that was used before, and answers other calls with entries and without
// has_more.
type goodForOneUse struct {
	answering
	used map[string]bool
}

func (g *goodForOneUse) RoundTrip(req *http.Request) (*http.Response, error) {
	var body ListRequest
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, err
	}
	g.status, g.body = http.StatusOK, []byte(`{"code":0,"data":{"items":[{"id":"1"}]}}`)
	if req.URL.Path == ListPath {
		if g.used[body.PageToken] {
			g.status, g.body = http.StatusBadRequest, []byte(`{"code":1780103,"msg":"invalid page_token"}`)
		}
		g.used[body.PageToken] = true
	}
	return g.answering.RoundTrip(req)
}

// askOnce requests a page without repeating the request.
func askOnce(t *testing.T, c *Client, req ListRequest) (*entry.Page, *Answer, error) {
	body, err := json.Marshal(req)
	require.NoError(t, err)
	return c.listOnce(t.Context(), body, "t-x", req)
}

// TestDoubtIsSettledAtOnce: if nothing reads its time again, a page that does not say whether it is the last
// costs three calls within a few seconds, for any caller. Covers F45.
func TestDoubtIsSettledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := respond(OpList, http.StatusOK, nil, `{"code":0}`)
		req := lastHour()
		req.Once = true
		began := time.Now()
		page, _, err := c.ListData(t.Context(), req)
		require.NoError(t, err)
		assert.False(t, page.HasMore)
		assert.Equal(t, 3*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		_, _, err = c.ListData(ctx, req)
		assert.ErrorIs(t, err, context.DeadlineExceeded, "the end of the term is not waited out")
	})
}
