// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestDatesThatAreAllWrong: the Date of each answer is wrong, because it never changes, because it is a local
// time, or because the server's clock is wrong by a day or by years. No entry is lost, across a restart, too, the
// newest ones arrive soon once entries have shown which clock is right, and one line reports it. Covers F9, F42.
func TestDatesThatAreAllWrong(t *testing.T) {
	t.Parallel()
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of virtual time
	by := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	still := func(at time.Time) func() time.Time { return func() time.Time { return at } }
	for name, date := range map[string]func() time.Time{
		"always the start": still(began),
		"always 1970":      still(time.Unix(0, 0)),
		"always 2099":      still(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)),
		"always one, later": func() time.Time {
			if now := time.Now(); now.Before(began.Add(time.Hour)) {
				return now
			}
			return began.Add(time.Hour)
		},
		"local time in Beijing": by(8 * time.Hour),
		"local time in America": by(-8 * time.Hour),
		"half an hour ahead":    by(30 * time.Minute),
		"a year behind":         by(-365 * 24 * time.Hour),
	} {
		for _, every := range []time.Duration{10 * time.Second, 7 * time.Minute} {
			t.Run(fmt.Sprintf("%s, an entry every %s", name, every), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{})
					w.cfg.RecheckAfter = nil // which would find entries later
					const lasts = 6 * time.Hour
					n := 0
					for at := -time.Hour + time.Second; at < lasts-20*time.Minute; at += every {
						entries(w.server, fmt.Sprintf("e%d", n), 1, began.Add(at).Unix())
						n++
					}
					w.handler = &wrongDates{Handler: w.server, date: func(int64) string { return date().UTC().Format(http.TimeFormat) }}
					for range 2 {
						w.run(t, lasts/2)
						told := w.logs.FilterMessageSnippet("are far apart").Len()
						assert.True(t, told > 0 && told <= 2, "%d lines", told)
					}
					got := w.sink.Got()
					assert.Len(t, got, n)
					for i, at := 0, -time.Hour+time.Second; i < n; i, at = i+1, at+every {
						id := fmt.Sprintf("e%d-0", i)
						assert.Equal(t, 1, got[id], id)
						if at > 2*time.Hour && (at < lasts/2-time.Minute || at > lasts/2+30*time.Minute) { // and not at the restart
							assert.Less(t, w.sink.Arrived[id].Sub(began.Add(at)), 2*time.Minute, id)
						}
					}
					assert.Less(t, len(w.server.CallsOf(simulator.EndpointList)), 3*6*60)
				})
			})
		}
	}
}

// TestFarClocksWhereWindowsAreLimited: what lies between the two clocks is too long for the API, and is asked for in
// shorter ranges. Covers F9, F40, F42.
func TestFarClocksWhereWindowsAreLimited(t *testing.T) {
	for _, limit := range []time.Duration{6 * time.Minute, 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			stop := w.start(t)
			time.Sleep(10 * time.Minute) // the begin is known
			skew := 20 * time.Minute
			w.server.Update(func(o *simulator.Options) { o.MaxWindow, o.ClockSkew = limit, skew })
			first := time.Now().Add(skew).Unix()
			for n := range 1000 {
				entries(w.server, fmt.Sprintf("e%d", n), 1, first+int64(n)*10)
			}
			time.Sleep(4 * time.Hour)
			stop()
			assert.Len(t, w.sink.Got(), 1000)
			for n := 360; n < 1000; n++ {
				arrived := w.sink.Arrived[fmt.Sprintf("e%d-0", n)].Add(skew)
				assert.Less(t, arrived.Sub(time.Unix(first+int64(n)*10, 0)), 3*time.Minute, "entry %d", n)
			}
			assert.Equal(t, 1, w.logs.FilterMessageSnippet("entries show that the server's is right").Len())
		})
	}
}

// TestHostClockBehindAQuietLog: a host's clock is behind, and no entry shows it for a day. Nothing is read then,
// which is reported, and the first entry decides. Covers F9, F42.
func TestHostClockBehindAQuietLog(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{40 * 24 * time.Hour, -40 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{ClockSkew: skew})
			first := time.Now().Add(skew + 24*time.Hour).Unix()
			for i := range 5 {
				entries(w.server, fmt.Sprintf("e%d", i), 1, first+int64(i)*600)
			}
			w.run(t, 26*time.Hour)
			assert.Len(t, w.sink.Got(), 5)
			for i := range 5 {
				arrived := w.sink.Arrived[fmt.Sprintf("e%d-0", i)].Add(skew)
				assert.Less(t, arrived.Sub(time.Unix(first+int64(i)*600, 0)), 3*time.Minute, "entry %d", i)
			}
			assert.Equal(t, 1, w.logs.FilterMessageSnippet("reading starts when entries show which one is right").Len())
			assert.Equal(t, 1, w.logs.FilterMessageSnippet("entries show that the server's is right").Len())
			assert.Less(t, len(w.server.CallsOf(simulator.EndpointList)), 3*26*60)
		})
	}
}
