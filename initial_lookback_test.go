// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestInitialLookbackWithAClockBehind: a machine whose clock is years behind does not read years of the log.
// Covers F9.
func TestInitialLookbackWithAClockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const behind = 30 * 24 * time.Hour
		tenant := simulator.Tenant{Seed: 3, PerSecond: 0.01, Start: time.Now().Unix() - 86400}
		w := quietWorld(simulator.Options{Tenant: tenant, ClockSkew: behind})
		began := time.Now().Add(behind)
		stop := w.start(t)
		time.Sleep(2 * time.Hour)
		stop()
		got := w.sink.Got()
		for _, e := range tenant.Entries(began.Add(-time.Hour+time.Second).Unix(), began.Unix()) {
			assert.Equal(t, 1, got[e.ID], e.EventTime)
		}
		for _, e := range tenant.Entries(began.Add(-behind).Unix(), began.Add(-time.Hour-10*time.Second).Unix()) {
			assert.Zero(t, got[e.ID], e.EventTime)
		}
	})
}

// TestMistypedQuery: a position without anything read does not block a corrected configuration, which starts
// from the time of the first start. Covers F31.
func TestMistypedQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.cfg.InitialLookback = time.Minute
		entries(w.server, "some", 5, time.Now().Unix()-30)
		w.cfg.AppID = "cli_mistyped"
		stop := w.start(t)
		time.Sleep(time.Hour)
		stop()
		assert.Empty(t, w.sink.Got())
		w.cfg.AppID = simulator.DefaultAppID
		stop = w.start(t)
		time.Sleep(time.Hour)
		stop()
		assert.Len(t, w.sink.Got(), 5)
	})
}

type withoutDate struct{ http.ResponseWriter }

func (w withoutDate) WriteHeader(status int) {
	w.Header()["Date"] = nil
	w.ResponseWriter.WriteHeader(status)
}

func (w withoutDate) Write(b []byte) (int, error) {
	w.Header()["Date"] = nil
	return w.ResponseWriter.Write(b)
}

// TestConcurrentWalksWithoutDate: walks are read concurrently even if the server does not send its time.
func TestConcurrentWalksWithoutDate(t *testing.T) {
	t.Parallel()
	delivered := func(dated bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			tenant := simulator.Tenant{Seed: 3, PerSecond: 4, Start: time.Now().Unix() - 7200}
			w := quietWorld(simulator.Options{Tenant: tenant})
			if !dated {
				w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.server.ServeHTTP(withoutDate{rw}, r) })
			}
			w.cfg.MaxConcurrentWalks, w.cfg.InitialLookback = 4, 2*time.Hour
			w.latency = func() time.Duration { return 3 * time.Second }
			stop := w.start(t)
			time.Sleep(10 * time.Minute)
			stop()
			n = len(w.sink.Got())
		})
		return n
	}
	assert.InEpsilon(t, delivered(true), delivered(false), 0.05)
}
