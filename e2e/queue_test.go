// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestQueueKilled: the collector is killed with SIGKILL while the exporter's queue has records that the receiver
// counts as delivered, with a backend that is down in every other run. A queue with a storage, configured as in
// the documentation, loses nothing, and repeats at most what its consumers had in flight and the page between
// queue and checkpoint. A queue that waits for the result loses nothing, either, and repeats at most a page. A queue in
// memory loses records, so the documentation warns of it. Covers F24, F32.
func TestQueueKilled(t *testing.T) {
	t.Parallel()
	const kills, consumers = 10, 10 // the exporter's default
	retry := "retry_on_failure: {enabled: true, initial_interval: 100ms, max_interval: 500ms, max_elapsed_time: 0}"
	for name, tc := range map[string]struct {
		queue    string
		inFlight int // pages that the queue has accepted
		loses    bool
	}{
		"with storage": {queue: "sending_queue: {enabled: true, storage: file_storage, block_on_overflow: true, queue_size: 20}", inFlight: consumers},
		"that waits":   {queue: "sending_queue: {enabled: true, wait_for_result: true, sizer: items, queue_size: 10000, batch: {flush_timeout: 10ms, min_size: 1000}}"},
		"in memory":    {queue: "sending_queue: {enabled: true, block_on_overflow: true, queue_size: 20}", inFlight: consumers, loses: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(19, 19))
			now := time.Now().Unix()
			log := simulator.Tenant{Seed: 19, PerSecond: 100, Start: now - 500, End: now - 10}
			a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
			// Nothing is read again, so nothing recovers losses of the queue.
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: []")
			s.Exporter = []string{tc.queue, retry}
			if tc.inFlight == 0 { // the receiver retries
				s.Exporter = []string{tc.queue, "retry_on_failure: {enabled: false}"}
			}
			for i := range kills {
				away := i%2 == 0
				if away {
					b.answering(always(http.StatusServiceUnavailable))
				} else {
					b.answering(func(int) (time.Duration, int) { return 20 * time.Millisecond, http.StatusOK })
				}
				calls, taken := len(a.Calls()), b.requests()
				c := s.start(t, b)
				if away {
					eventually(t, starts, "the queue's consumers ask, without an answer", func() bool {
						return b.askedFor() >= max(2, tc.inFlight) && len(a.Calls()) > calls
					})
				} else {
					eventually(t, starts, "some pages arrive", func() bool { return b.requests() > taken })
				}
				pause(t, time.Duration(rng.IntN(500))*time.Millisecond)
				c.kill(t)
			}
			b.answering(always(http.StatusOK))
			entries := a.ends(log)
			c := s.start(t, b)
			if tc.loses {
				c.says(t, "Resuming from the checkpoint", starts)
				count, since := b.count(), time.Now()
				eventually(t, time.Minute, "nothing comes any more", func() bool {
					if n := b.count(); n != count {
						count, since = n, time.Now()
					}
					return time.Since(since) > 5*time.Second
				})
				c.term(t)
				t.Logf("%d of %d entries arrived", b.count(), len(entries))
				require.Less(t, b.count(), len(entries), "a queue in memory survived being killed: the documentation is wrong")
				return
			}
			b.arrivals(t, entries)
			c.term(t)
			doubles := b.doubles()
			t.Logf("repeated, by life: %v", doubles)
			b.check(t, entries, kills*(tc.inFlight+1))
			for life, n := range doubles {
				require.LessOrEqual(t, n, (tc.inFlight+1)*pageSize, "life %s", life)
			}
		})
	}
}
