// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package feishuauditreceiver_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/checkpoint"
	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestCheckpointOfTheVersionBefore: the state that commit 58b66b6 stored after two hours is used as it is:
// nothing is delivered again, and nothing is left out. Covers F31.
func TestCheckpointOfTheVersionBefore(t *testing.T) {
	t.Parallel()
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
		assert.LessOrEqual(t, all, len(tenant.Entries(tenant.Start, now)), "nothing is delivered again")
		for _, entry := range tenant.Entries(now-7200, now-120) {
			assert.Contains(t, got, entry.ID)
		}
		for id, times := range got {
			assert.Equal(t, 1, times, id)
		}
		line := w.logs.FilterMessage("Resuming from the checkpoint").All()
		require.Len(t, line, 1)
		assert.Equal(t, time.Date(2000, 1, 1, 1, 59, 57, 0, time.UTC), line[0].ContextMap()["read_up_to"])
	})
}

// TestCheckpointOfAnEndpointSpelledOtherwise: a position that was stored under another spelling of the same
// endpoint is used; another endpoint's is refused. Covers F67.
func TestCheckpointOfAnEndpointSpelledOtherwise(t *testing.T) {
	for spelling, same := range map[string]bool{
		"http://127.0.0.1:1/": true, "HTTP://127.0.0.1:1": true, "http://127.0.0.1:01//": true,
		"http://127.0.0.1:2": false, "http://127.0.0.2:1": false, "http://127.0.0.1:1/base": false,
	} {
		t.Run(spelling, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := quietWorld(simulator.Options{})
				entries(w.server, "some", 5, time.Now().Unix()-30)
				stop := w.start(t)
				time.Sleep(10 * time.Minute)
				stop()
				// As builds stored it that compared spellings.
				c, err := checkpoint.Decode(w.disk.Data[checkpoint.KeyPosition])
				require.NoError(t, err)
				c.Query.Endpoint = strings.TrimRight(spelling, "/")
				w.disk.Data[checkpoint.KeyPosition] = c.Encode()
				entries(w.server, "later", 5, time.Now().Unix()-30)
				stop = w.start(t)
				time.Sleep(10 * time.Minute)
				stop()
				if same {
					assert.Len(t, w.sink.Got(), 10)
					assert.Len(t, w.logs.FilterMessage("Resuming from the checkpoint").All(), 1)
				} else {
					assert.Len(t, w.sink.Got(), 5)
				}
			})
		})
	}
}
