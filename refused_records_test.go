// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
	"github.com/feishuaudit/feishuauditreceiver/internal/world"
)

// givenUp is the list in the storage.
func givenUp(t *testing.T, w *testbed) checkpoint.GivenUpList {
	list, err := checkpoint.DecodeGivenUp(w.disk.Snapshot()[checkpoint.KeyGivenUp])
	require.NoError(t, err)
	return list
}

// onceEach fails unless each entry was accepted once.
func onceEach(t *testing.T, w *testbed, want int) {
	t.Helper()
	assert.Len(t, w.sink.Got(), want)
	for id, n := range w.sink.Got() {
		assert.Equal(t, 1, n, id)
	}
}

// TestOneRecordRefused: a record that the backend never accepts costs its page at most 20 deliveries, and does
// not affect its neighbours. It is given up, counted, logged in a line that differs from all others, and listed
// in the storage. Covers F53, F56.
func TestOneRecordRefused(t *testing.T) {
	for _, bad := range []int{0, 42, 50, 99} {
		synctest.Test(t, func(t *testing.T) {
			w := quietWorld(simulator.Options{})
			b := newBackend(w)
			id := fmt.Sprintf("e-%d", bad)
			b.bad[id] = true
			second := time.Now().Unix() - 60
			entries(w.server, "e", 100, second)
			o := newOperator(t, w)
			time.Sleep(time.Second)
			onceEach(t, w, 99)
			time.Sleep(10 * time.Minute)
			assert.LessOrEqual(t, b.took(), 20)
			entries(w.server, "later", 1, time.Now().Unix())
			time.Sleep(5 * time.Minute)
			onceEach(t, w, 100)
			assert.InDelta(t, 1, points(t, o.tel, "entries")["result=lost"], 0)
			assert.InDelta(t, 100, points(t, o.tel, "entries")["result=delivered"], 0)
			told := w.logs.FilterMessageSnippet("Dropped record " + id).All()
			require.Len(t, told, 1)
			assert.Equal(t, second, told[0].ContextMap()["event_time"].(time.Time).Unix())
			list := givenUp(t, w)
			require.Len(t, list.Records, 1)
			assert.EqualValues(t, 1, list.Total)
			assert.Equal(t, id, list.Records[0].ID)
			assert.Equal(t, second, list.Records[0].EventTime)
			assert.Contains(t, list.Records[0].Error, "HTTP 400")
			o.stop()

			// Nothing is delivered again, and the list continues.
			stop := w.start(t)
			time.Sleep(3 * time.Hour)
			onceEach(t, w, 100)
			b.mu.Lock()
			b.bad["more-0"] = true
			b.mu.Unlock()
			entries(w.server, "more", 3, time.Now().Unix())
			time.Sleep(5 * time.Minute)
			entries(w.server, "last", 1, time.Now().Unix())
			time.Sleep(5 * time.Minute)
			stop()
			onceEach(t, w, 103)
			list = givenUp(t, w)
			assert.EqualValues(t, 2, list.Total)
			require.Len(t, list.Records, 2)
			assert.Equal(t, "more-0", list.Records[1].ID)
		})
	}
}

// TestManyRefused: every tenth record of a busy tenant is refused. Each is logged. Covers F53, F56.
func TestManyRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		w.sink.RefuseWith(func(logs plog.Logs) error {
			if slices.ContainsFunc(world.UidsIn(logs), func(uid string) bool { return strings.HasSuffix(uid, "7") }) {
				return permanent
			}
			return nil
		})
		o := newOperator(t, w)
		for n := range 20 {
			entries(w.server, fmt.Sprint("n", n), 100, time.Now().Unix()-5)
			time.Sleep(time.Minute)
		}
		time.Sleep(5 * time.Minute)
		entries(w.server, "last", 1, time.Now().Unix())
		time.Sleep(time.Hour)
		o.stop()
		onceEach(t, w, 1801)
		assert.InDelta(t, 200, points(t, o.tel, "entries")["result=lost"], 0)
		list := givenUp(t, w)
		ids := map[string]bool{}
		for _, r := range list.Records {
			ids[r.ID] = true
		}
		assert.Len(t, ids, 200)
		lines := map[string]bool{}
		for _, line := range w.logs.FilterMessageSnippet("Dropped record").All() {
			lines[line.Message] = true
		}
		assert.Len(t, lines, 200)
	})
}

// TestTooLarge: pages larger than the backend accepts are delivered in parts, with any kind of refusal, and
// nothing is given up. Covers F53.
func TestTooLarge(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		within time.Duration // for the first page
	}{
		"permanent":            {permanent, 0},
		"retryable":            {errors.New("429"), 10 * time.Minute},
		"retryable, and known": {errors.New("rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)"), 0},
		"of the queue":         {errors.New("element size too large"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				b := newBackend(w)
				b.most, b.tooMany = 10, tc.err
				entries(w.server, "e", 100, time.Now().Unix()-60)
				stop := w.start(t)
				time.Sleep(tc.within + time.Second)
				onceEach(t, w, 100)
				b.took()
				entries(w.server, "f", 100, time.Now().Unix())
				time.Sleep(2 * time.Minute)
				onceEach(t, w, 200)
				assert.LessOrEqual(t, b.took(), 2*100/7, "the size is remembered")
				stop()
				assert.Empty(t, givenUp(t, w).Records)
			})
		})
	}
}

// TestNothingIsTaken: a pipeline that refuses everything permanently, for example because a token was rotated,
// gets one record at a time, at the interval of the backoff. The receiver reports that somebody has to act, even
// if other problems come and go. Afterwards everything arrives once, with restarts in between, and nothing is
// given up. Covers F54.
func TestNothingIsTaken(t *testing.T) {
	t.Parallel()
	for name, perMinute := range map[string]float64{"a quiet tenant": 0.1, "a busy one": 60} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: perMinute / 60, Start: began.Unix() - 3600}})
				b := newBackend(w)
				o := newOperator(t, w)
				time.Sleep(30 * time.Minute)
				require.Equal(t, []string{"StatusOK"}, o.statuses())
				b.says(consumererror.NewPermanent(errors.New("error exporting items, request to https://siem responded with HTTP Status Code 401")))
				b.took()
				time.Sleep(time.Hour)
				w.faults(simulator.Fault{Kind: simulator.FaultReset, Count: 5})
				time.Sleep(2 * time.Hour)
				assert.LessOrEqual(t, b.took(), 3*60*2+60)
				assert.Equal(t, "StatusRecoverableError", o.last().Status().String())
				assert.Contains(t, o.last().Err().Error(), "the pipeline does not take records: it refuses")
				assert.Contains(t, o.last().Err().Error(), "HTTP 401")
				assert.Greater(t, points(t, o.tel, "trouble")["cause=pipeline"], 3600.0)
				assert.Positive(t, w.logs.FilterMessageSnippet("action required").Len())
				assert.Greater(t, points(t, o.tel, "lag")["pass=0"], 2*3600.0, "the position does not move past them")
				o.stop()
				for range 3 {
					stop := w.start(t)
					time.Sleep(10 * time.Minute)
					stop()
				}
				b.says(nil)
				stop := w.start(t)
				time.Sleep(4 * time.Hour)
				cutoff := time.Now().Unix() - 300
				stop()
				assert.Empty(t, givenUp(t, w).Records)
				assert.Zero(t, points(t, o.tel, "late_entries")["found_by=chance"], "what was held is not late")
				got := w.sink.Got()
				wanted := 0
				tenant := simulator.Tenant{Seed: 3, PerSecond: perMinute / 60, Start: began.Unix() - 3600}
				for _, e := range tenant.Entries(began.Unix()-3500, cutoff) {
					wanted++
					assert.Equal(t, 1, got[e.ID], e.ID)
				}
				assert.Greater(t, wanted, 20)
			})
		})
	}
}

// TestOnlyRecordRefused: if the only record in hours is refused, nothing shows that the pipeline accepts others.
// The record is held, and the position stays before it, until another one or the record itself is accepted.
// Covers F54.
func TestOnlyRecordRefused(t *testing.T) {
	for name, mended := range map[string]bool{"another is taken": false, "it is taken": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.cfg.RetryOnFailure.RandomizationFactor = 0 // the tries are counted
				b := newBackend(w)
				b.bad["alone-0"] = true
				entries(w.server, "alone", 1, time.Now().Unix()-30)
				stop := w.start(t)
				time.Sleep(4 * time.Hour)
				assert.Empty(t, givenUp(t, w).Records)
				assert.LessOrEqual(t, b.took(), 4*60*2*5/4, "the retry's pace, with its chance")
				stop()
				stop = w.start(t)
				defer func() { stop() }()
				time.Sleep(time.Hour)
				if mended {
					b.takesAll()
					time.Sleep(time.Minute)
					onceEach(t, w, 1)
					return
				}
				entries(w.server, "other", 1, time.Now().Unix())
				time.Sleep(10 * time.Minute)
				onceEach(t, w, 1)
				list := givenUp(t, w)
				require.Len(t, list.Records, 1)
				assert.Equal(t, "alone-0", list.Records[0].ID)
			})
		})
	}
}

// TestPageRefused: a page of records that the backend never accepts delays neither later records nor itself.
// Covers F53.
func TestPageRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		b := newBackend(w)
		for n := range 100 {
			b.bad[fmt.Sprintf("bad-%d", n)] = true
		}
		entries(w.server, "bad", 100, time.Now().Unix()-300)
		stop := w.start(t)
		defer func() { stop() }()
		time.Sleep(5 * time.Minute)
		for n := range 200 {
			entries(w.server, fmt.Sprint("good", n), 1, time.Now().Unix())
			time.Sleep(90 * time.Second)
			if n%20 == 0 {
				assert.GreaterOrEqual(t, len(w.sink.Got()), n, "the first one may have to wait for the retry")
			}
		}
		time.Sleep(time.Hour)
		onceEach(t, w, 200)
		assert.Len(t, givenUp(t, w).Records, 100)
		assert.Less(t, b.took(), 200+1000)
	})
}

// TestStorageAwayWhenGivenUp: if the storage fails when a record is given up, the list is not lost: it is
// written with the position that moves past the record. Covers F56.
func TestStorageAwayWhenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		b := newBackend(w)
		b.bad["e-3"] = true
		entries(w.server, "e", 10, time.Now().Unix()-60)
		stop := w.start(t)
		time.Sleep(time.Second)
		w.diskFails(func() error { return assert.AnError })
		time.Sleep(10 * time.Minute)
		w.diskFails(nil)
		time.Sleep(10 * time.Minute)
		stop()
		assert.Len(t, givenUp(t, w).Records, 1)
		onceEach(t, w, 9)
	})
}

// TestHeldOfASharedSecond: a late entry is held, of a second that its window shares with the previous one. The
// stored position does not pass it: otherwise what an API no longer shows after a restart would be skipped from
// there on, and the report would not include the entry. Covers F54, F8.
func TestHeldOfASharedSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		time.Sleep(time.Hour)
		w.cfg.RecheckAfter, w.cfg.PollInterval = []time.Duration{5 * time.Minute}, time.Minute
		w.sink.Refuse = func(plog.Logs) error { return consumererror.NewPermanent(errors.New("HTTP status code 401")) }
		stop := w.start(t)
		defer stop()
		time.Sleep(10 * time.Minute)
		mark := w.stored(t).Marks[0]
		late := mark - 1
		entries(w.server, "late", 1, late)
		time.Sleep(10 * time.Minute)
		now := w.stored(t)
		assert.Equal(t, late, now.Marks[0], "read up to before, %d", mark)
		assert.LessOrEqual(t, now.Marks[1], late)
	})
}
