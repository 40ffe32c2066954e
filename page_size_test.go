// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestPagesThatDoNotArrive: a second cannot be read in pages of the configured size, because they are too large,
// too slow, or broken. It is read in smaller ones, down to single entries, and the entries before one that
// cannot be read in any page are read, too. Covers F25, F40.
func TestPagesThatDoNotArrive(t *testing.T) {
	const size = 2 << 10 // of an entry
	answers := func(body string) func(http.ResponseWriter, int) {
		return func(rw http.ResponseWriter, _ int) { _, _ = io.WriteString(rw, body) }
	}
	for name, tc := range map[string]struct {
		fails  func(rw http.ResponseWriter, n int) // a page of n entries; nil: it is too large
		most   int                                 // entries of a page that arrives
		broken int                                 // the entry that cannot be read, from 1
		want   int                                 // of the 60
	}{
		"too large":                      {most: 12, want: 60},
		"too large, even two":            {most: 1, want: 60},
		"broken JSON":                    {fails: answers(`{"code":0,"data":{"items":[{"id":"1"`), most: 12, want: 60},
		"a gateway's HTML":               {fails: func(rw http.ResponseWriter, _ int) { rw.WriteHeader(http.StatusBadGateway) }, most: 5, want: 60},
		"an unknown code":                {fails: answers(`{"code":77,"msg":"too much"}`), most: 2, want: 60},
		"one entry breaks every page":    {fails: answers(`{"code":0,"data":{"items":[{"id":"`), most: 100, broken: 37, want: 36},
		"one entry, and pages are large": {fails: answers(`{"code":0,"data":{"items":[{"id":"`), most: 12, broken: 37, want: 36},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Order: simulator.Ascending, Paging: simulator.Snapshot})
				w.cfg.MaxResponseSize = (12*size + 12*size/2)
				if tc.most == 1 {
					w.cfg.MaxResponseSize = size + size/2
				}
				second := time.Now().Unix() - 600
				var list []simulator.Entry
				for i := range 60 {
					id := fmt.Sprintf("big-%02d", i+1)
					list = append(list, simulator.Entry{
						ID: id, EventTime: second, APIKey: "GET/open-apis/im/v1/messages", AppID: "cli_a",
						Raw: fmt.Sprintf(`{"id":%q,"event_time":%d,"api_key":"GET/open-apis/im/v1/messages","app_id":"cli_a","body":%q}`, id, second, strings.Repeat("x", size)),
					})
				}
				w.server.Add(list...)
				entries(w.server, "small", 20, second+60)
				broken := fmt.Sprintf("big-%02d", tc.broken)
				w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					rec := httptest.NewRecorder()
					w.server.ServeHTTP(rec, r)
					var page struct {
						Data struct {
							Items []struct{ ID string }
						}
					}
					_ = json.Unmarshal(rec.Body.Bytes(), &page)
					big := slices.DeleteFunc(page.Data.Items, func(e struct{ ID string }) bool { return !strings.HasPrefix(e.ID, "big") })
					bad := slices.ContainsFunc(big, func(e struct{ ID string }) bool { return e.ID == broken })
					if tc.fails != nil && (len(big) > tc.most || bad) {
						tc.fails(rw, len(big))
						return
					}
					maps.Copy(rw.Header(), rec.Header())
					rw.WriteHeader(rec.Code)
					_, _ = rw.Write(rec.Body.Bytes())
				})
				stop := w.start(t)
				defer stop()
				time.Sleep(30 * time.Minute)
				got, big := w.sink.Got(), 0
				for id, n := range got {
					assert.Equal(t, 1, n, id)
					if strings.HasPrefix(id, "big") {
						big++
					}
				}
				assert.Equal(t, tc.want, big)
				assert.Equal(t, 20, len(got)-big)
			})
		})
	}
}
