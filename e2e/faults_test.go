// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// TestFaults causes one fault at a time. The collector keeps running, reports clearly what is wrong, recovers
// automatically when the cause ends, and nothing is lost. Covers F20, F22, F24, F32, F39.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts  simulator.Options
		wrong func(t *testing.T, s *setup, a *api, b *backend)
		mend  func(t *testing.T, s *setup, a *api, b *backend)
		says  []string
	}{
		"wrong secret": {
			opts: simulator.Options{Apps: map[string]string{simulator.DefaultAppID: "another"}},
			mend: func(_ *testing.T, _ *setup, a *api, _ *backend) {
				a.Update(func(o *simulator.Options) {
					o.Apps = map[string]string{simulator.DefaultAppID: simulator.DefaultAppSecret}
				})
			},
			says: []string{"app secret invalid (code 10014", "check that app_id and app_secret belong together"},
		},
		"missing scope": {
			opts: simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultMissingScope}}},
			mend: func(_ *testing.T, _ *setup, a *api, _ *backend) { a.heal() },
			says: []string{"code 99991672", "grant the app one of the scopes security_and_compliance:audit_log.openapi_log:readonly and publish a new version"},
		},
		"dead endpoint": {
			wrong: func(t *testing.T, _ *setup, a *api, _ *backend) { a.down(t) },
			mend:  func(t *testing.T, _ *setup, a *api, _ *backend) { a.up(t) },
			says:  []string{"connection refused", "retrying. Nothing is lost"},
		},
		"wrong path": {
			opts: simulator.Options{Faults: []simulator.Fault{{Kind: simulator.FaultNotFound, Endpoint: simulator.EndpointToken}}},
			mend: func(_ *testing.T, _ *setup, a *api, _ *backend) { a.heal() },
			says: []string{"the server does not know this path (HTTP 404", "check endpoint"},
		},
		"unusable storage": {
			wrong: func(t *testing.T, s *setup, _ *api, _ *backend) {
				// A folder in place of the storage's file: refused for root, too.
				require.NoError(t, os.MkdirAll(s.file(), 0o700))
			},
			mend: func(t *testing.T, s *setup, _ *api, _ *backend) {
				require.NoError(t, os.Remove(s.file()))
			},
			says: []string{"cannot open the storage", "retrying. Nothing is lost"},
		},
		"refused by the pipeline": {
			wrong: func(_ *testing.T, _ *setup, _ *api, b *backend) { b.answering(always(http.StatusServiceUnavailable)) },
			mend:  func(_ *testing.T, _ *setup, _ *api, b *backend) { b.answering(always(http.StatusOK)) },
			says:  []string{"the pipeline does not take records", "retrying. Nothing is lost"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now().Unix()
			log := simulator.Tenant{Seed: 11, PerSecond: 3, Start: now - 120, End: now}
			tc.opts.Tenant = log
			a, b := newAPI(t, tc.opts), newBackend(t)
			s := newSetup(t, "http://"+a.addr, "initial_lookback: 10m", "recheck_after: [1s]")
			if tc.wrong != nil {
				tc.wrong(t, s, a, b)
			}
			c := s.start(t, b)
			for _, text := range tc.says {
				c.says(t, text, starts)
			}
			require.Zero(t, b.count())
			tc.mend(t, s, a, b)
			c.says(t, "works again", recovers)
			entries := log.Entries(log.Start, log.End+1)
			b.arrivals(t, entries)
			c.term(t)
			b.check(t, entries, 0)
		})
	}
}

// TestForeignCheckpoint: with a checkpoint of another query the receiver does not start over: it reports this
// and stops, and the collector keeps running. Covers F31.
func TestForeignCheckpoint(t *testing.T) {
	t.Parallel()
	now := time.Now().Unix()
	a := newAPI(t, simulator.Options{Tenant: simulator.Tenant{Seed: 3, PerSecond: 1, Start: now - 60}})
	b := newBackend(t)
	s := newSetup(t, "http://"+a.addr)
	c := s.start(t, b)
	eventually(t, starts, "entries arrive", func() bool { return b.count() > 0 })
	c.term(t)
	before := b.count()
	s.Extra = []string{"filter: {app_id: cli_other}"}
	c = s.start(t, b)
	c.says(t, "the stored checkpoint cannot be used: key", starts)
	c.says(t, "cli_other", time.Second)
	require.True(t, c.alive())
	c.term(t)
	require.Equal(t, before, b.count())
}
