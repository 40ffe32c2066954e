// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestBackendAway: the backend cannot be reached, hangs, or answers slowly or only sometimes, and no component
// between it and the receiver can keep the records. They wait in the log: nothing is lost or duplicated. Covers
// F18, F24, F25.
func TestBackendAway(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		timeout time.Duration // of the exporter, if not the usual one
		trouble func(t *testing.T, c *collector, b *backend)
	}{
		"connection refused": {trouble: func(t *testing.T, c *collector, b *backend) {
			b.down(t)
			c.says(t, "the pipeline does not take records", recovers)
			c.says(t, "connection refused", time.Second)
			pause(t, 5*time.Second)
			b.up(t)
		}},
		"comes and goes": {trouble: func(t *testing.T, _ *collector, b *backend) {
			for range 8 {
				b.down(t)
				pause(t, 700*time.Millisecond)
				b.up(t)
				pause(t, 300*time.Millisecond)
			}
		}},
		// Longer than an answer takes on a busy machine: records that are accepted too late for the exporter are sent again.
		"hangs": {timeout: 6 * time.Second, trouble: func(t *testing.T, c *collector, b *backend) {
			b.answering(func(int) (time.Duration, int) { return hang, http.StatusOK })
			eventually(t, recovers, "it is called again and again", func() bool { return b.askedFor() >= 6 })
			c.says(t, "retrying. Nothing is lost", recovers)
		}},
		"answers slowly": {trouble: func(t *testing.T, _ *collector, b *backend) {
			b.answering(func(int) (time.Duration, int) { return 500 * time.Millisecond, http.StatusOK })
			pause(t, 5*time.Second)
		}},
		"takes every fourth request": {trouble: func(t *testing.T, _ *collector, b *backend) {
			answers := []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusOK}
			b.answering(func(n int) (time.Duration, int) { return 0, answers[(n-1)%len(answers)] })
			eventually(t, recovers, "several pages got through", func() bool { return b.askedFor() >= 16 })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := simulator.Tenant{Seed: 7, PerSecond: 20, Start: time.Now().Unix() - 60, LateFraction: 0.1, MaxLateness: 2 * time.Second}
			a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [3s]")
			if tc.timeout != 0 {
				s.Timeout = tc.timeout
			}
			c := s.start(t, b)
			eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 3*pageSize })
			tc.trouble(t, c, b)
			b.answering(always(http.StatusOK))
			entries := a.ends(log)
			b.arrivals(t, entries)
			pause(t, 6*time.Second) // records that arrive now would be duplicates
			c.term(t)
			b.check(t, entries, 0)
		})
	}
}

// TestRefusedPermanently: a record that the backend never accepts neither blocks the rest nor disappears without
// a report: it is counted, logged with its id, and not sent again. All others arrive once. Covers F24, F37, F53.
func TestRefusedPermanently(t *testing.T) {
	t.Parallel()
	log := simulator.Tenant{Seed: 8, PerSecond: 20, Start: time.Now().Unix() - 60}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	first := log.Entries(log.Start, log.Start+30)
	poison := []string{first[5].ID, first[120].ID, first[121].ID}
	slices.Sort(poison)
	b.poison = map[string]bool{}
	for _, id := range poison {
		b.poison[id] = true
	}
	s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s, 4s]")
	s.Metrics = true
	c := s.start(t, b)
	pause(t, 5*time.Second)
	entries := a.ends(log)
	eventually(t, recovers, "every entry was taken or given up", func() bool { return b.count()+len(c.lostIDs()) >= len(entries) })
	pause(t, 6*time.Second) // records that arrive now would be duplicates
	eventually(t, recovers, "the collector counts what was lost", func() bool {
		return b.counter("otelcol_receiver_feishu_audit_entries", "lost") == int64(len(poison)) &&
			b.counter("otelcol_receiver_feishu_audit_entries", "delivered") == int64(b.count())
	})
	c.term(t)
	require.Equal(t, poison, c.lostIDs(), "ids in the collector's log")
	b.mu.Lock()
	b.refused = map[string]int{} // its neighbours were refused, too, and arrived
	for _, id := range poison {
		b.refused[id] = 1
	}
	b.mu.Unlock()
	b.check(t, entries, 0)
}

var lost = regexp.MustCompile(`Dropped record (\S+): the pipeline rejects it`)

// lostIDs are the ids that the collector's log reports as lost, sorted.
func (c *collector) lostIDs() []string {
	var ids []string
	for _, line := range lost.FindAllStringSubmatch(c.out.String(), -1) {
		ids = append(ids, line[1])
	}
	slices.Sort(ids)
	return ids
}
