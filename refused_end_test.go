// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestRefusedEnd: an API sends a page token with the last page of every window, too, and then refuses it, in any way.
// Nothing would be read any more if only an answered last page were the end of a window. Covers F40, F44.
func TestRefusedEnd(t *testing.T) {
	for _, name := range []string{"1780103", "unknown, 200", "internal", "HTML, 504", "empty, 200"} {
		for _, minutes := range []int{0, 1, 90} { // between two entries
			t.Run(fmt.Sprintf("%s, an entry every %d minutes", name, minutes), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultRefusedEnd}}})
					w.cfg.PageSize, w.cfg.InitialLookback = 10, time.Hour
					w.handler = onList{w.server, func(answer http.ResponseWriter, query map[string]any) bool {
						token, _ := query["page_token"].(string)
						if !strings.HasPrefix(token, "end") {
							return false
						}
						refusals[name].send(answer)
						return true
					}}
					began := time.Now().Unix()
					want := 0
					add := func(n int, at int64) {
						entries(w.server, fmt.Sprintf("at%d", at), n, at)
						want += n
					}
					for m := -58; minutes > 0 && m < 6*60; m += minutes {
						n := 1
						if m%10 == 0 {
							n = 25 // three pages
						}
						add(n, began+int64(60*m))
					}
					stop := w.start(t)
					defer stop()
					time.Sleep(5*time.Hour + 45*time.Minute)
					add(1, time.Now().Unix()+30)
					time.Sleep(40 * time.Minute)
					assert.Len(t, w.sink.Got(), want)
					assert.Equal(t, 1, w.logs.FilterMessageSnippet("marks no page as the last one").Len())
					assert.Zero(t, w.logs.FilterMessageSnippet("skip").Len(), "nothing was skipped")

					// Ends are believed again as soon as there are some.
					w.faults()
					for range 60 {
						add(25, time.Now().Unix())
						time.Sleep(time.Minute)
					}
					time.Sleep(20 * time.Minute)
					assert.Len(t, w.sink.Got(), want)
				})
			})
		}
	}
}
