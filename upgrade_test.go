// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestCheckpointOfTheVersionBefore: what commit 58b66b6 has stored after two hours is taken
// over as it is: nothing that it delivered comes again, and nothing is left out. Covers F31.
func TestCheckpointOfTheVersionBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, err := os.ReadFile("testdata/checkpoints/58b66b6.json")
		require.NoError(t, err)
		var before struct {
			Values    map[string][]byte `json:"values"`
			Delivered int               `json:"delivered"`
		}
		require.NoError(t, json.Unmarshal(text, &before))

		began := time.Now() // the same instant in every synctest bubble
		tenant := simulator.Tenant{Seed: 11, PerSecond: 0.5, Start: began.Add(-time.Hour).Unix()}
		w := quietWorld(simulator.Options{Tenant: tenant})
		w.cfg.StartTime = began.Add(-time.Hour)
		w.disk.Data = before.Values
		time.Sleep(2 * time.Hour)
		stop := w.start(t)
		time.Sleep(2*time.Hour + time.Second)
		stop()

		got, now := w.sink.Got(), time.Now().Unix()
		all := before.Delivered + len(got)
		assert.GreaterOrEqual(t, all, len(tenant.Entries(tenant.Start, now-120)), "nothing is left out")
		assert.LessOrEqual(t, all, len(tenant.Entries(tenant.Start, now)), "nothing comes again")
		for _, entry := range tenant.Entries(now-7200, now-120) {
			assert.Contains(t, got, entry.ID)
		}
		for id, times := range got {
			assert.Equal(t, 1, times, id)
		}
		line := w.logs.FilterMessage("Going on from the checkpoint").All()
		require.Len(t, line, 1)
		assert.Equal(t, time.Date(2000, 1, 1, 1, 59, 57, 0, time.UTC), line[0].ContextMap()["read_up_to"])
	})
}
