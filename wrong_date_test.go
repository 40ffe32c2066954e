// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// wrongDates changes the Date of some answers of list_data, counted from 0.
type wrongDates struct {
	http.Handler
	date func(n int64) string // "": the right one
	seen atomic.Int64
}

func (d *wrongDates) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "list_data") {
		d.Handler.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	d.Handler.ServeHTTP(rec, r)
	maps.Copy(w.Header(), rec.Header())
	if date := d.date(d.seen.Add(1) - 1); date != "" {
		w.Header().Set("Date", date)
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// TestWrongDates: wrong Dates, in any answers and with any value, lose no entry, do not make the receiver read
// years, and do not stop it. Covers F9, F42.
func TestWrongDates(t *testing.T) {
	t.Parallel()
	by := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	kinds := map[string]func() string{
		"8 h ahead":     func() string { return by(8 * time.Hour) },
		"8 h behind":    func() string { return by(-8 * time.Hour) },
		"90 s ahead":    func() string { return by(90 * time.Second) },
		"years ahead":   func() string { return by(99 * 365 * 24 * time.Hour) },
		"years behind":  func() string { return by(-29 * 365 * 24 * time.Hour) },
		"1970":          func() string { return "Thu, 01 Jan 1970 00:00:00 GMT" },
		"year 1":        func() string { return "Mon, 01 Jan 0001 00:00:01 GMT" },
		"year 9999":     func() string { return "Fri, 31 Dec 9999 23:59:59 GMT" },
		"no date":       func() string { return "yesterday" },
		"another form":  func() string { return time.Now().Format(time.RFC3339) },
		"a local zone":  func() string { return time.Now().In(time.FixedZone("CST", 8*3600)).Format(time.RFC1123) },
		"an old format": func() string { return time.Now().UTC().Format(time.ANSIC) },
	}
	for name, date := range kinds {
		for when, wrong := range map[string]func(n int64) bool{
			"the first":       func(n int64) bool { return n == 0 },
			"the second":      func(n int64) bool { return n == 1 },
			"the tenth":       func(n int64) bool { return n == 9 },
			"every other one": func(n int64) bool { return n%2 == 0 },
			"each third":      func(n int64) bool { return n%3 == 1 },
			"by chance":       func(n int64) bool { return rand.New(rand.NewPCG(42, uint64(n))).Float64() < 0.15 },
		} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := quietWorld(simulator.Options{})
					now := time.Now()
					w.cfg.InitialLookback = 6 * time.Hour
					for minute := range 8 * 60 { // two hours of them are in the future
						entries(w.server, fmt.Sprintf("m%d", minute), 1, now.Add(-6*time.Hour).Unix()+int64(minute)*60+30)
					}
					w.handler = &wrongDates{Handler: w.server, date: func(n int64) string {
						if wrong(n) {
							return date()
						}
						return ""
					}}
					w.run(t, 4*time.Hour)
					got := w.sink.Got()
					assert.Len(t, got, 480)
					for id, n := range got {
						assert.Equal(t, 1, n, id)
					}
					assert.Less(t, len(w.server.CallsOf(simulator.EndpointList)), 3*4*60)
				})
			})
		}
	}
}

// TestDatesThatNeverAgree: the first answers all have different wrong Dates. Our clock counts then. Covers F42.
func TestDatesThatNeverAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		entries(w.server, "wanted", 20, time.Now().Add(-50*time.Minute).Unix())
		w.handler = &wrongDates{Handler: w.server, date: func(n int64) string {
			if n > 30 {
				return ""
			}
			return time.Now().Add(time.Duration(1+n) * 5 * time.Hour).UTC().Format(http.TimeFormat)
		}}
		w.run(t, 2*time.Hour)
		assert.Len(t, w.sink.Got(), 20)
	})
}

// TestWrongDateKeepsFreshness: a wrong Date during operation delays nothing by more than a tick or two. Covers
// F42.
func TestWrongDateKeepsFreshness(t *testing.T) {
	for _, skew := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			w.handler = &wrongDates{Handler: w.server, date: func(n int64) string {
				if n%10 == 5 {
					return time.Now().Add(skew).UTC().Format(http.TimeFormat)
				}
				return ""
			}}
			for minute := range 120 {
				entries(w.server, fmt.Sprintf("m%d", minute), 1, time.Now().Unix()+int64(minute)*60)
			}
			began := time.Now().Truncate(time.Second)
			w.run(t, 150*time.Minute)
			assert.Len(t, w.sink.Got(), 120)
			for minute := range 120 {
				arrived := w.sink.Arrived[fmt.Sprintf("m%d-0", minute)]
				assert.LessOrEqual(t, arrived.Sub(began.Add(time.Duration(minute)*time.Minute)), 3*time.Minute, "minute %d", minute)
			}
		})
	}
}

// TestWrongDatesWhereOursIsAhead: as long as the only Dates are wrong or disagree, nothing is taken for read up to
// our own clock, which may be ahead of the server's: no recheck reads it again. Covers F9, F42.
func TestWrongDatesWhereOursIsAhead(t *testing.T) {
	for name, wrong := range map[string]func(n int64) bool{
		"the first":       func(n int64) bool { return n == 0 },
		"every other one": func(n int64) bool { return n%2 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{ClockSkew: -5 * time.Minute})
				w.cfg.StartTime, w.cfg.RecheckAfter = time.Now().Add(-6*time.Minute), nil // the first window reaches the present
				for n := range 900 {
					entries(w.server, fmt.Sprintf("e%d", n), 1, w.cfg.StartTime.Unix()+int64(n)*5)
				}
				w.handler = &wrongDates{Handler: w.server, date: func(n int64) string {
					if wrong(n) {
						return time.Now().Add(8 * time.Hour).UTC().Format(http.TimeFormat)
					}
					return ""
				}}
				w.run(t, 2*time.Hour)
				assert.Len(t, w.sink.Got(), 900)
			})
		})
	}
}
