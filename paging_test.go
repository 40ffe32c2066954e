// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/openapi"
	"github.com/feishuaudit/feishuauditreceiver/internal/plan"
	"github.com/feishuaudit/feishuauditreceiver/internal/poll"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// stored is the checkpoint on the disk.
func (w *testbed) stored(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	w.disk.Mu.Lock()
	defer w.disk.Mu.Unlock()
	c, err := checkpoint.Decode(w.disk.Data[checkpoint.KeyPosition])
	require.NoError(t, err)
	return c
}

// TestAnyOrder: the process dies in the middle of a walk, with any order of entries, and only this walk reads
// that time again. Covers F5.
func TestAnyOrder(t *testing.T) {
	for _, order := range []simulator.Order{simulator.Ascending, simulator.Descending, simulator.Shuffled} {
		t.Run(string(order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Order: order})
				now := time.Now().Unix()
				for second := range int64(100) {
					entries(w.server, fmt.Sprint("e", second), 20, now-200+second)
				}
				w.cfg.InitialLookback, w.cfg.RecheckAfter = 5*time.Minute, nil
				w.latency = func() time.Duration { return time.Second }
				for range 4 {
					stop := w.start(t)
					time.Sleep(6*time.Second + 500*time.Millisecond)
					w.kill()
					stop()
					w.reboot()
				}
				stop := w.start(t)
				time.Sleep(10 * time.Minute)
				stop()
				assert.Len(t, w.sink.Got(), 2000)
			})
		})
	}
}

// TestPagesWithoutEnd: a window has more pages than any window may have, each with a new entry and a fresh page
// token. The window is given up, which is logged, the entries of its pages are delivered, and a shorter window
// is requested. Covers F13.
func TestPagesWithoutEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = poll.MaxPages
		w := quietWorld(simulator.Options{})
		w.cfg.InitialLookback, w.cfg.RecheckAfter = 2*time.Minute, nil
		w.core, w.logs = observer.New(zapcore.DebugLevel)
		var pages, seconds atomic.Int64
		var over atomic.Bool
		at := time.Now().Unix() - 20
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != openapi.ListPath || over.Load() {
				w.server.ServeHTTP(rw, r)
				return
			}
			var query struct {
				Start int64 `json:"start_time"`
				End   int64 `json:"end_time"`
			}
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&query))
			seconds.Store(query.End - query.Start)
			n := pages.Add(1)
			rw.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
			fmt.Fprintf(rw, `{"code":0,"data":{"has_more":true,"page_token":"fresh-%d","items":[{"id":"new-%d","event_time":%d}]}}`, n, n, at)
		})
		r := newTestReceiver(t, w)
		h := &world.StatusHost{Host: w.host()}
		require.NoError(t, r.Start(t.Context(), h))
		apart()
		defer func() { require.NoError(t, r.Shutdown(context.Background())) }()
		for pages.Load() <= most {
			time.Sleep(time.Second)
		}
		synctest.Wait()
		assert.EqualValues(t, most+1, pages.Load(), "it waits before it begins again")
		lines := w.logs.FilterField(zap.String("cause", string(cause.Paging))).All()
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0].ContextMap()["error"], fmt.Sprintf("the API reports more after %d pages of one window", most+1))
		assert.Len(t, w.sink.Got(), most+1)
		longest := seconds.Load()
		time.Sleep(time.Minute)
		assert.Less(t, seconds.Load(), longest, "the window is halved")
		over.Store(true)
		before := len(w.sink.Got())
		entries(w.server, "good", 3, time.Now().Unix())
		time.Sleep(10 * time.Minute)
		assert.Len(t, w.sink.Got(), before+3)
		synctest.Wait()
		assert.Equal(t, componentstatus.StatusOK, h.Last())
	})
}

// TestPagesAreNotHeldBack: the fourth page never arrives, and the first three are delivered already. Covers F25.
func TestPagesAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultHang, Endpoint: simulator.EndpointList, After: 3}}})
		entries(w.server, "e", 1000, time.Now().Unix()-60)
		w.cfg.InitialLookback = 2 * time.Minute
		stop := w.start(t)
		defer stop()
		time.Sleep(time.Second)
		assert.Len(t, w.sink.Got(), 300)
		w.faults()
		time.Sleep(time.Minute)
		assert.Len(t, w.sink.Got(), 1000)
	})
}

// TestEmptyPages: pages without entries, in each form that they may have, at the start of a walk, in its middle
// and many in a row, are not its end: one walk reads everything, and nothing reads that time again. Covers F11,
// F12.
func TestEmptyPages(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"every second page":  {Every: 2},
		"the first page":     {Count: 1},
		"many in the middle": {After: 1, Count: 19},
		"before the last":    {After: 3, Count: 1},
	} {
		for _, form := range []simulator.Empty{simulator.EmptyArray, simulator.EmptyNull, simulator.EmptyOmitted} {
			t.Run(name+", "+string(form), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fault.Kind = simulator.FaultEmptyPage
					w := quietWorld(simulator.Options{Empty: form, Faults: []simulator.Fault{fault}})
					entries(w.server, "e", 350, time.Now().Unix()-60)
					w.cfg.InitialLookback, w.cfg.RecheckAfter = 2*time.Minute, nil
					stop := w.start(t)
					time.Sleep(50 * time.Second)
					stop()
					assert.Len(t, w.sink.Got(), 350)
					walks := 0
					for _, call := range w.server.CallsOf(simulator.EndpointList) {
						if call.PageToken == "" {
							walks++
						}
					}
					assert.Equal(t, 1, walks)
				})
			})
		}
	}
}

// TestSilenceMovesThePosition: twelve hours without an entry move every watermark, also the stored ones, so that
// a restart does not read them again, and the first entry after them arrives. Covers F10.
func TestSilenceMovesThePosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		stop := w.start(t)
		time.Sleep(12 * time.Hour)
		w.kill() // so that nothing is written in the end only
		stop()
		now := time.Now().Unix()
		c := w.stored(t)
		for pass, mark := range c.Marks {
			// A recheck reads what has been due for as long as half of its delay.
			atMost := c.Recheck[pass] + max(60, c.Recheck[pass]/2) + 60
			assert.LessOrEqual(t, now-mark, atMost, "the stored watermark of pass %d", pass)
		}
		w.reboot()
		calls := len(w.server.CallsOf(simulator.EndpointList))
		entries(w.server, "one", 1, now)
		stop = w.start(t)
		time.Sleep(2 * time.Minute)
		stop()
		assert.Len(t, w.sink.Got(), 1)
		for _, call := range w.server.CallsOf(simulator.EndpointList)[calls:] {
			assert.GreaterOrEqual(t, call.StartTime, c.Marks[len(c.Marks)-1]-plan.Overlap, "nothing is read again after the restart")
		}
	})
}

// TestStartMakesNoCall: Start returns at once and without an error when the API hangs, refuses the credential,
// or cannot be reached. The error is reported in a status later, and the receiver resumes when it is fixed.
// Covers F22.
func TestStartMakesNoCall(t *testing.T) {
	for _, kind := range []simulator.FaultKind{simulator.FaultHang, simulator.FaultWrongSecret, simulator.FaultReset} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Faults: []simulator.Fault{{Kind: kind, Endpoint: simulator.EndpointToken}}})
				entries(w.server, "e", 5, time.Now().Unix()-60)
				r := newTestReceiver(t, w)
				h := &world.StatusHost{Host: w.host()}
				began := time.Now()
				require.NoError(t, r.Start(t.Context(), h))
				assert.Zero(t, time.Since(began))
				time.Sleep(10 * time.Minute)
				w.faults()
				time.Sleep(10 * time.Minute)
				require.NoError(t, r.Shutdown(context.Background()))
				assert.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, h.Statuses)
				assert.Len(t, w.sink.Got(), 5)
			})
		})
	}
}

// TestSlowCallsDoNotOverlap: an API takes two thirds of the time limit for a page, and the poll interval is half
// of that. With max_concurrent_walks of 1 there is never a second concurrent call, a walk starts only when the
// previous one has ended, and everything arrives. Covers F20, F29.
func TestSlowCallsDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		now := time.Now().Unix()
		for minute := range int64(20) {
			entries(w.server, fmt.Sprint("e", minute), 150, now-60*minute-60)
		}
		w.cfg.InitialLookback, w.cfg.PollInterval, w.cfg.MaxConcurrentWalks = 30*time.Minute, 10*time.Second, 1
		var flying, most atomic.Int64
		w.handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if n := flying.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer flying.Add(-1)
			time.Sleep(20 * time.Second)
			w.server.ServeHTTP(rw, r)
		})
		stop := w.start(t)
		defer stop()
		time.Sleep(time.Hour)
		assert.EqualValues(t, 1, most.Load(), "concurrent calls")
		assert.Len(t, w.sink.Got(), 3000)
		more := false
		for _, call := range w.server.CallsOf(simulator.EndpointList) {
			assert.Equal(t, more, call.PageToken != "", "a walk begins when the last one has ended")
			more = call.HasMore
		}
	})
}
