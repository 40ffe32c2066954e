// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestReload: the collector has to read its configuration again (SIGHUP), again and again while entries arrive,
// with other options of this receiver, with another receiver that is added and removed, and with the same
// storage. Nothing is lost or duplicated. Covers F4, F30, F31, F35.
func TestReload(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	start := time.Now().Unix() - 120
	log := simulator.Tenant{Seed: 9, PerSecond: 20, BurstEvery: 5 * time.Second, BurstSize: 500, Start: start, LateFraction: 1.0 / 3, MaxLateness: lastRecheck}
	second := simulator.Tenant{Seed: 10, PerSecond: 5, Start: start}
	// Slow enough for concurrent walks, if they are allowed.
	slow := []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 50 * time.Millisecond}}
	a, a2 := newAPI(t, simulator.Options{Tenant: log, Faults: slow}), newAPI(t, simulator.Options{Tenant: second})
	b := newBackend(t)

	s := newSetup(t, "http://"+a.addr)
	// The last recheck stays, because late entries depend on it.
	configs := [][]string{
		{"initial_lookback: 10m", "recheck_after: [2s, 6s]"},
		{"initial_lookback: 10m", "recheck_after: [1s, 3s, 6s]", "page_size: 30", "body: structured"},
		{"initial_lookback: 0s", "recheck_after: [6s]", "max_concurrent_walks: 4", "max_window: 10s"},
		{"initial_lookback: 0s", "recheck_after: [2s, 6s]", "timeout: 5s", "redaction: {enabled: false}"},
	}
	configure := func(i int) {
		s.Extra = configs[i%len(configs)]
		s.Others = nil
		if i%2 == 0 {
			s.Others = map[string]*other{"second": {Endpoint: "http://" + a2.addr, Extra: []string{"initial_lookback: 10m", "recheck_after: [2s]"}}}
		}
	}
	configure(0)
	c := s.start(t, b)
	c.says(t, ready, starts)
	const reloads = 12
	for i := 1; i <= reloads; i++ {
		if i%2 == 0 {
			pause(t, time.Duration(rng.IntN(1500))*time.Millisecond)
		} else {
			b.waitFor(t, b.requests()+1+rng.IntN(4), 3*time.Second) // during a walk
		}
		configure(i)
		s.write(t, b)
		require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
		eventually(t, starts, "the configuration was read again", func() bool {
			require.True(t, c.alive(), "the collector ended")
			return strings.Count(c.out.String(), ready) == i+1
		})
	}
	entries := append(a.ends(log), a2.ends(second)...)
	b.arrivals(t, entries)
	pause(t, 2*lastRecheck) // records that arrive now would be duplicates
	c.term(t)
	b.check(t, entries, 0)
}

// TestSecretRotated: the app secret is a file, and is rotated while entries arrive. The old one is refused,
// which is reported; once the file has the new one, and the collector has read its configuration again (SIGHUP),
// everything arrives once. Covers F21.
func TestSecretRotated(t *testing.T) {
	t.Parallel()
	log := simulator.Tenant{Seed: 19, PerSecond: 10, Start: time.Now().Unix() - 60}
	a, b := newAPI(t, simulator.Options{Tenant: log}), newBackend(t)
	s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [2s]")
	file := filepath.Join(s.dir, "app_secret")
	s.Secret = "${file:" + file + "}"
	require.NoError(t, os.WriteFile(file, []byte(simulator.DefaultAppSecret), 0o600))
	c := s.start(t, b)
	eventually(t, starts, "some pages arrive", func() bool { return b.count() >= 3*pageSize })

	a.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: otherSecret} })
	a.RevokeTokens()
	c.says(t, "app secret invalid (code 10014", recovers)
	before := b.count()
	pause(t, 2*time.Second)
	require.Equal(t, before, b.count())
	require.NoError(t, os.WriteFile(file, []byte(otherSecret), 0o600))
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
	eventually(t, recovers, "more arrives", func() bool { return b.count() > before })
	entries := a.ends(log)
	b.arrivals(t, entries)
	pause(t, 4*time.Second) // records that arrive now would be duplicates
	c.term(t)
	b.check(t, entries, 0)
}

// TestEndsWhileAllHangs: the collector ends on SIGTERM within a limited time while API and backend hang at the
// same moment, with any configuration of the exporter, and its next run has lost nothing. Covers F20, F32, F35.
func TestEndsWhileAllHangs(t *testing.T) {
	t.Parallel()
	const (
		noQueue = "sending_queue: {enabled: false}"
		noRetry = "retry_on_failure: {enabled: false}"
		retry   = "retry_on_failure: {enabled: true, initial_interval: 100ms, max_elapsed_time: 0s}"
		queue   = "sending_queue: {enabled: true, storage: file_storage, queue_size: 2, num_consumers: 1}"
	)
	for name, tc := range map[string]struct {
		exporter []string
		timeout  time.Duration // of the exporter
		gone     bool          // the servers are down instead of hanging
	}{
		"no retry":        {exporter: []string{noQueue, noRetry}, timeout: time.Minute},
		"retry":           {exporter: []string{noQueue, retry}, timeout: time.Minute},
		"retry, all gone": {exporter: []string{noQueue, retry}, timeout: time.Minute, gone: true},
		// The queue of an exporter waits for the request in flight, up to the exporter's own time limit.
		"retry, persistent queue": {exporter: []string{queue, retry}, timeout: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now().Unix() - 60
			log := simulator.Tenant{Seed: 12, PerSecond: 20, Start: start}
			// Two walks are read concurrently, because answers are slow; the backend hangs with the third page,
			// and the call for the fourth hangs at the same time.
			a := newAPI(t, simulator.Options{Tenant: log, Faults: []simulator.Fault{
				{Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond, Count: 3}, {Kind: simulator.FaultHang, After: 3},
			}})
			b := newBackend(t)
			b.answering(func(n int) (time.Duration, int) {
				if n > 2 {
					return hang, http.StatusOK
				}
				return 0, http.StatusOK
			})
			s := newSetup(t, "http://"+a.addr, "start_time: "+time.Unix(start, 0).UTC().Format(time.RFC3339), "recheck_after: [2s]", "max_concurrent_walks: 2", "max_window: 20s")
			s.Exporter, s.Timeout = tc.exporter, tc.timeout
			c := s.start(t, b)
			eventually(t, starts, "API and backend hang", func() bool {
				calls := a.Calls()
				return b.askedFor() > 2 && slices.Contains(calls[len(calls)-1].Faults, simulator.FaultHang)
			})
			if tc.gone {
				_ = a.http.Close()
				_ = b.http.Close()
			}
			pause(t, time.Second)
			require.Equal(t, 2, b.requests())
			began := time.Now()
			c.term(t)
			t.Logf("ended after %s", time.Since(began).Round(10*time.Millisecond))

			if tc.gone {
				a.up(t)
				b.up(t)
			}
			a.heal()
			b.answering(always(http.StatusOK))
			entries := a.ends(log)
			c = s.start(t, b)
			b.arrivals(t, entries)
			c.term(t)
			b.check(t, entries, 0)
		})
	}
}
