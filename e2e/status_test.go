// Copyright The feishuauditreceiver Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/feishuaudit/feishuauditreceiver/internal/simulator"
)

// health is what healthcheckv2 answers.
type health struct {
	Status     string            `json:"status"`
	Error      string            `json:"error"`
	Components map[string]health `json:"components"`
}

// health requests the collector's health check. The HTTP status is the one for orchestrators.
func (s *setup) health(t *testing.T) (httpStatus int, all health) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Health+"/status?verbose", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &all), string(body))
	return res.StatusCode, all
}

// becomes waits until the health check has this status for a component of the pipeline: it gets it a moment
// after the log line.
func (s *setup) becomes(t *testing.T, component, status string) {
	t.Helper()
	eventually(t, recovers, component+" becomes "+status, func() bool {
		_, all := s.health(t)
		return all.Components["pipeline:logs"].Components[component].Status == status
	})
}

// TestHealthCheck: the answer of the collector's health check turns bad when a problem starts, with an
// understandable reason, and good when it ends. Covers F38.
func TestHealthCheck(t *testing.T) {
	t.Parallel()
	faulty := func(fault simulator.Fault) func(*testing.T, *setup, *api, *backend) {
		return func(_ *testing.T, _ *setup, a *api, _ *backend) {
			a.Update(func(o *simulator.Options) { o.Faults = []simulator.Fault{fault} })
		}
	}
	healed := func(_ *testing.T, _ *setup, a *api, _ *backend) { a.heal() }
	secret := func(secret string) func(*testing.T, *setup, *api, *backend) {
		return func(_ *testing.T, _ *setup, a *api, _ *backend) {
			a.Update(func(o *simulator.Options) { o.Apps = map[string]string{simulator.DefaultAppID: secret} })
			a.RevokeTokens()
		}
	}
	for name, tc := range map[string]struct {
		before      func(t *testing.T, s *setup, a *api, b *backend) // before the start; otherwise it is healthy at first
		wrong, mend func(t *testing.T, s *setup, a *api, b *backend)
		says        []string
	}{
		"wrong secret":  {wrong: secret("another"), mend: secret(simulator.DefaultAppSecret), says: []string{"app_id or app_secret is wrong: ", "check that app_id and app_secret belong together"}},
		"missing scope": {wrong: faulty(simulator.Fault{Kind: simulator.FaultMissingScope}), mend: healed, says: []string{"the app may not read the audit log: ", "/app/" + simulator.DefaultAppID + "/auth?q=security_and_compliance:audit_log.openapi_log:readonly"}},
		"IP refused":    {wrong: faulty(simulator.Fault{Kind: simulator.FaultIPRefused}), mend: healed, says: []string{"this collector's IP address is not allowed: ", "IP whitelist"}},
		// Its end is noticed only within the hour, which health_test.go waits for.
		"quota":      {wrong: faulty(simulator.Fault{Kind: simulator.FaultQuotaExceeded}), says: []string{"the tenant's calls of this month are used up: ", "an admin can buy more"}},
		"rate limit": {wrong: faulty(simulator.Fault{Kind: simulator.FaultRateLimited}), mend: healed, says: []string{"the API's rate limit is reached: ", "code 99991400"}},
		"network": {
			wrong: func(t *testing.T, _ *setup, a *api, _ *backend) { a.down(t) },
			mend:  func(t *testing.T, _ *setup, a *api, _ *backend) { a.up(t) },
			says:  []string{"the API does not answer: ", "connection refused"},
		},
		"pipeline": {
			wrong: func(_ *testing.T, _ *setup, _ *api, b *backend) { b.answering(always(http.StatusServiceUnavailable)) },
			mend:  func(_ *testing.T, _ *setup, _ *api, b *backend) { b.answering(always(http.StatusOK)) },
			says:  []string{"the pipeline does not take records: "},
		},
		"storage": {
			before: func(t *testing.T, s *setup, _ *api, _ *backend) { require.NoError(t, os.MkdirAll(s.file(), 0o700)) },
			mend:   func(t *testing.T, s *setup, _ *api, _ *backend) { require.NoError(t, os.Remove(s.file())) },
			says:   []string{"the position cannot be read or written: cannot open the storage"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, simulator.Options{RateHintValue: "1", Tenant: simulator.Tenant{Seed: 21, PerSecond: 5, Start: time.Now().Unix() - 10}})
			b := newBackend(t)
			s := newSetup(t, "http://"+a.addr, "recheck_after: [2s]")
			s.Health = freeAddress(t)
			if tc.before != nil {
				tc.before(t, s, a, b)
			}
			c := s.start(t, b)
			c.says(t, ready, starts)
			good := func() bool {
				code, all := s.health(t)
				return code == http.StatusOK && all.Status == "StatusOK"
			}
			if tc.before == nil {
				eventually(t, starts, "entries arrive", func() bool { return b.count() > 0 })
				eventually(t, starts, "it is well at first", good)
				tc.wrong(t, s, a, b)
			}
			eventually(t, recovers, "the health check turns bad", func() bool {
				code, all := s.health(t)
				if code != http.StatusInternalServerError {
					return false
				}
				require.Equal(t, "StatusRecoverableError", all.Status)
				// The exporter may report something of its own.
				of := all.Components["pipeline:logs"].Components["receiver:feishu_audit"]
				if of.Error == "" {
					return false
				}
				require.True(t, strings.HasPrefix(of.Error, tc.says[0]), of.Error)
				for _, text := range tc.says {
					require.Contains(t, of.Error, text)
				}
				return true
			})
			if tc.mend != nil {
				tc.mend(t, s, a, b)
				eventually(t, 2*time.Minute, "the health check turns good", good)
			}
			c.term(t)
		})
	}
}
