// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestEndpointDown: the backoff limits failing calls, and there is one log line and one status when the problem
// starts, and one of each when it is over. Covers F19, F38.
func TestEndpointDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.handler = &unhurried{Handler: w.server, t: t}
		o := newOperator(t, w)
		defer o.stop()
		time.Sleep(time.Minute)
		w.faults(simulator.Fault{Kind: simulator.FaultReset})
		before := len(w.server.Calls())
		time.Sleep(10 * time.Minute)
		calls := len(w.server.Calls()) - before
		assert.Greater(t, calls, 10)
		assert.Less(t, calls, 60)
		began := []string{saysBegin, saysFails + "network"}
		assert.Equal(t, began, o.lines())
		w.faults()
		entries(w.server, "after", 1, time.Now().Unix()-5)
		time.Sleep(2 * time.Minute)
		assert.Len(t, w.sink.Got(), 1)
		assert.Equal(t, append(began, saysWell+"network"), o.lines())
		assert.Equal(t, []string{"StatusOK", "StatusRecoverableError", "StatusOK"}, withoutText(o.statuses()))
	})
}

// unhurried fails the test when it is called many times at one instant, and then takes some time: virtual time
// does not pass in a busy loop, and the test would not end.
type unhurried struct {
	http.Handler
	t     *testing.T
	mu    sync.Mutex
	at    time.Time
	calls int
}

func (u *unhurried) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const most = 1000
	u.mu.Lock()
	if now := time.Now(); !now.Equal(u.at) {
		u.at, u.calls = now, 0
	}
	u.calls++
	calls := u.calls
	u.mu.Unlock()
	if calls == most {
		u.t.Errorf("%d calls in one instant", most)
	}
	if calls >= most {
		time.Sleep(time.Minute)
	}
	u.Handler.ServeHTTP(w, r)
}

// TestWindowRefused: a window longer than the API accepts is shortened after one more try, as a refusal may be
// chance, and is not requested again and again.
func TestWindowRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{MaxWindow: 11 * time.Minute})
		w.cfg.InitialLookback = 48 * time.Hour
		entries(w.server, "old", 5, time.Now().Unix()-47*3600)
		stop := w.start(t)
		defer stop()
		time.Sleep(24 * time.Hour)
		assert.Len(t, w.sink.Got(), 5)
		refused := 0
		for _, call := range w.server.Calls() {
			if call.Code == 1780103 {
				refused++
			}
		}
		assert.Positive(t, refused)
		assert.LessOrEqual(t, refused, 2*3, "an hour, half and a quarter of it")
	})
}
