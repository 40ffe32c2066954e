// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// TestPatience: the number of the first failure in a row that is reported, by cause and by the waits between
// tries. Covers F38, F59.
func TestPatience(t *testing.T) {
	for name, tc := range map[string]struct {
		cause cause.Cause
		waits []int // seconds before the next try
		takes int   // seconds that each try takes
		want  int   // the failure that is reported; 0: none
	}{
		"quick tries of the API":              {cause: cause.Network, waits: []int{1, 2, 4, 8, 8}, want: 5},
		"four of them":                        {cause: cause.Network, waits: []int{1, 2, 4, 8}, want: 0},
		"the pipeline":                        {cause: cause.Pipeline, waits: []int{1, 1, 1}, want: 3},
		"the rate limit, with short waits":    {cause: cause.RateLimit, waits: []int{1, 1, 1}, want: 3},
		"the rate limit, once":                {cause: cause.RateLimit, waits: []int{30}, want: 0},
		"no success before 20 s, from two on": {cause: cause.RateLimit, waits: []int{1, 48}, want: 2},
		"the same of the API":                 {cause: cause.API, waits: []int{5, 15}, want: 2},
		"a try that takes 20 s":               {cause: cause.Network, waits: []int{1}, takes: 20, want: 1},
		"a wait of more than 30 s":            {cause: cause.RateLimit, waits: []int{31}, want: 1},
		"the same of the pipeline":            {cause: cause.Pipeline, waits: []int{31}, want: 1},
		"what needs a person":                 {cause: cause.Scope, waits: []int{1}, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reported := 0
				h := Health{Logger: zap.NewNop(), Gauges: &Gauges{}, First: time.Minute, Report: func(*componentstatus.Event) { reported++ }}
				got := 0
				for i, wait := range tc.waits {
					sent := time.Now()
					time.Sleep(time.Duration(tc.takes) * time.Second)
					h.NoteFailure(tc.cause, errors.New("why"), sent, time.Duration(wait)*time.Second)
					if reported > 0 {
						got = i + 1
						break
					}
					time.Sleep(time.Duration(wait) * time.Second)
				}
				assert.Equal(t, tc.want, got)
			})
		})
	}
}

// TestSlowFailures: whatever the failures before it and however long it hangs, a try is reported LongWait after
// the first of them was sent; after a success earlier failures do not count. Covers F38, F59.
func TestSlowFailures(t *testing.T) {
	const (
		try   = time.Second
		third = 2*try + 17*time.Second // two tries, and waits of 7 s and 10 s: not reported yet
	)
	for name, tc := range map[string]struct {
		on      Outside
		failed  cause.Cause
		want    cause.Cause
		succeed time.Duration // after the third try began; 0: never
		after   time.Duration // the third try began
	}{
		"the pipeline":                      {on: OnPipeline, failed: cause.Pipeline, want: cause.Pipeline, after: LongWait - third},
		"the storage":                       {on: OnStorage, failed: cause.Storage, want: cause.Storage, after: LongWait - third},
		"the API":                           {on: OnAPI, failed: cause.API, want: cause.API, after: LongWait - third},
		"the pipeline after the API":        {on: OnPipeline, failed: cause.API, want: cause.Pipeline, after: LongWait},
		"the API after the pipeline":        {on: OnAPI, failed: cause.Pipeline, want: cause.Network, after: LongWait},
		"the API, another call of it works": {on: OnAPI, failed: cause.API, want: cause.Network, succeed: time.Second, after: LongWait},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zap.WarnLevel)
				var status *componentstatus.Event
				h := &Health{Logger: zap.New(core), Gauges: &Gauges{}, First: time.Minute, Report: func(e *componentstatus.Event) { status = e }}
				w := Watch{Health: h}
				for _, wait := range []time.Duration{7 * time.Second, 10 * time.Second} {
					sent, done := time.Now(), w.Begin(tc.on, "try")
					time.Sleep(try)
					done()
					h.NoteFailure(tc.failed, errors.New("why"), sent, wait)
					time.Sleep(wait)
				}
				began, done := time.Now(), w.Begin(tc.on, "try")
				if tc.succeed > 0 {
					time.Sleep(tc.succeed)
					h.NoteSuccess(true, false)
				}
				time.Sleep(time.Until(began.Add(tc.after)))
				synctest.Wait()
				require.Nil(t, status)
				require.Zero(t, logs.Len())
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
				require.NotNil(t, status)
				assert.Equal(t, componentstatus.StatusRecoverableError, status.Status())
				assert.Contains(t, status.Err().Error(), tc.want.Info().Title)
				require.Equal(t, 1, logs.Len())
				assert.Equal(t, LongWait, logs.All()[0].ContextMap()["for"])
				done()
			})
		})
	}
}
