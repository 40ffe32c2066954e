// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/report"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

const (
	saysWaits = "WARN Waiting for longer than expected; nothing is lost: "
	saysOver  = "INFO The wait is over"
)

// waits are how long the receiver has been waiting, by what it waits for.
func (o *operator) waits() map[string]float64 {
	out := map[string]float64{}
	for attributes, seconds := range points(o.t, o.tel, "wait_age") {
		out[strings.TrimPrefix(attributes, "waits_for=")] = seconds
	}
	return out
}

// TestNothingWaitsInSilence: whatever hangs, and whether or not it obeys its context, the operator sees after
// half a minute what it is, and at its end how long it took; the metric grows meanwhile, and each entry arrives
// once. Covers F59.
func TestNothingWaitsInSilence(t *testing.T) {
	const hang = 6 * time.Hour
	disk := func(call string) func(o *operator) {
		return func(o *operator) {
			hung := false
			o.disk.Mu.Lock()
			defer o.disk.Mu.Unlock()
			o.disk.Hangs = func(now string) time.Duration {
				if now != call || hung {
					return 0
				}
				hung = true
				return hang
			}
		}
	}
	pipeline := func(heeds bool) func(o *operator) {
		return func(o *operator) {
			n := 0
			o.sink.Blocks = func() (time.Duration, bool) {
				if n++; n > 1 {
					return 0, heeds
				}
				return hang, heeds
			}
		}
	}
	for name, tc := range map[string]struct {
		start, later func(o *operator) // what hangs from the start, and later
		on           string
		title        string
		says         []string
	}{
		"pipeline":                   {later: pipeline(true), on: "pipeline", title: "the pipeline does not take records", says: []string{"deliver 5 records", "exporters"}},
		"pipeline, deaf":             {later: pipeline(false), on: "pipeline", title: "the pipeline does not take records", says: []string{"deliver 5 records"}},
		"storage, opening":           {start: disk("open"), on: "storage", title: "the position cannot be read or written", says: []string{"open the storage disk", "lock"}},
		"storage, first read":        {start: disk("get"), on: "storage", title: "the position cannot be read or written", says: []string{"read the storage disk"}},
		"storage, noting a call":     {later: disk("set"), on: "storage", title: "the position cannot be read or written", says: []string{"write the storage disk"}},
		"storage, writing a page":    {later: disk("batch"), on: "storage", title: "the position cannot be read or written", says: []string{"write the storage disk"}},
		"API, beyond its time limit": {later: func(o *operator) { o.wireHangs(hang) }, on: "api", title: "the API does not answer", says: []string{"call list_data", "timeout"}},
		"API, within a long time limit": {
			start: func(o *operator) { o.cfg.ClientConfig.Timeout = hang },
			later: func(o *operator) { o.faults(simulator.Fault{Kind: simulator.FaultHang, Count: 1}) },
			on:    "api", title: "the API does not answer", says: []string{"call list_data"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				w.wire = &slowWire{RoundTripper: simulator.Transport(w.handler, nil)}
				if tc.start != nil {
					tc.start(&operator{testbed: w})
				}
				entries(w.server, "first", 5, time.Now().Unix()-30)
				o := newOperator(t, w)
				if tc.later != nil {
					time.Sleep(10 * time.Minute)
					require.Equal(t, []string{saysBegin}, o.lines())
					require.Equal(t, map[string]float64{"pipeline": 0, "storage": 0, "api": 0, "term": 0}, o.waits())
					tc.later(o)
					entries(w.server, "second", 5, time.Now().Unix())
				}
				began := time.Now()
				for o.waits()[tc.on] == 0 && time.Since(began) < 2*time.Minute {
					time.Sleep(time.Second)
				}
				began = time.Now().Add(-time.Duration(o.waits()[tc.on] * float64(time.Second)))
				time.Sleep(time.Until(began.Add(report.LongWait - time.Second)))
				synctest.Wait()
				before := len(o.lines())
				assert.Empty(t, o.logs.FilterMessageSnippet("Waiting for longer than expected").All(), "not before")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				lines := o.lines()
				require.Len(t, lines, before+1)
				assert.True(t, strings.HasPrefix(lines[before], saysWaits), lines[before])
				line := o.logs.All()[before].ContextMap()
				assert.Equal(t, tc.on, line["waits_for"])
				statuses := o.statuses()
				assert.Equal(t, "StatusRecoverableError: "+tc.title, statuses[len(statuses)-1])
				for _, text := range tc.says {
					assert.Contains(t, line["error"], text)
				}
				assert.Equal(t, o.last().Err().Error(), line["error"], "line and status say the same")

				time.Sleep(hang / 2)
				assert.InDelta(t, time.Since(began).Seconds(), o.waits()[tc.on], 2)
				assert.Len(t, o.lines(), before+1, "once")
				time.Sleep(hang/2 + 10*time.Minute)
				assert.Zero(t, o.waits()[tc.on])
				over := o.logs.FilterMessage("The wait is over").All()
				require.Len(t, over, 1)
				assert.InDelta(t, hang, over[0].ContextMap()["after"], float64(10*time.Minute))
				statuses = o.statuses()
				assert.Equal(t, "StatusOK", statuses[len(statuses)-1])
				assert.Len(t, o.logs.FilterMessageSnippet("works again").All(), 1)
				o.stop()
				for id, n := range w.sink.Got() {
					assert.Equal(t, 1, n, id)
				}
				if tc.later != nil {
					assert.Len(t, w.sink.Got(), 10)
				}
			})
		})
	}
}

// slowWire is a network that may take time, whatever the context of a call is.
type slowWire struct {
	http.RoundTripper
	takes time.Duration
}

func (w *slowWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if takes := w.takes; takes > 0 {
		w.takes = 0
		time.Sleep(takes)
	}
	return w.RoundTripper.RoundTrip(r)
}

// wireHangs lets the next call take so long.
func (w *testbed) wireHangs(takes time.Duration) { w.wire.(*slowWire).takes = takes }

// TestClosingHangs: a call that hangs while a term ends is reported, too. Covers F59.
func TestClosingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := quietWorld(simulator.Options{})
		o := newOperator(t, w)
		time.Sleep(10 * time.Minute)
		o.disk.Mu.Lock()
		o.disk.Hangs = func(call string) time.Duration {
			if call == "close" {
				return time.Hour
			}
			return 0
		}
		o.disk.Mu.Unlock()
		o.stop()
		assert.Equal(t, []string{saysBegin, saysWaits + "storage", saysOver}, o.lines())
		assert.Contains(t, o.logs.All()[1].ContextMap()["error"], "close the storage disk")
	})
}

// TestShortWaitsAreNobodysBusiness: a pipeline that always takes some time, but less than half a minute, changes
// nothing. One that always takes longer is one problem, and is reported once. Covers F59, F38.
func TestShortWaitsAreNobodysBusiness(t *testing.T) {
	t.Parallel()
	for takes, want := range map[time.Duration][]string{
		29 * time.Second: {saysBegin},
		40 * time.Second: {saysBegin, saysWaits + "pipeline", saysOver},
	} {
		t.Run(takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{Tenant: simulator.Tenant{Seed: 1, PerSecond: 0.2, Start: time.Now().Unix() - 600}})
				w.sink.Blocks = func() (time.Duration, bool) { return takes, true }
				o := newOperator(t, w)
				time.Sleep(5 * time.Hour)
				assert.Equal(t, want, o.lines())
				assert.LessOrEqual(t, len(o.statuses()), 2)
				o.stop()
			})
		})
	}
}
