// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/feishuaudit/feishuauditreceiver/internal/cause"
)

// TestPatience: which failure in a row is the first that is reported, by cause and by the waits
// between tries. Covers F38, F59.
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
		"a wait of more than a minute":        {cause: cause.RateLimit, waits: []int{61}, want: 1},
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
