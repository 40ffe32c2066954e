// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestBurstThroughCrashes: 50,000 entries, five minutes of calls, read by a process that is killed every few
// minutes. If they are spread over an hour, every life makes progress according to its length. No window is
// shorter than a second, so if all entries are in one second, each life has to page through what the previous
// ones have delivered, and only a life that is long enough finishes. The shorter ones lose nothing, and repeat
// only the page that they died with. No watermark moves back. Covers F6, F7.
func TestBurstThroughCrashes(t *testing.T) {
	t.Parallel()
	const burst = 50_000
	for name, tc := range map[string]struct {
		seconds int64
		lives   []time.Duration
		reach   []int // delivered after each life, at least
	}{
		"in an hour": {
			seconds: 3600,
			// The window in which the first life ends has more than the second life can read.
			lives: []time.Duration{2 * time.Minute, 2 * time.Minute, 3 * time.Minute, 2 * time.Minute, 2 * time.Minute},
			reach: []int{18_000, 19_000, 28_000, 35_000, burst},
		},
		"in a second": {
			seconds: 1,
			lives:   []time.Duration{2 * time.Minute, 4 * time.Minute, 3 * time.Minute, 6 * time.Minute},
			reach:   []int{18_000, 35_000, 35_000, burst},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.handler = &burstAPI{Handler: w.server, n: burst, from: time.Now().Unix() - 2*3600, seconds: tc.seconds}
				w.cfg.InitialLookback = 3 * time.Hour
				w.latency = around(200 * time.Millisecond)
				var marks []int64
				for i, life := range tc.lives {
					stop := w.start(t)
					time.Sleep(life)
					w.kill()
					stop()
					w.reboot()
					t.Logf("%d delivered after life %d", len(w.sink.Got()), i)
					assert.GreaterOrEqual(t, len(w.sink.Got()), tc.reach[i], "delivered after life %d", i)
					now := w.stored(t).Marks
					for pass, mark := range marks {
						assert.GreaterOrEqual(t, now[pass], mark, "the watermark of pass %d after life %d", pass, i)
					}
					marks = now
				}
				stop := w.start(t)
				time.Sleep(time.Hour)
				stop()
				twice := 0
				for _, n := range w.sink.Got() {
					twice += n - 1
				}
				assert.Len(t, w.sink.Got(), burst)
				assert.LessOrEqual(t, twice, len(tc.lives)*w.cfg.PageSize, "a page for each crash")
				assert.GreaterOrEqual(t, w.stored(t).Marks[0], time.Now().Unix()-120, "it has caught up")
			})
		})
	}
}

// burstAPI answers list_data from a log that the simulator would sort again for each page: n entries, spread
// evenly over the seconds from the given one on.
type burstAPI struct {
	http.Handler
	n             int
	from, seconds int64
}

func (a *burstAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != openapi.ListPath {
		a.Handler.ServeHTTP(w, r)
		return
	}
	var query struct {
		Start int64  `json:"start_time"`
		End   int64  `json:"end_time"`
		Size  int    `json:"page_size"`
		Token string `json:"page_token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&query); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	at := func(i int) int64 { return a.from + int64(i)*a.seconds/int64(a.n) }
	next, _ := strconv.Atoi(query.Token) // 0 without one
	for next < a.n && at(next) < query.Start {
		next++
	}
	var items []string
	for ; next < a.n && at(next) <= query.End && len(items) < query.Size; next++ {
		items = append(items, fmt.Sprintf(`{"id":"e%d","event_time":%d}`, next, at(next)))
	}
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(w, `{"code":0,"data":{"has_more":%t,"page_token":"%d","items":[%s]}}`, next < a.n && at(next) <= query.End, next, strings.Join(items, ","))
}
